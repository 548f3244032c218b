import CShims
import Glibc

/// Local commands, run side by side without a shell, and what they wrote.
///
/// Standard error is the user's own: a password manager may ask or explain itself there. So is the
/// process group, or a question on the terminal would stop the command.
enum CommandOutputs {
    /// - Returns: standard output of each command that exited with 0.
    static func run(
        _ commands: [[String]], in folder: String, environment: [String: String], limit: Duration,
        outputLimit: Int
    ) -> [[String]: Result<[UInt8], SourceProblem>] {
        var outputs: [[String]: Result<[UInt8], SourceProblem>] = [:]
        var running: [RunningCommand] = []
        let deadline = ContinuousClock.now + limit
        for arguments in Set(commands) {
            do throws(SourceProblem) {
                running.append(
                    try RunningCommand(arguments, in: folder, environment: environment))
            } catch {
                outputs[arguments] = .failure(error)
            }
        }
        while running.contains(where: \.isReading) {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { break }
            let readable = running.filter(\.isReading)
            var polls = readable.map {
                pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
            }
            let wait = left.components.seconds * 1000 + 1
            _ = unsafe poll(&polls, nfds_t(polls.count), Int32(min(wait, 60_000)))
            for (command, poll) in zip(readable, polls) where poll.revents != 0 {
                command.read(limit: outputLimit)
            }
        }
        for command in running {
            outputs[command.arguments] = command.finish(by: deadline, limit: limit)
        }
        return outputs
    }

    /// For messages.
    static func name(_ arguments: [String]) -> String {
        "`\(arguments.joined(separator: " "))`"
    }
}

/// A child process whose output is read.
final class RunningCommand {
    let arguments: [String]
    /// The reading end of its standard output.
    let descriptor: Int32
    private let process: pid_t
    private(set) var isReading = true
    private var output: [UInt8] = []
    private var problem: SourceProblem?

    init(
        _ arguments: [String], in folder: String, environment: [String: String]
    ) throws(SourceProblem) {
        var process: pid_t = 0
        var output: Int32 = -1
        let code = Self.spawn(arguments, in: folder, environment, &process, &output)
        guard code == 0 else { throw Self.notStarted(arguments, code) }
        self.arguments = arguments
        self.process = process
        descriptor = output
    }

    deinit { close(descriptor) }

    private static func notStarted(_ arguments: [String], _ code: Int32) -> SourceProblem {
        let name = CommandOutputs.name(arguments)
        return code == ENOENT
            ? SourceProblem(
                found: "the command \(arguments.first ?? "") was not found",
                advice: "install it, or write its whole path")
            : SourceProblem(
                found: "\(name) could not be started (error \(code))",
                advice: "run it by hand to see why")
    }

    private static func spawn(
        _ arguments: [String], in folder: String, _ environment: [String: String],
        _ process: inout pid_t, _ output: inout Int32
    ) -> Int32 {
        guard arguments.first?.isEmpty == false else { return ENOENT }
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let texts = unsafe arguments.map { unsafe strdup($0) } + [nil]
        let settings = unsafe variables.map { unsafe strdup($0) } + [nil]
        defer { unsafe (texts + settings).forEach { unsafe free($0) } }
        return unsafe matriarch_spawn(texts, settings, folder, &process, &output)
    }

    /// Takes what is there without waiting.
    func read(limit: Int) {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
        if count > 0 {
            output += buffer[..<count]
            guard output.count > limit else { return }
            problem = SourceProblem(
                found: "\(CommandOutputs.name(arguments)) wrote more than \(limit >> 10) KiB",
                advice: "print the value alone")
            isReading = false
        } else if count == 0 || errno != EINTR {
            isReading = false
        }
    }

    /// The end of the process: waited for until the deadline, then forced.
    func finish(
        by deadline: ContinuousClock.Instant, limit: Duration
    ) -> Result<[UInt8], SourceProblem> {
        let name = CommandOutputs.name(arguments)
        if isReading && problem == nil {
            problem = SourceProblem(
                found: "\(name) did not end within \(limit.components.seconds) s",
                advice: "run it by hand: it may be waiting for an answer")
        }
        var status: Int32 = 0
        if problem != nil { kill(process, SIGKILL) }
        // Its output has ended, so it is about to end too.
        while true {
            let ended = unsafe waitpid(process, &status, problem == nil ? WNOHANG : 0)
            if ended == process || (ended < 0 && errno != EINTR) { break }
            if ContinuousClock.now >= deadline {
                kill(process, SIGKILL)
                problem = SourceProblem(
                    found: "\(name) closed its output and did not end",
                    advice: "run it by hand to see why")
            } else if problem == nil {
                _ = poll(nil, 0, 5)
            }
        }
        if let problem { return .failure(problem) }
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
        if code == 0 { return .success(output) }
        let end = code > 0 ? "exited with \(code)" : "was ended by signal \(-code)"
        return .failure(
            SourceProblem(found: "\(name) \(end)", advice: "run it by hand to see why"))
    }
}
