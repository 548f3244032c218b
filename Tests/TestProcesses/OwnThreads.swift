import Foundation
package import Testing

/// For tests that wait for processes with a blocked thread. The threads that async code shares are
/// as few as the machine's cores: two such tests would stop everything else, time limits and the
/// code under test included. These get threads of their own, a few tests at a time. A test's time
/// limit counts its wait for a place too: it is for what would hang for ever, and no measure.
package struct OwnThreads: TestTrait, SuiteTrait, TestScoping {
    package let isRecursive = true
    private static let places = Places(ProcessInfo.processInfo.activeProcessorCount * 3)
    private static let executor = ThreadPerJob()

    package func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        await Self.places.take()
        do {
            try await withTaskExecutorPreference(Self.executor, operation: function)
            await Self.places.giveBack()
        } catch {
            await Self.places.giveBack()
            throw error
        }
    }
}

extension Trait where Self == OwnThreads {
    package static var ownThreads: Self { Self() }
}

private final class ThreadPerJob: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread { [self] in
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}

/// First come, first served.
private actor Places {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    func take() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
