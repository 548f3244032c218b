import Glibc

/// One SSH connection with many channels, on the thread of `PollLoop.shared`.
///
/// libssh2 keeps one half-done open and one half-sent packet a session; a second operation that
/// enters in between takes over the first one's state, and then talks to the wrong target. So
/// channels are opened one at a time, in the order of arrival, and a channel that left a packet
/// half sent is the only one served until it is out.
package actor SSHConnection: PollLoopClient {
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe PollLoop.shared.asUnownedSerialExecutor()
    }

    var session: Session?
    private(set) var failure: SSHError?
    var isReady = false
    var step: LoginStep?
    var waiting: [Pump] = []
    var pumps: [Pump] = []
    var holder: Pump?
    var wantsTurn = false
    var pollIndex: Int?
    private var identifiers = 0
    /// sshd allows 10 sessions a connection unless configured otherwise; two are left for others.
    var mostCommands = 8

    var lastReceived: UInt64 = 0
    var lastHeard = ContinuousClock.now
    var lastAsked = ContinuousClock.now
    var unanswered = 0
    static let silenceBeforeAsking = Duration.seconds(5)
    static let mostUnanswered = 6
    /// The loop notices silence earlier; but it does not run while the process is stopped.
    static let silenceOfTheLost = Duration.seconds(45)

    package init() {}

    /// Whether new commands can be started: logged in, alive, and not blocked by an open that the
    /// server does not answer or by channels that it does not close.
    package var isUsable: Bool {
        isReady && failure == nil && pumps.count(where: \.isAbandoned) < 4
            && !pumps.contains { $0.phase == .opening && $0.isAbandoned }
    }

    /// Why the connection ended, once it has.
    package var ending: SSHError? { failure }

    // MARK: Logging in: one step after the other, nothing else goes on.

    /// A call that is repeated until it is done.
    struct LoginStep {
        var operation: String
        var descriptor: Descriptor
        var events: Int32
        var deadline: ContinuousClock.Instant
        var attempt: () throws(SSHError) -> Progress
        var report: (Result<Void, SSHError>) -> Void
    }

    func adopt(_ session: Session) {
        self.session = session
        lastHeard = .now
    }

    func setReady() {
        isReady = true
        lastHeard = .now
        lastAsked = .now
        PollLoop.shared.add(self)
    }

    /// Repeats `attempt` until it is done, the deadline passes or the task is cancelled.
    func perform(
        _ operation: String, on descriptor: Descriptor, by deadline: ContinuousClock.Instant,
        waitingFor events: Int32 = POLLIN, _ attempt: @escaping () throws(SSHError) -> Progress
    ) async throws(SSHError) {
        if let failure { throw failure }
        if Task.isCancelled { throw .cancelled(operation: operation) }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                step = LoginStep(
                    operation: operation, descriptor: descriptor, events: events,
                    deadline: deadline, attempt: attempt,
                    report: { continuation.resume(returning: $0) })
                PollLoop.shared.add(self)
                turn()
            }
        } onCancel: {
            Task { await self.endStep(.cancelled(operation: operation)) }
        }
        try result.get()
    }

    func endStep(_ error: SSHError?) {
        guard let step else { return }
        self.step = nil
        step.report(error.map { .failure($0) } ?? .success(()))
    }

    func advanceStep() {
        guard let step else { return }
        do throws(SSHError) {
            if try step.attempt() == .done { endStep(nil) }
        } catch {
            endStep(error)
        }
    }

    // MARK: Channels

    /// Runs `command` and gives it `input`, reading its output at the same time.
    ///
    /// - Parameters:
    ///   - limit: for everything, the wait for a free channel included.
    ///   - outputLimit: of output and errors together, in bytes.
    ///   - mark: a line that the command writes first, to its output and to its errors; what a login
    ///     shell's start-up files wrote before it is left out of the answer.
    package func execute(
        _ command: String, input: [UInt8] = [], limit: Duration, outputLimit: Int = 64 << 20,
        mark: String? = nil
    ) async throws(ExecutionFailure) -> CommandAnswer {
        let id = newIdentifier()
        let deadline = ContinuousClock.now + limit
        guard failure == nil, isReady, !Task.isCancelled else {
            let error = failure ?? (isReady ? .cancelled(operation: "the command") : .closed)
            throw ExecutionFailure(mayHaveStarted: false, error: error)
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let pump = Pump(
                    id: id, .command(command), input: input, deadline: deadline,
                    outputLimit: outputLimit, mark: mark,
                    report: { continuation.resume(returning: $0) })
                waiting.append(pump)
                turn()
            }
        } onCancel: {
            Task { await self.cancel(id) }
        }
        return try result.get()
    }

    /// Joins `local` to a TCP port as the server reaches it. When the server cannot connect,
    /// `local` is closed.
    package func forward(_ local: Descriptor, to host: String, port: UInt16, limit: Duration) {
        guard failure == nil, isReady else { return }
        waiting.append(
            Pump(
                id: newIdentifier(), .forward(local, host: host, port: port),
                deadline: ContinuousClock.now + limit))
        turn()
    }

    func newIdentifier() -> Int {
        identifiers += 1
        return identifiers
    }

    private func cancel(_ id: Int) {
        abandon(.cancelled(operation: "the command")) { $0.id == id }
        turn()
    }

    func abandon(_ error: SSHError, where matches: (Pump) -> Bool) {
        for pump in waiting where matches(pump) { pump.drop(error) }
        waiting.removeAll { $0.phase == .over }
        for pump in pumps where matches(pump) { pump.abandon(error) }
    }

    /// Says goodbye and frees everything. What still runs ends with `.closed`.
    package func close() {
        if isReady, holder == nil { _ = session?.disconnect() }
        fail(.closed)
    }

    func fail(_ error: SSHError) {
        guard failure == nil else { return }
        failure = error
        if error != .closed { session?.socket.forgetUnsent() }
        PollLoop.shared.remove(self)
        endStep(error)
        for pump in waiting + pumps { pump.drop(error) }
        waiting = []
        pumps = []
        holder = nil
        session = nil
    }
}
