import Foundation
import FuzzProperties
import Testing

@Suite("Kept inputs of the fuzzer")
struct ReplayTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fuzz")

    private static func files(in folder: String, of target: String) throws -> [URL] {
        let url = Self.folder.appending(path: "\(folder)/\(target)")
        guard FileManager.default.fileExists(atPath: url.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(
            at: url, includingPropertiesForKeys: nil
        ).sorted { $0.path < $1.path }
    }

    @Test(
        "every promise of a parser holds for every input that was kept",
        arguments: FuzzTarget.all.map(\.name))
    func promises(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let corpus = try Self.files(in: "corpus", of: name)
        #expect(!corpus.isEmpty)
        for file in corpus + (try Self.files(in: "regressions", of: name)) {
            let bytes = Array(try Data(contentsOf: file))
            #expect(throws: Never.self, "\(file.lastPathComponent)") { try target.check(bytes) }
        }
    }
}
