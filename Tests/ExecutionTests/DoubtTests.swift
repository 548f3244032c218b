import Cluster
import Execution
import Planning
import Testing

@Suite("An act of unknown outcome")
struct DoubtTests {
    let lag = ByteCount.mebibytes(1)
    let lost = ActOutcome.unknown("connection lost")

    private func leader(_ name: MemberName) -> Observed {
        Observed(members: [name: .known(PatroniMember(role: .leader, state: .running))])
    }

    @Test("is a success once its condition is met")
    func seen() {
        var bench = Bench([step("a", .restartPostgres("pg-2"), done: .leads("pg-2"))])
        bench.performed("a", lost)
        #expect(bench.last == [.read("a", [.patroni], after: .seconds(1))])
        bench.read("a", after: .seconds(1))
        #expect(bench.report?.outcome == .completed)
    }

    private func node(_ containers: [(id: String, startedAt: Int64)]) -> Observed {
        let shown = containers.map {
            ObservedContainer(
                id: $0.id, service: "pg-2", image: "spilo:1", imageID: "i",
                startedAt: $0.startedAt)
        }
        return Observed(nodes: ["n2": .known(ObservedNode(containers: shown))])
    }

    /// The connection was cut just after `docker compose up` was sent; the old container still
    /// streamed, the step counted as done, and the next member was taken down with this one.
    @Test(
        "is no success while the container from before runs, however healthy",
        arguments: [
            Action.recreateMember("pg-2"), .restartMember("pg-2"),
            .recreateContainer(ContainerAddress("pg-2", on: "n2")),
            .restartContainer(ContainerAddress("pg-2", on: "n2")),
            .removeMember("pg-2", node: "n2", containerID: "old", deletingVolume: nil),
        ])
    func oldContainer(action: Action) {
        let old = node([("old", 100)])
        var bench = Bench([
            step("a", action, guards: [.clusterSettled], done: .leads("pg-2")),
            step("b", .restartMember("pg-1"), guards: [.clusterSettled]),
        ])
        bench.read("a", observed: old)
        #expect(bench.acts == [action])
        bench.performed("a", lost)
        #expect(bench.last == [.read("a", [.patroni, .node("n2")], after: .seconds(1))])
        bench.read("a", observed: old)
        bench.read("a", observed: Observed(nodes: ["n2": .unreachable("no route")]))
        // compose makes the new container before it stops the old one.
        bench.read("a", observed: node([("old", 100), ("new", 100)]))
        #expect(bench.report == nil)
        bench.read("b")
        #expect(bench.acts.isEmpty, "no other member is taken down meanwhile")
        bench.read("a", after: .seconds(60), observed: old)
        #expect(
            bench.report?.outcome
                == .stopped(
                    "a: connection lost; not done within 1m: the container of pg-2 on n2 is still as"
                        + " before; the command may be running there"))
    }

    @Test("is a success once another container is healthy, or the same one started later")
    func newContainer() {
        for (action, after) in [
            (Action.recreateMember("pg-2"), node([("new", 100)])),
            (.restartMember("pg-2"), node([("old", 101)])),
            (.removeMember("pg-2", node: "n2", containerID: "old", deletingVolume: nil), node([])),
        ] {
            var bench = Bench([
                step("a", action, guards: [.clusterSettled], done: .leads("pg-2"))
            ])
            bench.read("a", observed: node([("old", 100)]))
            bench.performed("a", lost)
            bench.read("a", ["leads": "notYet:starting"], observed: after)
            #expect(bench.report == nil)
            bench.read("a", observed: after)
            #expect(bench.report?.outcome == .completed)
        }
    }

    @Test("that is a switchover is never repeated, and fails when the old leader stays")
    func switchover() {
        let move = Action.switchover(from: "pg-1", to: "pg-2")
        var bench = Bench([step("a", move, done: .leads("pg-2"), limit: .seconds(600))])
        bench.performed("a", .unknown("503"))
        let told = ["leads": "notYet:pg-1 leads"]
        bench.read("a", told, after: .seconds(39), observed: leader("pg-1"))
        #expect(bench.acts.isEmpty && bench.report == nil)
        bench.read("a", told, after: .seconds(2), observed: leader("pg-1"))
        #expect(bench.report?.outcome == .stopped("a: 503; pg-1 still leads 41s later"))
        // Told as failed it would be over: the request may still be found in etcd.
        #expect(bench.report?.steps.map(\.outcome) == [.unknown("503; pg-1 still leads 41s later")])
    }

    @Test("that is a switchover is a success however late the candidate leads")
    func lateSwitchover() {
        let move = Action.switchover(from: "pg-1", to: "pg-2")
        var bench = Bench([step("a", move, done: .leads("pg-2"), limit: .seconds(600))])
        bench.performed("a", .unknown("503"))
        let told = ["leads": "notYet:nobody leads"]
        bench.read("a", told, after: .seconds(300), observed: Observed())
        #expect(bench.report == nil)
        bench.read("a", after: .seconds(10), observed: leader("pg-2"))
        #expect(bench.report?.outcome == .completed)
    }

    @Test("that is a restart or a recreation is watched to its limit and never done twice")
    func restart() {
        for action in [
            Action.restartPostgres("pg-2"), .reinitialize("pg-2"), .recreateMember("pg-2"),
            .restartMember("pg-2"),
        ] {
            var bench = Bench([
                step("a", action, guards: [.clusterSettled], done: .leads("pg-2"))
            ])
            bench.read("a", observed: node([("old", 100)]))
            bench.performed("a", lost)
            let after = node([(action == .restartMember("pg-2") ? "old" : "new", 101)])
            let told = ["leads": "notYet:starting"]
            bench.read("a", told, after: .seconds(59), observed: after)
            #expect(bench.acts.isEmpty)
            bench.read("a", told, after: .seconds(1), observed: after)
            #expect(
                bench.report?.outcome
                    == .stopped("a: connection lost; not done within 1m: starting"))
            #expect(
                bench.report?.steps.first?.outcome
                    == .unknown("connection lost; not done within 1m: starting"))
        }
    }

    @Test("that may be repeated is repeated once, after a look and after its guards")
    func repetition() {
        var bench = Bench([
            step("a", .pullImage("n1", "spilo:1"), guards: [.clusterSettled], done: .leads("pg-2"))
        ])
        bench.read("a")
        bench.performed("a", lost)
        let told = ["leads": "notYet:image missing"]
        bench.read("a", told)
        #expect(bench.last == [.read("a", [.patroni], after: .zero)])
        bench.read("a", told)
        #expect(bench.acts == [.pullImage("n1", "spilo:1")])
        bench.performed("a", lost)
        bench.read("a", told)
        #expect(bench.acts.isEmpty && bench.report == nil)
        bench.read("a")
        #expect(bench.report?.outcome == .completed)
    }

    @Test("that created a container is repeated only where none came to be")
    func creation() {
        let absent = Observed(nodes: ["n2": .known(ObservedNode())])
        let present = Observed(nodes: [
            "n2": .known(
                ObservedNode(containers: [
                    ObservedContainer(id: "x", service: "pg-2", image: "spilo:1", imageID: "i")
                ]))
        ])
        let dark = Observed(nodes: ["n2": .unreachable("no route")])
        let told = ["leads": "notYet:pg-2 does not answer"]
        for (observed, repeats) in [(absent, 1), (present, 0), (dark, 0)] {
            var bench = Bench([step("a", .addReplica("pg-2"), done: .leads("pg-2"))])
            bench.performed("a", lost)
            #expect(bench.last == [.read("a", [.patroni, .node("n2")], after: .seconds(1))])
            bench.read("a", told, observed: observed)
            #expect(bench.acts.count == repeats)
        }
    }

    @Test("holds its place: no other member is taken down while it is in doubt")
    func placeIsKept() {
        var bench = Bench([
            step("a", .restartPostgres("pg-2"), done: .leads("pg-2")),
            step("b", .restartMember("pg-1"), guards: [.clusterSettled]),
        ])
        bench.performed("a", lost)
        bench.read("a", ["leads": "notYet:starting"])
        #expect(bench.last == [.read("a", [.patroni], after: .milliseconds(200))])
        bench.read("a")
        #expect(bench.last == [.read("b", [.patroni], after: .zero)])
    }

    /// Seed 6076730: a pull whose connection was lost waited for its guards, to be pulled once more.
    @Test("that is about to be repeated is never told as skipped when the wait for it is given up")
    func givenUpBeforeRepetition() {
        var bench = Bench([
            step("a", .pullImage("n1", "spilo:1"), guards: [.clusterSettled])
        ])
        bench.read("a")
        bench.performed("a", lost)
        bench.read("a")
        #expect(bench.last == [.read("a", [.patroni], after: .zero)])
        bench.interrupt()
        bench.interrupt()
        #expect(bench.report?.outcome == .interrupted)
        #expect(bench.report?.steps.map(\.outcome) == [.unknown("connection lost")])
    }

    @Test("with nothing to look at and no right to repeat ends the run as unknown")
    func nothingToSee() {
        var bench = Bench([step("a", .restartMember("pg-2"))])
        bench.performed("a", lost)
        bench.read("a")
        #expect(bench.report?.outcome == .stopped("a: connection lost"))
        #expect(bench.report?.steps.first?.outcome == .unknown("connection lost"))
    }

    @Test("that was never started is tried again after its guards, until the limit")
    func notStarted() {
        var bench = Bench([
            step("a", .recreateMember("pg-2"), guards: [.clusterSettled], limit: .seconds(60))
        ])
        bench.read("a")
        bench.performed("a", .notStarted("n2 is unreachable: no route"))
        #expect(bench.last == [.read("a", [.patroni], after: .milliseconds(200))])
        bench.read("a")
        #expect(bench.acts == [.recreateMember("pg-2")])
        bench.now += .seconds(60)
        bench.performed("a", .notStarted("n2 is unreachable: no route"))
        #expect(
            bench.report?.outcome
                == .stopped("a: not started within 1m: n2 is unreachable: no route"))
    }

    @Test("lets a promotion that etcd refuses be asked again until the learner caught up")
    func promotion() {
        var bench = Bench([
            step(
                "a", .promoteEtcd("etcd-1"), done: .etcdMemberHealthy("etcd-1", isLearner: false))
        ])
        let told = ["etcdMemberHealthy": "notYet:etcd-1 is a learner"]
        for _ in 0..<5 {
            #expect(bench.acts == [.promoteEtcd("etcd-1")])
            bench.performed("a", .failed("not in sync"))
            bench.read("a", told, after: .seconds(1))
        }
        bench.performed("a")
        bench.read("a")
        #expect(bench.report?.outcome == .completed)
    }

    @Test("is not repeated once the run is stopping")
    func stopping() {
        var bench = Bench([step("a", .pullImage("n1", "spilo:1"), done: .leads("pg-2"))])
        bench.performed("a", lost)
        bench.interrupt()
        bench.read("a", ["leads": "notYet:image missing"])
        #expect(bench.acts.isEmpty && bench.report == nil)
        bench.read("a")
        #expect(bench.report?.outcome == .completed)
    }

    @Test("is not asked for when the leader moved there by itself")
    func movedByItself() {
        var bench = Bench([
            step(
                "a", .switchover(from: "pg-1", to: "pg-2"), guards: [.clusterSettled],
                done: .leads("pg-2"))
        ])
        bench.read("a", ["clusterSettled": "idle:pg-2 leads already"])
        #expect(bench.acts.isEmpty)
        #expect(bench.report?.outcome == .completed)
    }
}
