import Cluster
import Planning

extension Scenario {
    private static let haproxy = ContainerAddress("haproxy", on: "hil-1")
    private static let lag = ByteCount.mebibytes(1)

    static let everyAction: [Action] = [
        .prepareNode("hil-1"), .adoptProject("hil-1", files: ["compose.yaml"]),
        .writeFiles("hil-1", paths: ["compose.yaml"]), .pullImage("hil-1", image),
        .removeFiles("hil-1", paths: ["env/rest.env"]),
        .addEtcdLearner("etcd-1"), .promoteEtcd("etcd-1"), .removeEtcdMember("etcd-1"),
        .discardEtcdData("etcd-1", containerID: nil, volume: "etcd-1"),
        .discardEtcdData("etcd-1", containerID: "c", volume: "etcd-1"),
        .bootstrap("postgres-1"), .addReplica("postgres-1"), .recreateMember("postgres-1"),
        .startMember("postgres-1"), .restartMember("postgres-1"), .reinitialize("postgres-1"),
        .restartPostgres("postgres-1"), .switchover(from: "postgres-1", to: "postgres-2"),
        .removeMember("postgres-1", node: "hil-1", containerID: "c", deletingVolume: nil),
        .removeMember("postgres-2", node: "hil-1", containerID: "c", deletingVolume: "v"),
        .patchConfiguration(.object(["ttl": .int(30), "x": .null])), .prepareDatabase,
        .reloadHAProxy("hil-1"), .createContainer(haproxy), .recreateContainer(haproxy),
        .startContainer(haproxy), .restartContainer(haproxy),
        .removeContainer(haproxy, containerID: "c"),
    ]

    static let everyGuard: [Guard] = [
        .clusterSettled, .notLeading("postgres-1"),
        .othersStreaming(besides: "postgres-1", maxLag: lag),
        .switchoverPossible(from: "postgres-1", to: "postgres-2", maxLag: lag),
        .switchoverPossible(
            from: "postgres-1", to: "postgres-2", maxLag: lag, isOptional: true),
        .etcdHealthy(besides: ["etcd-1"]), .etcdForgot("etcd-1"),
        .etcdLosesNothing("etcd-1"), .nothingBootstrapped,
        .stillAiling("postgres-1"),
        .ailingOrOthersStreaming("postgres-1", maxLag: lag),
        .takesNothingAway("postgres-1", maxLag: lag),
        .restartPending("postgres-1"), .containerIs(haproxy, id: "c"),
        .containerDown(haproxy), .containerMissing(haproxy),
        .healthyCopy(besides: "postgres-1"),
    ]

    static let everyCondition: [Condition] = [
        .commandSucceeded, .imagePresent("hil-1", image), .containerHealthy(haproxy),
        .containerAbsent(haproxy, id: "c"), .etcdMemberHealthy("etcd-1", isLearner: true),
        .etcdMemberAbsent("etcd-1"), .leads("postgres-1"), .streaming("postgres-1", maxLag: lag),
        .memberHealthy("postgres-1", maxLag: lag), .noPendingRestart("postgres-1", maxLag: lag),
        .configurationHolds(.object(["ttl": .int(30)])), .memberForgotten("postgres-1"),
        .proxyServers("hil-1", ["postgres-1"]),
    ]

    static let everyCause: [Cause] = [
        imageChange, .missing("no container"), .broken("exited (137)"), .topology("leads"),
        .leftManifest,
    ]

    /// A plan that is no plan, with each term in it once.
    static let everything: Plan = {
        let steps = everyAction.enumerated().map { index, action in
            Step(
                id: StepID("step:\(index)"), action: action, causes: everyCause,
                after: index == 0 ? [] : [StepID("step:\(index - 1)")], guards: everyGuard,
                done: everyCondition[index % everyCondition.count], limit: .milliseconds(1500),
                disruption: Disruption.allCases[index % Disruption.allCases.count],
                hazards: Set(Hazard.allCases),
                contents: ["compose.yaml": "3f1c"])
        }
        return Plan(
            cluster: "shop", steps: steps,
            blockers: [Blocker(object: "a", seen: "b", expected: "c", remedy: "d")],
            notes: [
                .unreachable(object: "hil-2", reason: "refused"), .adopted(haproxy),
                .undeclared(object: "configuration", what: "ttl"), .advice("pin the members"),
                .down(object: "etcd-1", reason: "it is not healthy"),
            ])
    }()
}
