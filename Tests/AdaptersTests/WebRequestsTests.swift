import Adapters
import Cluster
import Effects
import Foundation
import Synchronization
import TestWebServer
import TestProcesses
import Testing

/// Tunnels that lead to a socket of this machine, and count how often they were asked for.
private final class LocalTunnels: WebTunnels {
    private let path: String?
    let asked = Mutex<[String]>([])
    let isBroken = Mutex(false)

    /// - Parameter path: `nil` for a node that SSH does not reach.
    init(path: String?) { self.path = path }

    func tunnel(
        to host: String, port: UInt16, on node: NodeName
    ) async throws(ShellFailure) -> String {
        asked.withLock { $0.append("\(node) \(host):\(port)") }
        guard let path, !isBroken.withLock({ $0 }) else {
            throw .unreachable("\(node): connection refused by sshd")
        }
        return path
    }
}

@Suite("Web requests, directly or through a tunnel", .ownThreads)
struct WebRequestsTests {
    private let server: TestWebServer
    private let tunnels: LocalTunnels
    private let web: WebRequests

    init() throws {
        server = try TestWebServer()
        tunnels = LocalTunnels(path: server.socket)
        web = try Self.web(tunnels)
    }

    /// A busy machine must not look like a silent port, so the first limit is generous.
    private static func web(
        _ tunnels: LocalTunnels, firstConnectLimit: Duration = .seconds(30)
    ) throws -> WebRequests {
        try WebRequests(
            direct: [
                "near": WebRequests.DirectAccess(
                    address: "127.0.0.1", ownAddresses: ["10.0.0.5"])
            ], tunnels: tunnels, firstConnectLimit: firstConnectLimit)
    }

    private func address(
        _ path: String, node: NodeName = "near", host: String = "127.0.0.1", port: UInt16? = nil
    ) -> WebAddress {
        WebAddress(node: node, host: host, port: port ?? server.port, path: path)
    }

    private func failure(
        _ address: WebAddress, method: WebRequest.Method = .get, web other: WebRequests? = nil,
        limit: Duration = .seconds(30)
    ) async -> WebFailure? {
        do throws(WebFailure) {
            _ = try await (other ?? web).send(
                WebRequest(method: method, address: address), limit: limit)
            return nil
        } catch {
            return error
        }
    }

    private func seen() async throws -> [TestWebServer.Request] {
        let answer = try await web.get(address("/seen"), limit: .seconds(30))
        return try JSONDecoder().decode([TestWebServer.Request].self, from: Data(answer.body))
    }

    @Test("a published port answers directly: loopback, the node's address, its private one")
    func direct() async throws {
        for host in ["127.0.0.1", "localhost", "10.0.0.5"] {
            let answer = try await web.get(address("/status/503", host: host), limit: .seconds(30))
            #expect(
                answer
                    == WebAnswer(
                        status: 503, body: Array("status 503".utf8), date: 784_111_777))
        }
        #expect(tunnels.asked.withLock { $0 } == [])
    }

    @Test("a container's address is only known on the node: always through the tunnel")
    func containerAddress() async throws {
        let answer = try await web.get(
            address("/echo", host: "172.18.0.4", port: 8008), limit: .seconds(30))
        #expect(String(decoding: answer.body, as: UTF8.self).contains("172.18.0.4:8008"))
        #expect(tunnels.asked.withLock { $0 } == ["near 172.18.0.4:8008"])
    }

    @Test("a node that must not be reached directly never is, though the port would answer")
    func tunnelOnly() async throws {
        _ = try await web.get(address("/status/200", node: "far"), limit: .seconds(30))
        #expect(tunnels.asked.withLock { $0 } == ["far 127.0.0.1:\(server.port)"])
    }

    @Test("a closed and a silent port fall back to the tunnel")
    func fallsBack() async throws {
        let web = try Self.web(tunnels, firstConnectLimit: .milliseconds(50))
        for port in [server.closedPort, server.silentPort] {
            let place = address("/status/200", port: port)
            #expect(try await web.get(place, limit: .seconds(30)).status == 200)
        }
        #expect(tunnels.asked.withLock { $0.count } == 2)
    }

    @Test("the way that worked is remembered, and forgotten when SSH fails")
    func remembers() async throws {
        let tunnels = LocalTunnels(path: server.socket)
        let web = try Self.web(tunnels)
        let place = address("/status/200", port: server.closedPort)
        #expect(try await web.get(place, limit: .seconds(30)).status == 200)
        _ = try await web.get(address("/open-closed-port"), limit: .seconds(30))
        // It would answer directly now, but is not asked.
        #expect(try await web.get(place, limit: .seconds(30)).status == 200)
        #expect(tunnels.asked.withLock { $0.count } == 2)
        tunnels.isBroken.withLock { $0 = true }
        #expect(
            await failure(place, web: web) == .unreachable("near: connection refused by sshd"))
        #expect(await failure(place, web: web) == nil)
        #expect(tunnels.asked.withLock { $0.count } == 3)
    }

    @Test("a mutating request that was not sent goes the other way once")
    func mutatingFallsBack() async throws {
        let body = JSONValue.object(["leader": .string("pg-1"), "candidate": .null])
        let answer = try await web.send(
            WebRequest(
                method: .post, address: address("/echo", port: server.closedPort), body: body),
            limit: .seconds(30))
        #expect(answer.status == 200)
        let seen = try await seen()
        #expect(seen.map(\.method) == ["POST"])
        #expect(seen.map(\.body) == ["{\"candidate\":null,\"leader\":\"pg-1\"}"])
        #expect(seen.map(\.type) == ["application/json"])
    }

    @Test(
        "a request that was sent is never sent again another way (S3)",
        arguments: ["/hang", "/half-then-close", "/close", "/garbage"],
        [WebRequest.Method.post, .patch, .get])
    func sentOnce(path: String, method: WebRequest.Method) async throws {
        let limit: Duration = path == "/hang" ? .milliseconds(300) : .seconds(30)
        let failure = await failure(address(path), method: method, limit: limit)
        guard case .unknownOutcome = failure else {
            Issue.record("\(failure.debugDescription)")
            return
        }
        #expect(tunnels.asked.withLock { $0 } == [])
        #expect(try await seen().map(\.path) == [path])
    }

    @Test("when no way is open, both reasons are told")
    func bothReasons() async throws {
        let web = try Self.web(LocalTunnels(path: nil))
        #expect(
            await failure(address("/", port: server.closedPort), web: web)
                == .unreachable(
                    "connection refused; through SSH: near: connection refused by sshd"))
        #expect(
            await failure(address("/", node: "far"), web: web)
                == .unreachable("far: connection refused by sshd"))
    }

    @Test("a tunnel that leads nowhere leaves a mutating request's outcome unknown")
    func tunnelCloses() async {
        #expect(
            await failure(address("/close", node: "far"), method: .post)
                == .unknownOutcome("nobody listens there, or the connection was ended"))
    }

    @Test("a refused port that the tunnel does not reach either tells both")
    func refusedTwice() async {
        #expect(
            await failure(address("/close", port: server.closedPort), method: .post)
                == .unknownOutcome(
                    "connection refused; through SSH: "
                        + "nobody listens there, or the connection was ended"))
    }

    @Test("etcd's reading POSTs keep their connection")
    func queries() async throws {
        for _ in 0..<2 {
            let answer = try await web.query(
                .etcdMembers, at: address("/ignored"), limit: .seconds(30))
            #expect(answer.body == Array("{}".utf8))
        }
        let seen = try await seen()
        #expect(seen.map(\.path) == [WebQuery.etcdMembers.path, WebQuery.etcdMembers.path])
        #expect(seen.map(\.body) == ["{}", "{}"])
        #expect(Set(seen.map(\.connection)).count == 1)
    }

    @Test("cancelling the task ends a request, and says whether it was sent")
    func cancellation() async throws {
        let task = Task { await failure(address("/hang"), method: .post) }
        while try await seen().isEmpty { await Task.yield() }
        task.cancel()
        #expect(await task.value == .unknownOutcome("the request was cancelled"))
    }
}

@Suite("The machine's clock")
struct SystemClockTests {
    @Test("time goes forward, and a cancelled sleep returns early")
    func clock() async {
        let clock = SystemClock()
        let before = clock.now
        await clock.sleep(for: .milliseconds(2))
        #expect(clock.now - before >= .milliseconds(2))
        let sleeper = Task { await clock.sleep(for: .seconds(3600)) }
        sleeper.cancel()
        await sleeper.value
    }
}
