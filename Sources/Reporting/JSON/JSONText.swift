import Cluster

extension JSONValue {
    /// Indented JSON with sorted keys, for files that people read and compare.
    package var prettyText: String { pretty(indent: "") + "\n" }

    private func pretty(indent: String) -> String {
        let inner = indent + "  "
        switch self {
        case .array(let values) where !values.isEmpty:
            return "[\n"
                + values.map { inner + $0.pretty(indent: inner) }.joined(separator: ",\n")
                + "\n\(indent)]"
        case .object(let fields) where !fields.isEmpty:
            return "{\n"
                + fields.sorted { $0.key < $1.key }
                .map { inner + Self.quote($0.key) + ": " + $0.value.pretty(indent: inner) }
                .joined(separator: ",\n") + "\n\(indent)}"
        case .null, .bool, .int, .double, .string, .array, .object:
            return canonicalText
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
