package import Cluster
package import Execution

/// One cluster's history with what could not be had of it.
package struct ToldHistory: Sendable {
    package var cluster: ClusterName
    package var history: ApplyHistory
    /// How many entries to show, the latest.
    package var limit: Int
    /// Nodes that could not be asked, and why.
    package var unreachable: [NodeName: String]
    package init(
        cluster: ClusterName, history: ApplyHistory, limit: Int,
        unreachable: [NodeName: String]
    ) {
        self.cluster = cluster
        self.history = history
        self.limit = limit
        self.unreachable = unreachable
    }

    var shown: ArraySlice<ApplyHistory.Entry> { history.entries.prefix(limit) }
}

/// What was applied, for a person; the latest first.
package enum HistoryText {
    package static func render(_ told: ToldHistory, style: Style = .plain) -> String {
        let count = told.history.entries.count
        let noun = count == 1 ? "apply" : "applies"
        let extent = count > told.limit ? ", the latest \(told.limit)" : ""
        let name = told.cluster.rawValue.safeForTerminal
        var lines = [style.paint("\(name): \(count) \(noun)\(extent)", .bold)]
        for entry in told.shown { lines += [""] + render(entry, style) }
        let notes = notes(told)
        if !notes.isEmpty { lines += [""] + notes.map { style.paint($0, .yellow) } }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func render(_ entry: ApplyHistory.Entry, _ style: Style) -> [String] {
        let facts = entry.record.facts
        let who = facts.actor.map { "\(facts.who), for \($0)" } ?? facts.who
        var lines = [
            "\(facts.startedAt.safeForTerminal)  \(outcome(of: entry, style))",
            "  by        \(who.safeForTerminal)",
            "  apply     \(facts.apply.safeForTerminal), plan \(facts.plan.safeForTerminal)",
            "  manifest  \(facts.manifestDigest.prefix(12).description.safeForTerminal)"
                + (facts.commit.map { ", commit \($0.prefix(12))".safeForTerminal } ?? ""),
            "  on        \(entry.nodes.map(\.rawValue).joined(separator: ", ").safeForTerminal)",
        ]
        guard let ending = entry.record.ending else { return lines }
        if let reason = ending.reason { lines.append("  because   \(reason.safeForTerminal)") }
        for step in ending.steps {
            let time = step.seconds.map { " (\(Duration.seconds($0).elapsedText))" } ?? ""
            let reason = step.reason.map { ": \($0)" } ?? ""
            let mark = step.outcome.safeForTerminal.padded(to: 9)
            lines.append("    \(mark)  \((step.id + time + reason).safeForTerminal)")
        }
        let missing = facts.stepCount - ending.steps.count
        if missing > 0, !ending.steps.isEmpty { lines.append("    … and \(missing) more steps") }
        return lines
    }

    private static func outcome(of entry: ApplyHistory.Entry, _ style: Style) -> String {
        let count = entry.record.facts.stepCount
        let steps = count == 1 ? "1 step" : "\(count) steps"
        guard let ending = entry.record.ending else {
            return entry.isRunning
                ? style.paint("running, \(steps)", .cyan)
                : style.paint("did not end (killed, or cut off), \(steps)", .boldRed)
        }
        let time = Duration.seconds(ending.seconds).elapsedText
        let done = ending.steps.count { $0.outcome == "succeeded" }
        switch ending.outcome {
        case "completed": return style.paint("completed, \(steps) in \(time)", .green)
        case "stopped", "interrupted":
            return style.paint("\(ending.outcome), \(done) of \(steps) in \(time)", .boldRed)
        default: return "\(ending.outcome.safeForTerminal), \(steps) in \(time)"
        }
    }

    private static func notes(_ told: ToldHistory) -> [String] {
        told.unreachable.sorted { $0.key < $1.key }
            .map { "\($0.key) could not be asked: \($0.value)".safeForTerminal }
            + told.history.unreadable.sorted { $0.key < $1.key }.map { node, count in
                let lines = count == 1 ? "1 line" : "\(count) lines"
                return "\(lines) on \(node) could not be read, and were passed over"
                    .safeForTerminal
            }
    }
}

extension Duration {
    /// Of what a server sent: any number.
    fileprivate static func seconds(_ value: Double) -> Duration {
        .milliseconds(Int64(max(0, min(value, 1e9)) * 1000))
    }
}
