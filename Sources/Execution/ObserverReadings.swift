package import Cluster
package import Observation
package import Planning

/// Fresh readings by the observer that made the first ones.
package struct ObserverReadings: ReadingSource {
    private let observer: Observer
    private let topology: Topology
    package init(_ observer: Observer, topology: Topology) {
        self.observer = observer
        self.topology = topology
    }

    package func refresh(_ observed: Observed, _ needs: Set<ReadingNeed>) async -> Observed {
        var parts: Set<ObservedPart> = []
        for need in needs {
            switch need {
            case .patroni: parts.insert(.patroni)
            case .configuration: parts.insert(.configuration)
            case .etcd: parts.insert(.etcd)
            case .haproxy(let node): parts.insert(.haproxy(node))
            case .node(let node): parts.insert(.node(node))
            }
        }
        return await observer.refresh(
            observed, parts, of: topology.desired, placed: topology.members)
    }

    /// etcd and HAProxy are found by their containers, so a node where none was seen yet is looked
    /// at too. On a single node etcd's address changes with its container.
    package func complete(
        _ needs: Set<ReadingNeed>, knowing observed: Observed
    ) -> Set<ReadingNeed> {
        var complete = needs
        for need in needs {
            switch need {
            case .etcd:
                for member in topology.desired.etcd.members
                where topology.desired.isSingleNode
                    || !has(member.name.service, on: member.node, observed)
                {
                    complete.insert(.node(member.node))
                }
            case .haproxy(let node) where !has(HAProxy.service, on: node, observed):
                complete.insert(.node(node))
            case .patroni, .configuration, .haproxy, .node: break
            }
        }
        return complete
    }

    private func has(_ service: ServiceName, on node: NodeName, _ observed: Observed) -> Bool {
        observed.nodes[node]?.value?.container(service) != nil
    }
}
