import Cluster

/// What goes wrong while a simulation is in its unsafe phase.
struct Faults: Sendable {
    var isActive = false
    /// One in so many commands or requests meets a fault.
    var commands = 12
    /// One in so many readings does.
    var readings = 60
    /// One in so many ticks brings trouble of its own.
    var ticks = 400
    /// Half of what they bring is of this kind: some breaks of a promise need the same trouble at
    /// just the right moment, and chance alone comes there once in ten thousand stories.
    var theme: Int?
    static let kinds = 0...22
    /// Trouble at a moment of its own: right after one of our own acts.
    var strike: Strike?

    struct Strike: Sendable {
        /// After so many acts that take a member or the lead away.
        var acts: Int
        var kind: Int
        var delay: Duration
    }
}

/// The end that a command meets.
enum Fate: Sendable {
    case done
    /// Never started.
    case unreachable
    /// The connection is cut, and the command had no effect.
    case cutBefore
    /// The connection is cut, and the command died in its middle.
    case cutHalf
    /// The connection is cut, and the command had its effect.
    case cutAfter
    /// The connection is cut, and the command has its effect later.
    case cutAndLate(Duration)
    /// It is done, and its answer comes much later.
    case slow(Duration)
    /// It never answers; whether it took effect is for chance.
    case hangs(takesEffect: Bool)
    /// It ends with an error and without an effect.
    case failed
}

/// What we do not see of the servers.
enum Hidden: CaseIterable, Sendable {
    case shellOfLeader, webOfLeader, shell, web, shellOfLeaderAndWeb, everyWeb
}

extension World {
    mutating func fate(_ faults: Faults) -> Fate {
        guard faults.isActive, seed.oneIn(faults.commands) else { return .done }
        return switch seed.number(0...8) {
        case 0: .unreachable
        case 1: .cutBefore
        case 2: .cutHalf
        case 3: .cutAfter
        case 4: .cutAndLate(.seconds(seed.number(1...25)))
        case 5: .slow(.seconds(seed.number(2...40)))
        case 6: .hangs(takesEffect: seed.oneIn(2))
        default: .failed
        }
    }

    /// Trouble that nobody asked for.
    ///
    /// - Parameter wanted: this and no other.
    mutating func trouble(mostly theme: Int? = nil, only wanted: Int? = nil) {
        let members = instances.keys
        guard !members.isEmpty else { return }
        let member = seed.pick(members)
        var node = seed.pick(nodes)
        var kind = seed.number(Faults.kinds)
        if let theme, seed.oneIn(2) { kind = theme }
        if let wanted {
            kind = wanted
            if seed.oneIn(2) { node = dcs.leader.flatMap { instances[$0]?.node } ?? node }
        }
        tell("trouble \(kind) for \(member) or \(node)")
        switch kind {
        case 0:
            if let leader = dcs.leader, leader != member { move(from: leader, to: member) }
        case 1: if instances.count > 1 { kill(member) }
        case 2: instances[member]?.isHeld = true
        case 3: for held in members { instances[held]?.isHeld = false }
        case 4: wreck(member)
        case 5: toggle(node)
        case 6:
            isolatedUntil = nil
            isolated = isolated.isEmpty && nodes.count > 1 ? [node] : []
        case 7: cutOff(node)
        case 8: dcs.isPaused = dcs.isPaused ? false : seed.oneIn(3)
        case 9: switchoverByHand(to: member)
        case 10: moods[member] = mood()
        case 11: moods[member] = Mood(kind: .stale(staleView), until: now + .seconds(20))
        case 12: servers[node]?.isFull.toggle()
        case 13: isRegistryDown.toggle()
        case 14: killEtcd()
        case 15: diverge(member)
        case 16: killService(on: node)
        case 17: if let holder = locks[node] { loseLock(holder, on: node) }
        case 18: servers[node]?.takesShell.toggle()
        case 19: servers[node]?.answersWeb.toggle()
        case 20: muteEtcd([seed.pick(etcd.members.map { EtcdName($0.name) } + ["etcd-1"])])
        case 21: muteEtcd(etcd.members.map { EtcdName($0.name) })
        default: heal()
        }
    }

    private mutating func heal() {
        for node in nodes { servers[node]?.isUp = true }
        for node in nodes { servers[node]?.isReachable = true }
        for node in nodes { servers[node]?.takesShell = true }
        for node in nodes { servers[node]?.answersWeb = true }
        for node in nodes { servers[node]?.isFull = false }
        isolated = []
        isolatedUntil = nil
        mute = [:]
        isRegistryDown = false
    }

    private mutating func mood() -> Mood {
        let kinds: [Mood.Kind] = [.silent, .indeterminate, .garbage]
        return Mood(kind: seed.pick(kinds), until: now + .seconds(seed.number(2...15)))
    }

    private mutating func muteEtcd(_ names: [EtcdName]) {
        let end = now + .seconds(seed.number(2...20))
        for name in names { mute[name] = end }
    }

    private mutating func toggle(_ node: NodeName) {
        if servers.values.allSatisfy(\.isUp) {
            servers[node]?.isUp = false
            if let holder = locks[node] { loseLock(holder, on: node) }
        } else {
            for node in nodes { servers[node]?.isUp = true }
        }
    }

    private mutating func cutOff(_ node: NodeName) {
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

    /// A person uses patronictl: at once, or with a time.
    private mutating func switchoverByHand(to member: MemberName) {
        guard let leader = dcs.leader, leader != member, dcs.switchover == nil else { return }
        dcs.switchover = DCS.PendingSwitchover(
            from: leader, to: member, due: now + .seconds(seed.number(1...30)), works: true,
            isScheduled: seed.oneIn(2))
    }

    /// `docker kill`: nobody is told.
    private mutating func kill(_ member: MemberName) {
        guard let node = instances[member]?.node else { return }
        servers[node]?.containers[member.service]?.isRunning = false
        servers[node]?.containers[member.service]?.exitCode = 137
        if let instance = instances[member] { leadsNoMore(member, instance) }
        instances[member] = nil
    }

    private mutating func killEtcd() {
        guard etcd.running.count == etcd.members.count,
            let name = etcd.running.keys.sorted().last, let node = etcd.running[name]
        else { return }
        killEtcd(name, on: node)
    }

    mutating func killEtcd(_ name: EtcdName, on node: NodeName) {
        servers[node]?.containers[name.service]?.isRunning = false
        servers[node]?.containers[name.service]?.exitCode = 137
    }

    private mutating func killService(on node: NodeName) {
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
    private func mayBeSpoilt(_ member: MemberName) -> Bool {
        dcs.leader != nil && dcs.leader != member && dcs.sync != member
            && instances[member]?.isFollowing == true
            && !data.values.contains { $0.isWrecked || $0.hasDiverged }
    }

    /// A replica's data is damaged, and its Postgres with it.
    private mutating func wreck(_ member: MemberName) {
        guard mayBeSpoilt(member), let instance = instances[member] else { return }
        data[VolumeKey(node: instance.node, volume: member.rawValue)]?.isWrecked = true
        instances[member]?.activity = .failing
    }

    /// A replica has what its leader has not, and streams no more.
    private mutating func diverge(_ member: MemberName) {
        guard dcs.timeline > 1, mayBeSpoilt(member), let instance = instances[member] else {
            return
        }
        data[VolumeKey(node: instance.node, volume: member.rawValue)]?.hasDiverged = true
        instances[member]?.activity = .stuck
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
