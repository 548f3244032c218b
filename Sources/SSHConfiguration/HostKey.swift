import LibCrypto

/// A server's public key, in the form that goes over the wire.
package struct HostKey: Hashable, Sendable {
    /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, …: the first string of `blob`.
    package let type: String
    package let blob: [UInt8]

    /// - Returns: `nil` when the blob does not begin with the name of its type.
    package init?(blob: [UInt8]) {
        guard blob.count >= 4 else { return nil }
        let length = blob[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= 64, blob.count > 4 + length else { return nil }
        let name = blob[4..<4 + length]
        guard name.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        type = String(decoding: name, as: UTF8.self)
        self.blob = blob
    }

    /// As `ssh-keygen -l` prints it: `SHA256:` and unpadded base64.
    package var fingerprint: String {
        "SHA256:" + Base64.encode(Digest.sha256(blob), padded: false)
    }
}
