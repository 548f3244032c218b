import Foundation
import Testing

/// The program under test, run as a person would.
enum Matriarch {
    static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Outcome {
        try start(arguments, environment: environment).wait()
    }

    static func start(
        _ arguments: [String], environment: [String: String] = [:],
        look: (@Sendable (String) -> Void)? = nil
    ) throws -> Child {
        try Child(
            Repository.program, arguments,
            environment: try Lab.secrets().merging(environment) { $1 }, look: look)
    }

    /// Applies and expects that it completes, and that nothing is left to do (S11).
    @discardableResult
    static func apply(
        _ manifest: Manifest, _ options: String...,
        location: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let path = try manifest.write()
        let outcome = try start(["apply", path, "--yes"] + options).wait()
        #expect(outcome.status == 0, "\(outcome.text)", sourceLocation: location)
        try expectNoChanges(manifest, location: location)
        return outcome
    }

    static func expectNoChanges(
        _ manifest: Manifest, location: SourceLocation = #_sourceLocation
    ) throws {
        let plan = try run("plan", try manifest.write(), "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan.text)", sourceLocation: location)
        #expect(plan.output.contains("No changes"), "\(plan.text)", sourceLocation: location)
    }

    static func plan(_ manifest: Manifest) throws -> Outcome {
        try run("plan", try manifest.write(), "--detailed-exitcode")
    }
}

/// A manifest as text, edited as a person edits it.
struct Manifest {
    private let name: String
    private(set) var text: String

    init(_ name: String) throws {
        self.name = name
        text = try String(
            contentsOf: Repository.root.appending(path: "manifests/\(name).yaml"), encoding: .utf8)
    }

    /// The three-server lab without Supabase: what the scenarios on Postgres need.
    static func three() throws -> Manifest {
        var manifest = try Manifest("lab-three")
        manifest.removeBlock("supabase")
        return manifest
    }

    func replacing(_ old: String, _ new: String) throws -> Manifest {
        guard text.contains(old) else { throw LabFailure("the manifest has no «\(old)»") }
        var manifest = self
        manifest.text = text.replacingOccurrences(of: old, with: new)
        return manifest
    }

    /// Drops a top-level key and what is indented below it.
    mutating func removeBlock(_ key: String) {
        var kept: [Substring] = []
        var isDropping = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("\(key):") {
                isDropping = true
            } else if let first = line.first, first != " ", first != "#" {
                isDropping = false
            }
            if !isDropping { kept.append(line) }
        }
        text = kept.joined(separator: "\n")
    }

    /// Writes it beside the manifests, where its relative paths hold; gives the path.
    func write() throws -> String {
        let folder = Repository.state.appending(path: "manifests")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "\(name).yaml")
        try text.replacingOccurrences(of: "../Tests/Lab/.state/", with: "../")
            .write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }
}
