import Foundation
import Testing

@testable import Cluster

@Suite("Secrets")
struct SecretTests {
    private struct Holder {
        var name = "admin"
        var secret = Secret("hunter2-Ω")
        var resolved = ResolvedText(sensitive: Secret("hunter2-Ω"))
        var observed = ObservedText("hunter2-Ω")
        var secrets = Secrets(["admin": Secret("hunter2-Ω")])
        var list: [Secret?] = [Secret("hunter2-Ω")]
    }
    private struct Failure: Error {
        var secret = Secret("hunter2-Ω")
    }

    @Test("no way of printing one shows its value, nor one of anything that holds it")
    func printing() throws {
        let secret = Secret("hunter2-Ω")
        #expect("\(secret)" == "(sensitive)")
        #expect(String(describing: secret) == "(sensitive)")
        #expect(String(reflecting: secret) == "(sensitive)")
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect("\(ResolvedText(sensitive: secret))" == "(sensitive)")
        #expect("\(ObservedText("hunter2-Ω"))" == "(observed text)")
        for value in [secret, Holder(), Failure(), [secret], ["a": secret]] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in [dumped, "\(value)", String(reflecting: value)] {
                #expect(!text.contains("hunter2"), "\(text)")
            }
        }
        #expect(!Failure().localizedDescription.contains("hunter2"))
    }

    @Test("none can be encoded: neither by itself nor as what a server showed")
    func encoding() {
        #expect(!((Secret("x") as Any) is any Encodable))
        #expect(!((ResolvedText(sensitive: Secret("x")) as Any) is any Encodable))
        let error = #expect(throws: EncodingError.self) {
            try JSONEncoder().encode([ObservedText("hunter2-Ω")])
        }
        #expect(!String(describing: error).contains("hunter2"))
    }

    private static let hostile = #"pa'ss"w\ö$rd %"#

    @Test(
        "a known value is taken out of any text, however it was written there",
        arguments: [
            hostile, #"pa'ss\"w\\ö$rd %"#, "pa%27ss%22w%5C%C3%B6%24rd%20%25", "pa''ss\"w\\ö$rd %",
            Data(hostile.utf8).base64EncodedString(),
        ])
    func redaction(written: String) {
        let redactor = Redactor(Secrets(["a": Secret(Self.hostile), "b": Secret("pa'ss\"")]))
        #expect(
            redactor.redact("error near <\(written)> and <\(written)>").replacing("=", with: "")
                == "error near <(sensitive)> and <(sensitive)>")
    }

    @Test("a short value is not looked for: it would be found in ordinary words")
    func short() {
        let redactor = Redactor(Secrets(["a": Secret("abc"), "b": Secret("abcdef")]))
        #expect(redactor.redact("abc abcd abcdef abcdefg") == "abc abcd (sensitive) (sensitive)g")
        #expect(Redactor(Secrets()).redact("abc") == "abc")
    }

    @Test("of a value with several lines each long one is taken out by itself")
    func lines() {
        let key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nshort\n-----END KEY-----"
        #expect(
            Redactor(Secrets(["key": Secret(key)])).redact("at MIIEowIBAAKCAQEA: short")
                == "at (sensitive): short")
    }

    @Test("the longest of values within each other goes first")
    func nested() {
        let redactor = Redactor(Secrets(["a": Secret("secret"), "b": Secret("secret-longer")]))
        #expect(redactor.redact("secret-longer secret-long") == "(sensitive) (sensitive)-long")
    }

    @Test(
        "texts that look like secrets",
        arguments: [
            "postgres://app:pw@db/crm", "--password=x", "PGPASSWORD=x pg_dump", "eyJhbGciOi.x.y",
            "AWS_SECRET_ACCESS_KEY=x wal-g", "Authorization: Bearer x",
            "host all all 0.0.0.0/0 ldap ldapbindpasswd=x",
        ])
    func looks(text: String) { #expect(SecretLooks.suggested(by: text)) }

    @Test(
        "texts that do not",
        arguments: [
            "http://db:5432/health", "postgres://db/crm", "--initial-advertise-peer-urls=http://a",
            "wal-g wal-push %p", "200", "",
        ])
    func plain(text: String) { #expect(!SecretLooks.suggested(by: text)) }

    @Test("of a command the telling words go, and what follows a telling option")
    func command() {
        #expect(
            SecretLooks.masked(command: [
                "serve", "--password", "x", "--port", "80", "--token=y", "http://u:p@h/",
            ]) == [
                "serve", "--password", "(sensitive)", "--port", "80", "(sensitive)", "(sensitive)",
            ]
        )
    }
}
