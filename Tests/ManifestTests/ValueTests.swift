import Cluster
import Testing

@testable import Manifest

struct ValueTests {
    @Test("Quantities are binary, as docker and PostgreSQL read them, and never overflow")
    func quantities() {
        let read = ["1B", "1KB", "1KiB", "512MB", "2GiB", "3TB"].map {
            ByteCount(quantity: $0)?.bytes
        }
        #expect(read == [1, 1024, 1024, 536_870_912, 2_147_483_648, 3_298_534_883_328])
        for text in [
            "", "1", "MiB", "1.5GiB", "-1MB", "1 MB", "1mb", "0MB", "9999999999TB",
            "99999999999999999999B", "1MiBs",
        ] {
            #expect(ByteCount(quantity: text) == nil, "\(text)")
        }
    }

    @Test("Durations have units from the largest to the smallest, each once")
    func durations() {
        let read = ["500ms", "30s", "10m", "1h30m", "1m5ms", "90s"].map { Duration(written: $0) }
        #expect(
            read == [
                .milliseconds(500), .seconds(30), .seconds(600), .seconds(5400),
                .milliseconds(60_005), .seconds(90),
            ])
        for text in [
            "", "5", "0s", "1s1m", "1m1m", "-1s", "1.5s", "ms", "9999999999s", "1s ", "5d",
        ] {
            #expect(Duration(written: text) == nil, "\(text)")
        }
    }

    @Test("Numbers and booleans of an environment keep the text that was written")
    func environmentText() throws {
        let values = ["1.10", "0755", "1e3", "true", "0x10", "'1'", "yes", "~x", "12:30"]
        let texts = ["1.10", "0755", "1e3", "true", "0x10", "1", "yes", "~x", "12:30"]
        let lines = values.enumerated().map { "    V\($0): \($1)\n" }.joined()
        let manifest = try Files.text("manifests/lab-three.yaml")
            .replacing("  replicas: 2\n", with: "  replicas: 2\n  environment:\n\(lines)")
        let decoded = ManifestDecoder.decode(Array(manifest.utf8), file: "m")
        #expect(decoded.problems.map(\.description) == [])
        let environment = try #require(decoded.clusters.first).postgres.environment
        for (index, text) in texts.enumerated() {
            #expect(environment["V\(index)"] == Template(text))
        }
    }

    @Test("Plain YAML of others becomes plain values, aliases and merges included")
    func plainYAML() throws {
        let text = """
            x: &x { image: a, on: yes, mode: 0644 }
            services:
              one: { <<: *x, image: b, ports: ["80:80", 443], size: 1.5, none: }
            big: 99999999999999999999
            """
        let value = try YAMLText.parse(Array(text.utf8)).get()
        #expect(
            value.canonicalText
                == #"{"big":1e+20,"services":{"one":{"image":"b","mode":644,"none":null,"#
                + #""on":"yes","ports":["80:80",443],"size":1.5}},"#
                + #""x":{"image":"a","mode":644,"on":"yes"}}"#)
        #expect(throws: (any Error).self) { try YAMLText.parse(Array("a: [".utf8)).get() }
    }

    @Test("Synchronous modes are Patroni's settings, and each takes back what another set")
    func synchronous() throws {
        let forms = [
            "true": #"{"synchronous_mode":true,"synchronous_mode_strict":false}"#,
            "false": #"{"synchronous_mode":false,"synchronous_mode_strict":false}"#,
            "{ mode: on }": #"{"synchronous_mode":true,"synchronous_mode_strict":false}"#,
            "{ mode: strict, nodeCount: 2 }":
                #"{"synchronous_mode":true,"synchronous_mode_strict":true,"#
                + #""synchronous_node_count":2}"#,
            "{ mode: quorum }": #"{"synchronous_mode":"quorum","synchronous_mode_strict":false}"#,
        ]
        let manifest = try Files.text("manifests/lab-three.yaml")
        for (form, expected) in forms {
            let text = manifest.replacing("    ttl: 20\n", with: "")
                .replacing("    loop_wait: 5\n", with: "")
                .replacing("    retry_timeout: 5\n", with: "")
                .replacing(
                    "    postgresql:\n      parameters: { max_connections: 100 }\n", with: ""
                )
                .replacing("  configuration:\n", with: "  synchronous: \(form)\n")
            let decoded = ManifestDecoder.decode(Array(text.utf8), file: "m")
            #expect(decoded.problems.map(\.description) == [])
            #expect(
                decoded.clusters.first?.postgres.configuration.canonicalText == expected, "\(form)")
        }
    }

    @Test("Spilo's public passwords and empty values are refused by name, never by value")
    func publicPasswords() throws {
        let bytes = try Files.read("manifests/gardenos-dev.yaml")
        let desired = try #require(ManifestDecoder.decode(bytes, file: "m").clusters.first)
        var values = desired.secrets.mapValues { _ in Secret("fine") }
        #expect(RuntimeChecks.problems(of: Secrets(values), for: desired) == [])
        values["superuser"] = Secret("zalando")
        values["replication"] = Secret("")
        values["admin"] = nil
        values["jwt"] = Secret("cola")
        values["anon-key"] = Secret("a\u{1b}b")
        values["service-role-key"] = Secret("-----BEGIN\r\n\tx\n")
        let problems = RuntimeChecks.problems(of: Secrets(values), for: desired)
        #expect(
            problems == [
                "the secret admin has no value; expected one from its source",
                "the secret anon-key has the control character U+1B; expected text, which may have"
                    + " several lines",
                "the secret replication is empty; expected a value from its source",
                "the secret superuser is a public default of Spilo; expected a password of your own"
                    + " for the superuser user",
            ])
    }

    @Test("a password that Spilo would write into its YAML as something else is refused")
    func passwordsForSpilo() throws {
        let bytes = try Files.read("manifests/gardenos-dev.yaml")
        let desired = try #require(ManifestDecoder.decode(bytes, file: "m").clusters.first)
        var values = desired.secrets.mapValues { _ in Secret("it's fine") }
        for name: SecretName in ["superuser", "replication", "admin"] {
            values[name] = Secret(#"$a"b\c`d #{{e}}"#)
        }
        #expect(RuntimeChecks.problems(of: Secrets(values), for: desired) == [])
        values["superuser"] = Secret("x', evil: 'y")
        values["replication"] = Secret("a\nb")
        values["admin"] = Secret("motörhead")
        #expect(
            RuntimeChecks.problems(of: Secrets(values), for: desired) == [
                "the secret admin has a character beyond ASCII, with which Patroni fails to start a"
                    + " cluster; expected a password without one for the admin user",
                "the secret replication has a line break or another control character; expected"
                    + " a password on one line",
                "the secret superuser has a single quote, which Spilo writes into its"
                    + " configuration as it is and cannot read back; expected a password without"
                    + " one for the superuser user",
            ])
    }

    @Test("A health path is asked with what the service's image has")
    func healthPaths() {
        let tests = SupabaseKind.allCases.map {
            Probe(kind: $0, port: 1, hasToken: true).test("/x")?.joined(separator: " ") ?? "-"
        }
        #expect(
            tests == [
                "CMD node -e fetch('http://127.0.0.1:1/x').then((r) => { if (!r.ok) throw new"
                    + " Error(r.status) })",
                "CMD wget -q -O /dev/null http://127.0.0.1:1/x", "-",
                // The key is no argument: it would be in the server's process list.
                "CMD-SHELL printf 'Authorization: Bearer %s' \"$ANON_KEY\" | curl -sSf"
                    + " -o /dev/null -H @- 'http://127.0.0.1:1/x'",
                "CMD wget -q -O /dev/null http://127.0.0.1:1/x",
                "CMD node -e fetch('http://127.0.0.1:1/x').then((r) => { if (!r.ok) throw new"
                    + " Error(r.status) })",
                "-",
            ])
    }
}
