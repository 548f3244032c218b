import Adapters
import Cluster
import Effects
import Foundation
import LibSSH2
import TestSSHServer
import TestProcesses
import Testing

@Suite(.enabled(if: SSHServer.isHere, Comment(rawValue: SSHServer.isMissing)), .ownThreads)
struct SSHTunnelTests {
    private let server: SSHServer
    private let nodes: SSHNodes

    init() throws {
        server = try SSHServer()
        nodes = SSHNodes([server.node()], as: server.user())
    }

    private func get(_ socket: String, _ path: String = "/") async -> Result<String, CommandFailed>
    {
        await BlockingWork.shared.run {
            Result { () throws(CommandFailed) in
                do {
                    return try run([
                        "/usr/bin/curl", "-sS", "--max-time", "30", "--unix-socket", socket,
                        "http://there\(path)",
                    ])
                } catch { throw CommandFailed(text: "\(error)") }
            }
        }
    }

    @Test("a request through the tunnel's socket reaches the far port, again and again")
    func request() async throws {
        let web = try EchoingWeb("first")
        let path = try await nodes.tunnel(to: "127.0.0.1", port: web.port, on: "one")
        #expect(path.utf8.count < 100)
        let attributes = try FileManager.default.attributesOfItem(
            atPath: (path as NSString).deletingLastPathComponent)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
        for index in 0..<3 {
            #expect(try await get(path, "/\(index)").get() == "first /\(index)")
        }
        #expect(try await nodes.tunnel(to: "127.0.0.1", port: web.port, on: "one") == path)
        await nodes.shutdown()
        withExtendedLifetime(web) {}
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(
            !FileManager.default.fileExists(
                atPath: (path as NSString).deletingLastPathComponent))
    }

    @Test("ten megabytes come through whole")
    func big() async throws {
        let web = try EchoingWeb("big", padding: 10 << 20)
        let path = try await nodes.tunnel(to: "127.0.0.1", port: web.port, on: "one")
        let body = try await get(path).get()
        #expect(body.utf8.count == (10 << 20) + "big /".utf8.count)
        await nodes.shutdown()
        withExtendedLifetime(web) {}
    }

    @Test("a tunnel to a refused port closes the connection, and other tunnels go on")
    func refused() async throws {
        let web = try EchoingWeb("up")
        let dead = try await nodes.tunnel(to: "127.0.0.1", port: try freePort(), on: "one")
        let live = try await nodes.tunnel(to: "127.0.0.1", port: web.port, on: "one")
        guard case .failure(let failure) = await get(dead) else {
            Issue.record("a refused port answered")
            return
        }
        // 7: it was closed before curl looked whether it was connected. 52: without an answer. 55:
        // while the request was written. 56: it was reset.
        #expect(
            ["7", "52", "55", "56"].contains { failure.text.contains("status \($0):") },
            "\(failure.text)")
        #expect(try await get(live).get() == "up /")
        await nodes.shutdown()
        withExtendedLifetime(web) {}
    }

    @Test(
        "fifty tunnels at once to two servers never reach the wrong one (half-done opens are kept apart)"
    )
    func neverCross() async throws {
        let webs = [try EchoingWeb("left"), try EchoingWeb("right")]
        struct Answer { var index: Int; var text: String }
        var paths: [String] = []
        for web in webs {
            paths.append(try await nodes.tunnel(to: "127.0.0.1", port: web.port, on: "one"))
        }
        let sockets = paths
        for round in 0..<4 {
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let text = try await BlockingWork.shared.run {
                            Result { try rawRequest(sockets[index % 2], "/\(round)-\(index)") }
                        }.get()
                        return Answer(index: index, text: text)
                    }
                }
                for try await answer in group {
                    let name = answer.index % 2 == 0 ? "left" : "right"
                    #expect(answer.text == "\(name) /\(round)-\(answer.index)")
                }
            }
        }
        await nodes.shutdown()
        withExtendedLifetime(webs) {}
    }

    @Test("a tunnel outlives its connection: after a loss the next request connects anew")
    func outlivesLoss() async throws {
        let web = try EchoingWeb("again")
        let path = try await nodes.tunnel(to: "127.0.0.1", port: web.port, on: "one")
        #expect(try await get(path).get() == "again /")
        try run(["/usr/bin/pkill", "-9", "-P", "\(server.id)"])
        // The first request may meet the dying connection.
        var answer = await get(path)
        if case .failure = answer { answer = await get(path) }
        #expect(try answer.get() == "again /")
        await nodes.shutdown()
        withExtendedLifetime(web) {}
    }
}

/// Speaks just enough HTTP to say its name and the path asked for.
final class EchoingWeb: Sendable {
    let port: UInt16
    private let listener: TCPListener

    init(_ name: String, padding: Int = 0) throws {
        listener = try TCPListener()
        port = listener.port
        let number = listener.number
        Thread.detachNewThread {
            while true {
                let client = accept(number, nil, nil)
                if client < 0 { return }
                Thread.detachNewThread { Self.serve(client, name, padding) }
            }
        }
    }

    deinit { shutdown(listener.number, Int32(SHUT_RDWR)) }

    private static func serve(_ client: Int32, _ name: String, _ padding: Int) {
        defer { close(client) }
        var request = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(client, &request, request.count)
        guard count > 0 else { return }
        let line = String(decoding: request[0..<count], as: UTF8.self)
        let path = line.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let body = name + " " + path + String(repeating: ".", count: padding)
        let answer = Array(
            "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
                .utf8)
        var rest = answer[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// One request over a Unix socket, without curl's process.
func rawRequest(_ path: String, _ target: String) throws -> String {
    let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(number) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let code = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard code == 0 else { throw CommandFailed(text: "connect: \(errno)") }
    let request = Array("GET \(target) HTTP/1.1\r\nHost: there\r\n\r\n".utf8)
    _ = unsafe send(number, request, request.count, Int32(MSG_NOSIGNAL))
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = unsafe recv(number, &buffer, buffer.count, 0)
        if count <= 0 { break }
        answer += buffer[0..<count]
    }
    let text = String(decoding: answer, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { throw CommandFailed(text: "got '\(text)'") }
    return String(text[end.upperBound...])
}
