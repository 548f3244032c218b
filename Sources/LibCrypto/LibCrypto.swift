import CCrypto

/// Digests and random bytes of the system's libcrypto. Everything but `randomBytes` is pure.
package enum Digest {
    /// SHA-256: 32 bytes.
    package static func sha256(_ message: some Sequence<UInt8>) -> [UInt8] {
        let message = Array(message)
        return unsafe bytes(SHA256_DIGEST_LENGTH) { output in
            unsafe SHA256(message, message.count, output) != nil
        }
    }

    /// SHA-1: 20 bytes. For formats that prescribe it (known_hosts, `%C`), never for trust.
    package static func sha1(_ message: some Sequence<UInt8>) -> [UInt8] {
        let message = Array(message)
        return unsafe bytes(SHA_DIGEST_LENGTH) { output in
            unsafe SHA1(message, message.count, output) != nil
        }
    }

    /// HMAC-SHA-256: 32 bytes.
    package static func hmacSHA256(
        key: some Sequence<UInt8>, message: some Sequence<UInt8>
    ) -> [UInt8] {
        unsafe hmac(
            EVP_sha256(), size: SHA256_DIGEST_LENGTH, key: Array(key), message: Array(message))
    }

    /// HMAC-SHA-1: 20 bytes. Hashed names of known_hosts are made with it.
    package static func hmacSHA1(
        key: some Sequence<UInt8>, message: some Sequence<UInt8>
    ) -> [UInt8] {
        unsafe hmac(EVP_sha1(), size: SHA_DIGEST_LENGTH, key: Array(key), message: Array(message))
    }

    private static func hmac(
        _ algorithm: OpaquePointer?, size: Int32, key: [UInt8], message: [UInt8]
    ) -> [UInt8] {
        unsafe bytes(size) { output in
            // An empty array may have no address, and HMAC reads a null key as "the last one".
            let padded = key + [0]
            return unsafe HMAC(
                algorithm, padded, Int32(key.count), message, message.count, output, nil) != nil
        }
    }

    /// These functions fail only when libcrypto itself is broken or out of memory: a wrong digest
    /// must never be used, so that ends the program.
    private static func bytes(
        _ count: Int32, _ fill: (UnsafeMutablePointer<UInt8>?) -> Bool
    ) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Int(count))
        let done = unsafe output.withUnsafeMutableBufferPointer { unsafe fill($0.baseAddress) }
        precondition(done, "libcrypto could not compute a digest")
        return output
    }
}

/// libcrypto has no randomness to give: its seed source is missing.
package struct NoRandomness: Error, Equatable {}

/// Bytes from libcrypto's cryptographic generator.
package func randomBytes(_ count: Int) throws(NoRandomness) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: count)
    let result = unsafe output.withUnsafeMutableBufferPointer { buffer in
        unsafe RAND_bytes(buffer.baseAddress, Int32(buffer.count))
    }
    guard result == 1 else { throw NoRandomness() }
    return output
}
