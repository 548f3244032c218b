/// The `postgres` block: what all members share, how many they are, and those that are pinned.
package struct Postgres: Hashable, Sendable {
    package var image: ImageReference
    package var database: String
    /// Besides the leader.
    package var replicas: Int
    /// Pinned members, in the manifest's order.
    package var members: [PinnedMember]
    /// Names the secrets of Spilo's three users: keys `superuser`, `replication`, `admin`.
    package var superuserSecret: SecretName
    package var replicationSecret: SecretName
    package var adminSecret: SecretName
    /// Name prefix of members that are not pinned: `postgres` makes `postgres-4`.
    package var memberPrefix: String
    package var environment: [String: Template]
    package var resources: Resources
    package var volumes: [VolumeMount]
    /// Where the ports of members that are not pinned start.
    package var firstPorts: MemberPorts
    /// Patroni's dynamic configuration: only these keys are compared and patched. `null` deletes.
    package var configuration: JSONValue
    /// Merged into SPILO_CONFIGURATION: local settings, which need the container recreated.
    package var spiloConfiguration: JSONValue
    /// Patroni's tags for every member.
    package var tags: [String: JSONValue]
    /// Delete the volume of a member that is removed (a data-loss hazard).
    package var deleteVolumes: Bool
    package init(
        image: ImageReference, database: String, replicas: Int, members: [PinnedMember] = [],
        superuserSecret: SecretName = "superuser", replicationSecret: SecretName = "replication",
        adminSecret: SecretName = "admin", memberPrefix: String = "postgres",
        environment: [String: Template] = [:], resources: Resources = Resources(),
        volumes: [VolumeMount] = [],
        firstPorts: MemberPorts = MemberPorts(postgres: 5433, patroni: 8008),
        configuration: JSONValue = .object([:]), spiloConfiguration: JSONValue = .object([:]),
        tags: [String: JSONValue] = [:], deleteVolumes: Bool = false
    ) {
        self.image = image
        self.database = database
        self.replicas = replicas
        self.members = members
        self.superuserSecret = superuserSecret
        self.replicationSecret = replicationSecret
        self.adminSecret = adminSecret
        self.memberPrefix = memberPrefix
        self.environment = environment
        self.resources = resources
        self.volumes = volumes
        self.firstPorts = firstPorts
        self.configuration = configuration
        self.spiloConfiguration = spiloConfiguration
        self.tags = tags
        self.deleteVolumes = deleteVolumes
    }
    /// Leader and replicas.
    package var memberCount: Int { replicas + 1 }
}

/// The two ports at which a member is reached on its node.
package struct MemberPorts: Hashable, Sendable, Codable {
    package var postgres: UInt16
    package var patroni: UInt16
    package init(postgres: UInt16, patroni: UInt16) {
        self.postgres = postgres
        self.patroni = patroni
    }
}

/// A member that the manifest pins to a node, with what it says otherwise than the rest.
package struct PinnedMember: Hashable, Sendable {
    package var name: MemberName
    package var node: NodeName
    package var ports: MemberPorts?
    package var image: ImageReference?
    package var environment: [String: Template]
    package var resources: Resources?
    package var tags: [String: JSONValue]
    package init(
        name: MemberName, node: NodeName, ports: MemberPorts? = nil, image: ImageReference? = nil,
        environment: [String: Template] = [:], resources: Resources? = nil,
        tags: [String: JSONValue] = [:]
    ) {
        self.name = name
        self.node = node
        self.ports = ports
        self.image = image
        self.environment = environment
        self.resources = resources
        self.tags = tags
    }
}
