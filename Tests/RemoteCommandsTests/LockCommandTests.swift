import Cluster
import Foundation
import TestProcesses
import Testing

@testable import RemoteCommands

@Suite("The lock on a node", .ownThreads)
struct LockCommandTests {
    let scratch: Scratch
    let project: Project
    let shell = Shell(arguments: ["/bin/sh"])

    init() throws {
        scratch = try Scratch()
        project = Project(name: "crm", directory: "\(scratch.path)/it's")
    }

    func hold(
        _ apply: String, saying holder: String = "{}", in shell: Shell? = nil,
        patience: Duration = .seconds(60)
    ) throws -> HeldProcess {
        try HeldProcess(
            try LockCommands.hold(by: apply, saying: holder, in: project, patience: patience)
                .script, shell ?? self.shell)
    }

    /// A command of an apply that ends when its input does.
    func working(_ apply: String, _ summary: String = "wait") throws -> HeldProcess {
        let command = Command(
            summary, Script("echo begun > '\(scratch.path)/begun'; cat", limit: .seconds(60)))
        let process = try HeldProcess(
            try command.underLock(of: apply, in: project).script, shell)
        while !FileManager.default.fileExists(atPath: scratch.path + "/begun") { usleep(5000) }
        return process
    }

    @Test(
        "a second holder is refused and told who has it; the end of the first lets it in",
        arguments: Shell.different)
    func refused(shell: Shell) throws {
        let first = try hold("a-1", saying: "{\"who\":\n\"ada\"}", in: shell)
        #expect(first.firstOutput() == "held\n")
        let second = try hold("b-1", in: shell)
        #expect(second.firstOutput() == "")
        #expect(
            second.complaint()
                == "a-1\n\(first.id)\n{\"who\": \"ada\"}\n")
        #expect(second.end() == LockCommands.notFree)
        #expect(first.end() == 0)
        #expect(
            try scratch.names() == ["it's", "it's/.matriarch.lock", "it's/.matriarch.work"])
        let third = try hold("b-2", in: shell)
        #expect(third.firstOutput() == "held\n")
        #expect(third.end() == 0)
    }

    @Test("a holder that was killed holds nothing from that moment on", arguments: Shell.different)
    func killed(shell: Shell) throws {
        let first = try hold("a-1", in: shell)
        #expect(first.firstOutput() == "held\n")
        kill(first.id, SIGKILL)
        _ = first.wait()
        // The input of the first is still open: what it had started waits there.
        let second = try hold("b-1", in: shell)
        #expect(second.firstOutput() == "held\n")
        #expect(second.end() == 0)
        _ = first.end()
    }

    @Test(
        "a holder that says nothing more is let go, though nothing has closed its input",
        arguments: Shell.different)
    func silent(shell: Shell) throws {
        let first = try hold("a-1", in: shell, patience: .seconds(1))
        #expect(first.firstOutput() == "held\n")
        #expect(first.wait() == 0)
        #expect(
            try scratch.names() == ["it's", "it's/.matriarch.lock", "it's/.matriarch.work"])
    }

    @Test("a holder that is heard of keeps the lock for longer than it may be silent")
    func beating() throws {
        let first = try hold("a-1", patience: .seconds(4))
        #expect(first.firstOutput() == "held\n")
        for _ in 0..<12 {
            try first.beat()
            usleep(500_000)
        }
        #expect(first.isRunning)
        let second = try hold("b-1")
        #expect(second.end() == LockCommands.notFree)
        #expect(first.end() == 0)
    }

    @Test(
        "a command that outlives its apply keeps the next one out, and is named",
        arguments: Shell.different)
    func stillWorking(shell: Shell) throws {
        let first = try hold("a-1", in: shell)
        #expect(first.firstOutput() == "held\n")
        let command = try working("a-1", "recreate\npostgres-2")
        #expect(first.end() == 0)
        let second = try hold("b-1", in: shell)
        #expect(
            second.complaint()
                == "\(command.id) recreate postgres-2\n")
        #expect(second.end() == LockCommands.stillWorking)
        #expect(command.end() == 0)
        let third = try hold("b-2", in: shell)
        #expect(third.firstOutput() == "held\n")
        #expect(third.end() == 0)
    }

    @Test(
        "a command that arrives when the lock is another's, or nobody's, does nothing",
        arguments: Shell.different)
    func fenced(shell: Shell) throws {
        let command = try Command(
            "write", Script("echo > '\(scratch.path)/done'", limit: .seconds(60))
        ).underLock(of: "a-1", in: project)
        let refusal = Shell.Answer(
            status: LockCommands.notFree, output: "",
            errors: "the cluster's lock on this node is no longer held by this apply\n")
        let first = try hold("a-1", in: shell)
        #expect(first.firstOutput() == "held\n")
        #expect(first.end() == 0)
        #expect(try shell.run(command.script) == refusal)
        let second = try hold("b-1", in: shell)
        #expect(second.firstOutput() == "held\n")
        #expect(try shell.run(command.script) == refusal)
        #expect(second.end() == 0)
        let third = try hold("a-1", in: shell)
        #expect(third.firstOutput() == "held\n")
        #expect(try !scratch.names().contains("done"))
        #expect(try shell.run(command.script) == Shell.Answer(status: 0, output: "", errors: ""))
        #expect(try scratch.names().contains("done"))
        #expect(third.end() == 0)
    }

    @Test(
        "a command under the lock keeps its status, its input, its complaints, and errors end it",
        arguments: Shell.different)
    func transparent(shell: Shell) throws {
        let lock = try hold("a-1", in: shell)
        #expect(lock.firstOutput() == "held\n")
        func run(_ text: String) throws -> Shell.Answer {
            try shell.run(
                Command(
                    "it's", Script(preluded: text, input: .plain("in\nput"), limit: .seconds(60))
                ).underLock(of: "a-1", in: project).script)
        }
        #expect(
            try run("cat\necho 'it'\"'\"'s' >&2\nexit 7\n")
                == Shell.Answer(status: 7, output: "", errors: "in\nputit's\n"))
        #expect(try run("false\necho not reached\n").status == 1)
        #expect(try run("kill -KILL $$\n").status == 137)
        #expect(lock.end() == 0)
    }

    @Test(
        "a command whose reader has gone away, and that is hung up on, still goes to its end",
        arguments: Shell.different)
    func survives(shell: Shell) throws {
        let lock = try hold("a-1", in: shell)
        #expect(lock.firstOutput() == "held\n")
        let text = """
            echo > '\(scratch.path)/begun'
            cat > /dev/null
            for number in 1 2 3; do /bin/echo talk; /bin/echo talk >&2; done
            kill -HUP $$
            echo > '\(scratch.path)/done'

            """
        let command = try HeldProcess(
            try Command("talk", Script(preluded: text, limit: .seconds(60)))
                .underLock(of: "a-1", in: project).script, shell)
        while !FileManager.default.fileExists(atPath: scratch.path + "/begun") { usleep(5000) }
        command.stopListening()
        kill(command.id, SIGHUP)
        _ = command.end()
        #expect(try scratch.names().contains("done"))
        #expect(lock.end() == 0)
    }

    @Test("whoever takes the lock clears away what a killed write had left half done")
    func leftovers() throws {
        try FileManager.default.createDirectory(
            atPath: "\(project.directory)/env", withIntermediateDirectories: true)
        for name in [
            ".matriarch-77", ".compose.yaml.matriarch-77", "env/.a.env.matriarch-77", "env/a.env",
            ".matriarch-network.lock",
        ] { try scratch.write("x", to: "it's/\(name)") }
        let lock = try hold("a-1")
        #expect(lock.firstOutput() == "held\n")
        #expect(lock.end() == 0)
        #expect(
            try scratch.names() == [
                "it's", "it's/.matriarch-network.lock", "it's/.matriarch.lock",
                "it's/.matriarch.work", "it's/env", "it's/env/a.env",
            ])
    }

    @Test("the state of the lock is told without taking it", arguments: Shell.different)
    func status(shell: Shell) throws {
        let status = try LockCommands.status(in: project).script
        let free = Shell.Answer(status: 0, output: "free\n", errors: "")
        #expect(try shell.run(status) == free)
        let lock = try hold("a-1", saying: "{\"who\":\"ada\"}")
        #expect(lock.firstOutput() == "held\n")
        #expect(
            try shell.run(status)
                == Shell.Answer(
                    status: 0,
                    output: "held\na-1\n\(lock.id)\n{\"who\":\"ada\"}\n",
                    errors: ""))
        let command = try working("a-1", "recreate postgres-2")
        #expect(lock.end() == 0)
        // What still runs keeps the lock from everybody: it was called free.
        #expect(
            try shell.run(status)
                == Shell.Answer(
                    status: 0, output: "working\n\(command.id) recreate postgres-2\n", errors: ""))
        #expect(command.end() == 0)
        #expect(try shell.run(status) == free)
        // Its shell was killed, and what that had begun runs on: nobody is given the lock.
        let child = try HeldProcess(
            Script(
                "exec 8< '\(scratch.path)/it'\\''s/.matriarch.work'; flock -s 8; echo in; cat",
                limit: .seconds(60)), shell)
        #expect(child.firstOutput() == "in\n")
        #expect(
            try shell.run(status) == Shell.Answer(status: 0, output: "working\n", errors: ""))
        #expect(child.end() == 0)
    }

    @Test("the end of what still runs can be awaited")
    func awaiting() throws {
        let lock = try hold("a-1")
        #expect(lock.firstOutput() == "held\n")
        let command = try working("a-1")
        let wait = try HeldProcess(
            try Command.awaitEnd(in: project, limit: .seconds(60)).script)
        // It has opened the file, and waits.
        while try shell.run(
            Script("ls -l /proc/\(wait.id)/fd/8", limit: .seconds(60))
        ).status != 0 { usleep(5000) }
        #expect(wait.isRunning)
        #expect(command.end() == 0)
        #expect(wait.wait() == 0)
        #expect(lock.end() == 0)
    }
}
