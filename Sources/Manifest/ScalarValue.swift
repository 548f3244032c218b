import Cluster
import LibYAML

/// What a scalar means in YAML 1.2's core schema, which is JSON's types and no others: `yes`,
/// `on` and `0755` of older YAML are text, text and a number.
enum ScalarValue: Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    /// A number that is not a whole one, or too large for 64 bits.
    case double(Double)
    case text(String)

    init(_ node: YAMLNode, _ scalar: YAMLScalar) {
        guard scalar.style == .plain, node.tag == nil else {
            self = .text(scalar.text)
            return
        }
        self = Self.plain(scalar.text)
    }

    private static func plain(_ text: String) -> ScalarValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .double(-.infinity)
        case ".nan", ".NaN", ".NAN": return .double(.nan)
        default: return number(text) ?? .text(text)
        }
    }

    private static func number(_ text: String) -> ScalarValue? {
        let utf8 = Array(text.utf8)
        guard let first = utf8.first, first < 0x3a, utf8.count <= 400 else { return nil }
        if text.hasPrefix("0x"), utf8.count > 2, utf8.dropFirst(2).allSatisfy(\.isHexDigit) {
            return Int64(text.dropFirst(2), radix: 16).map { .int($0) } ?? .text(text)
        }
        if text.hasPrefix("0o"), utf8.count > 2,
            utf8.dropFirst(2).allSatisfy({ (0x30...0x37).contains($0) })
        {
            return Int64(text.dropFirst(2), radix: 8).map { .int($0) } ?? .text(text)
        }
        let digits = first == 0x2b || first == 0x2d ? utf8.dropFirst() : utf8[...]
        if !digits.isEmpty, digits.allSatisfy(\.isDigit) {
            return Int64(text).map { .int($0) } ?? Double(text).map { .double($0) }
        }
        guard isDecimal(digits) else { return nil }
        return Double(text.hasPrefix("+") ? String(text.dropFirst()) : text).map { .double($0) }
    }

    /// `1.5`, `.5`, `1.`, `1e9`, `1.5E-3`, without a sign.
    private static func isDecimal(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        let whole = rest.prefix(while: \.isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == 0x2e {
            rest = rest.dropFirst()
            fraction = rest.prefix(while: \.isDigit)
            rest = rest.dropFirst(fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return false }
        guard let exponent = rest.first else { return true }
        guard exponent == 0x65 || exponent == 0x45 else { return false }
        rest = rest.dropFirst()
        if rest.first == 0x2b || rest.first == 0x2d { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(\.isDigit)
    }

    /// What was found, for a message.
    var shown: String {
        switch self {
        case .null: "empty"
        case .bool(let value): "the boolean \(value)"
        case .int(let value): "the number \(value)"
        case .double(let value): "the number \(value)"
        case .text(let text): "the text \(text.shown)"
        }
    }
}

extension UInt8 {
    var isDigit: Bool { (0x30...0x39).contains(self) }
    var isHexDigit: Bool { isDigit || (0x41...0x46).contains(self) || (0x61...0x66).contains(self) }
    var isLower: Bool { (0x61...0x7a).contains(self) }
    var isLetter: Bool { isLower || (0x41...0x5a).contains(self) }
}

extension YAMLNode {
    /// What was found, for a message.
    var shown: String {
        switch content {
        case .scalar(let scalar): ScalarValue(self, scalar).shown
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// `key:` with nothing after it.
    var isNull: Bool {
        guard case .scalar(let scalar) = content else { return false }
        return ScalarValue(self, scalar) == .null
    }

    /// As JSON. Numbers that JSON does not have (`.inf`, `.nan`) stay text, and whole numbers past
    /// 64 bits become rough ones.
    var json: JSONValue {
        switch content {
        case .sequence(let items): .array(items.map(\.json))
        case .mapping(let entries):
            .object(
                Dictionary(entries.map { ($0.key, $0.value.json) }, uniquingKeysWith: { a, _ in a })
            )
        case .scalar(let scalar):
            switch ScalarValue(self, scalar) {
            case .null: .null
            case .bool(let value): .bool(value)
            case .int(let value): .int(value)
            case .double(let value): value.isFinite ? .double(value) : .string(scalar.text)
            case .text(let text): .string(text)
            }
        }
    }
}
