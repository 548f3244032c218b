import Cluster
import Observation
import Planning
import Testing

/// Replicas that replay the WAL archive. Patroni says "running" of them, as of any replica that
/// runs, and what they replay from in `replication_state`.
@Suite struct ArchiveTests {
    /// `GET /patroni` of a replica of a cluster with a `restore_command`, 4.0 (api.py).
    private func answer(
        version: String = "4.0.7", replication: String? = "in archive recovery",
        timeline: Int = 1, noStream: Bool = false
    ) throws -> PatroniMember {
        let state = replication.map { #""replication_state": "\#($0)", "# } ?? ""
        let tags = noStream ? #""tags": {"nostream": true}, "# : ""
        let json = #"""
            {"state": "running", "postmaster_start_time": "2026-11-23 07:02:32.213774+00:00",
             "role": "replica", "server_version": 170011,
             "xlog": {"received_location": 0, "replayed_location": 900,
                      "replayed_timestamp": "2026-11-23 06:02:32.213774+00:00", "paused": false},
             "timeline": \#(timeline), \#(state)"dcs_last_seen": 10000, \#(tags)
             "database_system_identifier": "7711254332013690918",
             "patroni": {"version": "\#(version)", "scope": "crm", "name": "postgres-3"}}
            """#
        return try PatroniAnswer.member(Array(json.utf8), date: 10_000)
    }

    /// `postgres-3` answers so, and was started at that time.
    private func world(
        _ answer: PatroniMember, startedAt: Int64 = 100, adjust: (inout Desired) -> Void = { _ in }
    ) throws -> World {
        var world = try converged(adjust: adjust)
        world.observed.members["postgres-3"] = .known(answer)
        world.change(container: "postgres-3", on: "node-3") { $0.startedAt = startedAt }
        return world
    }

    private func check(_ rule: Guard, _ world: World) throws -> Verdict {
        let topology = try converged().topology()
        return Rules.check(rule, topology: topology, observed: world.observed)
    }

    private let lag = ByteCount.mebibytes(1)

    /// It was restarted, and soon after a boot its data was wiped.
    @Test("a replica that replays the archive is on its way: it must be left alone and not counted")
    func catchesUp() throws {
        for startedAt: Int64 in [100, 9_000, 9_990] {
            for timeline in [1, 2] {
                let plan = try world(answer(timeline: timeline), startedAt: startedAt).plan()
                #expect(plan.steps.isEmpty)
                #expect(
                    plan.notes == [
                        .down(
                            object: "postgres-3",
                            reason:
                                "it replays the WAL archive and does not stream yet (should it get no further:"
                                + " patronictl reinit); left alone"
                        )
                    ])
            }
        }
        let world = try world(answer())
        #expect(
            try check(.stillAiling("postgres-3"), world)
                == .wait("postgres-3 is on its way by itself"))
        #expect(
            try check(.othersStreaming(besides: "postgres-2", maxLag: lag), world)
                == .wait("postgres-3 replays the WAL archive and does not stream yet"))
        #expect(Motion.seen(in: world.observed) == nil)
    }

    /// Its guard waited until it streamed, and then found nothing to mend: the apply ended with 4.
    @Test("what replays the archive must not be recreated while a server is unseen")
    func unseenServer() throws {
        var world = try world(answer())
        world.desired.postgres.members[2].environment = ["LOG_LEVEL": "debug"]
        #expect(try world.plan().steps.contains { $0.id == "recreate:postgres-3" })
        world.observed.nodes["node-2"] = .unreachable("timed out")
        #expect(try !world.plan().steps.contains { $0.id == "recreate:postgres-3" })
    }

    /// The plan restarted it, and its guard waited for the whole limit.
    @Test("a silent member that Patroni lists as on its way must be left alone")
    func silentAndListed() throws {
        var world = try converged()
        world.observed.members["postgres-3"] = .unreachable("timed out")
        world.change("postgres-1") { $0.replication = [:] }
        #expect(try world.plan().steps.map(\.id) == ["restart:postgres-3"])
        guard case .known(var view) = world.observed.views["postgres-1"],
            let index = view.members.firstIndex(where: { $0.name == "postgres-3" })
        else {
            Issue.record("there is no such view")
            return
        }
        view.members[index].state = .inArchiveRecovery
        world.observed.views["postgres-1"] = .known(view)
        #expect(try world.plan().steps == [])
    }

    /// Where nothing restores from an archive, 3.0.4 and later leave the field out.
    @Test("a replica that receives nothing and has no archive must be mended as ever")
    func receivesNothing() throws {
        #expect(
            try world(answer(replication: nil)).plan().steps.map(\.id) == ["restart:postgres-3"])
    }

    /// It was restarted and wiped again and again, and every other change waited for it.
    @Test("a member that is never to stream is as it should be, and no copy that can lead")
    func neverStreams() throws {
        for replication in ["in archive recovery", nil] {
            let answer = try answer(replication: replication, noStream: true)
            for startedAt: Int64 in [100, 9_000] {
                let plan = try world(answer, startedAt: startedAt).plan()
                #expect(plan.isEmpty && plan.notes.isEmpty)
            }
            var world = try world(answer)
            #expect(
                try check(.othersStreaming(besides: "postgres-2", maxLag: lag), world) == .holds)
            guard
                case .refused = try check(
                    .switchoverPossible(from: "postgres-1", to: "postgres-3", maxLag: lag), world)
            else {
                Issue.record("it may take the lead")
                return
            }
            let topology = try converged().topology()
            for done in [
                Condition.streaming("postgres-3", maxLag: lag),
                .memberHealthy("postgres-3", maxLag: lag), .leads("postgres-1"),
            ] {
                #expect(Rules.isMet(done, topology: topology, observed: world.observed) == .met)
            }
            world.observed.members["postgres-2"] = .unreachable("timed out")
            #expect(
                try check(.healthyCopy(besides: "postgres-1"), world)
                    == .wait("no other healthy copy of the data is known"))
        }
        // The tag came with 3.3.0.
        #expect(
            try world(answer(version: "3.3.0", replication: nil, noStream: true)).plan().isEmpty)
        #expect(
            try world(answer(version: "3.2.2", replication: nil, noStream: true)).plan()
                .steps.map(\.id) == ["restart:postgres-3"])
    }

    @Test("a member that is never to stream is recreated as any other, and gets no lead")
    func neverLeads() throws {
        let answer = try answer(noStream: true)
        var three = try world(answer)
        three.desired.postgres.image = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")
        #expect(
            try three.plan().steps.map(\.id).filter { !$0.rawValue.hasPrefix("pull:") }
                .filter { !$0.rawValue.hasPrefix("write:") } == [
                    "recreate:postgres-3", "recreate:postgres-2", "switchover:postgres-2",
                    "recreate:postgres-1",
                ])
        // The only other member cannot take over.
        var pair = three
        pair.desired.postgres.replicas = 1
        pair.desired.postgres.members.remove(at: 1)
        pair.observed.members["postgres-2"] = nil
        pair.observed.views["postgres-2"] = nil
        pair.change("node-2") { $0.containers.removeAll { $0.service == "postgres-2" } }
        #expect(
            try pair.plan().blockers.map(\.seen).contains(
                "it leads, and no other member may take over"))
        // Declared so, and preferred.
        let preferred = try world(answer) {
            $0.postgres.members[2].tags = ["nostream": .bool(true)]
            $0.rollout.preferredLeader = "postgres-3"
        }
        #expect(
            try !preferred.plan().steps.contains { $0.id.rawValue.hasPrefix("switchover:") })
    }
}

extension World {
    fileprivate func topology() throws -> Topology {
        try Planner.propose(desired: desired, secrets: secrets, observed: observed).topology
    }
}
