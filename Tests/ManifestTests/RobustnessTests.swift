import Cluster
import Testing

@testable import Manifest

struct RobustnessTests {
    /// SplitMix64: a seed gives the same mutations on every machine.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    @Test(
        "However the example is damaged, decoding ends with a cluster or located problems",
        arguments: 0..<16 as Range<UInt64>)
    func mutations(seed: UInt64) throws {
        let example = try Files.read("examples/cluster.yaml")
        var generator = Generator(state: seed)
        for round in 0..<125 {
            var bytes = example
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                mutate(&bytes, &generator)
            }
            let decoded = ManifestDecoder.decode(bytes, file: "m")
            let label: Comment = "seed \(seed), round \(round)"
            #expect(decoded.hasErrors || !decoded.clusters.isEmpty, label)
            #expect(decoded.problems.allSatisfy { $0.line >= 1 && $0.column >= 1 }, label)
            let messages = decoded.problems.map(\.description).joined()
            #expect(messages.firstControl(allowingLines: false) == nil, label)
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ generator: inout Generator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        let end = min(bytes.count, place + Int.random(in: 1...80, using: &generator))
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 3:
            let other = Int.random(in: 0...bytes.count, using: &generator)
            bytes.insert(contentsOf: bytes[place..<end], at: other)
        case 4:
            let tokens = [
                "9223372036854775808", "-1", "{", "]", ": ", "- ", "*login", "<<: ", "!!x ", "${",
                "\"", "'", "\n", "\t", "99999999999999999999999h", "1e999", ".nan", "0x", "|\n",
            ]
            bytes.insert(
                contentsOf: Array((tokens.randomElement(using: &generator) ?? "").utf8), at: place)
        default: bytes.removeSubrange(place...)
        }
    }

    @Test("Order of keys, comments, line ends and a byte order mark change nothing")
    func samenessOfMeaning() throws {
        let text = try Files.text("manifests/gardenos-dev.yaml")
        let original = try #require(decode(text).clusters.first)
        var blocks: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isTop = line.first.map { $0.isLetter } ?? false
            if isTop || blocks.isEmpty { blocks.append("") }
            blocks[blocks.count - 1] += "\(line)\n"
        }
        #expect(blocks.count > 8)
        let variants = [
            blocks.reversed().joined(),
            text.split(separator: "\n").map { "\($0)  # why\n" }.joined(),
            text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n"),
            "\u{feff}" + text, "---\n" + text + "...\n", text + "---\n",
        ]
        for variant in variants {
            let decoded = decode(variant)
            #expect(decoded.problems.map(\.description) == [])
            #expect(decoded.clusters == [original])
        }
    }

    @Test("A hundred clusters in one file are a hundred clusters")
    func fleet() throws {
        let text = try Files.text("manifests/lab-three.yaml")
        let fleet = (0..<100).map {
            text.split(separator: "\n").joined(separator: "\n")
                .replacing("name: lab\n", with: "name: lab-\($0)\n") + "\n---\n"
        }
        let decoded = decode(fleet.joined())
        #expect(decoded.problems.map(\.description) == [])
        #expect(decoded.clusters.map(\.name.rawValue) == (0..<100).map { "lab-\($0)" })
    }

    @Test("A file of nothing but mistakes gets a bounded answer")
    func boundedAnswer() {
        let decoded = decode((0..<5000).map { "unknown\($0): 1\n" }.joined())
        #expect(decoded.problems.count == 1001)
        #expect(decoded.problems.last?.found == "4006 more problems from here on")
    }

    @Test("A cluster larger than any is refused before its names are compared with each other")
    func hugeCluster() {
        let items = Array(repeating: "1", count: 20_000).joined(separator: ",")
        let decoded = decode("x-a: [\(items)]\n")
        #expect(
            decoded.problems.map(\.description) == [
                "m:1:1: error: a cluster of 20003 values; expected at most 20000"
            ])
        #expect(decoded.clusters.isEmpty)
    }

    @Test("The largest cluster that is read has each of its thousands of mistakes told")
    func largeCluster() throws {
        let members = (0..<4000).map { "    m-\($0): { node: n\($0) }\n" }.joined()
        let text = try Files.text("manifests/lab-three.yaml")
            .replacing("  replicas: 2\n", with: "  replicas: 2\n  members:\n\(members)")
        let problems = decode(text).problems
        #expect(problems.first?.found == "postgres.replicas is 2, but 4000 members are pinned")
        #expect(problems.count == 1001)
    }

    @Test("A secret's name with a tab in it, suggested in a hint, was printed as it was")
    func controlInHint() throws {
        let text = try Files.text("manifests/lab-three.yaml")
            .replacing("  admin:       {", with: "  \"a\\tmin\":    {")
        let hints = decode(text).problems.compactMap(\.hint)
        #expect(hints.contains("did you mean a\\u{9}min?"))
        #expect(hints.allSatisfy { $0.firstControl(allowingLines: false) == nil })
    }

    private func decode(_ text: String) -> Decoded {
        ManifestDecoder.decode(Array(text.utf8), file: "m")
    }
}
