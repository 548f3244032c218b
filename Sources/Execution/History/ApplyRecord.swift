import Cluster
import Planning

/// One apply, as the nodes remember it: a line when it starts, and one with the same id when it
/// ends, so that one that never ended can be told. It names steps and outcomes, and no value of a
/// secret.
package struct ApplyRecord: Equatable, Sendable {
    package static let formatVersion = "1.0"

    /// What is known when it starts.
    package struct Facts: Equatable, Sendable {
        /// Different for each apply.
        package var apply: String
        package var cluster: String
        /// Of the plan: the same for the same steps.
        package var plan: String
        package var stepCount: Int
        /// `user@host`
        package var who: String
        /// Who set a pipeline off, where it says so.
        package var actor: String?
        /// As ISO 8601 in UTC.
        package var startedAt: String
        /// SHA-256 of the manifest's file, in hexadecimal.
        package var manifestDigest: String
        /// Of the repository that the manifest comes from, where it is known.
        package var commit: String?
        /// Of Matriarch.
        package var version: String

        package init(
            apply: String, cluster: String, plan: String, stepCount: Int, who: String,
            actor: String?, startedAt: String, manifestDigest: String, commit: String?,
            version: String
        ) {
            self.apply = apply
            self.cluster = cluster
            self.plan = plan
            self.stepCount = stepCount
            self.who = who
            self.actor = actor
            self.startedAt = startedAt
            self.manifestDigest = manifestDigest
            self.commit = commit
            self.version = version
        }
    }

    /// How it ended.
    package struct Ending: Equatable, Sendable {
        /// As ISO 8601 in UTC.
        package var at: String
        /// `completed`, `nothing_to_do`, `stopped`, `interrupted`.
        package var outcome: String
        package var reason: String?
        package var seconds: Double
        /// In the plan's order; the first ones of a long plan.
        package var steps: [Step]
    }

    package struct Step: Equatable, Sendable {
        package var id: String
        /// `succeeded`, `failed`, `unknown`, `skipped`.
        package var outcome: String
        package var reason: String?
        /// `nil` where it never started.
        package var seconds: Double?
    }

    package var facts: Facts
    /// `nil`: it has not ended, or never did.
    package var ending: Ending?

    package init(_ facts: Facts, ending: Ending? = nil) {
        self.facts = facts
        self.ending = ending
    }

    /// - Parameter at: as ISO 8601 in UTC.
    package init(_ facts: Facts, report: Report, at: String) {
        self.init(facts, ending: Ending(report, at: at))
    }
}

extension ApplyRecord.Ending {
    /// So many steps and bytes keep a line small enough for the nodes' bound.
    private static let mostSteps = 500
    private static let longestReason = 600

    init(_ report: Report, at: String) {
        self.at = at
        outcome = report.outcome.key
        reason = report.outcome.reason.map(Self.cut)
        seconds = report.duration.inSeconds
        steps = report.steps.prefix(Self.mostSteps).map { step in
            ApplyRecord.Step(
                id: step.id.rawValue, outcome: step.outcome.key,
                reason: step.outcome.reason.map(Self.cut), seconds: step.duration?.inSeconds)
        }
    }

    private static func cut(_ text: String) -> String {
        let short = text.cut(toBytes: longestReason)
        // Written down, a byte may become six.
        return JSONValue.quote(short).utf8.count <= longestReason + 200
            ? short : text.cut(toBytes: longestReason / 5)
    }
}

extension RunOutcome {
    fileprivate var key: String {
        switch self {
        case .completed: "completed"
        case .nothingToDo: "nothing_to_do"
        case .stopped: "stopped"
        case .interrupted: "interrupted"
        }
    }
    fileprivate var reason: String? { if case .stopped(let text) = self { text } else { nil } }
}

extension StepOutcome {
    fileprivate var key: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .unknown: "unknown"
        case .skipped: "skipped"
        }
    }
    fileprivate var reason: String? {
        switch self {
        case .succeeded: nil
        case .failed(let text), .unknown(let text), .skipped(let text): text
        }
    }
}

extension Duration {
    /// Milliseconds are as fine as anything here is measured.
    fileprivate var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds * 1000 + attoseconds / 1_000_000_000_000_000) / 1000
    }
}
