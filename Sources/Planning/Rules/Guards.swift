package import Cluster

extension Rules {
    /// Whether a guard holds by these readings. What was not read does not hold (S4).
    package static func check(_ rule: Guard, topology: Topology, observed: Observed) -> Verdict {
        switch rule {
        case .clusterSettled: settled(ClusterHealth(observed))
        case .notLeading(let member): notLeading(member, observed)
        case .othersStreaming(let member, _) where isMadeAnew(member, observed):
            // It was healthy as it was planned.
            .wait("\(member) is being cloned, or may come back by itself")
        case .othersStreaming(let member, let maxLag):
            othersStreaming(besides: member, maxLag: maxLag, topology, observed)
        case .switchoverPossible(let from, let to, let maxLag, let isOptional):
            switchoverPossible(
                from: from, to: to, maxLag: maxLag, isOptional: isOptional, observed)
        case .etcdHealthy(let besides): etcdHealthy(besides: Set(besides), observed)
        case .etcdForgot(let name): etcdForgot(name, observed)
        case .etcdLosesNothing(let name): etcdLosesNothing(name, observed)
        case .nothingBootstrapped: nothingBootstrapped(observed)
        case .stillAiling(let member) where isUnderWay(member, observed):
            .wait("\(member) is on its way by itself")
        case .stillAiling(let member) where hasJustStarted(member, topology, observed):
            .wait("\(member) has just been started")
        case .stillAiling(let member):
            // A replica is cut off for seconds whenever its leader restarts or moves.
            isAiling(member, observed)
                ? .ripening(
                    "\(member) may recover by itself",
                    after: mayBeRewinding(member, observed) ? rewindTime(topology) : .seconds(15))
                : .idle("\(member) is healthy again", patience: .zero)
        case .ailingOrOthersStreaming(let member, _) where isCloning(member, observed):
            .wait("\(member) is being cloned")
        case .ailingOrOthersStreaming(let member, _) where mayBeRewinding(member, observed):
            .ripening(
                "\(member) is stopped, and may come back by itself", after: rewindTime(topology))
        case .ailingOrOthersStreaming(let member, let maxLag):
            isAiling(member, observed)
                ? .holds
                : othersStreaming(besides: member, maxLag: maxLag, topology, observed)
        case .takesNothingAway(let member, let maxLag):
            takesNothingAway(member, maxLag: maxLag, topology: topology, observed: observed)
        case .restartPending(let member):
            restartPending(member, observed)
        case .containerIs(let address, let id): containerIs(address, id, observed)
        case .containerDown(let address): containerDown(address, observed)
        case .containerMissing(let address): containerMissing(address, observed)
        case .healthyCopy(let besides): healthyCopy(besides: besides, observed)
        }
    }

    /// What has to be fresh before `check` means anything.
    package static func needs(_ rule: Guard) -> Set<ReadingNeed> {
        switch rule {
        case .clusterSettled, .notLeading, .othersStreaming, .healthyCopy,
            .stillAiling, .ailingOrOthersStreaming, .takesNothingAway:
            [.patroni]
        case .restartPending: [.patroni, .configuration]
        case .switchoverPossible: [.patroni, .configuration]
        case .etcdHealthy, .etcdForgot, .etcdLosesNothing: [.etcd]
        case .nothingBootstrapped: [.patroni]
        case .containerIs(let address, _), .containerMissing(let address): [.node(address.node)]
        case .containerDown(let address): [.node(address.node), .etcd]
        }
    }

    /// S9. A pause or a second leader is a person's business; a leader that is being elected, or
    /// etcd that was not reached lately, can pass.
    private static func settled(_ health: ClusterHealth) -> Verdict {
        guard let trouble = health.unsettled else { return .holds }
        if health.leaders.count > 1 || health.isPaused || health.isFailsafeActive {
            return .refused(trouble)
        }
        return .wait(trouble)
    }

    /// S2: by its own answer, and by every view that answered.
    private static func notLeading(_ member: MemberName, _ observed: Observed) -> Verdict {
        if let answer = observed.members[member]?.value,
            answer.role == .leader || answer.role == .standbyLeader
        {
            return .refused("\(member) leads")
        }
        let health = ClusterHealth(observed)
        guard let leader = health.leader else {
            return .wait("who leads is not known, so \(member) may")
        }
        if leader == member { return .refused("\(member) leads") }
        // A view that still names the member can be stale; the leader's own view is not.
        guard let view = observed.views[leader]?.value else {
            return .wait("\(leader)'s view of the cluster could not be read")
        }
        return view.leaders.contains(member)
            ? .wait("\(leader)'s view still names \(member) as leader") : .holds
    }

    /// S1. A member that was declared, or that Patroni lists, counts; silence is not health (S4).
    static func othersStreaming(
        besides member: MemberName, maxLag: ByteCount, _ topology: Topology, _ observed: Observed
    ) -> Verdict {
        let health = ClusterHealth(observed)
        var waits: [String] = []
        if observed.members[member]?.value?.isReplayPaused == true {
            waits.append("the replay of \(member) is paused: someone holds it there")
        }
        let counted = Set(topology.members.map(\.name)).intersection(
            Set(observed.members.keys).union(health.listed))
        for other in counted.union(health.listed).subtracting([member]).sorted() {
            if let complaint = complaint(about: other, maxLag: maxLag, health, observed) {
                waits.append(complaint)
            }
        }
        return waits.isEmpty ? .holds : .wait(waits.joined(separator: "; "))
    }

    /// Why a member is no healthy copy; `nil` when it is one, or is never to be one.
    static func complaint(
        about member: MemberName, maxLag: ByteCount, _ health: ClusterHealth, _ observed: Observed
    ) -> String? {
        switch health.members[member] {
        case .leads, .replays: nil
        case .streams(.known(let lag), _):
            lag <= maxLag
                ? nil
                : "\(member) is \(lag) behind the leader (at most \(maxLag))"
                    + (observed.members[member]?.value?.isReplayPaused == true
                        ? ", its replay is paused" : "")
        case .streams(.unknown, _): "the lag of \(member) is not known"
        case .notStreaming(let reason, _): "\(member) \(reason)"
        case .unreachable(let reason): "\(member) does not answer: \(reason)"
        case nil: "\(member) could not be looked at"
        }
    }

    /// S3: Patroni's own pre-check tests neither lag nor streaming (FIELD §1), so we do.
    private static func switchoverPossible(
        from: MemberName, to: MemberName, maxLag: ByteCount, isOptional: Bool, _ observed: Observed
    ) -> Verdict {
        let health = ClusterHealth(observed)
        let settled = settled(health)
        guard settled == .holds else { return settled }
        // It moved there by itself: asking again could only move it away.
        if health.leader == to { return .idle("\(to) leads already", patience: .zero) }
        guard health.leader == from else {
            return .refused("\(health.leader?.rawValue ?? "nobody") leads, not \(from)")
        }
        if let complaint = complaint(about: to, maxLag: maxLag, health, observed) {
            return .wait(complaint)
        }
        if mayNotLead(observed, to) { return .refused("\(to) is tagged not to lead") }
        if isSynchronous(observed.configuration?.value),
            case .streams(_, false) = health.members[to]
        {
            let reason = "\(to) is not the synchronous standby yet"
            return isOptional
                ? .idle(reason, patience: turns(3, observed) + .seconds(5)) : .wait(reason)
        }
        return .holds
    }

    /// `nofailover: true`, `failover_priority: 0`; whoever is never to stream has not all there is.
    static func mayNotLead(_ observed: Observed, _ member: MemberName) -> Bool {
        tags(of: member, observed).contains { mayNotLead($0) }
    }

    static func mayNotLead(_ tags: [String: JSONValue]) -> Bool {
        tags["nofailover"] == .bool(true) || tags["failover_priority"] == .int(0)
            || tags["nostream"] == .bool(true)
    }

    /// `nosync: true`: Patroni never makes it the synchronous standby.
    static func isNeverSynchronous(_ observed: Observed, _ member: MemberName) -> Bool {
        tags(of: member, observed).contains { $0["nosync"] == .bool(true) }
    }

    /// As the member itself has them, and as each view shows them.
    private static func tags(
        of member: MemberName, _ observed: Observed
    ) -> [[String: JSONValue]] {
        [observed.members[member]?.value?.tags ?? [:]]
            + observed.views.values.compactMap(\.value).flatMap(\.members)
            .filter { $0.name == member }.map(\.tags)
    }

    static func isSynchronous(_ configuration: JSONValue?) -> Bool {
        switch configuration?["synchronous_mode"] {
        case .bool(let on): on
        case .string(let mode): mode != "off" && mode != "false"
        default: false
        }
    }

    private static func nothingBootstrapped(_ observed: Observed) -> Verdict {
        if let (name, reading) = observed.nodes.first(where: { $0.value.value == nil }) {
            return .refused("\(name) could not be looked at: \(reading.reason ?? "no answer")")
        }
        let health = ClusterHealth(observed)
        if let leader = health.leaders.first { return .refused("\(leader) leads already") }
        if let member = health.listed.sorted().first {
            return .refused("Patroni lists \(member) already")
        }
        return .holds
    }

    /// What was not asked is not ailing (S4), nor is a silent member that the leader streams to.
    private static func isAiling(_ member: MemberName, _ observed: Observed) -> Bool {
        let health = ClusterHealth(observed)
        switch health.members[member] {
        case .notStreaming: return true
        case .unreachable: return !streams(to: member, observed, health)
        case .leads, .streams, .replays, nil: return false
        }
    }

    /// What it was doing as it was last heard of: by its own answer or, while it is silent, by the
    /// leader's view. It keeps its line there for as long as its key in etcd lasts (`ttl`).
    private static func lastState(_ member: MemberName, _ observed: Observed) -> MemberState? {
        let health = ClusterHealth(observed)
        switch health.members[member] {
        case .notStreaming(_, let state): return state
        case .unreachable:
            return health.leader.flatMap { observed.views[$0]?.value }?
                .members.first { $0.name == member }?.state
        case .leads, .streams, .replays, nil: return nil
        }
    }

    /// A replica that is stopped in the middle of its clone starts it again from nothing.
    private static func isCloning(_ member: MemberName, _ observed: Observed) -> Bool {
        [.creatingReplica, .initializing].contains(lastState(member, observed))
    }

    /// After a crash Patroni says "stopped" or "crashed" while Postgres recovers and its data is
    /// rewound. A rewind that is cut short leaves data that cannot be started.
    private static func mayBeRewinding(_ member: MemberName, _ observed: Observed) -> Bool {
        [.stopped, .crashed].contains(lastState(member, observed))
            && observed.members[member]?.value?.isWrecked != true
    }

    /// Nobody tells a rewind from a Postgres that stays down but by its end.
    private static func rewindTime(_ topology: Topology) -> Duration {
        min(.seconds(60), topology.desired.rollout.stepTimeout / 2)
    }

    private static func isMadeAnew(_ member: MemberName, _ observed: Observed) -> Bool {
        isCloning(member, observed) || mayBeRewinding(member, observed)
    }

    /// Somebody, or Patroni, began to mend it since it was planned.
    static func isUnderWay(_ member: MemberName, _ observed: Observed) -> Bool {
        switch lastState(member, observed) {
        case .creatingReplica, .initializing, .starting, .restarting, .stopping,
            .inArchiveRecovery:
            true
        default: false
        }
    }

    /// The leader's own word, from `pg_stat_replication`.
    static func streams(
        to member: MemberName, _ observed: Observed, _ health: ClusterHealth
    ) -> Bool {
        guard let leader = health.leader else { return false }
        return observed.members[leader]?.value?.replication[member.rawValue]?.state == "streaming"
    }

    /// Patroni tells it in the next turn of its loop, and not at all when the value that is running
    /// is the new one already.
    private static func restartPending(_ member: MemberName, _ observed: Observed) -> Verdict {
        guard let answer = observed.members[member]?.value else {
            return .wait("\(member) does not answer")
        }
        if answer.pendingRestart { return .holds }
        return .idle(
            "Patroni does not ask \(member) to restart yet",
            patience: turns(3, observed) + .seconds(5))
    }

    /// So many turns of Patroni's loop.
    private static func turns(_ count: Int64, _ observed: Observed) -> Duration {
        var turn: Int64 = 10
        if case .int(let seconds) = observed.configuration?.value?["loop_wait"] { turn = seconds }
        return .seconds(count * max(1, min(turn, 60)))
    }

    /// S6: the leader, or a replica that streams.
    private static func healthyCopy(besides: MemberName, _ observed: Observed) -> Verdict {
        let health = ClusterHealth(observed)
        return health.members.keys.contains { $0 != besides && health.isHealthy($0) }
            ? .holds : .wait("no other healthy copy of the data is known")
    }
}
