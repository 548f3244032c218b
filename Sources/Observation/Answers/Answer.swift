import Cluster

/// An answer that is not what was asked for. It names the question, what came and what should have.
package struct AnswerProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// `GET /patroni`, `docker's list of volumes`.
    package var asked: String
    /// The start of what came, safe to print.
    package var seen: String
    package var expected: String
    package init(asked: String, seen: String, expected: String) {
        self.asked = asked
        self.seen = seen
        self.expected = expected
    }
    package var description: String {
        "\(asked) answered \(seen), expected \(expected)".printable
    }

    /// The first 80 characters of `bytes` in quotes, with nothing in them that could act on a
    /// terminal: control characters and what is not UTF-8 print as `·`.
    package static func excerpt(of bytes: some Sequence<UInt8>, limit: Int = 80) -> String {
        // Four bytes a character at the most; one more character tells that there is more.
        let text = String(decoding: Array(bytes.prefix(4 * (limit + 1))), as: UTF8.self)
        let out = String(text.unicodeScalars.prefix(limit)).printable
        if out.isEmpty { return "nothing" }
        return "“\(out)\(text.unicodeScalars.count > limit ? "…" : "")”"
    }
}

extension String {
    /// With `·` for everything that could act on a terminal or is not seen.
    var printable: String {
        var out = ""
        for scalar in unicodeScalars {
            out.unicodeScalars.append(scalar.isPrintable ? scalar : "·")
        }
        return out
    }
}

extension Unicode.Scalar {
    /// Neither control, nor format (bidirectional overrides), nor a replacement for broken UTF-8.
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        default: self != "\u{FFFD}"
        }
    }
}

/// An answer's JSON, with the question at hand for errors.
struct Answer {
    let asked: String
    let bytes: [UInt8]
    let json: JSONValue

    init(_ asked: String, _ bytes: [UInt8]) throws(AnswerProblem) {
        self.asked = asked
        self.bytes = bytes
        do {
            json = try JSONText.value(of: bytes)
        } catch {
            let expected =
                switch error {
                case .malformed: "JSON"
                case .tooDeep(let limit): "JSON at most \(limit) levels deep"
                case .tooLong(let limit): "at most \(ByteCount(Int64(limit)))"
                }
            throw AnswerProblem(
                asked: asked, seen: AnswerProblem.excerpt(of: bytes), expected: expected)
        }
    }

    func problem(_ expected: String) -> AnswerProblem {
        AnswerProblem(asked: asked, seen: AnswerProblem.excerpt(of: bytes), expected: expected)
    }

    func object(_ expected: String) throws(AnswerProblem) -> [String: JSONValue] {
        guard let object = json.object else { throw problem(expected) }
        return object
    }
}

extension JSONValue {
    var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// An integer, also one written as a string (etcd's gateway) or with a fraction of zero.
    var integer: Int64? {
        switch self {
        case .int(let value): value
        case .string(let text): Int64(text)
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }
    /// etcd's ids are unsigned: beyond `Int64` they come as the digits of the number.
    var unsigned: UInt64? {
        switch self {
        case .int(let value): UInt64(exactly: value)
        case .string(let text): UInt64(text)
        default: nil
        }
    }
    var smallInteger: Int? { integer.flatMap { Int(exactly: $0) } }
    /// Text as it would be typed: a parameter's value may be a number or a string.
    var plainText: String { string ?? canonicalText }
}
