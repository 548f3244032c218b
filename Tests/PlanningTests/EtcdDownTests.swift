import Cluster
import Planning
import Testing

/// Members of etcd that are down and differ from the manifest come back in one apply (S11).
@Suite struct EtcdDownTests {
    private func recreations(_ world: World) throws -> [Step] {
        try world.plan().steps.filter { $0.id.rawValue.hasPrefix("recreate:etcd") }
    }

    /// The first to come back waited for its health, which it has from the next one alone.
    @Test("without a quorum, members that are down and differ must come back side by side")
    func sideBySide() throws {
        var world = try converged()
        world.loseEtcdQuorum()
        world.stopEtcd(2)
        world.stopEtcd(3, .restarting)
        let steps = try recreations(world)
        #expect(
            steps.map(\.id) == [
                "recreate:etcd-2@node-2", "recreate:etcd-3@node-3", "recreate:etcd-1@node-1",
            ])
        #expect(
            steps.map { Array($0.guards.dropFirst()) } == [
                [.containerDown(ContainerAddress("etcd-2", on: "node-2"))],
                // It runs, and votes, between its ends: a quorum that it makes is not broken (S5).
                [
                    .containerDown(ContainerAddress("etcd-3", on: "node-3")),
                    .etcdLosesNothing("etcd-3"),
                ],
                [.etcdHealthy(besides: [])],
            ])
        #expect(!steps[1].after.contains(steps[0].id))
        #expect(steps[2].after.suffix(2) == [steps[0].id, steps[1].id])
        // Said to be done where it is: an apply never ends well with etcd still away.
        #expect(steps[0].done == .etcdMemberHealthy("etcd-2", isLearner: false))
        #expect(steps.flatMap(\.hazards) == [])
    }

    /// Their guard says when they may: beside each other once the loss is proven (LostQuorumTests).
    @Test("silent members that run and differ must not wait where one knows of no leader")
    func silent() throws {
        var world = try converged()
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        world.observed.etcd["etcd-1"] = world.observed.etcd["etcd-1"]?.map {
            ObservedEtcd(isHealthy: false, members: $0.members, memberID: $0.memberID)
        }
        world.stopEtcd(2, .running)
        world.stopEtcd(3, .running)
        let steps = try recreations(world)
        #expect(steps.map(\.id.rawValue.last) == ["2", "3", "1"])
        #expect(
            steps.map(\.guards.last) == [
                .etcdLosesNothing("etcd-2"), .etcdLosesNothing("etcd-3"),
                .etcdHealthy(besides: []),
            ])
        #expect(!steps[1].after.contains(steps[0].id))
        #expect(steps[2].after.suffix(2) == [steps[0].id, steps[1].id])
        #expect(steps.map(\.hazards) == [[.outage], [.outage], []])
    }

    /// Each waited for the other's health before it was touched, until its limit.
    @Test("of five members two that are down and differ must not wait for each other")
    func twoOfFive() throws {
        var world = try converged { $0.growEtcdToFive() }
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        world.stopEtcd(4)
        world.stopEtcd(5)
        #expect(
            try recreations(world).prefix(2).map { $0.guards.last } == [
                .containerDown(ContainerAddress("etcd-4", on: "node-1")),
                .containerDown(ContainerAddress("etcd-5", on: "node-2")),
            ])
    }

    @Test("one that is down beside healthy ones may have come back: their health is asked for")
    func alone() throws {
        var world = try converged()
        world.desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        world.stopEtcd(2)
        #expect(try recreations(world).first?.guards.last == .etcdHealthy(besides: ["etcd-2"]))
    }

    /// Nothing else asks for the quorum that it may be a part of by then (S5).
    @Test("a member that came back since the plan must not be taken down as one that is down")
    func cameBack() throws {
        var world = try converged()
        let address = ContainerAddress("etcd-2", on: "node-2")
        let topology = Topology(desired: world.desired, members: [])
        func verdict() -> Verdict {
            Rules.check(.containerDown(address), topology: topology, observed: world.observed)
        }
        func start(_ secondsAgo: Int64) {
            world.change(container: "etcd-2", on: "node-2") { $0.startedAt = 10_000 - secondsAgo }
        }
        // One that fails again and again runs for moments, too.
        start(14)
        #expect(verdict() == .wait("the container of \(address) runs again"))
        // It was waited for until the step's limit.
        start(15)
        #expect(
            verdict()
                == .refused(
                    "its container runs again and etcd-2 answers: nothing was done to it; plan again"
                ))
        let answer = world.observed.etcd["etcd-2"]
        world.observed.etcd["etcd-2"] = .unreachable("refused")
        #expect(verdict() == .wait("the container of \(address) runs again"))
        world.observed.etcd["etcd-2"] = answer
        for state in [ContainerState.exited, .restarting, .created, .dead] {
            world.change(container: "etcd-2", on: "node-2") { $0.state = state }
            #expect(verdict() == .holds)
        }
        world.lose("node-2", members: [], etcd: [])
        #expect(verdict() == .wait("the container of \(address) could not be looked at"))
        #expect(Rules.needs(.containerDown(address)) == [.node("node-2"), .etcd])
    }
}
