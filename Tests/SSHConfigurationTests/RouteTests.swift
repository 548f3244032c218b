import SSHConfiguration
import Testing

private let local = LocalFacts(
    userName: "joe", userID: 1000, home: "/home/joe", hostName: "desk.example.org",
    environment: ["SSH_AUTH_SOCK": "/run/agent", "OTHER": "/run/other"])

@Suite("Routes and what is said about them")
struct RouteTests {
    private func configuration(
        _ text: String, scope: ConfigurationFile.Scope = .user,
        include: @escaping @Sendable (String) -> [ConfigurationFile] = { _ in [] }
    ) -> OpenSSHConfiguration {
        OpenSSHConfiguration(
            files: [ConfigurationFile(name: "config", text: text, scope: scope)], local: local,
            include: include)
    }

    @Test("each hop has its own settings, and only the first follows its own jumps")
    func route() throws {
        let configuration = configuration(
            """
            Host db
              HostName 10.0.0.5
              ProxyJump inner,ops@outer:2200
            Host inner
              User inside
              ProxyJump gate
            Host outer
              ProxyJump ignored
            Host gate
              HostName gate.example.org
            """)
        let route = try configuration.route(to: Destination(host: "db"))
        #expect(
            route.map { "\($0.user)@\($0.hostName):\($0.port)" } == [
                "joe@gate.example.org:22", "inside@inner:22", "ops@outer:2200", "joe@10.0.0.5:22",
            ])
    }

    @Test("hosts that jump in a circle are refused instead of being followed for ever")
    func circle() {
        let configuration = configuration("Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
        let failure = #expect(throws: ConfigurationFailure.self) {
            try configuration.route(to: Destination(host: "a"))
        }
        #expect(
            failure?.description
                == "ProxyJump: a is behind more than 8 jump hosts, or they jump in a circle: "
                + "a via b via a via b …")
    }

    @Test(
        "the agent's socket",
        arguments: [
            ("", "/run/agent"), ("IdentityAgent none", nil), ("IdentityAgent $OTHER", "/run/other"),
            ("IdentityAgent $NOT_SET", nil), ("IdentityAgent SSH_AUTH_SOCK", "/run/agent"),
            ("IdentityAgent ${OTHER}.%u", "/run/other.joe"),
            ("IdentityAgent ~/agent", "/home/joe/agent"),
        ] as [(String, String?)])
    func agent(text: String, socket: String?) throws {
        #expect(
            try configuration(text).settings(for: Destination(host: "h")).identityAgent == socket)
    }

    @Test("what we do not follow is said once, and only where it applies")
    func notes() throws {
        let configuration = configuration(
            """
            Match exec "test -f /x"
              User never
            Host h
              CanonicalizeHostname yes
              RevokedHostKeys /etc/ssh/revoked
            Host other
              BindAddress 10.0.0.1
            """)
        let settings = try configuration.settings(for: Destination(host: "h"))
        #expect(settings.user == "joe")
        #expect(
            settings.notes.map(\.description) == [
                "config:1: Match exec is not run; its block counts as not matching",
                "config:4: canonicalizehostname is not followed",
                "config:5: revokedhostkeys is not followed",
            ])
    }

    @Test("only the first RevokedHostKeys counts, so that none for one host lifts a general one")
    func revokedHostKeys() throws {
        let configuration = configuration(
            """
            Host trusted
              RevokedHostKeys none
            Host *
              RevokedHostKeys /etc/ssh/revoked
            """)
        func forbids(_ host: String) throws -> Bool {
            try configuration.settings(for: Destination(host: host)).notes
                .contains(where: \.forbidsKeys)
        }
        #expect(try !forbids("trusted"))
        #expect(try forbids("other"))
    }

    @Test("relative includes begin at ~/.ssh or /etc/ssh, inactive ones are not opened")
    func includePaths() throws {
        let include: @Sendable (String) -> [ConfigurationFile] = { path in
            [ConfigurationFile(name: path, text: "User \(path)", scope: .user)]
        }
        func user(_ text: String, _ scope: ConfigurationFile.Scope) throws -> String {
            try configuration(text, scope: scope, include: include)
                .settings(for: Destination(host: "h")).user
        }
        #expect(try user("Include conf.d/*", .user) == "/home/joe/.ssh/conf.d/*")
        #expect(try user("Include ~/x", .user) == "/home/joe/x")
        #expect(try user("Include conf.d/*", .system) == "/etc/ssh/conf.d/*")
        #expect(try user("Include /abs", .system) == "/abs")
        #expect(try user("Host other\nInclude /abs", .user) == "joe")
    }

    @Test("files that include each other end with a message")
    func includeCircle() {
        let configuration = configuration("Include again") { _ in
            [ConfigurationFile(name: "again", text: "Include again", scope: .user)]
        }
        let failure = #expect(throws: ConfigurationFailure.self) {
            try configuration.settings(for: Destination(host: "h"))
        }
        #expect(failure?.description == "again:1: more than 16 files include each other")
    }

    @Test("the user's file wins over the system's, and identities of both count")
    func twoFiles() throws {
        let configuration = OpenSSHConfiguration(
            files: [
                ConfigurationFile(
                    name: "user", text: "Port 1\nIdentityFile ~/a\nHost x\n", scope: .user),
                ConfigurationFile(
                    name: "system", text: "Port 2\nUser sys\nIdentityFile /b\n", scope: .system),
            ], local: local)
        let settings = try configuration.settings(for: Destination(host: "h"))
        #expect(settings.port == 1)
        #expect(settings.user == "sys")
        #expect(settings.identityFiles == ["/home/joe/a", "/b"])
        #expect(!settings.identitiesAreDefaults)
    }

    @Test("every problem of a file is reported at once")
    func allProblems() {
        let failure = #expect(throws: ConfigurationFailure.self) {
            try configuration("Port x\nIdentitiesOnly x\nIdentityFile ~eve/key\n")
                .settings(for: Destination(host: "h"))
        }
        #expect(
            failure?.description == """
                config:1: Port must be 1 to 65535, found "x"
                config:2: IdentitiesOnly must be yes or no, found "x"
                config:3: "~eve/key": the home directory of user eve is not looked up; write it out
                """)
    }
}
