import Cluster
import Rendering

/// Members that are broken, each by the mildest thing that works.
extension RolloutStage {
    /// Members that are broken, one at a time: nothing healthy is taken away by it.
    mutating func repair(_ draft: inout Draft) {
        for member in situation.topology.members {
            guard let standing = standings[member.name], !standing.isHealthy,
                let container = standing.container
            else { noteIfPatient(member, &draft); continue }
            let address = situation.address(member)
            let name = member.name
            let same = Guard.containerIs(address, id: container.id)
            let base = draft.prepared + draft.etcd + draft.created + draft.lastDisruption
            if reviveWithoutLeader(member, standing, same, &draft) { continue }
            switch standing.need {
            case .nothing, .creation, .unknown: continue
            case .patience:
                noteIfPatient(member, &draft)
                continue
            case .start(let causes):
                // Starting takes nothing away, whoever leads.
                draft.lastDisruption.append(
                    draft.add(
                        "start:\(name)", .startMember(name), because: causes,
                        after: draft.prepared + draft.etcd + draft.configured, guards: [same],
                        done: .memberHealthy(name, maxLag: maxLag), limit: limit))
            case .restart(let causes):
                draft.lastDisruption = [
                    draft.add(
                        "restart:\(name)", .restartMember(name), because: causes, after: base,
                        guards: [same, .notLeading(name), .clusterSettled, .stillAiling(name)],
                        done: .streaming(name, maxLag: maxLag), limit: limit,
                        disruption: .replicaRestart)
                ]
            case .recreation(let causes):
                draft.lastDisruption = [
                    draft.add(
                        "recreate:\(name)", .recreateMember(name), because: causes, after: base,
                        guards: [
                            same, .notLeading(name), .clusterSettled,
                            .ailingOrOthersStreaming(name, maxLag: maxLag),
                        ]
                            // S4: one that has healed is not taken away while something is unseen.
                            + (situation.unknownNodes.isEmpty ? [] : [.stillAiling(name)]),
                        done: .streaming(name, maxLag: maxLag), limit: limit,
                        disruption: .replicaRestart)
                ]
            case .reinitialization(let causes):
                let loss = whatOnlyItMayHold(name)
                draft.lastDisruption = [
                    draft.add(
                        "reinitialize:\(name)", .reinitialize(name),
                        because: causes + (loss.map { [.topology($0)] } ?? []), after: base,
                        guards: [
                            same, .notLeading(name), .clusterSettled, .stillAiling(name),
                            .healthyCopy(besides: name),
                        ],
                        done: .streaming(name, maxLag: maxLag), limit: limit,
                        disruption: loss == nil ? .replicaRestart : .dataLoss,
                        hazards: loss == nil ? [] : [.dataLoss])
                ]
            }
            draft.restarted.insert(name)
        }
    }

    /// S6: a copy that is on the leader's timeline holds nothing that the leader has not. Another may
    /// have led, and hold rows that were confirmed and that no other copy has.
    private func whatOnlyItMayHold(_ name: MemberName) -> String? {
        let answers = situation.observed.members.compactMapValues(\.value)
        let leaders = situation.health.leader.flatMap { answers[$0]?.timeline }
        if answers[name]?.isWrecked == true { return whatItsLeadMayHaveLeft(name, before: leaders) }
        let own = answers[name]?.timeline
        if let own, own == leaders { return nil }
        let place = own.map { "on timeline \($0)" } ?? "on a timeline that is not known"
        return
            "its data is \(place), the leader's on \(leaders.map { "\($0)" } ?? "one that is not known")"
            + ": it may hold rows that no other copy has"
    }

    /// S6: what Postgres cannot start from tells no timeline, and is no copy of anything unless it led.
    /// Who did Patroni's history tells. The last one before the present leader counts: of those before
    /// it nothing tells whether they streamed since, and in time every member led once.
    private func whatItsLeadMayHaveLeft(_ name: MemberName, before timeline: Int?) -> String? {
        guard let leader = situation.health.leader else { return nil }
        let why: String
        switch (situation.observed.history, timeline) {
        // Nobody else ever led.
        case (_, 1): return nil
        case (nil, _): why = "who led before \(leader) was not asked"
        case (.unreachable(let reason), _):
            why = "who led before \(leader) could not be read (\(reason))"
        case (.known(let terms), let timeline?) where timeline > 1:
            // A leader that lost etcd for a moment promotes anew.
            var last = timeline - 1
            while terms.contains(LeaderTerm(timeline: last, leader: leader)) { last -= 1 }
            guard last > 0 else { return nil }
            // Of the first timeline, and of one whose leader was gone at once, no line tells it.
            let before = terms.last { $0.timeline == last }?.leader
            if let before, before != name { return nil }
            why =
                before == nil
                ? "who led timeline \(last), before \(leader), Patroni's history does not tell"
                : "it was the last to lead before \(leader)"
        case (.known, _): why = "who led before \(leader) is not known"
        }
        return why + ": its data may hold rows that no other copy has"
    }

    /// Where nobody leads, guards that wait for a leader would wait for ever: what stands still is
    /// made to run as declared, side by side, for any of them may be the one that can lead.
    private func reviveWithoutLeader(
        _ member: PlacedMember, _ standing: MemberStanding, _ same: Guard, _ draft: inout Draft
    ) -> Bool {
        let name = member.name
        guard situation.isLeaderless, Rules.standsStill(name, situation.observed) else {
            return false
        }
        let after = draft.prepared + draft.etcd + draft.configured
        var guards = [same, .takesNothingAway(name, maxLag: maxLag)]
        let verb: String
        let action: Action
        let causes: [Cause]
        switch standing.need {
        case .restart(let why):
            (verb, action, causes) = ("restart", .restartMember(name), why)
            guards.append(.stillAiling(name))
        case .recreation(let why):
            (verb, action, causes) = ("recreate", .recreateMember(name), why)
        case .nothing, .creation, .start, .reinitialization, .patience, .unknown: return false
        }
        // Its Patroni is silent, and there is no other that would know whether it leads.
        let mayLead = situation.live.count == 1 && Rules.isSilent(name, situation.observed)
        draft.lastDisruption.append(
            draft.add(
                "\(verb):\(name)", action, because: causes, after: after, guards: guards,
                done: .memberHealthy(name, maxLag: maxLag), limit: limit,
                disruption: mayLead ? .outage : .replicaRestart,
                hazards: mayLead ? [.outage] : []))
        draft.restarted.insert(name)
        return true
    }

    /// Where something does not work or is not as declared, silence would read as "matches the
    /// manifest". What does not answer has its note already, and so has a missing leader.
    private func noteIfPatient(_ member: PlacedMember, _ draft: inout Draft) {
        guard let standing = standings[member.name], case .patience(let reason) = standing.need
        else { return }
        let fields = standing.changes.map(\.field).joined(separator: ", ")
        let isStopped = standing.container.map { $0.state != .running } ?? false
        var isStuck = false
        if case .notStreaming = situation.health.members[member.name] {
            isStuck = situation.health.leader != nil
        }
        guard isStopped || isStuck || !fields.isEmpty else {
            draft.notes.append(.advice("\(member.name): \(reason); left alone"))
            return
        }
        let waits = fields.isEmpty ? "" : ", and its change of \(fields) waits"
        draft.notes.append(
            .down(object: member.name.rawValue, reason: "\(reason); left alone\(waits)"))
    }
}
