package import Execution
import Planning

/// Events on a terminal: what is over scrolls away as lines, what runs is a block below them that
/// is drawn anew in place.
package struct LiveProgress: Sendable {
    private struct Running {
        var id: StepID
        var since: Duration
        var status: String
        var isWaiting: Bool
    }

    /// Running steps that are shown: what has scrolled out of a terminal cannot be drawn anew.
    private static let tallest = 12

    private let names: StepNames
    private let lines: ProgressLines
    private let style: Style
    private var running: [Running] = []
    private var ended = 0
    private var total = 0
    private var drawnLines = 0

    package init(names: StepNames, style: Style = .colored) {
        self.names = names
        self.style = style
        lines = ProgressLines(names: names, style: style)
    }

    /// Takes an event and gives what to write to the terminal.
    ///
    /// - Parameter columns: the terminal's width; wider lines are cut, as a wrapped line could not
    ///   be drawn anew.
    package mutating func handle(
        _ event: Event, at elapsed: Duration, columns: Int
    ) -> String {
        var permanent: String?
        switch event {
        case .runStarted(_, let steps):
            total = steps
            permanent = lines.line(for: event, at: elapsed)
        case .stepStarted(let id):
            running.append(Running(id: id, since: elapsed, status: "checking", isWaiting: false))
        case .stepWaiting(let id, let reason):
            update(id, "waiting: \(reason.safeForTerminal)", isWaiting: true)
        case .stepActing(let id): update(id, "acting", isWaiting: false)
        case .stepVerifying(let id, let progress):
            update(id, progress.safeForTerminal, isWaiting: false)
        case .stepFinished(let id, _, _):
            running.removeAll { $0.id == id }
            ended += 1
            permanent = lines.line(for: event, at: elapsed)
        case .interruptReceived, .withdrawn: permanent = lines.line(for: event, at: elapsed)
        case .runFinished: running = []
        }
        return erase() + (permanent.map { $0 + "\n" } ?? "") + block(at: elapsed, columns)
    }

    /// Draws the block again for the time that passed.
    package mutating func tick(at elapsed: Duration, columns: Int) -> String {
        running.isEmpty ? "" : erase() + block(at: elapsed, columns)
    }

    private mutating func update(_ id: StepID, _ status: String, isWaiting: Bool) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        running[index].status = status
        running[index].isWaiting = isWaiting
    }

    /// Back to the block's first column and line, and everything from there away.
    private mutating func erase() -> String {
        defer { drawnLines = 0 }
        return drawnLines == 0 ? "" : "\u{1b}[\(drawnLines)A\r\u{1b}[J"
    }

    private mutating func block(at elapsed: Duration, _ columns: Int) -> String {
        guard !running.isEmpty else { return "" }
        var rows = running.prefix(Self.tallest).map { step in
            let time = (elapsed - step.since).elapsedText
            let text = "  \(time.padded(to: 6))  \(names[step.id])  \(step.status)"
            return style.paint(text.cut(to: columns), step.isWaiting ? .yellow : .cyan)
        }
        if running.count > Self.tallest {
            let text = "  … and \(running.count - Self.tallest) more"
            rows.append(style.paint(text, .dim))
        }
        rows.append(
            style.paint(
                "  \(ended) of \(total) done, \(elapsed.elapsedText)".cut(to: columns), .dim))
        drawnLines = rows.count
        return rows.map { $0 + "\n" }.joined()
    }
}
