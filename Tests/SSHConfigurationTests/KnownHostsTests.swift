import Foundation
import SSHConfiguration
import Testing

/// Keys that `ssh-keygen` made, with what it says of them.
private struct Keys {
    struct Key {
        /// `keytype base64`, as in known_hosts.
        var line: String
        var key: HostKey
        var file: String
    }
    var ed25519: Key
    var ecdsa: Key
    var rsa: Key
    /// In no file.
    var stranger: Key

    init(in folder: TemporaryFolder) throws {
        func make(_ type: String, _ name: String) throws -> Key {
            let file = "\(folder.path)/\(name)"
            _ = try OpenSSH.run(
                "ssh-keygen",
                ["-q", "-t", type, "-N", "", "-C", "comment", "-f", file]
                    + (type == "rsa" ? ["-b", "1024"] : []))
            let words = try String(contentsOfFile: file + ".pub", encoding: .utf8)
                .split(separator: " ")
            let blob = try #require(Base64.decode(words[1].utf8))
            let key = try #require(HostKey(blob: blob))
            #expect(Base64.encode(blob) == words[1])
            #expect(key.type == words[0])
            return Key(line: words[..<2].joined(separator: " "), key: key, file: file)
        }
        ed25519 = try make("ed25519", "ed25519")
        ecdsa = try make("ecdsa", "ecdsa")
        rsa = try make("rsa", "rsa")
        stranger = try make("ed25519", "stranger")
    }
}

@Suite("known_hosts")
struct KnownHostsTests {
    private let folder: TemporaryFolder
    private let keys: Keys

    init() throws {
        folder = try TemporaryFolder()
        keys = try Keys(in: folder)
    }

    private func known(_ text: String) -> KnownHosts {
        KnownHosts([KnownHosts.File(name: "kh", bytes: Array(text.utf8))])
    }

    private func expected(_ key: Keys.Key, _ line: Int) -> KnownHosts.KnownKey {
        KnownHosts.KnownKey(
            type: key.key.type, fingerprint: key.key.fingerprint, place: "kh:\(line)")
    }

    @Test("fingerprints are those of ssh-keygen -l")
    func fingerprints() throws {
        for key in [keys.ed25519, keys.ecdsa, keys.rsa, keys.stranger] {
            let answer = try OpenSSH.run("ssh-keygen", ["-l", "-f", key.file])
            #expect(answer.output.split(separator: " ")[1] == key.key.fingerprint)
        }
    }

    @Test("the lines of a host are those that ssh-keygen -F finds, plain and hashed")
    func linesFound() throws {
        let garbage = String(repeating: "x", count: 100_000)
        let file = try folder.write(
            "kh",
            """
            # comment
            web1 \(keys.ed25519.line) a comment
            garbage
            web1 ssh-ed25519 not-base64!
            web1 ssh-rsa \(keys.ed25519.line.split(separator: " ")[1])
            [web1]:2222,10.0.0.1 \(keys.ecdsa.line)
            \t  web2,web1\t\(keys.rsa.line)\t\(garbage)
            *.example.org,!bad.example.org,WEB? \(keys.ecdsa.line)
            @cert-authority *.example.org \(keys.rsa.line)
            @unknown web1 \(keys.rsa.line)
            @revoked web1 \(keys.rsa.line)
            # \(garbage)
            """ + "\nlast \(keys.rsa.line)")
        let names = [
            "web1", "Web1", "web2", "web3", "10.0.0.1", "a.example.org", "bad.example.org", "last",
            "nothing",
        ]
        func compare(hashed: Bool) throws {
            let known = known(try String(contentsOfFile: file, encoding: .utf8))
            // For hashed lines ssh-keygen does not fold case; ssh does.
            for name in names where !hashed || name == name.lowercased() {
                for port in [22, 2222] as [UInt16] {
                    let looked = port == 22 ? name : "[\(name)]:\(port)"
                    let answer = try OpenSSH.run("ssh-keygen", ["-l", "-F", looked, "-f", file])
                    let theirs = answer.lines
                        .filter { $0.hasPrefix("# Host") }
                        .filter { !$0.hasSuffix("REVOKED") && !$0.hasSuffix("CA") }
                        .compactMap { $0.split(separator: " ").last.map { "kh:\($0)" } }
                    let verdict = known.verdict(on: keys.stranger.key, host: name, port: port)
                    if case .changed(let expected) = verdict {
                        #expect(expected.map(\.place) == theirs, "\(looked), hashed: \(hashed)")
                    } else {
                        #expect(verdict == .unknown)
                        #expect(theirs == [], "\(looked), hashed: \(hashed)")
                    }
                }
            }
        }
        try compare(hashed: false)
        let hash = try OpenSSH.run("ssh-keygen", ["-H", "-f", file])
        // It refuses the file for its bad lines: those go, the rest stays where it was.
        if hash.status != 0 {
            let cleaned = try String(contentsOfFile: file, encoding: .utf8)
                .split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
                .map { [3, 4, 5, 10].contains($0 + 1) ? "#" : String($1) }
            try folder.write("kh", cleaned.joined(separator: "\n"))
            let again = try OpenSSH.run("ssh-keygen", ["-H", "-f", file])
            try #require(again.status == 0, "\(again.errors)")
        }
        #expect(try String(contentsOfFile: file, encoding: .utf8).contains("|1|"))
        try compare(hashed: true)
    }

    @Test("one bad line spoils nothing but itself")
    func badLines() {
        let known = known(
            """
            |1|broken|hash \(keys.ed25519.line)
            |1|||\(keys.ed25519.line)
            @revoked
            web1
            web1 ssh-ed25519
            web1 ssh-ed25519 AAAA
            \u{0}\u{1}\u{2}
            web1 \(keys.ed25519.line)
            """)
        #expect(known.verdict(on: keys.ed25519.key, host: "web1", port: 22) == .trusted)
        #expect(
            known.verdict(on: keys.stranger.key, host: "web1", port: 22)
                == .changed(expected: [expected(keys.ed25519, 8)]))
    }

    @Test("a key that changed names every key expected, with its line")
    func changed() {
        let known = known("web1 \(keys.ed25519.line)\n[web1]:22 x\nweb1 \(keys.rsa.line)\n")
        #expect(
            known.verdict(on: keys.ecdsa.key, host: "WEB1", port: 22)
                == .changed(expected: [expected(keys.ed25519, 1), expected(keys.rsa, 3)]))
    }

    @Test("a revoked key is refused though another line trusts it, also without its port")
    func revoked() {
        let known = known("web1 \(keys.ed25519.line)\n@revoked web* \(keys.ed25519.line)\n")
        let verdict = KnownHosts.Verdict.revoked(place: "kh:2")
        #expect(known.verdict(on: keys.ed25519.key, host: "web1", port: 22) == verdict)
        #expect(known.verdict(on: keys.ed25519.key, host: "web1", port: 2222) == verdict)
        #expect(known.verdict(on: keys.rsa.key, host: "web2", port: 22) == .unknown)
    }

    @Test("a certificate authority vouches for no plain key")
    func authority() {
        let known = known("@cert-authority * \(keys.ed25519.line)\n")
        #expect(known.verdict(on: keys.ed25519.key, host: "web1", port: 22) == .unknown)
        #expect(known.keyTypes(host: "web1", port: 22) == [])
    }

    @Test("an alias stands for host and port")
    func alias() {
        let known = known("cluster \(keys.ed25519.line)\nweb1 \(keys.rsa.line)\n")
        #expect(
            known.verdict(on: keys.ed25519.key, host: "web1", port: 2222, alias: "Cluster")
                == .trusted)
        #expect(
            known.verdict(on: keys.rsa.key, host: "web1", port: 22, alias: "cluster")
                == .changed(expected: [expected(keys.ed25519, 1)]))
        #expect(known.keyTypes(host: "web1", port: 22, alias: "cluster") == ["ssh-ed25519"])
    }

    @Test("key types come in the files' order, and from the bare name when the port has none")
    func keyTypes() {
        let known = known(
            """
            web1 \(keys.rsa.line)
            web1 \(keys.ed25519.line)
            @revoked web1 \(keys.ecdsa.line)
            web1,x \(keys.stranger.line)
            [web1]:2222 \(keys.ecdsa.line)
            """)
        #expect(known.keyTypes(host: "web1", port: 22) == ["ssh-rsa", "ssh-ed25519"])
        #expect(known.keyTypes(host: "web1", port: 2222) == ["ecdsa-sha2-nistp256"])
        #expect(known.keyTypes(host: "web1", port: 23) == ["ssh-rsa", "ssh-ed25519"])
        #expect(known.keyTypes(host: "other", port: 22) == [])
    }

    @Test("what goes into known_hosts is written with the port where there is one")
    func entryName() {
        #expect(KnownHosts.entryName(host: "Web1", port: 22) == "web1")
        #expect(KnownHosts.entryName(host: "web1", port: 2222) == "[web1]:2222")
        #expect(KnownHosts.entryName(host: "web1", port: 2222, alias: "A") == "a")
    }

    /// A server that serves one connection on its standard input needs no port.
    @Test(
        "ssh itself trusts, refuses and tells apart the same hosts and keys",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/sbin/sshd")))
    func realClient() throws {
        let configuration = try folder.write(
            "sshd_config",
            "HostKey \(keys.ed25519.file)\nHostKey \(keys.ecdsa.file)\nUsePAM no\nPidFile none\n")
        try? FileManager.default.createDirectory(
            atPath: "/run/sshd", withIntermediateDirectories: true)
        let files = [
            "", "web1 \(keys.ed25519.line)", "web1 \(keys.stranger.line)",
            "web1 \(keys.ecdsa.line)", "[web1]:2222 \(keys.ed25519.line)",
            "[web1]:2222 \(keys.stranger.line)\nweb1 \(keys.ed25519.line)",
            "web1 \(keys.ed25519.line)\n@revoked * \(keys.ed25519.line)",
            "@cert-authority * \(keys.ed25519.line)", "*,!web1 \(keys.ed25519.line)",
            "web1 ssh-rsa bad\nweb1 \(keys.ed25519.line)", "[web?]:* \(keys.ed25519.line)",
        ]
        for text in files {
            let file = try folder.write("kh", text + "\n")
            let known = known(text)
            for port in [22, 2222] as [UInt16] {
                for key in [keys.ed25519, keys.ecdsa] {
                    let answer = try OpenSSH.run(
                        "ssh",
                        [
                            "-F", "none", "-p", "\(port)", "-o", "BatchMode=yes", "-o",
                            "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=none", "-o",
                            "UserKnownHostsFile=\(file)", "-o", "IdentityFile=none", "-o",
                            "IdentityAgent=none", "-o", "HostKeyAlgorithms=\(key.key.type)", "-o",
                            "ProxyCommand=/usr/sbin/sshd -i -f \(configuration)", "web1", "true",
                        ])
                    let verdict = known.verdict(on: key.key, host: "web1", port: port)
                    #expect(
                        name(verdict) == name(of: answer.errors),
                        "\(key.key.type) on port \(port) with\n\(text)\n\(answer.errors)")
                }
            }
        }
    }

    private func name(_ verdict: KnownHosts.Verdict) -> String {
        switch verdict {
        case .trusted: "trusted"
        case .unknown: "unknown"
        case .changed: "changed"
        case .revoked: "revoked"
        }
    }

    private func name(of errors: String) -> String {
        if errors.contains("REVOKED HOST KEY") { return "revoked" }
        if errors.contains("HAS CHANGED") { return "changed" }
        if errors.contains("host key is known for") { return "unknown" }
        return errors.contains("Permission denied") ? "trusted" : errors
    }
}
