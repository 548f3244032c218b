package import Cluster

extension Event {
    /// The same event with no known secret in its reason, which may quote a server's program.
    package func redacted(by redactor: Redactor) -> Event {
        switch self {
        case .stepWaiting(let id, let reason):
            .stepWaiting(id, reason: redactor.shortly(reason))
        case .stepVerifying(let id, let progress):
            .stepVerifying(id, progress: redactor.shortly(progress))
        case .stepFinished(let id, let outcome, let duration):
            .stepFinished(id, outcome.redacted(by: redactor), duration)
        case .withdrawn(let reason): .withdrawn(redactor.shortly(reason))
        case .runFinished(let report): .runFinished(report.redacted(by: redactor))
        case .runStarted, .stepStarted, .stepActing, .interruptReceived: self
        }
    }
}

extension Report {
    /// The same report with no known secret in its reasons.
    package func redacted(by redactor: Redactor) -> Report {
        var report = self
        if case .stopped(let reason) = outcome {
            report.outcome = .stopped(redactor.shortly(reason))
        }
        for index in steps.indices {
            report.steps[index].outcome = steps[index].outcome.redacted(by: redactor)
        }
        return report
    }
}

extension StepOutcome {
    fileprivate func redacted(by redactor: Redactor) -> StepOutcome {
        switch self {
        case .succeeded: self
        case .failed(let reason): .failed(redactor.shortly(reason))
        case .unknown(let reason): .unknown(redactor.shortly(reason))
        case .skipped(let reason): .skipped(redactor.shortly(reason))
        }
    }
}

extension Redactor {
    /// More is on nobody's screen, and what is left out is looked for first: half a secret would not
    /// be known as one.
    fileprivate func shortly(_ reason: String) -> String {
        redact(reason).shortened(toBytes: 4096)
    }
}
