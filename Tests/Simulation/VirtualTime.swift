import Effects
import Synchronization

/// Time and scheduling of a simulation: every job runs on the calling thread, one after the other,
/// and time moves only when all of them sleep. The same seed is the same story, to the instruction.
final class VirtualTime: TaskExecutor, Timekeeper {
    private struct Sleeper {
        var until: Duration
        var order: Int
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Duration.zero
        var jobs: [UnownedJob] = []
        var nextJob = 0
        var sleepers: [Sleeper] = []
        var counter = 0
        var cancelled: Set<Int> = []
    }

    private let state: Mutex<State>

    init(startingAt now: Duration = .zero) { state = Mutex(State(now: now)) }

    var now: Duration { state.withLock { $0.now } }

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        state.withLock { $0.jobs.append(unowned) }
    }

    func sleep(for duration: Duration) async {
        let order = state.withLock {
            $0.counter += 1
            return $0.counter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if duration <= .zero || state.cancelled.remove(order) != nil { return true }
                    state.sleepers.append(
                        Sleeper(
                            until: state.now + duration, order: order, continuation: continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let found = state.sleepers.firstIndex(where: { $0.order == order }) else {
                    state.cancelled.insert(order)
                    return nil
                }
                return state.sleepers.remove(at: found)
            }
            sleeper?.continuation.resume()
        }
    }

    /// Runs `body` to its end, and time with it. What others have begun meanwhile ends too, so that
    /// nothing waits for ever.
    ///
    /// - Returns: `nil` when nothing sleeps and nothing can run: everything waits for something that
    ///   will not come.
    func run<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result? {
        let result = Outcome<Result>()
        Task(executorPreference: self) {
            let value = await body()
            result.value.withLock { $0 = value }
        }
        while true {
            if let job = nextJob() {
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            } else if let sleeper = nextSleeper() {
                sleeper.continuation.resume()
            } else {
                return result.value.withLock { $0 }
            }
        }
    }

    private final class Outcome<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }

    private func nextJob() -> UnownedJob? {
        state.withLock { state in
            guard state.nextJob < state.jobs.count else {
                state.jobs.removeAll(keepingCapacity: true)
                state.nextJob = 0
                return nil
            }
            defer { state.nextJob += 1 }
            return state.jobs[state.nextJob]
        }
    }

    private func nextSleeper() -> Sleeper? {
        state.withLock { state in
            guard
                let first = state.sleepers.indices.min(by: {
                    let (a, b) = (state.sleepers[$0], state.sleepers[$1])
                    return a.until == b.until ? a.order < b.order : a.until < b.until
                })
            else { return nil }
            let sleeper = state.sleepers.remove(at: first)
            state.now = max(state.now, sleeper.until)
            return sleeper
        }
    }
}
