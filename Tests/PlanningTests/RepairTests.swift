import Cluster
import Planning
import Rendering
import Testing

/// The mildest repair that works, by evidence, and what stops every plan.
@Suite struct RepairTests {
    private static let newer = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")

    @Test("a stopped member must be started, whoever leads")
    func stopped() throws {
        var world = try converged()
        world.change(container: "postgres-1", on: "node-1") { $0.state = .exited }
        world.observed.members["postgres-1"] = .unreachable("connection refused")
        world.observed.views["postgres-1"] = .unreachable("connection refused")
        try expectGolden(world.plan().description, "stopped-leader")
    }

    @Test(
        "repairs must escalate by evidence: start, restart, reinitialize; and leave a clone alone")
    func repairs() throws {
        func plan(
            _ state: MemberState, startedAt: Int64, createdAt: Int64, identifier: String? = nil
        ) throws -> [StepID] {
            var world = try converged()
            world.change(container: "postgres-3", on: "node-3") {
                $0.startedAt = startedAt
                $0.createdAt = createdAt
            }
            world.change("postgres-3") {
                $0.state = state
                $0.replicationState = nil
                $0.systemIdentifier = identifier
            }
            return try world.plan().steps.map(\.id)
        }
        #expect(try plan(.running, startedAt: 100, createdAt: 100) == ["restart:postgres-3"])
        #expect(try plan(.running, startedAt: 9_000, createdAt: 100) == ["reinitialize:postgres-3"])
        // The server was rebooted long ago: that was no try to mend this.
        #expect(try plan(.running, startedAt: 5_000, createdAt: 100) == ["restart:postgres-3"])
        #expect(try plan(.running, startedAt: 9_941, createdAt: 100) == [])
        #expect(try plan(.running, startedAt: 9_940, createdAt: 100) == ["reinitialize:postgres-3"])
        #expect(try plan(.crashed, startedAt: 100, createdAt: 100) == ["restart:postgres-3"])
        for state in [MemberState.startFailed, .stopped, .crashed, .restartFailed] {
            #expect(try plan(state, startedAt: 100, createdAt: 100) == ["restart:postgres-3"])
        }
        #expect(
            try plan(.startFailed, startedAt: 9_000, createdAt: 100) == ["reinitialize:postgres-3"])
        // Without pg_control it is "stopped" through every restart: it was restarted for ever.
        #expect(
            try plan(.stopped, startedAt: 9_000, createdAt: 100) == ["reinitialize:postgres-3"])
        // With it, it may be on its way: a rewind takes its time.
        #expect(
            try plan(.stopped, startedAt: 9_000, createdAt: 100, identifier: "75123")
                == ["restart:postgres-3"])
        #expect(try plan(.creatingReplica, startedAt: 100, createdAt: 100) == [])
    }

    /// An old leader that could not be rewound: its rows were wiped as if it were any replica.
    @Test("data that may hold rows of its own must be wiped only where its loss is accepted")
    func onlyCopyOfSomeRows() throws {
        func planned(_ adjust: (inout PatroniMember) -> Void) throws -> Plan {
            var world = try converged()
            world.change(container: "postgres-3", on: "node-3") { $0.startedAt = 9_000 }
            world.change("postgres-1") { $0.timeline = 3 }
            world.change("postgres-2") { $0.timeline = 3 }
            world.observed.history = .known([LeaderTerm(timeline: 2, leader: "postgres-2")])
            world.change("postgres-3") {
                $0.replicationState = nil
                $0.systemIdentifier = "75123"
                adjust(&$0)
            }
            return try world.plan()
        }
        func mark(_ adjust: (inout PatroniMember) -> Void) throws -> [Hazard] {
            let plan = try planned(adjust)
            #expect(plan.steps.map(\.id) == ["reinitialize:postgres-3"])
            #expect((plan.steps.first?.disruption == .dataLoss) == !plan.hazards.isEmpty)
            return plan.hazards.sorted()
        }
        #expect(try mark { $0.timeline = 3 } == [])
        #expect(try mark { $0.timeline = 1 } == [.dataLoss])
        #expect(
            try planned { $0.timeline = nil }.steps.first?.causes.last
                == .topology(
                    "its data is on a timeline that is not known, the leader's on 3: it may hold rows"
                        + " that no other copy has"))
        // Postgres cannot start from it: that is no copy. The lab's wrecked replica is such a one.
        #expect(
            try mark {
                $0.state = .startFailed
                $0.timeline = nil
            } == [])
    }

    /// It went down with rows that it had confirmed and not sent, and they were wiped as a replica's.
    @Test("data that cannot be started from must be wiped under acceptance where it led last")
    func lastToLead() throws {
        func causes(
            _ history: Reading<[LeaderTerm]>?, on timeline: Int? = 5
        ) throws -> [Cause]? {
            var world = try converged()
            world.change(container: "postgres-3", on: "node-3") { $0.startedAt = 9_000 }
            for name in ["postgres-1", "postgres-2"] {
                world.change(MemberName(name)) { $0.timeline = timeline }
            }
            world.change("postgres-3") {
                $0.replicationState = nil
                $0.state = .startFailed
                $0.timeline = nil
            }
            world.observed.history = history
            let plan = try world.plan()
            #expect(plan.steps.map(\.id) == ["reinitialize:postgres-3"])
            #expect((plan.steps.first?.disruption == .dataLoss) == !plan.hazards.isEmpty)
            return plan.hazards == [.dataLoss] ? plan.steps.first?.causes : nil
        }
        func isLoss(_ leaders: String...) throws -> Bool {
            let terms = leaders.enumerated().map {
                LeaderTerm(timeline: 6 - leaders.count + $0, leader: MemberName($1))
            }
            return try causes(.known(terms)) != nil
        }
        #expect(
            try causes(.known([LeaderTerm(timeline: 4, leader: "postgres-3")]))?.last
                == .topology(
                    "it was the last to lead before postgres-1: its data may hold rows that no other"
                        + " copy has"))
        #expect(try isLoss("postgres-3", "postgres-1"))
        // A leader that lost etcd for a moment promotes anew.
        #expect(try isLoss("postgres-3", "postgres-1", "postgres-1"))
        #expect(try !isLoss("postgres-3", "postgres-2", "postgres-1"))
        #expect(try !isLoss("postgres-2", "postgres-1"))
        // Of the first timeline no history tells it, nor of one whose leader was gone at once.
        #expect(
            try causes(.known([LeaderTerm(timeline: 2, leader: "postgres-1")]), on: 2)?.last
                == .topology(
                    "who led timeline 1, before postgres-1, Patroni's history does not tell: its"
                        + " data may hold rows that no other copy has"))
        #expect(try isLoss("postgres-1"))
        #expect(
            try causes(.known([LeaderTerm(timeline: 3, leader: "postgres-2")])) != nil)
        #expect(try causes(.known([]), on: nil) != nil)
        // Nobody else ever led.
        #expect(try causes(.known([]), on: 1) == nil)
        #expect(try causes(nil, on: 1) == nil)
        #expect(try causes(nil) != nil)
        for number in [Int.min, -1, 0] { #expect(try causes(.known([]), on: number) != nil) }
        // A promotion after the members were asked: who leads by their word is not the last leader.
        #expect(
            try causes(
                .known([
                    LeaderTerm(timeline: 4, leader: "postgres-3"),
                    LeaderTerm(timeline: 5, leader: "postgres-1"),
                    LeaderTerm(timeline: 6, leader: "postgres-2"),
                ])) != nil)
        #expect(
            try causes(.unreachable("connection refused"))?.last
                == .topology(
                    "who led before postgres-1 could not be read (connection refused): its data may"
                        + " hold rows that no other copy has"))
    }

    @Test("where nobody streams data must be wiped by its own word alone, one copy after the other")
    func commonCause() throws {
        func planned(_ state: MemberState) throws -> Plan {
            var world = try converged()
            for (member, node) in [("postgres-2", "node-2"), ("postgres-3", "node-3")] {
                world.change(container: ServiceName(member), on: NodeName(node)) {
                    $0.startedAt = 9_000
                }
                world.change(MemberName(member)) {
                    $0.state = state
                    $0.replicationState = nil
                }
            }
            return try world.plan()
        }
        var plan = try planned(.running)
        #expect(plan.steps.isEmpty)
        #expect(
            plan.notes
                == ["postgres-2", "postgres-3"].map {
                    .down(
                        object: $0,
                        reason:
                            "it is running but does not stream, and nobody streams from postgres-1:"
                            + " look at the way there, the settings and the disk before its data is"
                            + " cloned anew; left alone")
                })
        // The first has to stream before the second is touched.
        plan = try planned(.startFailed)
        #expect(plan.steps.map(\.id) == ["reinitialize:postgres-2", "reinitialize:postgres-3"])
        #expect(plan.steps.last?.after == ["reinitialize:postgres-2"])
        #expect(plan.steps.first?.done == .streaming("postgres-2", maxLag: .mebibytes(1)))
    }

    @Test("a lone replica must be cloned anew only where its own data says so")
    func loneReplica() throws {
        func plan(_ adjust: (inout PatroniMember) -> Void) throws -> [StepID] {
            var world = World.three(replicas: 1) { $0.postgres.members.removeLast() }
            try world.observeConverged()
            world.change(container: "postgres-2", on: "node-2") { $0.startedAt = 9_000 }
            world.change("postgres-2") {
                $0.replicationState = nil
                adjust(&$0)
            }
            return try world.plan().steps.map(\.id)
        }
        #expect(try plan { _ in } == [])
        #expect(try plan { $0.timeline = 2 } == ["reinitialize:postgres-2"])
        #expect(try plan { $0.state = .startFailed } == ["reinitialize:postgres-2"])
    }

    @Test("a member that a pause keeps from starting must say so, or the wait explains nothing")
    func waitsInAPause() throws {
        var world = try converged()
        world.change("postgres-1") { $0.isPaused = true }
        world.change("postgres-3") {
            $0.state = .stopped
            $0.replicationState = nil
        }
        let progress = Rules.isMet(
            .streaming("postgres-3", maxLag: ByteCount(1 << 20)),
            topology: Topology(desired: world.desired, members: []),
            observed: world.observed)
        #expect(
            progress
                == .notYet(
                    "postgres-3 is stopped, and Patroni is paused (maintenance mode): it starts no "
                        + "member until the pause ends (patronictl resume)"))
    }

    @Test("a pause, a second leader and failsafe mode must stop every plan")
    func stops() throws {
        var world = try converged()
        world.desired.postgres.image = Self.newer
        world.change("postgres-1") { $0.isPaused = true }
        #expect(try world.plan().blockers.map(\.seen) == ["Patroni is paused (maintenance mode)"])
        world.change("postgres-1") { $0.isPaused = false }
        world.change("postgres-2") { $0.role = .leader }
        #expect(
            try world.plan().blockers.map(\.seen) == [
                "more than one member says that it leads: postgres-1, postgres-2"
            ])
        world.change("postgres-2") {
            $0.role = .replica
            $0.isFailsafeActive = true
        }
        #expect(
            try world.plan().blockers.map(\.seen) == [
                "Patroni's failsafe mode is active: the DCS is lost"
            ])
    }

    @Test("another major version must be refused: an image cannot read another one's data")
    func major() throws {
        var world = try converged()
        world.desired.postgres.image = ImageReference("ghcr.io/zalando/spilo-18:4.1-p1")
        let plan = try world.plan()
        #expect(plan.blockers.map(\.seen).first == "PostgreSQL 17 runs")
        #expect(!plan.steps.contains { $0.disruption > .none })
    }

    @Test("another password must be refused: Spilo would not give it to the role")
    func password() throws {
        var world = try converged()
        world.secrets.values["replication"] = Secret("rotated")
        let plan = try world.plan()
        #expect(plan.blockers.count == 3)
        #expect(!plan.description.contains("rotated"))
        #expect(!plan.description.contains("s3cret"))
    }
}
