import Cluster

/// Who may take over the lead.
extension RolloutStage {
    /// A member that needs nothing more once the steps so far are done: the preferred leader, in
    /// synchronous mode the standby that will be synchronous, else the first by name.
    func candidate(besides old: MemberName, changed: [MemberName]) -> MemberName? {
        let eligible = situation.topology.members.map(\.name).filter { name in
            guard name != old, !Rules.mayNotLead(situation.observed, name),
                !isTaggedNotToLead(name)
            else { return false }
            switch standings[name]?.need {
            case .nothing, .recreation, .creation, .start, .restart, .reinitialization: return true
            case .patience, .unknown, nil: return false
            }
        }
        if Rules.isSynchronous(situation.observed.configuration?.value) {
            return synchronous(
                among: eligible.filter { !isNeverSynchronous($0) }, changed: changed)
        }
        if let preferred = situation.rollout.preferredLeader, eligible.contains(preferred) {
            return preferred
        }
        let healthy = eligible.filter { standings[$0]?.isHealthy == true }
        return healthy.first ?? eligible.first
    }

    /// A synchronous standby that is recreated hands its part to another member meanwhile.
    private func synchronous(among eligible: [MemberName], changed: [MemberName]) -> MemberName? {
        let steady = eligible.first { isSync($0) && !changed.contains($0) }
        let heir = eligible.first { !isSync($0) && standings[$0]?.isHealthy == true }
        return steady ?? heir ?? eligible.first
    }

    private func isSync(_ name: MemberName) -> Bool {
        if case .streams(_, true) = situation.health.members[name] { true } else { false }
    }

    /// In synchronous mode Patroni hands over to the synchronous standby alone; who that will be
    /// after members were taken down is Patroni's choice, where there are several to choose from.
    func willBeSynchronous(_ name: MemberName, _ draft: Draft) -> Bool {
        guard !isNeverSynchronous(name) else { return false }
        if situation.topology.members.count == 2 { return true }
        return isSync(name) && draft.lastDisruption.isEmpty
    }

    /// A synchronous standby that leaves has to go before another can be handed the lead.
    var synchronousStandbyLeaves: Bool {
        Rules.isSynchronous(situation.observed.configuration?.value)
            && situation.leaving.contains { isSync($0) }
    }

    func isNeverSynchronous(_ name: MemberName) -> Bool {
        declaredTags(name)["nosync"] == .bool(true)
            || Rules.isNeverSynchronous(situation.observed, name)
    }

    func isTaggedNotToLead(_ name: MemberName) -> Bool { Rules.mayNotLead(declaredTags(name)) }

    private func declaredTags(_ name: MemberName) -> [String: JSONValue] {
        let pin = situation.topology.member(name)?.pin?.tags ?? [:]
        return situation.desired.postgres.tags.merging(pin) { $1 }
    }
}
