import Cluster
import Observation

/// The reader of servers' JSON.
enum JSONPromises {
    /// - Returns: the value; `nil` for bytes that are no JSON.
    static func check(_ bytes: [UInt8]) throws -> JSONValue? {
        let value: JSONValue
        do throws(JSONText.Problem) {
            value = try JSONText.value(of: bytes)
        } catch {
            if case .malformed(let place) = error {
                try promise(
                    (0...bytes.count).contains(place), "malformed outside of the text: \(place)")
            }
            return nil
        }
        let again = try? JSONText.value(of: value.canonicalText.utf8)
        try promise(again == value, "written down it is another value: \(value.canonicalText)")
        try checkTruncation(bytes)
        return value
    }

    /// A list or an object that was cut off is never a value.
    static func checkTruncation(_ bytes: [UInt8]) throws {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0a, 0x0d]
        let end = (bytes.lastIndex { !blanks.contains($0) } ?? 0)
        guard end < bytes.count, [UInt8(ascii: "]"), UInt8(ascii: "}")].contains(bytes[end]) else {
            return
        }
        for cut in [end / 4, end / 2, end * 3 / 4, end] {
            try promise(
                (try? JSONText.value(of: bytes.prefix(cut))) == nil,
                "cut off after \(cut) bytes it is still JSON")
        }
    }
}
