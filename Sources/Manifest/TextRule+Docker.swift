import Cluster

// The forms that compose and docker gave their users, accepted as they are.
extension TextRule {
    static let image = TextRule(
        expectation: "an image such as haproxy:3.0 or ghcr.io/zalando/spilo-17:4.0-p3",
        pattern: "^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?"
            + "[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
            + "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$",
        maximumLength: 512,
        accepts: { ImageForm.accepts($0) },
        hint: { text in
            if text.hasSuffix(":") { return "the tag after the colon is missing" }
            guard text.contains(where: \.isUppercase) else { return nil }
            return "repository names are lower-case"
        })

    static let volume = TextRule(
        expectation: "name:/path or /path/on/node:/path, with :ro to make it read-only",
        pattern: "^([A-Za-z0-9][A-Za-z0-9_.-]*|\\.?(/(?!\\.{1,2}(/|:))[^/:\\s]+)+)"
            + ":(/(?!\\.{1,2}(/|:|$))[^/:\\s]+)+(:r[ow])?$",
        maximumLength: 1024,
        accepts: { VolumeMount(written: $0) != nil },
        hint: { $0.contains("..") ? "paths with .. parts are refused" : nil })

    static let portMapping = TextRule(
        expectation: "a host port and a container port, such as 8080:80 or 127.0.0.1:8080:80/udp",
        pattern: "^((\\[[0-9A-Fa-f:.]+\\]|[0-9]{1,3}(\\.[0-9]{1,3}){3}):)?"
            + "\(port):\(port)(/(tcp|udp))?$",
        accepts: { PortMapping(written: $0) != nil },
        hint: { text in
            guard text.utf8.allSatisfy(\.isDigit) else { return nil }
            return "a port of the host is needed, too: \(text):\(text)"
        })

    private static let port =
        "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
}

/// Docker's reference grammar.
private enum ImageForm {
    static func accepts(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        if let at = rest.firstIndex(of: 0x40) {
            let digest = String(decoding: rest[(at + 1)...], as: UTF8.self)
            guard digest.hasPrefix("sha256:"), digest.utf8.count == 71,
                digest.utf8.dropFirst(7).allSatisfy({ $0.isDigit || (0x61...0x66).contains($0) })
            else { return false }
            rest = rest[..<at]
        }
        let slash = rest.lastIndex(of: 0x2f) ?? rest.startIndex - 1
        if let colon = rest[(slash + 1)...].firstIndex(of: 0x3a) {
            guard isTag(rest[(colon + 1)...]) else { return false }
            rest = rest[..<colon]
        }
        let parts = rest.split(separator: 0x2f, omittingEmptySubsequences: false)
        guard let first = parts.first else { return false }
        let others = parts.dropFirst()
        guard others.allSatisfy(isComponent) else { return false }
        return isComponent(first) || (!others.isEmpty && isRegistry(first))
    }

    private static func isTag(_ tag: ArraySlice<UInt8>) -> Bool {
        guard let first = tag.first, first != 0x2d, first != 0x2e, tag.count <= 128 else {
            return false
        }
        return tag.allSatisfy {
            $0.isLetter || $0.isDigit || $0 == 0x5f || $0 == 0x2e || $0 == 0x2d
        }
    }

    private static func isComponent(_ part: ArraySlice<UInt8>) -> Bool {
        guard let first = part.first, let last = part.last else { return false }
        return (first.isLower || first.isDigit) && (last.isLower || last.isDigit)
            && part.allSatisfy {
                $0.isLower || $0.isDigit || $0 == 0x5f || $0 == 0x2e || $0 == 0x2d
            }
    }

    private static func isRegistry(_ part: ArraySlice<UInt8>) -> Bool {
        var host = part
        if let colon = part.firstIndex(of: 0x3a) {
            let port = part[(colon + 1)...]
            guard (1...5).contains(port.count), port.allSatisfy(\.isDigit) else { return false }
            host = part[..<colon]
        }
        guard let first = host.first, let last = host.last else { return false }
        return (first.isLetter || first.isDigit) && (last.isLetter || last.isDigit)
            && host.allSatisfy { $0.isLetter || $0.isDigit || $0 == 0x2e || $0 == 0x2d }
    }
}

extension VolumeMount {
    /// Compose's short form, with `ro` or `rw` as the only option.
    init?(written text: String) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var isReadOnly = false
        if parts.count == 3, parts[2] == "ro" || parts[2] == "rw" {
            isReadOnly = parts.removeLast() == "ro"
        }
        guard parts.count == 2, Self.isPath(parts[1]) else { return nil }
        let source: Source
        if Self.isPath(parts[0]) {
            source = .path(parts[0])
        } else if parts[0].hasPrefix("./"), Self.isPath(String(parts[0].dropFirst())) {
            source = .path(parts[0])
        } else if Self.isVolumeName(parts[0]) {
            source = .volume(parts[0])
        } else {
            return nil
        }
        self.init(source: source, target: parts[1], isReadOnly: isReadOnly)
    }

    private static func isPath(_ text: String) -> Bool {
        guard text.hasPrefix("/") else { return false }
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".." && !$0.contains { $0.isWhitespace }
        }
    }

    private static func isVolumeName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isLetter || first.isDigit else { return false }
        return text.utf8.allSatisfy {
            $0.isLetter || $0.isDigit || $0 == 0x5f || $0 == 0x2e || $0 == 0x2d
        }
    }
}

extension PortMapping {
    /// Compose's short form with both ports: `[address:]host:container[/udp]`.
    init?(written text: String) {
        var rest = text[...]
        var transport = Transport.tcp
        if let slash = rest.lastIndex(of: "/") {
            guard let named = Transport(rawValue: String(rest[rest.index(after: slash)...])) else {
                return nil
            }
            transport = named
            rest = rest[..<slash]
        }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 2, let container = Self.port(parts[parts.count - 1]),
            let host = Self.port(parts[parts.count - 2])
        else { return nil }
        var address: String?
        if parts.count > 2 {
            let written = parts.dropLast(2).joined(separator: ":")
            guard let known = Self.bindAddress(written) else { return nil }
            address = known
        }
        self.init(hostAddress: address, host: host, container: container, transport: transport)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard let first = text.utf8.first, first != 0x30, text.utf8.allSatisfy(\.isDigit) else {
            return nil
        }
        return UInt16(text)
    }

    /// `[IPv6]` without its brackets, or an IPv4 address.
    private static func bindAddress(_ text: String) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]"), text.utf8.count > 2 {
            let inner = text.dropFirst().dropLast()
            return inner.utf8.allSatisfy { $0.isHexDigit || $0 == 0x3a || $0 == 0x2e }
                ? String(inner) : nil
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isAddress =
            parts.count == 4
            && parts.allSatisfy { (1...3).contains($0.utf8.count) && $0.utf8.allSatisfy(\.isDigit) }
        return isAddress ? text : nil
    }
}
