import CShims
import Glibc
import Synchronization

/// The thread that all connections live on: a serial executor that is also a poll(2) loop.
///
/// `@unchecked Sendable`: `jobs` is behind a mutex, `thread` is atomic, and everything else is
/// touched on the loop's thread only, which `checkIsolated` asserts.
package final class PollLoop: SerialExecutor, @unchecked Sendable {
    /// One a process; it never ends, since an actor on a stopped executor would hang for ever.
    package static let shared = PollLoop()

    private let jobs = Mutex<[UnownedJob]>([])
    private let thread = Atomic<UInt>(0)
    private let wakeReader: Descriptor
    private let wakeWriter: Descriptor
    private var clients: [Weak] = []
    private let polls = PollSet()

    private struct Weak {
        weak var client: (any PollLoopClient)?
        var entries: Range<Int>
        var deadline: ContinuousClock.Instant?
    }

    private init() {
        // Made once, before any connection: a process that may not even open a pipe can do nothing.
        guard let pipe = Descriptor.pipe() else { fatalError("no file descriptor is left") }
        (wakeReader, wakeWriter) = (pipe.reader, pipe.writer)
        startThread(stackSize: 1 << 20) { [self] in run() }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = jobs.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if isFirst && !isOnThread { wakeWriter.poke() }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    private var isOnThread: Bool { thread.load(ordering: .relaxed) == currentThread() }

    package func checkIsolated() { precondition(isOnThread, "not on the thread of the SSH loop") }
    package func isIsolatingCurrentContext() -> Bool? { isOnThread }

    /// Has `client` asked about what it waits for, until it is removed or gone.
    func add(_ client: any PollLoopClient) {
        checkIsolated()
        guard !clients.contains(where: { $0.client === client }) else { return }
        clients.append(Weak(client: client, entries: 0..<0))
    }

    func remove(_ client: any PollLoopClient) {
        checkIsolated()
        clients.removeAll { $0.client === client }
    }

    private func run() {
        thread.store(currentThread(), ordering: .relaxed)
        while true {
            runJobs()
            let deadline = collect()
            polls.wait(until: deadline)
            if polls.happened(at: 0) != 0 { wakeReader.drain() }
            dispatch()
        }
    }

    private func runJobs() {
        while true {
            var batch: [UnownedJob] = []
            jobs.withLock { swap(&$0, &batch) }
            if batch.isEmpty { return }
            for job in batch {
                unsafe job.runSynchronously(on: asUnownedSerialExecutor())
            }
        }
    }

    private func collect() -> ContinuousClock.Instant? {
        polls.clear()
        polls.add(wakeReader.number, Int16(POLLIN))
        clients.removeAll { $0.client == nil }
        var earliest: ContinuousClock.Instant?
        for index in clients.indices {
            let start = polls.count
            let deadline = clients[index].client?.collect(into: polls)
            clients[index].entries = start..<polls.count
            clients[index].deadline = deadline
            if let deadline { earliest = min(earliest ?? deadline, deadline) }
        }
        return earliest
    }

    private func dispatch() {
        let now = ContinuousClock.now
        // A client may add or remove clients while it acts.
        for entry in clients {
            guard let client = entry.client else { continue }
            let isDue = entry.deadline.map { $0 <= now } ?? false
            if isDue || entry.entries.contains(where: { polls.happened(at: $0) != 0 }) {
                client.act(on: polls)
            }
        }
    }
}

/// Something that waits for descriptors or a time. Called on the loop's thread.
protocol PollLoopClient: AnyObject, Sendable {
    /// Adds what to wait for; returns the time to act at in any case.
    nonisolated func collect(into polls: PollSet) -> ContinuousClock.Instant?
    nonisolated func act(on polls: PollSet)
}

/// The descriptors of one turn of the loop.
///
/// `@unchecked Sendable`: touched on the loop's thread only, by the clients it calls there.
final class PollSet: @unchecked Sendable {
    private var entries: [pollfd] = []

    var count: Int { entries.count }
    func clear() { entries.removeAll(keepingCapacity: true) }

    /// - Returns: where `happened(at:)` finds the answer.
    @discardableResult
    func add(_ descriptor: Int32, _ events: Int16) -> Int {
        entries.append(pollfd(fd: descriptor, events: events, revents: 0))
        return entries.count - 1
    }

    func happened(at index: Int) -> Int16 { entries[index].revents }

    func wait(until deadline: ContinuousClock.Instant?) {
        var milliseconds: Int32 = -1
        if let deadline {
            let left = deadline - .now
            // Rounded up, so as not to spin through the last millisecond.
            let (seconds, attoseconds) = left.components
            milliseconds =
                seconds < 0 || attoseconds < 0
                ? 0 : Int32(min(60_000, seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
        }
        let count = nfds_t(entries.count)
        if unsafe poll(&entries, count, milliseconds) < 0 {
            // Interrupted: nothing happened as far as the entries say.
            for index in entries.indices { entries[index].revents = 0 }
        }
    }
}
