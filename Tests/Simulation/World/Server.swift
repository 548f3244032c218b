import Cluster
import Rendering

struct ContainerPlace {
    var node: NodeName
    var container: WorldContainer
}

struct VolumeKey: Hashable {
    var node: NodeName
    var volume: String
}

/// How a member's REST misbehaves for a while.
struct Mood: Sendable {
    enum Kind: Sendable {
        /// It takes connections and never answers.
        case silent
        /// 503 with half of its words.
        case indeterminate
        case garbage
        /// `/cluster` as it was.
        case stale([UInt8])
    }
    var kind: Kind
    var until: Duration
}

/// One process of ours: what the world knows of it.
struct ControllerState: Sendable {
    var isAlive = true
    /// Between its first act and its end.
    var isActing = false
    /// What its plan could not see.
    var blind: Set<NodeName> = []
    /// The members that there are to be by its plan: as many as its manifest says.
    var staying: Set<MemberName> = []
    /// What a person accepted of its plan, in the words of `--accept`, and of whom.
    var accepted: [String: Set<ServiceName>] = [:]
    /// Where it once held the lock and does not any more.
    var lostLocks: [NodeName: Duration] = [:]
    /// When it was told so.
    var lossKnownSince: Duration?
}

/// A server: reachable or not, with docker on it.
struct Server: Sendable {
    var isUp = true
    /// From us.
    var isReachable = true
    /// Its sshd lets us in: not where its host key is another than the known one.
    var takesShell = true
    /// What listens there answers us.
    var answersWeb = true
    /// Its disk takes nothing more.
    var isFull = false
    var images: Set<ImageReference> = [] { didSet { stamp &+= 1 } }
    var files: [String: WorldFile] = [:] { didSet { stamp &+= 1 } }
    /// What its compose file says, once it was written whole.
    var composed: [ServiceName: ContainerSpec] = [:]
    var volumes: Set<String> = [] { didSet { stamp &+= 1 } }
    var containers: [ServiceName: WorldContainer] = [:] { didSet { stamp &+= 1 } }
    /// Of a recreation that was cut short: a second container of the service, which does not run.
    var leftovers: [ServiceName: WorldContainer] = [:] { didSet { stamp &+= 1 } }
    /// Counts changes of what its probe shows.
    private(set) var stamp = 0

    /// docker starts what ran when it ended.
    mutating func powerUp(at clock: Int64) {
        guard !isUp else { return }
        isUp = true
        for (service, container) in containers where container.isRunning {
            containers[service]?.startedAt = clock
        }
    }

    /// In the order of their services.
    var allContainers: [WorldContainer] {
        let firsts = containers.sorted { $0.key < $1.key }.map(\.value)
        guard !leftovers.isEmpty else { return firsts }
        return firsts + leftovers.sorted { $0.key < $1.key }.map(\.value)
    }

    mutating func settleHealth(at now: Duration) {
        for (service, container) in containers where container.isRunning && !container.isHealthy {
            if let healthyAt = container.healthyAt, now >= healthyAt {
                containers[service]?.isHealthy = true
            }
        }
    }
}

struct WorldFile: Equatable, Sendable {
    var content: String
    var mode: UInt16
}

struct WorldContainer: Sendable {
    var id: String
    var spec: ContainerSpec
    /// Made by Matriarch; else by a person with compose.
    var isOurs = true
    var isRunning: Bool
    /// It was created and never started.
    var hasStarted = false
    /// Its process ends again and again.
    var isLooping = false
    var exitCode = 0
    var createdAt: Int64
    var startedAt: Int64
    /// When its health check first passes.
    var healthyAt: Duration?
    var isHealthy = false
    /// HAProxy: the configuration that it runs.
    var loadedProxy: LoadedProxy?
    var address: String

    var state: String {
        if isLooping { return "restarting" }
        if isRunning { return "running" }
        return hasStarted ? "exited" : "created"
    }
}
