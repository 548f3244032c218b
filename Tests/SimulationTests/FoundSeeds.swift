import Cluster
import Testing

@testable import simulate

/// Bugs that the simulation found, each by the story that showed it.
@Suite("A story that found a bug")
struct FoundSeeds {
    /// - Parameter rounds: how often the tool is run before what is wrong with the servers ends.
    private func play(
        _ desired: Desired, rounds: Int = 0, sudden: Story.Sudden? = nil,
        _ prepare: @escaping @Sendable (inout World) -> Void = { _ in }
    ) async throws -> [String] {
        var story = Story(desired)
        story.prepare = prepare
        (story.rounds, story.sudden) = (rounds, sudden)
        (story.kills, story.interrupts) = (.max, .max)
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

    /// It took what it had confirmed and not sent with it, and was cloned anew as any wrecked replica.
    @Test("the last leader's wrecked data is cloned over only where its loss is accepted")
    func lastLeaderWrecked() async throws {
        // Who led the first timeline no history tells.
        for hasLedMore in [false, true] {
            let problems = try await play(Shape.cluster()) { world in
                if hasLedMore, let leader = world.dcs.leader,
                    let next = world.instances.names(where: { $0.isFollowing }).first
                {
                    world.move(from: leader, to: next)
                    world.advance(to: world.now + .seconds(10))
                }
                world.wreckTheLeader()
            }
            #expect(problems == [])
        }
    }

    @Test("a member whose server cannot be looked at is not made a second time elsewhere")
    func twin() async throws {
        let problems = try await play(Shape.cluster(replicas: 3)) {
            $0.servers["node-1"]?.isUp = false
        }
        #expect(problems == [])
    }

    @Test("etcd's last member but for a dead one is recreated under an accepted outage alone")
    func etcdOutage() async throws {
        var desired = Shape.cluster(etcd: 1)
        desired.etcd.image = ImageReference("etcd:3.6")
        let problems = try await play(desired) { $0.killEtcd("etcd-3", on: "node-3") }
        #expect(problems == [])
    }

    @Test("a voter that only lacks the others is not recreated as soon as one of them is back")
    func etcdQuorumComesBack() async throws {
        var desired = Shape.cluster()
        desired.etcd.image = ImageReference("etcd:3.6")
        let problems = try await play(desired, rounds: 2) {
            $0.servers["node-1"]?.isUp = false
            $0.killEtcd("etcd-2", on: "node-2")
        }
        #expect(problems == [])
    }

    @Test("a stopped voter that left the manifest votes once more, where none can be removed")
    func etcdLeavesWithoutQuorum() async throws {
        let problems = try await play(Shape.cluster(etcd: 1)) {
            $0.etcd.members.removeAll { $0.name == "etcd-2" }
            $0.killEtcd("etcd-3", on: "node-3")
        }
        #expect(problems == [])
    }

    @Test("a member that is to be removed, died and is forgotten is no copy that others wait for")
    func forgotten() async throws {
        let problems = try await play(
            Shape.cluster(replicas: 1, image: "spilo-17:2"), rounds: 1,
            sudden: Story.Sudden(delay: .milliseconds(2500)) { $0.kill("postgres-3") })
        #expect(problems == [])
    }

    @Test("of two voters the one that answers is spared while the other comes back")
    func etcdPair() async throws {
        var desired = Shape.cluster()
        desired.etcd.image = ImageReference("etcd:3.6")
        let problems = try await play(desired) {
            $0.etcd.members.removeAll { $0.name == "etcd-3" }
            $0.servers["node-3"]?.containers["etcd-3"] = nil
            $0.servers["node-3"]?.volumes.remove("etcd-3")
            $0.etcdData[VolumeKey(node: "node-3", volume: "etcd-3")] = nil
            $0.killEtcd("etcd-2", on: "node-2")
        }
        #expect(problems == [])
    }

    @Test("of two containers that a power cut left of one service one is cleared away")
    func twoContainers() async throws {
        let problems = try await play(Shape.cluster(image: "spilo-17:2")) { world in
            let address = ContainerAddress("postgres-3", on: "node-3")
            while world.servers["node-3"]?.leftovers[address.service] == nil {
                world.performHalf(.up(address, recreating: true), on: address.node)
            }
        }
        #expect(problems == [])
    }

    @Test("replicas are not taken for broken where the leader's server does not let us in")
    func leaderBehindRefusedShell() async throws {
        let problems = try await play(Shape.cluster(image: "spilo-17:2"), rounds: 1) {
            $0.hide(.shellOfLeader)
        }
        #expect(problems == [])
    }
}
