import Cluster
import Foundation
import TestProcesses

@testable import RemoteCommands

/// The POSIX shells of this machine, and a directory to run scripts in.
struct Shell: CustomStringConvertible, Sendable {
    let arguments: [String]
    var description: String { arguments.joined(separator: " ") }

    static let all: [Shell] = [
        ["/bin/sh"], ["/usr/bin/dash"], ["/usr/bin/busybox", "sh"], ["/bin/bash"],
        ["/bin/bash", "--posix"],
    ]
    .filter { FileManager.default.isExecutableFile(atPath: $0[0]) }.map(Shell.init)

    /// One of each kind, for tests that run many scripts.
    static let different =
        all.filter { $0.arguments[0] != "/bin/sh" && $0.arguments.count < 2 }
        + all.filter { $0.arguments.last == "sh" }

    struct Answer: Equatable {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs a script as the adapters do: as the one argument of `sh -c`.
    func run(_ script: Script, path: String? = nil, truncatingInputTo limit: Int? = nil) throws
        -> Answer
    {
        let directory = try Scratch()
        var bytes =
            switch script.input {
            case .none: Data()
            case .plain(let text): Data(text.utf8)
            case .sensitive(let secret): Data(secret.reveal().utf8)
            }
        if let limit { bytes = bytes.prefix(limit) }
        let input = directory.url.appending(path: "input")
        let output = directory.url.appending(path: "output")
        let errors = directory.url.appending(path: "errors")
        try bytes.write(to: input)
        try Data().write(to: output)
        try Data().write(to: errors)
        let process = Process()
        process.executableURL = URL(filePath: arguments[0])
        process.arguments = arguments.dropFirst() + ["-c", script.text]
        process.environment = ["PATH": (path.map { $0 + ":" } ?? "") + "/usr/bin:/bin"]
        // A pipe, as SSH gives: `head` cannot step back in it.
        let feed = Process()
        feed.executableURL = URL(filePath: "/bin/cat")
        feed.arguments = [input.path]
        let pipe = Pipe()
        feed.standardOutput = pipe
        process.standardInput = pipe
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try feed.run()
        try process.run()
        process.waitUntilExit()
        feed.waitUntilExit()
        return Answer(
            status: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}

/// A directory of its own, gone when the value is.
final class Scratch {
    let url: URL
    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }
    var path: String { url.path }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: url.appending(path: name)), as: UTF8.self)
    }
    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: url.appending(path: name))
    }
    func mode(_ name: String) throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(
            atPath: url.appending(path: name).path)
        return attributes[.posixPermissions] as? Int
    }
    /// Everything below, hidden files too, sorted.
    func names() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
    }

    /// A program that notes its arguments in `calls`, one call a line, then runs `body`.
    func program(_ name: String, _ body: String = "") throws {
        let text = "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '\(path)/calls'\n\(body)\n"
        try writeProgram(text, to: url.appending(path: name))
    }
    func calls() throws -> [String] {
        guard FileManager.default.fileExists(atPath: url.appending(path: "calls").path) else {
            return []
        }
        return try text("calls").split(separator: "\n").map(String.init)
    }
}

/// The same numbers from the same seed.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
