import Cluster
import Planning
import Testing

/// Of two voters of etcd one is down: the other makes the quorum with it, and cannot be spared (S5).
@Suite struct EtcdPairTests {
    /// - Parameter voters: how many etcd itself counts, of the three that are declared.
    private func recreated(voters: Int) throws -> [StepID] {
        var world = try converged()
        world.loseEtcdQuorum()
        world.observed.etcd["etcd-1"] = world.observed.etcd["etcd-1"]?.map {
            var answer = $0
            answer.members = Array(answer.members.prefix(voters))
            return answer
        }
        for number in 2...3 { world.stopEtcd(number) }
        return try world.plan().steps.map(\.id).filter { $0.rawValue.hasPrefix("recreate:etcd") }
    }

    /// Simulated: it was recreated as soon as the other was back, and etcd had one of two voters.
    @Test("the one that answers must not be recreated in the plan that brings the other back")
    func spared() throws {
        #expect(try recreated(voters: 2) == ["recreate:etcd-2@node-2", "recreate:etcd-3@node-3"])
        #expect(
            try recreated(voters: 3) == [
                "recreate:etcd-2@node-2", "recreate:etcd-3@node-3", "recreate:etcd-1@node-1",
            ])
    }
}
