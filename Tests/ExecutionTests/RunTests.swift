import Cluster
import Execution
import Planning
import Testing

@Suite("A run")
struct RunTests {
    let lag = ByteCount.mebibytes(1)

    @Test("of an empty plan says that there was nothing to do")
    func empty() {
        let bench = Bench([])
        #expect(bench.report?.outcome == .nothingToDo)
    }

    @Test("starts what waits for nothing side by side, and dependents after success alone")
    func order() {
        var bench = Bench([
            step("a", .pullImage("n1", "spilo:1")), step("b", .pullImage("n2", "spilo:1")),
            step("c", .addReplica("pg-2"), after: ["a", "b"]),
        ])
        #expect(bench.acts == [.pullImage("n1", "spilo:1"), .pullImage("n2", "spilo:1")])
        bench.performed("a")
        #expect(bench.last.isEmpty)
        bench.performed("b")
        #expect(bench.acts == [.addReplica("pg-2")])
        bench.performed("c")
        #expect(bench.report?.outcome == .completed)
    }

    @Test("never has two acts in flight that take members down, whatever the plan allows")
    func oneMemberAtATime() {
        var bench = Bench([
            step("a", .recreateMember("pg-1"), guards: [.clusterSettled]),
            step("b", .recreateMember("pg-2"), guards: [.clusterSettled], done: .leads("pg-1")),
        ])
        bench.read("b")
        #expect(bench.acts == [.recreateMember("pg-2")])
        bench.read("a")
        #expect(bench.last.isEmpty)
        bench.performed("b")
        #expect(bench.last == [.read("b", [.patroni], after: .zero)])
        bench.read("b", ["leads": "notYet:still starting"])
        #expect(bench.acts.isEmpty)
        bench.read("b")
        #expect(bench.last == [.read("a", [.patroni], after: .zero)])
        bench.read("a")
        #expect(bench.acts == [.recreateMember("pg-1")])
    }

    /// Each is healthy with the others alone: one after the other ended at the first one's limit.
    @Test("recreates etcd's containers that are down side by side, and one that runs beside none")
    func etcdIsDown() {
        let addresses = ["n1", "n2"].map { ContainerAddress("etcd-1", on: $0) }
        func acts(_ rule: (ContainerAddress) -> Guard) -> [Action] {
            var bench = Bench(
                addresses.map {
                    step(
                        StepID($0.node.rawValue), .recreateContainer($0), guards: [rule($0)],
                        done: .etcdMemberHealthy("etcd-1", isLearner: false))
                })
            var acts: [Action] = []
            for address in addresses {
                bench.read(StepID(address.node.rawValue))
                acts += bench.acts
            }
            return acts
        }
        #expect(acts { .containerDown($0) } == addresses.map { .recreateContainer($0) })
        #expect(acts { .containerIs($0, id: "c") } == [.recreateContainer(addresses[0])])
    }

    @Test("does not act on a reading from before another disruptive act")
    func staleReading() {
        var bench = Bench([
            step("a", .recreateMember("pg-1"), guards: [.clusterSettled]),
            step("b", .recreateMember("pg-2"), guards: [.clusterSettled]),
        ])
        bench.read("b")
        bench.performed("b")
        // The reading of `a` was asked for before `b` acted, and comes only now.
        bench.read("a")
        #expect(bench.last == [.read("a", [.patroni], after: .zero)])
    }

    @Test("waits for a guard until the step's limit, then fails with the guard's reason")
    func guardLimit() {
        var bench = Bench([
            step("a", .recreateMember("pg-2"), guards: [.notLeading("pg-2")], limit: .seconds(60)),
            step("b", .prepareDatabase, after: ["a"]),
        ])
        bench.read("a", ["notLeading": "wait:pg-2 leads"])
        #expect(bench.last == [.read("a", [.patroni], after: .milliseconds(200))])
        bench.read("a", ["notLeading": "wait:pg-2 leads"], after: .seconds(31))
        #expect(bench.last == [.read("a", [.patroni], after: .seconds(1))])
        bench.read("a", ["notLeading": "wait:pg-2 leads"], after: .seconds(29))
        let reason = "not started within 1m: pg-2 leads"
        #expect(bench.report?.outcome == .stopped("a: \(reason)"))
        #expect(
            bench.report?.steps.map(\.outcome) == [.failed(reason), .skipped("comes after a")])
        let waiting = bench.events.filter { $0 == .stepWaiting("a", reason: "pg-2 leads") }
        #expect(waiting.count == 1)
    }

    @Test("fails at once where a guard refuses")
    func refusal() {
        var bench = Bench([step("a", .recreateMember("pg-2"), guards: [.clusterSettled])])
        bench.read("a", ["clusterSettled": "refused:two leaders: pg-1, pg-2"])
        #expect(bench.report?.outcome == .stopped("a: two leaders: pg-1, pg-2"))
    }

    @Test("starts nothing new after a failure, and lets running steps end")
    func failure() {
        var bench = Bench([
            step("a", .pullImage("n1", "spilo:1")), step("b", .pullImage("n2", "spilo:1")),
            step("c", .addReplica("pg-2"), after: ["b"]),
        ])
        bench.performed("a", .failed("no space left"))
        #expect(bench.last.isEmpty)
        bench.performed("b")
        #expect(bench.report?.outcome == .stopped("a: no space left"))
        #expect(
            bench.report?.steps.map(\.outcome) == [
                .failed("no space left"), .succeeded, .skipped("stopped after a: no space left"),
            ])
    }

    @Test("ends running steps at the first interrupt, and waits for nothing after the second")
    func interrupts() {
        let steps = [
            step("a", .addReplica("pg-2"), done: .leads("pg-2")),
            step("b", .prepareDatabase, after: ["a"]),
        ]
        var bench = Bench(steps)
        bench.performed("a")
        bench.interrupt()
        #expect(bench.report == nil)
        bench.read("a")
        #expect(bench.report?.outcome == .interrupted)
        #expect(
            bench.report?.steps.map(\.outcome) == [.succeeded, .skipped("interrupted")])

        bench = Bench(steps)
        bench.interrupt()
        bench.interrupt()
        #expect(bench.report?.outcome == .interrupted)
        #expect(
            bench.report?.steps.map(\.outcome) == [
                .unknown("still under way when the wait for it was given up"),
                .skipped("comes after a"),
            ])
        bench.performed("a")
        #expect(bench.last.isEmpty)
    }

    @Test("withdraws a step that had not acted when another failed")
    func withdrawal() {
        var bench = Bench([
            step("a", .pullImage("n1", "spilo:1")),
            step("b", .recreateMember("pg-2"), guards: [.clusterSettled]),
        ])
        bench.performed("a", .failed("no space left"))
        #expect(
            bench.report?.steps.map(\.outcome) == [
                .failed("no space left"), .skipped("stopped after a: no space left"),
            ])
    }

    @Test("fails a step whose condition is not met within its limit, or cannot be met any more")
    func conditionLimit() {
        let condition = Condition.leads("pg-2")
        var bench = Bench([step("a", .addReplica("pg-2"), done: condition, limit: .seconds(90))])
        bench.performed("a")
        bench.read("a", ["leads": "notYet:creating replica"], after: .seconds(90))
        #expect(bench.report?.outcome == .stopped("a: not done within 90s: creating replica"))

        bench = Bench([step("a", .addReplica("pg-2"), done: condition, limit: .seconds(600))])
        bench.performed("a")
        bench.read("a", ["leads": "failing:its container exited (1)"])
        bench.read("a", ["leads": "notYet:it starts"], after: .seconds(50))
        // Whoever tries again is given the whole time again.
        bench.read("a", ["leads": "failing:its container exited (1)"], after: .seconds(50))
        #expect(bench.report == nil)
        bench.read("a", ["leads": "failing:its container exited (1)"], after: .seconds(60))
        #expect(bench.report?.outcome == .stopped("a: its container exited (1)"))
    }

    /// Found by the simulation: the time that had been waited for something else counted.
    @Test("acts on a state that has to last once it has, whatever was waited for before")
    func ripens() {
        func bench() -> Bench {
            Bench([
                step(
                    "a", .restartMember("pg-1"), guards: [.clusterSettled], limit: .seconds(300))
            ])
        }
        let ripe = ["clusterSettled": "ripening:pg-1 may recover by itself"]
        let away = ["clusterSettled": "wait:no route to n1"]
        var late = bench()
        late.read("a", away)
        late.read("a", away, after: .seconds(60))
        late.read("a", ripe, after: .seconds(1))
        #expect(late.acts.isEmpty)
        late.read("a", ripe, after: .seconds(14))
        #expect(late.acts.isEmpty)
        late.read("a", ripe, after: .seconds(1))
        #expect(late.acts == [.restartMember("pg-1")])
        // It comes and goes, as a Postgres that fails to start again and again.
        var flapping = bench()
        flapping.read("a", ripe)
        flapping.read("a", away, after: .seconds(8))
        flapping.read("a", ripe, after: .seconds(10))
        #expect(flapping.acts == [.restartMember("pg-1")])
        // Once a minute is no lasting state.
        var rare = bench()
        rare.read("a", ripe)
        rare.read("a", away, after: .seconds(8))
        rare.read("a", ripe, after: .seconds(60))
        #expect(rare.acts.isEmpty)
    }

    @Test("starts nothing new once its lock is lost, and says so")
    func lockLost() {
        var bench = Bench([
            step("a", .restartMember("pg-1"), guards: [.clusterSettled]),
            step("b", .restartMember("pg-2"), after: ["a"], guards: [.clusterSettled]),
        ])
        bench.read("a")
        #expect(bench.acts == [.restartMember("pg-1")])
        bench.withdraw("the lock on n1 was lost")
        bench.performed("a")
        #expect(bench.acts.isEmpty)
        #expect(bench.report?.outcome == .stopped("the lock on n1 was lost"))
        #expect(bench.report?.steps.first?.outcome == .succeeded)
    }

    @Test("refuses a plan that is blocked or could never end")
    func malformed() {
        let blocker = Blocker(object: "n1", seen: "unreachable", expected: "", remedy: "")
        #expect(
            Bench([step("a", .prepareDatabase)], blockers: [blocker]).report?.outcome
                == .stopped("the plan is blocked: n1: unreachable"))
        #expect(
            Bench([step("a", .prepareDatabase, after: ["a"])]).report?.outcome
                == .stopped("a comes after a, which is not before it in the plan"))
        #expect(
            Bench([step("a", .prepareDatabase), step("a", .prepareDatabase)]).report?.outcome
                == .stopped("the plan names a step twice"))
    }
}
