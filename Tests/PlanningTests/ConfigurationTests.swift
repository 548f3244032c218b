import Cluster
import Planning
import Rendering
import Testing

/// Dynamic configuration and restarts in Patroni's order.
@Suite struct ConfigurationTests {
    private static let newer = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")

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
}
