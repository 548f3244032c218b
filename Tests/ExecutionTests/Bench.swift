import Cluster
import Execution
import Planning

/// Drives a `Run` by hand. Verdicts come from the reading itself, so that a test says in one place
/// what the world shows: `["notLeading": "wait:it leads"]`.
struct Bench {
    var run: Run
    var now = Duration.zero
    var last: [Run.Order] = []
    var events: [Event] = []

    init(
        _ steps: [Step], blockers: [Blocker] = [], topology: Topology = Self.topology,
        judge: Judge = Self.judge
    ) {
        run = Run(
            plan: Plan(cluster: "c", steps: steps, blockers: blockers), topology: topology,
            judge: judge)
        record(run.start(at: now))
    }

    static let topology = Topology(
        desired: Desired(
            name: "c", project: Project(name: "p", directory: "/srv/p"),
            nodes: [Node(name: "n1", address: "10.0.0.1"), Node(name: "n2", address: "10.0.0.2")],
            secrets: [:],
            etcd: Etcd(image: "etcd:1", members: [EtcdMember(name: "etcd-1", node: "n1")]),
            postgres: Postgres(image: "spilo:1", database: "app", replicas: 1)),
        members: [
            PlacedMember(
                name: "pg-1", node: "n1", ports: MemberPorts(postgres: 5433, patroni: 8008)),
            PlacedMember(
                name: "pg-2", node: "n2", ports: MemberPorts(postgres: 5433, patroni: 8008)),
        ])

    /// Guards hold and conditions are met unless the reading says otherwise under their name.
    static let judge = Judge(
        check: { rule, observed in
            let parts = said(name(rule), observed)
            return switch parts.first {
            case "wait": .wait(parts[1])
            case "refused": .refused(parts[1])
            case "idle": .idle(parts[1], patience: .zero)
            case "ripening": .ripening(parts[1], after: .seconds(15))
            default: .holds
            }
        },
        progress: { condition, observed in
            let parts = said(name(condition), observed)
            return switch parts.first {
            case "notYet": .notYet(parts[1])
            case "failing": .failing(parts[1], patience: .seconds(60))
            default: .met
            }
        },
        guardNeeds: { _ in [.patroni] },
        conditionNeeds: { $0 == .commandSucceeded ? [] : [.patroni] },
        actionNeeds: { _ in [] },
        isDisruptive: { $0.isDisruptive(topology: topology) })

    private static func name(_ value: some Any) -> String {
        String(String(describing: value).prefix { $0 != "(" })
    }

    private static func said(_ name: String, _ observed: Observed) -> [String] {
        guard let text = observed.configuration?.value?[name]?.string else { return [] }
        return text.split(separator: ":", maxSplits: 1).map(String.init)
    }

    private mutating func record(_ orders: [Run.Order]) {
        last = orders.filter { if case .emit = $0 { false } else { true } }
        for case .emit(let event) in orders { events.append(event) }
    }

    mutating func read(
        _ id: StepID, _ said: [String: String] = [:], after pause: Duration = .zero,
        observed: Observed = Observed()
    ) {
        now += pause
        var observed = observed
        observed.configuration = .known(.object(said.mapValues { .string($0) }))
        record(run.handle(.read(id, observed), at: now))
    }

    mutating func performed(_ id: StepID, _ outcome: ActOutcome = .succeeded) {
        record(run.handle(.performed(id, outcome), at: now))
    }

    mutating func withdraw(_ reason: String) { record(run.handle(.withdrawn(reason), at: now)) }

    mutating func interrupt() { record(run.handle(.interrupted, at: now)) }

    var report: Report? {
        for case .finish(let report) in last { return report }
        return nil
    }

    var acts: [Action] {
        last.compactMap { if case .act(_, let action) = $0 { action } else { nil } }
    }
}

extension ImageReference: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}

/// A step that is done when its command succeeded, unless told otherwise.
func step(
    _ id: StepID, _ action: Action, after: [StepID] = [], guards: [Guard] = [],
    done: Condition = .commandSucceeded, limit: Duration = .seconds(60)
) -> Step {
    Step(
        id: id, action: action, causes: [], after: after, guards: guards, done: done, limit: limit)
}
