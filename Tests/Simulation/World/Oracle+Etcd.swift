import Cluster

/// S5: etcd's votes.
extension Oracle {
    /// A voter's process is about to stop by our hand. Only a person may take the quorum.
    mutating func etcdStops(_ name: EtcdName, _ what: String, in world: World) {
        guard world.etcd.isBorn, world.etcd.running[name] != nil else { return }
        let voters = world.etcd.voters
        guard voters.contains(where: { $0.name == name.rawValue }) else { return }
        // Of one or two that live none can be spared, in whatever order; of three there is one.
        let isAccepted = isAccepted("outage", of: name.service, in: world)
        let isOther = voters.contains { $0.name != name.rawValue && isGoing($0, world) }
        defer { etcdDown[name] = Going(since: world.now, run: world.run(of: name)) }
        if isAccepted, !isOther, voters.count(where: { lives($0, world) }) <= 2 { return }
        // A quorum that trouble took is not ours to lose.
        if let lost = lastWithoutQuorum, world.now - lost <= Self.grace { return }
        judge(voters, without: name, what, world)
    }

    /// Also with the votes that are missing by our hand.
    mutating func lookAtEtcd(_ world: World) {
        let voters = world.etcd.voters
        let votes = voters.count { voter in
            let name = EtcdName(voter.name)
            guard world.isEtcdWell(voter) else { return takenVotes.contains(name) }
            takenVotes.remove(name)
            return true
        }
        if world.etcd.isBorn, votes <= voters.count / 2 { lastWithoutQuorum = world.now }
    }

    /// Down by our hand. One that came back since the last look of the oracle is not.
    private func isGoing(_ voter: EtcdCluster.Member, _ world: World) -> Bool {
        guard let going = etcdDown[EtcdName(voter.name)] else { return false }
        let run = world.run(of: EtcdName(voter.name))
        return run == nil || run == going.run
    }

    private func lives(_ voter: EtcdCluster.Member, _ world: World) -> Bool {
        world.isEtcdWell(voter)
            || lastRunning[voter.name].map { world.now - $0 <= Self.grace } ?? false
    }

    /// A command was answered to have failed, and did nothing: what it was to stop goes on.
    mutating func failed(_ operation: Operation) {
        switch operation {
        case .up(let address, _), .restart(let address), .remove(let address, _, _):
            etcdDown[EtcdName(address.service.rawValue)] = nil
        default: break
        }
    }

    /// A voter's process stops by our hand, whether it ran as that was sent or not.
    mutating func etcdEnds(_ name: EtcdName, in world: World) {
        if world.etcd.voters.contains(where: { $0.name == name.rawValue && lives($0, world) }) {
            takenVotes.insert(name)
        }
        guard etcdDown[name] == nil else { return }
        // Somebody started it while the command was on its way: it was down as that was sent.
        if let node = world.etcd.running[name],
            let container = world.servers[node]?.containers[name.service],
            world.clock - container.startedAt <= Self.grace.components.seconds
        {
            return
        }
        etcdStops(name, "a late stop of \(name)", in: world)
    }

    /// A voter is about to leave the list.
    mutating func etcdLoses(_ name: EtcdName, _ what: String, in world: World) {
        let rest = world.etcd.voters.filter { $0.label != name.rawValue }
        guard let lost = world.etcd.voters.first(where: { $0.label == name.rawValue }) else {
            return
        }
        if lives(lost, world),
            let unseen = actor.flatMap({ world.controllers[$0]?.blind.sorted().first })
        {
            note("S4: \(what) while \(unseen) could not be looked at", at: world.now)
        }
        judge(rest, without: name, what, world)
    }

    /// A member's container is about to go for good.
    mutating func etcdIsRemoved(_ name: EtcdName, in world: World) {
        if world.etcd.voters.contains(where: { $0.name == name.rawValue }) {
            note("S5: \(name) is removed while etcd counts on its vote", at: world.now)
        }
    }

    private mutating func judge(
        _ voters: [EtcdCluster.Member], without name: EtcdName, _ what: String, _ world: World
    ) {
        let alive = voters.filter {
            $0.name != name.rawValue && !isGoing($0, world) && lives($0, world)
        }
        if alive.count <= voters.count / 2 {
            note(
                "S5: etcd has \(alive.count) of \(voters.count) voters after \(what)",
                at: world.now)
        }
    }
}
