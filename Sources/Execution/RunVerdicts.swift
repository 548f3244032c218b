import Cluster
import Planning

/// After the act.
extension Run {
    mutating func acted(_ position: Int, _ outcome: ActOutcome, at now: Duration) {
        let state = states[position]
        switch outcome {
        case .succeeded:
            states[position].doubt = nil
            if state.step.done == .commandSucceeded {
                end(position, .succeeded, at: now)
            } else {
                verify(position, after: .zero, at: now)
            }
        case .notStarted(let reason):
            if state.acts > 1 {
                verify(position, after: .seconds(1), at: now)
            } else if isStopping {
                end(position, .skipped("\(withdrawalReason); last: \(reason)"), at: now)
            } else {
                states[position].acts = 0
                states[position].actedAt = nil
                wait(position, reason, at: now)
            }
        case .failed(let reason):
            if state.step.action.isRetriedUntilLimit || state.acts > 1 {
                // A repetition that fails proves nothing about the first act.
                states[position].doubt = reason
                verify(position, after: .seconds(1), at: now)
            } else {
                end(position, .failed(reason), at: now)
            }
        case .unknown(let reason):
            states[position].doubt = reason
            verify(position, after: .seconds(1), at: now)
        }
    }

    /// Asks for what the condition rests on, and in doubt for what tells whether the act may be
    /// repeated.
    mutating func verify(_ position: Int, after pause: Duration, at now: Duration) {
        let state = states[position]
        let action = state.step.action
        states[position].phase = .verifying
        if state.verifiedSince == nil { states[position].verifiedSince = now }
        var needs = judge.conditionNeeds(state.step.done)
        if state.doubt != nil {
            needs.formUnion(action.repetitionNeeds(topology: topology))
            needs.formUnion(action.traceNeeds(topology: topology))
            if case .switchover = action { needs.formUnion([.patroni, .configuration]) }
        }
        orders.append(.read(state.step.id, needs, after: pause))
    }

    mutating func checkCondition(_ position: Int, seeing observed: Observed, at now: Duration) {
        let state = states[position]
        let progress = progress(of: state, seeing: observed)
        if case .failing = progress {
            if state.failingSince == nil { states[position].failingSince = now }
        } else {
            states[position].failingSince = nil
        }
        switch progress {
        case .met: end(position, .succeeded, at: now)
        case .failing(let reason, let patience)
        where now - (states[position].failingSince ?? now) >= patience:
            end(position, .failed(reason), at: now)
        case .notYet(let text), .failing(let text, _):
            if state.doubt == nil {
                lookAgain(position, text, at: now)
            } else {
                lookInDoubt(position, text, seeing: observed, at: now)
            }
        }
    }

    /// Whether the step's effect is there; after an unknown outcome also whether the act is over.
    private func progress(of state: State, seeing observed: Observed) -> Progress {
        guard let doubt = state.doubt else { return judge.progress(state.step.done, observed) }
        if state.step.done == .commandSucceeded { return .notYet(doubt) }
        let missing = state.step.action.missingTrace(
            since: state.before, seeing: observed, topology: topology)
        return missing.map { .notYet($0) } ?? judge.progress(state.step.done, observed)
    }

    /// The outcome of the act is not known and its condition not met.
    private mutating func lookInDoubt(
        _ position: Int, _ text: String, seeing observed: Observed, at now: Duration
    ) {
        let state = states[position]
        let action = state.step.action
        let doubt = state.doubt ?? text
        let elapsed = now - (state.actedAt ?? now)
        if case .switchover(let from, _) = action,
            SwitchoverWatch.hasGivenUp(from: from, after: elapsed, seeing: observed)
        {
            let reason = "\(doubt); \(from) still leads \(elapsed.text) later"
            // A leader that does not reach etcd finds the request there later (seed 300577).
            return end(position, .unknown(reason), at: now)
        }
        let mayRepeat =
            !isStopping && (state.acts == 1 || action.isRetriedUntilLimit)
            && !hasRunOut(state, at: now)
            && action.mayRepeat(seeing: observed, topology: topology)
        if mayRepeat {
            states[position].guardedSince = now
            return readGuards(position, after: .zero, at: now)
        }
        if state.step.done == .commandSucceeded {
            return end(position, .unknown(doubt), at: now)
        }
        lookAgain(position, text, at: now)
    }

    private mutating func lookAgain(_ position: Int, _ text: String, at now: Duration) {
        let state = states[position]
        if hasRunOut(state, at: now) {
            let late = "not done within \(state.step.limit.text): \(text)"
            let outcome = state.doubt.map { StepOutcome.unknown("\($0); \(late)") }
            return end(position, outcome ?? .failed(late), at: now)
        }
        tell(position, .stepVerifying(state.step.id, progress: text), text: text)
        let elapsed = now - (state.verifiedSince ?? now)
        verify(position, after: pause(position, after: elapsed), at: now)
    }

    private func hasRunOut(_ state: State, at now: Duration) -> Bool {
        now - (state.verifiedSince ?? now) >= state.step.limit
    }

    var withdrawalReason: String {
        failure.map { "stopped after \($0)" } ?? "interrupted"
    }

    /// Ends the run with a report of every step.
    mutating func finish(abandoning: Bool, at now: Duration) {
        isFinished = true
        let report = report(abandoning: abandoning, at: now)
        emit(.runFinished(report))
        orders.append(.finish(report))
    }

    func report(abandoning: Bool, at now: Duration) -> Report {
        let reports = states.map { state in
            StepReport(
                id: state.step.id, outcome: finalOutcome(of: state),
                duration: state.startedAt.map { (state.endedAt ?? now) - $0 })
        }
        let isComplete = reports.allSatisfy { $0.outcome == .succeeded }
        let outcome: RunOutcome =
            if let failure {
                .stopped(failure)
            } else if states.isEmpty {
                .nothingToDo
            } else {
                isComplete && !abandoning ? .completed : .interrupted
            }
        return Report(outcome: outcome, steps: reports, duration: now - beganAt)
    }

    private func finalOutcome(of state: State) -> StepOutcome {
        switch state.phase {
        case .ended(let outcome): return outcome
        case .acting, .verifying:
            return .unknown("still under way when the wait for it was given up")
        case .waiting, .guarding:
            // About to be done once more.
            if let doubt = state.doubt { return .unknown(doubt) }
            let missing = state.step.after.first { id in
                index[id].map { states[$0].phase != .ended(.succeeded) } ?? true
            }
            return .skipped(missing.map { "comes after \($0)" } ?? withdrawalReason)
        }
    }
}
