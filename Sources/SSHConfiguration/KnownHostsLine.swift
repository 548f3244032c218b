import LibCrypto

/// A usable line of known_hosts: `[@marker] names keytype base64 [comment]`.
struct KnownHostsLine {
    enum Marker {
        case none, revoked, certificateAuthority
    }

    private enum Names {
        case patterns([UInt8])
        case hashed(salt: [UInt8], hash: [UInt8])
    }

    let marker: Marker
    let key: HostKey
    /// `file:line`.
    let place: String
    private let names: Names

    /// - Returns: `nil` for blanks, comments and everything that OpenSSH would skip.
    init?(_ line: ArraySlice<UInt8>, place: String) {
        guard let first = line.first(where: { !$0.isBlank }), first != UInt8(ascii: "#") else {
            return nil
        }
        // Four words at the most are of interest; the comment after them may be huge.
        var fields = line.split(maxSplits: 4, whereSeparator: \.isBlank)
        if first == UInt8(ascii: "@") {
            switch String(decoding: fields.removeFirst(), as: UTF8.self) {
            case "@revoked": marker = .revoked
            case "@cert-authority": marker = .certificateAuthority
            default: return nil
            }
        } else {
            marker = .none
        }
        guard fields.count >= 3, let blob = Base64.decode(fields[2]), let key = HostKey(blob: blob),
            fields[1].elementsEqual(key.type.utf8)
        else { return nil }
        self.key = key
        self.place = place
        if fields[0].first == UInt8(ascii: "|") {
            let parts = fields[0].split(
                separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
            guard parts.count == 4, parts[1].elementsEqual("1".utf8),
                let salt = Base64.decode(parts[2]), let hash = Base64.decode(parts[3]),
                salt.count == 20, hash.count == 20
            else { return nil }
            names = .hashed(salt: salt, hash: hash)
        } else {
            names = .patterns(Array(fields[0]))
        }
    }

    /// - Parameter name: a host's name in lower case, with its port where that matters.
    func matches(_ name: [UInt8]) -> Bool {
        switch names {
        case .patterns(let list): Pattern.list(list, matches: name, foldingCase: true)
        case .hashed(let salt, let hash): Digest.hmacSHA1(key: salt, message: name) == hash
        }
    }
}
