import Cluster
import Planning
import Rendering
import Testing

/// Each scenario's name is an obligation; its plan is in `Golden/`.
@Suite struct PlanningTests {
    private static let newer = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")

    private func converged(
        replicas: Int = 2, leader: MemberName = "postgres-1",
        adjust: (inout Desired) -> Void = { _ in }
    ) throws -> World {
        var world = World.three(replicas: replicas, adjust: adjust)
        try world.observeConverged(leader: leader)
        return world
    }

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
    }

    @Test("an increase of max_connections must restart standbys first, a decrease the leader first")
    func restarts() throws {
        var world = try converged()
        func set(_ value: Int64) {
            world.desired.postgres.configuration = .object([
                "postgresql": .object(["parameters": .object(["max_connections": .int(value)])])
            ])
        }
        set(200)
        try expectGolden(world.plan().description, "max-connections-up")
        set(50)
        try expectGolden(world.plan().description, "max-connections-down")
    }

    private func parameters(_ values: [String: JSONValue]) -> JSONValue {
        .object(["postgresql": .object(["parameters": .object(values)])])
    }

    /// One restart of the leader first, for both, would have stopped every standby.
    @Test("raising one setting that binds standbys and lowering another must be two edits")
    func mixedDirections() throws {
        var world = try converged()
        world.desired.postgres.configuration = parameters([
            "max_connections": .int(50), "max_worker_processes": .int(16),
        ])
        #expect(
            try world.plan().blockers == [
                Blocker(
                    object: "configuration",
                    seen: "configuration.postgresql.parameters.max_connections 100 → 50 together"
                        + " with configuration.postgresql.parameters.max_worker_processes"
                        + " (not set) → 16",
                    expected: "one direction at a time: standbys stop when the leader has more than"
                        + " they have, so it restarts first for less and last for more",
                    remedy: "Make two edits: apply what is lowered, then what is raised.")
            ])
    }

    /// Every member was restarted twice, with two write pauses.
    @Test("lowering a setting that binds standbys and another image must be two edits")
    func loweredWithImage() throws {
        var world = try converged()
        world.desired.postgres.configuration = parameters(["max_connections": .int(50)])
        world.desired.postgres.image = Self.newer
        #expect(
            try world.plan().blockers.map(\.seen) == [
                "configuration.postgresql.parameters.max_connections 100 → 50 together with"
                    + " changes that recreate postgres-1, postgres-2, postgres-3"
            ])
    }

    /// An apply was cut off after the patch: the image alone recreated every member, with a
    /// switchover, and each restarted once more.
    @Test("a lowered setting that waits for restarts and another image must be two edits")
    func pendingLowerWithImage() throws {
        var world = try converged()
        for name in ["postgres-1", "postgres-2", "postgres-3"] as [MemberName] {
            world.change(name) {
                $0.pendingRestart = true
                $0.pendingParameters = ["max_connections": PendingParameter(old: "100", new: "50")]
            }
        }
        #expect(try world.plan().blockers == [])
        world.desired.postgres.image = Self.newer
        #expect(
            try world.plan().blockers.map(\.seen) == [
                "max_connections 100 → 50, which waits for postgres-1 to restart, together with"
                    + " changes that recreate postgres-1, postgres-2, postgres-3"
            ])
    }

    @Test("a setting that is not set must count with Patroni's default, also when it is deleted")
    func defaults() throws {
        func change(
            _ name: String, _ old: JSONValue?, _ new: JSONValue?
        ) throws -> ConfigurationChange {
            try #require(
                ConfigurationDifference.leaves(
                    of: parameters([name: new ?? .null]),
                    live: parameters(old.map { [name: $0] } ?? [:])
                ).first)
        }
        #expect(try change("max_connections", nil, .int(50)).primaryFirst)
        #expect(try change("max_connections", nil, .int(200)).standbysFirst)
        #expect(try change("max_connections", .int(200), nil).primaryFirst)
        #expect(try change("max_connections", .string("200"), .null).primaryFirst)
        #expect(try change("max_connections", .int(50), nil).standbysFirst)
        #expect(try change("max_worker_processes", .int(8), nil).primaryFirst == false)
        #expect(try change("max_worker_processes", .int(8), nil).standbysFirst == false)
        #expect(try change("max_locks_per_transaction", nil, .int(63)).primaryFirst)
        #expect(try change("max_prepared_transactions", nil, .int(1)).standbysFirst)
        #expect(try change("max_wal_senders", .int(11), nil).primaryFirst)
        #expect(try change("wal_buffers", .int(11), nil).primaryFirst == false)
    }

    @Test("a stopped member must start with a raised setting, and not restart once more for it")
    func startsConfigured() throws {
        var world = try converged()
        world.change(container: "postgres-3", on: "node-3") { $0.state = .exited }
        world.observed.members["postgres-3"] = .unreachable("connection refused")
        world.desired.postgres.configuration = parameters(["max_connections": .int(200)])
        let plan = try world.plan()
        #expect(
            plan.steps.map(\.id) == [
                "configure", "start:postgres-3", "restart-postgres:postgres-2",
                "restart-postgres:postgres-1",
            ])
        #expect(plan.steps[1].after == ["configure"])
    }

    @Test("pending restarts that an interrupted apply left must be finished")
    func pending() throws {
        var world = try converged()
        for name in ["postgres-1", "postgres-3"] as [MemberName] {
            world.change(name) {
                $0.pendingRestart = true
                $0.pendingParameters = ["max_connections": PendingParameter(old: "100", new: "200")]
            }
        }
        try expectGolden(world.plan().description, "pending-restarts")
    }

    /// The new member cloned and started before the configuration was patched, and was left with a
    /// pending restart that only a second apply found.
    @Test("a new member must start with the new value, or restart after the leader has the lower")
    func growAndReconfigure() throws {
        var world = try converged()
        world.desired.postgres.replicas = 3
        world.desired.postgres.configuration = .object([
            "postgresql": .object(["parameters": .object(["max_connections": .int(200)])])
        ])
        try expectGolden(world.plan().description, "grow-max-connections-up")
        world.desired.postgres.configuration = .object([
            "postgresql": .object(["parameters": .object(["max_connections": .int(50)])])
        ])
        try expectGolden(world.plan().description, "grow-max-connections-down")
    }

    @Test(
        "a member that is repaired while the leader waits for a lower value must restart after it")
    func repairWhilePending() throws {
        var world = try converged()
        world.change("postgres-1") {
            $0.pendingRestart = true
            $0.pendingParameters = ["max_connections": PendingParameter(old: "100", new: "50")]
        }
        world.observed.members["postgres-3"] = .unreachable("connection refused")
        #expect(
            try world.plan().steps.map(\.id) == [
                "restart:postgres-3", "restart-postgres:postgres-1", "restart-postgres:postgres-3",
            ])
    }

    @Test("a setting that needs no restart must restart nobody")
    func reloadOnly() throws {
        var world = try converged()
        world.desired.postgres.configuration = .object(["loop_wait": .int(5)])
        #expect(try world.plan().steps.map(\.id) == ["configure"])
    }

    @Test("a list of the configuration that differs in how its numbers are written was set anew")
    func numbersInLists() throws {
        var world = try converged()
        func configuration(_ weights: [JSONValue]) -> JSONValue {
            .object([
                "ttl": .int(30),
                "slots": .array([.object(["weights": .array(weights), "on": .bool(true)])]),
            ])
        }
        world.desired.postgres.configuration = configuration([.double(1), .double(0.5)])
        world.observed.configuration = .known(configuration([.int(1), .double(0.5)]))
        #expect(try world.plan().steps.isEmpty)
        world.observed.configuration = .known(configuration([.int(1), .double(0.5), .int(2)]))
        #expect(try world.plan().steps.map(\.id) == ["configure"])
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
        #expect(try plan(.running, startedAt: 9_990, createdAt: 100) == [])
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
        #expect(try plan(.inArchiveRecovery, startedAt: 100, createdAt: 100) == [])
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

    @Test("a hand-made cluster that matches must be adopted without a restart")
    func adoption() throws {
        var world = try converged()
        for node in ["node-1", "node-2", "node-3"] as [NodeName] {
            world.change(node) { shown in
                shown.files = [
                    "docker-compose.yml": ObservedFile("services: {}\n", mode: 0o644)
                ]
                for index in shown.containers.indices {
                    shown.containers[index].managedBy = nil
                    shown.containers[index].labels = [:]
                    shown.containers[index].environment["EXTRA"] = ObservedText("kept")
                }
            }
        }
        try expectGolden(world.plan().description, "adoption")
    }

    @Test("a saved observation must plan as the servers did: adoption, and files as they are")
    func offline() throws {
        var world = try converged()
        world.change("node-1") {
            $0.files["compose.yaml"] = ObservedFile("services: {}\n", mode: 0o644)
        }
        world.change("node-2") { shown in
            let text = shown.files["compose.yaml"]?.content
            guard case .plain(let secret) = text else { return }
            shown.files["compose.yaml"] = ObservedFile(
                secret.reveal() + "# a remark\n", mode: 0o644)
        }
        let online = try world.plan()
        #expect(online.steps.map(\.id) == ["adopt:node-1", "write:node-1"])
        for node in world.desired.nodes {
            world.change(node.name) { shown in
                for (path, file) in shown.files {
                    guard case .plain(let text) = file.content else { continue }
                    shown.files[path]?.content = .digest(FileSpec.meaning(of: text.reveal()))
                }
            }
        }
        let offline = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed,
            digest: { $0 })
        #expect(offline.plan == online)
    }

    @Test("a hand-made member must keep its own volume when it is recreated one day")
    func adoptedVolume() throws {
        var world = try converged()
        world.change(container: "postgres-2", on: "node-2") {
            $0.managedBy = nil
            $0.environment["ETCD3_HOSTS"] = ObservedText(
                "\"10.0.0.13:2379\", \"10.0.0.11:2379\",\"10.0.0.12:2379\"")
            $0.environment["SPILO_CONFIGURATION"] = nil
            $0.healthCheck = nil
            $0.stopTimeout = nil
            $0.mounts = [
                VolumeMount(source: .volume("pg2-data"), target: "/home/postgres/pgdata")
            ]
        }
        let proposal = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed)
        #expect(!proposal.plan.steps.contains { $0.id == "recreate:postgres-2" })
        let spec = proposal.blueprint.spec(ContainerAddress("postgres-2", on: "node-2"))
        #expect(spec?.mounts.first?.source == .volume("pg2-data"))
    }

    @Test("volumes that nothing explains must stop a new cluster: they may be the old one's data")
    func strangeVolumes() throws {
        var world = World.three()
        world.change("node-2") { $0.volumes = ["postgres-2-data"] }
        let plan = try world.plan()
        #expect(plan.blockers.map(\.seen) == ["volumes of the project: postgres-2-data"])
        #expect(!plan.steps.contains { if case .bootstrap = $0.action { true } else { false } })
    }

    @Test("what Matriarch did not make must never be touched; its own leftovers are pruned")
    func prune() throws {
        var world = try converged()
        for (service, owner) in [("old", ClusterName("crm")), ("theirs", nil)] {
            world.change("node-2") {
                $0.containers.append(
                    ObservedContainer(
                        id: "id-\(service)", service: ServiceName(service), managedBy: owner,
                        image: ImageReference("x:1"), imageID: "sha256:x"))
            }
        }
        try expectGolden(world.plan().description, "prune")
    }

    /// The passwords of a member that was removed stayed on its node for ever.
    @Test("env files of what left must go, with the member and from before; others' never")
    func leftOverFiles() throws {
        var world = try converged {
            $0.postgres.members.append(PinnedMember(name: "postgres-4", node: "node-1"))
            $0.postgres.replicas = 3
        }
        world.desired.postgres.members.removeLast()
        world.desired.postgres.replicas = 2
        world.change("node-2") { shown in
            shown.containers.append(
                ObservedContainer(
                    id: "id-theirs", service: "theirs", image: ImageReference("x:1"),
                    imageID: "sha256:x"))
            for service in ["old", "old.first-start", "theirs"] {
                shown.files["env/\(service).env"] = ObservedFile(
                    "# Written by Matriarch. Edit the manifest\nA=\"b\"\n", mode: 0o600)
            }
            shown.files["env/by-hand.env"] = ObservedFile("A=b\n", mode: 0o600)
        }
        let plan = try world.plan()
        try expectGolden(plan.description, "left-over-files")
        #expect(
            plan.steps.suffix(2).map(\.action) == [
                .removeFiles("node-1", paths: ["env/postgres-4.env"]),
                .removeFiles("node-2", paths: ["env/old.env", "env/old.first-start.env"]),
            ])
    }

    /// The compose file of a node that nothing is declared for went on naming the old member, and
    /// `docker compose up` there would have started it again.
    @Test("a node that nothing is declared for any more must be left without files of ours")
    func emptiedNode() throws {
        var world = try converged()
        world.desired.postgres.members.removeLast()
        world.desired.postgres.replicas = 1
        world.desired.haproxy?.nodes.removeLast()
        world.desired.etcd.members.removeLast()
        let files = try world.plan().steps.compactMap { step -> [String]? in
            if case .removeFiles("node-3", let paths) = step.action { paths } else { nil }
        }
        #expect(
            files == [
                [
                    "compose.yaml", "env/etcd-3.first-start.env", "env/postgres-3.env",
                    "haproxy/haproxy.cfg",
                ]
            ])
    }

    @Test("steps that write files must tell contents apart, or a review would hold for others")
    func contents() throws {
        func contents(_ connections: Int) throws -> [String: [String: String]] {
            var world = try converged()
            world.desired.haproxy?.maxConnections = connections
            world.desired.services = [
                Service(name: "rest", nodes: ["node-1"], image: ImageReference("r:1"))
            ]
            let plan = try Planner.propose(
                desired: world.desired, secrets: world.secrets, observed: world.observed,
                fingerprint: { "\($0.reveal().hashValue)" }
            ).plan
            return Dictionary(
                uniqueKeysWithValues: plan.steps.map { ($0.id.rawValue, $0.contents) })
        }
        let reviewed = try contents(500)
        let other = try contents(600)
        #expect(reviewed["write:node-1"]?.keys.sorted() == ["compose.yaml"])
        #expect(reviewed["write:node-1"] == other["write:node-1"])
        #expect(reviewed["reload:haproxy@node-1"]?.keys.sorted() == ["haproxy/haproxy.cfg"])
        #expect(reviewed["reload:haproxy@node-1"] != other["reload:haproxy@node-1"])
        #expect(reviewed["create:rest@node-1"] == [:])
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
