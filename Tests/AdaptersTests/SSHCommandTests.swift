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
    private var path: String { server.place.path }

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

    /// The file is read before each command, as bash reads ~/.bashrc for sshd.
    private func noisy(_ lines: String) throws -> (SSHServer, SSHNodes) {
        try server.place.write("noise", lines)
        let noisy = try SSHServer(["ForceCommand . \(path)/noise; eval \"$SSH_ORIGINAL_COMMAND\""])
        return (noisy, SSHNodes([noisy.node()], as: noisy.user()))
    }

    /// The lines before an answer were taken for it, and the lock for one that was not given.
    @Test("what the login shell's start-up files write is not taken for an answer")
    func startUpNoise() async throws {
        let (server, nodes) = try noisy("echo Welcome\nprintf 'no end'\necho careful >&2\n")
        let result = try await nodes.ask(
            Query(Script("echo out; echo err >&2", limit: .seconds(60))), on: "one")
        #expect(
            result
                == CommandResult(
                    status: .exited(0), output: Array("out\n".utf8), errors: Array("err\n".utf8)))
        let project = Project(name: "crm", directory: "\(path)/crm")
        let holding = try await nodes.hold(
            try LockCommands.hold(by: "apply-1", saying: "{}", in: project), on: "one",
            beat: LockCommands.beat)
        guard case .held(let held) = holding else {
            Issue.record("not held: \(holding)")
            return
        }
        #expect(held.firstLine == LockCommands.held)
        await held.release()
        await nodes.shutdown()
        withExtendedLifetime(server) {}
    }

    /// It was cut after 1000 bytes, and what that left of a secret was shown.
    @Test("of a long text of a login shell's no part of a secret on the cut is shown")
    func startUpSecret() async throws {
        let secret = "s3cret-of-the-admin"
        let (server, nodes) = try noisy("printf '%0990d%s%0990d' 0 \(secret) 0\nexit 0\n")
        await #expect {
            try await nodes.ask(Query(Script("true", limit: .seconds(60))), on: "one")
        } throws: { error in
            guard case ShellFailure.unreachable(let text) = error else { return false }
            let shown = Redactor(Secrets(["admin": Secret(secret)])).redact(text)
            return text.contains("s3cret…. Give") || text.contains("s3cret-…. Give")
                ? !shown.contains("s3cr") && shown.contains("(sensitive)…. Give") : false
        }
        await nodes.shutdown()
        withExtendedLifetime(server) {}
    }

    /// Its status of 0 was taken for the command's.
    @Test("a login shell that ends without the command is no command that succeeded")
    func startUpEnds() async throws {
        let (server, nodes) = try noisy("echo This account\necho is closed >&2\nexit 0\n")
        let refusal =
            "one: the login shell ended (exit status 0) before it started the command: This account "
        func isTold(_ error: any Error) -> Bool {
            // The start-up files of this machine may write errors before ours.
            guard case ShellFailure.unreachable(let text) = error else { return false }
            return text.hasPrefix(refusal) && text.contains("is closed")
                && text.hasSuffix(
                    ". Give the user a shell there that runs commands, and start-up files (~/.bashrc, …) "
                        + "that do not end it")
        }
        await #expect {
            try await nodes.perform(
                Command("touch", Script("touch \(path)/made", limit: .seconds(60))), on: "one")
        } throws: {
            isTold($0)
        }
        let project = Project(name: "crm", directory: "\(path)/crm")
        await #expect {
            try await nodes.hold(
                try LockCommands.hold(by: "apply-1", saying: "{}", in: project), on: "one",
                beat: LockCommands.beat)
        } throws: {
            isTold($0)
        }
        await nodes.shutdown()
        withExtendedLifetime(server) {}
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
