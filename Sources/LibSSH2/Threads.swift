import CShims
import Glibc
import Synchronization

/// The calling thread, as a number to compare.
func currentThread() -> UInt { UInt(pthread_self()) }

/// Runs `body` on a new detached thread.
///
/// - Returns: `false` when the system has no thread to give.
@discardableResult
func startThread(stackSize: Int, _ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, stackSize)
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { unsafe pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(Box(body))
    let code = unsafe pthread_create(
        &thread, &attributes,
        { context in
            if let context = unsafe context {
                unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
            }
            return nil
        }, box.toOpaque())
    if code != 0 { unsafe box.release() }
    return code == 0
}

/// Threads for calls that block: name resolution, slow key derivation, a talk with the agent.
/// Neither the loop nor Swift's small pool may wait for those.
package final class BlockingWork: Sendable {
    package static let shared = BlockingWork()

    private struct State {
        var threads = 0
        var waiting: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())
    private static let mostThreads = 16

    /// Runs `body` on a thread of its own; waits for it whatever happens.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: body()) }
        }
    }

    private func submit(_ job: @escaping @Sendable () -> Void) {
        let needsThread = state.withLock { state in
            state.waiting.append(job)
            if state.threads == Self.mostThreads { return false }
            state.threads += 1
            return true
        }
        if needsThread && !startThread(stackSize: 512 << 10, { [self] in work() }) {
            // Without a thread of its own the work is done here, late but done.
            work()
        }
    }

    private func work() {
        while true {
            let next: (@Sendable () -> Void)? = state.withLock { state in
                if state.waiting.isEmpty {
                    state.threads -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let next else { return }
            next()
        }
    }
}
