import Adapters
import Cluster
import Effects
import RemoteCommands
import TestSSHServer
import TestProcesses
import Testing

@Suite(.enabled(if: SSHServer.isHere, Comment(rawValue: SSHServer.isMissing)), .ownThreads)
struct SSHHostKeyTests {
    private func ask(_ server: SSHServer, _ node: Node) async throws -> CommandResult {
        let nodes = SSHNodes([node], as: server.user())
        do {
            let result = try await nodes.ask(
                Query(Script("echo in", limit: .seconds(30))), on: "one")
            await nodes.shutdown()
            return result
        } catch {
            await nodes.shutdown()
            throw error
        }
    }

    @Test("an unknown host key is refused, with the fingerprint and how to trust it")
    func unknown() async throws {
        let server = try SSHServer()
        try server.place.write("known_hosts", "")
        let fingerprint = try server.place.fingerprint("host_ed25519.pub")
        let port = server.port
        let file = "\(server.place.path)/known_hosts"
        await #expect(
            throws: ShellFailure.unreachable(
                "one (root@127.0.0.1 port \(port)): its host key is not known, so nothing was sent to "
                    + "it. Presented: ssh-ed25519 \(fingerprint). Expected: a key for "
                    + "[127.0.0.1]:\(port) in \(file), /etc/ssh/ssh_known_hosts, "
                    + "/etc/ssh/ssh_known_hosts2. Compare with "
                    + "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the server's console, "
                    + "then declare it for node one in the manifest: "
                    + "ssh: { fingerprint: \"\(fingerprint)\" }, or add it: "
                    + "`ssh-keyscan -p \(port) 127.0.0.1 >> \(file)`")
        ) { try await ask(server, server.node()) }
    }

    @Test("a changed host key is refused, with both fingerprints and the place of the old one")
    func changed() async throws {
        let server = try SSHServer()
        try server.place.makeKey("other", "ed25519")
        let port = server.port
        let file = "\(server.place.path)/known_hosts"
        try server.place.write(
            "known_hosts", "# ours\n[127.0.0.1]:\(port) \(server.place.text("other.pub"))")
        let shown = try server.place.fingerprint("host_ed25519.pub")
        let old = try server.place.fingerprint("other.pub")
        await #expect(
            throws: ShellFailure.unreachable(
                "one (root@127.0.0.1 port \(port)): its host key has changed, so nothing was sent to "
                    + "it. Presented: ssh-ed25519 \(shown). Expected: ssh-ed25519 \(old) "
                    + "(\(file):2). Someone may be listening in, or the server was installed anew: "
                    + "compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the "
                    + "server's console, and only if it fits remove the old key with "
                    + "`ssh-keygen -R '[127.0.0.1]:\(port)' -f \(file)` and add the new one")
        ) { try await ask(server, server.node()) }
    }

    @Test("a host key marked @revoked is refused although it is listed too")
    func revoked() async throws {
        let server = try SSHServer()
        try server.place.append(
            "known_hosts", "@revoked * \(server.place.text("host_ed25519.pub"))")
        let shown = try server.place.fingerprint("host_ed25519.pub")
        await #expect(
            throws: ShellFailure.unreachable(
                "one (root@127.0.0.1 port \(server.port)): its host key ssh-ed25519 \(shown) is "
                    + "marked @revoked at \(server.place.path)/known_hosts:2, so nothing was sent to "
                    + "it. Give the server a new host key")
        ) { try await ask(server, server.node()) }
    }

    @Test("a declared fingerprint needs no known_hosts, whichever of the server's keys it is of")
    func declared() async throws {
        let server = try SSHServer(hostKeys: ["ecdsa", "ed25519"])
        for kind in ["ed25519", "ecdsa"] {
            let fingerprint = try server.place.fingerprint("host_\(kind).pub")
            let node = server.node {
                $0.fingerprint = fingerprint
                $0.knownHosts = "/nowhere"
            }
            #expect(try await ask(server, node).output == Array("in\n".utf8))
        }
    }

    @Test("a key other than the declared one is refused, even when known_hosts has it")
    func declaredOther() async throws {
        let server = try SSHServer(hostKeys: ["ed25519", "ecdsa"])
        try server.place.makeKey("other", "ed25519")
        let expected = try server.place.fingerprint("other.pub")
        let first = try server.place.fingerprint("host_ed25519.pub")
        let second = try server.place.fingerprint("host_ecdsa.pub")
        await #expect(
            throws: ShellFailure.unreachable(
                "one (root@127.0.0.1 port \(server.port)): its host key is not the one declared, so "
                    + "nothing was sent to it. Presented: ssh-ed25519 \(first), "
                    + "ecdsa-sha2-nistp256 \(second). Expected: \(expected) (the manifest's "
                    + "ssh.fingerprint). Compare with "
                    + "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the server's console, "
                    + "and correct the manifest only if the server is right")
        ) { try await ask(server, server.node { $0.fingerprint = expected }) }
    }

    @Test("one stored key of several is asked for, so that another type raises no false alarm")
    func storedTypeIsPreferred() async throws {
        let server = try SSHServer(hostKeys: ["ed25519", "ecdsa"])
        for kind in ["ed25519", "ecdsa"] {
            try server.place.write(
                "known_hosts",
                "[127.0.0.1]:\(server.port) \(server.place.text("host_\(kind).pub"))")
            #expect(try await ask(server, server.node()).output == Array("in\n".utf8))
        }
    }

    @Test("a hashed name in known_hosts is found")
    func hashed() async throws {
        let server = try SSHServer()
        try run(["/usr/bin/ssh-keygen", "-q", "-H", "-f", "\(server.place.path)/known_hosts"])
        #expect(server.place.text("known_hosts").hasPrefix("|1|"))
        #expect(try await ask(server, server.node()).output == Array("in\n".utf8))
    }
}
