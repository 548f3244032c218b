package import Cluster

extension Plan {
    /// The same plan with no known secret in any of its reasons: those quote what servers say.
    package func redacted(by redactor: Redactor) -> Plan {
        var plan = self
        for index in plan.steps.indices {
            plan.steps[index].causes = plan.steps[index].causes.map { $0.redacted(by: redactor) }
        }
        plan.blockers = blockers.map {
            Blocker(
                object: $0.object, seen: redactor.redact($0.seen),
                expected: redactor.redact($0.expected), remedy: redactor.redact($0.remedy))
        }
        plan.notes = notes.map { $0.redacted(by: redactor) }
        return plan
    }
}

extension Cause {
    fileprivate func redacted(by redactor: Redactor) -> Cause {
        switch self {
        case .field(let name, let from, let to):
            .field(name, from: redactor.redact(from), to: redactor.redact(to))
        case .missing(let text): .missing(redactor.redact(text))
        case .broken(let text): .broken(redactor.redact(text))
        case .topology(let text): .topology(redactor.redact(text))
        case .leftManifest: self
        }
    }
}

extension Note {
    fileprivate func redacted(by redactor: Redactor) -> Note {
        switch self {
        case .unreachable(let object, let reason):
            .unreachable(object: object, reason: redactor.redact(reason))
        case .down(let object, let reason):
            .down(object: object, reason: redactor.redact(reason))
        case .adopted: self
        case .undeclared(let object, let what):
            .undeclared(object: object, what: redactor.redact(what))
        case .advice(let text): .advice(redactor.redact(text))
        }
    }
}
