import Cluster
import Planning
import Testing

/// What passes by itself within seconds is waited for before a plan is made to be applied.
@Suite struct MotionTests {
    private func motion(_ disturb: (inout World) -> Void) throws -> String? {
        var world = try converged()
        disturb(&world)
        return Motion.seen(in: world.observed)
    }

    @Test("a cluster at rest must not be waited for")
    func rest() throws {
        #expect(try motion { _ in } == nil)
    }

    @Test("starts, stops and restarts must be waited for; clones and what is broken must not")
    func states() throws {
        func said(_ state: MemberState) throws -> String? {
            try motion {
                $0.change("postgres-3") {
                    $0.state = state
                    $0.replicationState = nil
                }
            }
        }
        #expect(try said(.starting) == "postgres-3 is starting")
        #expect(try said(.stopping) == "postgres-3 is stopping")
        #expect(try said(.restarting) == "postgres-3 is restarting")
        for state in [MemberState.creatingReplica, .stopped, .startFailed] {
            #expect(try said(state) == nil)
        }
    }

    @Test("a leader that steps down, as a killed apply's switchover goes on, must be waited for")
    func stepsDown() throws {
        #expect(
            try motion { $0.change("postgres-1") { $0.state = .stopping } }
                == "postgres-1 leads, but is stopping")
    }

    @Test("a container that started just now may be silent for a moment, and no longer")
    func silent() throws {
        func said(startedAt: Int64) throws -> String? {
            try motion {
                $0.change(container: "postgres-3", on: "node-3") { $0.startedAt = startedAt }
                $0.observed.members["postgres-3"] = .unreachable("connection refused")
            }
        }
        #expect(try said(startedAt: 9_971) == "postgres-3 has just started")
        #expect(try said(startedAt: 9_970) == nil)
    }

    @Test("an election must be waited for where one can come: etcd is there, and all was seen")
    func election() throws {
        func elect(_ world: inout World) {
            world.change("postgres-1") {
                $0.state = .stopped; $0.role = .replica
            }
        }
        #expect(try motion { elect(&$0) } == "no member says that it leads")
        #expect(
            try motion { world in
                elect(&world)
                for name in world.observed.etcd.keys {
                    world.observed.etcd[name] = .unreachable("no answer")
                }
            } == nil)
        #expect(
            try motion { world in
                elect(&world)
                world.lose("node-1", members: ["postgres-1"], etcd: ["etcd-1"])
            } == nil)
    }

    @Test("a wait must last as long as the leader's key may")
    func patience() throws {
        var world = try converged()
        #expect(Motion.patience(world.observed) == .seconds(35))
        world.observed.configuration = .known(.object(["ttl": .int(60)]))
        #expect(Motion.patience(world.observed) == .seconds(65))
        world.observed.configuration = .unreachable("no answer")
        #expect(Motion.patience(world.observed) == .seconds(35))
    }

    @Test("in a pause nothing comes by itself")
    func pause() throws {
        #expect(
            try motion {
                $0.change("postgres-3") { $0.state = .starting }
                $0.change("postgres-1") { $0.isPaused = true }
            } == nil)
    }

    @Test("a member that says it leads and does not run must be left to Patroni (S2)")
    func ailingLeader() throws {
        for state in [MemberState.stopping, .starting, .crashed] {
            var world = try converged()
            world.change("postgres-1") { $0.state = state }
            world.change(container: "postgres-1", on: "node-1") {
                $0.image = ImageReference("spilo-17:0")
            }
            let plan = try world.plan()
            #expect(!plan.steps.contains { $0.action == .recreateMember("postgres-1") })
            #expect(!plan.steps.contains { $0.action == .restartMember("postgres-1") })
            #expect(
                plan.notes.contains {
                    if case .down("postgres-1", let reason) = $0 {
                        reason.contains("leads, but is \(state == .crashed ? "crashed" : "st")")
                    } else {
                        false
                    }
                }, "\(plan.notes)")
        }
    }
}
