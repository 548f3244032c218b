import Foundation

/// A real web server of its own process, which misbehaves on demand: `server.py` lists the paths.
package final class TestWebServer: Sendable {
    /// Where it serves on 127.0.0.1.
    package let port: UInt16
    /// Nobody listens there.
    package let closedPort: UInt16
    /// Connections to it are never completed.
    package let silentPort: UInt16
    /// Where it serves too.
    package let socket: String
    private let input: Pipe
    private let folder: String

    package init() throws {
        folder = NSTemporaryDirectory() + "matriarch-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        socket = folder + "/web"
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("server.py").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script, socket]
        input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = ""
        while !line.hasSuffix("\n"), let data = try output.fileHandleForReading.read(upToCount: 1) {
            line += String(decoding: data, as: UTF8.self)
        }
        let ports = line.split(separator: " ").compactMap {
            UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        guard ports.count == 3 else { throw NotStarted(output: line) }
        port = ports[0]
        closedPort = ports[1]
        silentPort = ports[2]
    }

    package struct NotStarted: Error {
        package var output: String
    }

    deinit {
        try? input.fileHandleForWriting.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What it was asked, in the order of arrival, `/seen` left out.
    package struct Request: Decodable, Equatable, Sendable {
        package var method: String
        package var path: String
        package var body: String
        /// Which connection it came on, counted from 1.
        package var connection: Int
        /// The content type.
        package var type: String
        package var host: String
        /// The content length as written.
        package var length: String
    }
}
