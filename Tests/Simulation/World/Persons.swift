import Cluster
import Rendering

/// What people do by hand while the tool is at work.
extension World {
    /// A person uses patronictl: at once, or with a time.
    mutating func switchoverByHand(to member: MemberName) {
        guard let leader = dcs.leader, leader != member, dcs.switchover == nil else { return }
        dcs.switchover = DCS.PendingSwitchover(
            from: leader, to: member, due: now + .seconds(seed.number(1...30)), works: true,
            isScheduled: seed.oneIn(2))
    }

    /// `docker start` of what somebody finds stopped.
    mutating func startByHand() {
        var stopped: [ContainerAddress] = []
        for node in nodes where servers[node]?.isUp == true {
            for (service, container) in servers[node]?.containers ?? [:]
            where !container.isRunning {
                stopped.append(ContainerAddress(service, on: node))
            }
        }
        guard !stopped.isEmpty else { return }
        let address = seed.pick(stopped.sorted())
        tell("a person starts \(address)")
        run(address)
    }

    /// `patronictl reinit` of a replica: mostly of one that does not stream.
    mutating func reinitializeByHand() {
        guard let leader = dcs.leader, instances[leader]?.isLeading == true else { return }
        let replicas = instances.filter { member, instance in
            member != leader && instance.answers && hasQuorum(from: instance.node)
                && !instance.isMadeAnew(at: now)
        }
        let ailing = replicas.filter { !$0.value.isFollowing }
        let choices = (ailing.isEmpty ? replicas : ailing).map(\.key)
        guard !choices.isEmpty else { return }
        let member = seed.pick(choices)
        guard let node = instances[member]?.node,
            instances[member]?.isFollowing != true || mayBeSpoilt(member)
        else { return }
        tell("a person reinitialises \(member)")
        cloneAnew(member, on: node)
    }

    /// Patroni removes its data and begins to clone the leader's.
    mutating func cloneAnew(_ member: MemberName, on node: NodeName) {
        data[VolumeKey(node: node, volume: member.rawValue)] = nil
        instances[member]?.isHeld = false
        let end = now + cloneTime()
        instances[member]?.activity = .cloning(until: end)
    }

    /// Mostly some seconds; a large database takes longer.
    mutating func cloneTime() -> Duration {
        .seconds(seed.oneIn(5) ? seed.number(20...60) : seed.number(2...15))
    }
}
