/// A container as declared: what compose is told, and what `docker inspect` is compared with.
///
/// `nil` and empty mean "not declared": docker's default then stands on both sides.
package struct ContainerSpec: Hashable, Sendable {
    package var service: ServiceName
    package var node: NodeName
    package var role: ContainerRole
    package var image: ImageReference
    package var command: [String]?
    package var hostname: String?
    package var environment: [String: ResolvedText]
    package var ports: [PortMapping]
    package var mounts: [VolumeMount]
    package var labels: [String: String]
    package var health: HealthCheck?
    package var resources: Resources
    package var stopGracePeriod: Duration?
    /// An env file of settings that act only when the container first starts with an empty volume;
    /// written by the step that creates it and never compared (path relative to the project).
    package var firstStartEnvironment: [String: String]
    /// Fields that Matriarch chose where the manifest is silent, by the names that differences have
    /// (`healthcheck`, `environment.SPILO_PROVIDER`). They do not count against a container that was
    /// made by hand.
    package var chosen: Set<String>

    package init(
        service: ServiceName, node: NodeName, role: ContainerRole, image: ImageReference,
        command: [String]? = nil, hostname: String? = nil,
        environment: [String: ResolvedText] = [:], ports: [PortMapping] = [],
        mounts: [VolumeMount] = [], labels: [String: String] = [:], health: HealthCheck? = nil,
        resources: Resources = Resources(), stopGracePeriod: Duration? = nil,
        firstStartEnvironment: [String: String] = [:], chosen: Set<String> = []
    ) {
        self.chosen = chosen
        self.service = service
        self.node = node
        self.role = role
        self.image = image
        self.command = command
        self.hostname = hostname
        self.environment = environment
        self.ports = ports
        self.mounts = mounts
        self.labels = labels
        self.health = health
        self.resources = resources
        self.stopGracePeriod = stopGracePeriod
        self.firstStartEnvironment = firstStartEnvironment
    }
}

/// What a container is to the cluster: it decides which stage plans for it.
package enum ContainerRole: Hashable, Sendable {
    case etcd(EtcdName)
    case postgres(MemberName)
    case haproxy
    case service
}

/// A text with its template's secrets filled in; prints them as `(sensitive)`.
package struct ResolvedText: Hashable, Sendable, CustomStringConvertible {
    package let isSensitive: Bool
    private let plain: String
    private let secret: Secret
    package init(_ plain: String) {
        self.plain = plain
        secret = Secret("")
        isSensitive = false
    }
    package init(sensitive: Secret) {
        plain = ""
        secret = sensitive
        isSensitive = true
    }
    package func reveal() -> String { isSensitive ? secret.reveal() : plain }
    package var description: String { isSensitive ? "(sensitive)" : plain }
}

/// One published port, as compose writes it: `[address:]published:target[/protocol]`.
package struct PortMapping: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    /// Address of the node it is bound to; `nil`: every address.
    package var hostAddress: String?
    package var host: UInt16
    package var container: UInt16
    package var transport: Transport
    package enum Transport: String, Hashable, Sendable, Codable { case tcp, udp }
    package init(
        hostAddress: String? = nil, host: UInt16, container: UInt16, transport: Transport = .tcp
    ) {
        self.hostAddress = hostAddress
        self.host = host
        self.container = container
        self.transport = transport
    }
    /// Compose's short form: `[address:]host:container[/udp]`.
    package var description: String {
        let address = hostAddress.map { ($0.contains(":") ? "[\($0)]" : $0) + ":" } ?? ""
        return "\(address)\(host):\(container)" + (transport == .udp ? "/udp" : "")
    }
    package static func < (left: Self, right: Self) -> Bool {
        (left.container, left.host, left.description)
            < (right.container, right.host, right.description)
    }
}

/// One mount: a named volume of the project or a path of the node, where, and how.
package struct VolumeMount: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package enum Source: Hashable, Sendable, Codable {
        /// A named volume of the compose project, without the project's prefix.
        case volume(String)
        /// A path on the node; relative to the project's directory unless absolute.
        case path(String)
    }
    package var source: Source
    package var target: String
    package var isReadOnly: Bool
    package init(source: Source, target: String, isReadOnly: Bool = false) {
        self.source = source
        self.target = target
        self.isReadOnly = isReadOnly
    }
    package var description: String {
        let from =
            switch source {
            case .volume(let name): name
            case .path(let path): path
            }
        return "\(from):\(target)" + (isReadOnly ? ":ro" : "")
    }
    package static func < (left: Self, right: Self) -> Bool {
        left.description < right.description
    }
}

/// Limits of a container; `nil` is docker's own default.
package struct Resources: Hashable, Sendable {
    package var memory: ByteCount?
    /// In cores: 1.5.
    package var cpus: Double?
    package var sharedMemory: ByteCount?
    package init(memory: ByteCount? = nil, cpus: Double? = nil, sharedMemory: ByteCount? = nil) {
        self.memory = memory
        self.cpus = cpus
        self.sharedMemory = sharedMemory
    }
}

/// How docker tells whether a container is healthy.
package struct HealthCheck: Hashable, Sendable {
    /// Docker's form: `["CMD", …]` or `["CMD-SHELL", "…"]`.
    package var test: [String]
    package var interval: Duration
    package var timeout: Duration
    package var retries: Int
    package var startPeriod: Duration
    package init(
        test: [String], interval: Duration = .seconds(5), timeout: Duration = .seconds(3),
        retries: Int = 3, startPeriod: Duration = .seconds(60)
    ) {
        self.test = test
        self.interval = interval
        self.timeout = timeout
        self.retries = retries
        self.startPeriod = startPeriod
    }
}
