import Cluster
import Rendering

/// Members that run: repairs, the rolling update with the leader last, removals.
struct RolloutStage {
    let situation: Situation
    let standings: [MemberName: MemberStanding]
    /// Where the leader will be when the steps so far are done.
    private(set) var leader: MemberName?

    init(situation: Situation, standings: [MemberName: MemberStanding]) {
        self.situation = situation
        self.standings = standings
        leader = situation.health.leader
    }

    var limit: Duration { situation.rollout.stepTimeout }
    var maxLag: ByteCount { situation.maxLag }

    private func address(_ name: MemberName) -> ContainerAddress? {
        if let member = situation.topology.member(name) { return situation.address(member) }
        return situation.live[name].map { ContainerAddress(name.service, on: $0.node) }
    }

    /// Healthy members that differ: replicas one at a time, then a switchover, then the old leader.
    mutating func update(_ draft: inout Draft) {
        let changed = situation.topology.members.compactMap { member -> Change? in
            guard let standing = standings[member.name], standing.isHealthy,
                let container = standing.container,
                case .recreation(let causes) = standing.need
            else { return nil }
            return Change(name: member.name, container: container.id, causes: causes)
        }
        let leaderGoes = leader.map { situation.leaving.contains($0) } ?? false
        guard !changed.isEmpty || leaderGoes else { return }
        guard isEverythingSeen(changed.map(\.name), &draft) else { return }
        if leader == nil {
            draft.block(
                situation.desired.name.rawValue,
                seen: situation.health.unsettled ?? "no leader",
                expected: "one leader before healthy members are recreated",
                remedy: "Wait for Patroni to elect one, then plan again.")
            return
        }
        for change in changed.filter({ $0.name != leader }).sorted(by: goesBefore) {
            recreate(change, &draft)
        }
        guard let old = leader else { return }
        let change = changed.first { $0.name == old }
        guard change != nil || leaderGoes else { return }
        guard let candidate = candidate(besides: old, changed: changed.map(\.name)) else {
            updateAlone(old, change, &draft)
            return
        }
        switchover(
            from: old, to: candidate, &draft,
            because: change == nil
                ? "\(old) leads and is to be removed" : "\(old) leads and has to be recreated")
        if let change { recreate(change, &draft) }
    }

    private struct Change {
        var name: MemberName
        var container: String
        var causes: [Cause]
    }

    /// The most lagged first, the synchronous standby last.
    private func goesBefore(_ left: Change, _ right: Change) -> Bool {
        func rank(_ name: MemberName) -> (Int, Int64) {
            guard case .streams(let lag, let sync) = situation.health.members[name] else {
                return (0, 0)
            }
            guard case .known(let bytes) = lag, bytes > maxLag else { return (sync ? 2 : 1, 0) }
            return (sync ? 2 : 0, -bytes.bytes)
        }
        let (a, b) = (rank(left.name), rank(right.name))
        return a == b ? left.name < right.name : a < b
    }

    private mutating func recreate(_ change: Change, _ draft: inout Draft) {
        guard let address = address(change.name) else { return }
        draft.restarted.insert(change.name)
        draft.lastDisruption = [
            draft.add(
                "recreate:\(change.name)", .recreateMember(change.name), because: change.causes,
                after: draft.prepared + draft.etcd + draft.created + draft.lastDisruption,
                guards: [
                    .containerIs(address, id: change.container), .clusterSettled,
                    .notLeading(change.name),
                    .othersStreaming(besides: change.name, maxLag: maxLag),
                ],
                done: .streaming(change.name, maxLag: maxLag), limit: limit,
                disruption: .replicaRestart)
        ]
    }

    /// The only member is its own cluster: recreating it is an outage, and has to be accepted (S2).
    private mutating func updateAlone(_ name: MemberName, _ change: Change?, _ draft: inout Draft) {
        guard let change, situation.topology.members.count == 1, situation.live.count == 1,
            let address = address(name)
        else {
            draft.block(
                name.rawValue, seen: "it leads, and no other member may take over",
                expected: "a healthy replica that is allowed to lead",
                remedy: "Repair or add a replica, then plan again.")
            return
        }
        draft.restarted.insert(name)
        draft.lastDisruption = [
            draft.add(
                "recreate:\(name)", .recreateMember(name), because: change.causes,
                after: draft.prepared + draft.etcd + draft.created + draft.lastDisruption,
                guards: [.containerIs(address, id: change.container), .clusterSettled],
                done: .leads(name), limit: limit, disruption: .outage, hazards: [.outage])
        ]
    }

    private mutating func switchover(
        from old: MemberName, to new: MemberName, _ draft: inout Draft, because reason: String,
        isOptional: Bool = false
    ) {
        draft.lastDisruption = [
            draft.add(
                "switchover:\(new)", .switchover(from: old, to: new), because: [.topology(reason)],
                after: draft.prepared + draft.etcd + draft.created + draft.lastDisruption,
                guards: [
                    .switchoverPossible(
                        from: old, to: new, maxLag: maxLag, isOptional: isOptional),
                    .othersStreaming(besides: old, maxLag: maxLag),
                ],
                done: .leads(new), limit: limit, disruption: .writePause)
        ]
        leader = new
    }

    /// A preferred leader gets the lead back, when it is fit for it.
    mutating func preferLeader(_ draft: inout Draft) {
        guard let preferred = situation.rollout.preferredLeader, let leader, leader != preferred,
            draft.blockers.isEmpty, situation.unknownNodes.isEmpty,
            situation.topology.member(preferred) != nil, !isTaggedNotToLead(preferred)
        else { return }
        if case .patience = standings[preferred]?.need { return }
        // After members were taken down, who is synchronous is Patroni's choice.
        let isChosen =
            !Rules.isSynchronous(situation.observed.configuration?.value)
            || willBeSynchronous(preferred, draft)
        if !isChosen, draft.lastDisruption.isEmpty || isNeverSynchronous(preferred) {
            draft.notes.append(
                .advice(
                    "\(preferred) is preferred to lead, and gets the lead once it is the"
                        + " synchronous standby"))
            return
        }
        switchover(
            from: leader, to: preferred, &draft,
            because: "the manifest prefers \(preferred) to lead"
                + (isChosen ? "" : "; left out unless it is the synchronous standby by then"),
            isOptional: !isChosen)
    }

    /// S4: while something is unknown, nothing may lower redundancy.
    func isEverythingSeen(_ names: [MemberName], _ draft: inout Draft) -> Bool {
        guard !situation.unknownNodes.isEmpty else { return true }
        for name in names {
            draft.block(
                name.rawValue, seen: EtcdStage.unseen(situation),
                expected: "every node seen before a healthy copy is taken away",
                remedy: "Make the node reachable or take it out of the manifest, then plan again.")
        }
        return false
    }
}
