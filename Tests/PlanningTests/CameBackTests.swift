import Cluster
import Planning
import Testing

/// Containers that were gone when the plan was made, and that somebody made meanwhile
/// (`docker compose up -d`).
@Suite struct CameBackTests {
    /// The steps that make containers, where nothing of the cluster runs.
    private func creations(hasData: Bool) throws -> (steps: [Step], topology: Topology) {
        var world = try converged()
        if hasData {
            for number in 1...3 {
                world.change(NodeName("node-\(number)")) { $0.containers = [] }
            }
            world.observed.members = [:]
            world.observed.views = [:]
            world.observed.etcd = [:]
            world.observed.haproxy = [:]
        } else {
            world.observeEmpty()
        }
        let proposal = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed)
        let verbs = ["create:", "add:", "bootstrap:"]
        let steps = proposal.plan.steps.filter { step in
            verbs.contains { step.id.rawValue.hasPrefix($0) }
        }
        return (steps, proposal.topology)
    }

    private func verdicts(_ step: Step, _ topology: Topology, _ observed: Observed) -> [Verdict] {
        step.guards.map { Rules.check($0, topology: topology, observed: observed) }
    }

    /// Every member was recreated at once, the new leader too, by steps that asked for nothing.
    @Test(
        "a container that somebody made since the plan must not be made again",
        arguments: [true, false])
    func madeMeanwhile(hasData: Bool) throws {
        let (steps, topology) = try creations(hasData: hasData)
        let names = (1...3).flatMap { ["etcd-\($0)", "postgres-\($0)", "haproxy"] }
        #expect(steps.count == names.count)
        let runs = try converged().observed
        for step in steps {
            let refused = verdicts(step, topology, runs).contains {
                if case .refused(let reason) = $0 {
                    reason.contains("was made by someone else") && reason.contains("plan again")
                } else {
                    false
                }
            }
            #expect(refused, "\(step.id) would act on what runs")
        }
    }

    /// Should it come between the guard and the act: the act leaves alone what is there.
    @Test("what is to be made where there was nothing must never be a recreation")
    func neverRecreates() throws {
        for hasData in [true, false] {
            for step in try creations(hasData: hasData).steps {
                switch step.action {
                case .recreateMember, .recreateContainer: Issue.record("\(step.id) recreates")
                default: continue
                }
            }
        }
    }
}
