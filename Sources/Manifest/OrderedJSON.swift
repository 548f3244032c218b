import Cluster

/// JSON for people to read: indented, keys in the order given.
indirect enum OrderedJSON {
    case string(String)
    case int(Int)
    case bool(Bool)
    case array([OrderedJSON])
    case object([(String, OrderedJSON)])

    static func strings(_ texts: [String]) -> OrderedJSON { .array(texts.map { .string($0) }) }

    var text: String { text(indentation: "") }

    private func text(indentation: String) -> String {
        let inner = indentation + "  "
        switch self {
        case .string(let value): return JSONValue.quote(value)
        case .int(let value): return String(value)
        case .bool(let value): return String(value)
        case .array(let values):
            return "[" + values.map { $0.text(indentation: inner) }.joined(separator: ", ") + "]"
        case .object(let fields):
            guard !fields.isEmpty else { return "{}" }
            let lines = fields.map { key, value in
                "\(inner)\(JSONValue.quote(key)): \(value.text(indentation: inner))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
        }
    }
}
