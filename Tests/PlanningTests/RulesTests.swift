import Cluster
import Planning
import Testing

/// Guards and conditions by what they make of single readings.
@Suite struct RulesTests {
    private struct Scene {
        var world: World
        var topology: Topology
        func check(_ rule: Guard) -> Verdict {
            Rules.check(rule, topology: topology, observed: world.observed)
        }
        func progress(_ condition: Condition) -> Planning.Progress {
            Rules.isMet(condition, topology: topology, observed: world.observed)
        }
    }

    /// `postgres-1` leads two replicas.
    private func scene(
        _ disturb: (inout World) -> Void = { _ in }
    ) throws -> Scene {
        var world = World.three()
        try world.observeConverged()
        let topology = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed
        ).topology
        disturb(&world)
        return Scene(world: world, topology: topology)
    }

    private let lag = ByteCount.mebibytes(1)

    /// A view that could not be read passed for one that agrees.
    @Test("the leader's view must be read before anything is taken for settled")
    func unreadView() throws {
        for reading in [Reading<ClusterView>.unreachable("timed out"), nil] {
            let scene = try scene { $0.observed.views["postgres-1"] = reading }
            #expect(
                scene.check(.clusterSettled)
                    == .wait(
                        "postgres-1 says that it leads, its view of the cluster could not be read"))
            #expect(
                scene.check(.notLeading("postgres-2"))
                    == .wait("postgres-1's view of the cluster could not be read"))
        }
        #expect(try scene().check(.clusterSettled) == .holds)
    }

    /// With no view at all, nobody listed the member, and its removal passed for done.
    @Test("a removed member is forgotten by the leader's view, not by silence")
    func forgotten() throws {
        let silent = try scene { world in
            for name in world.observed.views.keys {
                world.observed.views[name] = .unreachable("timed out")
            }
        }
        #expect(
            silent.progress(.memberForgotten("postgres-3"))
                == .notYet("the leader's view of the cluster could not be read"))
        #expect(
            try scene().progress(.memberForgotten("postgres-3"))
                == .notYet("Patroni still lists postgres-3"))
        #expect(try scene().progress(.memberForgotten("postgres-9")) == .met)
    }

    /// The plan after a switchover was not empty: replicas stream only seconds later.
    @Test("a leader leads only once the others follow it")
    func followed() throws {
        #expect(try scene().progress(.leads("postgres-1")) == .met)
        let cutOff = try scene { world in
            world.change("postgres-3") { $0.replicationState = nil }
        }
        #expect(
            cutOff.progress(.leads("postgres-1"))
                == .notYet("postgres-3 is running but does not stream"))
    }

    /// Found on the lab: a leader that was cut from the others still listed the replica that had been
    /// recreated behind the cut, and the next replica was stopped.
    @Test("a replica that receives nothing must not pass for streaming by the leader's list")
    func phantomStandby() throws {
        func verdict(version: String?) throws -> Verdict {
            try scene { world in
                world.change("postgres-1") {
                    $0.replication["postgres-2"] = StandbyState(
                        state: "streaming", syncState: "async")
                }
                world.change("postgres-2") {
                    $0.replicationState = nil
                    $0.patroniVersion = version
                }
            }.check(.othersStreaming(besides: "postgres-3", maxLag: lag))
        }
        for version in ["3.0.4", "3.1", "4.0.7", "4.1.0rc1", "10.0"] {
            #expect(
                try verdict(version: version) == .wait("postgres-2 is running but does not stream"))
        }
        // These have no word for it: the list is all that there is.
        for version in ["2.1.9", "3.0", "3.0.3", nil] {
            #expect(try verdict(version: version) == .holds)
        }
    }

    /// Asking again could only move the lead away.
    /// On the lab: an old leader was recreated as its server came back, and did not start for minutes.
    @Test("a member that is stopped after a crash must get time to rewind before it is recreated")
    func rewinding() throws {
        func verdict(_ adjust: (inout PatroniMember) -> Void) throws -> Verdict {
            let scene = try scene { world in
                world.change("postgres-3") { $0.state = .stopped }
                world.change("postgres-3", adjust)
            }
            return scene.check(.ailingOrOthersStreaming("postgres-3", maxLag: lag))
        }
        #expect(
            try verdict { $0.systemIdentifier = "7" }
                == .ripening(
                    "postgres-3 is stopped, and may come back by itself", after: .seconds(60)))
        #expect(try verdict { $0.systemIdentifier = nil } == .holds)
    }

    /// Simulated: a person reinitialised a replica that the plan was to recreate as a healthy one, and
    /// the clone was cut off; a rewind of twenty seconds was.
    @Test(
        "a member that was healthy as it was planned must not be taken down while it is made anew",
        arguments: [MemberState.creatingReplica, .stopped, .crashed])
    func madeAnew(_ state: MemberState) throws {
        let scene = try scene { world in
            world.change("postgres-3") {
                ($0.state, $0.systemIdentifier) = (state, "7")
            }
        }
        #expect(
            scene.check(.othersStreaming(besides: "postgres-3", maxLag: lag))
                == .wait("postgres-3 is being cloned, or may come back by itself"))
    }

    @Test("a repair of a member that is stopped must wait as long as a rewind may take")
    func repairOfStopped() throws {
        func patience(_ state: MemberState) throws -> Verdict {
            try scene { world in
                world.change("postgres-3") { ($0.state, $0.systemIdentifier) = (state, "7") }
            }.check(.stillAiling("postgres-3"))
        }
        let words = "postgres-3 may recover by itself"
        #expect(try patience(.stopped) == .ripening(words, after: .seconds(60)))
        #expect(try patience(.startFailed) == .ripening(words, after: .seconds(15)))
    }

    /// Seed 2008197: a person started it while its repair waited, and it was restarted as it came up.
    @Test("a repair of a member that was started since the plan must wait as a plan would")
    func startedSince() throws {
        func verdict(startedAt: Int64) throws -> Verdict {
            try scene { world in
                world.change("postgres-3") { ($0.state, $0.systemIdentifier) = (.startFailed, "7") }
                world.change(container: "postgres-3", on: "node-3") { $0.startedAt = startedAt }
            }.check(.stillAiling("postgres-3"))
        }
        #expect(try verdict(startedAt: 9_941) == .wait("postgres-3 has just been started"))
        #expect(
            try verdict(startedAt: 9_940)
                == .ripening("postgres-3 may recover by itself", after: .seconds(15)))
    }

    @Test("a switchover to the member that leads already is done, and no failure")
    func leadsAlready() throws {
        #expect(
            try scene().check(
                .switchoverPossible(from: "postgres-2", to: "postgres-1", maxLag: lag))
                == .idle("postgres-1 leads already", patience: .zero))
    }

    /// It was waited for until the step's limit, or left a plan behind: who is synchronous after
    /// members were taken down is Patroni's choice.
    @Test("an optional switchover is passed over where Patroni chose another synchronous standby")
    func optionalSwitchover() throws {
        func verdict(isOptional: Bool) throws -> Verdict {
            try scene { world in
                world.observed.configuration = .known(
                    .object(["loop_wait": .int(5), "synchronous_mode": .bool(true)]))
            }.check(
                .switchoverPossible(
                    from: "postgres-1", to: "postgres-2", maxLag: lag, isOptional: isOptional))
        }
        let reason = "postgres-2 is not the synchronous standby yet"
        #expect(try verdict(isOptional: true) == .idle(reason, patience: .seconds(20)))
        #expect(try verdict(isOptional: false) == .wait(reason))
    }

    // What no seed of the simulation tells apart, as other guards stand behind these.

    @Test("nothing may be bootstrapped beside a leader, a listed member or an unseen server")
    func bootstrapsOnce() throws {
        let rule = Guard.nothingBootstrapped
        #expect(try scene().check(rule) == .refused("postgres-1 leads already"))
        let listed = try scene { world in
            for name in ["postgres-1", "postgres-2", "postgres-3"] as [MemberName] {
                world.change(name) { $0.role = .replica }
            }
        }
        #expect(listed.check(rule) == .refused("Patroni lists postgres-1 already"))
        let empty = try scene {
            $0.observed.members = [:]
            $0.observed.views = [:]
        }
        #expect(empty.check(rule) == .holds)
        let unseen = try scene {
            $0.observed.members = [:]
            $0.observed.views = [:]
            $0.observed.nodes["node-2"] = .unreachable("no route")
        }
        #expect(unseen.check(rule) == .refused("node-2 could not be looked at: no route"))
    }

    @Test("Postgres restarts only where Patroni asks for it")
    func restartsOnDemand() throws {
        let rule = Guard.restartPending("postgres-2")
        guard case .idle = try scene().check(rule) else {
            Issue.record("a restart that nobody asked for")
            return
        }
        #expect(
            try scene { $0.change("postgres-2") { $0.pendingRestart = true } }.check(rule) == .holds
        )
        #expect(
            try scene { $0.observed.members["postgres-2"] = .unreachable("timed out") }.check(rule)
                == .wait("postgres-2 does not answer"))
    }

    @Test("the data of a member may go only while another copy is healthy")
    func otherCopy() throws {
        let rule = Guard.healthyCopy(besides: "postgres-1")
        #expect(try scene().check(rule) == .holds)
        let last = try scene { world in
            for name in ["postgres-2", "postgres-3"] as [MemberName] {
                world.observed.members[name] = .unreachable("timed out")
            }
        }
        #expect(last.check(rule) == .wait("no other healthy copy of the data is known"))
    }

    @Test("the lead goes to a healthy copy alone")
    func candidate() throws {
        let rule = Guard.switchoverPossible(from: "postgres-1", to: "postgres-2", maxLag: lag)
        #expect(try scene().check(rule) == .holds)
        let silent = try scene { $0.observed.members["postgres-2"] = .unreachable("timed out") }
        #expect(silent.check(rule) == .wait("postgres-2 does not answer: timed out"))
    }

    @Test(
        "a member that has not reached etcd lately, or another leader in the leader's view, waits")
    func staleness() throws {
        func seen(_ ago: Int64) throws -> Verdict {
            try scene {
                $0.change("postgres-2") {
                    $0.answeredAt = 1000
                    $0.dcsLastSeen = 1000 - ago
                }
            }.check(.clusterSettled)
        }
        #expect(try seen(25) == .holds)
        #expect(try seen(26) == .wait("postgres-2 last reached etcd 26 s ago"))
        let moved = try scene { world in
            guard case .known(var view)? = world.observed.views["postgres-1"] else { return }
            for index in view.members.indices {
                view.members[index].role =
                    view.members[index].name == "postgres-2" ? .leader : .replica
            }
            world.observed.views["postgres-1"] = .known(view)
        }
        #expect(
            moved.check(.clusterSettled)
                == .wait("postgres-1 says that it leads, its view says postgres-2"))
    }

    @Test("while a server is unseen etcd does not shrink, and no member is made elsewhere")
    func unseen() throws {
        var world = World.three()
        try world.observeConverged()
        world.lose("node-3", members: ["postgres-3"], etcd: ["etcd-3"])
        world.desired.etcd.members.removeLast()
        world.desired.postgres.replicas += 1
        let plan = try world.plan()
        #expect(
            !plan.steps.contains {
                $0.id.rawValue.hasPrefix("remove-etcd:") || $0.id.rawValue.hasPrefix("add:")
            })
        #expect(Set(plan.blockers.map(\.object)).isSuperset(of: ["etcd-3", "crm"]))
    }

    /// Taken down in the middle, its data is worth nothing, or its way begins anew.
    @Test("a clone or a start that began since the plan must not be cut off")
    func onItsWay() throws {
        func verdict(_ rule: Guard, _ state: MemberState) throws -> Verdict {
            try scene {
                $0.change("postgres-3") {
                    $0.state = state
                    $0.replicationState = nil
                }
            }.check(rule)
        }
        for state in [MemberState.creatingReplica, .initializing] {
            #expect(
                try verdict(.ailingOrOthersStreaming("postgres-3", maxLag: lag), state)
                    == .wait("postgres-3 is being cloned"))
        }
        for state in [
            MemberState.creatingReplica, .initializing, .starting, .restarting, .stopping,
        ] {
            #expect(
                try verdict(.stillAiling("postgres-3"), state)
                    == .wait("postgres-3 is on its way by itself"))
        }
        #expect(
            try verdict(.ailingOrOthersStreaming("postgres-3", maxLag: lag), .running) == .holds)
    }

    /// Simulated: its clone was seen, then it missed one question, and was recreated as one that stands
    /// in nobody's way.
    @Test("a silent member that Patroni lists as being made anew must not be cut off")
    func silentOnItsWay() throws {
        func verdict(_ rule: Guard, _ listed: MemberState?) throws -> Verdict {
            try scene { world in
                world.observed.members["postgres-3"] = .unreachable("timed out")
                world.observed.views["postgres-3"] = .unreachable("timed out")
                guard case .known(var view) = world.observed.views["postgres-1"] else { return }
                view.members = view.members.compactMap { member in
                    var member = member
                    guard member.name == "postgres-3" else { return member }
                    guard let listed else { return nil }
                    member.state = listed
                    return member
                }
                world.observed.views["postgres-1"] = .known(view)
            }.check(rule)
        }
        let healthyAsPlanned = Guard.othersStreaming(besides: "postgres-3", maxLag: lag)
        let ailing = Guard.ailingOrOthersStreaming("postgres-3", maxLag: lag)
        for state in [MemberState.creatingReplica, .stopped, .crashed] {
            #expect(
                try verdict(healthyAsPlanned, state)
                    == .wait("postgres-3 is being cloned, or may come back by itself"))
        }
        #expect(
            try verdict(ailing, .creatingReplica) == .wait("postgres-3 is being cloned"))
        #expect(
            try verdict(ailing, .stopped)
                == .ripening(
                    "postgres-3 is stopped, and may come back by itself", after: .seconds(60)))
        #expect(
            try verdict(.stillAiling("postgres-3"), .creatingReplica)
                == .wait("postgres-3 is on its way by itself"))
        // One that died streams in the list until its key runs out, and then is in none.
        for state in [MemberState.streaming, nil] {
            #expect(try verdict(healthyAsPlanned, state) == .holds)
            #expect(try verdict(ailing, state) == .holds)
        }
    }

    /// Found by the simulation: it had healed since the plan, and nothing said that it was a copy.
    @Test("a broken member is not recreated once it has healed while a server is unseen")
    func healedBesideUnseen() throws {
        func guards(isUnseen: Bool) throws -> [Guard] {
            var world = World.three()
            try world.observeConverged()
            world.desired.postgres.image = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")
            world.change("postgres-2") { $0.state = .startFailed }
            if isUnseen { world.observed.nodes["node-3"] = .unreachable("no route") }
            return try world.plan().steps.first { $0.id == "recreate:postgres-2" }?.guards ?? []
        }
        #expect(try guards(isUnseen: true).contains(.stillAiling("postgres-2")))
        #expect(try !guards(isUnseen: false).isEmpty)
        #expect(try !guards(isUnseen: false).contains(.stillAiling("postgres-2")))
    }
}
