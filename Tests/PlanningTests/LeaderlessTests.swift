import Cluster
import Planning
import Rendering
import Testing

/// Members are there and nobody leads: what brings a leader back must not wait for one.
@Suite struct LeaderlessTests {
    private static let newer = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")
    private static let lag = ByteCount.mebibytes(1)

    /// The first apply was cut short: postgres-1 has a container that does not come up.
    private func failedBootstrap(
        replicas: Int = 2, _ state: ContainerState = .restarting
    ) throws -> World {
        var world = World.three(replicas: replicas) {
            if replicas == 0 { $0.postgres.members = [] }
        }
        try world.observeConverged()
        for number in 2...3 {
            world.change(NodeName("node-\(number)")) {
                $0.containers.removeAll { $0.service == ServiceName("postgres-\(number)") }
                $0.volumes.removeAll { $0 == "postgres-\(number)" }
            }
        }
        world.observed.members = ["postgres-1": .unreachable("connection refused")]
        world.observed.views = ["postgres-1": .unreachable("connection refused")]
        world.observed.configuration = .unreachable("connection refused")
        world.change(container: "postgres-1", on: "node-1") { $0.state = state }
        world.desired.postgres.image = Self.newer
        return world
    }

    private func verdicts(_ step: Step, _ world: World) throws -> [Verdict] {
        let topology = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed
        ).topology
        return step.guards.map {
            Rules.check($0, topology: topology, observed: world.observed)
        }
    }

    private static let election = Verdict.ripening(
        "nobody leads; one may come to by itself", after: .seconds(20))

    /// Every apply waited for a leader that could not be, and ended with 4.
    @Test("a first member that never came up must be made anew once the manifest is corrected")
    func correctedBootstrap() throws {
        let world = try failedBootstrap()
        let plan = try world.plan()
        #expect(plan.blockers == [])
        let recreation = try #require(plan.steps.first { $0.id == "recreate:postgres-1" })
        #expect(
            recreation.guards == [
                .containerIs(ContainerAddress("postgres-1", on: "node-1"), id: "id-postgres-1"),
                .takesNothingAway("postgres-1", maxLag: Self.lag),
            ])
        #expect(recreation.done == .memberHealthy("postgres-1", maxLag: Self.lag))
        #expect(recreation.hazards == [])
        #expect(try verdicts(recreation, world) == [.holds, Self.election])
        for name in ["add:postgres-2", "add:postgres-3"] as [StepID] {
            let step = try #require(plan.steps.first { $0.id == name })
            #expect(step.after.contains(recreation.id))
        }
    }

    @Test("a container that docker could not start must be made anew, not started for ever")
    func neverStarted() throws {
        #expect(
            try failedBootstrap(.created).plan().steps.contains { $0.id == "recreate:postgres-1" })
        var world = try failedBootstrap(.exited)
        #expect(try world.plan().steps.contains { $0.id == "start:postgres-1" })
        world.change(container: "postgres-1", on: "node-1") { $0.exitCode = 1 }
        #expect(try world.plan().steps.contains { $0.id == "recreate:postgres-1" })
    }

    @Test("a first member whose Postgres does not start must be made anew, by its own word")
    func doesNotStart() throws {
        var world = try failedBootstrap(.running)
        world.observed.members["postgres-1"] = .known(
            PatroniMember(role: .undetermined, state: .startFailed))
        world.observed.views["postgres-1"] = .known(ClusterView(members: []))
        let step = try #require(try world.plan().steps.first { $0.id == "recreate:postgres-1" })
        #expect(step.hazards == [])
        #expect(try verdicts(step, world) == [.holds, Self.election])
    }

    /// Its Postgres may still work where Patroni hangs, and nobody else can tell.
    @Test("the only member must restart when its Patroni hangs, if an outage is accepted")
    func hangsAlone() throws {
        var world = try failedBootstrap(replicas: 0, .running)
        world.desired.postgres.image = World.three().desired.postgres.image
        let step = try #require(try world.plan().steps.first { $0.id == "restart:postgres-1" })
        #expect(step.hazards == [.outage])
        #expect(
            try verdicts(step, world) == [
                .holds, Self.election,
                .ripening("postgres-1 may recover by itself", after: .seconds(15)),
            ])
        world.desired.postgres.image = Self.newer
        #expect(try world.plan().hazards == [.outage])
    }

    @Test("a member whose container is gone and whose data is there must not wait for a leader")
    func onlyDataLeft() throws {
        var world = World.three()
        try world.observeConverged()
        world.change("node-1") { $0.containers.removeAll { $0.service == "postgres-1" } }
        world.observed.members["postgres-1"] = nil
        world.observed.views = [:]
        let plan = try world.plan()
        #expect(plan.steps.map(\.id) == ["create:postgres-1"])
        #expect(
            plan.steps.first?.guards
                == [.containerMissing(ContainerAddress("postgres-1", on: "node-1"))])
    }

    /// The members that an election needs would have been taken down in the middle of it.
    @Test("a replica that runs without a leader must wait for one before it is recreated")
    func election() throws {
        var world = World.three()
        try world.observeConverged()
        world.change(container: "postgres-1", on: "node-1") { $0.state = .restarting }
        world.observed.members["postgres-1"] = .unreachable("connection refused")
        world.observed.views["postgres-1"] = .unreachable("connection refused")
        world.desired.postgres.image = Self.newer
        let plan = try world.plan()
        for name in ["recreate:postgres-2", "recreate:postgres-3"] as [StepID] {
            let step = try #require(plan.steps.first { $0.id == name })
            #expect(step.guards.contains(.clusterSettled))
        }
        let broken = try #require(plan.steps.first { $0.id == "recreate:postgres-1" })
        #expect(
            try verdicts(broken, world).last
                == .wait(
                    "postgres-2's view still names postgres-1 as leader, which says nothing"))
    }

    @Test("once another leads, the ordinary rules must hold, and a leader is never taken down")
    func somebodyLeads() throws {
        var world = World.three()
        try world.observeConverged()
        let topology = Topology(desired: world.desired, members: [])
        func verdict(_ member: MemberName) -> Verdict {
            Rules.check(
                .takesNothingAway(member, maxLag: Self.lag), topology: topology,
                observed: world.observed)
        }
        #expect(verdict("postgres-1") == .refused("postgres-1 leads"))
        #expect(verdict("postgres-2") == .holds)
        world.change("postgres-3") { $0.replicationState = nil }
        #expect(
            verdict("postgres-2") == .wait("postgres-3 is running but does not stream"))
        #expect(verdict("postgres-3") == .holds)
    }

    /// The way from here to Patroni's ports may be the matter, and one of them leads.
    @Test("where no member answers at all none may be restarted, and the wait must say what to do")
    func allSilent() throws {
        var world = World.three()
        try world.observeConverged()
        for name in ["postgres-1", "postgres-2", "postgres-3"] as [MemberName] {
            world.observed.members[name] = .unreachable("timed out")
            world.observed.views[name] = .unreachable("timed out")
        }
        let steps = try world.plan().steps
        #expect(steps.count == 3)
        for step in steps {
            let waits = try verdicts(step, world).contains {
                if case .wait(let reason) = $0 {
                    reason.hasSuffix(
                        "restart by hand the members that hang (docker restart)")
                } else {
                    false
                }
            }
            #expect(waits)
        }
    }
}
