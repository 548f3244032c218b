import Cluster

/// What a text of the manifest must look like: for a message, for editors and for the decoder.
struct TextRule: Sendable {
    /// Completes "expected …".
    var expectation: String
    /// The same as a regular expression that JSON Schema, editors and the tests can run.
    var pattern: String?
    var maximumLength: Int?
    /// Line breaks and tabs are part of the text.
    var isMultiline = false
    /// A text that does not fit may be shown: it is no secret in the wrong place.
    var isShown = true
    var accepts: @Sendable (String) -> Bool = { _ in true }
    /// Says more of a text that was not accepted.
    var hint: @Sendable (String) -> String? = { _ in nil }
    /// The more exact place of what was not accepted, completing "has …".
    var fault: @Sendable (String) -> String? = { _ in nil }

    func isMet(by text: String) -> Bool {
        if let maximumLength, text.unicodeScalars.count > maximumLength { return false }
        return accepts(text)
    }
}

extension TextRule {
    static let name = TextRule(
        expectation: "a name of lower-case letters, digits and inner hyphens, at most 63 long",
        pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", maximumLength: 63,
        accepts: { text in
            let bytes = Array(text.utf8)
            guard let first = bytes.first, let last = bytes.last else { return false }
            return first != 0x2d && last != 0x2d
                && bytes.allSatisfy { $0.isLower || $0.isDigit || $0 == 0x2d }
        })

    static let projectName = TextRule(
        expectation: "a compose project's name: lower-case letters, digits, hyphens, underscores",
        pattern: "^[a-z0-9][a-z0-9_-]*$", maximumLength: 63,
        accepts: { text in
            let bytes = Array(text.utf8)
            guard let first = bytes.first, first.isLower || first.isDigit else { return false }
            return bytes.allSatisfy { $0.isLower || $0.isDigit || $0 == 0x2d || $0 == 0x5f }
        })

    static let secretName = TextRule(
        expectation: "a secret's name: letters, digits, hyphens and underscores",
        pattern: "^[A-Za-z_][A-Za-z0-9_-]*$", maximumLength: 128,
        accepts: { $0.isIdentifier(with: [0x2d, 0x5f]) })

    static let environmentName = TextRule(
        expectation: "an environment variable's name: letters, digits and underscores",
        pattern: "^[A-Za-z_][A-Za-z0-9_]*$", maximumLength: 256,
        accepts: { $0.isIdentifier(with: [0x5f]) })

    /// A variable that holds a secret: what stands in its place may be the secret itself.
    static let secretVariable: TextRule = {
        var rule = environmentName
        rule.isShown = false
        return rule
    }()

    static let databaseName = TextRule(
        expectation: "a database's name: letters, digits, hyphens and underscores, at most 63 long",
        pattern: "^[A-Za-z_][A-Za-z0-9_-]*$", maximumLength: 63,
        accepts: { $0.isIdentifier(with: [0x2d, 0x5f]) })

    static let userName = TextRule(
        expectation: "a user's name", pattern: "^[A-Za-z_][A-Za-z0-9_.-]*\\$?$", maximumLength: 32,
        accepts: { text in
            let name = text.hasSuffix("$") ? String(text.dropLast()) : text
            return name.isIdentifier(with: [0x2d, 0x2e, 0x5f])
        })

    static let address = TextRule(
        expectation: "a host name or an IP address",
        pattern: "^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,})$",
        maximumLength: 253,
        accepts: { text in
            let bytes = Array(text.utf8)
            if bytes.contains(0x3a) {
                return bytes.count(where: { $0 == 0x3a }) > 1
                    && bytes.allSatisfy { $0.isHexDigit || $0 == 0x3a || $0 == 0x2e }
            }
            guard let first = bytes.first, let last = bytes.last else { return false }
            return (first.isLetter || first.isDigit) && (last.isLetter || last.isDigit)
                && bytes.allSatisfy {
                    $0.isLetter || $0.isDigit || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f
                }
        },
        hint: { $0.contains(":") ? "a port goes into ssh.port" : nil })

    static let directory = TextRule(
        expectation: "an absolute path of letters, digits and . _ - without . or .. parts",
        pattern: "^(/(?!\\.{1,2}(/|$))[A-Za-z0-9._-]+)+$", maximumLength: 255,
        accepts: { text in
            guard text.hasPrefix("/") else { return false }
            return text.dropFirst().utf8.split(separator: 0x2f, omittingEmptySubsequences: false)
                .allSatisfy { part in
                    !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
                        && part.allSatisfy {
                            $0.isLetter || $0.isDigit || [0x2d, 0x2e, 0x5f].contains($0)
                        }
                }
        })

    static let fingerprint = TextRule(
        expectation: "a host key's fingerprint: SHA256: and 43 characters, as ssh prints it",
        pattern: "^SHA256:[A-Za-z0-9+/]{43}$",
        accepts: { text in
            guard text.hasPrefix("SHA256:") else { return false }
            let rest = text.utf8.dropFirst(7)
            return rest.count == 43
                && rest.allSatisfy { $0.isLetter || $0.isDigit || $0 == 0x2b || $0 == 0x2f }
        },
        hint: { text in
            text.hasPrefix("MD5:") ? "ssh-keygen -l -f FILE prints the SHA256 form" : nil
        })

    static let jump = TextRule(
        expectation: "[user@]host[:port], several joined by commas, as ssh's ProxyJump",
        pattern: "^[A-Za-z0-9._@:,\\[\\]-]+$", maximumLength: 1024,
        accepts: { text in
            !text.isEmpty
                && text.utf8.allSatisfy {
                    $0.isLetter || $0.isDigit || Array("._@:,[]-".utf8).contains($0)
                }
        })

    static let quantity = TextRule(
        expectation: "a number of bytes with its unit, such as 512MiB or 2GiB",
        pattern: "^(?=[0-9]*[1-9])[0-9]{1,18}(B|[KMGT]i?B)$",
        accepts: { ByteCount(quantity: $0) != nil },
        hint: { $0.utf8.allSatisfy(\.isDigit) ? "it needs a unit" : nil })

    static let duration = TextRule(
        expectation: "a time such as 500ms, 30s, 10m or 1h30m",
        pattern: "^(?=.*[1-9])([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?$",
        accepts: { Duration(written: $0) != nil },
        hint: { $0.utf8.allSatisfy(\.isDigit) ? "it needs a unit" : nil })

    /// Any text on one line, empty or not.
    static let line = TextRule(expectation: "text on one line", pattern: "^.*$")

    /// Text on one line that is there for something.
    static let word = TextRule(
        expectation: "text on one line, not empty", pattern: "^.+$",
        accepts: { !$0.isEmpty })

    /// An argument of a command, which may be a whole script.
    static let argument = TextRule(expectation: "text", isMultiline: true)
}

extension String {
    /// A letter or underscore, then letters, digits and what else is allowed.
    fileprivate func isIdentifier(with others: [UInt8]) -> Bool {
        guard let first = utf8.first, first.isLetter || first == 0x5f else { return false }
        return utf8.allSatisfy { $0.isLetter || $0.isDigit || others.contains($0) }
    }
}
