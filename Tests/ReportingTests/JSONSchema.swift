import Cluster

/// The part of JSON Schema that this project's schemas use; a keyword outside of it is a fault.
struct JSONSchema {
    let root: JSONValue
    private static let known: Set<String> = [
        "$schema", "$defs", "$ref", "title", "description", "type", "properties", "required",
        "additionalProperties", "items", "enum", "const", "oneOf", "minimum", "pattern",
    ]

    /// What does not fit, each with its place.
    func faults(of value: JSONValue) -> [String] { check(value, root, at: "$") }

    private func check(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        guard let rules = schema.object else { return ["\(place): the schema is not an object"] }
        var faults = rules.keys.filter { !Self.known.contains($0) }.map {
            "\(place): keyword \($0) is not known here"
        }
        if let reference = rules["$ref"]?.string {
            guard reference.hasPrefix("#/$defs/"),
                let target = root["$defs"]?[String(reference.dropFirst(8))]
            else { return ["\(place): nothing at \(reference)"] }
            faults += check(value, target, at: place)
        }
        if let type = rules["type"]?.string, !fits(value, type) {
            faults.append("\(place): is not \(type)")
        }
        if let const = rules["const"], const != value { faults.append("\(place): is not \(const)") }
        if case .array(let values) = rules["enum"], !values.contains(value) {
            faults.append("\(place): is none of the enum")
        }
        if case .int(let minimum) = rules["minimum"], let number = number(value),
            number < Double(minimum)
        {
            faults.append("\(place): is below \(minimum)")
        }
        if let pattern = rules["pattern"]?.string, let text = value.string,
            (try? Regex(pattern).firstMatch(in: text)) == nil
        {
            faults.append("\(place): does not match \(pattern)")
        }
        if case .array(let choices) = rules["oneOf"] {
            let fitting = choices.filter { check(value, $0, at: place).isEmpty }
            if fitting.count != 1 { faults.append("\(place): fits \(fitting.count) of oneOf") }
        }
        return faults + members(value, rules, at: place)
    }

    private func members(
        _ value: JSONValue, _ rules: [String: JSONValue], at place: String
    ) -> [String] {
        var faults: [String] = []
        if case .array(let items) = value, let schema = rules["items"] {
            for (index, item) in items.enumerated() {
                faults += check(item, schema, at: "\(place)[\(index)]")
            }
        }
        guard let fields = value.object else { return faults }
        let properties = rules["properties"]?.object ?? [:]
        for (key, field) in fields {
            if let schema = properties[key] {
                faults += check(field, schema, at: "\(place).\(key)")
            } else if rules["additionalProperties"] == .bool(false) {
                faults.append("\(place): \(key) is not a property")
            }
        }
        if case .array(let required) = rules["required"] {
            for key in required.compactMap(\.string) where fields[key] == nil {
                faults.append("\(place): \(key) is missing")
            }
        }
        return faults
    }

    private func fits(_ value: JSONValue, _ type: String) -> Bool {
        switch (value, type) {
        case (.object, "object"), (.array, "array"), (.string, "string"), (.bool, "boolean"),
            (.int, "integer"), (.int, "number"), (.double, "number"):
            true
        default: false
        }
    }

    private func number(_ value: JSONValue) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }
}
