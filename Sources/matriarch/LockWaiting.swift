import Execution
import Reporting
import Synchronization

/// Shows whose lock an apply waits for: in place on a terminal, sparsely elsewhere.
final class LockWaiting: Sendable {
    private let text: Mutex<LockWaitText>
    private let isLive = Console.isTerminal(.errors) && Console.variable("TERM") != "dumb"

    init(style: Style) { text = Mutex(LockWaitText(style: style)) }

    func show(_ wait: LockWait) {
        text.withLock { text in
            if isLive {
                Console.write(text.redraw(wait, columns: Console.columns), to: .errors)
            } else if let line = text.line(for: wait) {
                Console.write(line, to: .errors)
            }
        }
    }

    func end() { text.withLock { Console.write($0.erase(), to: .errors) } }
}
