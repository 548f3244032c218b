import Cluster
import Effects
import Execution
import RemoteCommands
import Synchronization
import Testing

@Suite("The lock of a cluster")
struct ClusterLockTests {
    private let nodes = LockNodes()
    private let project = Project(name: "crm", directory: "/opt/crm")

    private func acquire(
        _ apply: String, on names: [NodeName], patience: Duration = .seconds(5),
        waits: Waits = Waits(), time: StepTime = StepTime()
    ) async throws(LockRefusal) -> ClusterLock {
        try await ClusterLock.acquire(
            on: names, for: .test(apply), project: project, patience: patience, holder: nodes,
            time: time
        ) { wait in waits.list.withLock { $0.append(wait) } }
    }

    @Test("nodes are locked in the order of their names, whatever the manifest's order")
    func order() async throws {
        let lock = try await acquire("a-1", on: ["n-10", "n-2", "n-1"])
        #expect(nodes.tries == ["n-1", "n-2", "n-10"])
        #expect(lock.nodes == ["n-1", "n-2", "n-10"])
        #expect(await lock.lostNode() == nil)
        await lock.release()
        #expect(nodes.holders.isEmpty)
    }

    @Test("with no patience one attempt is made; the refusal says who, since when and why")
    func refused() async throws {
        nodes.take("n-2", for: .test("b-1"))
        let refusal = await #expect(throws: LockRefusal.self) {
            _ = try await acquire("a-1", on: ["n-1", "n-2", "n-3"], patience: .zero)
        }
        #expect(
            refusal
                == LockRefusal(
                    "the lock on n-2 is held by ada@laptop (process 4711) since "
                        + "2026-11-24T18:21:33Z: apply of crm. Wait until that has ended, or longer "
                        + "with --lock-timeout; if its holder hangs: matriarch unlock",
                    isTaken: true))
        #expect(nodes.tries == ["n-1", "n-2"])
        #expect(nodes.holders == ["n-2": "b-1"])
    }

    @Test("waiting tells who holds it and for how long it has waited, and ends with its patience")
    func patience() async throws {
        nodes.take("n-1", for: .test("b-1"))
        let waits = Waits()
        let time = StepTime()
        let refusal = await #expect(throws: LockRefusal.self) {
            _ = try await acquire(
                "a-1", on: ["n-1"], patience: .seconds(60), waits: waits, time: time)
        }
        #expect(
            refusal?.text.contains(": apply of crm; waited 1m for it. Wait until that has") == true)
        #expect(time.now == .seconds(60))
        let list = waits.list.withLock { $0 }
        #expect(list.first?.waited == .zero)
        #expect(list.allSatisfy { $0.obstacle == .held(by: .test("b-1")) && $0.node == "n-1" })
        // About once a second.
        #expect((48...80).contains(list.count))
    }

    @Test("a lock that becomes free while it is waited for is taken")
    func freed() async throws {
        nodes.take("n-2", for: .test("b-1"))
        let nodes = nodes
        let lock = try await ClusterLock.acquire(
            on: ["n-1", "n-2"], for: .test("a-1"), project: project, patience: .seconds(60),
            holder: nodes, time: StepTime()
        ) { wait in if wait.waited > .seconds(3) { nodes.free("n-2") } }
        #expect(nodes.holders == ["n-1": "a-1", "n-2": "a-1"])
        await lock.release()
    }

    @Test("commands that an earlier apply left running are waited for, and named")
    func working() async throws {
        nodes.answer(
            "n-1",
            CommandResult(
                status: .exited(LockCommands.stillWorking),
                errors: Array("471 recreate postgres-2\n488 pull spilo\n".utf8)))
        let refusal = await #expect(throws: LockRefusal.self) {
            _ = try await acquire("a-1", on: ["n-1"], patience: .zero)
        }
        #expect(
            refusal?.text
                == "the lock on n-1 is not free yet: commands of an earlier apply still run there "
                + "(471 recreate postgres-2; 488 pull spilo). Wait until that has ended, or longer "
                + "with --lock-timeout; if it hangs, end it on n-1: pkill -g $(ps -o pgid= 471); what docker or "
                + "Postgres was asked for goes on")
    }

    @Test("a node that cannot be reached any more gives no lock, and is not waited for")
    func unreachable() async throws {
        nodes.cutOff("n-2")
        let refusal = await #expect(throws: LockRefusal.self) {
            _ = try await acquire("a-1", on: ["n-1", "n-2"])
        }
        #expect(
            refusal == LockRefusal("the lock on n-2 could not be taken: no route to n-2"))
        #expect(nodes.holders.isEmpty)
    }

    @Test(
        "two that start at the same moment never wait for each other, whatever order they lock in",
        .timeLimit(.minutes(5)), arguments: 0..<50)
    func noDeadlock(round: Int) async throws {
        // The second one's manifest calls the same servers by names in the opposite order.
        let mirror = MirroredNodes(of: nodes, names: ["m-1": "n-3", "m-2": "n-2", "m-3": "n-1"])
        // The waiter's time flies while the holder waits for a processor: its patience outlasts that.
        let time = StepTime()
        let nodes = nodes
        let project = project
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (apply, names, holder) in [
                ("a-\(round)", ["n-1", "n-2", "n-3"], nodes as any NodeHolder),
                ("b-\(round)", ["m-1", "m-2", "m-3"], mirror),
            ] {
                group.addTask {
                    let lock = try await ClusterLock.acquire(
                        on: names.map { NodeName($0) }, for: .test(apply), project: project,
                        patience: .seconds(100_000_000), holder: holder, time: time
                    ) { _ in }
                    // All of it is ours, and nobody else's, for as long as we have it.
                    for _ in 0..<10 {
                        #expect(Set(nodes.holders.values) == [apply])
                        #expect(nodes.holders.count == 3)
                        await Task.yield()
                    }
                    await lock.release()
                }
            }
            try await group.waitForAll()
        }
        #expect(nodes.holders.isEmpty)
    }

    @Test("a lock that was lost is noticed, with its node")
    func lost() async throws {
        let lock = try await acquire("a-1", on: ["n-1", "n-2"])
        nodes.free("n-2")
        #expect(await lock.lostNode() == "n-2")
        #expect(await lock.loss(time: StepTime()) == "n-2")
    }

    @Test("whoever stops watching is not told of a loss that its own release is")
    func watched() async throws {
        let lock = try await acquire("a-1", on: ["n-1"])
        let watcher = Task { await lock.loss(time: StepTime()) }
        watcher.cancel()
        #expect(await watcher.value == nil)
        await lock.release()
    }

    @Test(
        "a holder's record that is hostile, cut or missing never fails, and names somebody",
        arguments: [
            ("", "somebody who left no record"), ("a-1\n12\n", "somebody who left no record"),
            ("a-1\n12\n[1,2]\n", "somebody (process 0) since some time"),
            (
                "a-1\n12\n{\"who\":\"\\u001b[31mada\",\"pid\":99999999999999999999}\n",
                "\u{1b}[31mada (process 0) since some time"
            ),
        ])
    func hostile(record: String, text: String) {
        #expect(LockObstacle.held(by: LockHolder(record: record.utf8)).text == "is held by \(text)")
    }

    /// `apply --yes` planned for a server that booted while it waited, and did not lock it.
    @Test(
        "a server that a look under the lock reaches for the first time is locked before it is used"
    )
    func covering() async throws {
        let looks = Mutex([["n-1", "n-2"], ["n-1", "n-2", "n-3"], ["n-1", "n-2", "n-3"]])
        let covering = try await CoveringLock.acquire(
            on: ["n-1", "n-2"], lock: { try await acquire("a-1", on: $0) },
            look: { looks.withLock { $0.removeFirst() } },
            reached: { $0.map { NodeName($0) } })
        #expect(covering?.look == ["n-1", "n-2"])
        await covering?.lock.release()
        let next = try await CoveringLock.acquire(
            on: ["n-1"], lock: { try await acquire("a-1", on: $0) },
            look: { looks.withLock { $0.removeFirst() } },
            reached: { $0.map { NodeName($0) } })
        #expect(next?.lock.nodes == ["n-1", "n-2", "n-3"])
        #expect(nodes.holders == ["n-1": "a-1", "n-2": "a-1", "n-3": "a-1"])
        await next?.lock.release()
        let never = try await CoveringLock.acquire(
            on: ["n-1"], tries: 1, lock: { try await acquire("a-1", on: $0) },
            look: { ["n-2"] }, reached: { $0.map { NodeName($0) } })
        #expect(never == nil)
        #expect(nodes.holders.isEmpty)
    }
}
