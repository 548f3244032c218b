import Cluster
import Foundation

/// JSON Schema as far as ours goes, written without a look at the decoder: a second judge.
struct SchemaValidator {
    let root: JSONValue
    private let patterns: Patterns

    /// Compiled once: the same few patterns are asked thousands of times.
    private final class Patterns {
        var compiled: [String: Regex<AnyRegexOutput>] = [:]
    }

    init(_ text: String) throws {
        root = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        patterns = Patterns()
    }

    func accepts(_ value: JSONValue) throws -> Bool { try accepts(value, root) }

    /// A keyword that this does not know, so that none is passed over in silence.
    struct UnknownKeyword: Error { var keyword: String }

    /// Judges by a part of the schema.
    func accepts(_ value: JSONValue, _ schema: JSONValue) throws -> Bool {
        if case .bool(let always) = schema { return always }
        for (keyword, wanted) in schema.object ?? [:] {
            guard try holds(keyword, wanted, of: value, in: schema) else { return false }
        }
        return true
    }

    private func holds(
        _ keyword: String, _ wanted: JSONValue, of value: JSONValue, in schema: JSONValue
    ) throws -> Bool {
        switch keyword {
        case "$schema", "$defs", "title", "description": return true
        case "$ref":
            let name = (wanted.string ?? "").split(separator: "/").last.map(String.init) ?? ""
            return try accepts(value, root["$defs"]?[name] ?? .bool(false))
        case "type":
            let types = wanted.array?.compactMap(\.string) ?? [wanted.string ?? ""]
            return types.contains { value.isOf(type: $0) }
        case "enum": return wanted.array?.contains(value) ?? false
        case "anyOf": return try wanted.array?.contains { try accepts(value, $0) } ?? false
        case "oneOf": return try wanted.array?.count { try accepts(value, $0) } == 1
        case "not": return try !accepts(value, wanted)
        case "required":
            guard let fields = value.object else { return true }
            return wanted.array?.allSatisfy { fields[$0.string ?? ""] != nil } ?? false
        case "properties", "additionalProperties", "patternProperties", "propertyNames",
            "minProperties":
            return try value.object.map { try holds(keyword, wanted, of: $0, in: schema) } ?? true
        case "items": return try value.array?.allSatisfy { try accepts($0, wanted) } ?? true
        case "minItems": return value.array.map { $0.count >= wanted.integer } ?? true
        case "minimum": return value.number.map { $0 >= Double(wanted.integer) } ?? true
        case "maximum": return value.number.map { $0 <= Double(wanted.integer) } ?? true
        case "exclusiveMinimum": return value.number.map { $0 > Double(wanted.integer) } ?? true
        case "maxLength":
            return value.string.map { $0.unicodeScalars.count <= wanted.integer } ?? true
        case "pattern": return try value.string.map { try matches($0, wanted.string ?? "") } ?? true
        default: throw UnknownKeyword(keyword: keyword)
        }
    }

    private func holds(
        _ keyword: String, _ wanted: JSONValue, of fields: [String: JSONValue],
        in schema: JSONValue
    ) throws -> Bool {
        switch keyword {
        case "properties":
            return try fields.allSatisfy { try accepts($0.value, wanted[$0.key] ?? .bool(true)) }
        case "additionalProperties":
            let named = schema["properties"]?.object ?? [:]
            let patterns = schema["patternProperties"]?.object?.keys.map { $0 } ?? []
            return try fields.allSatisfy { name, value in
                try named[name] != nil || patterns.contains { try matches(name, $0) }
                    || accepts(value, wanted)
            }
        case "propertyNames": return try fields.keys.allSatisfy { try accepts(.string($0), wanted) }
        case "minProperties": return fields.count >= wanted.integer
        default: return true
        }
    }

    private func matches(_ text: String, _ pattern: String) throws -> Bool {
        let regex = try patterns.compiled[pattern] ?? Regex(pattern)
        patterns.compiled[pattern] = regex
        return text.firstMatch(of: regex) != nil
    }
}

extension JSONValue {
    var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }

    fileprivate var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    fileprivate var integer: Int { if case .int(let value) = self { Int(value) } else { 0 } }

    fileprivate func isOf(type: String) -> Bool {
        switch (self, type) {
        case (.object, "object"), (.array, "array"), (.string, "string"), (.bool, "boolean"),
            (.int, "integer"), (.int, "number"), (.double, "number"), (.null, "null"):
            true
        default: false
        }
    }
}
