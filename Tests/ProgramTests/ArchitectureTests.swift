import Foundation
import Testing

@Suite("The architecture")
struct ArchitectureTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private func sources(of folder: String) throws -> [(path: String, text: String)] {
        let url = Self.root.appending(path: folder)
        return try FileManager.default.subpathsOfDirectory(atPath: url.path)
            .filter { $0.hasSuffix(".swift") }.sorted()
            .map { path in
                let file = url.appending(path: path)
                return (
                    "\(folder)/\(path)", String(decoding: try Data(contentsOf: file), as: UTF8.self)
                )
            }
    }

    @Test(
        "a pure target has no clock, no chance, no output and nothing to do either with",
        arguments: [
            "Cluster", "Manifest", "Rendering", "Planning", "RemoteCommands", "SSHConfiguration",
            "Reporting",
        ])
    func pure(target: String) throws {
        let files = try sources(of: "Sources/\(target)")
        #expect(!files.isEmpty)
        let forbidden = [
            "Date(", "ContinuousClock", "SuspendingClock", ".random(", "SystemRandom", " print(",
            "import Foundation\n", "import Glibc", "import Dispatch", "import LibSSH2",
            "import LibCurl", "import Adapters",
        ]
        for file in files {
            for word in forbidden {
                #expect(!file.text.contains(word), "\(file.path) has \(word)")
            }
        }
    }

    @Test("only apply and unlock open a way to change servers (S12)")
    func dryRun() throws {
        let acting = ["ActingSession", "NodeShell", "WebClient", "NodeHolder", "Driver("]
        let allowed: Set = [
            "Sources/matriarch/Session.swift", "Sources/matriarch/Applying.swift",
            "Sources/matriarch/Commands/ApplyCommand.swift",
            "Sources/matriarch/Commands/UnlockCommand.swift",
        ]
        for file in try sources(of: "Sources/matriarch") where !allowed.contains(file.path) {
            for word in acting {
                #expect(!file.text.contains(word), "\(file.path) has \(word)")
            }
        }
        for file in try sources(of: "Sources/Observation") {
            for word in acting + ["Command(", ".perform(", ".send("] {
                #expect(!file.text.contains(word), "\(file.path) has \(word)")
            }
        }
    }

    @Test("the documents link to what is there", arguments: ["README.md", "ARCHITECTURE.md"])
    func links(document: String) throws {
        let text = try String(
            contentsOf: Self.root.appending(path: document), encoding: .utf8)
        let targets = text.matches(of: #/\]\(([^)]+)\)/#).map { String($0.1) }
            .filter { !$0.contains("://") }
        #expect(!targets.isEmpty)
        for target in targets {
            #expect(
                FileManager.default.fileExists(atPath: Self.root.appending(path: target).path),
                "\(document) links to \(target)")
        }
    }
}
