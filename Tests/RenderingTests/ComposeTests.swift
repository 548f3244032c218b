import Cluster
import Foundation
import TestProcesses
import Testing

@testable import Rendering

/// The real compose, which needs no engine to read files: the machine's, or the one that
/// `make test-deps` lays beside the build.
struct RealCompose {
    let arguments: [String]

    private static let unpacked = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../.build/tools/docker-compose").standardizedFileURL.path

    private static let known: RealCompose? = [
        ["docker", "compose"], ["docker-compose"], [unpacked],
    ].lazy
        .map(RealCompose.init).first {
            let version = try? $0.run(["version", "--short"], in: URL(filePath: "/")).output
            return version.map { !$0.isEmpty && !$0.hasPrefix("1.") } ?? false
        }

    static func found() throws -> RealCompose {
        try #require(known, "docker compose v2 is missing; `make test-deps` fetches it")
    }

    struct Answer {
        var status: Int32
        var output: String
        var errors: String
    }

    func run(_ more: [String], in directory: URL) throws -> Answer {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent"]
            + arguments + more
        process.currentDirectoryURL = directory
        let errors = directory.appending(path: ".errors")
        let hasErrors = FileManager.default.createFile(atPath: errors.path, contents: nil)
        let output = Pipe()
        process.standardOutput = output
        process.standardError =
            hasErrors ? try FileHandle(forWritingTo: errors) : FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        defer { try? FileManager.default.removeItem(at: errors) }
        return Answer(
            status: process.terminationStatus, output: String(decoding: data, as: UTF8.self),
            errors: hasErrors ? try String(contentsOf: errors, encoding: .utf8) : "")
    }

    /// What compose makes of a node's files: `config`, as JSON.
    func config(of files: [FileSpec]) throws -> JSONValue {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        for file in files {
            let url = directory.appending(path: file.path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.content.reveal().utf8).write(to: url)
        }
        let answer = try run(["config", "--format", "json"], in: directory)
        #expect(answer.errors == "")
        #expect(answer.status == 0)
        return try JSONDecoder().decode(JSONValue.self, from: Data(answer.output.utf8))
    }
}

@Suite("Values in compose's hands", .ownThreads)
struct ComposeTests {
    static let hostile: [String] = [
        "", "plain", "it's", #"say "hi""#, "$HOME", "${HOME}", "${", "$$", "$", "$(id)", "`id`",
        "a\nb", "a\r\nb", "\n", "a\n", "\na", "a#b", "a #b", "#x", " lead", "trail ", "\t", "\\",
        "a\\", "\\\\", "\\n", "\\$", "'", "''", "\"", "\"\"", "'a'", "\"a\"", "a'", "'a",
        "é✓ü\u{2028}\u{1f600}", "x: y", "a=b # c", "{{x}}", "%s", "\u{1}\u{7f}\u{85}\u{feff}",
        #"{"a":"'b','c'"}"#, "null", "true", "1e3", "~", "*a", "&a", "!x", "- a", "|", ">", "\\x41",
    ]

    @Test("the encodings, to the letter")
    func encodings() {
        #expect(ComposeText.quote("a$b \"c\" \\ \n") == #""a$$b \"c\" \\ \n""#)
        #expect(ComposeText.quote("plain'#") == #""plain'#""#)
        #expect(EnvironmentFile.quote("a$b \"c\" \\ \n\r'#") == #""a\$b \"c\" \\ \n\r'#""#)
        #expect(ComposeText.duration(.seconds(300)) == "300s")
        #expect(ComposeText.duration(.milliseconds(1500)) == "1500ms")
    }

    @Test("every value survives compose.yaml and env files, as the real compose reads them")
    func roundTrip() throws {
        let compose = try RealCompose.found()
        var topology = Fixture.singleNode
        var values = Fixture.secrets
        var environment: [String: Template] = [:]
        for (number, text) in Self.hostile.enumerated() {
            environment["PLAIN_\(number)"] = Template(text)
            values.values[SecretName("s\(number)")] = Secret(text)
            environment["SECRET_\(number)"] = Template([.secret(SecretName("s\(number)"))])
        }
        topology.desired.services[0].environment = environment
        topology.desired.services[0].command = Self.hostile
        topology.desired.services[0].labels = ["a.b": "$x 'y'"]
        topology.desired.services[0].resources = Resources(
            memory: .mebibytes(300), cpus: 0.5, sharedMemory: .mebibytes(100))
        let blueprint = try Blueprint(topology: topology, secrets: values)
        let config = try compose.config(of: try #require(blueprint.files["hil-1"]))
        let service = try #require(config["services"]?["rest"])
        for (number, text) in Self.hostile.enumerated() {
            // `config` prints what compose would read again, so with `$` doubled.
            let printed = text.replacingOccurrences(of: "$", with: "$$")
            #expect(
                service["environment"]?["PLAIN_\(number)"]?.string == printed, "plain \(text)")
            #expect(
                service["environment"]?["SECRET_\(number)"]?.string == printed, "secret \(text)")
        }
        let command = Self.hostile.map {
            JSONValue.string($0.replacingOccurrences(of: "$", with: "$$"))
        }
        #expect(service["command"] == .array(command))
        #expect(service["labels"]?["a.b"]?.string == "$$x 'y'")
        #expect(service["mem_limit"]?.string == "314572800")
        #expect(service["cpus"] == .double(0.5))
        let member = try #require(config["services"]?["postgres-1"])
        #expect(member["stop_grace_period"]?.string == "5m0s")
        #expect(member["shm_size"]?.string == "268435456")
        #expect(member["healthcheck"]?["interval"]?.string == "15s")
        #expect(config["name"]?.string == "twincigo-crm")
    }
}
