import Cluster
import Planning
import Testing

@testable import Execution

/// A member that was to be recreated because it ailed, and has healed since the plan.
@Suite struct HealedTests {
    private func outcome(_ causes: [Cause]) -> RunOutcome? {
        var recreation = step("a", .recreateMember("pg-2"), guards: [.clusterSettled])
        recreation.causes = causes
        var bench = Bench([recreation])
        bench.read("a", ["clusterSettled": "idle:pg-2 is healthy again"])
        #expect(bench.acts.isEmpty)
        return bench.report?.outcome
    }

    /// Simulated (71625): its new image was told as done.
    @Test("must not be told as changed when nothing was done to it")
    func changed() {
        #expect(outcome([.broken("it is running")]) == .completed)
        #expect(
            outcome([.field("image", from: "spilo:1", to: "spilo:2"), .broken("it is running")])
                == .stopped(
                    "a: pg-2 is healthy again, and as it was: nothing was done; plan again"))
    }
}
