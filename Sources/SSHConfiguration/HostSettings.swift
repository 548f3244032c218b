/// Which connection is asked for: the command line of `ssh`, whose options win over every file.
package struct Destination: Hashable, Sendable {
    /// As the user wrote it: `Host` patterns see this text.
    package var host: String
    package var user: String?
    package var port: UInt16?
    /// As `-o IdentityFile=…`: before what the files say, and instead of the default identities.
    package var identityFiles: [String]
    /// As `-o UserKnownHostsFile=…`; empty leaves it to the files.
    package var userKnownHostsFiles: [String]
    /// As `-J`: `[user@]host[:port]`, several joined by commas, or `none`.
    package var proxyJump: String?
    package init(
        host: String, user: String? = nil, port: UInt16? = nil, identityFiles: [String] = [],
        userKnownHostsFiles: [String] = [], proxyJump: String? = nil
    ) {
        self.host = host
        self.user = user
        self.port = port
        self.identityFiles = identityFiles
        self.userKnownHostsFiles = userKnownHostsFiles
        self.proxyJump = proxyJump
    }
}

/// What OpenSSH's client would do for a destination, as far as we follow it. Paths are absolute
/// or relative to the working directory, with `~`, `%` tokens and `${…}` expanded.
package struct HostSettings: Hashable, Sendable {
    /// As asked for.
    package var originalHost: String
    /// Where to connect: a name or an address, in lower case.
    package var hostName: String
    package var user: String
    package var port: UInt16
    /// Private keys to try, in this order. Files that do not exist are skipped.
    package var identityFiles: [String]
    /// Nothing named an identity: these are OpenSSH's defaults, whose absence is normal.
    package var identitiesAreDefaults: Bool
    /// Offer no key of the agent besides those of `identityFiles`.
    package var identitiesOnly: Bool
    /// The agent's socket; `nil` when there is none or it is not to be used.
    package var identityAgent: String?
    /// The hops before this host, the one that we reach first in front; empty without a jump.
    package var proxyJump: [JumpHop]
    /// Set only when it wins over `proxyJump`. We do not run it: refuse with a clear message.
    package var proxyCommand: String?
    package var userKnownHostsFiles: [String]
    package var globalKnownHostsFiles: [String]
    /// The name to look up in known_hosts instead of host and port.
    package var hostKeyAlias: String?
    package var strictHostKeyChecking: HostKeyChecking
    /// `nil` leaves it to the system's TCP timeout.
    package var connectTimeout: Duration?
    package var addressFamily: AddressFamily
    /// What OpenSSH would have heeded and we do not, one sentence each.
    package var notes: [ConfigurationRemark]
}

/// `StrictHostKeyChecking`. We verify always: it matters only to explain a refusal.
package enum HostKeyChecking: String, Hashable, Sendable {
    case yes = "true"
    case no = "false"
    case ask
    case acceptNew = "accept-new"
}

/// `AddressFamily`.
package enum AddressFamily: String, Hashable, Sendable {
    case any, inet, inet6
}

/// A sentence about a line of a configuration file.
package struct ConfigurationRemark: Hashable, Sendable, CustomStringConvertible {
    /// `file:line`, or the option that was given instead of a file.
    package var place: String
    package var text: String
    /// It takes trust away, so that going on without it would be less safe than OpenSSH is.
    package var forbidsKeys: Bool
    package init(place: String, text: String, forbidsKeys: Bool = false) {
        self.place = place
        self.text = text
        self.forbidsKeys = forbidsKeys
    }
    package var description: String { "\(place): \(text)" }
}

/// OpenSSH would refuse to run with this configuration too. Every problem found, never none.
package struct ConfigurationFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package var problems: [ConfigurationRemark]
    package init(problems: [ConfigurationRemark]) { self.problems = problems }
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// One configuration file.
package struct ConfigurationFile: Hashable, Sendable {
    /// Decides where relative paths of `Include` begin: `~/.ssh` or `/etc/ssh`.
    package enum Scope: Hashable, Sendable { case user, system }
    /// For messages: its path.
    package var name: String
    package var text: String
    package var scope: Scope
    package init(name: String, text: String, scope: Scope) {
        self.name = name
        self.text = text
        self.scope = scope
    }
}

/// What the expansions need to know of this machine and its user.
package struct LocalFacts: Hashable, Sendable {
    package var userName: String
    package var userID: UInt32
    /// The home directory of the user database, which OpenSSH prefers to `$HOME`.
    package var home: String
    /// As `gethostname` says.
    package var hostName: String
    package var environment: [String: String]
    package init(
        userName: String, userID: UInt32, home: String, hostName: String,
        environment: [String: String]
    ) {
        self.userName = userName
        self.userID = userID
        self.home = home
        self.hostName = hostName
        self.environment = environment
    }
}
