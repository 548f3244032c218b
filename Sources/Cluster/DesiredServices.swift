/// The `haproxy` block: the same container on each of its nodes.
package struct HAProxy: Hashable, Sendable {
    package var image: ImageReference
    package var nodes: [NodeName]
    package var writePort: UInt16
    package var readPort: UInt16
    package var statsPort: UInt16
    package var maxConnections: Int
    package var environment: [String: Template]
    package var resources: Resources
    package init(
        image: ImageReference, nodes: [NodeName], writePort: UInt16 = 5000,
        readPort: UInt16 = 5001, statsPort: UInt16 = 7000, maxConnections: Int = 1000,
        environment: [String: Template] = [:], resources: Resources = Resources()
    ) {
        self.image = image
        self.nodes = nodes
        self.writePort = writePort
        self.readPort = readPort
        self.statsPort = statsPort
        self.maxConnections = maxConnections
        self.environment = environment
        self.resources = resources
    }
    /// The compose service on each of its nodes.
    package static let service: ServiceName = "haproxy"
    /// Relative to the project's directory.
    package static let configurationPath = "haproxy/haproxy.cfg"
}

/// The Supabase services that Matriarch knows the ports, health checks and order of (FIELD §3).
package enum SupabaseKind: String, Hashable, Sendable, CaseIterable, Codable {
    case meta, auth, rest, realtime, storage, studio, gateway

    /// Roles of the database that the services log in as; a secret of that name is the password.
    package static let loginRoles = [
        "supabase_admin", "authenticator", "supabase_auth_admin", "supabase_storage_admin",
    ]
}

/// A Supabase service, or any other service of the compose project.
package struct Service: Hashable, Sendable {
    package var name: ServiceName
    /// `nil` for a service of `services`.
    package var kind: SupabaseKind?
    package var nodes: [NodeName]
    package var image: ImageReference
    package var command: [String]?
    package var environment: [String: Template]
    package var ports: [PortMapping]
    package var volumes: [VolumeMount]
    package var health: HealthCheck?
    /// Services of the same project that come first.
    package var dependsOn: [ServiceName]
    package var resources: Resources
    package var labels: [String: String]
    package var stopGracePeriod: Duration?
    package init(
        name: ServiceName, kind: SupabaseKind? = nil, nodes: [NodeName], image: ImageReference,
        command: [String]? = nil, environment: [String: Template] = [:],
        ports: [PortMapping] = [], volumes: [VolumeMount] = [], health: HealthCheck? = nil,
        dependsOn: [ServiceName] = [], resources: Resources = Resources(),
        labels: [String: String] = [:], stopGracePeriod: Duration? = nil
    ) {
        self.name = name
        self.kind = kind
        self.nodes = nodes
        self.image = image
        self.command = command
        self.environment = environment
        self.ports = ports
        self.volumes = volumes
        self.health = health
        self.dependsOn = dependsOn
        self.resources = resources
        self.labels = labels
        self.stopGracePeriod = stopGracePeriod
    }
}
