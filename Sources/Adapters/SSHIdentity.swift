import SSHConfiguration

/// A private key file as far as it tells without its passphrase.
struct SSHIdentity {
    var path: String
    var text: [UInt8]
    /// The public key as the protocol encodes it, when the file, or the `.pub` next to it, has it.
    var publicKey: [UInt8]?
    var isEncrypted: Bool
    /// The file holds a public key only: its private half is in the agent.
    var isPublicOnly = false

    /// `ssh-ed25519`, `ssh-rsa`, …; empty when unknown.
    var type: String { publicKey.map(SSHWire.keyType) ?? "" }
    var isRSA: Bool { type == "ssh-rsa" || isPEM("RSA") }

    /// Whatever the kind: `-----BEGIN OPENSSH PRIVATE KEY-----` and its like.
    var isPrivate: Bool {
        let lines = text.split(separator: UInt8(ascii: "\n"))
        return lines.contains {
            $0.starts(with: "-----BEGIN ".utf8)
                && String(decoding: $0, as: UTF8.self).contains("PRIVATE KEY-----")
        }
    }

    private func isPEM(_ kind: String) -> Bool {
        text.starts(with: "-----BEGIN \(kind) PRIVATE KEY".utf8)
    }

    /// As the `.pub` file has it.
    var publicLine: String? {
        publicKey.map { "\(type) \(Base64.encode($0))" }
    }

    init(path: String) throws(LocalFileFailure) {
        self.path = path
        let beside = try? LocalFiles.read("\(path).pub")
        do {
            text = try LocalFiles.read(path)
        } catch {
            // OpenSSH takes a lone public key too: the agent then signs.
            guard error.isMissing, let beside, let key = Self.publicKey(in: beside) else {
                throw error
            }
            text = []
            publicKey = key
            isEncrypted = false
            isPublicOnly = true
            return
        }
        isEncrypted = false
        if let key = Self.publicKey(in: text) {
            publicKey = key
            isPublicOnly = true
            return
        }
        if let body = Self.body(of: text, named: "OPENSSH PRIVATE KEY") {
            // openssh-key-v1: cipher, kdf, options, count, then the first public key in clear.
            var wire = SSHWire(body.dropFirst("openssh-key-v1\0".utf8.count))
            isEncrypted = wire.string().map(SSHWire.text) != "none"
            _ = wire.string()
            _ = wire.string()
            _ = wire.number()
            publicKey = wire.string()
        } else {
            let words = String(decoding: text.prefix(1024), as: UTF8.self)
            isEncrypted =
                words.contains("BEGIN ENCRYPTED PRIVATE KEY")
                || words.contains("Proc-Type: 4,ENCRYPTED")
            publicKey = beside.flatMap(Self.publicKey)
        }
    }

    /// `type base64 comment`.
    private static func publicKey(in line: [UInt8]) -> [UInt8]? {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard parts.count >= 2 else { return nil }
        let digits = parts[1].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let blob = Base64.decode(digits) else { return nil }
        var wire = SSHWire(blob)
        return wire.string() == Array(parts[0]) ? blob : nil
    }

    private static func body(of text: [UInt8], named name: String) -> [UInt8]? {
        let lines = text.split(whereSeparator: { $0 == 10 || $0 == 13 })
        guard lines.first?.elementsEqual("-----BEGIN \(name)-----".utf8) == true,
            let end = lines.firstIndex(where: { $0.elementsEqual("-----END \(name)-----".utf8) })
        else { return nil }
        return Base64.decode(Array(lines[1..<end].joined()))
    }
}

/// Reads and writes the strings and numbers of the SSH protocols (RFC 4251 §5).
struct SSHWire {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: some Sequence<UInt8>) { rest = ArraySlice(bytes) }

    mutating func byte() -> UInt8? { rest.popFirst() }

    mutating func number() -> UInt32? {
        guard rest.count >= 4 else { return nil }
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func string() -> [UInt8]? {
        guard let length = number(), rest.count >= Int(length) else { return nil }
        defer { rest = rest.dropFirst(Int(length)) }
        return Array(rest.prefix(Int(length)))
    }

    /// `ssh-ed25519`, …: the first string of an encoded public key.
    static func keyType(_ publicKey: [UInt8]) -> String {
        var wire = SSHWire(publicKey)
        return wire.string().map(text) ?? ""
    }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    static func number(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func string(_ bytes: some Collection<UInt8>) -> [UInt8] {
        number(UInt32(bytes.count)) + bytes
    }
}
