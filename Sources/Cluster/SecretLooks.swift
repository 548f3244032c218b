/// Texts that look as if they held a secret, where nothing says whether they do.
package enum SecretLooks {
    /// By the name of a variable, a label or a parameter.
    package static func suggested(byName name: String) -> Bool {
        let upper = name.uppercased()
        return names.contains { upper.contains($0) }
    }

    private static let names = [
        "PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "DSN", "URI", "URL", "CONNINFO",
    ]

    /// By the text itself: an address with a password in it, an assignment to a telling name, a
    /// private key, a JSON web token.
    package static func suggested(by text: String) -> Bool {
        let lower = text.lowercased()
        return words.contains { lower.contains($0) } || hasUserInfo(text) || text.hasPrefix("eyJ")
    }

    private static let words = [
        "passw", "pwd=", "secret", "token", "apikey", "api_key", "api-key", "access_key",
        "access-key", "private key", "bearer ", "credential",
    ]

    /// `scheme://user:password@host`
    private static func hasUserInfo(_ text: String) -> Bool {
        var rest = text.utf8[...]
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            rest = rest[rest.index(after: colon)...]
            guard rest.starts(with: "//".utf8) else { continue }
            let authority = rest.dropFirst(2).prefix {
                $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "?")
            }
            guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { continue }
            if authority[..<at].contains(UInt8(ascii: ":")) { return true }
        }
        return false
    }

    /// The words of a command as they may be shown: a telling one, and what follows a telling
    /// option, not at all.
    package static func masked(command: [String]) -> [String] {
        var isValue = false
        return command.map { word in
            let isTelling = isValue || suggested(by: word)
            isValue = word.hasPrefix("-") && !word.contains("=") && suggested(byName: word)
            return isTelling && !isValue ? Secret.placeholder : word
        }
    }
}
