import Cluster
import Execution
import Planning
import Testing

/// Members of an etcd without a quorum are healthy with each other alone: recreated one after the
/// other, each step ended at its limit, and every apply ended badly (S11). By the rules themselves.
@Suite("Members of etcd that run, differ and do not answer")
struct LostQuorumTests {
    private static let names = (1...5).map { EtcdName("etcd-\($0)") }

    private static let topology = Topology(
        desired: Desired(
            name: "c", project: Project(name: "p", directory: "/srv/p"),
            nodes: names.map { Node(name: NodeName("n-\($0)"), address: "10.0.0.1") },
            secrets: [:],
            etcd: Etcd(
                image: "etcd:1",
                members: names.map { EtcdMember(name: $0, node: NodeName("n-\($0)")) }),
            postgres: Postgres(image: "spilo:1", database: "app", replicas: 0)),
        members: [])

    private static func bench(_ recreated: [Int], beside others: [Step] = []) -> Bench {
        let steps = recreated.map { number in
            let name = EtcdName("etcd-\(number)")
            return step(
                StepID("\(number)"),
                .recreateContainer(ContainerAddress(name.service, on: NodeName("n-\(name)"))),
                guards: [.etcdLosesNothing(name)],
                done: .etcdMemberHealthy(name, isLearner: false), limit: .seconds(60))
        }
        return Bench(others + steps, topology: topology, judge: Judge(topology))
    }

    /// Those that answer, and the leader that they know of; under an alarm they have one and are ill.
    private static func etcd(
        _ answering: [Int], leader: Int? = nil, isAlarmed: Bool = false
    ) -> Observed {
        let peers = names.enumerated().map { EtcdPeer(id: UInt64($0 + 1), name: $1.rawValue) }
        var observed = Observed()
        for (index, name) in names.enumerated() {
            observed.etcd[name] =
                answering.contains(index + 1)
                ? .known(
                    ObservedEtcd(
                        isHealthy: leader != nil && !isAlarmed, members: peers,
                        memberID: UInt64(index + 1),
                        leaderID: leader.map { UInt64($0) })) : .unreachable("silent")
        }
        return observed
    }

    @Test("are recreated side by side once most have said for 20 s that there is no leader")
    func provenLoss() {
        var bench = Self.bench([2, 3])
        let lost = Self.etcd([1, 4, 5])
        for step in ["2", "3"] as [StepID] {
            bench.read(step, observed: lost)
            #expect(bench.acts.isEmpty, "one may be elected yet")
        }
        bench.read("2", after: .seconds(20), observed: lost)
        #expect(bench.acts.count == 1)
        bench.read("3", observed: lost)
        #expect(
            bench.last == [.read("3", [.etcd, .node("n-etcd-3")], after: .zero)],
            "not on a reading from before the other act")
        bench.read("3", observed: lost)
        #expect(bench.acts.count == 1, "the first can never be healthy alone")
        for step in ["2", "3"] as [StepID] {
            bench.performed(step)
            bench.read(step, observed: Self.etcd([1, 2, 3, 4, 5], leader: 1))
        }
        #expect(bench.report?.outcome == .completed)
    }

    /// Seed 2022508: it was cut off from the others, which were silent to us and had a quorum.
    @Test("are not recreated side by side on the word of one member alone")
    func wordOfOne() {
        var bench = Self.bench([2, 3])
        for step in ["2", "3"] as [StepID] { bench.read(step, observed: Self.etcd([1])) }
        bench.read("2", after: .seconds(20), observed: Self.etcd([1]))
        #expect(bench.acts.count == 1)
        for _ in 0..<3 {
            bench.read("3", after: .seconds(20), observed: Self.etcd([1]))
            #expect(bench.acts.isEmpty)
        }
        // What is down votes for nobody.
        var down = Self.etcd([1])
        for number in [4, 5] {
            let container = ObservedContainer(
                id: "id-\(number)", service: ServiceName("etcd-\(number)"), state: .exited,
                image: "etcd:1", imageID: "sha256:1")
            var node = ObservedNode()
            node.containers = [container]
            down.nodes[NodeName("n-etcd-\(number)")] = .known(node)
        }
        #expect(!Rules.isEtcdLost(Self.etcd([1])) && Rules.isEtcdLost(down))
    }

    /// Silence is not absence (S4): what those that answer say is not said for the others.
    @Test("wait for the first where nobody answers, until most say that there is no leader")
    func silence() {
        var bench = Self.bench([2, 3])
        for step in ["2", "3"] as [StepID] { bench.read(step, observed: Self.etcd([])) }
        bench.read("2", after: .seconds(20), observed: Self.etcd([]))
        #expect(bench.acts.count == 1)
        bench.performed("2")
        // Longer than the step's own limit.
        for _ in 0..<5 {
            bench.read("3", observed: Self.etcd([]))
            bench.read("3", after: .seconds(15), observed: Self.etcd([2]))
            #expect(bench.acts.isEmpty && bench.report == nil)
        }
        // They have just come up, and may be electing: what the silence lasted does not count.
        let lost = Self.etcd([2, 4, 5])
        bench.read("3", after: .seconds(1), observed: lost)
        #expect(bench.acts.isEmpty)
        bench.read("3", after: .seconds(19), observed: lost)
        #expect(bench.acts.isEmpty)
        bench.read("3", after: .seconds(1), observed: lost)
        #expect(bench.acts.count == 1)
    }

    @Test("go one after the other where the quorum came back meanwhile")
    func quorumCameBack() {
        var bench = Self.bench([4, 5])
        for step in ["4", "5"] as [StepID] { bench.read(step, observed: Self.etcd([1, 2, 3])) }
        bench.read("4", after: .seconds(20), observed: Self.etcd([1, 2, 3]))
        #expect(bench.acts.count == 1)
        bench.performed("4")
        for isAlarmed in [false, true] {
            let back = Self.etcd([1, 2, 3, 5], leader: 1, isAlarmed: isAlarmed)
            for _ in 0..<2 {
                bench.read("5", observed: back)
                #expect(bench.acts.isEmpty, "etcd-4 is down, and etcd-5 votes again")
            }
        }
        bench.read("4", observed: Self.etcd([1, 2, 3, 4, 5], leader: 1))
        bench.read("5", observed: Self.etcd([1, 2, 3, 4, 5], leader: 1))
        #expect(bench.acts.count == 1)
    }

    /// Simulated: nobody answered, then a quorum did, then it was cut apart: four seconds later two of
    /// its members were recreated side by side (S5).
    @Test("begin to wait anew once a quorum was seen")
    func quorumBetween() {
        var bench = Self.bench([2])
        bench.read("2", observed: Self.etcd([]))
        bench.read("2", after: .seconds(4), observed: Self.etcd([2, 3, 4], leader: 3))
        bench.read("2", after: .seconds(12), observed: Self.etcd([1]))
        bench.read("2", after: .seconds(4), observed: Self.etcd([1]))
        #expect(bench.acts.isEmpty)
        bench.read("2", after: .seconds(16), observed: Self.etcd([1]))
        #expect(bench.acts.count == 1)
    }

    @Test("wait for what else is disrupted, and it for them")
    func besideOthers() {
        let other = step(
            "other", .restartPostgres("pg-2"), guards: [.etcdForgot("gone")], limit: .seconds(60))
        var bench = Self.bench([2], beside: [other])
        bench.read("2", observed: Self.etcd([1]))
        bench.read("2", after: .seconds(20), observed: Self.etcd([1]))
        #expect(bench.acts.count == 1)
        bench.read("other", observed: Self.etcd([1, 3, 4], leader: 1))
        #expect(bench.acts.isEmpty)
    }
}
