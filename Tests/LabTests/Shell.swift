import Foundation

/// What a program said and how it ended.
struct Outcome: Sendable {
    var status: Int32
    var output: String
    var errors: String
    var text: String { output + errors }
}

/// The lab could not do what a test needs: not a finding about the program under test.
struct LabFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A child process with its output in files, so that no pipe can fill up and block it.
final class Child {
    private let process = Process()
    private let directory: URL
    private let lockstep: Lockstep?
    /// Signalled once it ended. `waitUntilExit` needs a run loop, which test threads lack.
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameter look: sees every line of standard error before the child can write the one
    ///   after the next.
    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        input: String? = nil, look: (@Sendable (String) -> Void)? = nil
    ) throws {
        lockstep = try look.map { try Lockstep($0) }
        directory = FileManager.default.temporaryDirectory
            .appending(path: "matriarch-lab-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = Repository.root
        for (name, attach) in [
            ("out", { self.process.standardOutput = $0 }),
            ("err", { self.process.standardError = $0 }),
        ] as [(String, (FileHandle) -> Void)] {
            let file = directory.appending(path: name)
            try Data().write(to: file)
            attach(try FileHandle(forWritingTo: file))
        }
        let stdin = directory.appending(path: "in")
        try Data((input ?? "").utf8).write(to: stdin)
        process.standardInput = try FileHandle(forReadingFrom: stdin)
        if let lockstep { process.standardError = lockstep.writing }
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        lockstep?.start()
    }

    deinit {
        if process.isRunning { process.terminate() }
        try? FileManager.default.removeItem(at: directory)
    }

    var isRunning: Bool { process.isRunning }
    func interrupt() { process.interrupt() }
    func terminate() { process.terminate() }
    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// What it has said so far.
    var outcome: Outcome {
        func text(_ name: String) -> String {
            let data = (try? Data(contentsOf: directory.appending(path: name))) ?? Data()
            return String(decoding: data, as: UTF8.self)
        }
        return Outcome(
            status: process.isRunning ? -1 : process.terminationStatus, output: text("out"),
            errors: lockstep?.errors ?? text("err"))
    }

    func wait() -> Outcome {
        ended.wait()
        ended.signal()
        lockstep?.waitForEnd()
        return outcome
    }
}

@discardableResult
func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    input: String? = nil
) throws -> Outcome {
    try Child(program, arguments, environment: environment, input: input).wait()
}

/// Where things are in the checkout.
enum Repository {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let lab = root.appending(path: "Tests/Lab/lab").path
    static let state = root.appending(path: "Tests/Lab/.state")
    /// `make lab-test` builds it; `MATRIARCH_PROGRAM` names another.
    static var program: String {
        ProcessInfo.processInfo.environment["MATRIARCH_PROGRAM"]
            ?? root.appending(path: ".build/release/matriarch").path
    }
}
