import Cluster
import Planning
import Rendering
import Testing

/// What a plan says of a cluster that is not well, and what it must not wait for.
@Suite struct TroubleTests {
    private static let newer = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")

    /// "No changes. crm matches the manifest", exit 0, while nobody could write.
    @Test("a cluster without a leader must not pass for one that matches")
    func leaderless() throws {
        var world = try converged()
        world.change("postgres-1") { $0.role = .replica }
        let plan = try world.plan()
        #expect(plan.steps.isEmpty)
        #expect(
            plan.notes.contains(
                .down(object: "crm", reason: "no member says that it leads; nobody can write")))
    }

    @Test("what did not answer or is not healthy, and has no step, must be said")
    func silence() throws {
        var world = try converged()
        world.observed.configuration = .unreachable("timed out")
        world.observed.haproxy["node-2"] = .unreachable("connection refused")
        world.observed.etcd["etcd-1"] = .unreachable("timed out")
        if case .known(var answer)? = world.observed.etcd["etcd-2"] {
            answer.isHealthy = false
            world.observed.etcd["etcd-2"] = .known(answer)
        }
        world.change("postgres-1") {
            $0.replication["postgres-3"] = StandbyState(state: "streaming", syncState: "async")
        }
        world.observed.members["postgres-3"] = .unreachable("timed out")
        let plan = try world.plan()
        #expect(plan.steps.isEmpty)
        #expect(
            plan.notes.filter { if case .advice = $0 { false } else { true } } == [
                .unreachable(object: "Patroni's configuration", reason: "timed out"),
                .unreachable(object: "etcd-1", reason: "timed out"),
                .down(object: "etcd-2", reason: "it is not healthy"),
                .unreachable(object: "postgres-3", reason: "timed out"),
                .unreachable(object: "haproxy on node-2", reason: "connection refused"),
            ])
    }

    @Test("an HAProxy that is silent must be said, though another node's has a step")
    func silentBesideAStep() throws {
        var world = try converged()
        world.observed.haproxy["node-2"] = .unreachable("connection refused")
        world.change(container: "haproxy", on: "node-1") { $0.state = .exited }
        let plan = try world.plan()
        #expect(plan.steps.map(\.id) == ["start:haproxy@node-1"])
        #expect(
            plan.notes.contains(
                .unreachable(object: "haproxy on node-2", reason: "connection refused")))
    }

    @Test("a server whose disk is nearly full must be said before it is")
    func littleSpace() throws {
        var world = try converged()
        world.change("node-1") { (node: inout ObservedNode) in node.freeSpace = .mebibytes(1024) }
        #expect(try world.plan().notes.isEmpty)
        world.change("node-1") { (node: inout ObservedNode) in node.freeSpace = .mebibytes(300) }
        #expect(
            try world.plan().notes == [
                .advice(
                    "node-1 has 300 MiB free where docker keeps its data: Postgres stops when it"
                        + " is full, and images and clones need room")
            ])
    }

    /// "No changes", exit 0, while writes through that HAProxy stood still.
    @Test("a paused container must be said to be down, and nothing must start it")
    func paused() throws {
        var world = try converged()
        for (service, node) in [
            ("haproxy", "node-1"), ("etcd-2", "node-2"), ("postgres-3", "node-3"),
        ] {
            world.change(container: ServiceName(service), on: NodeName(node)) { $0.state = .paused }
        }
        world.observed.haproxy["node-1"] = .unreachable("timed out")
        world.observed.etcd["etcd-2"] = .unreachable("timed out")
        world.observed.members["postgres-3"] = .unreachable("timed out")
        world.observed.views["postgres-3"] = .unreachable("timed out")
        let plan = try world.plan()
        #expect(plan.steps.isEmpty)
        #expect(
            plan.notes
                == ["postgres-3", "etcd-2 on node-2", "haproxy on node-1"].map {
                    .down(
                        object: $0,
                        reason: "someone paused its container (docker unpause); left alone")
                })
    }

    @Test("a member that answers and does not stream must be said, and what it waits with too")
    func patience() throws {
        var world = try converged()
        world.change("postgres-3") {
            $0.state = .creatingReplica
            $0.replicationState = nil
        }
        #expect(
            try world.plan().notes == [
                .down(object: "postgres-3", reason: "it is creating replica; left alone")
            ])
        world.desired.postgres.members[2].environment = ["LOG_LEVEL": "debug"]
        let plan = try world.plan()
        #expect(!plan.steps.contains { $0.id == "recreate:postgres-3" })
        #expect(
            plan.notes == [
                .down(
                    object: "postgres-3",
                    reason: "it is creating replica; left alone, and its change of"
                        + " environment.LOG_LEVEL waits")
            ])
    }

    /// Patroni hangs while the leader still streams to it: left alone, and its new image with it.
    @Test("a change that waits for a silent member must be said")
    func silentChange() throws {
        var world = try converged()
        world.change("postgres-1") {
            $0.replication["postgres-3"] = StandbyState(state: "streaming", syncState: "async")
        }
        world.observed.members["postgres-3"] = .unreachable("timed out")
        world.desired.postgres.members[2].environment = ["LOG_LEVEL": "debug"]
        #expect(
            try world.plan().notes.contains(
                .down(
                    object: "postgres-3",
                    reason: "Patroni does not answer, but the leader streams to it; left alone, and"
                        + " its change of environment.LOG_LEVEL waits")))
    }

    @Test("what a step mends must not be said to be unread")
    func mended() throws {
        var world = try converged()
        world.change(container: "haproxy", on: "node-1") { $0.state = .exited }
        world.observed.haproxy["node-1"] = .unreachable("connection refused")
        world.change(container: "etcd-3", on: "node-3") { $0.state = .exited }
        world.observed.etcd["etcd-3"] = .unreachable("connection refused")
        #expect(try world.plan().notes == [])
    }

    /// Clients had no way in until the last replica was mended, which may never be.
    @Test("a stopped HAProxy must start whatever becomes of the members")
    func startsAtOnce() throws {
        var world = try converged()
        world.change(container: "haproxy", on: "node-1") { $0.state = .exited }
        world.change("postgres-3") { $0.replicationState = nil }
        let plan = try world.plan()
        #expect(plan.steps.map(\.id) == ["restart:postgres-3", "start:haproxy@node-1"])
        #expect(plan.steps.last?.after == [])
    }

    /// The file was placed, `docker kill -s HUP` failed, and the next plan found the file as declared.
    @Test("an HAProxy that shows other servers than its file must be reloaded")
    func reload() throws {
        var world = try converged()
        world.observed.haproxy["node-2"] = .known(
            ["pg_write", "pg_read"].map {
                ProxyServer(backend: $0, server: "postgres-1", status: "UP")
            })
        let plan = try world.plan()
        #expect(plan.steps.map(\.id) == ["reload:haproxy@node-2"])
        #expect(plan.steps.first?.causes == [.broken("pg_write on node-2 shows postgres-1")])
    }

    /// The guard waited the whole step's limit at every apply, and the apply ended with 4.
    @Test("a preferred leader must wait to be the synchronous standby")
    func preferredInSync() throws {
        func plan(sync: MemberName, image: Bool = false) throws -> Plan {
            var world = try converged(leader: "postgres-2") {
                $0.rollout.preferredLeader = "postgres-1"
            }
            world.observed.configuration = .known(
                .object(["ttl": .int(30), "synchronous_mode": .bool(true)]))
            world.change(sync) { $0.role = .syncStandby }
            if image { world.desired.postgres.image = Self.newer }
            return try world.plan()
        }
        #expect(try plan(sync: "postgres-1").steps.map(\.id) == ["switchover:postgres-1"])
        let waiting = Note.advice(
            "postgres-1 is preferred to lead, and gets the lead once it is the synchronous standby")
        let other = try plan(sync: "postgres-3")
        #expect(other.steps.isEmpty && other.notes == [waiting])
        // After members were taken down, who is synchronous is Patroni's choice: without a step for
        // both, the plan after the apply was not empty where it chose the preferred one.
        func switchovers(sync: MemberName) throws -> [Step] {
            let rolling = try plan(sync: sync, image: true)
            #expect(rolling.notes == [])
            return rolling.steps.filter {
                if case .switchover = $0.action { true } else { false }
            }
        }
        let two = try switchovers(sync: "postgres-1")
        #expect(two.map(\.id) == ["switchover:postgres-3", "switchover:postgres-1"])
        #expect(
            two.last?.guards.first
                == .switchoverPossible(
                    from: "postgres-3", to: "postgres-1", maxLag: .mebibytes(1), isOptional: true))
        #expect(
            two.last?.causes == [
                .topology(
                    "the manifest prefers postgres-1 to lead; left out unless it is the synchronous"
                        + " standby by then")
            ])
        #expect(try switchovers(sync: "postgres-3").map(\.id) == ["switchover:postgres-1"])
    }

    @Test("a member tagged nosync must never be the candidate in synchronous mode")
    func nosync() throws {
        var world = try converged()
        world.observed.configuration = .known(
            .object(["ttl": .int(30), "synchronous_mode": .bool(true)]))
        world.change("postgres-2") { $0.tags["nosync"] = .bool(true) }
        world.change("postgres-3") { $0.role = .syncStandby }
        world.desired.postgres.image = Self.newer
        let ids = try world.plan().steps.map(\.id)
        #expect(ids.contains("switchover:postgres-3"))
    }

    /// The service got the new password, its role kept the old one, and it was locked out.
    @Test("a role's new secret must reach the database before the service that logs in with it")
    func rotation() throws {
        var world = World.three {
            $0.secrets["authenticator"] = .environment("D")
            $0.services = [
                Service(
                    name: "rest", kind: .rest, nodes: ["node-1"], image: ImageReference("r:1"),
                    environment: [
                        "PGRST_DB_URI": Template([
                            .literal("postgres://authenticator:"), .secret("authenticator"),
                        ])
                    ])
            ]
        }
        world.secrets = Secrets([
            "superuser": Secret("s3cret-super"), "replication": Secret("s3cret-standby"),
            "admin": Secret("s3cret-admin"), "authenticator": Secret("old"),
        ])
        try world.observeConverged()
        #expect(try world.plan().steps.isEmpty)
        world.secrets = Secrets([
            "superuser": Secret("s3cret-super"), "replication": Secret("s3cret-standby"),
            "admin": Secret("s3cret-admin"), "authenticator": Secret("new"),
        ])
        let plan = try world.plan()
        let database = try #require(plan.steps.first { $0.id == "database:crm" })
        #expect(
            database.causes == [
                .topology("rest is to log in as authenticator with its present secret")
            ])
        let service = try #require(plan.steps.first { $0.id == "recreate:rest@node-1" })
        #expect(service.after.contains("database:crm"))
        world.change("node-1") { $0.files["state/database.json"] = nil }
        let first = try #require(try world.plan().steps.first { $0.id == "database:crm" })
        #expect(
            first.causes.first
                == .missing(
                    "database crm was not prepared yet; what is there already stays, but"
                        + " the passwords of authenticator become the manifest's"))
    }

    @Test("loading an image may take as long as its step says")
    func pull() throws {
        var world = try converged()
        world.desired.postgres.image = Self.newer
        let pulls = try world.plan().steps.filter {
            if case .pullImage = $0.action { true } else { false }
        }
        #expect(!pulls.isEmpty && pulls.allSatisfy { $0.limit == Action.pullLimit })
    }

    @Test("a cluster that nobody could look at is not new: its settings are not patched blindly")
    func nobodySeen() throws {
        var world = World.three()
        try world.observeConverged()
        for name in world.observed.nodes.keys {
            world.observed.nodes[name] = .unreachable("permission denied")
        }
        world.observed.members = [:]
        world.observed.views = [:]
        world.observed.configuration = nil
        let plan = try world.plan()
        #expect(plan.steps.isEmpty)
        // Three notes, and so an exit of 1: no "no changes".
        #expect(plan.notes.count { if case .unreachable = $0 { true } else { false } } == 3)
    }

    @Test("etcd must not be founded a second time while a server that may run it is unseen")
    func noSecondEtcd() throws {
        var world = World.three()
        try world.observeConverged()
        world.observed.nodes["node-1"] = .unreachable("connection refused")
        for name in ["node-2", "node-3"] as [NodeName] {
            world.change(name) {
                $0.containers = []
                $0.volumes = []
            }
        }
        world.observed.members = [:]
        world.observed.views = [:]
        world.observed.etcd = [:]
        world.observed.configuration = nil
        let plan = try world.plan()
        #expect(
            !plan.steps.contains { step in
                step.id.rawValue.hasPrefix("create:etcd") || step.id.rawValue.hasPrefix("add:")
            })
        #expect(plan.blockers.map(\.object).contains("etcd-2"))
    }

    @Test("a way in that left the manifest must stay until what replaces it is there and was seen")
    func wayIn() throws {
        var world = World.three { $0.haproxy?.nodes = ["node-1"] }
        try world.observeConverged()
        world.desired.haproxy?.nodes = ["node-2"]
        let plan = try world.plan()
        let removal = plan.steps.first { $0.id == "remove:haproxy@node-1" }
        #expect(removal?.after.contains("create:haproxy@node-2") == true)
        world.observed.nodes["node-2"] = .unreachable("connection refused")
        #expect(try !world.plan().steps.contains { $0.id == "remove:haproxy@node-1" })
    }

    @Test("an HAProxy must not go down while another's server is unseen")
    func unseenProxy() throws {
        var world = World.three()
        try world.observeConverged()
        world.desired.haproxy?.image = ImageReference("haproxy:9.9")
        #expect(try world.plan().steps.contains { $0.id == "recreate:haproxy@node-1" })
        world.observed.nodes["node-2"] = .unreachable("connection refused")
        #expect(try !world.plan().steps.contains { $0.id.rawValue.hasPrefix("recreate:haproxy") })
    }

    /// Found on the lab: the leader's server had another host key, and an image bump recreated both
    /// replicas as broken, for want of a leader.
    @Test("replicas must not pass for broken where the leader's server could not be looked at")
    func unseenLeader() throws {
        var world = World.three()
        try world.observeConverged()
        world.desired.postgres.image = ImageReference("ghcr.io/zalando/spilo-17:4.0-p9")
        world.observed.nodes["node-1"] = .unreachable("its host key has changed")
        world.observed.members["postgres-1"] = .unreachable("its host key has changed")
        world.observed.views["postgres-1"] = .unreachable("its host key has changed")
        for name in ["postgres-2", "postgres-3"] as [MemberName] {
            world.change(name) { $0.replicationState = nil }
            world.observed.views[name] = .unreachable("timed out")
        }
        let plan = try world.plan()
        #expect(!plan.steps.contains { $0.id.rawValue.hasPrefix("recreate:") })
        #expect(
            plan.notes.contains {
                if case .down("postgres-2", let reason) = $0 {
                    reason.contains("image")
                } else {
                    false
                }
            })
    }

    /// Found on the lab: a server that lost its power in the middle of a recreation.
    @Test("a second container, created and never started, must be told, and hide no first one")
    func halfMade() throws {
        var world = try converged()
        world.change("node-2") { node in
            guard var half = node.container("postgres-2") else { return }
            half.id = "half"
            half.state = .created
            half.startedAt = nil
            node.containers.append(half)
        }
        let plan = try world.plan()
        #expect(plan.steps == [])
        #expect(
            plan.notes.contains {
                if case .advice(let text) = $0 {
                    text.hasPrefix("postgres-2@node-2 has a second")
                } else {
                    false
                }
            })
    }
}
