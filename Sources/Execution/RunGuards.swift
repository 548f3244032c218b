import Cluster
import Planning

/// Before the act.
extension Run {
    mutating func begin(_ position: Int, at now: Duration) {
        let step = states[position].step
        if states[position].startedAt == nil {
            states[position].startedAt = now
            emit(.stepStarted(step.id))
        }
        states[position].guardedSince = now
        readGuards(position, after: .zero, at: now)
    }

    /// Asks for what the guards and the effects of the step rest on; acts when that is nothing.
    mutating func readGuards(_ position: Int, after pause: Duration, at now: Duration) {
        let step = states[position].step
        states[position].phase = .guarding(epoch: epoch)
        let needs = step.guards.reduce(into: judge.actionNeeds(step.action)) {
            $0.formUnion(judge.guardNeeds($1))
        }
        if needs.isEmpty, pause == .zero {
            act(position, at: now)
        } else {
            orders.append(.read(step.id, needs, after: pause))
        }
    }

    mutating func checkGuards(
        _ position: Int, readEpoch: Int, seeing observed: Observed, at now: Duration
    ) {
        let state = states[position]
        if isStopping { return verify(position, after: .zero, at: now) }
        if isDisrupting(besides: position) {
            guard isAmongItsKind(position) else {
                // Another got there first. Its wait is not this step's.
                states[position].phase = .waiting
                return
            }
            guard judge.isLost(observed) else { return stayBehind(position, at: now) }
        }
        guard readEpoch == epoch else { return readGuards(position, after: .zero, at: now) }
        let verdicts = state.step.guards.map { judge.check($0, observed) }
        if state.acts > 0, verdicts.contains(where: { !$0.allows }) {
            // No repetition, then: the first act may have brought this about.
            return verify(position, after: pause(position, after: .zero), at: now)
        }
        for case .refused(let reason) in verdicts {
            return end(position, .failed(reason), at: now)
        }
        if state.step.guards.indices.contains(where: {
            state.step.guards[$0].seesQuorum(by: verdicts[$0])
        }) {
            states[position].ripening = nil
        }
        for case .wait(let reason) in verdicts {
            return wait(position, reason, at: now)
        }
        for case .ripening(let reason, let after) in verdicts
        where ripens(position, within: after, at: now) < after {
            return wait(position, reason, at: now)
        }
        for case .idle(let reason, let patience) in verdicts {
            guard ripens(position, within: patience, at: now) >= patience else {
                return wait(position, reason, at: now)
            }
            let outcome: StepOutcome =
                state.step.changesFields
                ? .failed("\(reason), and as it was: nothing was done; plan again") : .succeeded
            return end(position, outcome, at: now)
        }
        if state.acts == 0 { states[position].before = observed }
        act(position, at: now)
    }

    /// Another of its kind got there first, and may need this one beside it later. Neither its wait
    /// nor what lasted before the other's act counts for this one.
    private mutating func stayBehind(_ position: Int, at now: Duration) {
        states[position].guardedSince = now
        states[position].ripening = nil
        readGuards(position, after: .seconds(1), at: now)
    }

    /// How long a state has lasted that has to last before it counts. One that comes and goes, as a
    /// Postgres that fails to start again and again, lasts; what was waited for before does not count.
    private mutating func ripens(
        _ position: Int, within time: Duration, at now: Duration
    ) -> Duration {
        var ripening = Ripening(since: now, last: now)
        if let earlier = states[position].ripening, now - earlier.last <= max(time, .seconds(30)) {
            ripening.since = earlier.since
        }
        states[position].ripening = ripening
        return now - ripening.since
    }

    /// Not yet: look again until the limit.
    mutating func wait(_ position: Int, _ reason: String, at now: Duration) {
        let state = states[position]
        let waited = now - (state.guardedSince ?? now)
        if waited >= state.step.limit {
            let text = "not started within \(state.step.limit.text): \(reason)"
            return end(position, .failed(text), at: now)
        }
        tell(position, .stepWaiting(state.step.id, reason: reason), text: reason)
        readGuards(position, after: pause(position, after: waited), at: now)
    }

    mutating func act(_ position: Int, at now: Duration) {
        let step = states[position].step
        states[position].phase = .acting
        states[position].acts += 1
        states[position].told = nil
        if states[position].actedAt == nil { states[position].actedAt = now }
        if states[position].isDisruptive { epoch += 1 }
        emit(.stepActing(step.id))
        orders.append(.act(step.id, step.action))
    }

    /// Steps that have not acted do not act any more. One that was about to act again is looked at
    /// once its reading is here.
    mutating func withdrawGuarding(at now: Duration) {
        for position in states.indices where states[position].acts == 0 {
            if case .guarding = states[position].phase {
                end(position, .skipped(withdrawalReason), at: now)
            }
        }
    }

    mutating func tell(_ position: Int, _ event: Event, text: String) {
        guard states[position].told != text else { return }
        states[position].told = text
        emit(event)
    }

    /// Close looks near the event, and rarer ones after ten seconds. Not where writes wait: the
    /// steps after a pause or an outage end it sooner when its end is seen at once.
    func pause(_ position: Int, after elapsed: Duration) -> Duration {
        let isWaitedFor = states[position].step.disruption >= .writePause
        return elapsed < .seconds(10) || isWaitedFor ? .milliseconds(200) : .seconds(1)
    }
}

extension Step {
    /// It was to change a member, not to mend it alone: one that has healed is not as declared.
    fileprivate var changesFields: Bool {
        guard case .recreateMember = action else { return false }
        return causes.contains { if case .field = $0 { true } else { false } }
    }
}

extension Guard {
    /// What comes and goes lasts; but a quorum that was seen was not lost until then (S5).
    fileprivate func seesQuorum(by verdict: Verdict) -> Bool {
        guard case .etcdLosesNothing = self else { return false }
        if case .ripening = verdict { return false }
        return true
    }
}

extension Verdict {
    /// Nothing of it speaks against acting now.
    fileprivate var allows: Bool {
        switch self {
        case .holds, .ripening: true
        case .wait, .idle, .refused: false
        }
    }
}

extension Duration {
    /// `10m`, `90s`, `1.5s`: as the manifest writes durations.
    package var text: String {
        let (seconds, attoseconds) = components
        if attoseconds != 0 {
            let tenths = seconds * 10 + attoseconds / 100_000_000_000_000_000
            return "\(tenths / 10).\(tenths % 10)s"
        }
        return seconds != 0 && seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}
