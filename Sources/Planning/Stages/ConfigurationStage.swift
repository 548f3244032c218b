import Cluster
import Rendering

/// Stage 7: Patroni's dynamic configuration, and the restarts that follow from it in Patroni's
/// order: an increase on the standbys first, a decrease on the leader first (FIELD §1).
struct ConfigurationStage {
    private let situation: Situation
    private let changes: [ConfigurationChange]
    private let patchValue: JSONValue?
    /// The cluster is being made by this plan: nothing is there to compare with.
    private let isNew: Bool

    init(_ situation: Situation) {
        self.situation = situation
        isNew = situation.live.isEmpty
        let wanted = situation.desired.postgres.configuration
        let live: JSONValue? = isNew ? .object([:]) : situation.observed.configuration?.value
        patchValue = live.flatMap {
            ConfigurationDifference.patch(from: $0, to: wanted, digest: situation.digest)
        }
        changes =
            patchValue.map { patch in
                ConfigurationDifference.leaves(of: patch, live: live ?? .object([:]))
            } ?? []
    }

    private static let patchName = "configure"

    /// Values that members read at their start go in before any is made, repaired or recreated, so
    /// that one start serves both; a decrease cannot: the leader has to have it first.
    var patchesFirst: Bool {
        !isNew && situation.health.leader != nil && !changes.contains(where: \.primaryFirst)
    }

    /// Combinations that would restart a member twice, or take all standbys down.
    func refuseMixtures(_ standings: [MemberName: MemberStanding], _ draft: inout Draft) {
        guard !isNew, let leader = situation.health.leader else { return }
        // What was patched already and waits for the leader's restart is still to be gone through.
        let lower =
            changes.filter(\.primaryFirst).map { Self.cause($0).description }
            + shrinking(leader).map { "\($0.description), which waits for \(leader) to restart," }
        guard !lower.isEmpty else { return }
        let seen = lower.joined(separator: ", ")
        let higher = changes.filter(\.standbysFirst)
        if !higher.isEmpty {
            draft.block(
                "configuration",
                seen: seen + " together with "
                    + higher.map { Self.cause($0).description }.joined(separator: ", "),
                expected: "one direction at a time: standbys stop when the leader has more than"
                    + " they have, so it restarts first for less and last for more",
                remedy: "Make two edits: apply what is lowered, then what is raised.")
        }
        let recreated = standings.filter { _, standing in
            if case .recreation = standing.need { standing.isHealthy } else { false }
        }.keys.sorted()
        if !recreated.isEmpty {
            draft.block(
                "configuration",
                seen: seen + " together with changes that recreate "
                    + recreated.map(\.rawValue).joined(separator: ", "),
                expected: "one restart of each member: a lower value needs its own, with the leader"
                    + " first",
                remedy: "Make two edits: apply the one, then the other.")
        }
    }

    func patch(_ draft: inout Draft) {
        guard let patchValue, !draft.steps.contains(where: { $0.id == StepID(Self.patchName) }),
            // Where nobody was seen and nobody is made, members may be where nobody could look.
            !draft.created.isEmpty || (!isNew && situation.health.leader != nil)
        else { return }
        let id = draft.add(
            Self.patchName, .patchConfiguration(patchValue), because: changes.map(Self.cause),
            after: draft.prepared + draft.etcd + draft.created + draft.lastDisruption,
            guards: [.clusterSettled],
            done: .configurationHolds(situation.desired.postgres.configuration),
            limit: .seconds(120))
        draft.configured = [id]
        if isNew, changes.contains(where: \.needsRestart), let first = firstMember(draft) {
            // Nobody is connected yet, and the replicas start with the new values.
            draft.created = [
                draft.add(
                    "restart-postgres:\(first)", .restartPostgres(first),
                    because: changes.filter(\.needsRestart).map(Self.cause), after: [id],
                    guards: [.restartPending(first), .clusterSettled],
                    done: .noPendingRestart(first, maxLag: situation.maxLag),
                    limit: situation.rollout.stepTimeout)
            ]
        } else if isNew {
            draft.created = [id]
        } else {
            draft.lastDisruption = [id]
        }
    }

    /// A leader is missing for a moment and nothing else is to be done: that is no "no changes".
    func waitForLeader(_ draft: inout Draft) {
        guard patchValue != nil, !isNew, situation.health.leader == nil, draft.steps.isEmpty,
            draft.blockers.isEmpty
        else { return }
        draft.block(
            situation.desired.name.rawValue,
            seen: situation.health.unsettled ?? "no leader",
            expected: "one leader before the dynamic configuration is changed",
            remedy: "Wait for Patroni to elect one, then plan again.")
    }

    private func firstMember(_ draft: Draft) -> MemberName? {
        for step in draft.steps {
            if case .bootstrap(let name) = step.action { return name }
        }
        return nil
    }

    static func cause(_ change: ConfigurationChange) -> Cause {
        .field(
            "configuration." + change.path.joined(separator: "."),
            from: change.shownOld,
            to: change.new?.canonicalText ?? "(deleted)")
    }

    /// Members whose Postgres has to restart, and that this plan does not start after the patch
    /// anyway.
    func restart(_ draft: inout Draft) {
        guard !isNew, let leader = situation.health.leader, draft.blockers.isEmpty else { return }
        let forced = changes.filter(\.needsRestart)
        let switches = draft.steps.contains {
            if case .switchover = $0.action { true } else { false }
        }
        let leaderFirst = forced.contains(where: \.primaryFirst) || !shrinking(leader).isEmpty
        let pending = situation.topology.members.map(\.name).filter { name in
            // Before the leader has the lower value, a standby starts with the higher one.
            if draft.restarted.contains(name) { return leaderFirst }
            let isPending = situation.observed.members[name]?.value?.pendingRestart == true
            return situation.health.isSound(name) && (!forced.isEmpty || isPending)
        }
        guard !pending.isEmpty else { return }
        guard situation.unknownNodes.isEmpty else {
            for name in pending {
                draft.block(
                    name.rawValue, seen: EtcdStage.unseen(situation),
                    expected: "every node seen before a member restarts",
                    remedy: "Make the node reachable, then plan again.")
            }
            return
        }
        // After a switchover the leader is another; its own restart then comes with the replicas'.
        let now = switches ? newLeader(draft) ?? leader : leader
        let replicas = pending.filter { $0 != now }
        let order =
            leaderFirst
            ? pending.filter { $0 == now } + replicas : replicas + pending.filter { $0 == now }
        for name in order { restart(name, leads: name == now, forced, &draft) }
    }

    private func newLeader(_ draft: Draft) -> MemberName? {
        for step in draft.steps.reversed() {
            if case .switchover(_, let to) = step.action { return to }
        }
        return nil
    }

    /// Settings that bind standbys and that a pending restart lowers, whoever caused it.
    private func shrinking(_ leader: MemberName) -> [Cause] {
        let pending = situation.observed.members[leader]?.value?.pendingParameters ?? [:]
        return pending.sorted { $0.key < $1.key }.compactMap { name, change in
            guard ConfigurationChange.standbyBound[name] != nil, let old = Double(change.old),
                let new = Double(change.new), new < old
            else { return nil }
            return .field(name, from: change.old, to: change.new)
        }
    }

    private func restart(
        _ name: MemberName, leads: Bool, _ forced: [ConfigurationChange], _ draft: inout Draft
    ) {
        var causes = forced.map(Self.cause)
        if causes.isEmpty {
            let pending = situation.observed.members[name]?.value?.pendingParameters ?? [:]
            causes = pending.sorted { $0.key < $1.key }
                .map { .field($0.key, from: $0.value.old, to: $0.value.new) }
            if causes.isEmpty { causes = [.broken("Patroni shows a pending restart")] }
        }
        var guards: [Guard] = [
            .restartPending(name), .clusterSettled,
            .othersStreaming(besides: name, maxLag: situation.maxLag),
        ]
        if !leads {
            guards.append(.notLeading(name))
            // After a decrease it must have replayed the leader's lower value before it restarts.
            if let leader = situation.health.leader, leader != name {
                guards.append(.othersStreaming(besides: leader, maxLag: situation.maxLag))
            }
        }
        // Nobody takes over from the only member while its Postgres restarts.
        let isOutage = leads && situation.topology.members.count == 1
        draft.lastDisruption = [
            draft.add(
                "restart-postgres:\(name)", .restartPostgres(name), because: causes,
                after: draft.created + draft.lastDisruption, guards: guards,
                done: .noPendingRestart(name, maxLag: situation.maxLag),
                limit: situation.rollout.stepTimeout,
                disruption: isOutage ? .outage : leads ? .writePause : .replicaRestart,
                hazards: isOutage ? [.outage] : [])
        ]
    }
}
