/// One hop of `ProxyJump`: `[user@]host[:port]` or `ssh://[user@]host[:port]`.
package struct JumpHop: Hashable, Sendable, CustomStringConvertible {
    package var user: String?
    package var host: String
    package var port: UInt16?
    package init(user: String? = nil, host: String, port: UInt16? = nil) {
        self.user = user
        self.host = host
        self.port = port
    }

    /// - Returns: `nil` when OpenSSH would refuse the text too.
    package init?(_ text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("ssh://") {
            rest = rest.dropFirst("ssh://".count)
            if let slash = rest.firstIndex(of: "/") {
                guard rest[slash...] == "/" else { return nil }
                rest = rest[..<slash]
            }
        }
        if let at = rest.lastIndex(of: "@") {
            guard at != rest.startIndex else { return nil }
            user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        let port: Substring?
        if rest.first == "[" {
            guard let close = rest.firstIndex(of: "]") else { return nil }
            host = String(rest[rest.index(after: rest.startIndex)..<close])
            let tail = rest[rest.index(after: close)...]
            guard tail.isEmpty || tail.first == ":" else { return nil }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = rest.firstIndex(of: ":") {
            host = String(rest[..<colon])
            port = rest[rest.index(after: colon)...]
        } else {
            host = String(rest)
            port = nil
        }
        guard !host.isEmpty, !host.hasPrefix("-") else { return nil }
        guard let port else { return }
        guard let number = UInt16(port), number > 0 else { return nil }
        self.port = number
    }

    /// Every hop of a comma list, the first to reach in front; `none` is an empty list.
    package static func list(_ text: String) -> [JumpHop]? {
        if text.lowercased() == "none" { return [] }
        var hops: [JumpHop] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let hop = JumpHop(String(part)) else { return nil }
            hops.append(hop)
        }
        return hops
    }

    package var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return (user.map { "\($0)@" } ?? "") + name + (port.map { ":\($0)" } ?? "")
    }
}
