import Cluster

extension World {
    func hasPendingRestart(_ instance: Instance) -> Bool {
        guard now - dcs.configurationChangedAt > .seconds(2) else { return false }
        return instance.isFollowing || instance.isLeading
            ? instance.applied != dcs.wanted : false
    }

    mutating func passPatroniTime() {
        let names = instances.keys
        for member in names {
            guard let node = instances[member]?.node else { continue }
            if hasQuorum(from: node) { pass(member) } else { passWithoutEtcd(member) }
        }
        guard hasQuorum else { return }
        for (member, end) in ghosts where now >= end { ghosts[member] = nil }
        for (member, listed) in dcs.members where now - listed.seen > DCS.ttl {
            dcs.members[member] = nil
        }
        keepLeaderKey()
        keepSynchronousStandby(names)
        performSwitchover()
        elect()
    }

    /// A stream that ends without a word: the leader takes it for alive until wal_sender_timeout.
    mutating func leaveGhost(of member: MemberName, _ instance: Instance) {
        guard instance.isFollowing, let leader = dcs.leader, leader != member else { return }
        ghosts[member] = now + .seconds(60)
    }

    /// Patroni cannot reach etcd: a leader steps down before its key runs out.
    private mutating func passWithoutEtcd(_ member: MemberName) {
        guard var instance = instances[member] else { return }
        switch instance.activity {
        case .booting(let until) where now >= until: instance.activity = .idle
        case .leading, .promoting, .restarting(_, leads: true):
            // A turn of its loop, and what that waits for an answer.
            if now - instance.dcsSeen > .seconds(18) {
                instance.activity = .detached
            } else if case .promoting(let until) = instance.activity, now >= until {
                instance.activity = .leading
            }
        case .restarting(let until, leads: false) where now >= until:
            instance.activity = .detached
        case .following where dcs.leader.flatMap { instances[$0] }.map { !$0.isLeading } ?? true:
            instance.activity = .detached
        case .following:
            if let leader = dcs.leader, let its = instances[leader],
                !areConnected(instance.node, its.node)
            {
                leaveGhost(of: member, instance)
                instance.activity = .detached
            }
        default: break
        }
        instances[member] = instance
    }

    private mutating func pass(_ member: MemberName) {
        guard var instance = instances[member] else { return }
        let node = instance.node
        let key = VolumeKey(node: node, volume: member.rawValue)
        switch instance.activity {
        case .booting(let until) where now >= until: instance.activity = .idle
        case .idle: leaveIdle(key, &instance)
        case .bootstrapping(let until) where now >= until:
            data[key] = DataDirectory()
            dcs.isInitialized = true
            dcs.configuration = .object([
                "ttl": .int(30), "loop_wait": .int(10), "retry_timeout": .int(10),
                "maximum_lag_on_failover": .int(33_554_432),
                "postgresql": .object(["use_pg_rewind": .bool(true)]),
            ])
            take(lead: member, &instance)
        case .cloning(let until) where now >= until:
            if dcs.leader == nil {
                instance.activity = .idle
            } else {
                data[key] = DataDirectory()
                instance.activity = .starting(until: now + .seconds(1))
            }
        case .starting(let until) where now >= until:
            instance.applied = dcs.wanted
            instance.lag = 0
            if data[key]?.isWrecked != false {
                instance.activity = data[key] == nil ? .idle : .failing
            } else if !leaderIsInReach(of: node) {
                instance.activity = .detached
            } else {
                instance.activity = afterStart(key)
            }
        case .steppingDown(let until) where now >= until:
            instance.activity = .starting(until: now + .seconds(2))
        case .replaying(let until) where now >= until: instance.activity = .following
        case .detached: leaveDetached(member, &instance)
        case .reattaching(let until) where !leaderIsInReach(of: node):
            if now >= until { instance.activity = .detached }
        case .reattaching(let until) where now >= until && leaderLeads:
            instance.activity = .following
        case .rewinding where dcs.leader == nil: instance.activity = .idle
        case .rewinding(let until) where now >= until && leaderIsInReach(of: node):
            data[key]?.needsRewind = false
            instance.activity = .starting(until: now + .seconds(1))
        case .promoting(let until) where now >= until: instance.activity = .leading
        case .restarting(let until, let leads) where now >= until:
            instance.applied = dcs.wanted
            instance.activity =
                leads && dcs.leader == member ? .leading : .starting(until: now + .seconds(1))
        case .following:
            if !leaderIsInReach(of: node) {
                if dcs.leader != nil {
                    leaveGhost(of: member, instance)
                    instance.activity = .detached
                }
            } else if !leaderLeads {
                instance.activity = .reattaching(until: now + .seconds(1))
            } else {
                ghosts[member] = nil
                instance.lag = instance.isHeld ? min(instance.lag + 200_000, 1 << 34) : 0
            }
        default: break
        }
        if now - instance.dcsSeen >= .seconds(10) || instance.dcsSeen > now {
            instance.dcsSeen = now
        }
        instances[member] = instance
        if instance.answers, dcs.members[member]?.seen != now { list(member, node) }
    }

    private mutating func list(_ member: MemberName, _ node: NodeName) {
        if dcs.members[member]?.node == node {
            dcs.members[member]?.seen = now
            return
        }
        let ports = servers[node]?.containers[member.service]?.spec.ports ?? []
        func host(_ inside: UInt16) -> UInt16 {
            guard nodes.count > 1 else { return inside }
            return ports.first { $0.container == inside }?.host ?? inside
        }
        dcs.members[member] = DCS.Listed(
            node: node, seen: now, postgresPort: host(5432), patroniPort: host(8008))
    }

    private var leaderLeads: Bool { dcs.leader.flatMap { instances[$0] }?.isLeading == true }

    private func leaderIsInReach(of node: NodeName) -> Bool {
        guard let leader = dcs.leader, let its = instances[leader] else { return false }
        return areConnected(node, its.node)
    }

    private mutating func leaveDetached(_ member: MemberName, _ instance: inout Instance) {
        if dcs.leader == member {
            // Its key has not run out: it goes on as leader.
            instance.activity = .promoting(until: now + .seconds(1))
        } else if leaderIsInReach(of: instance.node) {
            instance.activity = .starting(until: now + .seconds(1))
        }
    }

    private mutating func leaveIdle(_ key: VolumeKey, _ instance: inout Instance) {
        switch data[key] {
        case .some(let directory) where directory.isWrecked: instance.activity = .failing
        case .some(let directory)
        where directory.needsRewind && dcs.leader.map { $0.rawValue != key.volume } ?? false:
            instance.activity = .rewinding(until: now + .seconds(seed.number(4...longestRewind)))
        case .some:
            if dcs.leader != nil { instance.activity = .starting(until: now + .seconds(2)) }
        case nil:
            if dcs.leader != nil {
                if leaderIsInReach(of: instance.node) {
                    instance.activity = .cloning(until: now + cloneTime())
                }
            } else if !dcs.isInitialized, !instances.values.contains(where: { $0.isBootstrapping })
            {
                instance.activity = .bootstrapping(until: now + .seconds(5))
            }
        }
    }

    private mutating func take(lead member: MemberName, _ instance: inout Instance) {
        tell("\(member) takes the lead")
        dcs.leader = member
        dcs.lastLeader = member
        dcs.leaderSeen = now
        data[VolumeKey(node: instance.node, volume: member.rawValue)]?.needsRewind = false
        ghosts = Roster()
        dcs.timeline += 1
        instance.dcsSeen = now
        instance.applied = dcs.timeline == 1 ? dcs.wanted : instance.applied
        instance.activity = .promoting(until: now + .seconds(1))
    }

    private mutating func keepLeaderKey() {
        guard let leader = dcs.leader else { return }
        switch instances[leader]?.activity {
        case .leading, .promoting, .restarting(_, leads: true):
            if let node = instances[leader]?.node, hasQuorum(from: node) {
                dcs.leaderSeen = now
                return
            }
        default: break
        }
        if now - dcs.leaderSeen > DCS.ttl, !dcs.isPaused { vacate() }
    }

    /// The leader names the first that streams to it, and keeps it while it does.
    private mutating func keepSynchronousStandby(_ names: [MemberName]) {
        guard dcs.isSynchronous else {
            dcs.sync = nil
            return
        }
        guard let leader = dcs.leader, instances[leader]?.isLeading == true else { return }
        if let sync = dcs.sync, sync != leader, instances[sync]?.isFollowing == true { return }
        dcs.sync = names.first { instances[$0]?.isFollowing == true }
    }

    /// The leader's key is free; its followers lose their stream.
    mutating func vacate() {
        tell("the leader's key is free")
        dcs.leader = nil
        dcs.vacantSince = now
        dcs.switchover = nil
    }

    private mutating func performSwitchover() {
        guard let pending = dcs.switchover, now >= pending.due else { return }
        dcs.switchover = nil
        guard pending.works, dcs.leader == pending.from, instances[pending.from]?.isLeading == true
        else { return }
        move(from: pending.from, to: pending.to)
    }

    /// The leader hands over to a follower, if it still is one and can take the key.
    mutating func move(from: MemberName, to: MemberName) {
        guard var candidate = instances[to], candidate.isFollowing, !candidate.isHeld,
            candidate.tags["nofailover"] != .bool(true), !dcs.isSynchronous || dcs.sync == to,
            hasQuorum(from: candidate.node)
        else { return }
        instances[from]?.activity = .steppingDown(
            until: now + .milliseconds(seed.number(300...2500)))
        take(lead: to, &candidate)
        instances[to] = candidate
        restream(besides: to)
    }

    private mutating func elect() {
        guard dcs.leader == nil, dcs.isInitialized, !dcs.isPaused,
            now - dcs.vacantSince > .seconds(1)
        else { return }
        let candidates = instances.filter {
            $0.value.mayLead && hasData($0.key) && $0.value.lag < 32 << 20
                && hasQuorum(from: $0.value.node)
                && (!dcs.isSynchronous || dcs.sync == nil || dcs.sync == $0.key
                    || $0.key == dcs.lastLeader)
        }
        guard
            let best = candidates.min(by: {
                ($0.value.lag, $0.key.rawValue) < ($1.value.lag, $1.key.rawValue)
            })
        else { return }
        var winner = best.value
        take(lead: best.key, &winner)
        instances[best.key] = winner
        restream(besides: best.key)
    }

    /// Followers attach to the new leader.
    private mutating func restream(besides leader: MemberName) {
        for member in instances.keys where member != leader {
            if instances[member]?.isFollowing == true {
                instances[member]?.activity = .reattaching(until: now + .seconds(2))
            }
        }
    }

    private func hasData(_ member: MemberName) -> Bool {
        guard let node = instances[member]?.node else { return false }
        return data[VolumeKey(node: node, volume: member.rawValue)]
            .map { !$0.isWrecked && !$0.hasDiverged } ?? false
    }
}

extension Instance {
    /// The REST answers.
    var answers: Bool { if case .booting = activity { false } else { true } }
    /// Its data is being cloned or wound back: cut short, it is worth nothing.
    func isMadeAnew(at now: Duration) -> Bool {
        switch activity {
        case .cloning(let until), .rewinding(let until): now < until
        default: false
        }
    }
    var isCloning: Bool { if case .cloning = activity { true } else { false } }
    var isBootstrapping: Bool { if case .bootstrapping = activity { true } else { false } }
    fileprivate var mayLead: Bool {
        guard tags["nofailover"] != .bool(true) else { return false }
        switch activity {
        case .following, .idle, .detached, .reattaching: return true
        default: return false
        }
    }
}
