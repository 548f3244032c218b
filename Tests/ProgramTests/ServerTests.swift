import Adapters
import Cluster
import Effects
import Foundation
import RemoteCommands
import TestSSHServer
import TestProcesses
import TestWebServer
import Testing

/// The program before a real sshd: what stands in the way of looking is said with the next thing to
/// do, and nothing is changed by it.
@Suite(.enabled(if: SSHServer.isHere, Comment(rawValue: SSHServer.isMissing)), .ownThreads)
struct ServerTests {
    let server: SSHServer
    let folder: Folder
    var directory: String { "\(server.place.path)/shop" }
    private let secrets = [
        "SUPERUSER": "a-long-one", "REPLICATION": "another-one", "ADMIN": "the-third-one",
    ]

    init() throws {
        folder = try Folder()
        let tools = folder.url.appending(path: "bin")
        try FileManager.default.createDirectory(at: tools, withIntermediateDirectories: true)
        try writeProgram(
            "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n",
            to: tools.appending(path: "docker"))
        server = try SSHServer([
            "SetEnv PATH=\(tools.path):/usr/bin:/bin DOCKER_HOST=unix:///nonexistent"
        ])
    }

    /// - Parameter ssh: more of the server's `ssh` block.
    func manifest(
        identity: String = "id_ed25519", port: UInt16? = nil, ssh: String = ""
    ) throws -> String {
        try folder.write(
            """
            apiVersion: matriarch/v1
            kind: Cluster
            name: shop
            project: { name: shop, directory: \(directory) }
            nodes:
              n-1:
                address: 127.0.0.1
                ssh:
                  user: root
                  port: \(port ?? server.port)
                  identity: \(server.place.path)/\(identity)
                  knownHosts: \(server.place.path)/known_hosts
                  \(ssh)
            secrets:
              superuser: { env: SUPERUSER }
              replication: { env: REPLICATION }
              admin: { env: ADMIN }
            etcd: { image: "quay.io/coreos/etcd:v3.5.16", members: { etcd: { node: n-1 } } }
            postgres: { image: "ghcr.io/zalando/spilo-17:4.0-p3", database: crm, replicas: 1 }

            """, to: "shop.yaml")
    }

    /// Plan and apply both: the note on the server, whole.
    private func expectUnseen(
        _ manifest: String, _ reason: String, _ environment: [String: String] = [:],
        location: SourceLocation = #_sourceLocation
    ) throws {
        let environment = secrets.merging(environment) { $1 }
        let plan = try Program.run("plan", manifest, environment: environment)
        #expect(plan.status == 1, sourceLocation: location)
        #expect(
            plan.errors == "matriarch: shop: not everything could be looked at: n-1\n",
            sourceLocation: location)
        let start = "  ? n-1 could not be looked at, and nothing is planned for it: "
        let notes = plan.output.split(separator: "\n").filter { $0.hasPrefix("  ?") }
        #expect(notes == [Substring(start + reason)], sourceLocation: location)
        let apply = try Program.run("apply", manifest, "--yes", environment: environment)
        #expect(apply.status == 3, sourceLocation: location)
        #expect(!FileManager.default.fileExists(atPath: directory), sourceLocation: location)
    }

    private var title: String { "n-1 (root@127.0.0.1 port \(server.port))" }
    private let methods = "the server accepts publickey"
    private let another =
        "Put a public key of yours in ~root/.ssh/authorized_keys there, or name the right one in "
        + "the manifest: ssh: { identity: ~/.ssh/… }"
    private let readable =
        "Name a private key that can be read in the manifest: ssh: { identity: ~/.ssh/… }, or put "
        + "it in the agent (ssh-add)"

    @Test("an identity that cannot be read: not there, a folder, no key at all")
    func identities() throws {
        try expectUnseen(
            manifest(identity: "nothing"),
            "\(title): the login failed: \(server.place.path)/nothing: no such file; \(methods). "
                + readable)
        try expectUnseen(
            manifest(identity: "."),
            "\(title): the login failed: \(server.place.path)/.: a directory; \(methods). "
                + readable)
        try server.place.write("garbage", "this is no key\n")
        try expectUnseen(
            manifest(identity: "garbage"),
            "\(title): the login failed: \(server.place.path)/garbage holds no private key; "
                + "\(methods). \(readable)")
    }

    @Test("an encrypted identity without its passphrase, and with a wrong one")
    func passphrases() throws {
        try server.place.makeKey("locked", "ed25519", passphrase: "right")
        try server.place.append("authorized_keys", server.place.text("locked.pub"))
        let path = "\(server.place.path)/locked"
        let locked = try manifest(identity: "locked")
        try expectUnseen(
            locked,
            "\(title): the login failed: \(path) needs its passphrase: put it in the agent "
                + "(ssh-add \(path)) or set MATRIARCH_SSH_PASSPHRASE; \(methods). \(readable)")
        let wrong = try Program.run(
            "plan", locked, environment: secrets.merging(["MATRIARCH_SSH_PASSPHRASE": "no"]) { $1 }
        )
        #expect(wrong.output.contains("\(path) cannot be read: wrong passphrase"))
        #expect(!wrong.output.contains("passphrase: no"))
        try expectUnseen(
            locked, dockerIsDown, ["MATRIARCH_SSH_PASSPHRASE": "right"])
    }

    private let dockerIsDown =
        "n-1: docker does not answer: Cannot connect to the Docker daemon"

    @Test("a docker whose daemon is down is said in docker's words")
    func dockerDown() throws { try expectUnseen(manifest(), dockerIsDown) }

    /// A plan of a cluster in motion asks for what nobody needs a moment later.
    @Test("plan says on the error stream what apply would wait for")
    func motion() throws {
        let patroni = try TestWebServer()
        let path = try manifest()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let pinned =
            "replicas: 1, members: { postgres-1: { node: n-1, ports: { postgres: 5432, "
            + "patroni: \(patroni.port) } } } }"
        try text.replacing("replicas: 1 }", with: pinned)
            .write(toFile: path, atomically: true, encoding: .utf8)
        let plan = try Program.run("plan", path, environment: secrets)
        #expect(
            plan.errors.split(separator: "\n") == [
                "shop: postgres-1 has no leader to stream from; apply would wait for that first",
                "matriarch: shop: not everything could be looked at: n-1",
            ])
        #expect(!plan.output.contains("apply would wait"))
    }

    @Test("a key that the server refuses")
    func refusedKey() throws {
        try server.place.makeKey("stranger", "ed25519")
        try expectUnseen(
            manifest(identity: "stranger"),
            "\(title): the login failed: \(server.place.path)/stranger was refused by the server; "
                + "\(methods). \(another)")
    }

    @Test("a server that accepts a connection and never speaks holds nothing up for ever")
    func silence() throws {
        let listener = try TCPListener()
        let silent = try manifest(port: listener.port, ssh: "connectTimeout: 1s")
        let outcome = try Program.run("plan", silent, environment: secrets)
        #expect(outcome.status == 1)
        #expect(outcome.errors == "matriarch: shop: not everything could be looked at: n-1\n")
    }

    @Test("unlock and history: a server that cannot be asked is named, and ends with 1")
    func unasked() throws {
        let path = try manifest(port: try freePort())
        let unlock = try Program.run("unlock", path)
        #expect(unlock.output.hasPrefix("n-1 could not be asked: n-1 (root@127.0.0.1 port "))
        #expect(unlock.errors == "matriarch: could not be asked: n-1\n")
        #expect(unlock.status == 1)
        let history = try Program.run("history", path)
        #expect(history.errors == "matriarch: shop: could not be asked: n-1\n")
        #expect(history.status == 1)
    }

    @Test("history: none, then what the server's file says, as text and as JSON")
    func history() throws {
        let path = try manifest()
        #expect(try Program.run("history", path).output == "shop: 0 applies\n")
        #expect(!FileManager.default.fileExists(atPath: directory))
        let record = { (apply: String, rest: String) in
            #"{"format_version":"1.0","apply":"\#(apply)","cluster":"shop","plan":"1f9a","#
                + #""step_count":1,"who":"ada@laptop","started_at":"2026-11-24T18:21:33Z","#
                + #""manifest_sha256":"ab12","version":"0.1.0"\#(rest)}"#
        }
        try FileManager.default.createDirectory(
            atPath: "\(directory)/state", withIntermediateDirectories: true)
        let lines = [
            record("a-1", ""),
            record(
                "a-1",
                #","ended_at":"2026-11-24T18:21:35Z","outcome":"completed","seconds":2,"steps":[]"#),
            "torn", record("a-2", ""),
        ]
        try Data((lines.joined(separator: "\n") + "\n").utf8)
            .write(to: URL(filePath: "\(directory)/state/history.jsonl"))
        let text = try Program.run("history", path)
        #expect(text.status == 0)
        #expect(text.output.contains("2026-11-24T18:21:33Z  completed, 1 step in 2.0s\n"))
        #expect(text.output.contains("did not end (killed, or cut off), 1 step\n"))
        #expect(
            text.output.hasSuffix("1 line on n-1 could not be read, and were passed over\n"))
        let json = try Program.run("history", path, "--limit", "1", "-o", "json")
        #expect(json.status == 0)
        let value = try #require(
            try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        let clusters = try #require(value["clusters"] as? [[String: Any]])
        let applies = try #require(clusters.first?["applies"] as? [[String: Any]])
        #expect(applies.compactMap { $0["apply"] as? String } == ["a-2"])
        #expect(applies.compactMap { $0["outcome"] as? String } == ["did_not_end"])
    }
}
