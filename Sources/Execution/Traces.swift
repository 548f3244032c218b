package import Cluster
package import Planning

/// What tells an act that went on behind a lost connection from one that has yet to.
///
/// A healthy member is as healthy before its recreation as after it, and a command survives the
/// connection that sent it: so after an unknown outcome the container itself must be another one,
/// or started later, before the step's condition means anything.
extension Action {
    /// Why the act cannot be told to be over; `nil` when its trace is there, or when its condition
    /// alone tells.
    /// - Parameter before: the readings that the act rested on.
    package func missingTrace(
        since before: Observed?, seeing now: Observed, topology: Topology
    ) -> String? {
        guard let address = tracedContainer(in: topology) else { return nil }
        guard let was = before?.nodes[address.node]?.value else {
            return "which container of \(address) ran before is not known"
        }
        guard let node = now.nodes[address.node]?.value else {
            return "\(address.node) could not be looked at: "
                + (now.nodes[address.node]?.reason ?? "it was not looked at")
        }
        guard let old = was.container(address.service) else { return nil }
        guard let same = node.containers.first(where: { $0.id == old.id }) else { return nil }
        if case .restartMember = self, hasStarted(same, since: old) { return nil }
        if case .restartContainer = self, hasStarted(same, since: old) { return nil }
        return "the container of \(address) is still as before; the command may be running there"
    }

    /// What has to be read before `missingTrace` can be told.
    package func traceNeeds(topology: Topology) -> Set<ReadingNeed> {
        tracedContainer(in: topology).map { [.node($0.node)] } ?? []
    }

    /// The container that the act replaces, restarts or removes.
    private func tracedContainer(in topology: Topology) -> ContainerAddress? {
        switch self {
        case .recreateMember, .restartMember, .recreateContainer, .restartContainer,
            .removeMember:
            container(in: topology)
        default: nil
        }
    }

    private func hasStarted(_ now: ObservedContainer, since old: ObservedContainer) -> Bool {
        guard let first = old.startedAt, let second = now.startedAt else { return false }
        return second > first
    }
}
