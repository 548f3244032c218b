import Cluster
import Execution
import Planning

/// One random plan, run against random outcomes, watched by an oracle that knows nothing of `Run`.
///
/// Inputs are queued by virtual time and handed over one by one; no task, no clock.
struct RunSimulation {
    /// What went wrong, in the order in which it did.
    private(set) var violations: [String] = []
    private(set) var report: Report?
    private(set) var inputs = 0

    private struct Incoming {
        var at: Duration
        var order: Int
        var input: Run.Input
    }

    private var seed: Seed
    private let plan: Plan
    private var queue: [Incoming] = []
    private var counter = 0
    private var now = Duration.zero
    private var acting: [StepID: Action] = [:]
    private var actCount: [StepID: Int] = [:]
    private var doubted: Set<StepID> = []
    /// Whose last outcome nobody knows, until a reading or a repetition tells.
    private var unseen: Set<StepID> = []
    /// How many disruptive acts had begun when a step's last reading was asked for.
    private var readAfter: [StepID: Int] = [:]
    private var disruptions = 0
    private var succeeded: Set<StepID> = []
    private var hasFailed = false
    private var interrupts = 0

    static let topology = Topology(
        desired: Desired(
            name: "c", project: Project(name: "p", directory: "/srv/p"),
            nodes: (1...3).map { Node(name: NodeName("n\($0)"), address: "10.0.0.\($0)") },
            secrets: [:],
            etcd: Etcd(
                image: ImageReference("etcd:1"),
                members: (1...3).map {
                    EtcdMember(name: EtcdName("etcd-\($0)"), node: NodeName("n\($0)"))
                }),
            postgres: Postgres(image: ImageReference("spilo:1"), database: "app", replicas: 2)),
        members: (1...3).map {
            PlacedMember(
                name: MemberName("pg-\($0)"), node: NodeName("n\($0)"),
                ports: MemberPorts(postgres: 5433, patroni: 8008))
        })

    init(seed number: UInt64) {
        seed = Seed(number)
        plan = Self.randomPlan(&seed)
    }

    mutating func play() {
        var run = Run(plan: plan, topology: Self.topology, judge: Self.judge)
        obey(run.start(at: now))
        if seed.oneIn(6) { enqueue(.interrupted, after: .seconds(seed.number(0...90))) }
        if seed.oneIn(12) { enqueue(.interrupted, after: .seconds(seed.number(0...200))) }
        if seed.oneIn(12) { enqueue(.withdrawn("no lock"), after: .seconds(seed.number(0...90))) }
        while report == nil {
            guard let next = queue.enumerated().min(by: { Self.precedes($0.element, $1.element) })
            else {
                violations.append("nothing is under way and the run has not ended")
                return
            }
            queue.remove(at: next.offset)
            now = next.element.at
            inputs += 1
            if inputs > 50_000 {
                violations.append("the run does not end")
                return
            }
            note(next.element.input)
            obey(run.handle(next.element.input, at: now))
        }
        judgeReport()
    }

    private static func precedes(_ left: Incoming, _ right: Incoming) -> Bool {
        left.at == right.at ? left.order < right.order : left.at < right.at
    }

    private mutating func enqueue(_ input: Run.Input, after pause: Duration) {
        counter += 1
        queue.append(Incoming(at: now + pause, order: counter, input: input))
    }

    private mutating func note(_ input: Run.Input) {
        switch input {
        case .interrupted: interrupts += 1
        case .performed(let id, .unknown):
            doubted.insert(id)
            unseen.insert(id)
        case .performed(let id, .notStarted) where !doubted.contains(id): acting[id] = nil
        case .withdrawn: hasFailed = true
        case .read(let id, let observed):
            if observed.configuration?.value?["done"]?.string == "met" { unseen.remove(id) }
        case .performed(let id, .succeeded): unseen.remove(id)
        case .performed: break
        }
    }

    private mutating func obey(_ orders: [Run.Order]) {
        for order in orders {
            switch order {
            case .emit(let event): watch(event)
            case .read(let id, _, let pause):
                readAfter[id] = disruptions
                let took = Duration.milliseconds(seed.number(5...4000))
                enqueue(.read(id, randomReading()), after: pause + took)
            case .act(let id, let action):
                beginAct(id, action)
                let took = Duration.milliseconds(seed.number(5...60_000))
                let outcome = randomOutcome()
                enqueue(.performed(id, outcome), after: took)
                // Answered twice.
                if seed.oneIn(12) { enqueue(.performed(id, outcome), after: took) }
            case .finish(let final): report = final
            }
        }
    }
}

/// The oracle: it keeps its own books.
extension RunSimulation {
    fileprivate mutating func beginAct(_ id: StepID, _ action: Action) {
        guard let step = plan.steps.first(where: { $0.id == id }) else {
            return violations.append("\(id) acts and is not in the plan")
        }
        if Self.takesMemberDown(action) {
            if !step.guards.isEmpty, readAfter[id] != disruptions {
                violations.append("\(id) acts on a reading from before another disruption")
            }
            disruptions += 1
            for (other, running) in acting where other != id && Self.takesMemberDown(running) {
                violations.append("\(id) acts while \(other) may have a member down")
            }
        }
        for needed in step.after where !succeeded.contains(needed) {
            violations.append("\(id) acts before \(needed) succeeded")
        }
        if hasFailed { violations.append("\(id) acts after a failure") }
        if interrupts > 0 { violations.append("\(id) acts after an interrupt") }
        actCount[id, default: 0] += 1
        if doubted.contains(id), Self.neverTwice(action) {
            violations.append("\(id) acts again although its first act may go on")
        }
        acting[id] = action
    }

    fileprivate mutating func watch(_ event: Event) {
        guard case .stepFinished(let id, let outcome, _) = event else { return }
        acting[id] = nil
        switch outcome {
        case .succeeded:
            if unseen.contains(id) { violations.append("\(id) is told as done, and nobody looked") }
            succeeded.insert(id)
        case .failed, .unknown: hasFailed = true
        case .skipped: break
        }
    }

    private mutating func judgeReport() {
        guard let report else { return }
        if report.steps.map(\.id) != plan.steps.map(\.id) {
            violations.append("the report does not have every step in the plan's order")
        }
        for step in report.steps {
            let isDone = step.outcome == .succeeded
            if isDone != succeeded.contains(step.id) {
                violations.append("the report is wrong about \(step.id)")
            }
            if case .skipped = step.outcome, doubted.contains(step.id) {
                violations.append("\(step.id) is reported as never begun")
            }
        }
        let isComplete = report.steps.allSatisfy { $0.outcome == .succeeded }
        switch report.outcome {
        case .completed where !isComplete: violations.append("completed without every step")
        case .stopped where !hasFailed: violations.append("stopped without a failure")
        case .interrupted where interrupts == 0: violations.append("interrupted by nobody")
        default: break
        }
        if interrupts < 2, !acting.isEmpty { violations.append("ended with acts under way") }
    }

    /// Written anew on purpose: not the product's own list.
    private static func takesMemberDown(_ action: Action) -> Bool {
        switch action {
        case .recreateMember, .restartMember, .reinitialize, .restartPostgres, .switchover,
            .removeMember:
            true
        default: false
        }
    }

    private static func neverTwice(_ action: Action) -> Bool {
        switch action {
        case .switchover, .restartPostgres, .reinitialize, .restartMember, .recreateMember,
            .removeMember:
            true
        default: false
        }
    }
}

/// Chance.
extension RunSimulation {
    /// Verdicts travel in the reading, so that the judge stays pure.
    private mutating func randomReading() -> Observed {
        let mood = ["holds", "holds", "holds", "wait", "wait", "refused"]
        let progress = ["met", "met", "notYet", "notYet", "notYet", "impossible"]
        let isCalm = !seed.oneIn(8)
        let leader = seed.pick(["pg-1", "pg-2", "pg-3"])
        return Observed(
            nodes: seed.oneIn(3)
                ? ["n1": .unreachable("no route")] : ["n1": .known(ObservedNode())],
            members: [MemberName(leader): .known(PatroniMember(role: .leader, state: .running))],
            configuration: .known(
                .object([
                    "guard": .string(
                        isCalm ? seed.pick(["holds", "holds", "wait"]) : seed.pick(mood)),
                    "done": .string(
                        isCalm ? seed.pick(["met", "notYet"]) : seed.pick(progress)),
                ])))
    }

    private mutating func randomOutcome() -> ActOutcome {
        guard seed.oneIn(4) else { return .succeeded }
        return seed.pick([
            .notStarted("no route"), .failed("exit status 1"), .unknown("connection lost"),
            .unknown("connection lost"),
        ])
    }

    static let judge = Judge(
        check: { _, observed in
            switch observed.configuration?.value?["guard"]?.string {
            case "wait": .wait("not yet")
            case "refused": .refused("no")
            default: .holds
            }
        },
        progress: { condition, observed in
            if condition == .commandSucceeded { return .met }
            return switch observed.configuration?.value?["done"]?.string {
            case "notYet": .notYet("not yet")
            case "impossible": .failing("never", patience: .zero)
            default: .met
            }
        },
        guardNeeds: { _ in [.patroni] },
        conditionNeeds: { $0 == .commandSucceeded ? [] : [.patroni] },
        actionNeeds: { _ in [] },
        isDisruptive: { $0.isDisruptive(topology: topology) })

    private static func randomPlan(_ seed: inout Seed) -> Plan {
        var steps: [Step] = []
        for number in 0..<seed.number(1...12) {
            let earlier = steps.map(\.id)
            let after = earlier.filter { _ in seed.oneIn(4) }
            let member = MemberName("pg-\(seed.number(1...3))")
            let action = randomAction(&seed, member)
            steps.append(
                Step(
                    id: StepID("s\(number)"), action: action, causes: [], after: after,
                    guards: seed.oneIn(3) ? [] : [.clusterSettled],
                    done: seed.oneIn(3) ? .commandSucceeded : .leads(member),
                    limit: .seconds(seed.number(1...600))))
        }
        return Plan(cluster: "c", steps: steps)
    }

    private static func randomAction(_ seed: inout Seed, _ member: MemberName) -> Action {
        seed.pick([
            .pullImage("n1", ImageReference("spilo:1")), .addReplica(member),
            .recreateMember(member), .restartMember(member), .restartPostgres(member),
            .reinitialize(member), .switchover(from: member, to: "pg-9"),
            .removeMember(member, node: "n1", containerID: "x", deletingVolume: nil),
            .promoteEtcd("etcd-1"), .createContainer(ContainerAddress("web", on: "n1")),
            .recreateContainer(ContainerAddress("etcd-2", on: "n2")), .prepareDatabase,
        ])
    }
}
