import Cluster
import Rendering

/// Servers, docker, etcd, Patroni and HAProxy as far as the tool can see and touch them. A value:
/// time passes in `advance`, commands and requests change it, answers are made from it.
///
/// It models what the real systems did in the lab, with times of that order. What it does not know:
/// slow disks, clocks that differ, several failures inside one container.
struct World: Sendable {
    static let tick = Duration.milliseconds(200)

    var now = Duration.zero
    var seed: Seed
    /// Names, the project and the nodes' addresses; the rest of it is what containers say.
    let base: Desired
    /// In order: a dictionary has another one in every process.
    let nodes: [NodeName]
    var servers: [NodeName: Server] { didSet { revision &+= 1 } }
    /// Nodes that reach no other node; we reach them.
    var isolated: Set<NodeName> = [] {
        willSet { if isolated.isEmpty { frozenView = staleView } }
        didSet { revision &+= 1 }
    }
    /// When an isolation ends by itself.
    var isolatedUntil: Duration?
    /// When servers that went down come back by themselves.
    var powerReturns: [NodeName: Duration] = [:]
    /// How long a replica that starts restores from the WAL archive, where there is one.
    var archiveLasts: Duration?
    /// What a person will bring back.
    var revival: Revival?
    /// Whom the leader lists as streaming though its connection was cut without a word, until its
    /// time-out.
    var ghosts = Roster<MemberName, Duration>()
    /// etcd members whose gateway says nothing, and until when.
    var mute: [EtcdName: Duration] = [:]
    /// `/cluster` as the isolated last saw it.
    private(set) var frozenView: [UInt8] = []
    var etcd = EtcdCluster() { didSet { revision &+= 1 } }
    var dcs = DCS()
    /// What runs inside a member's container, while it runs.
    var instances = Roster<MemberName, Instance>()
    /// Data directories by node and volume.
    var data: [VolumeKey: DataDirectory] = [:]
    /// The member's id that an etcd volume was made for.
    var etcdData: [VolumeKey: UInt64] = [:]
    var oracle = Oracle()
    /// REST interfaces that misbehave though their members are well.
    var moods: [MemberName: Mood] = [:]
    /// Pulls fail.
    var isRegistryDown = false
    var controllers: [Int: ControllerState] = [:]
    var locks: [NodeName: Int] = [:]
    /// Commands that were started under the lock and still run.
    var working: [NodeName: Int] = [:]
    /// What happened, for people who look into a seed; `nil`: nobody does.
    var story: [String]?
    /// In seconds. The tool waits for a rewind half a step's limit long: nothing tells it from a
    /// Postgres that stays down.
    var longestRewind = 13
    private(set) var lastID = 0
    /// Counts changes of servers, networks and etcd's membership.
    private(set) var revision = 0
    private var settledRevision = -1
    private var nextHealthy: Duration?

    init(of desired: Desired, seed: Seed) {
        base = desired
        self.seed = seed
        nodes = desired.nodes.map(\.name).sorted()
        servers = Dictionary(uniqueKeysWithValues: nodes.map { ($0, Server()) })
    }

    mutating func tell(_ text: @autoclosure () -> String) {
        guard story != nil else { return }
        let line = "\(now): \(text())"
        story?.append(line)
    }

    /// Seconds since the epoch on every server.
    var clock: Int64 { 1_795_000_000 + now.components.seconds }

    /// 64 hexadecimal digits, as docker's.
    mutating func newID() -> String {
        lastID += 1
        let digits = String(lastID, radix: 16)
        return String(repeating: "c", count: 64 - digits.count) + digits
    }

    /// Time passes, by ticks while anything moves and at once while nothing does.
    mutating func advance(to time: Duration) {
        while now + Self.tick <= time {
            let ticks = (time - now).components.seconds * 5
            let step = isStill && ticks > 1 ? Self.tick * Int(ticks) : Self.tick
            now += step
            passTime()
        }
    }

    private var isStill: Bool {
        guard settledRevision == revision, nextHealthy == nil, dcs.switchover == nil,
            dcs.leader != nil, isolated.isEmpty, ghosts.isEmpty, powerReturns.isEmpty
        else { return false }
        return hasQuorum && instances.values.allSatisfy { $0.isStill }
            && dcs.members.keys.allSatisfy { instances[$0] != nil }
    }

    private mutating func passTime() {
        if let end = isolatedUntil, now >= end {
            isolatedUntil = nil
            isolated = []
        }
        if !powerReturns.isEmpty {
            for node in nodes where powerReturns[node].map({ now >= $0 }) == true {
                tell("\(node) is back")
                powerUp(node)
            }
        }
        if settledRevision != revision {
            settleContainers()
            passEtcdTime()
            settledRevision = revision
        }
        if let due = nextHealthy, now >= due {
            nextHealthy = nil
            let time = now
            for node in nodes where servers[node]?.isUp == true {
                servers[node]?.settleHealth(at: time)
            }
        }
        passPatroniTime()
        keepHistory()
        bringBack()
        // Not a copy of itself in the world that it looks at.
        var watching = oracle
        oracle = Oracle()
        watching.look(at: self)
        oracle = watching
    }

    private mutating func settleContainers() {
        for (member, instance) in instances where !runs(member, on: instance.node) {
            if servers[instance.node]?.isUp == false {
                leaveGhost(of: member, instance)
                leadsNoMore(member, instance)
            }
            instances[member] = nil
        }
        nextHealthy = nil
        for node in nodes {
            guard let server = servers[node], server.isUp else { continue }
            for (_, container) in server.containers where container.isRunning {
                if let due = container.healthyAt, !container.isHealthy {
                    nextHealthy = min(nextHealthy ?? due, due)
                }
                // Members of a server that has its power back.
                if case .postgres(let member) = container.spec.role, instances[member] == nil {
                    instances[member] = Instance(
                        node: node, activity: .booting(until: now + .seconds(2)))
                }
            }
        }
    }

    /// A leader that goes down without a word has what its successor may not have.
    mutating func leadsNoMore(_ member: MemberName, _ instance: Instance) {
        guard instance.isLeading else { return }
        data[VolumeKey(node: instance.node, volume: member.rawValue)]?.needsRewind = true
    }

    func runs(_ member: MemberName, on node: NodeName) -> Bool {
        guard let server = servers[node], server.isUp else { return false }
        return server.containers[member.service]?.isRunning == true
    }

    func container(of member: MemberName) -> ContainerPlace? {
        var found: ContainerPlace?
        for node in nodes {
            guard let container = servers[node]?.containers[member.service] else { continue }
            if container.isRunning { return ContainerPlace(node: node, container: container) }
            found = found ?? ContainerPlace(node: node, container: container)
        }
        return found
    }

    /// Whether somebody who may be asked has not reached etcd for longer than a turn of its loop or
    /// two.
    var hasStaleMember: Bool {
        instances.contains { member, instance in
            now - instance.dcsSeen > .seconds(25) && instance.answers
                && reaches(instance.node) && servers[instance.node]?.answersWeb == true
                && (moods[member]?.until ?? .zero) <= now
        }
    }

    /// Whether it was started less than three quarters of a minute ago and still is on its way.
    func hasYetToCome(_ member: MemberName) -> Bool {
        switch instances[member]?.activity {
        case .booting, .starting: break
        case .replaying: return true
        default: return false
        }
        return container(of: member).map { clock - $0.container.startedAt < 45 } ?? false
    }

    /// Whether packets of ours reach a node.
    func reaches(_ node: NodeName) -> Bool {
        servers[node]?.isUp == true && servers[node]?.isReachable == true
    }

    /// Whether we can run something there.
    func logsInto(_ node: NodeName) -> Bool { reaches(node) && servers[node]?.takesShell == true }

    /// Whether two nodes reach each other.
    func areConnected(_ one: NodeName, _ other: NodeName) -> Bool {
        one == other || !(isolated.contains(one) || isolated.contains(other))
    }
}

extension World: CustomStringConvertible {
    /// Its state in a line, for people who look into a seed.
    var description: String {
        var parts = ["leader \(dcs.leader?.rawValue ?? "none")\(dcs.isPaused ? " (paused)" : "")"]
        for node in nodes {
            guard let server = servers[node] else { continue }
            parts.append("\(node)\(server.isUp ? "" : " (down)"):")
            for (service, container) in server.containers.sorted(by: { $0.key < $1.key }) {
                let activity = instances[MemberName(service.rawValue)].map { "\($0.activity)" }
                parts.append("\(service) \(container.spec.image) \(activity ?? container.state);")
            }
        }
        let wrecked = data.filter(\.value.isWrecked).map(\.key.volume).sorted()
        if !wrecked.isEmpty { parts.append("wrecked: \(wrecked.joined(separator: " "))") }
        parts.append("etcd: \(etcd.members.map { "\($0.name)\($0.isLearner ? "?" : "")" })")
        return parts.joined(separator: " ")
    }
}
