import Cluster
import Planning
import Rendering
import Testing

/// Each scenario's name is an obligation; its plan is in `Golden/`.
@Suite struct PlanningTests {
    private static let newer = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")

    @Test("a converged cluster must plan nothing, or every apply would disturb it")
    func nothing() throws {
        #expect(try converged().plan() == Plan(cluster: "crm"))
    }

    @Test("empty servers must get etcd, one first member, its configuration, replicas, HAProxy")
    func bootstrap() throws {
        let world = World.three { desired in
            desired.services = [
                Service(name: "rest", kind: .rest, nodes: ["node-1"], image: ImageReference("r:1")),
                Service(
                    name: "gateway", kind: .gateway, nodes: ["node-1"],
                    image: ImageReference("k:2"),
                    dependsOn: ["rest"]),
            ]
            desired.postgres.configuration = .object([
                "postgresql": .object(["parameters": .object(["max_connections": .int(200)])])
            ])
        }
        try expectGolden(world.plan().description, "bootstrap")
    }

    @Test("a bootstrap that was cut off after the first member must go on, not begin again")
    func bootstrapCutOff() throws {
        var world = try converged()
        for (node, member) in [("node-2", "postgres-2"), ("node-3", "postgres-3")] {
            world.change(NodeName(node)) {
                $0.containers.removeAll { $0.service == ServiceName(member) }
                $0.volumes.removeAll { $0 == member }
            }
            world.observed.members[MemberName(member)] = nil
            world.observed.views[MemberName(member)] = nil
        }
        world.observed.views["postgres-1"] = .known(
            ClusterView(members: [ViewMember(name: "postgres-1", role: .leader, state: .running)]))
        try expectGolden(world.plan().description, "bootstrap-cut-off")
    }

    @Test("an image bump must take replicas one at a time, then switch over once, leader last")
    func rolling() throws {
        var world = try converged(leader: "postgres-2")
        world.desired.postgres.image = Self.newer
        try expectGolden(world.plan().description, "rolling-update")
    }

    @Test("the most lagged replica must be updated first and the synchronous standby last")
    func order() throws {
        var world = try converged(replicas: 3)
        world.desired.postgres.image = Self.newer
        world.observed.configuration = .known(
            .object(["ttl": .int(30), "synchronous_mode": .bool(true)]))
        world.change("postgres-1") { $0.location = 100_000_000 }
        world.change("postgres-2") {
            $0.role = .syncStandby
            $0.location = 100_000_000
        }
        world.change("postgres-3") { $0.location = 10_000_000 }
        world.change("postgres-4") { $0.location = 20_000_000 }
        try expectGolden(world.plan().description, "order-of-replicas")
    }

    @Test("a preferred leader must get the lead back after its own update")
    func preferred() throws {
        var world = try converged { $0.rollout.preferredLeader = "postgres-1" }
        world.desired.postgres.image = Self.newer
        try expectGolden(world.plan().description, "preferred-leader")
    }

    @Test("a member tagged nofailover must never be the candidate")
    func nofailover() throws {
        var world = try converged {
            $0.postgres.members[1].tags = ["nofailover": .bool(true)]
        }
        world.desired.postgres.image = Self.newer
        let steps = try world.plan().steps
        #expect(steps.contains { $0.action == .switchover(from: "postgres-1", to: "postgres-3") })
    }

    @Test(
        "a fourth member must get the next name and free ports, and stream before HAProxy knows it")
    func grow() throws {
        var world = try converged()
        world.desired.postgres.replicas = 3
        let proposal = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed)
        #expect(
            proposal.topology.member("postgres-4")
                == PlacedMember(
                    name: "postgres-4", node: "node-1",
                    ports: MemberPorts(postgres: 5433, patroni: 8009)))
        try expectGolden(proposal.plan.description, "grow")
    }

    @Test("a broken member that goes must count again once it recovered")
    func recovered() throws {
        var world = try converged()
        world.desired.postgres.replicas = 1
        world.desired.postgres.members.removeLast()
        world.change("postgres-3") { $0.replicationState = nil }
        let step = try #require(try world.plan().steps.first { $0.id == "remove:postgres-3" })
        #expect(
            step.guards.contains(
                .ailingOrOthersStreaming("postgres-3", maxLag: world.desired.rollout.maxLag)))
    }

    @Test("a member that goes must leave HAProxy first and keep its volume")
    func shrink() throws {
        var world = try converged(replicas: 3)
        world.desired.postgres.replicas = 2
        try expectGolden(world.plan().description, "shrink")
    }

    @Test("a leader that has to go must hand over first")
    func shrinkLeader() throws {
        var world = try converged(replicas: 3, leader: "postgres-4")
        world.desired.postgres.replicas = 2
        try expectGolden(world.plan().description, "shrink-leader")
    }

    @Test("deleting a volume and ending with one copy must be marked as hazards")
    func hazards() throws {
        var world = try converged(replicas: 3)
        world.desired.postgres.replicas = 2
        world.desired.postgres.deleteVolumes = true
        #expect(try world.plan().hazards == [.dataLoss])
        var single = try converged {
            $0.postgres.members = []
            $0.postgres.replicas = 1
        }
        single.desired.postgres.replicas = 0
        #expect(try single.plan().hazards == [.singleCopy])
        // One missed question made it look ill, and it was removed unaccepted.
        single.observed.members["postgres-2"] = .unreachable("no answer within 3 s")
        let ill = try single.plan()
        #expect(ill.steps.contains { $0.id == "remove:postgres-2" })
        #expect(ill.hazards == [.singleCopy])
    }

    @Test("an environment change on one replica must recreate that one alone")
    func oneEnvironment() throws {
        var world = try converged()
        world.desired.postgres.members[2].environment = ["LOG_LEVEL": "debug"]
        try expectGolden(world.plan().description, "one-environment")
    }

    @Test("an unreachable server must be said, and nothing planned that lowers redundancy")
    func unreachable() throws {
        var world = try converged()
        world.lose("node-3", members: ["postgres-3"], etcd: ["etcd-3"])
        try expectGolden(world.plan().description, "unreachable")
        world.desired.postgres.image = Self.newer
        try expectGolden(world.plan().description, "unreachable-rolling")
        world.desired.postgres.image = ImageReference("ghcr.io/zalando/spilo-17:4.0-p2")
        world.desired.postgres.configuration = .object([
            "postgresql": .object(["parameters": .object(["max_connections": .int(200)])])
        ])
        #expect(
            try world.plan().blockers.map(\.object) == ["postgres-1", "postgres-2"])
    }

    @Test("the only member must not be recreated unless an outage is accepted")
    func single() throws {
        var world = try converged {
            $0.postgres.members = []
            $0.postgres.replicas = 0
        }
        world.desired.postgres.image = Self.newer
        let plan = try world.plan()
        #expect(plan.hazards == [.outage])
        #expect(plan.steps.last?.done == .leads("postgres-1"))
    }

    @Test("a new etcd member must join as a learner, one that goes must leave the list first")
    func etcd() throws {
        var world = try converged()
        world.desired.etcd.members[2] = EtcdMember(
            name: "etcd-4", node: "node-3", clientPort: 2479, peerPort: 2480)
        let text = try world.plan().description
        try expectGolden(text, "etcd-replaced")
    }

    @Test("a changed etcd member must wait until all are healthy, one after the other")
    func etcdRolling() throws {
        var world = try converged()
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        try expectGolden(world.plan().description, "etcd-rolling")
    }

    @Test("members whose containers are all gone must come back from their volumes, side by side")
    func composeDown() throws {
        var world = try converged()
        for number in 1...3 {
            world.change(NodeName("node-\(number)")) { $0.containers = [] }
        }
        world.observed.members = [:]
        world.observed.views = [:]
        world.observed.configuration = nil
        for name in world.observed.etcd.keys { world.observed.etcd[name] = .unreachable("refused") }
        try expectGolden(world.plan().description, "compose-down")
    }
}
