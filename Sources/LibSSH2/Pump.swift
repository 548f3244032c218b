/// One channel at work: a command with its three streams, or a local socket joined to a far port.
///
/// A state machine without waiting: `advance` does what can be done now. Lives inside one
/// `SSHConnection`.
final class Pump {
    enum Purpose {
        case command(String)
        case forward(Descriptor, host: String, port: UInt16)
    }
    enum Phase { case opening, starting, open, closing, freeing, over }
    enum Call: Equatable { case read(Channel.Stream), write, end, other }

    let id: Int
    let purpose: Purpose
    /// When to give up; `nil` never does.
    var deadline: ContinuousClock.Instant?
    let outputLimit: Int
    /// A line that the command writes to both streams before anything else of its own.
    private let mark: String?
    var report: ((Result<CommandAnswer, ExecutionFailure>) -> Void)?
    /// Set for a command that is held: its input stays open, and its task waits for a first line.
    private var hearFirstLine: (([UInt8]) -> Void)?
    /// How often a held command is given an empty line.
    private let beat: Duration
    private(set) var nextBeat: ContinuousClock.Instant?

    var phase = Phase.opening
    /// The last call left a packet half sent: nobody else may call libssh2 before it is repeated.
    private(set) var isHolding = false
    var unfinished: Call?
    var wantsClose = false
    private(set) var openFailure: SSHError?
    var channel: Channel?

    var input: [UInt8]
    var inputOffset = 0
    var hasWholeInput: Bool
    var endSent = false
    var output: [UInt8] = []
    var errors: [UInt8] = []
    var toldLocalEnd = false
    /// Where this turn of the loop finds what happened to the local socket.
    var pollIndex: Int?

    init(
        id: Int, _ purpose: Purpose, input: [UInt8] = [], deadline: ContinuousClock.Instant?,
        outputLimit: Int = 0, mark: String? = nil, beat: Duration = .zero,
        hearFirstLine: (([UInt8]) -> Void)? = nil,
        report: ((Result<CommandAnswer, ExecutionFailure>) -> Void)? = nil
    ) {
        self.id = id
        self.purpose = purpose
        self.input = input
        self.deadline = deadline
        self.outputLimit = outputLimit
        self.mark = mark
        self.report = report
        self.beat = beat
        self.hearFirstLine = hearFirstLine
        if case .command = purpose {
            hasWholeInput = hearFirstLine == nil
        } else {
            hasWholeInput = false
        }
    }

    var isCommand: Bool { if case .command = purpose { true } else { false } }
    /// Nobody waits for it any more; it only has to be closed.
    var isAbandoned: Bool { wantsClose && phase != .over }

    var local: Descriptor? {
        if case .forward(let descriptor, _, _) = purpose { descriptor } else { nil }
    }

    /// What the local socket is to be watched for; `nil` not at all.
    var localEvents: (descriptor: Int32, events: Int32)? {
        guard let local, phase == .open else { return nil }
        let wantsInput = !hasWholeInput && inputOffset == input.count
        // Watched with no events once it ended, to learn that it is gone altogether.
        guard wantsInput || hasWholeInput || !output.isEmpty else { return nil }
        return (local.number, (wantsInput ? 1 : 0) | (output.isEmpty ? 0 : 2))
    }

    /// The program on the local socket has gone, in both directions.
    func localHungUp() { if hasWholeInput || inputOffset < input.count { wantsClose = true } }

    /// Gives up on it: its task hears at once, its channel is closed when libssh2 lets us.
    func abandon(_ error: SSHError) {
        finish(.failure(ExecutionFailure(mayHaveStarted: mayHaveStarted, error: error)))
        wantsClose = true
        local?.hangUp()
    }

    /// The session is gone, and the channel with it.
    func drop(_ error: SSHError) {
        finish(.failure(ExecutionFailure(mayHaveStarted: mayHaveStarted, error: error)))
        local?.hangUp()
        phase = .over
        channel = nil
    }

    /// It wrote its first line and waits to be released.
    var isHeld: Bool { isCommand && !hasWholeInput && hearFirstLine == nil }

    /// A held command may end: its input does. `report` hears when it has.
    func release(
        by deadline: ContinuousClock.Instant,
        _ report: @escaping (Result<CommandAnswer, ExecutionFailure>) -> Void
    ) {
        hasWholeInput = true
        nextBeat = nil
        self.deadline = deadline
        self.report = report
    }

    /// Tells a held command that we are there. One that has not taken the last line yet gets no
    /// other.
    func beatIfDue(_ now: ContinuousClock.Instant) {
        guard let nextBeat, nextBeat <= now, phase == .open, isHeld else { return }
        self.nextBeat = now + beat
        guard inputOffset == input.count else { return }
        input = [UInt8(ascii: "\n")]
        inputOffset = 0
    }

    func noticeFirstLine() {
        guard let hearFirstLine, let own = own(output),
            let end = own.firstIndex(of: UInt8(ascii: "\n"))
        else { return }
        self.hearFirstLine = nil
        deadline = nil
        report = nil
        nextBeat = .now + beat
        hearFirstLine(Array(own[..<end]))
    }

    /// What the command itself wrote: what follows its mark. The login shell's start-up files write
    /// before it. `nil` when it has not come there.
    private func own(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        guard let mark else { return bytes[...] }
        return bytes.firstRange(of: Array("\(mark)\n".utf8)).map { bytes[$0.upperBound...] }
    }

    /// Of a command that has ended.
    func answer(_ ending: CommandEnding) -> CommandAnswer {
        let own = own(output)
        return CommandAnswer(
            ending: ending, hasBegun: own != nil, output: own.map(Array.init) ?? output,
            errors: self.own(errors).map(Array.init) ?? errors)
    }

    /// Lets a channel that the server refused be asked for again.
    func reopen() {
        openFailure = nil
        phase = .opening
    }

    private var mayHaveStarted: Bool { phase != .opening && openFailure == nil }

    func finish(_ result: Result<CommandAnswer, ExecutionFailure>) {
        report?(result)
        report = nil
    }

    /// - Returns: whether anything moved.
    /// - Throws: only what ends the whole session.
    func advance(on session: Session) throws(SSHError) -> Bool {
        do throws(SSHError) {
            if wantsClose && !isHolding && (phase == .starting || phase == .open) {
                phase = .closing
            }
            switch phase {
            case .opening: return try open(on: session)
            case .starting: return try start(on: session)
            case .open: return try exchange(on: session)
            case .closing:
                local?.hangUp()
                guard let channel,
                    try attempt(.other, session, { () throws(SSHError) in try channel.close() })
                else {
                    return false
                }
                phase = .freeing
                return true
            case .freeing:
                guard let channel,
                    try attempt(.other, session, { () throws(SSHError) in try channel.free() })
                else {
                    return false
                }
                self.channel = nil
                phase = .over
                return true
            case .over: return false
            }
        } catch {
            isHolding = false
            unfinished = nil
            guard case .library(_, let code, _) = error, SSHError.concernsOneChannel(code) else {
                throw error
            }
            refused(error)
            return true
        }
    }

    private func refused(_ error: SSHError) {
        switch phase {
        case .opening:
            openFailure = error
            local?.hangUp()
            phase = .over
        case .starting:
            finish(.failure(ExecutionFailure(mayHaveStarted: false, error: error)))
            phase = .closing
        case .open:
            finish(.failure(ExecutionFailure(mayHaveStarted: true, error: error)))
            phase = .closing
        case .closing: phase = .freeing
        case .freeing, .over: phase = .over
        }
    }

    /// The connection found no other way than to pass the refusal on.
    func reportOpenFailure() {
        guard let openFailure else { return }
        finish(.failure(ExecutionFailure(mayHaveStarted: false, error: openFailure)))
    }

    func attempt<Value>(
        _ call: Call, _ session: Session, of body: () throws(SSHError) -> Value?
    ) throws(SSHError) -> Value? {
        let value = try body()
        isHolding = value == nil && session.isBlockedSending
        unfinished = isHolding ? call : nil
        return value
    }

    func attempt(
        _ call: Call, _ session: Session, _ body: () throws(SSHError) -> Progress
    ) throws(SSHError) -> Bool {
        try attempt(call, session) { () throws(SSHError) -> Void? in
            try body() == .done ? () : nil
        } != nil
    }

    private func open(on session: Session) throws(SSHError) -> Bool {
        let opened = try attempt(.other, session) { () throws(SSHError) -> Channel? in
            switch purpose {
            case .command: try session.openSession()
            case .forward(_, let host, let port): try session.openForward(to: host, port: port)
            }
        }
        guard let opened else { return false }
        channel = opened
        phase = wantsClose ? .closing : isCommand ? .starting : .open
        return true
    }

    private func start(on session: Session) throws(SSHError) -> Bool {
        guard let channel, case .command(let text) = purpose else { return false }
        guard try attempt(.other, session, { () throws(SSHError) in try channel.start(text) })
        else { return false }
        phase = .open
        return true
    }
}

/// What a command answered.
package struct CommandAnswer: Equatable, Sendable {
    package var ending: CommandEnding
    /// Whether its mark was written, where one was asked for. Without it the login shell ended before
    /// the command, and what was written says why.
    package var hasBegun: Bool
    package var output: [UInt8]
    package var errors: [UInt8]
}
