import Cluster

/// What a member needs, by evidence; the mildest thing that works.
enum MemberNeed {
    case nothing
    /// No container.
    case creation
    /// Its container is stopped: start it.
    case start([Cause])
    /// Patroni does not answer, or Postgres is down and Patroni does not bring it back.
    case restart([Cause])
    /// The container cannot run as it is, or differs from the manifest.
    case recreation([Cause])
    /// The data cannot be used: clone it anew from the leader.
    case reinitialization([Cause])
    /// On its way by itself: starting, cloning, replaying. Not touched (a replica killed in the
    /// middle of a clone never gets there).
    case patience(String)
    /// Its node could not be looked at.
    case unknown(String)
}

struct MemberStanding {
    var need: MemberNeed
    /// Works as it should: what is done to it waits for the others.
    var isHealthy: Bool
    var container: ObservedContainer?
    /// What is not as declared, whether it is seen to or not.
    var changes: [FieldChange] = []

    /// How long a container may take to answer, and a member to stream, before that is evidence for
    /// a repair: one that is cut short costs more than a late one.
    static let grace = Duration.seconds(60)

    init(_ member: PlacedMember, _ situation: Situation) {
        let health = situation.health.members[member.name]
        isHealthy = situation.health.isSound(member.name)
        switch situation.standing(situation.address(member)) {
        case .unknown(let reason): need = .unknown(reason)
        case .absent: need = .creation
        case .present(let found, let changes):
            container = found
            self.changes = changes
            need = Self.need(found, changes, health, situation, member)
        }
    }

    private static func need(
        _ container: ObservedContainer, _ changes: [FieldChange], _ health: MemberHealth?,
        _ situation: Situation, _ member: PlacedMember
    ) -> MemberNeed {
        let fields = changes.map(\.cause)
        switch container.state {
        case .created, .exited, .dead:
            let cause = Cause.broken("its container is \(container.state.rawValue)")
            // Without a leader the stopped come up as they are, side by side; what ended by itself
            // or never ran would do so again.
            return changes.isEmpty || (situation.health.leader == nil && wasStopped(container))
                ? .start([cause]) : .recreation(fields + [cause])
        case .restarting:
            return .recreation(
                fields + [
                    .broken(
                        "its container restarts again and again (\(container.restartCount) times)")
                ])
        case .removing: return .patience("its container is being removed")
        case .paused: return .patience("someone paused its container (docker unpause)")
        case .running: break
        }
        // The leader may be where nobody could look: whoever runs without one is not broken by that.
        if situation.health.leader == nil, !situation.unknownNodes.isEmpty {
            switch health {
            case .notStreaming(let reason, _):
                return .patience("it \(reason), and \(EtcdStage.unseen(situation))")
            case .unreachable, nil:
                return .patience("who leads is not known, and \(EtcdStage.unseen(situation))")
            case .leads, .streams, .replays: break
            }
        }
        let settling = container.hasStarted(
            within: grace, by: situation.node(member.node)?.clock)
        switch health {
        case .leads, .streams, .replays: return changes.isEmpty ? .nothing : .recreation(fields)
        case .notStreaming(let reason, let state):
            if case .creatingReplica = state { return .patience("it \(reason)") }
            // S2: as long as it says that it leads, it is Patroni's to start, stop or replace.
            if situation.health.leaders.contains(member.name) {
                return .patience(
                    "it \(reason), which is for its Patroni to see to (should it hang: docker logs,"
                        + " docker restart)")
            }
            // S4: its guard would wait until it streams, and then find it healthy.
            if state == .inArchiveRecovery, !changes.isEmpty, !situation.unknownNodes.isEmpty {
                return .patience("it \(reason), and \(EtcdStage.unseen(situation))")
            }
            if !changes.isEmpty {
                return .recreation(
                    state == .inArchiveRecovery ? fields : fields + [.broken("it \(reason)")])
            }
            return ailing(state, reason, settling, container, situation, member)
        case .unreachable(let reason):
            if Rules.streams(to: member.name, situation.observed, situation.health) {
                return .patience("Patroni does not answer, but the leader streams to it")
            }
            if !changes.isEmpty { return .recreation(fields) }
            // What Patroni last wrote into etcd; the guard of a restart waits for it too.
            if Rules.isUnderWay(member.name, situation.observed) {
                return .patience("Patroni does not answer, and lists it as on its way")
            }
            return settling
                ? .patience("it started less than a minute ago and does not answer yet")
                : .restart([.broken("Patroni does not answer: \(reason)")])
        case nil:
            return changes.isEmpty ? .nothing : .recreation(fields)
        }
    }

    /// A member that answers and does not stream, as declared.
    private static func ailing(
        _ state: MemberState, _ reason: String, _ settling: Bool, _ container: ObservedContainer,
        _ situation: Situation, _ member: PlacedMember
    ) -> MemberNeed {
        let cause = Cause.broken("it \(reason)")
        // Without a leader there is nothing to stream from: the leader is the matter, not this one.
        guard let leader = situation.health.leader else { return .patience("it \(reason)") }
        switch state {
        case .creatingReplica, .initializing, .starting, .restarting, .stopping:
            return .patience("it \(reason)")
        // Patroni says so of every replica that does not stream where there is an archive.
        case .inArchiveRecovery:
            return .patience("it \(reason) (should it get no further: patronictl reinit)")
        case .crashed, .stopped, .stopFailed, .restartFailed, .startFailed, .running, .streaming,
            .other:
            if settling { return .patience("it \(reason)") }
            // Down with its data in order, it may be on its way: a rewind takes its time.
            let isWrecked = situation.observed.members[member.name]?.value?.isWrecked == true
            guard wasRestarted(container, situation.node(member.node)?.clock),
                isWrecked || !state.isDown
            else { return .restart([cause]) }
            return isDataSuspect(member.name, state, leader: leader, situation)
                ? .reinitialization([cause])
                : .patience(
                    "it \(reason), and nobody streams from \(leader): look at the way there, the"
                        + " settings and the disk before its data is cloned anew")
        }
    }

    /// Whether its data may be the matter. Where others stream, it is this one. Where nobody does,
    /// its own word counts: after a restart it does not start, or is on another timeline. What keeps
    /// all away (a setting, a full disk, the way to the leader) may say so too; then the first
    /// repair fails, and the run ends with the other copies as they were.
    private static func isDataSuspect(
        _ member: MemberName, _ state: MemberState, leader: MemberName, _ situation: Situation
    ) -> Bool {
        let answers = situation.observed.members.compactMapValues(\.value)
        let others = situation.live.keys.filter { $0 != member && $0 != leader }
        // The leader's list may still have the member itself, for a minute after it was cut off.
        if answers[leader]?.replication.contains(where: { $0.key != member.rawValue }) == true
            || others.contains(where: { situation.health.isHealthy($0) })
        {
            return true
        }
        let mine = answers[member]?.timeline
        return answers[member]?.isWrecked == true
            || (mine != nil && mine != answers[leader]?.timeline)
    }

    /// By docker's or a person's hand: no exit code, success, or the end by a signal.
    private static func wasStopped(_ container: ObservedContainer) -> Bool {
        container.state == .exited && [nil, 0, 130, 137, 143].contains(container.exitCode)
    }

    /// A restart since it was created, and lately: that was the milder try.
    private static func wasRestarted(_ container: ObservedContainer, _ clock: Int64?) -> Bool {
        guard let created = container.createdAt, let started = container.startedAt
        else { return false }
        return started.distance(since: created) > 30
            && container.hasStarted(within: lately, by: clock)
    }

    /// A restart before that belongs to another story: a reboot, an update.
    private static let lately = Duration.seconds(3600)
}

extension MemberState {
    /// Postgres does not run, and Patroni does not say that it failed to start it.
    fileprivate var isDown: Bool {
        switch self {
        case .crashed, .stopped, .stopFailed, .restartFailed: true
        default: false
        }
    }
}
