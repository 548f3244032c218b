import Cluster
import Rendering

/// How a member of etcd comes back, joins or joins anew.
extension EtcdStage {
    /// A member that etcd expects starts with what it has; one that it does not know joins as a
    /// learner; one that lost its data leaves and joins anew.
    static func create(
        _ member: EtcdMember, _ address: ContainerAddress, _ situation: Situation,
        _ draft: inout Draft, after: [StepID]
    ) -> [StepID] {
        let hasData = hasData(member, situation)
        switch listing(of: member, situation) {
        case .noAnswer where !hasData && !situation.unknownNodes.isEmpty:
            // etcd may run where nobody could look: new members would found a cluster beside it.
            draft.block(
                member.name.rawValue,
                seen: "etcd does not answer, and \(unseen(situation))",
                expected: "every node seen before etcd is founded, or an etcd that answers",
                remedy: "Make the node reachable, then plan again.")
            return after
        case .noAnswer where !hasData && !situation.live.isEmpty:
            // Members of Postgres are there, so etcd has been: a new one beside it would found a
            // cluster of its own.
            draft.notes.append(
                .advice("\(member.name): etcd does not answer; it joins once etcd does"))
            return after
        case .noAnswer, .listed(isLearner: false, hasStarted: false):
            return [start(member, address, situation, &draft, after: after, isLearner: false)]
        case .listed(let isLearner, hasStarted: true) where hasData:
            let id = start(member, address, situation, &draft, after: after, isLearner: isLearner)
            return isLearner ? [promote(member.name, situation, &draft, after: [id])] : [id]
        case .listed(_, hasStarted: true):
            let gone = draft.add(
                "remove-etcd:\(member.name)", .removeEtcdMember(member.name),
                because: [.broken("etcd lists \(member.name), its data is gone")], after: after,
                guards: [.etcdHealthy(besides: [member.name])],
                done: .etcdMemberAbsent(member.name), limit: situation.rollout.stepTimeout)
            return join(member, situation, &draft, after: [gone])
        case .notListed: return rejoin(member, nil, situation, &draft, after: after)
        case .listed(isLearner: true, hasStarted: false):
            // A learner that was added and never started is added again: adding knows it.
            return join(member, situation, &draft, after: after)
        case .taken(let url, let owner):
            draft.block(
                member.name.rawValue,
                seen: "its peer address \(url) is that of etcd member \(owner)",
                expected: "an address of its own",
                remedy:
                    "Give \(member.name) other ports (ports: { client, peer }) or another server:"
                    + " \(owner) leaves only after \(member.name) has joined. Or keep the name"
                    + " \(owner).")
            return after
        }
    }

    static func hasData(_ member: EtcdMember, _ situation: Situation) -> Bool {
        guard case .volume(let name) = situation.topology.dataSource(of: member.name.service)
        else { return true }
        return situation.node(member.node)?.volumes.contains(name) ?? false
    }

    private enum Listing {
        case noAnswer, notListed
        case listed(isLearner: Bool, hasStarted: Bool)
        case taken(url: String, by: EtcdName)
    }

    private static func listing(of member: EtcdMember, _ situation: Situation) -> Listing {
        guard let peers = Rules.etcdMembers(situation.observed) else { return .noAnswer }
        let url = EtcdAddress(of: member, in: situation.desired).peerURL
        guard
            let peer = peers.first(where: { $0.name == member.name.rawValue })
                ?? peers.first(where: { $0.peerURLs.contains(url) })
        else { return .notListed }
        guard peer.name.isEmpty || peer.name == member.name.rawValue else {
            let owner = EtcdName(peer.name)
            // A dead member with no container there leaves first, and frees its address.
            return isDead(owner, situation)
                && situation.node(member.node)?.container(owner.service) == nil
                ? .notListed : .taken(url: url, by: owner)
        }
        return .listed(isLearner: peer.isLearner, hasStarted: peer.hasStarted)
    }

    private static func start(
        _ member: EtcdMember, _ address: ContainerAddress, _ situation: Situation,
        _ draft: inout Draft, after: [StepID], isLearner: Bool
    ) -> StepID {
        draft.add(
            "create:\(address.service)@\(address.node)", .createContainer(address),
            because: [.missing("etcd member \(member.name) has no container")], after: after,
            guards: [.containerMissing(address)],
            done: .etcdMemberHealthy(member.name, isLearner: isLearner),
            limit: situation.rollout.stepTimeout)
    }

    private static func join(
        _ member: EtcdMember, _ situation: Situation, _ draft: inout Draft, after: [StepID]
    ) -> [StepID] {
        let added = draft.add(
            "add-etcd:\(member.name)", .addEtcdLearner(member.name),
            because: [.missing("etcd member \(member.name)")], after: after,
            guards: [.etcdHealthy(besides: [member.name])],
            done: .etcdMemberHealthy(member.name, isLearner: true),
            limit: situation.rollout.stepTimeout)
        return [promote(member.name, situation, &draft, after: [added])]
    }

    /// Its container ended and etcd does not list it: with its data it can never come back.
    static func wasRemoved(
        _ member: EtcdMember, _ container: ObservedContainer, _ situation: Situation
    ) -> Bool {
        guard container.state != .running, container.managedBy == situation.desired.name,
            situation.observed.etcd[member.name]?.value?.isHealthy != true,
            case .notListed = listing(of: member, situation)
        else { return false }
        return true
    }

    /// etcd takes a member's data for the membership that it was made in: whoever joins starts with
    /// none, so what an earlier membership left goes first.
    static func rejoin(
        _ member: EtcdMember, _ container: ObservedContainer?, _ situation: Situation,
        _ draft: inout Draft, after: [StepID]
    ) -> [StepID] {
        guard container != nil || hasData(member, situation) else {
            return join(member, situation, &draft, after: after)
        }
        switch situation.topology.dataSource(of: member.name.service) {
        case .path(let path):
            draft.block(
                member.name.rawValue,
                seen: "etcd removed it, and \(path) on \(member.node) has its old data",
                expected: "an empty data directory, as for any member that joins",
                remedy: "Remove its container and empty \(path) on \(member.node), then plan again."
            )
            return after
        case .volume(let volume):
            var guards = [Guard.etcdForgot(member.name)]
            if let container {
                guards.append(
                    .containerIs(
                        ContainerAddress(member.name.service, on: member.node), id: container.id))
            }
            let empty = draft.add(
                "discard-etcd-data:\(member.name)",
                .discardEtcdData(member.name, containerID: container?.id, volume: volume),
                because: [.broken("its old data is of a membership that etcd ended")],
                after: after, guards: guards, done: .commandSucceeded, limit: .seconds(120))
            return join(member, situation, &draft, after: [empty])
        }
    }

    static func promote(
        _ name: EtcdName, _ situation: Situation, _ draft: inout Draft, after: [StepID]
    ) -> StepID {
        draft.add(
            "promote-etcd:\(name)", .promoteEtcd(name),
            because: [.topology("a learner votes once it has caught up")], after: after,
            done: .etcdMemberHealthy(name, isLearner: false),
            limit: situation.rollout.stepTimeout)
    }
}
