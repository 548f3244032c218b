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
    static let kinds = 0...26
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
        case 8: dcs.isPaused = dcs.isPaused ? false : wanted != nil || seed.oneIn(3)
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
        case 22: blackOut(node)
        case 23: startByHand()
        case 24: reinitializeByHand()
        case 25: killEtcdButOne()
        default: heal()
        }
    }
}
