import Cluster

/// What goes wrong, each by itself.
extension World {
    mutating func heal() {
        for node in nodes { powerUp(node) }
        for node in nodes { servers[node]?.isReachable = true }
        for node in nodes { servers[node]?.takesShell = true }
        for node in nodes { servers[node]?.answersWeb = true }
        for node in nodes { servers[node]?.isFull = false }
        isolated = []
        isolatedUntil = nil
        mute = [:]
        isRegistryDown = false
    }

    mutating func mood() -> Mood {
        let kinds: [Mood.Kind] = [.silent, .indeterminate, .garbage]
        return Mood(kind: seed.pick(kinds), until: now + .seconds(seed.number(2...15)))
    }

    mutating func muteEtcd(_ names: [EtcdName]) {
        let end = now + .seconds(seed.number(2...20))
        for name in names { mute[name] = end }
    }

    /// All of it, for several looks of the tool, and for less than the twenty seconds that it waits.
    mutating func muteEtcdForLong() {
        let end = now + .seconds(seed.number(20...28))
        for member in etcd.members { mute[EtcdName(member.name)] = end }
    }

    mutating func toggle(_ node: NodeName) {
        if servers.values.allSatisfy(\.isUp) {
            powerDown(node)
        } else {
            for node in nodes { powerUp(node) }
        }
    }

    private mutating func powerDown(_ node: NodeName) {
        servers[node]?.isUp = false
        if let holder = locks[node] { loseLock(holder, on: node) }
    }

    /// What ran when it went down runs again.
    mutating func powerUp(_ node: NodeName) {
        powerReturns[node] = nil
        let time = clock
        servers[node]?.powerUp(at: time)
    }

    mutating func blackOutLeader() {
        if let leader = dcs.leader, let node = instances[leader]?.node { blackOut(node) }
    }

    /// It goes down and comes back by itself, as one that restarts.
    mutating func blackOut(_ node: NodeName) {
        guard servers.values.allSatisfy(\.isUp) else { return }
        powerDown(node)
        powerReturns[node] = now + .seconds(seed.number(5...45))
    }

    mutating func cutOff(_ node: NodeName) {
        if servers.values.allSatisfy(\.isReachable) {
            servers[node]?.isReachable = false
        } else {
            for node in nodes { servers[node]?.isReachable = true }
        }
    }

    mutating func loseLock(_ holder: Int, on node: NodeName) {
        locks[node] = nil
        controllers[holder]?.lostLocks[node] = now
    }

    /// `docker kill`: nobody is told.
    mutating func kill(_ member: MemberName) {
        guard let node = instances[member]?.node else { return }
        servers[node]?.containers[member.service]?.isRunning = false
        servers[node]?.containers[member.service]?.exitCode = 137
        if let instance = instances[member] { leadsNoMore(member, instance) }
        instances[member] = nil
    }

    mutating func killEtcd() {
        guard etcd.running.count == etcd.members.count,
            let name = etcd.running.keys.sorted().last, let node = etcd.running[name]
        else { return }
        killEtcd(name, on: node)
    }

    /// One runs on, and waits for another.
    mutating func killEtcdButOne() {
        guard etcd.running.count == etcd.members.count else { return }
        for name in etcd.running.keys.sorted().dropFirst() {
            if let node = etcd.running[name] { killEtcd(name, on: node) }
        }
    }

    mutating func killEtcd(_ name: EtcdName, on node: NodeName) {
        servers[node]?.containers[name.service]?.isRunning = false
        servers[node]?.containers[name.service]?.exitCode = 137
    }

    mutating func killService(on node: NodeName) {
        let services = (servers[node]?.containers ?? [:]).filter {
            switch $0.value.spec.role {
            case .haproxy, .service: true
            case .etcd, .postgres: false
            }
        }.keys.sorted()
        guard !services.isEmpty else { return }
        let service = seed.pick(services)
        servers[node]?.containers[service]?.isRunning = false
        servers[node]?.containers[service]?.exitCode = 1
    }

    /// One copy at a time, and never the one that has to lead next: what no tool could mend is no
    /// story.
    func mayBeSpoilt(_ member: MemberName) -> Bool {
        dcs.leader != nil && dcs.leader != member && dcs.sync != member
            && instances[member]?.isFollowing == true
            && !data.values.contains { $0.isWrecked || $0.hasDiverged }
    }

    /// A replica's data is damaged, and its Postgres with it.
    mutating func wreck(_ member: MemberName) {
        guard mayBeSpoilt(member), let instance = instances[member] else { return }
        data[VolumeKey(node: instance.node, volume: member.rawValue)]?.isWrecked = true
        instances[member]?.activity = .failing
    }

    /// A replica has what its leader has not, and streams no more.
    mutating func diverge(_ member: MemberName) {
        guard dcs.timeline > 1, mayBeSpoilt(member), let instance = instances[member] else {
            return
        }
        data[VolumeKey(node: instance.node, volume: member.rawValue)]?.hasDiverged = true
        instances[member]?.activity = .stuck
    }

    /// The leader is killed, and what it has is damaged: maybe the only copy of some rows.
    mutating func wreckTheLeader() {
        guard let leader = dcs.leader, let node = instances[leader]?.node else { return }
        kill(leader)
        data[VolumeKey(node: node, volume: leader.rawValue)]?.isWrecked = true
    }

    mutating func wreckAReplica() {
        let replicas = instances.names { $0.isFollowing }
        if !replicas.isEmpty { wreck(seed.pick(replicas)) }
    }

    /// More than chance does: no copy but the leader's is left.
    mutating func wreckEveryReplica() {
        for (member, instance) in instances where instance.isFollowing {
            data[VolumeKey(node: instance.node, volume: member.rawValue)]?.isWrecked = true
            instances[member]?.activity = .failing
        }
    }

    mutating func killEveryMember() {
        for member in instances.keys { kill(member) }
    }

    /// One replica is killed; another is well and misses the first question.
    mutating func killAReplicaAndSilenceAnother() {
        let replicas = instances.names { $0.isFollowing }
        guard let first = replicas.first, let last = replicas.last else { return }
        moods[first] = Mood(kind: .silent, until: now + .seconds(seed.number(11...17)))
        kill(last)
    }

    /// One voter is killed; another is well and misses the first question.
    mutating func killAVoterAndMuteAnother() {
        let voters = etcd.running.keys.sorted()
        guard let first = voters.dropFirst().first, let last = voters.last, first != last,
            let node = etcd.running[last]
        else { return }
        mute[first] = now + .seconds(seed.number(11...17))
        killEtcd(last, on: node)
    }

    /// A replica is cut off from the others, and comes back while the tool is at work.
    mutating func cutAReplicaOff() {
        let replicas = instances.names { $0.isFollowing }
        guard nodes.count > 1, !replicas.isEmpty,
            let node = instances[seed.pick(replicas)]?.node,
            node != dcs.leader.flatMap({ instances[$0]?.node })
        else { return }
        isolated = [node]
        isolatedUntil = now + .seconds(seed.number(11...40))
    }

    /// What we do not see from the start: servers that do not let us in while what runs there
    /// answers, and the other way round.
    mutating func hide(_ what: Hidden) {
        let leader = dcs.leader.flatMap { instances[$0]?.node } ?? seed.pick(nodes)
        let node = seed.pick(nodes)
        switch what {
        case .shellOfLeader: servers[leader]?.takesShell = false
        case .webOfLeader: servers[leader]?.answersWeb = false
        case .shell: servers[node]?.takesShell = false
        case .web: servers[node]?.answersWeb = false
        case .shellOfLeaderAndWeb:
            servers[leader]?.takesShell = false
            servers[node]?.answersWeb = false
        case .everyWeb: for node in nodes { servers[node]?.answersWeb = false }
        }
    }

    mutating func killAReplica() {
        let replicas = instances.names { $0.isFollowing }
        if !replicas.isEmpty { kill(seed.pick(replicas)) }
    }

    /// The faults end: what a person or time would mend is mended, what only a plan can is not.
    mutating func calm() {
        heal()
        for member in instances.keys { instances[member]?.isHeld = false }
        moods = [:]
        dcs.isPaused = false
        oracle.switchoverIsSettled()
        tell("calm")
    }
}
