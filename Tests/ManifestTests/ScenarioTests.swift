import Foundation
import Testing

@testable import Manifest

/// One folder a scenario: its name is what must hold, `expected.txt` every message in whole.
/// `MATRIARCH_RECORD=1 swift test` writes the files anew, for a person to read before a commit.
struct ScenarioTests {
    static let folder = Files.tests.appending(path: "Scenarios")
    static let names =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []

    @Test("A bad manifest is answered with exactly these messages", arguments: names)
    func scenario(_ name: String) throws {
        let folder = Self.folder.appending(path: name)
        let bytes = Array(try Data(contentsOf: folder.appending(path: "manifest.yaml")))
        let decoded = ManifestDecoder.decode(bytes, file: "manifest.yaml")
        let messages = decoded.problems.map { "\($0)\n" }.joined()
        let expected = folder.appending(path: "expected.txt")
        if ProcessInfo.processInfo.environment["MATRIARCH_RECORD"] != nil {
            try messages.write(to: expected, atomically: true, encoding: .utf8)
        }
        #expect(try messages == String(contentsOf: expected, encoding: .utf8))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!messages.contains("hunter2") || !text.contains("hunter2"), "a value in a message")
    }

    @Test("The scenarios are there: without them the test above would pass on nothing")
    func scenariosExist() { #expect(Self.names.count > 30) }

    @Test("Ten different mistakes are ten located problems or more in one run")
    func tenMistakes() throws {
        let path = "Tests/ManifestTests/Scenarios/ten-mistakes-are-ten-problems/manifest.yaml"
        let problems = ManifestDecoder.decode(try Files.read(path), file: "m").problems
        #expect(Set(problems.filter { $0.severity == .error }.map(\.line)).count >= 10)
    }
}
