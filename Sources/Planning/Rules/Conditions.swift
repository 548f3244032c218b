package import Cluster

extension Rules {
    /// Whether a step's effect is there by these readings.
    package static func isMet(
        _ condition: Condition, topology: Topology, observed: Observed
    ) -> Progress {
        let health = ClusterHealth(observed)
        switch condition {
        case .commandSucceeded: return .met
        case .imagePresent(let node, let image):
            return onNode(node, observed) {
                $0.images[image] == nil ? .notYet("\(image) is not on \(node) yet") : .met
            }
        case .containerHealthy(let address): return containerHealthy(address, observed)
        case .containerAbsent(let address, let id):
            return onNode(address.node, observed) { node in
                node.containers.contains { $0.id == id }
                    ? .notYet("\(address) is still there") : .met
            }
        case .etcdMemberHealthy(let name, let isLearner):
            return etcdMemberHealthy(name, isLearner: isLearner, observed)
        case .etcdMemberAbsent(let name):
            guard let list = etcdMembers(observed) else { return .notYet("no etcd member answers") }
            return list.contains { $0.label == name }
                ? .notYet("etcd still lists \(name)") : .met
        case .leads(let member):
            let progress = leads(member, health, observed)
            guard progress == .met else { return progress }
            return followed(member, maxLag: topology.desired.rollout.maxLag, topology, observed)
        case .streaming(let member, let maxLag):
            if case .leads = health.members[member] {
                return .notYet("\(member) leads")
            }
            return healthy(member, maxLag: maxLag, health, observed)
        case .memberHealthy(let member, let maxLag):
            return healthy(member, maxLag: maxLag, health, observed)
        case .noPendingRestart(let member, let maxLag):
            if observed.members[member]?.value?.pendingRestart == true {
                return .notYet("\(member) has yet to restart")
            }
            let progress = healthy(member, maxLag: maxLag, health, observed)
            guard progress == .met, case .leads = health.members[member] else { return progress }
            return followed(member, maxLag: maxLag, topology, observed)
        case .configurationHolds(let wanted):
            guard let live = observed.configuration?.value else {
                return .notYet("Patroni's configuration was not read")
            }
            return ConfigurationDifference.patch(from: live, to: wanted) == nil
                ? .met : .notYet("Patroni does not show the new configuration yet")
        case .memberForgotten(let member):
            guard let leader = health.leader, let view = observed.views[leader]?.value else {
                return .notYet("the leader's view of the cluster could not be read")
            }
            return view.members.contains { $0.name == member }
                ? .notYet("Patroni still lists \(member)") : .met
        case .proxyServers(let node, let members): return proxyServers(node, members, observed)
        }
    }

    /// What has to be fresh before `isMet` means anything.
    package static func needs(_ condition: Condition) -> Set<ReadingNeed> {
        switch condition {
        case .commandSucceeded: []
        case .imagePresent(let node, _): [.node(node)]
        case .containerHealthy(let address), .containerAbsent(let address, _):
            [.node(address.node)]
        case .etcdMemberHealthy, .etcdMemberAbsent: [.etcd]
        case .leads, .streaming, .memberHealthy, .noPendingRestart, .memberForgotten: [.patroni]
        case .configurationHolds: [.configuration]
        case .proxyServers(let node, _): [.haproxy(node)]
        }
    }

    private static func onNode(
        _ name: NodeName, _ observed: Observed, _ judge: (ObservedNode) -> Progress
    ) -> Progress {
        switch observed.nodes[name] {
        case .known(let node): judge(node)
        case .unreachable(let reason): .notYet("\(name) could not be looked at: \(reason)")
        case nil: .notYet("\(name) was not looked at")
        }
    }

    private static func containerHealthy(
        _ address: ContainerAddress, _ observed: Observed
    ) -> Progress {
        onNode(address.node, observed) { node in
            guard let container = node.container(address.service) else {
                return .notYet("\(address) is not there yet")
            }
            switch (container.state, container.health) {
            case (.running, nil), (.running, .healthy): return .met
            case (.running, .starting): return .notYet("\(address) is starting")
            case (.running, .unhealthy): return .notYet("\(address) is unhealthy")
            case (let state, _): return .notYet("\(address) is \(state.rawValue)")
            }
        }
    }

    static func etcdMembers(_ observed: Observed) -> [EtcdPeer]? {
        observed.etcd.sorted { $0.key < $1.key }.compactMap(\.value.value)
            .first { $0.isHealthy }?.members
    }

    private static func etcdMemberHealthy(
        _ name: EtcdName, isLearner: Bool, _ observed: Observed
    ) -> Progress {
        guard let reading = observed.etcd[name] else { return .notYet("\(name) was not looked at") }
        switch reading {
        case .unreachable(let reason): return .notYet("\(name) does not answer: \(reason)")
        case .known(let own):
            // A learner answers its status and nothing else: the others' list has the rest.
            guard own.isHealthy || isLearner else { return .notYet("\(name) is not healthy yet") }
            guard
                let peer = (etcdMembers(observed) ?? own.members).first(where: {
                    $0.name == name.rawValue
                })
            else { return .notYet("etcd does not list \(name) yet") }
            return peer.isLearner == isLearner || isLearner
                ? .met : .notYet("\(name) is still a learner")
        }
    }

    private static func leads(
        _ member: MemberName, _ health: ClusterHealth, _ observed: Observed
    ) -> Progress {
        guard health.leaders == [member] else {
            return .notYet(
                health.leaders.isEmpty
                    ? "no member says that it leads"
                    : "\(health.leaders.map(\.rawValue).joined(separator: ", ")) says that it leads"
            )
        }
        guard health.members[member] == .leads else { return .notYet("\(member) is promoting") }
        guard let view = observed.views[member]?.value else {
            return .notYet("\(member)'s view was not read")
        }
        return view.leaders == [member] ? .met : .notYet("etcd does not name \(member) leader yet")
    }

    /// A leader that is new or restarted has cut its replicas off: they come back in seconds.
    private static func followed(
        _ leader: MemberName, maxLag: ByteCount, _ topology: Topology, _ observed: Observed
    ) -> Progress {
        switch othersStreaming(besides: leader, maxLag: maxLag, topology, observed) {
        case .wait(let why): .notYet(why)
        default: .met
        }
    }

    private static func healthy(
        _ member: MemberName, maxLag: ByteCount, _ health: ClusterHealth, _ observed: Observed
    ) -> Progress {
        guard let complaint = complaint(about: member, maxLag: maxLag, health, observed) else {
            return .met
        }
        // Long enough for a turn or two of Patroni, which may try again.
        if health.leader != nil, !health.isPaused,
            observed.members[member]?.value?.isWrecked == true
        {
            return .failing(complaint, patience: .seconds(60))
        }
        // In a pause Patroni starts nothing, whatever the wait.
        return .notYet(
            health.isPaused
                ? "\(complaint), and Patroni is paused (maintenance mode): it starts no member until "
                    + "the pause ends (patronictl resume)" : complaint)
    }

    private static func proxyServers(
        _ node: NodeName, _ members: [MemberName], _ observed: Observed
    ) -> Progress {
        switch observed.haproxy[node] {
        case nil: return .notYet("HAProxy on \(node) was not looked at")
        case .unreachable(let reason):
            return .notYet("HAProxy on \(node) does not answer: \(reason)")
        case .known(let servers):
            if let other = otherServers(servers, than: members, on: node) { return .notYet(other) }
            guard servers.contains(where: { $0.backend == "pg_write" && $0.isUp }) else {
                return .notYet("HAProxy on \(node) has no server to write to yet")
            }
            return .met
        }
    }

    /// What HAProxy shows where that is not exactly these members.
    static func otherServers(
        _ servers: [ProxyServer], than members: [MemberName], on node: NodeName
    ) -> String? {
        for backend in ["pg_write", "pg_read"] {
            let shown = Set(servers.filter { $0.backend == backend }.map(\.server))
            guard shown != Set(members.map(\.rawValue)) else { continue }
            let names = shown.isEmpty ? "no server" : shown.sorted().joined(separator: ", ")
            return "\(backend) on \(node) shows \(names)"
        }
        return nil
    }
}
