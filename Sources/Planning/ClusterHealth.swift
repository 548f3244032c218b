package import Cluster

/// The cluster as its members themselves say it is, read once from an observation.
///
/// A member's own `/patroni` outweighs any `/cluster`: the latter can be stale by the whole ttl
/// (a killed leader stays "leader/running", an isolated member serves its old view).
package struct ClusterHealth: Sendable {
    /// Members whose own answer says that they lead.
    package let leaders: [MemberName]
    package let members: [MemberName: MemberHealth]
    package let isPaused: Bool
    package let isFailsafeActive: Bool
    /// Names that some answering member's view lists.
    package let listed: Set<MemberName>
    /// Why nothing may be done at this moment, if so (S9).
    package let unsettled: String?

    /// The one leader; `nil` when there is none or more than one.
    package var leader: MemberName? { leaders.count == 1 ? leaders.first : nil }

    /// Whether the member leads, or streams from the one that does, however far behind.
    package func isHealthy(_ member: MemberName) -> Bool {
        switch members[member] {
        case .leads, .streams: true
        case .replays, .notStreaming, .unreachable, nil: false
        }
    }

    /// Whether the member is as it should be: a healthy copy, or one that is never to stream.
    func isSound(_ member: MemberName) -> Bool {
        members[member] == .replays || isHealthy(member)
    }

    package init(_ observed: Observed) {
        let answers = observed.members.compactMapValues(\.value)
        let leaders = answers.filter { $0.value.role == .leader || $0.value.role == .standbyLeader }
            .keys.sorted()
        self.leaders = leaders
        let leaderAnswer = leaders.count == 1 ? leaders.first.flatMap { answers[$0] } : nil
        let views = observed.views.compactMapValues(\.value)
        isPaused =
            answers.values.contains { $0.isPaused } || views.values.contains { $0.isPaused }
        isFailsafeActive = answers.values.contains { $0.isFailsafeActive }
        listed = views.values.reduce(into: []) { names, view in
            for member in view.members { names.insert(member.name) }
        }
        var members: [MemberName: MemberHealth] = [:]
        for (name, reading) in observed.members {
            switch reading {
            case .unreachable(let reason): members[name] = .unreachable(reason)
            case .known(let answer):
                members[name] = MemberHealth(answer, named: name, leader: leaderAnswer)
            }
        }
        self.members = members
        unsettled = Self.trouble(
            leaders: leaders, answers: answers, views: views, isPaused: isPaused,
            isFailsafeActive: isFailsafeActive)
    }

    /// The first reason why the cluster is not settled, for people.
    private static func trouble(
        leaders: [MemberName], answers: [MemberName: PatroniMember],
        views: [MemberName: ClusterView], isPaused: Bool, isFailsafeActive: Bool
    ) -> String? {
        if leaders.count > 1 {
            return "more than one member says that it leads: \(list(leaders))"
        }
        guard let leader = leaders.first else { return "no member says that it leads" }
        if isPaused { return "Patroni is paused (maintenance mode)" }
        if isFailsafeActive { return "Patroni's failsafe mode is active: the DCS is lost" }
        for (name, answer) in answers.sorted(by: { $0.key < $1.key }) {
            if let seen = answer.dcsLastSeen, let now = answer.answeredAt,
                now.distance(since: seen) > staleAfterSeconds
            {
                return "\(name) last reached etcd \(now.distance(since: seen)) s ago"
            }
        }
        // The leader's own view must agree with it, or it may have lost the lock without knowing.
        guard let view = views[leader] else {
            return "\(leader) says that it leads, its view of the cluster could not be read"
        }
        if view.leaders != [leader] {
            return "\(leader) says that it leads, its view says \(list(view.leaders))"
        }
        if views.values.contains(where: \.scheduledSwitchover) {
            return "a switchover is scheduled"
        }
        return nil
    }

    /// Patroni writes `dcs_last_seen` every loop_wait (10 s by default, ttl 30).
    private static let staleAfterSeconds: Int64 = 25

    private static func list(_ names: [MemberName]) -> String {
        names.isEmpty ? "nobody" : names.map(\.rawValue).joined(separator: ", ")
    }
}

/// What one member is worth as a copy of the data.
package enum MemberHealth: Equatable, Sendable {
    case leads
    /// Streams on the leader's timeline. The lag is what it has not replayed yet.
    case streams(Lag, syncStandby: Bool)
    /// Replays the WAL archive for good, as its tags say: no copy to rely on (S1, S3, S6), and nobody
    /// waits for it.
    case replays
    /// Answers, and is on its way or stuck: says how.
    case notStreaming(String, state: MemberState)
    case unreachable(String)

    init(_ answer: PatroniMember, named name: MemberName, leader: PatroniMember?) {
        if answer.role == .leader || answer.role == .standbyLeader {
            switch answer.state {
            case .running, .streaming: self = .leads
            default: self = .notStreaming("leads, but is \(answer.state.word)", state: answer.state)
            }
            return
        }
        guard let leader else {
            self = .notStreaming("has no leader to stream from", state: answer.state)
            return
        }
        guard Self.isStreaming(answer, named: name, from: leader) else {
            if answer.state == .running, answer.isNeverToStream {
                self = .replays
                return
            }
            if answer.replaysArchive {
                self = .notStreaming(Self.reason(answer), state: .inArchiveRecovery)
                return
            }
            self = .notStreaming(Self.reason(answer), state: answer.state)
            return
        }
        if let mine = answer.timeline, let its = leader.timeline, mine != its {
            self = .notStreaming(
                "is on timeline \(mine), the leader is on \(its)", state: answer.state)
            return
        }
        self = .streams(
            Self.lag(answer, behind: leader),
            syncStandby: answer.isSyncStandby || answer.role == .syncStandby
                || answer.role == .quorumStandby)
    }

    /// Its own word where its Patroni gives one, else the leader's list of who streams. In that list
    /// a replica that was stopped behind a cut network streams on until the leader's time-out (S1).
    private static func isStreaming(
        _ answer: PatroniMember, named name: MemberName, from leader: PatroniMember
    ) -> Bool {
        if answer.state == .streaming { return true }
        guard answer.state == .running else { return false }
        if answer.replicationState != nil || answer.tellsReplicationState {
            return answer.replicationState == "streaming"
        }
        return leader.replication[name.rawValue]?.state == "streaming"
    }

    private static func reason(_ answer: PatroniMember) -> String {
        if answer.replaysArchive { return "replays the WAL archive and does not stream yet" }
        if answer.state == .running {
            return answer.replicationState.map { "is running, replication is \($0)" }
                ?? "is running but does not stream"
        }
        return "is \(answer.state.word)"
    }

    /// From replayed positions: Patroni's own `lag` counts received WAL, so a paused replay shows 0.
    private static func lag(_ answer: PatroniMember, behind leader: PatroniMember) -> Lag {
        guard let end = leader.location, let here = answer.location else { return .unknown }
        return .known(ByteCount(max(0, end.distance(since: here))))
    }
}

extension PatroniMember {
    /// With a `restore_command` and nothing to stream Patroni says so in `replication_state`; the state
    /// is "running". In `/cluster` it is the state itself.
    fileprivate var replaysArchive: Bool {
        state == .inArchiveRecovery
            || state == .running && replicationState == MemberState.inArchiveRecovery.word
    }
}

extension MemberState {
    /// Patroni's word for it.
    package var word: String {
        switch self {
        case .running: "running"
        case .starting: "starting"
        case .restarting: "restarting"
        case .stopping: "stopping"
        case .stopped: "stopped"
        case .crashed: "crashed"
        case .startFailed: "start failed"
        case .restartFailed: "restart failed"
        case .stopFailed: "stop failed"
        case .creatingReplica: "creating replica"
        case .initializing: "initializing new cluster"
        case .streaming: "streaming"
        case .inArchiveRecovery: "in archive recovery"
        case .other(let word): word
        }
    }
}
