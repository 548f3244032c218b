/// A container as `docker inspect` shows it, without what its image or docker added.
package struct ObservedContainer: Equatable, Sendable, Codable {
    package var id: String
    /// `com.docker.compose.service`.
    package var service: ServiceName
    /// Made by Matriarch for the cluster of this name (label `matriarch.cluster`).
    package var managedBy: ClusterName?
    package var state: ContainerState
    /// `nil`: no health check.
    package var health: ContainerHealth?
    /// `State.ExitCode` of a container that exited or restarts: 137 after a kill.
    package var exitCode: Int?
    package var restartCount: Int
    /// Seconds since the epoch by the node's clock: `Created` and `State.StartedAt`.
    package var createdAt: Int64?
    package var startedAt: Int64?
    /// `Config.Image`: the reference it was created from.
    package var image: ImageReference
    /// `Image`: the image's id it really runs.
    package var imageID: String
    /// `nil`: the image's own command. Preceded by the entrypoint where that is not the image's.
    package var command: [String]?
    /// Empty: the one that docker makes of the container's id.
    package var hostname: String
    /// Without what the image sets to the same value.
    package var environment: [String: ObservedText]
    package var ports: [PortMapping]
    /// Named volumes without the project's prefix; bind sources as docker shows them (absolute).
    package var mounts: [VolumeMount]
    /// Those of its named volumes that are not the project's, which its compose file cannot name;
    /// `nil` in observations saved before these were kept.
    package var foreignVolumes: [String]?
    /// Without the image's, compose's and `matriarch.cluster`, which is `managedBy`.
    package var labels: [String: String]
    package var healthCheck: ObservedHealthCheck?
    package var memory: ByteCount?
    package var nanoCPUs: Int64?
    /// `nil`: docker's default of 64 MiB.
    package var sharedMemory: ByteCount?
    /// Seconds; `nil`: docker's default.
    package var stopTimeout: Int?
    /// Networks that it is on, `host` among them; `nil` in observations saved before these were kept.
    package var networks: [String]?
    /// Address on the project's network: the SSH tunnel's target when no port is published.
    package var address: String?
    package init(
        id: String, service: ServiceName, managedBy: ClusterName? = nil,
        state: ContainerState = .running, health: ContainerHealth? = nil, restartCount: Int = 0,
        image: ImageReference, imageID: String, command: [String]? = nil, hostname: String = "",
        environment: [String: ObservedText] = [:], ports: [PortMapping] = [],
        mounts: [VolumeMount] = [], labels: [String: String] = [:],
        healthCheck: ObservedHealthCheck? = nil, memory: ByteCount? = nil, nanoCPUs: Int64? = nil,
        sharedMemory: ByteCount? = nil, stopTimeout: Int? = nil, address: String? = nil,
        createdAt: Int64? = nil, startedAt: Int64? = nil, exitCode: Int? = nil,
        networks: [String]? = nil, foreignVolumes: [String]? = nil
    ) {
        self.foreignVolumes = foreignVolumes
        self.networks = networks
        self.exitCode = exitCode
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.id = id
        self.service = service
        self.managedBy = managedBy
        self.state = state
        self.health = health
        self.restartCount = restartCount
        self.image = image
        self.imageID = imageID
        self.command = command
        self.hostname = hostname
        self.environment = environment
        self.ports = ports
        self.mounts = mounts
        self.labels = labels
        self.healthCheck = healthCheck
        self.memory = memory
        self.nanoCPUs = nanoCPUs
        self.sharedMemory = sharedMemory
        self.stopTimeout = stopTimeout
        self.address = address
    }
}

extension ObservedContainer {
    /// How long ago it started, by its node's clock; `nil` where either is not known.
    package func uptime(by clock: Int64?) -> Duration? {
        guard let startedAt, let clock else { return nil }
        return .seconds(clock.distance(since: startedAt))
    }

    /// Whether it started less than so long ago; `false` where that is not known.
    package func hasStarted(within time: Duration, by clock: Int64?) -> Bool {
        uptime(by: clock).map { $0 < time } ?? false
    }

    /// By service; of several of one service by what counts.
    package func precedes(_ other: Self) -> Bool {
        if service != other.service { return service < other.service }
        if state.rank != other.state.rank { return state.rank < other.state.rank }
        let times = [self, other].map { $0.createdAt ?? 0 }
        return times[0] != times[1] ? times[0] > times[1] : id < other.id
    }
}

/// `State.Status` of docker.
package enum ContainerState: String, Equatable, Sendable, Codable {
    case created, running, paused, restarting, removing, exited, dead

    /// It does not run, or never for long.
    package var isDown: Bool { [.created, .restarting, .exited, .dead].contains(self) }

    /// Of two containers of one service, as a recreation that was cut short leaves them, the one that
    /// runs counts; then one that restarts or is paused, then one that ended or never ran, last one
    /// that is being removed. Of two that are alike the newer counts.
    package static let precedence: [[Self]] = [
        [.running], [.restarting, .paused], [.created, .exited, .dead], [.removing],
    ]
    package var rank: Int {
        Self.precedence.firstIndex { $0.contains(self) } ?? Self.precedence.count
    }
}

/// `State.Health.Status` of docker.
package enum ContainerHealth: String, Equatable, Sendable, Codable {
    case starting, healthy, unhealthy
}

/// A container's health check in docker's own units (nanoseconds), without the image's.
package struct ObservedHealthCheck: Equatable, Sendable, Codable {
    package var test: [String]
    package var interval: Int64
    package var timeout: Int64
    package var retries: Int
    package var startPeriod: Int64
    package init(
        test: [String], interval: Int64 = 0, timeout: Int64 = 0, retries: Int = 0,
        startPeriod: Int64 = 0
    ) {
        self.test = test
        self.interval = interval
        self.timeout = timeout
        self.retries = retries
        self.startPeriod = startPeriod
    }
}
