import Adapters
import Cluster
import Effects
import Foundation
import RemoteCommands
import TestSSHServer
import TestProcesses
import Testing

/// Locks and commands under them, when the way between us and a real sshd fails.
@Suite(.enabled(if: SSHServer.isHere, Comment(rawValue: SSHServer.isMissing)), .ownThreads)
struct SSHLockTests {
    private let server: SSHServer
    private let relay: Relay
    /// Through the relay, and past it.
    private let nodes: SSHNodes
    private let others: SSHNodes
    private let project: Project

    init() throws {
        server = try SSHServer()
        relay = try Relay(to: server.port)
        let known = server.place.text("known_hosts")
        try server.place.append(
            "known_hosts", known.replacing(":\(server.port) ", with: ":\(relay.port) "))
        let port = relay.port
        nodes = SSHNodes([server.node { $0.port = port }], as: server.user())
        others = SSHNodes([server.node()], as: server.user())
        project = Project(name: "crm", directory: "\(server.place.path)/crm")
    }

    private func hold(
        _ apply: String, through nodes: SSHNodes, beat: Duration = LockCommands.beat,
        patience: Duration = LockCommands.patience
    ) async throws -> NodeHold {
        try await nodes.hold(
            try LockCommands.hold(by: apply, saying: "{}", in: project, patience: patience),
            on: "one", beat: beat)
    }

    /// Tries until it has the lock, as an apply that waits for it does. The test's own time limit is
    /// the bound.
    private func waitForLock(_ apply: String) async throws -> any HeldNode {
        while true {
            switch try await hold(apply, through: others) {
            case .held(let held): return held
            case .ended(let result):
                let status = result.status
                try #require(
                    status == .exited(LockCommands.notFree)
                        || status == .exited(LockCommands.stillWorking))
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    private func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(server.place.path)/\(name)")
    }

    private func waitFor(_ name: String) async throws {
        while !exists(name) { try await Task.sleep(for: .milliseconds(20)) }
    }

    @Test(
        "a lock whose holder vanished without a word is free once the silence lasts too long",
        .timeLimit(.minutes(15)))
    func halfOpen() async throws {
        guard
            case .held = try await hold(
                "a-1", through: nodes, beat: .milliseconds(200), patience: .seconds(3))
        else {
            Issue.record("the lock was not given")
            return
        }
        relay.freeze()
        let held = try await waitForLock("b-1")
        await held.release()
        await others.shutdown()
        await nodes.shutdown()
    }

    @Test(
        "beats keep a lock for longer than its patience with a silent holder",
        .timeLimit(.minutes(15)))
    func beats() async throws {
        guard
            case .held(let held) = try await hold(
                "a-1", through: nodes, beat: .milliseconds(100), patience: .seconds(2))
        else {
            Issue.record("the lock was not given")
            return
        }
        // Longer than the patience, by the server's own clock.
        _ = try await others.ask(Query(Script("sleep 5", limit: .seconds(60))), on: "one")
        #expect(await held.isAlive())
        guard case .ended(let refused) = try await hold("b-1", through: others) else {
            Issue.record("the lock was given twice")
            return
        }
        #expect(refused.status == .exited(LockCommands.notFree))
        await held.release()
        await nodes.shutdown()
        await others.shutdown()
    }

    @Test(
        "a lock that was freed on the server shows as lost to its holder",
        .timeLimit(.minutes(15)))
    func freed() async throws {
        guard case .held(let held) = try await hold("a-1", through: nodes) else {
            Issue.record("the lock was not given")
            return
        }
        let free = try LockCommands.free(from: "a-1", in: project)
        #expect(try await others.perform(free, on: "one").succeeded)
        while await held.isAlive() { try await Task.sleep(for: .milliseconds(20)) }
        let next = try await waitForLock("b-1")
        await next.release()
        await nodes.shutdown()
        await others.shutdown()
    }

    /// How the connection of a running command ends.
    enum Cut: CaseIterable { case connection, session, ourselves }

    @Test(
        "a command whose channel is cut half way goes on to its end, and nobody gets the lock before",
        .timeLimit(.minutes(15)), arguments: Cut.allCases)
    func survives(cut: Cut) async throws {
        guard case .held = try await hold("a-1", through: nodes) else {
            Issue.record("the lock was not given")
            return
        }
        let place = server.place.path
        // As compose does, it talks all the time: to nobody, after the cut.
        let body = """
            set -eu
            echo "$PPID" > '\(place)/begun'
            while [ ! -e '\(place)/go-on' ]; do /bin/echo working >&2; sleep 0.05; done
            for number in 1 2 3 4 5; do /bin/echo working; sleep 0.05; done
            echo > '\(place)/done'

            """
        let command = try Command("recreate postgres-2", Script(body, limit: .seconds(60)))
            .underLock(of: "a-1", in: project)
        let nodes = nodes
        let running = Task { try await nodes.perform(command, on: "one") }
        try await waitFor("begun")
        switch cut {
        case .connection: relay.cut()
        case .session: try run(["/usr/bin/pkill", "-KILL", "-P", "\(server.id)"])
        case .ourselves: await nodes.shutdown()
        }
        await #expect(throws: ShellFailure.self) { try await running.value }
        guard case .ended(let refused) = try await hold("b-1", through: others) else {
            Issue.record("the lock was given while a command of the last apply still ran")
            return
        }
        #expect(
            refused.status == .exited(LockCommands.stillWorking)
                || refused.status == .exited(LockCommands.notFree))
        #expect(!exists("done"))
        try server.place.write("go-on", "")
        let held = try await waitForLock("b-2")
        #expect(exists("done"))
        await held.release()
        await others.shutdown()
        await nodes.shutdown()
    }

    @Test(
        "a file write that is cut half way leaves the file as it was, and nothing beside it",
        .timeLimit(.minutes(15)))
    func cutWrite() async throws {
        guard case .held = try await hold("a-1", through: nodes) else {
            Issue.record("the lock was not given")
            return
        }
        func write(_ text: String) throws -> Command {
            try Command.writeFiles(
                [FileSpec(path: "compose.yaml", content: ResolvedText(text))], in: project
            ).underLock(of: "a-1", in: project)
        }
        #expect(try await nodes.perform(try write("old"), on: "one").succeeded)
        // It has begun to arrive when the way is cut, and cannot have arrived whole.
        let text = String(repeating: "new content\n", count: 1 << 20)
        relay.freeze(after: 4 << 20)
        let command = try write(text)
        let nodes = nodes
        let running = Task { try await nodes.perform(command, on: "one") }
        let list = Query(
            Script("ls '\(project.directory)'/.matriarch-[0-9]*", limit: .seconds(60)))
        while try await others.ask(list, on: "one").succeeded == false {}
        relay.cut()
        await #expect(throws: ShellFailure.self) { try await running.value }
        let held = try await waitForLock("b-1")
        let names = try FileManager.default.contentsOfDirectory(atPath: project.directory).sorted()
        #expect(
            names == [
                ".matriarch.lock", ".matriarch.lock.holder", ".matriarch.work", "compose.yaml",
            ])
        #expect(server.place.text("crm/compose.yaml") == "old")
        await held.release()
        await others.shutdown()
        await nodes.shutdown()
    }
}
