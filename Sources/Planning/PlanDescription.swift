import Cluster

/// The plan as tests read it: one line a step, `[what it comes after] -> id, causes`.
extension Plan: CustomStringConvertible {
    package var description: String {
        var numbers: [StepID: Int] = [:]
        for (index, step) in steps.enumerated() { numbers[step.id] = index + 1 }
        var lines = steps.enumerated().map { index, step in
            let after = step.after.compactMap { numbers[$0] }.sorted().map(String.init)
            var line = "[\(after.joined(separator: ","))] -> #\(index + 1) \(step.id)"
            if step.disruption != .none { line += ", \(step.disruption)" }
            for hazard in step.hazards.sorted() { line += ", hazard \(hazard.rawValue)" }
            return line + ", " + step.causes.map(\.description).joined(separator: "; ")
        }
        lines += blockers.map { "blocked: \($0.object): \($0.seen); expected \($0.expected)" }
        lines += notes.map { "note: \($0)" }
        return lines.joined(separator: "\n")
    }
}

extension Cause: CustomStringConvertible {
    package var description: String {
        switch self {
        case .field(let field, let old, let new): "\(field) \(old) → \(new)"
        case .missing(let what), .broken(let what), .topology(let what): what
        case .leftManifest: "left the manifest"
        }
    }
}

extension Note: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let object, let reason): "\(object) could not be looked at: \(reason)"
        case .adopted(let address): "\(address) was made by hand and matches"
        case .undeclared(let object, let what): "\(object): \(what)"
        case .down(let object, let reason): "\(object) is down: \(reason)"
        case .advice(let text): text
        }
    }
}
