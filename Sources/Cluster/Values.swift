/// A number of bytes.
package struct ByteCount: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let bytes: Int64
    package init(_ bytes: Int64) { self.bytes = bytes }
    package init(from decoder: any Decoder) throws {
        bytes = try decoder.singleValueContainer().decode(Int64.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
    package static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }
    package static func kibibytes(_ count: Int64) -> Self { Self(count << 10) }
    package static func mebibytes(_ count: Int64) -> Self { Self(count << 20) }

    /// The largest whole binary unit: `1MiB`, `1536KiB`, `17B`.
    package var description: String {
        for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
        where bytes != 0 && bytes % (1 << Int64(shift)) == 0 {
            return "\(bytes >> Int64(shift))\(unit)"
        }
        return "\(bytes)B"
    }
}

/// An image as written: `ghcr.io/zalando/spilo-17:4.0-p3`, `haproxy:3.0`, `name@sha256:…`.
package struct ImageReference: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let text: String
    package init(_ text: String) { self.text = text }
    package init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
    package var description: String { text }
    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }

    /// The text without a default registry or tag that docker would add or drop:
    /// `docker.io/library/haproxy` and `haproxy:latest` are one image.
    package var normalized: String {
        var name = text
        for prefix in ["docker.io/library/", "index.docker.io/library/", "docker.io/"]
        where name.hasPrefix(prefix) {
            name.removeFirst(prefix.count)
            break
        }
        let last = name.split(separator: "/").last.map(String.init) ?? name
        return last.contains(":") || last.contains("@") ? name : "\(name):latest"
    }
}

extension ImageReference {
    /// `17` of `ghcr.io/zalando/spilo-17:4.0-p3`: the PostgreSQL major version that a Spilo image's
    /// name tells.
    package var spiloVersion: Int? {
        let name = text.split(separator: "/").last ?? ""
        let prefix = "spilo-"
        guard name.hasPrefix(prefix) else { return nil }
        let rest = name.dropFirst(prefix.count)
        let digits = rest.prefix { ("0"..."9").contains($0) }
        let end = rest.dropFirst(digits.count).first
        return end == nil || end.map { ":@-".contains($0) } == true ? Int(digits) : nil
    }
}

/// What could be learnt of one thing. "Not there" is a known value; "could not look" is not (S4).
package enum Reading<Value: Sendable>: Sendable {
    case known(Value)
    /// Why it could not be looked at, for people.
    case unreachable(String)

    package var value: Value? {
        if case .known(let value) = self { value } else { nil }
    }

    package var reason: String? {
        if case .unreachable(let reason) = self { reason } else { nil }
    }

    package func map<Other: Sendable>(_ transform: (Value) -> Other) -> Reading<Other> {
        switch self {
        case .known(let value): .known(transform(value))
        case .unreachable(let reason): .unreachable(reason)
        }
    }
}

extension Reading: Equatable where Value: Equatable {}
extension Reading: Codable where Value: Codable {}

extension Unicode.Scalar {
    /// Controls, and what is not seen or reorders text: JSON is printed, too.
    fileprivate var isEscapedInJSON: Bool {
        switch value {
        case 0..<0x20, 0x7f...0x9f, 0xad, 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e,
            0x2060...0x206f, 0xfeff, 0xfff9...0xfffb:
            true
        default: false
        }
    }
}

/// JSON as a value: Patroni's dynamic configuration and what else has no fixed shape.
package enum JSONValue: Hashable, Sendable, Codable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    package subscript(key: String) -> JSONValue? {
        if case .object(let fields) = self { fields[key] } else { nil }
    }

    /// Whether some text in it, keys left out, is such a one.
    package func containsText(where holds: (String) -> Bool) -> Bool {
        switch self {
        case .string(let text): holds(text)
        case .array(let values): values.contains { $0.containsText(where: holds) }
        case .object(let fields): fields.values.contains { $0.containsText(where: holds) }
        case .null, .bool, .int, .double: false
        }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var object: [String: JSONValue]? {
        if case .object(let value) = self { value } else { nil }
    }

    /// Compact JSON with sorted keys: one value has one text.
    package var canonicalText: String { String(decoding: canonicalBytes, as: UTF8.self) }

    /// The same in UTF-8.
    package var canonicalBytes: [UInt8] {
        var out: [UInt8] = []
        write(to: &out)
        return out
    }

    private func write(to out: inout [UInt8]) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .int(let value): out += String(value).utf8
        case .double(let value): out += (value.isFinite ? "\(value)" : "null").utf8
        case .string(let value): Self.quote(value, to: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (position, value) in values.enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                value.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let fields):
            out.append(UInt8(ascii: "{"))
            for (position, field) in fields.sorted(by: { $0.key < $1.key }).enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                Self.quote(field.key, to: &out)
                out.append(UInt8(ascii: ":"))
                field.value.write(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    /// A JSON string literal. Also a valid double-quoted YAML scalar.
    package static func quote(_ text: String) -> String {
        var out: [UInt8] = []
        quote(text, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private static func quote(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        // Nearly every text needs no escape.
        if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) && $0 != 0x22 && $0 != 0x5c }) {
            out += text.utf8
        } else {
            out += escaped(text).utf8
        }
        out.append(UInt8(ascii: "\""))
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.isEscapedInJSON:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
