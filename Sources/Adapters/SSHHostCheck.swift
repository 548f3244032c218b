import LibSSH2
import SSHConfiguration

/// Judges the key that a server shows. There is no way to accept one silently.
struct SSHHostCheck {
    var hop: SSHHop
    private let files: [String]
    private let known: KnownHosts

    init(hop: SSHHop) {
        self.hop = hop
        files = hop.settings.userKnownHostsFiles + hop.settings.globalKnownHostsFiles
        known =
            hop.fingerprint != nil
            ? KnownHosts([])
            : KnownHosts(
                files.compactMap { path in
                    (try? LocalFiles.read(path)).map { KnownHosts.File(name: path, bytes: $0) }
                })
    }

    /// What to ask the server for, in turn: with a declared fingerprint every kind of key may be the
    /// one meant, so each has its own connection until one fits.
    var attempts: [[String]] {
        let kinds = [
            ["ssh-ed25519"],
            ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
            Self.algorithms(of: "ssh-rsa"),
        ]
        if hop.fingerprint != nil { return kinds }
        // The types that are known go first: another key of the same server is no change.
        let stored = known.keyTypes(
            host: hop.settings.hostName, port: hop.settings.port, alias: hop.settings.hostKeyAlias)
        var order = stored.flatMap(Self.algorithms)
        order += kinds.joined().filter { !order.contains($0) }
        return [order]
    }

    /// An RSA key signs with several algorithms; libssh2 leaves out those it does not know.
    private static func algorithms(of keyType: String) -> [String] {
        keyType == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [keyType]
    }

    /// - Returns: why the key is not trusted; `nil` when it is.
    func refusal(of blob: [UInt8]) -> String? {
        guard let key = HostKey(blob: blob) else {
            return "\(hop.title): the server's host key cannot be read, so nothing was sent to it"
        }
        let shown = "\(key.type) \(key.fingerprint)"
        if let fingerprint = hop.fingerprint {
            return fingerprint == key.fingerprint ? nil : mismatch(shown: [shown])
        }
        let settings = hop.settings
        switch known.verdict(
            on: key, host: settings.hostName, port: settings.port, alias: settings.hostKeyAlias)
        {
        case .trusted: return nil
        case .unknown: return unknown(shown: shown, key: key)
        case .changed(let expected):
            let stored = expected.map { "\($0.type) \($0.fingerprint) (\($0.place))" }
            return "\(hop.title): its host key has changed, so nothing was sent to it. "
                + "Presented: \(shown). Expected: \(stored.joined(separator: ", ")). "
                + "Someone may be listening in, or the server was installed anew: compare with "
                + "`\(Self.showKeys(key.type))` on the server's console, and only if it fits remove "
                + "the old key with `ssh-keygen -R '\(entryName)'\(removalFile(expected))` and add "
                + "the new one"
        case .revoked(let place):
            return "\(hop.title): its host key \(shown) is marked @revoked at \(place), so nothing "
                + "was sent to it. Give the server a new host key"
        }
    }

    /// Several keys were shown, none of them the declared one.
    func mismatch(shown: [String]) -> String {
        "\(hop.title): its host key is not the one declared, so nothing was sent to it. "
            + "Presented: \(shown.joined(separator: ", ")). "
            + "Expected: \(hop.fingerprint ?? "") (the manifest's ssh.fingerprint). "
            + "Compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the server's "
            + "console, and correct the manifest only if the server is right"
    }

    private var entryName: String {
        KnownHosts.entryName(
            host: hop.settings.hostName, port: hop.settings.port, alias: hop.settings.hostKeyAlias)
    }

    private func unknown(shown: String, key: HostKey) -> String {
        let file = hop.settings.userKnownHostsFiles.first ?? "known_hosts"
        let declare =
            hop.node.map {
                "declare it for node \($0) in the manifest: ssh: { fingerprint: \"\(key.fingerprint)\" }, or "
            }
            ?? ""
        return "\(hop.title): its host key is not known, so nothing was sent to it. "
            + "Presented: \(shown). Expected: a key for \(entryName) in "
            + "\(files.joined(separator: ", ")). "
            + "Compare with `\(Self.showKeys(key.type))` on the server's console, then \(declare)"
            + "add it: `ssh-keyscan -p \(hop.settings.port) \(hop.settings.hostName) >> \(file)`"
    }

    private func removalFile(_ expected: [KnownHosts.KnownKey]) -> String {
        guard let place = expected.first?.place, let colon = place.lastIndex(of: ":") else {
            return ""
        }
        return " -f \(place[..<colon])"
    }

    private static func showKeys(_ type: String) -> String {
        let name =
            type.hasPrefix("ecdsa") ? "ecdsa" : type == "ssh-rsa" ? "rsa" : "ed25519"
        return "ssh-keygen -lf /etc/ssh/ssh_host_\(name)_key.pub"
    }
}
