import Foundation
import SSHConfiguration
import TestProcesses
import Testing

/// Configurations that real users have, and odd ones. FOLDER stands for a folder with the files
/// of `included`.
private let configurations = [
    "",
    "Host *\n",
    """
    # a comment
    Host web1 web2
      HostName 10.0.0.7
      User deploy
      Port 2222
    Host web*
      User other
      Port 2200
      IdentityFile ~/.ssh/web
      IdentityFile ~/.ssh/web2
    Host *
      User fallback
      IdentityFile /keys/last
      IdentitiesOnly yes
    """,
    """
    Host !web2 web*
      User negated
    Host * !web1
      Port 2001
    """,
    """
    hOsT=web1
      HOSTNAME = %h.example.org
      "User" "with space"
      Port=2222
    """,
    """
    Host web1
    \tUser\ttabbed
      IdentityFile "/a b/c"
      IdentityFile '/single quoted'
      IdentityFile /escaped\\ space
      UserKnownHostsFile "/k 1" /k2 ~/k3
      GlobalKnownHostsFile none
    Host web2
      UserKnownHostsFile none
      UserKnownHostsFile /ignored
    Host *
      User second # comment
      StrictHostKeyChecking accept-new
      ConnectTimeout 5
    """,
    """
    Host web1
      ProxyJump me@bastion:2200,[fd00::1]:23,third
    Host web2
      ProxyJump none
    Host db.example.org
      ProxyCommand nc -X connect %h %p
    Host *
      ProxyJump default
    """,
    """
    Host web1
      ProxyCommand none
    Host web2
      ProxyJump ssh://joe@jump:99
    Host *
      ProxyCommand ssh gate -W %h:%p
    """,
    """
    Match host web1
      User matched
    Match originalhost web*,!web2 user matched
      Port 2022
    Match !host web1,web2
      Port 99
    Match all
      Port 1022
      HostKeyAlias MixedCase
    """,
    """
    Host web1
      HostName DB.example.org
    Match host *.EXAMPLE.org
      User byname
    Match originalhost web1
      IdentityFile ~/orig
    Match localuser nobody-at-all
      IdentityFile ~/never
    Match user root,byname
      IdentityFile ~/user
    """,
    """
    Match final host *.example.org
      User final
    Host web1
      HostName db.example.org
    Host db.example.org
      IdentityFile ~/final-host
    Host *
      IdentityFile ~/every
    """,
    """
    Include FOLDER/*.conf
    Host web1
      Port 2345
    """,
    """
    Host web2
      Include FOLDER/a.conf
      Port 2300
    Host *
      Port 2301
      Include FOLDER/missing*.conf "FOLDER/b.conf"
      User after
    """,
    """
    User global
    Host web1
      AddressFamily inet6
      ConnectTimeout 1m30s
      StrictHostKeyChecking off
      IdentityAgent ~/agent-%r-%h
    Host web2
      AddressFamily INET
      ConnectTimeout none
      StrictHostKeyChecking YES
      IdentityAgent none
      IdentityFile none
    Host ???.example.org
      IdentityAgent $NOT_SET_ANYWHERE
      HostKeyAlias alias
    """,
    "Host web1\r\n  User crlf\r\n  Port 23\r\n\r\n  HostName h\u{c}\r\n",
    """
    Host web1
      IdentityFile ~/dup
      IdentityFile ~/dup
    Host web*
      IdentityFile ~/dup
      IdentityFile ~/other
      UserKnownHostsFile %d/known-%n-%k-%p-%r-%u-%i-%L-%l-%C %%
      HostName %h%%x
    """,
]

private let included = [
    "a.conf": "User included-a\nHost web1\n  User web1-a\n  IdentityFile ~/a\n",
    "b.conf": "Match originalhost web2\n  HostKeyAlias b\nHost *\n  IdentityFile ~/b\n",
]

private let destinations = [
    Destination(host: "web1"), Destination(host: "WEB1"), Destination(host: "web2"),
    Destination(host: "db.example.org"), Destination(host: "10.0.0.7"),
    Destination(host: "web1", user: "given", port: 4022, identityFiles: ["~/given"]),
    Destination(host: "web2", proxyJump: "a,b@c:7"), Destination(host: "web1", proxyJump: "none"),
    Destination(host: "web1", userKnownHostsFiles: ["/only/this"]),
]

@Suite("OpenSSH's own answer", .ownThreads)
struct ComparisonTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for (name, text) in included { try folder.write(name, text) }
    }

    /// `ssh`'s arguments for a destination.
    private func arguments(_ destination: Destination) -> [String] {
        var arguments: [String] = []
        if let user = destination.user { arguments += ["-l", user] }
        if let port = destination.port { arguments += ["-p", "\(port)"] }
        // Not -i: that drops files that do not exist before anything else.
        for file in destination.identityFiles { arguments += ["-o", "IdentityFile=\(file)"] }
        if let file = destination.userKnownHostsFiles.first {
            arguments += ["-o", "UserKnownHostsFile=\(file)"]
        }
        if let jump = destination.proxyJump { arguments += ["-o", "ProxyJump=\(jump)"] }
        return arguments + [destination.host]
    }

    private func ours(_ text: String) -> OpenSSHConfiguration {
        let path = folder.path
        return OpenSSHConfiguration(
            files: [ConfigurationFile(name: "config", text: text, scope: .user)],
            local: OpenSSH.local
        ) { pattern in
            let name = pattern.dropFirst(path.count + 1)
            return included.keys.sorted()
                .filter { name == "*.conf" || $0 == name }
                .map { ConfigurationFile(name: $0, text: included[$0] ?? "", scope: .user) }
        }
    }

    /// The same lines that `ssh -G` prints, for the keywords we read. Identities apart: it prints
    /// those unexpanded.
    private func printed(_ settings: HostSettings) -> [String] {
        var lines = [
            "hostname \(settings.hostName)", "user \(settings.user)", "port \(settings.port)",
            "identitiesonly \(settings.identitiesOnly ? "yes" : "no")",
            "stricthostkeychecking \(settings.strictHostKeyChecking.rawValue)",
            "addressfamily \(settings.addressFamily.rawValue)",
            "userknownhostsfile \(joined(settings.userKnownHostsFiles))",
            "globalknownhostsfile \(joined(settings.globalKnownHostsFiles))",
        ]
        if let limit = settings.connectTimeout {
            lines.append("connecttimeout \(limit.components.seconds)")
        } else {
            lines.append("connecttimeout none")
        }
        if let alias = settings.hostKeyAlias { lines.append("hostkeyalias \(alias)") }
        if let command = settings.proxyCommand { lines.append("proxycommand \(command)") }
        if !settings.proxyJump.isEmpty {
            let hops = settings.proxyJump.map(\.description).joined(separator: ",")
            lines.append("proxyjump \(hops)")
        }
        return lines.sorted()
    }

    private func joined(_ files: [String]) -> String {
        files.isEmpty ? "none" : files.joined(separator: " ")
    }

    @Test("every configuration and destination gives what ssh -G gives")
    func settings() throws {
        let keywords: Set<String> = [
            "hostname", "user", "port", "identitiesonly", "stricthostkeychecking",
            "addressfamily", "userknownhostsfile", "globalknownhostsfile", "connecttimeout",
            "hostkeyalias", "proxycommand", "proxyjump",
        ]
        for template in configurations {
            let text = template.replacing("FOLDER", with: folder.path)
            let file = try folder.write("config", text)
            for destination in destinations {
                let answer = try OpenSSH.run("ssh", ["-G", "-F", file] + arguments(destination))
                try #require(answer.status == 0, "\(answer.errors)")
                let theirs = answer.lines
                    .filter { keywords.contains(String($0.prefix { $0 != " " })) }
                    .map { $0 == "proxyjump ssh://joe@jump:99" ? "proxyjump joe@jump:99" : $0 }
                    .sorted()
                let settings = try ours(text).settings(for: destination)
                #expect(printed(settings) == theirs, "\(arguments(destination)) with\n\(text)")
            }
        }
    }

    /// `ssh` names them when it loads them; a proxy command that ends at once lets it get there
    /// without a connection.
    @Test("identity files and the agent are expanded as ssh expands them")
    func identities() throws {
        let tokens = """
            Host web1
              HostName %h.example.org
              User u%%ser
              Port 77
              IdentityFile ~/.ssh/%h-%n-%p-%r-%u-%d-%i-%k-%L-%l-%C-%%
              IdentityFile ${HOME}/x
              HostKeyAlias Alias
            Host web2
              IdentityFile none
            """
        for template in configurations + [tokens] {
            let text = template.replacing("FOLDER", with: folder.path)
            let file = try folder.write("config", text)
            for destination in destinations where destination.proxyJump == nil {
                let answer = try OpenSSH.run(
                    "ssh",
                    ["-v", "-F", file, "-o", "BatchMode=yes", "-o", "ProxyCommand=false"]
                        + arguments(destination))
                let theirs = answer.errors.split(whereSeparator: \.isNewline)
                    .filter { $0.hasPrefix("debug1: identity file ") && !$0.contains("-cert type") }
                    .map { $0.dropFirst("debug1: identity file ".count) }
                    .map { String($0[..<($0.range(of: " type ")?.lowerBound ?? $0.endIndex)]) }
                    .filter { !$0.hasSuffix("-cert") }
                let settings = try ours(text).settings(for: destination)
                #expect(
                    settings.identityFiles == theirs, "\(arguments(destination)) with\n\(text)")
            }
        }
    }

    @Test(
        "what ssh refuses is refused, with its line",
        arguments: [
            ("Port 0", "config:1: Port must be 1 to 65535, found \"0\""),
            ("Port x", "config:1: Port must be 1 to 65535, found \"x\""),
            ("Port 22 23", "config:1: port takes one value, found 2"),
            ("User \"open", "config:1: a quote is not closed"),
            ("User", "config:1: user needs a value"),
            (
                "\nIdentitiesOnly maybe",
                "config:2: IdentitiesOnly must be yes or no, found \"maybe\""
            ),
            ("ConnectTimeout 5x", "config:1: ConnectTimeout must be a time, found \"5x\""),
            (
                "ProxyJump a:b",
                "config:1: ProxyJump \"a:b\" is not a list of [user@]host[:port]"
            ),
            (
                "StrictHostKeyChecking never",
                "config:1: StrictHostKeyChecking must be yes, no, ask or accept-new, found \"never\""
            ),
            ("Match host", "config:1: Match host needs a value"),
            ("Match weather fine", "config:1: Match does not know \"weather\""),
            ("Match all user x", "config:1: \"all\" stands alone in Match"),
            ("HostName %x", "config:1: HostName \"%x\": %x is not known here"),
            ("UserKnownHostsFile ~/%x", "config:1: \"~/%x\": %x is not known here"),
            (
                "UserKnownHostsFile ${NOT_SET_ANYWHERE}",
                "config:1: \"${NOT_SET_ANYWHERE}\": the environment variable NOT_SET_ANYWHERE is not set"
            ),
        ])
    func refusals(text: String, message: String) throws {
        let file = try folder.write("config", text + "\n")
        #expect(try OpenSSH.run("ssh", ["-G", "-F", file, "web1"]).status != 0)
        let failure = #expect(throws: ConfigurationFailure.self) {
            try ours(text).settings(for: Destination(host: "web1"))
        }
        #expect(failure?.description == message)
    }
}
