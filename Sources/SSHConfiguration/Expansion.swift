import LibCrypto

/// The expansions of OpenSSH: `~` at the front, `%` tokens, `${VARIABLE}`.
struct Expansion {
    /// Why a text cannot be expanded: OpenSSH would stop here too.
    struct Failure: Error {
        var reason: String
    }

    /// Values of the `%` tokens by their letter.
    var tokens: [Character: String]
    var local: LocalFacts

    /// For files and sockets.
    func path(_ text: String) throws(Failure) -> String {
        try substitute(tilde(text))
    }

    /// `~` and `~/…`.
    func tilde(_ text: String) throws(Failure) -> String {
        guard text.hasPrefix("~") else { return text }
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        let user = text[text.index(after: text.startIndex)..<slash]
        guard user.isEmpty || user == local.userName else {
            throw Failure(
                reason: "the home directory of user \(user) is not looked up; write it out")
        }
        return local.home + text[slash...]
    }

    /// Tokens and, for files, environment variables.
    func substitute(_ text: String, variables: Bool = true) throws(Failure) -> String {
        var out = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            if variables, character == "$", rest.first == "{" {
                guard let close = rest.firstIndex(of: "}") else {
                    throw Failure(reason: "\"${\" without its \"}\"")
                }
                let name = String(rest[rest.index(after: rest.startIndex)..<close])
                guard let value = local.environment[name] else {
                    throw Failure(reason: "the environment variable \(name) is not set")
                }
                out += value
                rest = rest[rest.index(after: close)...]
            } else if character == "%" {
                guard let letter = rest.popFirst() else {
                    throw Failure(reason: "a lone \"%\" at the end; a literal one is \"%%\"")
                }
                if letter == "%" {
                    out += "%"
                } else if let value = tokens[letter] {
                    out += value
                } else {
                    throw Failure(reason: "%\(letter) is not known here")
                }
            } else {
                out.append(character)
            }
        }
        return out
    }
}

extension Expansion {
    /// The tokens of identity files, agent sockets and known_hosts files.
    init(
        originalHost: String, hostName: String, port: UInt16, user: String, keyAlias: String?,
        local: LocalFacts
    ) {
        let connection = local.hostName + hostName + String(port) + user
        tokens = [
            "h": hostName,
            "n": originalHost,
            "p": String(port),
            "r": user,
            "u": local.userName,
            "d": local.home,
            "i": String(local.userID),
            "l": local.hostName,
            "L": local.hostName.split(separator: ".").first.map(String.init) ?? "",
            "k": keyAlias ?? originalHost,
            "C": hexadecimal(Digest.sha1(connection.utf8)),
        ]
        self.local = local
    }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
