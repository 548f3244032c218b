/// What the manifest declares, decoded and checked. No secret values, no placement yet.
package struct Desired: Hashable, Sendable {
    package var name: ClusterName
    package var project: Project
    /// In the manifest's order, which breaks ties of placement.
    package var nodes: [Node]
    package var secrets: [SecretName: SecretSource]
    package var etcd: Etcd
    package var postgres: Postgres
    package var haproxy: HAProxy?
    /// Supabase and other services, in the manifest's order.
    package var services: [Service]
    package var rollout: Rollout

    package init(
        name: ClusterName, project: Project, nodes: [Node], secrets: [SecretName: SecretSource],
        etcd: Etcd, postgres: Postgres, haproxy: HAProxy? = nil, services: [Service] = [],
        rollout: Rollout = Rollout()
    ) {
        self.name = name
        self.project = project
        self.nodes = nodes
        self.secrets = secrets
        self.etcd = etcd
        self.postgres = postgres
        self.haproxy = haproxy
        self.services = services
        self.rollout = rollout
    }

    /// Those that a plan needs the values of: what an environment names, Spilo's users, and the
    /// roles that Supabase's services log in as.
    package var neededSecrets: [SecretName: SecretSource] {
        var environments = [etcd.environment, postgres.environment, haproxy?.environment ?? [:]]
        environments += postgres.members.map(\.environment) + services.map(\.environment)
        var names = Set(environments.flatMap(\.values).flatMap(\.secretNames))
        names.formUnion([
            postgres.superuserSecret, postgres.replicationSecret, postgres.adminSecret,
        ])
        if hasSupabase { names.formUnion(SupabaseKind.loginRoles.map { SecretName($0) }) }
        return secrets.filter { names.contains($0.key) }
    }

    package var hasSupabase: Bool { services.contains { $0.kind != nil } }

    package func node(_ name: NodeName) -> Node? { nodes.first { $0.name == name } }
    /// One server only: members then advertise their service names.
    package var isSingleNode: Bool { nodes.count == 1 }
}

/// The compose project on every node.
package struct Project: Hashable, Sendable {
    /// Compose's project name: `[a-z0-9][a-z0-9_-]*`.
    package var name: String
    /// Absolute path on the nodes.
    package var directory: String
    package init(name: String, directory: String) {
        self.name = name
        self.directory = directory
    }
    /// The network that compose gives to services that name none.
    package var network: String { "\(name)_default" }
    /// The compose file that is written, below the directory.
    package static let composePath = composeNames[0]
    /// The names that compose looks for there, the first first.
    package static let composeNames = [
        "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml",
    ]
}

/// How careful a change of the running cluster is.
package struct Rollout: Hashable, Sendable {
    /// The most that a member may be behind the leader to count as a healthy copy.
    package var maxLag: ByteCount
    /// The limit of one step's wait.
    package var stepTimeout: Duration
    package var preferredLeader: MemberName?
    package init(
        maxLag: ByteCount = .mebibytes(1), stepTimeout: Duration = .seconds(600),
        preferredLeader: MemberName? = nil
    ) {
        self.maxLag = maxLag
        self.stepTimeout = stepTimeout
        self.preferredLeader = preferredLeader
    }
}
