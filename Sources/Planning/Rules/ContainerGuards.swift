import Cluster

/// What a container has to be before it is acted upon (S9).
extension Rules {
    static func containerIs(
        _ address: ContainerAddress, _ id: String, _ observed: Observed
    ) -> Verdict {
        onNode(address, observed) { container in
            guard let container else { return .refused("the container of \(address) is gone") }
            return container.id == id
                ? .holds : .refused("the container of \(address) was replaced by someone else")
        }
    }

    /// It was gone when the plan was made. What came meanwhile may lead by now.
    static func containerMissing(_ address: ContainerAddress, _ observed: Observed) -> Verdict {
        onNode(address, observed) { container in
            container == nil
                ? .holds
                : .refused(
                    "the container of \(address) was made by someone else since the plan: nothing was"
                        + " done to it; plan again")
        }
    }

    private static func onNode(
        _ address: ContainerAddress, _ observed: Observed,
        _ judge: (ObservedContainer?) -> Verdict
    ) -> Verdict {
        switch observed.nodes[address.node] {
        case nil: .wait("\(address.node) was not looked at")
        case .unreachable(let reason):
            .wait("\(address.node) could not be looked at: \(reason)")
        case .known(let node): judge(node.container(address.service))
        }
    }

    /// As the plan gives it time: somebody, or its server, started it since.
    static func hasJustStarted(
        _ member: MemberName, _ topology: Topology, _ observed: Observed
    ) -> Bool {
        guard let placed = topology.member(member),
            let node = observed.nodes[placed.node]?.value,
            let container = node.container(member.service), container.state == .running
        else { return false }
        return container.hasStarted(within: MemberStanding.grace, by: node.clock)
    }
}
