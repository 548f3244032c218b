import Cluster
import Rendering

/// What a person will bring back, as it was.
struct Revival: Sendable {
    var due: Duration
    var containers: [ContainerAddress: ContainerSpec] = [:]
}

extension World {
    /// `docker compose down` on every server; `docker compose up -d` of the same file later.
    mutating func takeDown(returningAfter delay: Duration) {
        var revival = Revival(due: now + delay)
        for node in nodes {
            for (service, container) in servers[node]?.containers ?? [:] {
                revival.containers[ContainerAddress(service, on: node)] = container.spec
            }
        }
        // Members give up their keys while etcd takes them.
        for (address, spec) in revival.containers.sorted(by: { $0.key < $1.key }) {
            if case .postgres = spec.role { stop(address) }
        }
        for address in revival.containers.keys {
            servers[address.node]?.containers[address.service] = nil
        }
        self.revival = revival
    }

    /// What somebody made by then stays.
    mutating func bringBack() {
        guard let revival, now >= revival.due else { return }
        self.revival = nil
        tell("a person brings back what was taken down")
        for (address, spec) in revival.containers.sorted(by: { $0.key < $1.key })
        where servers[address.node]?.containers[address.service] == nil {
            let container = created(spec, on: address.node)
            servers[address.node]?.containers[address.service] = container
            run(address)
        }
    }
}
