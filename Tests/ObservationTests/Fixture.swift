import Cluster
import Foundation

@testable import Observation

/// Answers captured from real systems, kept as files.
enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures")

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: path)))
    }

    static func json(_ path: String) throws -> JSONValue {
        try JSONText.value(of: bytes(path))
    }

    /// A capture with one JSON document a line.
    static func lines(_ path: String) throws -> [JSONValue] {
        try bytes(path).split(separator: UInt8(ascii: "\n")).map { try JSONText.value(of: $0) }
    }

    static var all: [String] {
        get throws {
            try FileManager.default.subpathsOfDirectory(atPath: folder.path())
                .filter { $0.contains(".") }.sorted()
        }
    }
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}

/// A generator with a seed, so that a failure can be run again (splitmix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
