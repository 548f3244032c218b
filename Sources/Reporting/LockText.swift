package import Execution

/// An apply that waits for the lock, told live on a terminal and sparsely in a pipe.
package struct LockWaitText: Sendable {
    /// In a pipe the same is said again after this long.
    private static let pause = Duration.seconds(60)

    private let style: Style
    private var told: LockWait?
    /// Something is on the terminal's current line.
    private var isDrawn = false

    package init(style: Style = .plain) { self.style = style }

    /// For a log: one line for what is new, and for what lasts once a minute; else nothing.
    package mutating func line(for wait: LockWait) -> String? {
        if let told, told.node == wait.node, told.obstacle == wait.obstacle,
            wait.waited - told.waited < Self.pause
        {
            return nil
        }
        told = wait
        return sentence(wait) + "\n"
    }

    /// For a terminal: the one line, drawn again in place.
    package mutating func redraw(_ wait: LockWait, columns: Int) -> String {
        isDrawn = true
        return "\r\u{1b}[J" + style.paint(sentence(wait).cut(to: columns), .yellow)
    }

    /// Takes the line away.
    package mutating func erase() -> String {
        defer { isDrawn = false }
        return isDrawn ? "\r\u{1b}[J" : ""
    }

    private func sentence(_ wait: LockWait) -> String {
        "waiting (\(wait.waited.elapsedText) of \(wait.patience.text)): the lock on \(wait.node) "
            .safeForTerminal + wait.obstacle.text.safeForTerminal
    }
}

extension String {
    /// One column is left free: some terminals wrap as soon as the last one is written.
    func cut(to columns: Int) -> String {
        let widest = max(columns - 1, 10)
        return count <= widest ? self : prefix(widest - 1) + "…"
    }
}
