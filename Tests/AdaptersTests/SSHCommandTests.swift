import Adapters
import Cluster
import Effects
import RemoteCommands
import TestSSHServer
import TestProcesses
import Testing

@Suite(.enabled(if: SSHServer.isHere, Comment(rawValue: SSHServer.isMissing)), .ownThreads)
struct SSHCommandTests {
    private let server: SSHServer
    private let nodes: SSHNodes

    init() throws {
        server = try SSHServer()
        nodes = SSHNodes([server.node()], as: server.user())
    }

    private func ask(
        _ text: String, input: Script.Input = .none, limit: Duration = .seconds(60)
    ) async throws -> CommandResult {
        try await nodes.ask(Query(Script(text, input: input, limit: limit)), on: "one")
    }

    @Test("output, errors and status of a command are told apart")
    func streams() async throws {
        let result = try await ask("echo out; echo err >&2; exit 3")
        #expect(
            result
                == CommandResult(
                    status: .exited(3), output: Array("out\n".utf8), errors: Array("err\n".utf8)))
        await nodes.shutdown()
    }

    @Test("a killed command is not taken for one that succeeded")
    func signal() async throws {
        let result = try await ask("kill -TERM $$")
        #expect(result.status == .signalled("TERM"))
        await nodes.shutdown()
    }

    @Test("quotes, newlines and dollars of a script arrive as written")
    func quoting() async throws {
        let result = try await ask("printf '%s' 'it'\"'\"'s'\necho \" $((1+1)) \"")
        #expect(String(decoding: result.output, as: UTF8.self) == "it's 2 \n")
        await nodes.shutdown()
    }

    /// To Swift such a quote is another character, so it was not escaped and ended the word.
    @Test("a quote with a combining mark after it is a quote to the shell")
    func combinedQuote() async throws {
        let result = try await ask("printf '%s' '\u{301}; $(echo no) '\u{301}''\u{301}")
        #expect(
            String(decoding: result.output, as: UTF8.self) == "\u{301}; $(echo no) \u{301}\u{301}")
        await nodes.shutdown()
    }

    @Test("8 MB through cat both ways at once does not deadlock and arrives whole")
    func bigBothWays() async throws {
        var text = ""
        for line in 0..<800_000 { text += "line \(line % 10000)\n" }
        let result = try await ask("cat", input: .plain(text))
        #expect(result.status == .exited(0))
        #expect(result.output == Array(text.utf8))
        await nodes.shutdown()
    }

    @Test("a command that does not read its input still ends")
    func unreadInput() async throws {
        let text = String(repeating: "x", count: 8 << 20)
        let result = try await ask("exit 4", input: .plain(text))
        #expect(result.status == .exited(4))
        await nodes.shutdown()
    }

    @Test("a command that closes its output early is still waited for")
    func earlyEndOfOutput() async throws {
        let result = try await ask("exec >&- 2>&-; cat >/dev/null; exit 7", input: .plain("abc"))
        #expect(result.status == .exited(7))
        await nodes.shutdown()
    }

    @Test("a command past its limit is of unknown outcome, and the session stays usable")
    func limitPasses() async throws {
        _ = try await ask("true")
        await #expect(
            throws: ShellFailure.unknownOutcome("one: the command gave no answer within 1 s")
        ) {
            try await ask("sleep 30", limit: .seconds(1))
        }
        let result = try await ask("echo still here")
        #expect(String(decoding: result.output, as: UTF8.self) == "still here\n")
        await nodes.shutdown()
    }

    @Test("a command that writes without end is cut off, and the session stays usable")
    func endlessOutput() async throws {
        await #expect(
            throws: ShellFailure.unknownOutcome(
                "one: the command wrote more than 64 MiB, and was not read further")
        ) { try await ask("exec cat /dev/zero") }
        let result = try await ask("echo still here")
        #expect(String(decoding: result.output, as: UTF8.self) == "still here\n")
        await nodes.shutdown()
    }

    @Test("a cancelled command returns at once, and the session stays usable")
    func cancellation() async throws {
        _ = try await ask("true")
        let task = Task { try await ask("sleep 600") }
        // Only once it runs there is something to cancel.
        while try await ask("pgrep -f 'sleep 60[0]'").status != .exited(0) {}
        task.cancel()
        await #expect(
            throws: ShellFailure.unknownOutcome("one: the command was cancelled while it ran")
        ) { try await task.value }
        let result = try await ask("pkill -f 'sleep 60[0]'; echo still here")
        #expect(String(decoding: result.output, as: UTF8.self) == "still here\n")
        await nodes.shutdown()
    }

    @Test("forty commands at once share the connection without meeting sshd's MaxSessions")
    func manyAtOnce() async throws {
        struct Answer { var index: Int; var text: String }
        try await withThrowingTaskGroup(of: Answer.self) { group in
            for index in 0..<40 {
                group.addTask {
                    let result = try await ask("cat; echo -\(index)", input: .plain("\(index)"))
                    return Answer(
                        index: index, text: String(decoding: result.output, as: UTF8.self))
                }
            }
            for try await answer in group {
                #expect(answer.text == "\(answer.index)-\(answer.index)\n")
            }
        }

        await nodes.shutdown()
    }

    @Test(
        "a connection killed in the middle of a command makes its outcome unknown, and the next one connects anew"
    )
    func killedConnection() async throws {
        await #expect(
            throws: ShellFailure.unknownOutcome(
                "one: the connection was lost while the command ran: the server hung up")
        ) {
            // The shell's parent is the sshd that serves this connection.
            try await ask("kill -9 $PPID; sleep 30")
        }
        let result = try await ask("echo back")
        #expect(String(decoding: result.output, as: UTF8.self) == "back\n")
        await nodes.shutdown()
    }

    @Test(
        "a held lock keeps others out, is freed by its release, and by the loss of its connection")
    func hold() async throws {
        let lock = "\(server.place.path)/lock"
        let take = Command(
            "lock",
            Script(
                "exec 9>\(lock); flock -n 9 || exit 9; echo locked by $$; cat >/dev/null",
                limit: .seconds(30)))
        let other = SSHNodes([server.node()], as: server.user())
        guard case .held(let first) = try await nodes.hold(take, on: "one", beat: .seconds(10))
        else {
            Issue.record("the first was not given the lock")
            return
        }
        #expect(first.firstLine.hasPrefix("locked by "))
        #expect(await first.isAlive())
        guard case .ended(let refused) = try await other.hold(take, on: "one", beat: .seconds(10))
        else {
            Issue.record("the lock was given twice")
            return
        }
        #expect(refused.status == .exited(9))
        await first.release()
        #expect(await !first.isAlive())
        guard case .held(let second) = try await nodes.hold(take, on: "one", beat: .seconds(10))
        else {
            Issue.record("the lock was not freed by its release")
            return
        }
        await nodes.shutdown()
        #expect(await !second.isAlive())
        // The server sees the connection end a little later than we do.
        let wait = Command(
            "lock",
            Script("exec 9>\(lock); flock -w 20 9 && echo free && cat", limit: .seconds(30)))
        guard case .held = try await other.hold(wait, on: "one", beat: .seconds(10)) else {
            Issue.record("the lock was not freed by the loss of the connection")
            return
        }
        await other.shutdown()
    }
}
