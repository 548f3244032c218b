import Foundation
import LibCurl
import TestWebServer
import TestProcesses
import Testing

@Suite("HTTP over libcurl, against a real server", .ownThreads)
struct HTTPClientTests {
    private let server: TestWebServer
    private let client: HTTPClient

    init() throws {
        server = try TestWebServer()
        client = try HTTPClient()
    }

    private func request(
        _ path: String, method: String = "GET", port: UInt16? = nil, body: String? = nil,
        connect: Duration = .seconds(30), limit: Duration = .seconds(30)
    ) -> HTTPRequest {
        HTTPRequest(
            method: method, url: "http://127.0.0.1:\(port ?? server.port)\(path)",
            body: body.map { Array($0.utf8) }, connectLimit: connect, limit: limit)
    }

    private func failure(_ request: HTTPRequest) async -> HTTPFailure? {
        do throws(HTTPFailure) {
            _ = try await client.perform(request)
            return nil
        } catch {
            return error
        }
    }

    private func seen() async throws -> [TestWebServer.Request] {
        let answer = try await client.perform(request("/seen"))
        return try JSONDecoder().decode([TestWebServer.Request].self, from: Data(answer.body))
    }

    @Test("every status is an answer, with its body and the server's time", arguments: [200, 503])
    func statuses(status: Int) async throws {
        let answer = try await client.perform(request("/status/\(status)"))
        #expect(
            answer
                == HTTPAnswer(
                    status: status, body: Array("status \(status)".utf8), date: 784_111_777))
    }

    @Test("a date that cannot be read is no date")
    func badDate() async throws {
        #expect(try await client.perform(request("/bad-date")).date == nil)
    }

    @Test("a redirect is an answer and is not followed")
    func redirect() async throws {
        #expect(try await client.perform(request("/redirect")).status == 302)
        #expect(try await seen().map(\.path) == ["/redirect"])
    }

    @Test("a body goes out as JSON with its method; none says that its length is 0")
    func bodies() async throws {
        _ = try await client.perform(request("/echo", method: "PATCH", body: "{\"ttl\":30}"))
        _ = try await client.perform(request("/echo", method: "POST"))
        let seen = try await seen()
        #expect(seen.map(\.method) == ["PATCH", "POST"])
        #expect(seen.map(\.body) == ["{\"ttl\":30}", ""])
        #expect(seen.map(\.type) == ["application/json", ""])
        #expect(seen.map(\.length) == ["10", "0"])
    }

    @Test("a unix socket leads to the server, whatever host the URL names")
    func unixSocket() async throws {
        let answer = try await client.perform(
            HTTPRequest(
                url: "http://10.9.8.7:8008/echo", unixSocket: server.socket,
                connectLimit: .seconds(30), limit: .seconds(30)))
        #expect(String(decoding: answer.body, as: UTF8.self).contains("10.9.8.7:8008"))
    }

    @Test("a refused port and a missing socket sent nothing")
    func refused() async throws {
        #expect(
            await failure(request("/", port: server.closedPort))
                == HTTPFailure(cause: .connecting, wasSent: false, text: "connection refused"))
        let missing = await failure(
            HTTPRequest(
                url: "http://x/", unixSocket: server.socket + "-missing",
                connectLimit: .seconds(30), limit: .seconds(30)))
        #expect(
            missing
                == HTTPFailure(
                    cause: .connecting, wasSent: false, text: "there is no such socket"))
    }

    @Test("a name without an address sent nothing")
    func unknownName() async {
        let failure = await failure(
            HTTPRequest(
                url: "http://no-such-host.invalid/", connectLimit: .seconds(30),
                limit: .seconds(30)))
        #expect(failure?.cause == .resolving || failure?.cause == .timedOut)
        #expect(failure?.wasSent == false)
    }

    @Test("a server that never completes the connection is given up after the connect limit")
    func neverConnects() async {
        let failure = await failure(
            request("/", port: server.silentPort, connect: .milliseconds(50)))
        #expect(
            failure
                == HTTPFailure(
                    cause: .timedOut, wasSent: false, text: "no connection within 50 ms"))
    }

    @Test(
        "silence and loss after the request was sent leave its outcome unknown",
        arguments: [
            ("/hang", .timedOut, "no whole answer within 300 ms"),
            ("/half-then-hang", .timedOut, "no whole answer within 300 ms"),
            (
                "/half-then-close", .disconnected,
                "the connection ended before the whole answer was there"
            ),
            ("/close", .disconnected, "the connection ended before the whole answer was there"),
            ("/garbage", .malformed, "the answer is not HTTP"),
        ] as [(String, HTTPFailure.Cause, String)])
    func lostAnswers(path: String, cause: HTTPFailure.Cause, text: String) async {
        let limit: Duration = cause == .timedOut ? .milliseconds(300) : .seconds(30)
        for method in ["GET", "POST"] {
            let failure = await failure(request(path, method: method, limit: limit))
            #expect(failure == HTTPFailure(cause: cause, wasSent: true, text: text))
        }
    }

    @Test("a body larger than the limit ends the transfer instead of filling the memory")
    func hugeBody() async {
        let failure = await failure(request("/huge"))
        #expect(failure?.cause == .tooLarge)
        #expect(failure?.text == "the answer is larger than 16384 KiB")
    }

    @Test("requests to one place share a connection; a mutating one has its own")
    func keepAlive() async throws {
        for _ in 0..<3 { _ = try await client.perform(request("/status/200")) }
        _ = try await client.perform(request("/echo", method: "POST"))
        #expect(try await seen().map(\.connection) == [1, 1, 1, 2])
    }

    @Test("a POST that only asks keeps its connection")
    func repeatablePost() async throws {
        var ask = request("/echo", method: "POST", body: "{}")
        ask.isRepeatable = true
        _ = try await client.perform(ask)
        _ = try await client.perform(ask)
        #expect(try await seen().map(\.connection) == [1, 1])
    }

    @Test("a mutating request is never repeated behind our back on a dead connection")
    func deadConnection() async throws {
        _ = try await client.perform(request("/first-only"))
        // Its connection is kept, and the server ends it at the next request: curl repeats a GET.
        _ = try await client.perform(request("/first-only"))
        _ = try await client.perform(request("/first-only", method: "POST"))
        let seen = try await seen()
        #expect(seen.map(\.method) == ["GET", "GET", "GET", "POST"])
        #expect(Set(seen.map(\.connection)).count == 3)
    }

    @Test(
        "cancelling the task ends the transfer at once and leaves the client usable",
        .timeLimit(.minutes(15)))
    func cancellation() async throws {
        let task = Task { await failure(request("/hang")) }
        while try await seen().isEmpty { await Task.yield() }
        task.cancel()
        #expect(
            await task.value
                == HTTPFailure(cause: .cancelled, wasSent: true, text: "the request was cancelled"))
        let never = Task { await failure(request("/hang")) }
        never.cancel()
        #expect(await never.value?.cause == .cancelled)
        #expect(try await client.perform(request("/status/200")).status == 200)
    }

    @Test("a hundred requests side by side all get their own answer")
    func manyAtOnce() async throws {
        struct Outcome {
            var asked: Int
            var body: String
        }
        let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
            for status in 400..<500 {
                group.addTask { [client, request = request("/status/\(status)")] in
                    let answer = try await client.perform(request)
                    let body = String(decoding: answer.body, as: UTF8.self)
                    return Outcome(asked: status, body: body)
                }
            }
            return try await group.reduce(into: [Outcome]()) { $0.append($1) }
        }
        #expect(outcomes.count == 100)
        for outcome in outcomes { #expect(outcome.body == "status \(outcome.asked)") }
    }

    @Test("a client that goes away ends its thread", .timeLimit(.minutes(15)))
    func goesAway() async throws {
        func threads() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        }
        var clients: [HTTPClient] = []
        for _ in 0..<50 { clients.append(try HTTPClient()) }
        let most = try threads()
        clients = []
        // Other tests' threads come and go: ours are the bulk.
        while try threads() > most - 25 { await Task.yield() }
    }
}
