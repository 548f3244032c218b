import Cluster
import Effects
import Execution
import RemoteCommands
import Synchronization
import Testing

@Suite("Acting under the lock")
struct LockedEffectsTests {
    private let nodes = LockNodes()
    private let project = Project(name: "crm", directory: "/opt/crm")
    private let command = Command("pull spilo", Script("docker pull\n", limit: .seconds(600)))

    /// Answers as told, and keeps what was asked.
    private final class Recorder: NodeShell, WebClient {
        let performed = Mutex<[Command]>([])
        let asked = Mutex<[Query]>([])
        let failure: ShellFailure?
        let status: Int32
        init(failing failure: ShellFailure? = nil, answering status: Int32 = 0) {
            self.failure = failure
            self.status = status
        }
        func ask(_ query: Query, on node: NodeName) async throws(ShellFailure) -> CommandResult {
            asked.withLock { $0.append(query) }
            return CommandResult(status: .exited(status))
        }
        func perform(
            _ command: Command, on node: NodeName
        ) async throws(ShellFailure) -> CommandResult {
            performed.withLock { $0.append(command) }
            if let failure { throw failure }
            return CommandResult(status: .exited(status))
        }
        func get(_ url: WebAddress, limit: Duration) async throws(WebFailure) -> WebAnswer {
            WebAnswer(status: 200, body: [])
        }
        func query(
            _ query: WebQuery, at place: WebAddress, limit: Duration
        ) async throws(WebFailure) -> WebAnswer { WebAnswer(status: 200, body: []) }
        func send(
            _ request: WebRequest, limit: Duration
        ) async throws(WebFailure) -> WebAnswer { WebAnswer(status: 202, body: []) }
    }

    private func lock() async throws -> ClusterLock {
        try await ClusterLock.acquire(
            on: ["n-1", "n-2"], for: .test("a-1"), project: project, patience: .zero,
            holder: nodes, time: StepTime()
        ) { _ in }
    }

    @Test("commands go out under the name of the apply")
    func named() async throws {
        let shell = Recorder()
        let locked = LockedShell(shell, under: try await lock(), of: project)
        #expect(try await locked.perform(command, on: "n-1").succeeded)
        #expect(
            try shell.performed.withLock { $0 } == [command.underLock(of: "a-1", in: project)])
    }

    @Test("a controller that lost the lock of any node sends nothing more, by shell or by HTTP")
    func lost() async throws {
        let recorder = Recorder()
        let lock = try await lock()
        nodes.free("n-2")
        nodes.take("n-2", for: .test("b-1"))
        let locked = LockedShell(recorder, under: lock, of: project)
        await #expect(throws: ShellFailure.unreachable(NodeName("n-2").lockLost)) {
            _ = try await locked.perform(command, on: "n-1")
        }
        #expect(recorder.performed.withLock { $0 } == [])
        let web = LockedWeb(recorder, under: lock)
        let place = WebAddress(node: "n-1", host: "127.0.0.1", port: 8008, path: "/switchover")
        await #expect(throws: WebFailure.unreachable(NodeName("n-2").lockLost)) {
            _ = try await web.send(
                WebRequest(method: .post, address: place), limit: .seconds(1))
        }
        #expect(try await web.get(place, limit: .seconds(1)).status == 200)
    }

    @Test("a node that was not locked is not changed")
    func unlocked() async throws {
        let shell = Recorder()
        let lock = try await lock()
        let locked = LockedShell(shell, under: lock, of: project)
        await #expect(
            throws: ShellFailure.unreachable(
                "this apply has no lock on n-3, and changes nothing there")
        ) { _ = try await locked.perform(command, on: "n-3") }
        #expect(shell.performed.withLock { $0 } == [])
        // Requests did go there.
        let web = LockedWeb(shell, under: lock)
        let place = WebAddress(node: "n-3", host: "127.0.0.1", port: 8008, path: "/restart")
        await #expect(
            throws: WebFailure.unreachable(
                "this apply has no lock on n-3, and changes nothing there")
        ) {
            _ = try await web.send(WebRequest(method: .post, address: place), limit: .seconds(1))
        }
    }

    @Test("the end of a command whose answer was lost is awaited before its outcome is looked at")
    func awaited() async throws {
        let shell = Recorder(failing: .unknownOutcome("n-1: the connection was lost"))
        let locked = LockedShell(shell, under: try await lock(), of: project)
        await #expect(
            throws: ShellFailure.unknownOutcome(
                "n-1: the connection was lost; it has ended since")
        ) { _ = try await locked.perform(command, on: "n-1") }
        #expect(
            try shell.asked.withLock { $0 } == [
                Command.awaitEnd(in: project, limit: .seconds(60))
            ])
    }

    @Test("a command that may still run is said to")
    func stillRunning() async throws {
        let shell = Recorder(failing: .unknownOutcome("n-1: no answer"), answering: 1)
        let locked = LockedShell(shell, under: try await lock(), of: project)
        await #expect(
            throws: ShellFailure.unknownOutcome("n-1: no answer; it may still run there")
        ) { _ = try await locked.perform(command, on: "n-1") }
    }

    @Test("what never started is not awaited")
    func unreachable() async throws {
        let shell = Recorder(failing: .unreachable("n-1: no route"))
        let locked = LockedShell(shell, under: try await lock(), of: project)
        await #expect(throws: ShellFailure.unreachable("n-1: no route")) {
            _ = try await locked.perform(command, on: "n-1")
        }
        #expect(shell.asked.withLock { $0 } == [])
    }
}
