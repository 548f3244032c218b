/// The user's OpenSSH configuration: asks it what `ssh` would do for a host.
///
/// Follows ssh_config(5) of OpenSSH 9.2. `Match exec` is never run, host names are never
/// canonicalised; both are remarked on. Reads no file: the texts are passed in.
package struct OpenSSHConfiguration: Sendable {
    private let files: [ConfigurationFile]
    private let local: LocalFacts
    private let include: @Sendable (String) -> [ConfigurationFile]

    /// - Parameters:
    ///   - files: in OpenSSH's order: `~/.ssh/config`, then `/etc/ssh/ssh_config`; those that exist.
    ///   - include: the files of a glob pattern with an absolute path, sorted by name; none where
    ///     nothing matches. Their `scope` is not used: it is that of the including file.
    package init(
        files: [ConfigurationFile], local: LocalFacts,
        include: @escaping @Sendable (String) -> [ConfigurationFile] = { _ in [] }
    ) {
        self.files = files
        self.local = local
        self.include = include
    }

    /// What `ssh -G` would say.
    ///
    /// - Throws: every line that OpenSSH would refuse, among the keywords we read.
    package func settings(for destination: Destination) throws(ConfigurationFailure) -> HostSettings
    {
        var pass = ConfigurationPass(
            destination: destination, local: local, include: include)
        pass.read(files)
        if pass.wantsFinalPass { pass.readAgain(files) }
        return try pass.finish()
    }

    /// Every connection to make, the first jump host in front, the destination last. Each jump host
    /// has its own settings; as in OpenSSH, only the first may have jumps of its own in the files.
    package func route(to destination: Destination) throws(ConfigurationFailure) -> [HostSettings] {
        var route: [HostSettings] = []
        var next: Destination? = destination
        while let hop = next {
            guard route.count < Self.longestRoute else {
                throw ConfigurationFailure(problems: [
                    ConfigurationRemark(
                        place: "ProxyJump",
                        text: "\(destination.host) is behind more than \(Self.longestRoute - 1) "
                            + "jump hosts, or they jump in a circle: "
                            + route.prefix(4).map(\.originalHost).joined(separator: " via ") + " …")
                ])
            }
            let settings = try self.settings(for: hop)
            route.insert(settings, at: 0)
            next = settings.proxyJump.last.map { last in
                let before = settings.proxyJump.dropLast().map(\.description)
                return Destination(
                    host: last.host, user: last.user, port: last.port,
                    proxyJump: before.isEmpty ? nil : before.joined(separator: ","))
            }
        }
        return route
    }

    private static let longestRoute = 9
}
