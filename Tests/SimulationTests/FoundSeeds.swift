import Cluster
import Testing

@testable import simulate

/// Bugs that the simulation found, each by the story that showed it.
@Suite("A story that found a bug")
struct FoundSeeds {
    private func play(
        _ desired: Desired, _ prepare: @escaping @Sendable (inout World) -> Void
    ) async throws -> [String] {
        var story = Story(desired)
        story.prepare = prepare
        let simulation = ClusterSimulation(number: 1, story: story)
        return try await apart {
            simulation.play(from: try ClusterSimulation.settled(.threeServers)).problems
        }
    }

    @Test("a replica that only missed one question is not restarted while another is down")
    func lostReading() async throws {
        let problems = try await play(Shape.cluster()) { $0.killAReplicaAndSilenceAnother() }
        #expect(problems == [])
    }

    @Test("a cluster whose members have all stopped starts again, another image or not")
    func allStopped() async throws {
        let problems = try await play(Shape.cluster(image: "spilo-17:2")) { $0.killEveryMember() }
        #expect(problems == [])
    }

    @Test("replicas that are all broken are cloned anew: none was, for the cause might be common")
    func allReplicasWrecked() async throws {
        let problems = try await play(Shape.cluster()) { $0.wreckEveryReplica() }
        #expect(problems == [])
    }

    @Test("a member whose server cannot be looked at is not made a second time elsewhere")
    func twin() async throws {
        let problems = try await play(Shape.cluster(replicas: 3)) {
            $0.servers["node-1"]?.isUp = false
        }
        #expect(problems == [])
    }
}
