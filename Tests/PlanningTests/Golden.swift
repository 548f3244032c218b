import FoundationEssentials
import Testing

/// Compares a plan's text with `Golden/<name>.txt`; `UPDATE_GOLDEN=1` writes it instead.
func expectGolden(
    _ text: String, _ name: String, _ location: SourceLocation = #_sourceLocation
) throws {
    let path = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    let file = "/\(path)/Golden/\(name).txt"
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
        try Data((text + "\n").utf8).write(to: URL(filePath: file))
        return
    }
    let expected = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
    #expect(text + "\n" == expected, sourceLocation: location)
}
