import Cluster

/// A plan being written, stage by stage.
struct Draft {
    var steps: [Step] = []
    var blockers: [Blocker] = []
    var notes: [Note] = []
    /// What every step that disturbs something comes after: files, and images on all nodes.
    var prepared: [StepID] = []
    /// The etcd steps.
    var etcd: [StepID] = []
    /// The patch of Patroni's configuration.
    var configured: [StepID] = []
    /// Members created: the first, and those that clone from the leader.
    var created: [StepID] = []
    /// The last step that disrupts a member: the next one comes after it.
    var lastDisruption: [StepID] = []
    /// HAProxy's containers and the services': what replaces those that left the manifest.
    var services: [StepID] = []
    /// HAProxy's reloads.
    var reloads: [StepID] = []
    /// Members that this plan makes, starts, restarts, recreates or clones anew: they start with
    /// what is configured by then.
    var restarted: Set<MemberName> = []
    /// Everything that a step comes after, directly or not.
    private var ancestors: [StepID: Set<StepID>] = [:]

    @discardableResult
    mutating func add(
        _ name: String, _ action: Action, because causes: [Cause], after: [StepID],
        guards: [Guard] = [], done: Condition, limit: Duration, disruption: Disruption = .none,
        hazards: Set<Hazard> = [], contents: [String: String] = [:]
    ) -> StepID {
        let id = StepID(name)
        let direct = closest(after)
        ancestors[id] = direct.reduce(into: Set(direct)) { $0.formUnion(ancestors[$1] ?? []) }
        steps.append(
            Step(
                id: id, action: action, causes: causes, after: direct, guards: guards, done: done,
                limit: limit, disruption: disruption, hazards: hazards, contents: contents))
        return id
    }

    /// Each once, without those that another one comes after anyway.
    private func closest(_ after: [StepID]) -> [StepID] {
        var seen: Set<StepID> = []
        let once = after.filter { seen.insert($0).inserted }
        let implied = once.reduce(into: Set<StepID>()) { $0.formUnion(ancestors[$1] ?? []) }
        return once.filter { !implied.contains($0) }
    }

    mutating func block(_ object: String, seen: String, expected: String, remedy: String) {
        let blocker = Blocker(object: object, seen: seen, expected: expected, remedy: remedy)
        if !blockers.contains(blocker) { blockers.append(blocker) }
    }
}
