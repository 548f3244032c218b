import Cluster

extension JSONValue {
    /// Indented JSON with sorted keys, for files that people read and compare.
    package var prettyText: String {
        var out = ""
        write(to: &out, indent: "\n")
        return out + "\n"
    }

    /// - Parameter indent: a line end and the blanks before the next line.
    private func write(to out: inout String, indent: String) {
        let inner = indent + "  "
        switch self {
        case .array(let values) where !values.isEmpty:
            out += "["
            for (position, value) in values.enumerated() {
                out += position > 0 ? "," + inner : inner
                value.write(to: &out, indent: inner)
            }
            out += indent + "]"
        case .object(let fields) where !fields.isEmpty:
            out += "{"
            for (position, field) in fields.sorted(by: { $0.key < $1.key }).enumerated() {
                out += position > 0 ? "," + inner : inner
                out += Self.quote(field.key) + ": "
                field.value.write(to: &out, indent: inner)
            }
            out += indent + "}"
        case .null, .bool, .int, .double, .string, .array, .object:
            out += canonicalText
        }
    }

    /// An object of the fields that have a value.
    static func fields(_ fields: [String: JSONValue?]) -> JSONValue {
        .object(fields.compactMapValues { $0 })
    }

    static func strings(_ values: some Sequence<String>) -> JSONValue {
        .array(values.map(JSONValue.string))
    }

    /// A length of time in seconds: whole where it is.
    static func seconds(_ duration: Duration) -> JSONValue {
        let (seconds, attoseconds) = duration.components
        guard attoseconds != 0 else { return .int(seconds) }
        // Milliseconds are as fine as anything here is measured.
        let milliseconds = Double(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        return .double(milliseconds / 1000)
    }
}
