import Foundation

/// The program as it is run: its arguments, what it wrote, how it ended.
struct Program {
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Beside the tests' own executable.
    static let path = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "matriarch").path

    static func run(
        _ arguments: String..., environment: [String: String] = [:]
    ) throws -> Outcome {
        try run(
            "/usr/bin/env",
            ["-i", "PATH=/usr/bin:/bin", "HOME=/nonexistent"]
                + environment.map { "\($0.key)=\($0.value)" } + [path] + arguments)
    }

    /// - Parameter script: `$0` is the program.
    static func shell(_ script: String, _ arguments: String...) throws -> Outcome {
        try run("/bin/sh", ["-c", script, path] + arguments)
    }

    private static func run(_ executable: String, _ arguments: [String]) throws -> Outcome {
        let folder = try Folder()
        let output = folder.url.appending(path: "output")
        let errors = folder.url.appending(path: "errors")
        try Data().write(to: output)
        try Data().write(to: errors)
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}

/// A folder of its own, gone when the value is.
final class Folder {
    let url: URL
    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String, to name: String) throws -> String {
        let file = url.appending(path: name)
        try Data(text.utf8).write(to: file)
        return file.path
    }
}
