import Cluster
import Rendering

/// Stage 2: etcd, one member at a time; learner first, removed before stopped, only while all are
/// healthy (S5).
enum EtcdStage {
    static func plan(_ situation: Situation, _ draft: inout Draft) {
        let members = situation.desired.etcd.members
        if isFresh(situation) {
            for member in members {
                let address = ContainerAddress(member.name.service, on: member.node)
                draft.etcd.append(
                    draft.add(
                        "create:\(address.service)@\(address.node)", .createContainer(address),
                        because: [.missing("no etcd yet")], after: draft.prepared,
                        guards: [.containerMissing(address)],
                        done: .etcdMemberHealthy(member.name, isLearner: false),
                        limit: situation.rollout.stepTimeout))
            }
            return
        }
        guard let listed = Rules.etcdMembers(situation.observed) else {
            return bringQuorumBack(situation, &draft)
        }
        var last: [StepID] = []
        refuseOtherNames(listed, situation, &draft)
        let leaving = leaving(listed, situation)
        // While one is dead, no other may join.
        let dead = leaving.filter { isDead($0, situation) }
        for name in dead { remove(name, besides: dead, situation, &draft, after: &last) }
        // A learner first, as etcd takes no second one; then the broken, as nothing else is touched
        // while one is missing.
        for rank in 0...2 {
            for member in members where self.rank(member, situation) == rank {
                mend(member, situation, &draft, after: &last)
            }
        }
        for name in leaving where !dead.contains(name) {
            remove(name, besides: [name], situation, &draft, after: &last)
        }
        draft.etcd = last
    }

    /// No quorum answers: those that are down come up side by side, for none can alone. One that
    /// answers lacks nothing but the others: taken down before they are back, it would end the
    /// quorum that they make with it.
    private static func bringQuorumBack(_ situation: Situation, _ draft: inout Draft) {
        let members = situation.desired.etcd.members
        let waiting = members.filter {
            runs($0, situation) && situation.observed.etcd[$0.name]?.value != nil
        }
        var others: [StepID] = []
        for member in members where !waiting.contains(member) {
            var mine: [StepID] = []
            mend(member, situation, &draft, after: &mine)
            others += mine
        }
        others += startVotes(situation, &draft)
        draft.etcd = others
        // Where all run, what they run with may be what keeps them apart.
        let mayWait = !others.isEmpty || waiting.count < members.count
        for member in waiting {
            // Of two voters none can be spared once both are back: that is for another plan to ask.
            if mayWait, others.isEmpty || knowsFewVoters(member, situation) {
                noteIfChanged(member, situation, &draft)
                continue
            }
            var mine = others
            mend(member, situation, &draft, after: &mine, awaitingQuorum: mayWait)
            if mine != others { draft.etcd += mine }
        }
    }

    /// It answers without a quorum too.
    private static func knowsFewVoters(_ member: EtcdMember, _ situation: Situation) -> Bool {
        let listed = situation.observed.etcd[member.name]?.value?.members ?? []
        return (1...2).contains(listed.count { !$0.isLearner })
    }

    /// Silence would read as "matches the manifest".
    private static func noteIfChanged(
        _ member: EtcdMember, _ situation: Situation, _ draft: inout Draft
    ) {
        let address = ContainerAddress(member.name.service, on: member.node)
        guard case .present(_, let changes) = situation.standing(address), !changes.isEmpty
        else { return }
        let fields = changes.map(\.field).joined(separator: ", ")
        draft.notes.append(
            .down(
                object: member.name.rawValue,
                reason:
                    "etcd has no quorum; its change of \(fields) waits for one. Bring the others"
                    + " back, or take those that are gone for good out of the manifest"))
    }

    /// Members that left the manifest and are down, where no quorum answers: it may need their votes
    /// to let them go. Who answers has the list of members, also without a quorum.
    private static func startVotes(_ situation: Situation, _ draft: inout Draft) -> [StepID] {
        var started: [StepID] = []
        let lists = situation.observed.etcd.values.compactMap { $0.value?.members }
        func mayBeMember(_ service: ServiceName) -> Bool {
            lists.isEmpty || lists.contains { $0.contains { $0.name == service.rawValue } }
        }
        for node in situation.desired.nodes.map(\.name) {
            for container in situation.node(node)?.containers ?? []
            where situation.desired.isEtcd(container)
                && situation.blueprint.spec(ContainerAddress(container.service, on: node)) == nil
                && container.managedBy == situation.desired.name
                && [.exited, .created, .dead].contains(container.state)
                && mayBeMember(container.service)
            {
                let address = ContainerAddress(container.service, on: node)
                started.append(
                    draft.add(
                        "start:\(address.service)@\(node)", .startContainer(address),
                        because: [
                            .broken(
                                "its container is \(container.state.rawValue), and etcd without a"
                                    + " quorum may need its vote before it can leave")
                        ],
                        after: draft.prepared,
                        guards: [.containerIs(address, id: container.id)],
                        done: .commandSucceeded, limit: situation.rollout.stepTimeout))
            }
        }
        return started
    }

    /// Members are told apart by name: one that etcd knows by another would be taken for a stranger
    /// that left the manifest.
    private static func refuseOtherNames(
        _ listed: [EtcdPeer], _ situation: Situation, _ draft: inout Draft
    ) {
        for member in situation.desired.etcd.members {
            guard let id = situation.observed.etcd[member.name]?.value?.memberID,
                let peer = listed.first(where: { $0.id == id }), !peer.name.isEmpty,
                peer.name != member.name.rawValue
            else { continue }
            draft.block(
                member.name.rawValue, seen: "etcd knows it as \(peer.name)",
                expected: "one name for the member, its compose service and in etcd",
                remedy: "Declare the member as \(peer.name) and give its compose service that name,"
                    + " or give etcd the name \(member.name) (ETCD_NAME) and restart it by hand.")
        }
    }

    /// Nothing of etcd is anywhere, and everywhere was looked.
    static func isFresh(_ situation: Situation) -> Bool {
        guard situation.unknownNodes.isEmpty else { return false }
        return situation.desired.etcd.members.allSatisfy { member in
            guard let node = situation.node(member.node) else { return false }
            return node.container(member.name.service) == nil
                && !hasData(member, situation)
        } && situation.observed.etcd.values.allSatisfy { $0.value == nil }
    }

    private static func rank(_ member: EtcdMember, _ situation: Situation) -> Int {
        guard runs(member, situation) else { return 1 }
        return isLearner(member.name, situation) ? 0 : 2
    }

    private static func runs(_ member: EtcdMember, _ situation: Situation) -> Bool {
        let address = ContainerAddress(member.name.service, on: member.node)
        guard case .present(let container, _) = situation.standing(address) else { return false }
        return container.state == .running
    }

    private static func mend(
        _ member: EtcdMember, _ situation: Situation, _ draft: inout Draft,
        after last: inout [StepID], awaitingQuorum: Bool = false
    ) {
        let address = ContainerAddress(member.name.service, on: member.node)
        let before = last
        let after = draft.prepared + last
        let limit = situation.rollout.stepTimeout
        let isLearner = isLearner(member.name, situation)
        let healthy = Condition.etcdMemberHealthy(member.name, isLearner: isLearner)
        switch situation.standing(address) {
        case .unknown: return
        case .absent: last = create(member, address, situation, &draft, after: after)
        case .present(let container, let changes):
            if wasRemoved(member, container, situation) {
                last = rejoin(member, container, situation, &draft, after: after)
            } else if !changes.isEmpty {
                guard situation.keepsData(address, &draft) else { return }
                let isRunning = container.state == .running
                let isOutage = isRunning && !awaitingQuorum && breaksQuorum(situation)
                var guards = [Guard.containerIs(address, id: container.id)]
                guards += recreationGuards(
                    member, container.state, situation, awaitingQuorum: awaitingQuorum)
                last = [
                    draft.add(
                        "recreate:\(address.service)@\(address.node)", .recreateContainer(address),
                        because: changes.map(\.cause), after: after, guards: guards,
                        done: healthy, limit: limit, disruption: isOutage ? .outage : .none,
                        hazards: isOutage ? [.outage] : [])
                ]
            } else if container.state == .paused {
                // Its note says so: what somebody paused is not started.
            } else if container.state != .running {
                last = [
                    draft.add(
                        "start:\(address.service)@\(address.node)", .startContainer(address),
                        because: [.broken("its container is \(container.state.rawValue)")],
                        after: after, done: healthy, limit: limit)
                ]
            } else if isLearner {
                last = [promote(member.name, situation, &draft, after: after)]
                return
            }
            if isLearner, last != before {
                last = [promote(member.name, situation, &draft, after: last)]
            }
        }
    }

    /// Nobody waits for the health of what is to be mended. Without a quorum nobody is healthy, and
    /// those that are down or ill have to come back: where it is so.
    private static func recreationGuards(
        _ member: EtcdMember, _ state: ContainerState, _ situation: Situation, awaitingQuorum: Bool
    ) -> [Guard] {
        let observed = situation.observed
        let isRunning = state == .running
        // Several that are down may need each other for their health.
        if state.isDown, Rules.etcdHealthy(besides: [member.name], observed) != .holds {
            let isDown = Guard.containerDown(
                ContainerAddress(member.name.service, on: member.node))
            // One that fails again and again runs, and votes, between its ends (S5).
            return state == .restarting ? [isDown, .etcdLosesNothing(member.name)] : [isDown]
        }
        if awaitingQuorum || (isRunning && observed.etcd[member.name]?.value?.isHealthy == true) {
            return [.etcdHealthy(besides: [])]
        }
        if Rules.etcdMembers(observed) == nil {
            return isRunning ? [.etcdLosesNothing(member.name)] : []
        }
        let isOutage = isRunning && breaksQuorum(situation)
        return isOutage ? [] : [.etcdHealthy(besides: [member.name])]
    }

    /// Whether the others are too few while one is down: of one or two voters. The dead that leave
    /// are gone by then. An etcd that does not answer may still have a quorum, and lose it (S4).
    private static func breaksQuorum(_ situation: Situation) -> Bool {
        guard let listed = Rules.etcdMembers(situation.observed) else { return true }
        let voters = listed.count { !$0.isLearner && !isDead(EtcdName($0.name), situation) }
        return voters - 1 < voters / 2 + 1
    }

    private static func isLearner(_ name: EtcdName, _ situation: Situation) -> Bool {
        Rules.etcdMembers(situation.observed)?
            .contains { $0.name == name.rawValue && $0.isLearner } ?? false
    }

    /// Members of etcd that left the manifest.
    private static func leaving(_ listed: [EtcdPeer], _ situation: Situation) -> [EtcdName] {
        let members = situation.desired.etcd.members
        let declared = Set(members.map(\.name))
        let places = Set(members.map { EtcdAddress(of: $0, in: situation.desired).peerURL })
        return listed.filter { peer in
            // One that never started has no name yet, and is told by its address.
            peer.name.isEmpty
                ? places.isDisjoint(with: peer.peerURLs) : !declared.contains(peer.label)
        }.map(\.label).sorted()
    }

    /// It left the manifest and does not answer healthy, as on a server that is gone.
    static func isDead(_ name: EtcdName, _ situation: Situation) -> Bool {
        !situation.desired.etcd.members.contains { $0.name == name }
            && situation.observed.etcd[name]?.value?.isHealthy != true
    }

    /// Out of the member list first, then stopped.
    private static func remove(
        _ name: EtcdName, besides: [EtcdName], _ situation: Situation, _ draft: inout Draft,
        after last: inout [StepID]
    ) {
        guard situation.unknownNodes.isEmpty else {
            draft.block(
                name.rawValue, seen: unseen(situation),
                expected: "every node seen before etcd shrinks",
                remedy: "Make the node reachable or take it out of the manifest, then plan again.")
            return
        }
        last = [
            draft.add(
                "remove-etcd:\(name)", .removeEtcdMember(name), because: [.leftManifest],
                after: draft.prepared + last, guards: [.etcdHealthy(besides: besides)],
                done: .etcdMemberAbsent(name), limit: situation.rollout.stepTimeout)
        ]
    }

    static func unseen(_ situation: Situation) -> String {
        situation.unknownNodes.map(\.rawValue).joined(separator: ", ") + " could not be looked at"
    }
}
