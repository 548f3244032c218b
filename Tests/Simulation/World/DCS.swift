import Cluster

/// What Patroni keeps in etcd.
struct DCS: Sendable {
    var leader: MemberName?
    var lastLeader: MemberName?
    var leaderSeen = Duration.zero
    /// When the leader's key was last given up or ran out.
    var vacantSince = Duration.zero
    var timeline = 0
    /// As `GET /history` shows it; written by whoever leads.
    var history: [JSONValue] = []
    var isInitialized = false
    var isPaused = false
    /// The synchronous standby, in synchronous mode.
    var sync: MemberName?
    var configuration: JSONValue? {
        didSet {
            let all = configuration?["postgresql"]?["parameters"]?.object ?? [:]
            wanted = all.filter { Self.restartParameters.contains($0.key) }
        }
    }
    /// Restart-only parameters of the dynamic configuration.
    private(set) var wanted: [String: JSONValue] = [:]
    private static let restartParameters: Set = [
        "max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions",
        "max_locks_per_transaction", "wal_level",
    ]
    var configurationChangedAt = Duration.zero
    /// Members as `/cluster` lists them, until their key runs out.
    var members = Roster<MemberName, Listed>()
    var switchover: PendingSwitchover?

    struct Listed: Sendable {
        var node: NodeName
        var seen: Duration
        var postgresPort: UInt16
        var patroniPort: UInt16
    }
    struct PendingSwitchover: Sendable {
        var from: MemberName
        var to: MemberName
        var due: Duration
        /// Patroni will do it; else it gives up silently.
        var works: Bool
        /// Asked for with a time, by a person.
        var isScheduled = false
    }
    static let ttl = Duration.seconds(20)

    var isSynchronous: Bool { configuration?["synchronous_mode"] == .bool(true) }
}

extension World {
    /// patroni/ha.py, `update_cluster_history`: a leader that has promoted adds its line, with those of
    /// promotions that were never written, of which the log's history has no more than the start.
    mutating func keepHistory() {
        guard dcs.timeline > dcs.history.count + 1, let leader = dcs.leader,
            instances[leader]?.isLeading == true
        else { return }
        while dcs.history.count + 1 < dcs.timeline {
            let ended = dcs.history.count + 1
            var line: [JSONValue] = [
                .int(Int64(ended)), .int(position), .string("no recovery target specified"),
            ]
            if ended + 1 == dcs.timeline {
                line += [.string(Self.rfc3339(clock)), .string(leader.rawValue)]
            }
            dcs.history.append(.array(line))
        }
    }
}

/// A data directory.
struct DataDirectory: Sendable {
    /// Postgres cannot start from it.
    var isWrecked = false
    /// It has what the leader has not: it starts and never streams.
    var hasDiverged = false
    /// It led, and went down without a word.
    var needsRewind = false
}

/// Patroni and Postgres in one running container.
struct Instance: Sendable {
    enum Activity: Hashable, Sendable {
        /// The REST does not answer yet.
        case booting(until: Duration)
        /// No leader to clone from or to follow.
        case idle
        case bootstrapping(until: Duration)
        case cloning(until: Duration)
        case starting(until: Duration)
        /// Runs as a replica and restores from the WAL archive: it was away for too long.
        case replaying(until: Duration)
        case following
        /// Runs as a replica and streams from nobody: its leader or etcd is out of its reach.
        case detached
        /// Runs as a replica and cannot stream: its data has gone another way.
        case stuck
        /// Runs as a replica whose leader has just come to lead, or restarts.
        case reattaching(until: Duration)
        /// Its data led and did not hear of its successor: it is wound back before it starts.
        case rewinding(until: Duration)
        case promoting(until: Duration)
        case leading
        /// It gives the lead away, and still says that it has it.
        case steppingDown(until: Duration)
        /// `POST /restart`, in the role that it had.
        case restarting(until: Duration, leads: Bool)
        /// Its data does not start.
        case failing
    }
    let node: NodeName
    var activity: Activity
    /// Bytes behind the leader.
    var lag: Int64 = 0
    /// Something holds its replay: it falls behind and does not catch up.
    var isHeld = false
    /// Restart-only parameters as Postgres started with them.
    var applied: [String: JSONValue] = [:]
    var tags: [String: JSONValue] = [:]
    /// When its Patroni last reached etcd.
    var dcsSeen = Duration.zero

    init(node: NodeName, activity: Activity) {
        self.node = node
        self.activity = activity
    }

    var isFollowing: Bool { activity == .following }
    var isLeading: Bool { activity == .leading }
    /// Nothing about it changes by itself.
    var isStill: Bool { (isFollowing && !isHeld && lag == 0) || isLeading }
}
