package import Cluster
package import Planning

/// One run of a plan, as a pure state machine: inputs in, orders out. It knows no clock (the time of
/// every input is passed in) and no transport.
///
/// A step is waiting → guarding → acting → verifying → ended. It starts when every step it comes
/// after has succeeded, re-reads its guards until they hold, acts once, and is done when its
/// condition is met. After the first failure nothing new acts.
package struct Run: Sendable {
    /// What happened outside.
    package enum Input: Sendable {
        /// The readings that a step asked for.
        case read(StepID, Observed)
        case performed(StepID, ActOutcome)
        /// The first: end what runs. The second: stop waiting for it.
        case interrupted
        /// It may not act any more, for this reason: end what runs.
        case withdrawn(String)
    }

    /// What has to be done outside.
    package enum Order: Equatable, Sendable {
        /// Read this afresh after a pause, and bring everything known. An empty set is a pause.
        case read(StepID, Set<ReadingNeed>, after: Duration)
        case act(StepID, Action)
        case emit(Event)
        /// The run is over. Acts still under way are left alone.
        case finish(Report)
    }

    /// Where a step is.
    enum Phase: Equatable {
        case waiting
        /// `epoch`: how many disruptive acts had begun when its reading was asked for.
        case guarding(epoch: Int)
        case acting
        case verifying
        case ended(StepOutcome)
    }

    struct Ripening {
        var since: Duration
        var last: Duration
    }

    struct State {
        let step: Step
        let isDisruptive: Bool
        let bringsBack: Bool
        var phase = Phase.waiting
        var startedAt: Duration?
        var endedAt: Duration?
        /// When its guards were first read since it last became ready.
        var guardedSince: Duration?
        /// Since when a guard has asked for a lasting state, and when it last did.
        var ripening: Ripening?
        /// When it first acted: limits and Patroni's own patience count from there.
        var actedAt: Duration?
        var verifiedSince: Duration?
        /// Since when every look has said that its effect cannot come.
        var failingSince: Duration?
        var acts = 0
        /// The readings that its first act rested on.
        var before: Observed?
        /// Why the act's outcome is not known.
        var doubt: String?
        /// The last text told, so that it is told once.
        var told: String?
    }

    let plan: Plan
    let topology: Topology
    let judge: Judge
    var states: [State]
    var index: [StepID: Int] = [:]
    var beganAt = Duration.zero
    /// Counts disruptive acts: a reading from before one is no ground for another.
    var epoch = 0
    var failure: String?
    var interrupts = 0
    var isFinished = false
    var orders: [Order] = []

    /// - Parameter judge: how guards and conditions are read.
    package init(plan: Plan, topology: Topology, judge: Judge) {
        self.plan = plan
        self.topology = topology
        self.judge = judge
        states = plan.steps.map {
            State(
                step: $0, isDisruptive: judge.isDisruptive($0), bringsBack: judge.bringsBack($0))
        }
        for (position, step) in plan.steps.enumerated() { index[step.id] = position }
    }

    var isStopping: Bool { failure != nil || interrupts > 0 }

    /// Begins. Called once, first.
    package mutating func start(at now: Duration) -> [Order] {
        beganAt = now
        emit(.runStarted(plan.cluster, steps: plan.steps.count))
        if let blocker = plan.blockers.first {
            failure = "the plan is blocked: \(blocker.object): \(blocker.seen)"
        }
        if let fault = malformation() { failure = fault }
        return settle(at: now)
    }

    /// Takes one input and says what follows. Inputs after the end change nothing.
    package mutating func handle(_ input: Input, at now: Duration) -> [Order] {
        guard !isFinished else { return [] }
        switch input {
        case .read(let id, let observed):
            guard let position = index[id] else { break }
            switch states[position].phase {
            case .guarding(let readEpoch):
                checkGuards(position, readEpoch: readEpoch, seeing: observed, at: now)
            case .verifying: checkCondition(position, seeing: observed, at: now)
            case .waiting, .acting, .ended: break
            }
        case .performed(let id, let outcome):
            guard let position = index[id], states[position].phase == .acting else { break }
            acted(position, outcome, at: now)
        case .interrupted:
            interrupt(at: now)
        case .withdrawn(let reason):
            if failure == nil {
                failure = reason
                emit(.withdrawn(reason))
            }
        }
        return settle(at: now)
    }

    /// The end of a run that nobody drives any more.
    package mutating func abandon(at now: Duration) -> Report {
        if interrupts == 0 { interrupts = 1 }
        let report = report(abandoning: true, at: now)
        isFinished = true
        return report
    }

    private mutating func interrupt(at now: Duration) {
        interrupts += 1
        if interrupts == 1 {
            emit(.interruptReceived)
        } else {
            finish(abandoning: true, at: now)
        }
    }

    /// Starts what may start, ends what may not, finishes when nothing is under way.
    private mutating func settle(at now: Duration) -> [Order] {
        if !isFinished {
            if isStopping {
                withdrawGuarding(at: now)
            } else {
                for position in states.indices where mayStart(position) { begin(position, at: now) }
            }
            if !states.contains(where: { $0.isUnderWay }) { finish(abandoning: false, at: now) }
        }
        defer { orders = [] }
        return orders
    }

    private func mayStart(_ position: Int) -> Bool {
        let state = states[position]
        guard state.phase == .waiting else { return false }
        if isDisrupting(besides: position), !isAmongItsKind(position) { return false }
        return state.step.after.allSatisfy { id in
            index[id].map { states[$0].phase == .ended(.succeeded) } ?? false
        }
    }

    /// Whether the step is disruptive, and another's act is under way (S1: never a second one).
    func isDisrupting(besides position: Int) -> Bool {
        states[position].isDisruptive && !disrupting(besides: position).isEmpty
    }

    /// Whether the step and all whose acts are under way bring back the same that is lost.
    func isAmongItsKind(_ position: Int) -> Bool {
        states[position].bringsBack
            && disrupting(besides: position).allSatisfy { states[$0].bringsBack }
    }

    private func disrupting(besides position: Int) -> [Int] {
        states.indices.filter {
            $0 != position && states[$0].isDisruptive && states[$0].hasBegunToAct
        }
    }

    /// A plan that could never end: a step twice, or after one that is not there or after itself.
    private func malformation() -> String? {
        guard index.count == states.count else { return "the plan names a step twice" }
        var resolved: Set<StepID> = []
        for step in plan.steps {
            if let missing = step.after.first(where: { !resolved.contains($0) }) {
                return "\(step.id) comes after \(missing), which is not before it in the plan"
            }
            resolved.insert(step.id)
        }
        return nil
    }

    mutating func emit(_ event: Event) { orders.append(.emit(event)) }

    mutating func end(_ position: Int, _ outcome: StepOutcome, at now: Duration) {
        let step = states[position].step
        states[position].phase = .ended(outcome)
        states[position].endedAt = now
        emit(.stepFinished(step.id, outcome, now - (states[position].startedAt ?? now)))
        switch outcome {
        case .succeeded, .skipped: break
        case .failed(let reason), .unknown(let reason):
            if failure == nil { failure = "\(step.id): \(reason)" }
        }
    }
}

extension Run.State {
    /// From its act to its end, doubts and repetitions included: what it disrupts may be down.
    var hasBegunToAct: Bool {
        if case .ended = phase { false } else { acts > 0 }
    }

    /// An input for it is on its way.
    var isUnderWay: Bool {
        switch phase {
        case .guarding, .acting, .verifying: true
        case .waiting, .ended: false
        }
    }
}
