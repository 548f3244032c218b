import Cluster
import Foundation
import TestProcesses
import Testing

@testable import Rendering

/// Random texts through compose.yaml and env files and the real `docker compose config`: what comes
/// out has to be what went in.
///
/// `MATRIARCH_SEED` replaces the seeds, to see a failure again.
@Suite("Hostile texts in compose's hands", .ownThreads)
struct HostileEnvironmentTests {
    static let seeds: [UInt64] =
        ProcessInfo.processInfo.environment["MATRIARCH_SEED"].flatMap(UInt64.init).map { [$0] }
        ?? Array(1...8)

    @Test(
        "environment, labels, command, volumes and health are exactly those meant",
        arguments: seeds)
    func exact(seed: UInt64) throws {
        let compose = try RealCompose.found()
        var hostile = HostileText(seed: seed)
        var topology = Fixture.singleNode
        var values = Fixture.secrets
        var plain: [String: String] = [:]
        var secret: [String: String] = [:]
        for number in 0..<60 {
            plain["PLAIN_\(number)"] = hostile.text(upTo: 24)
            secret["SECRET_\(number)"] = hostile.text(upTo: 24)
        }
        plain["LONG"] = hostile.text(upTo: 50_000, isLong: true)
        secret["LONG_SECRET"] = hostile.text(upTo: 50_000, isLong: true)
        // Names that only compose.yaml can carry.
        for _ in 0..<5 { plain["n" + hostile.variable()] = hostile.text(upTo: 24) }
        var service = topology.desired.services[0]
        service.environment = plain.mapValues { Template($0) }
        for (number, entry) in secret.enumerated() {
            let name = SecretName("s\(number)")
            values.values[name] = Secret(entry.value)
            service.environment[entry.key] = Template([.secret(name)])
        }
        service.command = (0..<20).map { _ in hostile.text(upTo: 24) }
        for _ in 0..<20 { service.labels["l" + hostile.variable()] = hostile.text(upTo: 24) }
        let test = ["CMD"] + (0..<5).map { _ in hostile.text(upTo: 24) }
        service.health = HealthCheck(test: test)
        let paths = (0..<5).map { "/\($0)" + hostile.path() }
        service.volumes = paths.map { VolumeMount(source: .path($0), target: $0) }
        topology.desired.services[0] = service

        let blueprint = try Blueprint(topology: topology, secrets: values)
        let config = try compose.config(of: try #require(blueprint.files["hil-1"]))
        let read = try #require(config["services"]?["rest"])
        let environment = try #require(read["environment"]?.object)
        for (variable, value) in plain.merging(secret, uniquingKeysWith: { $1 }) {
            #expect(
                environment[doubled(variable)] == .string(doubled(value))
                    || environment[variable] == .string(doubled(value)),
                "seed \(seed), \(variable.debugDescription)")
        }
        #expect(
            read["command"] == .array(service.command?.map { .string(doubled($0)) } ?? []),
            "seed \(seed)")
        #expect(
            read["healthcheck"]?["test"] == .array(test.map { .string(doubled($0)) }),
            "seed \(seed)")
        let labels = try #require(read["labels"]?.object)
        for (label, value) in service.labels {
            #expect(
                (labels[doubled(label)] ?? labels[label]) == .string(doubled(value)),
                "seed \(seed), \(label.debugDescription)")
        }
        #expect(labels.count == service.labels.count + 1, "seed \(seed)")
        guard case .array(let volumes) = read["volumes"] else {
            Issue.record("seed \(seed): no volumes")
            return
        }
        #expect(volumes.compactMap { $0["target"]?.string }.sorted() == paths.map(doubled).sorted())
        #expect(volumes.compactMap { $0["source"]?.string }.sorted() == paths.map(doubled).sorted())
        #expect(config["services"]?.object?.count == 6, "seed \(seed): a service too many")
    }

    /// `config` prints what compose would read again, so with `$` doubled.
    private func doubled(_ text: String) -> String {
        text.replacingOccurrences(of: "$", with: "$$")
    }
}

/// Texts that env files, YAML and compose trip over, the same ones from the same seed.
struct HostileText {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    private mutating func random(_ count: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ (mixed >> 31)) % UInt64(count))
    }

    private static let pieces = [
        "'", "\"", "\\", "$", "${", "}", "$$", "${A:-b}", "`", "!", "#", " #", "&", "*", ":", ": ",
        "- ", "|", ">", "%", "@", ",", "[", "]", "{", "=", "~", " ", "\t", "\n", "\r", "\r\n",
        "\u{1}",
        "\u{1b}", "\u{7f}", "\u{85}", "\u{9b}", "a", "Z", "0", "é", "e\u{301}", "✓", "\u{1f600}",
        "\u{202e}", "\u{2028}", "\u{feff}", "\u{fffd}", "-", "--", "\\n", "\\x41", "\\u0041",
        "\\\"",
        "null", "true", "<<", "!!str", "export ", "\u{10ffff}",
    ]

    mutating func text(upTo most: Int, isLong: Bool = false) -> String {
        var text = ""
        let bytes = isLong ? most : random(most + 1)
        while text.utf8.count < bytes { text += Self.pieces[random(Self.pieces.count)] }
        return text
    }

    /// Not empty, without what ends a variable's or label's name.
    mutating func variable() -> String {
        let kept = text(upTo: 16).unicodeScalars.filter { $0 != "=" && $0 != "$" }
        return String(String.UnicodeScalarView(kept))
    }

    /// Without what makes a path another path.
    mutating func path() -> String {
        let kept = text(upTo: 16).unicodeScalars.filter { $0 != "/" && $0 != "." }
        return String(String.UnicodeScalarView(kept)) + "p"
    }
}
