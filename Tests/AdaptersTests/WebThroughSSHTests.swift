import Adapters
import Cluster
import Effects
import Foundation
import TestSSHServer
import TestWebServer
import TestProcesses
import Testing

@Suite(
    "Web requests through a real sshd",
    .enabled(if: SSHServer.isHere, Comment(rawValue: SSHServer.isMissing)), .ownThreads)
struct WebThroughSSHTests {
    private let server: SSHServer
    private let pages: TestWebServer
    private let nodes: SSHNodes
    private let web: WebRequests

    init() throws {
        server = try SSHServer()
        pages = try TestWebServer()
        nodes = SSHNodes([server.node()], as: server.user())
        web = try WebRequests(direct: [:], tunnels: nodes)
    }

    private func address(_ path: String, port: UInt16? = nil) -> WebAddress {
        WebAddress(node: "one", host: "127.0.0.1", port: port ?? pages.port, path: path)
    }

    private func failure(_ request: WebRequest) async -> WebFailure? {
        do throws(WebFailure) {
            _ = try await web.send(request, limit: .seconds(60))
            return nil
        } catch {
            return error
        }
    }

    @Test("a hundred requests side by side each get their own answer")
    func many() async throws {
        struct Outcome {
            var asked: Int
            var body: String
        }
        let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
            for status in 400..<500 {
                group.addTask { [web, place = address("/status/\(status)")] in
                    let answer = try await web.get(place, limit: .seconds(60))
                    return Outcome(
                        asked: status, body: String(decoding: answer.body, as: UTF8.self))
                }
            }
            return try await group.reduce(into: [Outcome]()) { $0.append($1) }
        }
        #expect(outcomes.count == 100)
        for outcome in outcomes { #expect(outcome.body == "status \(outcome.asked)") }
        await nodes.shutdown()
    }

    @Test("requests in a row share one channel")
    func keepAlive() async throws {
        for _ in 0..<3 { _ = try await web.get(address("/status/200"), limit: .seconds(60)) }
        let answer = try await web.get(address("/seen"), limit: .seconds(60))
        let seen = try JSONDecoder().decode([TestWebServer.Request].self, from: Data(answer.body))
        #expect(seen.map(\.connection) == [1, 1, 1])
        await nodes.shutdown()
    }

    @Test("a port that nobody listens on gives no answer instead of hanging")
    func refusedBehindTunnel() async {
        for method in [WebRequest.Method.get, .post] {
            #expect(
                await failure(
                    WebRequest(method: method, address: address("/", port: pages.closedPort)))
                    == .unknownOutcome("nobody listens there, or the connection was ended"))
        }
        await nodes.shutdown()
    }

    @Test("an SSH that is not there is the reason, and nothing was sent")
    func noSSH() async throws {
        let gone = SSHNodes(
            [Node(name: "one", address: "127.0.0.1", ssh: SSHSettings(port: pages.closedPort))],
            as: server.user())
        let web = try WebRequests(direct: [:], tunnels: gone)
        do throws(WebFailure) {
            _ = try await web.get(address("/"), limit: .seconds(60))
            Issue.record("it answered")
        } catch {
            guard case .unreachable(let text) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(text.hasPrefix("one"), "\(text)")
        }
    }

    @Test("direct access goes where SSH goes, and never to a node behind a jump host")
    func directAccess() throws {
        let place = try Scratch()
        try place.write(
            "config", "Host alias\n HostName 192.0.2.7\nHost behind\n ProxyJump alias\n")
        let direct = place.user().directAccess(to: [
            Node(name: "a", address: "alias", privateAddress: "10.0.0.1"),
            Node(name: "b", address: "behind"),
            Node(name: "c", address: "192.0.2.9", ssh: SSHSettings(jump: "alias")),
            Node(name: "d", address: "192.0.2.8"),
        ])
        #expect(direct.keys.sorted() == ["a", "d"])
        #expect(direct["a"]?.address == "192.0.2.7")
        #expect(direct["a"]?.ownAddresses == ["alias", "10.0.0.1"])
        #expect(direct["d"]?.address == "192.0.2.8")
    }
}
