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

    /// What a server says was cut before known secrets were taken out of it, and the first part of
    /// one that lay on the cut was shown.
    @Test(
        "no part of a secret is left beside a cut, wherever that falls and however it was written",
        arguments: [hostile, #"pa'ss\"w\\ö$rd %"#, "pa''ss\"w\\ö$rd %"])
    func cut(written: String) {
        let redactor = Redactor(Secrets(["a": Secret(Self.hostile), "b": Secret("pa'ss\"")]))
        let length = written.utf8.count
        for limit in 10...(length + 20) {
            let start = String(
                startOf: Array("error at \(written) and so on and on".utf8), limit: limit)
            let shown = redactor.redact(start + ". Give it one")
            #expect(!shown.contains("pa's"), "cut after \(limit): \(shown)")
            #expect(shown.hasSuffix("…. Give it one"))
            let end = String(
                endOf: Array("so on and on \(written) was wrong".utf8), limit: limit)
            let told = redactor.redact("exit 1: " + end)
            #expect(!told.contains("rd %"), "of the last \(limit): \(told)")
            #expect(told.hasPrefix("exit 1: …"))
        }
    }

    @Test("of a secret within another the part of the longer one at a cut goes too")
    func cutNested() {
        let redactor = Redactor(Secrets(["a": Secret("secret"), "b": Secret("secret-longer")]))
        #expect(redactor.redact("a secret-lon… b") == "a (sensitive)… b")
        #expect(redactor.redact("a …ret-longer b") == "a …(sensitive) b")
        #expect(redactor.redact("a secret-lon b sec… c") == "a (sensitive)-lon b sec… c")
    }

    @Test("a text within its limit is not cut, and of a longer one no character is split")
    func shortTexts() {
        for (limit, start, end) in [(9, "aöö€", "aöö€"), (8, "aöö€", "aöö€"), (7, "aö…", "…€")] {
            #expect(String(startOf: Array("aöö€".utf8), limit: limit) == start)
            #expect(String(endOf: Array("aöö€".utf8), limit: limit) == end)
        }
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
