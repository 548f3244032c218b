extension ConfigurationPass {
    /// OpenSSH's defaults, in its order.
    private static let defaultIdentities = [
        "id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa",
    ].map { "~/.ssh/\($0)" }
    private static let defaultUserKnownHosts = ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]
    private static let defaultGlobalKnownHosts = [
        "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2",
    ]

    /// Fills in defaults and expands.
    mutating func finish() throws(ConfigurationFailure) -> HostSettings {
        let hostName = finalHostName().lowercased()
        let user = options.user ?? local.userName
        let port = options.port ?? 22
        let alias = options.hostKeyAlias?.lowercased()
        let expansion = Expansion(
            originalHost: destination.host, hostName: hostName, port: port, user: user,
            keyAlias: alias, local: local)

        let isDefault = options.identityFiles.isEmpty
        let identities =
            isDefault
            ? Self.defaultIdentities.map { Placed(value: $0, place: "default") }
            : options.identityFiles.filter { $0.value.lowercased() != "none" }
        let identityFiles = identities.compactMap { expand($0, by: expansion) }
        let agent = agentSocket(expansion)
        let known =
            options.userKnownHosts ?? Placed(value: Self.defaultUserKnownHosts, place: "default")
        let knownHosts = known.value.compactMap {
            expand(Placed(value: $0, place: known.place), by: expansion)
        }
        guard problems.isEmpty else { throw ConfigurationFailure(problems: problems) }

        var settings = HostSettings(
            originalHost: destination.host, hostName: hostName, user: user, port: port,
            identityFiles: identityFiles, identitiesAreDefaults: isDefault,
            identitiesOnly: options.identitiesOnly ?? false, identityAgent: agent, proxyJump: [],
            proxyCommand: nil, userKnownHostsFiles: knownHosts,
            globalKnownHostsFiles: options.globalKnownHosts ?? Self.defaultGlobalKnownHosts,
            hostKeyAlias: alias,
            strictHostKeyChecking: options.strictHostKeyChecking ?? .ask,
            connectTimeout: options.connectTimeout ?? nil,
            addressFamily: options.addressFamily ?? .any, notes: notes)
        switch options.proxy?.value {
        case .jump(let hops): settings.proxyJump = hops
        case .command(let command): settings.proxyCommand = command
        case .some(.none), nil: break
        }
        return settings
    }

    private mutating func finalHostName() -> String {
        if isFinal { return targetHost }
        guard let written = options.hostName else { return destination.host }
        let names = Expansion(tokens: ["h": destination.host], local: local)
        do throws(Expansion.Failure) {
            return try names.substitute(written.value, variables: false)
        } catch {
            problem("HostName \"\(written.value)\": \(error.reason)", at: written.place)
            return written.value
        }
    }

    /// Where the agent listens: as written, or `$SSH_AUTH_SOCK`.
    private mutating func agentSocket(_ expansion: Expansion) -> String? {
        guard let written = options.identityAgent, written.value != "SSH_AUTH_SOCK" else {
            return local.environment["SSH_AUTH_SOCK"].flatMap { $0.isEmpty ? nil : $0 }
        }
        if written.value == "none" { return nil }
        if written.value.hasPrefix("$"), !written.value.hasPrefix("${") {
            return local.environment[String(written.value.dropFirst())]
        }
        return expand(written, by: expansion)
    }

    private mutating func expand(_ written: Placed<String>, by expansion: Expansion) -> String? {
        do throws(Expansion.Failure) {
            return try expansion.path(written.value)
        } catch {
            problem("\"\(written.value)\": \(error.reason)", at: written.place)
            return nil
        }
    }
}
