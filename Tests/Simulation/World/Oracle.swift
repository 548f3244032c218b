import Cluster

/// Watches the oath from outside. It knows the world's truth and what was done to it; of the
/// planner, the rules and the run it knows nothing.
///
/// Between a reading and the act that rests on it the world can change by itself, so a fact that
/// held within `grace` before an act counts as held.
struct Oracle: Sendable {
    private(set) var violations: [String] = []
    /// Declared to be within this of the leader to count as a copy.
    var maxLag: Int64 = 1 << 20
    private var lastHealthy = Roster<MemberName, Duration>()
    private var healthySince = Roster<MemberName, Duration>()
    private var lastNotLeading = Roster<MemberName, Duration>()
    private var lastUnpaused = Duration.zero
    private var lastLed = Duration.zero
    private(set) var lastRunning = Roster<String, Duration>()
    /// When etcd had no quorum, and not for what we took of it.
    var lastWithoutQuorum: Duration?
    private var downByUs: Set<MemberName> = []
    /// Commands that take a member down, sent and not over: its old instance may live on meanwhile.
    private(set) var pending: [MemberName: Int] = [:]
    /// Where the lead was asked to go, until that is known.
    private(set) var openSwitchover: MemberName?
    private var lastPendingRestart = Roster<MemberName, Duration>()
    private var cloningSince = Roster<MemberName, Duration>()
    /// When every member that could be asked had reached etcd lately.
    private var lastFresh = Duration.zero
    /// Voters whose process is about to stop by our hand, until another runs.
    var etcdDown: [EtcdName: Going] = [:]
    struct Going: Sendable {
        var since: Duration
        var run: String?
    }
    /// Voters whose process our hand has stopped, until they vote again.
    var takenVotes: Set<EtcdName> = []
    /// Who leads, or did last.
    private var lead: MemberName?
    /// Who led before that one.
    private var ledBefore: MemberName?
    /// Members that were seen on two nodes: said once.
    private var twins: Set<MemberName> = []
    private var seenRevision = -1
    /// Who acted last.
    var actor: Int?

    static let grace = Duration.seconds(5)
    /// How long a lost connection may go unnoticed.
    static let lockGrace = Duration.seconds(8)

    mutating func note(_ violation: String, at now: Duration) {
        violations.append("\(now): \(violation)")
    }

    mutating func look(at world: World) {
        let now = world.now
        for (member, instance) in world.instances {
            if isHealthyCopy(member, instance, in: world) {
                lastHealthy[member] = now
                if healthySince[member] == nil { healthySince[member] = now }
                if !downByUs.isEmpty, pending[member] == nil { downByUs.remove(member) }
            } else {
                healthySince[member] = nil
            }
            if world.dcs.leader != member { lastNotLeading[member] = now }
            if world.hasPendingRestart(instance) { lastPendingRestart[member] = now }
            if instance.isMadeAnew(at: now) {
                if cloningSince[member] == nil { cloningSince[member] = now }
            } else if cloningSince[member] != nil {
                cloningSince[member] = nil
            }
        }
        if !world.hasStaleMember { lastFresh = now }
        for (name, going) in etcdDown
        where world.run(of: name) != going.run || now - going.since > .seconds(30) {
            etcdDown[name] = nil
        }
        for member in world.dcs.members.keys where world.instances[member] == nil {
            if world.dcs.leader != member { lastNotLeading[member] = now }
        }
        if !world.dcs.isPaused { lastUnpaused = now }
        if let leader = world.dcs.leader, world.instances[leader]?.isLeading == true {
            lastLed = now
            if lead != leader { ledBefore = lead }
            lead = leader
            if leader == openSwitchover { openSwitchover = nil }
        }
        for member in world.etcd.members where world.isEtcdWell(member) {
            lastRunning[member.name] = now
        }
        lookAtEtcd(world)
        guard seenRevision != world.revision else { return }
        seenRevision = world.revision
        lookForTwins(world)
        // A member that is gone for good is not down.
        if !downByUs.isEmpty {
            downByUs = downByUs.filter { world.container(of: $0) != nil }
        }
    }

    private mutating func lookForTwins(_ world: World) {
        for member in world.instances.keys where !twins.contains(member) {
            let places = world.nodes.filter {
                world.servers[$0]?.containers[member.service] != nil
            }
            if places.count > 1 {
                twins.insert(member)
                note("S4: \(member) was made on another node than its own", at: world.now)
            }
        }
    }

    func isHealthyCopy(_ member: MemberName, _ instance: Instance, in world: World) -> Bool {
        if world.dcs.leader == member {
            if case .promoting = instance.activity { return true }
            return instance.isLeading
        }
        return instance.isFollowing && instance.lag <= maxLag
    }

    func isHealthyCopy(_ member: MemberName, in world: World) -> Bool {
        world.instances[member].map { isHealthyCopy(member, $0, in: world) } ?? false
    }

    private func wasHealthy(_ member: MemberName, at now: Duration) -> Bool {
        lastHealthy[member].map { now - $0 <= Self.grace } ?? false
    }

    // MARK: - What is done

    /// Called as a command that takes a member down is sent.
    mutating func memberGoesDown(_ member: MemberName, by verb: String, in world: World) {
        let now = world.now
        // The only member may be the leader that cannot be heard: a person accepted that by name.
        if counted(world) == [member], isAccepted("outage", of: member.service, in: world) {
            downByUs.insert(member)
            return
        }
        let isRestart = verb == "restart of Postgres in"
        if world.dcs.leader == member, !isRestart,
            now - (lastNotLeading[member] ?? .zero) > Self.grace
        {
            note("S2: \(verb) \(member) while it leads", at: now)
        }
        if isRestart, now - (lastPendingRestart[member] ?? .zero) > Self.grace,
            world.instances[member].map({ !world.hasPendingRestart($0) }) ?? true
        {
            note("S1: \(verb) \(member), where no setting waits for one", at: now)
        }
        if let since = cloningSince[member], now - since > Self.grace {
            note("S1: \(verb) \(member) cuts off what makes its data whole", at: now)
        }
        let isRepair = verb == "restart of" || verb == "reinitialisation of"
        if isRepair, !isHealthyCopy(member, in: world), let last = lastHealthy[member],
            now - last < .seconds(10)
        {
            note("S1: \(verb) \(member), which was healthy \(now - last) ago", at: now)
        }
        if isRepair, world.hasYetToCome(member) {
            note("S1: \(verb) \(member) as it starts", at: now)
        }
        // What is no copy anyway takes nothing away; what has just become one could not be known.
        let since = healthySince[member] ?? now
        if isHealthyCopy(member, in: world), now - since > Self.grace {
            // Of a member that was removed a second, stopped container may be left.
            let others = counted(world).subtracting([member]).sorted()
            for other in others where downByUs.contains(other) {
                note("S1: \(verb) \(member) while \(other) is down by our hand", at: now)
            }
            for other in others where !wasHealthy(other, at: now) {
                note("S1: \(verb) \(member) while \(other) is no healthy copy", at: now)
            }
            // The rest is done to change a member or to be rid of it.
            if isRepair { note("S1: \(verb) \(member), which is a healthy copy", at: now) }
            if let unseen = actor.flatMap({ world.controllers[$0]?.blind.sorted().first }) {
                note("S4: \(verb) \(member) while \(unseen) could not be looked at", at: now)
            }
        }
        if isPausedLong(world) { note("S9: \(verb) \(member) in a pause", at: now) }
        if now - lastLed > Self.grace,
            world.dcs.leader.flatMap({ world.instances[$0] })?.isLeading != true
        {
            if !standsStill(member, in: world) {
                note("S9: \(verb) \(member) without a leader", at: now)
            }
        } else if isStaleLong(world) {
            note("S9: \(verb) \(member) while a member has lost etcd", at: now)
        }
        downByUs.insert(member)
    }

    // What ends at this very moment can be seen already.
    private func isPausedLong(_ world: World) -> Bool {
        world.dcs.isPaused && world.now - lastUnpaused > Self.grace
    }
    private func isStaleLong(_ world: World) -> Bool {
        world.now - lastFresh > Self.grace && world.hasStaleMember
    }

    /// Members whose state matters to the others: whom Patroni lists, and who is to stay. One that is
    /// to be removed and that Patroni forgot is none.
    private func counted(_ world: World) -> Set<MemberName> {
        let staying = actor.flatMap { world.controllers[$0]?.staying } ?? []
        return staying.intersection(members(in: world)).union(world.dcs.members.keys)
    }

    /// Whoever has a container, on whatever server.
    func members(in world: World) -> Set<MemberName> {
        var members: Set<MemberName> = []
        for server in world.servers.values {
            for container in server.containers.values {
                if case .postgres(let member) = container.spec.role { members.insert(member) }
            }
        }
        return members
    }

    /// Neither a copy that works nor about to be one: without a leader it may be taken down, for
    /// nobody could be waited for.
    private func standsStill(_ member: MemberName, in world: World) -> Bool {
        switch world.instances[member]?.activity {
        case nil, .booting, .idle, .failing: true
        default: false
        }
    }

    /// Between these two a command that takes it down is on its way.
    mutating func isSent(to member: MemberName) { pending[member, default: 0] += 1 }
    mutating func isOver(for member: MemberName) {
        let left = pending[member, default: 1] - 1
        pending[member] = left > 0 ? left : nil
    }

    /// Its data is made anew at once from the leader's, which has all that it has: unless it went
    /// another way, or led until the leader came and nobody can look into it any more.
    mutating func dataIsCloned(of member: MemberName, on node: NodeName, in world: World) {
        let old = world.data[VolumeKey(node: node, volume: member.rawValue)] ?? DataDirectory()
        dataIsDeleted(
            of: member, volume: member.rawValue, on: node,
            asCopy: !old.hasDiverged && !(old.isWrecked && ledBefore == member), in: world)
    }

    /// - Parameter asCopy: it is made anew at once from another copy, which has all that it has.
    mutating func dataIsDeleted(
        of member: MemberName, volume: String, on node: NodeName, asCopy: Bool, in world: World
    ) {
        let now = world.now
        guard world.data[VolumeKey(node: node, volume: volume)] != nil else { return }
        if !asCopy, !isAccepted("data-loss", of: member.service, in: world) {
            note("S6: the data of \(member) is deleted, which nobody accepted", at: now)
        }
        let others = Set(world.instances.keys).subtracting([member])
        if !others.contains(where: { wasHealthy($0, at: now) }) {
            note("S6: the last healthy copy, of \(member), is deleted", at: now)
        }
    }

    mutating func switchoverIsAsked(to member: MemberName?, in world: World) {
        let now = world.now
        if openSwitchover != nil {
            note("S3: a switchover is asked for while another is not confirmed", at: now)
        }
        if isPausedLong(world) { note("S9: a switchover in a pause", at: now) }
        if isStaleLong(world) {
            note("S9: a switchover while a member has lost etcd", at: now)
        }
        if let member, !wasHealthy(member, at: now) {
            note("S3: a switchover to \(member), which is no healthy copy", at: now)
        }
        openSwitchover = member
    }

    /// Its end is known, or a person may have looked.
    mutating func switchoverIsSettled() { openSwitchover = nil }

    /// Whether a person accepted this of the plan that is acted upon.
    func isAccepted(
        _ hazard: String, of service: ServiceName, in world: World
    ) -> Bool {
        actor.flatMap { world.controllers[$0]?.accepted[hazard]?.contains(service) } ?? false
    }
}
