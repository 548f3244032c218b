import LibCrypto
import Testing

@Suite("Digests agree with their standards")
struct DigestTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("SHA-256 of nothing and of abc (FIPS 180-2)")
    func sha256() {
        #expect(
            hex(Digest.sha256([]))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            hex(Digest.sha256("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("SHA-1 of abc (FIPS 180-2)")
    func sha1() {
        #expect(hex(Digest.sha1("abc".utf8)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    }

    @Test("HMACs of RFC 2202 and RFC 4231")
    func hmac() {
        let message = "what do ya want for nothing?".utf8
        #expect(
            hex(Digest.hmacSHA1(key: "Jefe".utf8, message: message))
                == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        #expect(
            hex(Digest.hmacSHA256(key: "Jefe".utf8, message: message))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test("an empty key is an empty key, not the key of the call before")
    func emptyKey() {
        _ = Digest.hmacSHA256(key: "other".utf8, message: "x".utf8)
        #expect(
            hex(Digest.hmacSHA256(key: [], message: []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test("random bytes have the length asked for and do not repeat")
    func random() throws {
        let first = try randomBytes(32)
        let second = try randomBytes(32)
        #expect(first.count == 32)
        #expect(first != second)
        #expect(try randomBytes(0) == [])
    }
}
