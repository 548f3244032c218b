import Dispatch
import Glibc
import Synchronization

/// Requests to stop: SIGINT, SIGTERM and SIGHUP.
///
/// While it exists, the first two signals end nothing by themselves. A third one ends the program
/// as it always would: whoever sends it does not want to wait for anything.
final class Interrupts: Sendable {
    let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    /// Kept alive here, and cancelled; Dispatch's sources may be touched by any thread.
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]
    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        self.stream = stream
        self.continuation = continuation
        let count = Count()
        unsafe sources = Self.signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                // Two of a kind that come at once are one event.
                if count.next() == 2 { Self.restore() }
                continuation.yield()
            }
            source.resume()
            return source
        }
    }

    deinit {
        for source in unsafe sources { source.cancel() }
        Self.restore()
        continuation.finish()
    }

    private static func restore() { for number in signals { signal(number, SIG_DFL) } }

    private final class Count: Sendable {
        private let value = Mutex(0)
        func next() -> Int {
            value.withLock {
                $0 += 1
                return $0
            }
        }
    }
}
