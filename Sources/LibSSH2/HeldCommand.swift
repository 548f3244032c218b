/// A command that runs until it is released, or the connection is lost.
package struct HeldCommand: Sendable {
    /// The first line that it wrote, without its end.
    package let firstLine: [UInt8]
    private let connection: SSHConnection
    private let id: Int

    init(firstLine: [UInt8], connection: SSHConnection, id: Int) {
        self.firstLine = firstLine
        self.connection = connection
        self.id = id
    }

    /// Whether it still runs, as far as we know: a lost connection shows after some 30 s, and at
    /// once where this process itself had been stopped for that long.
    package func isAlive() async -> Bool { await connection.isRunning(id) }

    /// Ends its input and waits for its end, up to `limit`.
    package func release(limit: Duration) async { await connection.release(id, limit: limit) }
}

/// How `SSHConnection.hold` went.
package enum Holding: Sendable {
    case held(HeldCommand)
    /// It ended before it had written a line.
    case ended(CommandAnswer)
}

extension SSHConnection {
    /// Runs `command`, gives it `input` and leaves its input open: a command that reads to the end of
    /// it, as `cat` does, runs until it is released. When this process or the connection dies the
    /// server ends the input too, unless nothing tells it so: hence the beat.
    ///
    /// - Parameters:
    ///   - limit: for the first line of its output.
    ///   - mark: as for `execute`; the first line is the one after it.
    ///   - beat: how often it is given an empty line from then on.
    package func hold(
        _ command: String, input: [UInt8] = [], limit: Duration, mark: String? = nil,
        beat: Duration
    ) async throws(ExecutionFailure) -> Holding {
        let id = newIdentifier()
        let deadline = ContinuousClock.now + limit
        guard failure == nil, isReady, !Task.isCancelled else {
            throw ExecutionFailure(mayHaveStarted: false, error: failure ?? .closed)
        }
        let result: Result<Holding, ExecutionFailure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let pump = Pump(
                    id: id, .command(command), input: input, deadline: deadline,
                    outputLimit: 1 << 20, mark: mark, beat: beat,
                    hearFirstLine: { line in
                        let held = HeldCommand(firstLine: line, connection: self, id: id)
                        continuation.resume(returning: .success(.held(held)))
                    },
                    report: { continuation.resume(returning: $0.map { .ended($0) }) })
                waiting.append(pump)
                turn()
            }
        } onCancel: {
            Task { await self.cancelHold(id) }
        }
        return try result.get()
    }

    /// Once it is held, only `release` ends it.
    private func cancelHold(_ id: Int) {
        abandon(.cancelled(operation: "the command")) { $0.id == id && !$0.isHeld }
        turn()
    }

    func isRunning(_ id: Int) -> Bool {
        failure == nil && lastHeard + Self.silenceOfTheLost > .now
            && pumps.contains { $0.id == id && $0.phase == .open }
    }

    func release(_ id: Int, limit: Duration) async {
        guard let pump = pumps.first(where: { $0.id == id && $0.phase == .open && $0.isHeld })
        else { return }
        await withCheckedContinuation { continuation in
            pump.release(by: .now + limit) { _ in continuation.resume() }
            turn()
        }
    }
}
