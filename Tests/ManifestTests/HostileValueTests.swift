import Cluster
import Foundation
import Testing

@testable import Manifest

/// What a manifest may name is written into files that other programs read, haproxy.cfg among them,
/// without quoting: so the rules themselves have to keep out what means anything there.
@Suite("Hostile values in a manifest")
struct HostileValueTests {
    private static let rules: [(rule: TextRule, also: String)] = [
        (.name, "-"), (.projectName, "-_"), (.secretName, "-_"), (.environmentName, "_"),
        (.databaseName, "-_"), (.userName, "-_.$"), (.address, "-._:"), (.directory, "-._/"),
        (.fingerprint, "+/:"), (.jump, "-._@:,[]"), (.image, "-._/:@"), (.portMapping, ".:[]/"),
    ]

    @Test("no text with another character than its rule names is accepted, wherever it stands")
    func identifiers() {
        let good = [
            "postgres-1", "crm", "10.0.0.1", "fd00::1", "/opt/crm", "haproxy:3.0", "8080:80",
            "a@b:22", "SHA256:" + String(repeating: "A", count: 43), "x", "",
        ]
        var foreign = (0..<0x300).compactMap { Unicode.Scalar(UInt32($0)) }
        foreign += ["\u{200b}", "\u{202e}", "\u{2028}", "\u{feff}", "\u{ff0f}", "\u{1f600}"]
        for scalar in foreign {
            for text in good {
                for hostile in ["\(text)\(scalar)", "\(scalar)\(text)", "a\(scalar)b"] {
                    for (rule, also) in Self.rules where rule.isMet(by: hostile) {
                        let others = hostile.unicodeScalars.filter {
                            !("a"..."z" ~= $0 || "A"..."Z" ~= $0 || "0"..."9" ~= $0
                                || also.unicodeScalars.contains($0))
                        }
                        #expect(
                            others.isEmpty, "\(hostile.debugDescription) as \(rule.expectation)")
                    }
                }
            }
        }
    }

    private func problems(_ environment: String) throws -> [String] {
        let manifest = try Files.text("manifests/lab-three.yaml")
            .replacing("  replicas: 2\n", with: "  replicas: 2\n  environment:\n\(environment)")
        return ManifestDecoder.decode(Array(manifest.utf8), file: "m").problems
            .map(\.description)
    }

    @Test("what no environment can carry is refused at its place, all else is carried exactly")
    func environment() throws {
        let refused = [
            (#""a\0b""#, "the control character U+0"), (#""a\nb""#, "a line break"),
            (#""a\rb""#, "the control character U+D"),
            (#""a\e[2Jb""#, "the control character U+1B"),
            (#""a\x9bb""#, "the control character U+9B"),
            (#""a\u202eb""#, "the control character U+202E"),
        ]
        for (text, what) in refused {
            let found = try problems("    A: \(text)\n")
            #expect(found.count == 1)
            #expect(
                found.first?.hasSuffix(
                    "error: postgres.environment.A has \(what); expected text on one line") == true,
                "\(found)")
        }
        let carried = [
            #"it's "quoted""#, "$HOME `id` $(id)", #"a\b"#, "-n --", "#x", "a=b", "100%!",
            "é✓\u{1f600}",
            " lead and trail ", String(repeating: "x", count: 100_000),
        ]
        let lines = carried.enumerated().map { "    V\($0): \(JSONValue.quote($1))\n" }.joined()
        let manifest = try Files.text("manifests/lab-three.yaml")
            .replacing("  replicas: 2\n", with: "  replicas: 2\n  environment:\n\(lines)")
        let decoded = ManifestDecoder.decode(Array(manifest.utf8), file: "m")
        #expect(decoded.problems.map(\.description) == [])
        let environment = try #require(decoded.clusters.first).postgres.environment
        for (index, text) in carried.enumerated() {
            #expect(environment["V\(index)"] == Template(text))
        }
    }
}
