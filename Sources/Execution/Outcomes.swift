package import Cluster
package import Planning

/// How a step ended. Dependents start after `succeeded` and nothing else.
package enum StepOutcome: Equatable, Sendable {
    case succeeded
    case failed(String)
    /// It was begun and nobody could tell whether it took effect before its limit passed.
    case unknown(String)
    /// It never acted, and why.
    case skipped(String)
}

/// How a run ended.
package enum RunOutcome: Equatable, Sendable {
    case completed
    case nothingToDo
    /// A step did not succeed; the text names it and says why.
    case stopped(String)
    /// Asked to stop before every step was done.
    case interrupted
}

/// One step of a finished run.
package struct StepReport: Equatable, Sendable {
    package var id: StepID
    package var outcome: StepOutcome
    /// From its first guard to its end; `nil` where it never started.
    package var duration: Duration?
    package init(id: StepID, outcome: StepOutcome, duration: Duration? = nil) {
        self.id = id
        self.outcome = outcome
        self.duration = duration
    }
}

/// What a run did, what it did not, and why. Steps are in the plan's order.
package struct Report: Equatable, Sendable {
    package var outcome: RunOutcome
    package var steps: [StepReport]
    package var duration: Duration
    package init(outcome: RunOutcome, steps: [StepReport], duration: Duration) {
        self.outcome = outcome
        self.steps = steps
        self.duration = duration
    }
}

/// What became of the effects of one action.
package enum ActOutcome: Equatable, Sendable {
    case succeeded
    /// Nothing was begun: it may be tried again, after its guards.
    case notStarted(String)
    case failed(String)
    /// It may have taken effect, now or later: it has to be looked at.
    case unknown(String)
}

/// What happens during a run, for people and for machines that watch it.
package enum Event: Equatable, Sendable {
    /// The number of steps ahead.
    case runStarted(ClusterName, steps: Int)
    case stepStarted(StepID)
    /// A guard does not hold yet.
    case stepWaiting(StepID, reason: String)
    case stepActing(StepID)
    /// The act is done, its condition not yet met.
    case stepVerifying(StepID, progress: String)
    case stepFinished(StepID, StepOutcome, Duration)
    /// Asked to stop: running steps end, nothing new starts.
    case interruptReceived
    /// It may not act any more, and why: running steps end, nothing new starts.
    case withdrawn(String)
    case runFinished(Report)
}
