import Cluster

/// etcd's membership and who of it answers.
struct EtcdCluster: Sendable {
    struct Member: Sendable {
        var id: UInt64
        /// Empty until it first started.
        var name: String
        var peerURL: String
        var clientURL: String?
        var isLearner = false
        /// When a learner has caught up.
        var syncedAt = Duration.zero
        /// As etcdctl is asked for it: by its id while it has no name.
        var label: String { name.isEmpty ? String(id, radix: 16) : name }
    }
    var members: [Member] = []
    /// etcd processes that have joined this cluster, and where they run.
    var running: [EtcdName: NodeName] = [:]
    var isBorn = false
    private var lastID: UInt64 = 0x8e9e_05c5_2164_694d

    mutating func newID() -> UInt64 {
        lastID &+= 0x1000_0000_0000_0001
        return lastID
    }

    var voters: [Member] { members.filter { !$0.isLearner } }
}

extension World {
    /// Anywhere in the network.
    var hasQuorum: Bool {
        isolated.isEmpty ? quorum { _ in true } : nodes.contains { hasQuorum(from: $0) }
    }

    func hasQuorum(from node: NodeName) -> Bool { quorum { areConnected(node, $0) } }

    private func quorum(_ isIncluded: (NodeName) -> Bool) -> Bool {
        var voters = 0
        var alive = 0
        for member in etcd.members where !member.isLearner {
            voters += 1
            if let node = etcd.running[EtcdName(member.name)], isIncluded(node) { alive += 1 }
        }
        return voters > 0 && alive > voters / 2
    }

    /// Processes join what they find; what cannot join ends again and again.
    mutating func passEtcdTime() {
        var members = etcd
        if !members.isBorn { bear(&members) }
        var running: [EtcdName: NodeName] = [:]
        var loops: [ContainerAddress: Bool] = [:]
        for place in etcdPlaces {
            let key = VolumeKey(node: place.node, volume: place.volume)
            var joined = false
            if let id = etcdData[key] {
                joined = members.members.contains { $0.id == id }
            } else if let index = members.members.firstIndex(where: {
                $0.name.isEmpty && $0.peerURL == place.peerURL
            }) {
                // A member that was added takes its name when its container first starts.
                members.members[index].name = place.name.rawValue
                members.members[index].clientURL = place.clientURL
                members.members[index].syncedAt = now + .seconds(2)
                etcdData[key] = members.members[index].id
                joined = true
            }
            if joined { running[place.name] = place.node }
            loops[ContainerAddress(place.name.service, on: place.node)] =
                members.isBorn && !joined
        }
        members.running = running
        etcd = members
        for (address, isLooping) in loops
        where servers[address.node]?.containers[address.service]?.isLooping != isLooping {
            servers[address.node]?.containers[address.service]?.isLooping = isLooping
        }
    }

    private struct EtcdPlace {
        var name: EtcdName
        var node: NodeName
        var volume: String
        var peerURL: String
        var clientURL: String
        var cluster: String
    }

    private var etcdPlaces: [EtcdPlace] {
        nodes.flatMap { node -> [EtcdPlace] in
            guard let server = servers[node], server.isUp else { return [] }
            return server.containers.sorted { $0.key < $1.key }.compactMap { _, container in
                guard container.isRunning, case .etcd(let name) = container.spec.role,
                    let settings = container.firstStart
                else { return nil }
                return EtcdPlace(
                    name: name, node: node, volume: container.dataVolume,
                    peerURL: settings["ETCD_INITIAL_ADVERTISE_PEER_URLS"] ?? "",
                    clientURL: container.spec.environment["ETCD_ADVERTISE_CLIENT_URLS"]?.reveal()
                        ?? "",
                    cluster: settings["ETCD_INITIAL_CLUSTER"] ?? "")
            }
        }
    }

    /// A new cluster starts once most of its members run.
    private mutating func bear(_ members: inout EtcdCluster) {
        let places = etcdPlaces
        guard let first = places.first else { return }
        let expected = first.cluster.split(separator: ",").count
        guard places.count > expected / 2 else { return }
        members.isBorn = true
        for entry in first.cluster.split(separator: ",") {
            let parts = entry.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let id = members.newID()
            // The last to come takes its name then, as one that was added.
            members.members.append(
                EtcdCluster.Member(id: id, name: "", peerURL: String(parts[1])))
        }
    }

    /// One run of a member's container, told from every other.
    func run(of name: EtcdName) -> String? {
        etcd.running[name].flatMap { servers[$0]?.containers[name.service] }
            .map { "\($0.id) \($0.startedAt)" }
    }

    /// Its process runs, where most of the others are.
    func isEtcdWell(_ member: EtcdCluster.Member) -> Bool {
        guard let node = etcd.running[EtcdName(member.name)] else { return false }
        return isolated.isEmpty || hasQuorum(from: node)
    }
}

extension WorldContainer {
    /// The settings of its env file for the first start.
    var firstStart: [String: String]? { spec.firstStartEnvironment }

    /// Where its data is.
    var dataVolume: String {
        for case .volume(let name) in spec.mounts.map(\.source) { return name }
        return spec.service.rawValue
    }
}
