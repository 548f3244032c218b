package import Cluster
import Observation

/// The line of a record, in both directions.
extension ApplyRecord {
    /// As a line of the history and in what `history` prints.
    package var json: JSONValue { .object(fields) }

    package var fields: [String: JSONValue] {
        var fields: [String: JSONValue?] = [
            "format_version": .string(Self.formatVersion), "apply": .string(facts.apply),
            "cluster": .string(facts.cluster), "plan": .string(facts.plan),
            "step_count": .int(Int64(facts.stepCount)), "who": .string(facts.who),
            "actor": facts.actor.map { .string($0) }, "started_at": .string(facts.startedAt),
            "manifest_sha256": .string(facts.manifestDigest),
            "commit": facts.commit.map { .string($0) }, "version": .string(facts.version),
        ]
        if let ending {
            fields["ended_at"] = .string(ending.at)
            fields["outcome"] = .string(ending.outcome)
            fields["reason"] = ending.reason.map { .string($0) }
            fields["seconds"] = .double(ending.seconds)
            fields["steps"] = .array(ending.steps.map(\.json))
        }
        return fields.compactMapValues { $0 }
    }

    /// - Returns: `nil` for what is no record, or one of another major version of the format.
    init?(line: some Sequence<UInt8>) {
        guard let value = try? JSONText.value(of: line),
            value["format_version"]?.string?.split(separator: ".").first == "1",
            let apply = value["apply"]?.string, !apply.isEmpty,
            let cluster = value["cluster"]?.string, let started = value["started_at"]?.string
        else { return nil }
        var stepCount = 0
        if case .int(let count) = value["step_count"] { stepCount = max(0, Int(clamping: count)) }
        facts = Facts(
            apply: apply, cluster: cluster, plan: value["plan"]?.string ?? "",
            stepCount: stepCount, who: value["who"]?.string ?? "somebody",
            actor: value["actor"]?.string, startedAt: started,
            manifestDigest: value["manifest_sha256"]?.string ?? "",
            commit: value["commit"]?.string, version: value["version"]?.string ?? "")
        ending = Ending(value)
    }
}

extension ApplyRecord.Ending {
    fileprivate init?(_ value: JSONValue) {
        guard let outcome = value["outcome"]?.string, let at = value["ended_at"]?.string else {
            return nil
        }
        self.at = at
        self.outcome = outcome
        reason = value["reason"]?.string
        seconds = value["seconds"]?.number ?? 0
        if case .array(let steps) = value["steps"] {
            self.steps = steps.compactMap(ApplyRecord.Step.init)
        } else {
            steps = []
        }
    }
}

extension ApplyRecord.Step {
    fileprivate init?(_ value: JSONValue) {
        guard let id = value["id"]?.string, let outcome = value["outcome"]?.string else {
            return nil
        }
        self.id = id
        self.outcome = outcome
        reason = value["reason"]?.string
        seconds = value["seconds"]?.number
    }

    fileprivate var json: JSONValue {
        let fields: [String: JSONValue?] = [
            "id": .string(id), "outcome": .string(outcome), "reason": reason.map { .string($0) },
            "seconds": seconds.map { .double($0) },
        ]
        return .object(fields.compactMapValues { $0 })
    }
}

extension JSONValue {
    fileprivate var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
