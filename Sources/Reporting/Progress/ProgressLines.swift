package import Execution
import Planning

/// Events as plain lines, for pipelines and logs: each with the time since the start, nothing is
/// ever rewritten.
package struct ProgressLines: Sendable {
    private let names: StepNames
    private let style: Style

    package init(names: StepNames, style: Style = .plain) {
        self.names = names
        self.style = style
    }

    /// - Parameter elapsed: since the run started.
    /// - Returns: no line for what the final report says.
    package func line(for event: Event, at elapsed: Duration) -> String? {
        switch event {
        case .runStarted(let cluster, let steps):
            let noun = steps == 1 ? "step" : "steps"
            return line(elapsed, "begin", nil, "\(cluster): \(steps) \(noun)".safeForTerminal)
        case .stepStarted: return nil
        case .stepWaiting(let id, let reason):
            return line(elapsed, "wait", .yellow, "\(names[id]): \(reason.safeForTerminal)")
        case .stepActing(let id): return line(elapsed, "act", .cyan, names[id])
        case .stepVerifying(let id, let progress):
            return line(elapsed, "check", nil, "\(names[id]): \(progress.safeForTerminal)")
        case .stepFinished(let id, let outcome, let duration):
            return line(elapsed, outcome, names[id], duration)
        case .interruptReceived:
            return line(
                elapsed, "stop", .yellow,
                "asked to stop: running steps end, nothing new starts (again: stop waiting)")
        case .withdrawn(let reason):
            return line(
                elapsed, "stop", .boldRed,
                "\(reason.safeForTerminal): running steps end, nothing new starts")
        case .runFinished: return nil
        }
    }

    private func line(
        _ elapsed: Duration, _ outcome: StepOutcome, _ name: String, _ duration: Duration
    ) -> String {
        switch outcome {
        case .succeeded:
            line(elapsed, "done", .green, "\(name) (\(duration.elapsedText))")
        case .failed(let reason):
            line(elapsed, "FAILED", .boldRed, "\(name): \(reason.safeForTerminal)")
        case .unknown(let reason):
            line(elapsed, "UNKNOWN", .boldRed, "\(name): \(reason.safeForTerminal)")
        case .skipped(let reason):
            line(elapsed, "skip", .dim, "\(name): \(reason.safeForTerminal)")
        }
    }

    private func line(
        _ elapsed: Duration, _ word: String, _ paint: Style.Paint?, _ text: String
    ) -> String {
        let time = elapsed.elapsedText
        let blanks = String(repeating: " ", count: max(0, 6 - time.count))
        return "\(blanks)\(time)  \(style.paint(word.padded(to: 7), paint))  \(text)"
    }
}
