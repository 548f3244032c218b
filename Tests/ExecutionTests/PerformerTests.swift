import Cluster
import Effects
import RemoteCommands
import Testing

@testable import Execution

@Suite("What became of a command")
struct PerformerTests {
    private struct Complaining: NodeShell, WebClient {
        let words: String
        func ask(_ query: Query, on node: NodeName) async throws(ShellFailure) -> CommandResult {
            CommandResult(status: .exited(0))
        }
        func perform(
            _ command: Command, on node: NodeName
        ) async throws(ShellFailure) -> CommandResult {
            CommandResult(status: .exited(1), errors: Array(words.utf8))
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

    private func outcome(saying words: String) async -> ActOutcome {
        let world = Complaining(words: words)
        let command = Command("start postgres-2", Script("docker start\n", limit: .seconds(60)))
        return await Performer(shell: world, web: world).perform([.command(command, on: "n-2")])
    }

    @Test("a port that docker kept over a power cut said only that it was allocated")
    func keptPort() async {
        let words = "Bind for 0.0.0.0:8008 failed: port is already allocated"
        #expect(
            await outcome(saying: words)
                == .failed(
                    "start postgres-2 on n-2: exit status 1: \(words); docker ps on n-2 tells which"
                        + " container has it; if none has, docker kept it over a power cut: docker"
                        + " compose down in the project's directory there (it stops all of the"
                        + " project on that node and keeps its volumes), restart docker, apply again"
                ))
    }

    @Test("a port of a program outside docker was blamed on nobody")
    func takenPort() async {
        let words = "listen tcp4 0.0.0.0:8008: bind: address already in use"
        #expect(
            await outcome(saying: words)
                == .failed(
                    "start postgres-2 on n-2: exit status 1: \(words); a program outside docker has"
                        + " it: ss -ltnp on n-2 tells which"))
    }

    @Test("what docker says of anything else gets no advice")
    func other() async {
        #expect(
            await outcome(saying: "no such image")
                == .failed("start postgres-2 on n-2: exit status 1: no such image"))
    }

    /// A server's words of 64 MiB became the reason of a step, and of a line of the history.
    @Test("of a text without an end a few kilobytes are told, and no half of a secret")
    func endless() async {
        let secret = "s3cret-" + String(repeating: "x", count: 500)
        let redactor = Redactor(Secrets(["admin": Secret(secret)]))
        let texts = [
            String(repeating: "e\u{301}", count: 400_000),
            String(repeating: secret + " ", count: 2000),
            String(repeating: secret + "\n", count: 2000),
            String(repeating: "word ", count: 100_000) + "\n\n",
        ]
        for text in texts {
            guard case .failed(let reason) = await outcome(saying: text + "the news") else {
                Issue.record("it did not fail")
                continue
            }
            #expect(reason.utf8.count < 20_000)
            let event = Event.stepFinished("start:postgres-2", .failed(reason), .zero)
            guard case .stepFinished(_, .failed(let shown), _) = event.redacted(by: redactor)
            else {
                Issue.record("another event")
                continue
            }
            #expect(shown.utf8.count <= 4096)
            #expect(shown.hasPrefix("start postgres-2 on n-2: exit status 1: "))
            #expect(shown.hasSuffix(" news"))
            #expect(!shown.contains("xxxxxxxx"), "\(shown.prefix(600))")
        }
    }
}
