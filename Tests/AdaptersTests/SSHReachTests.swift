import Adapters
import Cluster
import Effects
import Glibc
import RemoteCommands
import TestSSHServer
import TestProcesses
import Testing

@Suite(.enabled(if: SSHServer.isHere, Comment(rawValue: SSHServer.isMissing)), .ownThreads)
struct SSHReachTests {
    private let server: SSHServer

    init() throws { server = try SSHServer() }

    private func ask(_ list: [Node], user: SSHUser? = nil) async throws -> String {
        let nodes = SSHNodes(list, as: user ?? server.user())
        do {
            let result = try await nodes.ask(
                Query(Script("echo in", limit: .seconds(30))), on: "one")
            await nodes.shutdown()
            return String(decoding: result.output, as: UTF8.self)
        } catch {
            await nodes.shutdown()
            throw error
        }
    }

    @Test("a refused connection names the server and what to check")
    func refused() async throws {
        let port = try freePort()
        await #expect(
            throws: ShellFailure.unreachable(
                "one (root@127.0.0.1 port \(port)): cannot connect: Connection refused. Check that "
                    + "the server is up, that sshd listens there and that no firewall is in the way"
            )
        ) { try await ask([server.node { $0.port = port }]) }
    }

    @Test("a server that accepts and then says nothing does not hang us")
    func silent() async throws {
        let listener = try TCPListener()
        await #expect(
            throws: ShellFailure.unreachable(
                "one (root@127.0.0.1 port \(listener.port)): the port is open, but no SSH greeting "
                    + "or key came within 1 s. Check the port, and sshd on the server (overload, "
                    + "MaxStartups)")
        ) {
            try await ask([
                server.node {
                    $0.port = listener.port
                    $0.connectTimeout = .seconds(1)
                }
            ])
        }
    }

    @Test("a server that went away holds up no later look for as long as a first login may take")
    func goneAway() async throws {
        let nodes = SSHNodes(
            [server.node { $0.connectTimeout = .seconds(3600) }], as: server.user())
        let look = Query(Script("echo in", limit: .seconds(30)))
        _ = try await nodes.ask(look, on: "one")
        // The kernel goes on accepting for it; the session at hand ends.
        kill(server.id, SIGSTOP)
        defer { kill(server.id, SIGCONT) }
        _ = try? await nodes.ask(Query(Script("kill -9 $PPID", limit: .seconds(30))), on: "one")
        do throws(ShellFailure) {
            _ = try await nodes.ask(look, on: "one")
            Issue.record("a stopped server answered")
        } catch {
            guard case .unreachable(let text) = error else { throw error }
            #expect(
                text.hasPrefix(
                    "one (root@127.0.0.1 port \(server.port)): the port is open, but no SSH greeting "
                        + "or key came within "))
        }
        await nodes.shutdown()
    }

    @Test("a name that does not resolve is told from a server that is down")
    func unresolved() async throws {
        var node = server.node()
        node.address = "nowhere.invalid"
        await #expect(
            throws: ShellFailure.unreachable(
                "one (root@nowhere.invalid port \(server.port)): the name nowhere.invalid cannot be "
                    + "resolved: Name or service not known. Check the node's address in the "
                    + "manifest, or the name service here")
        ) { try await ask([node]) }
    }

    @Test("an IPv6 address is reached as well")
    func version6() async throws {
        var node = server.node()
        node.address = "::1"
        try server.place.append(
            "known_hosts", "[::1]:\(server.port) \(server.place.text("host_ed25519.pub"))")
        #expect(try await ask([node]) == "in\n")
    }

    @Test("a jump host, and one behind another, carry the connection")
    func jump() async throws {
        let inner = try SSHServer()
        let middle = try SSHServer()
        // The jump hosts' keys and settings come from the configuration.
        try server.place.write(
            "config",
            """
            Host first
              HostName 127.0.0.1
              Port \(server.port)
              IdentityFile \(server.place.path)/id_ed25519
              UserKnownHostsFile \(server.place.path)/known_hosts
            Host second
              HostName 127.0.0.1
              Port \(middle.port)
              IdentityFile \(middle.place.path)/id_ed25519
              UserKnownHostsFile \(middle.place.path)/known_hosts
            """)
        for jump in ["first", "root@first,second"] {
            let node = inner.node { $0.jump = jump }
            #expect(try await ask([node]) == "in\n")
        }
    }

    @Test("a node that its jump host cannot reach is not taken for a dead jump host")
    func jumpToNowhere() async throws {
        let port = try freePort()
        let node = server.node {
            $0.jump = "127.0.0.1:\(server.port)"
            $0.port = port
        }
        try server.place.write(
            "config",
            "UserKnownHostsFile \(server.place.path)/known_hosts\n"
                + "IdentityFile \(server.place.path)/id_ed25519\nUser root\n")
        await #expect(
            throws: ShellFailure.unreachable(
                "one (root@127.0.0.1 port \(port)): the jump host cannot reach it, or it closed the "
                    + "connection before the key exchange. Check that sshd runs on that port and "
                    + "does not refuse the jump host (firewall)")
        ) { try await ask([node]) }
    }

    @Test("a jump host whose key is unknown is refused too")
    func jumpUnknown() async throws {
        let inner = try SSHServer()
        try server.place.write(
            "config",
            "Host first\n HostName 127.0.0.1\n Port \(server.port)\n User root\n"
                + " UserKnownHostsFile \(server.place.path)/none\n")
        let fingerprint = try server.place.fingerprint("host_ed25519.pub")
        await #expect(
            throws: ShellFailure.unreachable(
                "jump host first (root@127.0.0.1 port \(server.port)): its host key is not known, "
                    + "so nothing was sent to it. Presented: ssh-ed25519 \(fingerprint). Expected: a "
                    + "key for [127.0.0.1]:\(server.port) in \(server.place.path)/none, "
                    + "/etc/ssh/ssh_known_hosts, /etc/ssh/ssh_known_hosts2. Compare with "
                    + "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the server's console, "
                    + "then add it: `ssh-keyscan -p \(server.port) 127.0.0.1 >> "
                    + "\(server.place.path)/none`")
        ) { try await ask([inner.node { $0.jump = "first" }]) }
    }

    @Test("a server that drops logins when many start at once is asked again")
    func maxStartups() async throws {
        let busy = try SSHServer(["MaxStartups 1:100:1"])
        var list: [Node] = []
        for index in 0..<4 { list.append(busy.node(NodeName("n\(index)"))) }
        let nodes = SSHNodes(list, as: busy.user())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in list {
                group.addTask {
                    let result = try await nodes.ask(
                        Query(Script("echo in", limit: .seconds(30))), on: node.name)
                    #expect(result.output == Array("in\n".utf8))
                }
            }
            try await group.waitForAll()
        }
        await nodes.shutdown()
    }

    @Test("a server that allows fewer channels than usual makes commands wait, not fail")
    func maxSessions() async throws {
        let narrow = try SSHServer(["MaxSessions 2"])
        let nodes = SSHNodes([narrow.node()], as: narrow.user())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<10 {
                group.addTask {
                    let result = try await nodes.ask(
                        Query(Script("sleep 0.05; echo \(index)", limit: .seconds(30))), on: "one")
                    #expect(result.output == Array("\(index)\n".utf8))
                }
            }
            try await group.waitForAll()
        }
        await nodes.shutdown()
    }

    @Test("a user that needs sudo without a password is root, and one that may not is told so")
    func sudo() async throws {
        let allowed = try SSHServer(["PermitUserEnvironment yes"])
        let node = allowed.node { $0.sudo = true }
        let nodes = SSHNodes([node], as: allowed.user())
        let result = try? await nodes.ask(
            Query(Script("id -un; cat", input: .plain("kept"), limit: .seconds(30))), on: "one")
        await nodes.shutdown()
        // root may always become root; where sudo is not installed the refusal says so.
        if let result { #expect(String(decoding: result.output, as: UTF8.self) == "root\nkept") }
    }
}
