package import Cluster

/// Reads JSON that a server sent. Bounded: it takes no more depth than it is told, and no input
/// makes it trap.
///
/// Foundation's decoder is not used because it bounds nothing and rounds etcd's 64-bit ids.
package struct JSONText {
    package enum Problem: Error, Equatable, Sendable {
        /// Not JSON; the offset of the first byte that cannot be read.
        case malformed(at: Int)
        case tooDeep(limit: Int)
        case tooLong(limit: Int)
    }

    /// Deep enough for anything that docker, Patroni or etcd send.
    package static let maximumDepth = 64
    package static let maximumBytes = 16 << 20

    /// The one value that `bytes` holds, blanks around it allowed. Integers beyond `Int64` become
    /// `.string` of their digits, so that no digit is lost. Of equal keys the last one counts.
    package static func value(of bytes: some Sequence<UInt8>) throws(Problem) -> JSONValue {
        var reader = JSONText(bytes: Array(bytes))
        guard reader.bytes.count <= maximumBytes else { throw .tooLong(limit: maximumBytes) }
        let value = try reader.value(depth: 0)
        reader.skipBlanks()
        guard reader.position == reader.bytes.count else { throw reader.malformed }
        return value
    }

    private let bytes: [UInt8]
    private var position = 0

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var malformed: Problem { .malformed(at: position) }
    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(Problem)
        -> JSONValue
    {
        for expected in text.description.utf8 {
            guard take(expected) else { throw malformed }
        }
        return value
    }

    private mutating func value(depth: Int) throws(Problem) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw .tooDeep(limit: Self.maximumDepth) }
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(Problem) -> JSONValue {
        position += 1
        // Most have a handful; growing from nothing hashes every key again at each size.
        var fields = [String: JSONValue](minimumCapacity: 6)
        skipBlanks()
        if take(UInt8(ascii: "}")) { return .object(fields) }
        repeat {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw malformed }
            let key = try string()
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw malformed }
            fields[key] = try value(depth: depth + 1)
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw malformed }
        return .object(fields)
    }

    private mutating func array(depth: Int) throws(Problem) -> JSONValue {
        position += 1
        var values: [JSONValue] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return .array(values) }
        repeat {
            values.append(try value(depth: depth + 1))
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw malformed }
        return .array(values)
    }

    private mutating func number() throws(Problem) -> JSONValue {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[position - whole] != UInt8(ascii: "0") else {
            throw malformed
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw malformed }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw malformed }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger { return Int64(text).map(JSONValue.int) ?? .string(text) }
        guard let value = Double(text), value.isFinite else { throw malformed }
        return .double(value)
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            position += 1
        }
        return position - start
    }

    private mutating func string() throws(Problem) -> String {
        position += 1
        var start = position
        var text = ""
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                let rest = String(decoding: bytes[start..<position], as: UTF8.self)
                position += 1
                return text.isEmpty ? rest : text + rest
            case UInt8(ascii: "\\"):
                text += String(decoding: bytes[start..<position], as: UTF8.self)
                position += 1
                text.unicodeScalars.append(try escaped())
                start = position
            case ..<0x20: throw malformed
            default: position += 1
            }
        }
        throw malformed
    }

    private mutating func escaped() throws(Problem) -> Unicode.Scalar {
        guard let byte = next else { throw malformed }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(byte)
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw malformed
        }
    }

    /// `\uXXXX`, a pair of surrogates made one. A lone surrogate becomes U+FFFD.
    private mutating func escapedScalar() throws(Problem) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let first = try fourHexDigits()
        guard (0xD800...0xDBFF).contains(first) else {
            return Unicode.Scalar(first) ?? replacement
        }
        let rewind = position
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            position = rewind
            return replacement
        }
        let second = try fourHexDigits()
        guard (0xDC00...0xDFFF).contains(second) else {
            position = rewind
            return replacement
        }
        return Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            ?? replacement
    }

    private mutating func fourHexDigits() throws(Problem) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw malformed
            }
            position += 1
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
