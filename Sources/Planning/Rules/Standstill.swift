import Cluster

/// Where nobody leads: what may be taken down to get a leader back.
extension Rules {
    /// Patroni elects a leader within seconds once the lock is free, which the views tell.
    private static let election = Duration.seconds(20)

    /// Whether the member is neither a copy that works nor on its way to become one by itself. A
    /// replica that runs without a leader is what an election needs.
    static func standsStill(_ member: MemberName, _ observed: Observed) -> Bool {
        guard let answer = observed.members[member]?.value else { return true }
        switch answer.state {
        case .stopped, .crashed, .startFailed, .restartFailed, .stopFailed, .initializing, .other:
            return answer.role != .leader && answer.role != .standbyLeader
        case .running, .streaming, .starting, .restarting, .stopping, .creatingReplica,
            .inArchiveRecovery:
            return false
        }
    }

    /// A container that runs, and a Patroni that does not answer: its Postgres may work.
    static func isSilent(_ member: MemberName, _ observed: Observed) -> Bool {
        observed.members[member]?.value == nil
            && observed.nodes.values.contains {
                $0.value?.container(member.service)?.state == .running
            }
    }

    /// S1, S2: with a leader as any repair; without one the member must stand still, and nobody may
    /// name a leader that we cannot hear.
    static func takesNothingAway(
        _ member: MemberName, maxLag: ByteCount, topology: Topology, observed: Observed
    ) -> Verdict {
        let health = ClusterHealth(observed)
        guard health.leaders.isEmpty, !health.isPaused, !health.isFailsafeActive else {
            let rules: [Guard] = [
                .notLeading(member), .clusterSettled,
                .ailingOrOthersStreaming(member, maxLag: maxLag),
            ]
            return rules.lazy.map { check($0, topology: topology, observed: observed) }
                .first { $0 != .holds } ?? .holds
        }
        let views = observed.views.compactMapValues(\.value)
        for (name, view) in views.sorted(by: { $0.key < $1.key }) {
            guard let leader = view.leaders.first else { continue }
            return .wait("\(name)'s view still names \(leader) as leader, which says nothing")
        }
        guard standsStill(member, observed) else {
            return .wait("nobody leads, and \(member) runs: it may come to lead")
        }
        if isSilent(member, observed), views.isEmpty, observed.members.count > 1 {
            return .wait(
                "no member answers, so \(member) may lead: look at the way to Patroni's ports, and"
                    + " restart by hand the members that hang (docker restart)")
        }
        return .ripening("nobody leads; one may come to by itself", after: election)
    }
}
