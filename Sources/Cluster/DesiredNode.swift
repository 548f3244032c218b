/// A server of the manifest.
package struct Node: Hashable, Sendable {
    package var name: NodeName
    /// Where SSH connects: a host name or an IP address.
    package var address: String
    /// Where the other nodes reach it; `address` when not declared.
    package var privateAddress: String?
    package var ssh: SSHSettings
    package init(
        name: NodeName, address: String, privateAddress: String? = nil,
        ssh: SSHSettings = SSHSettings()
    ) {
        self.name = name
        self.address = address
        self.privateAddress = privateAddress
        self.ssh = ssh
    }
    /// What members advertise to each other when there is more than one node.
    package var advertisedAddress: String { privateAddress ?? address }
}

/// What `ssh` of a node declares. `nil` comes from the user's OpenSSH configuration.
package struct SSHSettings: Hashable, Sendable {
    package var user: String?
    package var port: UInt16?
    /// Private key files, tried in this order, before the agent's keys.
    package var identities: [String]
    package var knownHosts: String?
    /// `SHA256:…`: the only host key accepted when declared.
    package var fingerprint: String?
    /// `[user@]host[:port]`, several joined by commas, as ProxyJump.
    package var jump: String?
    /// Run commands through `sudo -n`.
    package var sudo: Bool
    package var connectTimeout: Duration
    package init(
        user: String? = nil, port: UInt16? = nil, identities: [String] = [],
        knownHosts: String? = nil, fingerprint: String? = nil, jump: String? = nil,
        sudo: Bool = false, connectTimeout: Duration = .seconds(10)
    ) {
        self.user = user
        self.port = port
        self.identities = identities
        self.knownHosts = knownHosts
        self.fingerprint = fingerprint
        self.jump = jump
        self.sudo = sudo
        self.connectTimeout = connectTimeout
    }
}
