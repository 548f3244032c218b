/// The host keys that the user trusts: known_hosts files, read as sshd(8) describes them.
///
/// One bad line spoils nothing but itself. Certificate authorities cannot vouch for plain keys, so
/// their lines trust nothing here.
package struct KnownHosts: Sendable {
    /// A known_hosts file.
    package struct File: Sendable {
        /// Its path, for messages.
        package var name: String
        package var bytes: [UInt8]
        package init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// What the files say about a key that a server showed.
    package enum Verdict: Hashable, Sendable {
        /// It is the key of that host.
        case trusted
        /// Nothing is known of that host.
        case unknown
        /// Other keys are known for that host.
        case changed(expected: [KnownKey])
        /// It is marked as stolen.
        case revoked(place: String)
    }

    /// A key with where it stands.
    package struct KnownKey: Hashable, Sendable {
        package var type: String
        /// `SHA256:…`.
        package var fingerprint: String
        /// `file:line`.
        package var place: String
        package init(type: String, fingerprint: String, place: String) {
            self.type = type
            self.fingerprint = fingerprint
            self.place = place
        }
    }

    private let lines: [KnownHostsLine]

    /// - Parameter files: the user's, then the global ones; those that exist.
    package init(_ files: [File]) {
        lines = files.flatMap { file in
            file.bytes
                .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .enumerated()
                .compactMap { KnownHostsLine($1, place: "\(file.name):\($0 + 1)") }
        }
    }

    /// - Parameters:
    ///   - name: the host to connect to, as `HostSettings.hostName` has it.
    ///   - alias: `HostKeyAlias`; then the port does not matter.
    package func verdict(
        on key: HostKey, host name: String, port: UInt16, alias: String? = nil
    ) -> Verdict {
        let names = Self.names(host: name, port: port, alias: alias)
        for line in lines where line.marker == .revoked && line.key == key {
            // A stolen key is refused under the bare name too, whatever the port.
            if names.contains(where: line.matches) { return .revoked(place: line.place) }
        }
        let known = lines.filter { $0.marker == .none && $0.matches(names[0]) }
        if known.contains(where: { $0.key == key }) { return .trusted }
        guard known.isEmpty else {
            return .changed(
                expected: known.map {
                    KnownKey(
                        type: $0.key.type, fingerprint: $0.key.fingerprint, place: $0.place)
                })
        }
        // As OpenSSH: a host that is not known on this port may be known without one, but only a
        // matching key counts then.
        let isKnownWithoutPort = names.dropFirst().contains { bare in
            lines.contains { $0.marker == .none && $0.key == key && $0.matches(bare) }
        }
        return isKnownWithoutPort ? .trusted : .unknown
    }

    /// The types of the keys known for a host, in the files' order, without repeats. A client that
    /// does not ask for these first may be shown another key and raise a false alarm.
    package func keyTypes(host name: String, port: UInt16, alias: String? = nil) -> [String] {
        for name in Self.names(host: name, port: port, alias: alias) {
            var types: [String] = []
            for line in lines where line.marker == .none && !types.contains(line.key.type) {
                if line.matches(name) { types.append(line.key.type) }
            }
            if !types.isEmpty { return types }
        }
        return []
    }

    /// Under which names a host is looked up, the right one first.
    private static func names(host: String, port: UInt16, alias: String?) -> [[UInt8]] {
        if let alias { return [Array(alias.lowercased().utf8)] }
        let host = host.lowercased()
        return port == 22
            ? [Array(host.utf8)] : [Array("[\(host)]:\(port)".utf8), Array(host.utf8)]
    }

    /// How a host is written in known_hosts: `name`, or `[name]:port` when the port is not 22.
    package static func entryName(host: String, port: UInt16, alias: String? = nil) -> String {
        String(decoding: names(host: host, port: port, alias: alias)[0], as: UTF8.self)
    }
}
