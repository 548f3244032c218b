import Execution
import Reporting
import Synchronization

/// Shows a run's events: a live block on a terminal, plain lines elsewhere. On the errors' stream,
/// so that standard output has the plan and the end alone.
final class ProgressDisplay: Sendable {
    private let start = ContinuousClock.now
    private let lines: ProgressLines
    private let live: Mutex<LiveProgress>
    private let isLive: Bool
    private let ticker: Mutex<Task<Void, Never>?>

    init(names: StepNames, style: Style) {
        lines = ProgressLines(names: names, style: style)
        // Without colour there may still be a terminal that can move its cursor.
        isLive = Console.isTerminal(.errors) && Console.variable("TERM") != "dumb"
        live = Mutex(LiveProgress(names: names, style: style))
        ticker = Mutex(nil)
    }

    private var elapsed: Duration { start.duration(to: .now) }

    func show(_ event: Event) {
        guard isLive else {
            if let line = lines.line(for: event, at: elapsed) {
                Console.write(line + "\n", to: .errors)
            }
            return
        }
        live.withLock {
            Console.write(
                $0.handle(event, at: elapsed, columns: Console.columns), to: .errors)
        }
    }

    /// Keeps the elapsed times moving until `end()`.
    func begin() {
        guard isLive else { return }
        let task = Task { [self] in
            while !Task.isCancelled {
                // Twice a second: of what is shown in seconds none is left out.
                try? await Task.sleep(for: .milliseconds(500), clock: .continuous)
                guard !Task.isCancelled else { return }
                live.withLock {
                    Console.write(
                        $0.tick(at: elapsed, columns: Console.columns), to: .errors)
                }
            }
        }
        ticker.withLock { $0 = task }
    }

    func end() { ticker.withLock { $0 }?.cancel() }
}
