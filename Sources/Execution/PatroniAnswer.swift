import Cluster
package import Effects

extension PatroniCall {
    /// What an answer of Patroni's REST API says about the call (patroni/api.py).
    package func outcome(of answer: WebAnswer) -> ActOutcome {
        let text = answer.text
        let failed = ActOutcome.failed("Patroni refused the \(summary) (\(answer.status)): \(text)")
        switch (self, answer.status) {
        case (.switchover(let to), 200), (.switchover(let to), 202):
            // `Successfully switched over to "a"`, or `Switched over to "b" instead of "a"`.
            guard let leader = text.firstQuoted, leader != to.rawValue else { return .succeeded }
            return .failed("Patroni made \(leader) the leader instead of \(to)")
        case (.switchover, 500...):
            // Patroni stopped waiting; the switchover may go on.
            return .unknown("Patroni could not confirm the \(summary) (\(answer.status)): \(text)")
        case (.restart, 503) where text.contains("still starting"):
            return .unknown("Patroni could not confirm the \(summary) (503): \(text)")
        case (.restart(let member), 503) where text.contains("conditions are not satisfied"):
            return .failed(
                "Patroni did not restart Postgres in \(member): it has no pending restart any more,"
                    + " or its role changed (503: \(text))")
        case (_, 200..<300): return .succeeded
        default: return failed
        }
    }
}

extension WebAnswer {
    /// The body as one short line, for people.
    var text: String {
        let line = String(startOf: body, limit: 400)
            .split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.isEmpty ? "no text" : line
    }
}

extension String {
    fileprivate var firstQuoted: String? {
        let parts = split(separator: "\"", omittingEmptySubsequences: false)
        return parts.count >= 3 ? String(parts[1]) : nil
    }
}
