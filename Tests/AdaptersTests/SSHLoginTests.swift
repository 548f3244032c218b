import Adapters
import Cluster
import Effects
import Foundation
import LibSSH2
import RemoteCommands
import TestSSHServer
import TestProcesses
import Testing

@Suite(.enabled(if: SSHServer.isHere, Comment(rawValue: SSHServer.isMissing)), .ownThreads)
struct SSHLoginTests {
    private let server: SSHServer
    private let path: String

    init() throws {
        server = try SSHServer()
        path = server.place.path
    }

    private func ask(
        _ node: Node, _ environment: [String: String] = [:]
    ) async throws -> String {
        let nodes = SSHNodes([node], as: server.user(environment))
        do {
            let result = try await nodes.ask(
                Query(Script("echo in", limit: .seconds(30))), on: "one")
            await nodes.shutdown()
            // Not its errors: the login shell's start-up files of this machine write there too.
            return String(decoding: result.output, as: UTF8.self)
        } catch {
            await nodes.shutdown()
            throw error
        }
    }

    private func title(_ node: NodeName = "one") -> String {
        "\(node) (root@127.0.0.1 port \(server.port))"
    }

    private func addKey(_ name: String, _ kind: String, passphrase: String = "") throws {
        try server.place.makeKey(name, kind, passphrase: passphrase)
        try server.place.append("authorized_keys", server.place.text("\(name).pub"))
    }

    private let unread =
        "Name a private key that can be read in the manifest: ssh: { identity: ~/.ssh/… }, or put it "
        + "in the agent (ssh-add)"
    private let advice =
        "Put a public key of yours in ~root/.ssh/authorized_keys there, or name the right one in the "
        + "manifest: "
        + "ssh: { identity: ~/.ssh/… }"

    @Test("keys of every kind that libssh2 signs with log in without their .pub")
    func kinds() async throws {
        try addKey("id_ecdsa", "ecdsa")
        for name in ["id_ed25519", "id_ecdsa"] {
            try FileManager.default.removeItem(atPath: "\(path)/\(name).pub")
            let node = server.node { $0.identities = ["\(path)/\(name)"] }
            #expect(try await ask(node) == "in\n")
        }
    }

    @Test("an encrypted key is opened with the passphrase of the environment")
    func encrypted() async throws {
        try addKey("locked", "ed25519", passphrase: "open sesame")
        let node = server.node { $0.identities = ["\(path)/locked"] }
        #expect(try await ask(node, ["MATRIARCH_SSH_PASSPHRASE": "open sesame"]) == "in\n")
        await #expect(
            throws: ShellFailure.unreachable(
                "\(title()): the login failed: \(path)/locked needs its passphrase: put it in the "
                    + "agent (ssh-add \(path)/locked) or set MATRIARCH_SSH_PASSPHRASE; the server "
                    + "accepts publickey. \(unread)")
        ) { try await ask(node) }
        await #expect(
            throws: ShellFailure.unreachable(
                "\(title()): the login failed: \(path)/locked cannot be read: wrong passphrase, or a "
                    + "format that libssh2 \(SSHConnection.libraryVersion) does not know; the server "
                    + "accepts publickey. \(advice)")
        ) { try await ask(node, ["MATRIARCH_SSH_PASSPHRASE": "wrong"]) }
    }

    @Test("a refused key and a missing one are both named")
    func refused() async throws {
        try server.place.makeKey("stranger", "ed25519")
        let node = server.node { $0.identities = ["\(path)/nothing", "\(path)/stranger"] }
        await #expect(
            throws: ShellFailure.unreachable(
                "\(title()): the login failed: \(path)/nothing: no such file; \(path)/stranger was "
                    + "refused by the server; the server accepts publickey. \(advice)")
        ) { try await ask(node) }
    }

    @Test("an RSA key that this libssh2 cannot use says so and what to do")
    func rsaFile() async throws {
        try addKey("id_rsa", "rsa")
        let node = server.node { $0.identities = ["\(path)/id_rsa"] }
        let version = SSHConnection.libraryVersion
        guard version.hasPrefix("1.10.") else {
            #expect(try await ask(node) == "in\n")
            return
        }
        await #expect(
            throws: ShellFailure.unreachable(
                "\(title()): the login failed: \(path)/id_rsa is an RSA key, and libssh2 \(version) "
                    + "signs with those by SHA-1 only, which current servers refuse; put it in the "
                    + "agent (ssh-add \(path)/id_rsa) or use an ed25519 key (ssh-keygen -t ed25519); "
                    + "the server accepts publickey. \(advice)")
        ) { try await ask(node) }
    }

    @Test("what the manifest leaves out comes from the user's OpenSSH configuration")
    func configuration() async throws {
        try server.place.write(
            "config",
            """
            Host alias
              HostName 127.0.0.1
              Port \(server.port)
              User root
              IdentityFile \(path)/id_ed25519
              UserKnownHostsFile \(path)/known_hosts
            """)
        #expect(try await ask(Node(name: "one", address: "alias")) == "in\n")
    }

    @Test("keys of the agent log in, those of an encrypted or RSA file too")
    func agent() async throws {
        try addKey("locked", "ed25519", passphrase: "x")
        try addKey("id_rsa", "rsa")
        let socket = "\(path)/agent"
        let agent = try Running(
            ["/usr/bin/ssh-agent", "-D", "-a", socket], output: "\(path)/agent.log")
        defer { agent.stop() }
        while !FileManager.default.fileExists(atPath: socket) { usleep(1000) }
        // ssh-add reads a passphrase from a terminal or a program only, so an open copy goes in.
        try FileManager.default.copyItem(atPath: "\(path)/locked", toPath: "\(path)/opened")
        try run(["/usr/bin/ssh-keygen", "-q", "-p", "-P", "x", "-N", "", "-f", "\(path)/opened"])
        let environment = ["SSH_AUTH_SOCK": socket]
        for name in ["opened", "id_rsa"] {
            try run(["/usr/bin/ssh-add", "-q", "\(path)/\(name)"], environment: environment)
            let named = server.node {
                $0.identities = [name == "opened" ? "\(path)/locked" : "\(path)/id_rsa"]
            }
            #expect(try await ask(named, environment) == "in\n")
            let any = server.node { $0.identities = [] }
            #expect(try await ask(any, environment) == "in\n")
            try run(["/usr/bin/ssh-add", "-q", "-D"], environment: environment)
        }
    }

    @Test("without any key the message says where it looked")
    func nothing() async throws {
        let node = server.node { $0.identities = [] }
        await #expect(
            throws: ShellFailure.unreachable(
                "\(title()): the login failed: no key was found (none of \(path)/.ssh/id_rsa, "
                    + "\(path)/.ssh/id_ecdsa, \(path)/.ssh/id_ecdsa_sk, \(path)/.ssh/id_ed25519, "
                    + "\(path)/.ssh/id_ed25519_sk, \(path)/.ssh/id_xmss, \(path)/.ssh/id_dsa "
                    + "exists, and there is no agent); the server accepts publickey. \(unread)")
        ) { try await ask(node) }
    }
}
