import Cluster
import Planning
import Rendering
import Testing

/// etcd keeps its quorum whatever is edited (S5).
@Suite struct EtcdTests {
    private func ids(_ plan: Plan) -> [String] {
        plan.steps.map(\.id.rawValue).filter { $0.contains("etcd") }
    }

    /// etcd as it is once those members are out of its list, their containers still there.
    private func forget(_ gone: Set<EtcdName>, _ world: inout World) {
        for (name, reading) in world.observed.etcd {
            guard case .known(var answer) = reading else { continue }
            answer.members.removeAll { gone.contains(EtcdName($0.name)) }
            world.observed.etcd[name] =
                gone.contains(name) ? .unreachable("removed") : .known(answer)
        }
    }

    private func verdict(_ rule: Guard, _ world: World) throws -> Verdict {
        let topology = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed
        ).topology
        return Rules.check(rule, topology: topology, observed: world.observed)
    }

    @Test("shrinking from three to one must end: a removed member that still runs is not ill")
    func threeToOne() throws {
        var world = try converged()
        world.desired.etcd.members.removeLast(2)
        #expect(
            try ids(world.plan()).suffix(4) == [
                "remove-etcd:etcd-2", "remove-etcd:etcd-3", "remove:etcd-2@node-2",
                "remove:etcd-3@node-3",
            ])
        #expect(try verdict(.etcdHealthy(besides: ["etcd-2"]), world) == .holds)
        forget(["etcd-2"], &world)
        #expect(try verdict(.etcdHealthy(besides: ["etcd-3"]), world) == .holds)
        #expect(try verdict(.etcdForgot("etcd-2"), world) == .holds)
        #expect(try verdict(.etcdForgot("etcd-3"), world) == .wait("etcd still lists etcd-3"))
    }

    @Test("a plan on lost answers must not end a quorum: that there is none is for a member to say")
    func lostAnswers() throws {
        var world = try converged()
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        for name in world.observed.etcd.keys { world.observed.etcd[name] = .unreachable("silent") }
        let guards = try world.plan().steps.flatMap(\.guards)
        let rule = Guard.etcdLosesNothing("etcd-1")
        #expect(guards.contains(rule))
        #expect(
            try verdict(rule, world)
                == .ripening("no etcd member answers; one may yet", after: .seconds(20)))
        let members = try #require(try converged().observed.etcd["etcd-1"]?.value?.members)
        var answer = ObservedEtcd(
            isHealthy: false, members: members, memberID: members[0].id, leaderID: members[1].id)
        world.observed.etcd["etcd-1"] = .known(answer)
        #expect(
            try verdict(rule, world)
                == .wait(
                    "etcd-1 has a leader in etcd, and without etcd-1 only 0 of 3 voters answer that"
                        + " they follow it"))
        // A learner knows the leader and no list.
        world.observed.etcd["etcd-1"] = .known(
            ObservedEtcd(
                isHealthy: false, members: [], memberID: members[0].id, leaderID: members[1].id))
        #expect(try verdict(rule, world) != .holds)
        answer.leaderID = nil
        world.observed.etcd["etcd-1"] = .known(answer)
        #expect(
            try verdict(rule, world)
                == .ripening(
                    "no etcd member knows of a leader; one may be elected", after: .seconds(20)))
        world = try converged()
        #expect(try verdict(rule, world) == .holds)
        world.observed.etcd["etcd-2"] = .unreachable("silent")
        #expect(
            try verdict(rule, world) == .wait("etcd member etcd-2 is not healthy: silent"))
    }

    /// An alarm makes every member unhealthy: the edit that helps could never be applied.
    @Test("members that follow a leader and are unhealthy all the same must be changed one by one")
    func alarm() throws {
        var world = try converged()
        for (name, reading) in world.observed.etcd {
            world.observed.etcd[name] = reading.map {
                var answer = $0
                answer.isHealthy = false
                answer.leaderID = answer.members.first?.id
                return answer
            }
        }
        let rule = Guard.etcdLosesNothing("etcd-1")
        #expect(try verdict(rule, world) == .holds)
        world.observed.etcd["etcd-2"] = .unreachable("silent")
        #expect(
            try verdict(rule, world)
                == .wait(
                    "etcd-1 has a leader in etcd, and without etcd-1 only 1 of 3 voters answer that"
                        + " they follow it"))
    }

    @Test("shrinking from five to three must end, and never go on while a voter is ill")
    func fiveToThree() throws {
        var world = try converged { $0.growEtcdToFive() }
        world.desired.etcd.members.removeLast(2)
        forget(["etcd-4"], &world)
        #expect(try verdict(.etcdHealthy(besides: ["etcd-5"]), world) == .holds)
        world.observed.etcd["etcd-2"] = .unreachable("refused")
        #expect(
            try verdict(.etcdHealthy(besides: ["etcd-5"]), world)
                == .wait("etcd member etcd-2 is not healthy: refused"))
    }

    @Test("of two voters with one dead nothing may go: there is no quorum")
    func twoVoters() throws {
        var world = try converged { $0.etcd.members.removeLast() }
        world.observed.etcd["etcd-2"] = .unreachable("refused")
        #expect(
            try verdict(.etcdHealthy(besides: ["etcd-2"]), world)
                == .wait("only 1 of 2 etcd voters are healthy"))
    }

    /// Found by the simulation: one that had missed a question was removed as dead beside a dead one.
    @Test("of two that looked dead the one that lives must not leave: the quorum needs it")
    func looksDead() throws {
        var world = try converged()
        world.observed.etcd["etcd-3"] = .unreachable("refused")
        #expect(
            try verdict(.etcdHealthy(besides: ["etcd-2", "etcd-3"]), world)
                == .wait("without etcd-2, etcd-3 only 1 of 3 etcd voters are healthy"))
        #expect(try verdict(.etcdHealthy(besides: ["etcd-3"]), world) == .holds)
    }

    @Test("recreating one of two etcd members takes the quorum: it must be an accepted outage")
    func twoIsNoMoreThanOne() throws {
        var world = try converged { $0.etcd.members.removeLast() }
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        let steps = try world.plan().steps.filter { $0.id.rawValue.hasPrefix("recreate:etcd") }
        #expect(steps.map(\.disruption) == [.outage, .outage])
        #expect(steps.map(\.hazards) == [[.outage], [.outage]])
    }

    /// Found by the simulation: the third voter had died and left first, so one of two was recreated.
    @Test("a recreation after a dead voter has left must count two voters, not three")
    func deadVoterLeavesFirst() throws {
        var world = try converged()
        world.desired.etcd.members.removeLast()
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        world.observed.etcd["etcd-3"] = .unreachable("refused")
        let steps = try world.plan().steps.filter { $0.id.rawValue.hasPrefix("recreate:etcd") }
        #expect(steps.map(\.hazards) == [[.outage], [.outage]])
    }

    /// Found by the simulation: three members that missed one question were recreated side by side.
    @Test("where etcd does not answer, recreating a member that runs must be an accepted outage")
    func silentQuorum() throws {
        var world = try converged()
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        for name in world.observed.etcd.keys { world.observed.etcd[name] = .unreachable("silent") }
        let steps = try world.plan().steps.filter { $0.id.rawValue.hasPrefix("recreate:etcd") }
        #expect(steps.map(\.hazards) == [[.outage], [.outage], [.outage]])
    }

    /// Found by the simulation: one of two voters had left the manifest and was down, for ever.
    @Test("a member that left the manifest must be started where etcd lacks its vote")
    func missingVote() throws {
        var world = try converged()
        world.desired.etcd.members.removeLast(2)
        for name in world.observed.etcd.keys { world.observed.etcd[name] = .unreachable("silent") }
        world.observed.nodes["node-3"] = world.observed.nodes["node-3"]?.map {
            var node = $0
            for index in node.containers.indices where node.containers[index].service == "etcd-3" {
                node.containers[index].state = .exited
            }
            return node
        }
        #expect(try ids(world.plan()) == ["start:etcd-3@node-3"])
    }

    @Test("an ill member must be mended by an edit: its own health is not waited for")
    func illMember() throws {
        var world = try converged()
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        guard case .known(var answer) = world.observed.etcd["etcd-2"] else { return }
        answer.isHealthy = false
        world.observed.etcd["etcd-2"] = .known(answer)
        let step = try #require(try world.plan().steps.first { $0.action.isAbout("etcd-2") })
        #expect(step.guards.last == .etcdHealthy(besides: ["etcd-2"]))
    }

    @Test("a dead server's member must leave etcd before its successor joins, in one plan")
    func deadServer() throws {
        var world = try converged { desired in
            desired.postgres.members.removeLast()
            desired.postgres.replicas = 1
            desired.haproxy?.nodes.removeLast()
        }
        world.desired.nodes.removeLast()
        world.desired.etcd.members[2] = EtcdMember(
            name: "etcd-4", node: "node-2", clientPort: 2479, peerPort: 2480)
        world.observed.nodes["node-3"] = nil
        world.observed.etcd["etcd-3"] = nil
        let plan = try world.plan()
        #expect(plan.blockers == [])
        #expect(
            ids(plan).suffix(3) == [
                "remove-etcd:etcd-3", "add-etcd:etcd-4", "promote-etcd:etcd-4",
            ])
        #expect(try verdict(.etcdHealthy(besides: ["etcd-3"]), world) == .holds)
    }

    @Test(
        "a successor on the same ports must be refused: etcd holds the address until it has joined")
    func samePorts() throws {
        var world = try converged()
        world.desired.etcd.members[2] = EtcdMember(name: "etcd-4", node: "node-3")
        #expect(
            try world.plan().blockers == [
                Blocker(
                    object: "etcd-4",
                    seen: "its peer address http://10.0.0.13:2380 is that of etcd member etcd-3",
                    expected: "an address of its own",
                    remedy: "Give etcd-4 other ports (ports: { client, peer }) or another server:"
                        + " etcd-3 leaves only after etcd-4 has joined. Or keep the name etcd-3.")
            ])
    }

    @Test("a second member on a node must be told from the first by its whole address")
    func twoOnOneNode() throws {
        var world = try converged()
        world.desired.etcd.members += [
            EtcdMember(name: "etcd-4", node: "node-1", clientPort: 2479, peerPort: 2480),
            EtcdMember(name: "etcd-5", node: "node-2", clientPort: 2479, peerPort: 2480),
        ]
        #expect(
            try ids(world.plan()).suffix(4) == [
                "add-etcd:etcd-4", "promote-etcd:etcd-4", "add-etcd:etcd-5",
                "promote-etcd:etcd-5",
            ])
    }

    @Test("a member that etcd knows by another name must not be removed as a stranger")
    func otherName() throws {
        var world = try converged()
        for (name, reading) in world.observed.etcd {
            guard case .known(var answer) = reading else { continue }
            answer.members[0].name = "infra1"
            world.observed.etcd[name] = .known(answer)
        }
        #expect(
            try world.plan().blockers.map { "\($0.object): \($0.seen)" } == [
                "etcd-1: etcd knows it as infra1"
            ])
    }

    @Test("an etcd container that left the manifest must stay while etcd's list cannot be read")
    func pruneWaits() throws {
        var world = try converged()
        world.desired.etcd.members.removeLast()
        for name in world.observed.etcd.keys { world.observed.etcd[name] = .unreachable("refused") }
        let plan = try world.plan()
        #expect(!plan.steps.contains { $0.id == "remove:etcd-3@node-3" })
        #expect(
            plan.notes.contains(
                .advice(
                    "etcd-3 on node-3 left the manifest; it stays until etcd's member list can be"
                        + " read")))
    }

    @Test("an etcd container must be pruned only under the guard that etcd has forgotten it")
    func pruneIsGuarded() throws {
        var world = try converged()
        world.desired.etcd.members.removeLast(2)
        let step = try #require(
            world.plan().steps.first { $0.id.rawValue == "remove:etcd-3@node-3" })
        #expect(
            step.guards == [
                .containerIs(ContainerAddress("etcd-3", on: "node-3"), id: "id-etcd-3"),
                .etcdForgot("etcd-3"),
            ])
    }

    /// etcd from three to one and back to three: the volume that was kept had the data of the ended
    /// membership, and etcd refuses such a member for ever.
    @Test("a member that comes back must not find the data of the membership that etcd ended")
    func threeToOneToThree() throws {
        var world = try converged()
        forget(["etcd-2"], &world)
        world.change("node-2") { node in node.containers.removeAll { $0.service == "etcd-2" } }
        let steps = try world.plan().steps.filter { $0.action.isAbout("etcd-2") }
        #expect(
            steps.map(\.action) == [
                .discardEtcdData("etcd-2", containerID: nil, volume: "etcd-2"),
                .addEtcdLearner("etcd-2"), .promoteEtcd("etcd-2"),
            ])
        #expect(steps.map(\.guards).first == [.etcdForgot("etcd-2")])
        #expect(steps.map(\.hazards) == [[], [], []])
        world.change("node-2") { node in node.volumes.removeAll { $0 == "etcd-2" } }
        #expect(
            try world.plan().steps.filter { $0.action.isAbout("etcd-2") }.map(\.action) == [
                .addEtcdLearner("etcd-2"), .promoteEtcd("etcd-2"),
            ])
    }

    /// Started again and again, it could only end again.
    @Test("a member that was removed by hand and ended must join anew, with nothing of its own")
    func removedByHand() throws {
        var world = try converged()
        forget(["etcd-2"], &world)
        for state in [ContainerState.exited, .restarting] {
            world.change(container: "etcd-2", on: "node-2") { $0.state = state }
            let steps = try world.plan().steps.filter { $0.action.isAbout("etcd-2") }
            #expect(
                steps.map(\.action) == [
                    .discardEtcdData("etcd-2", containerID: "id-etcd-2", volume: "etcd-2"),
                    .addEtcdLearner("etcd-2"), .promoteEtcd("etcd-2"),
                ])
            #expect(
                steps.map(\.guards).first == [
                    .etcdForgot("etcd-2"),
                    .containerIs(ContainerAddress("etcd-2", on: "node-2"), id: "id-etcd-2"),
                ])
        }
    }

    @Test("data of a member whose list of etcd's members could not be read must stay")
    func dataStays() throws {
        var world = try converged()
        world.change(container: "etcd-2", on: "node-2") { $0.state = .exited }
        for name in world.observed.etcd.keys { world.observed.etcd[name] = .unreachable("refused") }
        #expect(
            try world.plan().steps.filter { $0.action.isAbout("etcd-2") }.map(\.action) == [
                .startContainer(ContainerAddress("etcd-2", on: "node-2"))
            ])
    }

    @Test("data of a removed member that is no volume must be a person's business")
    func dataInAFolder() throws {
        var world = try converged()
        forget(["etcd-2"], &world)
        world.change(container: "etcd-2", on: "node-2") {
            $0.state = .exited
            $0.mounts = [VolumeMount(source: .path("/srv/etcd"), target: "/etcd-data")]
        }
        #expect(
            try world.plan().blockers == [
                Blocker(
                    object: "etcd-2",
                    seen: "etcd removed it, and /srv/etcd on node-2 has its old data",
                    expected: "an empty data directory, as for any member that joins",
                    remedy: "Remove its container and empty /srv/etcd on node-2, then plan again.")
            ])
    }

    /// It has no name, so it was passed over, and etcd takes no other learner beside it.
    @Test("a member that never started and does not belong must leave before another joins")
    func nameless() throws {
        var world = try converged()
        let stray = EtcdPeer(
            id: 0x8e9e_05c5, name: "", isLearner: true, peerURLs: ["http://10.0.0.99:2380"],
            hasStarted: false)
        for (name, reading) in world.observed.etcd {
            guard case .known(var answer) = reading else { continue }
            answer.members.append(stray)
            world.observed.etcd[name] = .known(answer)
        }
        world.desired.etcd.members += [
            EtcdMember(name: "etcd-4", node: "node-1", clientPort: 2479, peerPort: 2480),
            EtcdMember(name: "etcd-5", node: "node-2", clientPort: 2479, peerPort: 2480),
        ]
        let steps = try world.plan().steps.filter { $0.id.rawValue.contains("-etcd:") }
        #expect(
            steps.map(\.id) == [
                "remove-etcd:8e9e05c5", "add-etcd:etcd-4", "promote-etcd:etcd-4", "add-etcd:etcd-5",
                "promote-etcd:etcd-5",
            ])
        #expect(steps[1].after.contains("remove-etcd:8e9e05c5"))
        let progress = { (world: World) in
            Rules.isMet(
                .etcdMemberAbsent("8e9e05c5"),
                topology: Topology(desired: world.desired, members: []), observed: world.observed)
        }
        #expect(progress(world) == .notYet("etcd still lists 8e9e05c5"))
        let converged = try converged()
        #expect(progress(converged) == .met)
    }

    /// etcd takes one learner at a time: each plan failed at adding the second.
    @Test("a learner must be promoted before another member is added")
    func learnerFirst() throws {
        var world = try converged()
        for (name, reading) in world.observed.etcd {
            guard case .known(var answer) = reading else { continue }
            for index in answer.members.indices where answer.members[index].name == "etcd-3" {
                answer.members[index].isLearner = true
            }
            world.observed.etcd[name] = .known(answer)
        }
        world.desired.etcd.members.insert(
            EtcdMember(name: "etcd-0", node: "node-1", clientPort: 2479, peerPort: 2480), at: 0)
        let steps = try world.plan().steps.map(\.id).filter { $0.rawValue.contains("-etcd:") }
        #expect(steps == ["promote-etcd:etcd-3", "add-etcd:etcd-0", "promote-etcd:etcd-0"])
    }

    @Test("a voter that never started must not hold up its own removal, only that of others")
    func namelessVoter() throws {
        var world = try converged()
        for (name, reading) in world.observed.etcd {
            guard case .known(var answer) = reading else { continue }
            answer.members.append(EtcdPeer(id: 0xff, name: "", hasStarted: false))
            world.observed.etcd[name] = .known(answer)
        }
        #expect(try verdict(.etcdHealthy(besides: ["ff"]), world) == .holds)
        #expect(
            try verdict(.etcdHealthy(besides: ["etcd-3"]), world)
                == .wait("etcd member ff has not started yet"))
    }

    @Test("restarting the only member's Postgres must be an accepted outage, as recreating it is")
    func onlyMemberRestarts() throws {
        var world = try converged {
            $0.postgres.members = []
            $0.postgres.replicas = 0
        }
        world.change("postgres-1") { $0.pendingRestart = true }
        let step = try #require(world.plan().steps.last)
        #expect(step.id == "restart-postgres:postgres-1")
        #expect(step.disruption == .outage)
        #expect(step.hazards == [.outage])
    }
}

extension Action {
    fileprivate func isAbout(_ name: EtcdName) -> Bool {
        switch self {
        case .discardEtcdData(name, _, _), .addEtcdLearner(name), .promoteEtcd(name),
            .removeEtcdMember(name):
            true
        case .createContainer(let address), .recreateContainer(let address),
            .startContainer(let address):
            address.service == name.service
        default: false
        }
    }
}
