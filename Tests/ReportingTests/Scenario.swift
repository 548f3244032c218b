import Cluster
import Planning

/// A cluster of three on two servers, and plans for it.
enum Scenario {
    static let topology: Topology = {
        let desired = Desired(
            name: "shop", project: Project(name: "shop", directory: "/opt/shop"),
            nodes: [
                Node(name: "hil-1", address: "10.0.0.1"), Node(name: "hil-2", address: "10.0.0.2"),
            ],
            secrets: [:],
            etcd: Etcd(
                image: ImageReference("quay.io/coreos/etcd:v3.5.16"),
                members: [EtcdMember(name: "etcd-1", node: "hil-1")]),
            postgres: Postgres(
                image: ImageReference("ghcr.io/zalando/spilo-17:4.0-p3"), database: "crm",
                replicas: 2))
        return Topology(
            desired: desired,
            members: [
                PlacedMember(
                    name: "postgres-1", node: "hil-1",
                    ports: MemberPorts(postgres: 5433, patroni: 8008)),
                PlacedMember(
                    name: "postgres-2", node: "hil-1",
                    ports: MemberPorts(postgres: 5434, patroni: 8009)),
                PlacedMember(
                    name: "postgres-4", node: "hil-2",
                    ports: MemberPorts(postgres: 5436, patroni: 8011)),
            ])
    }()

    static let image = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")
    static let imageChange = Cause.field(
        "image", from: "ghcr.io/zalando/spilo-17:4.0-p2", to: "ghcr.io/zalando/spilo-17:4.0-p3")

    static func step(
        _ id: StepID, _ action: Action, _ causes: [Cause], after: [StepID] = [],
        _ disruption: Disruption = .none, hazards: Set<Hazard> = []
    ) -> Step {
        Step(
            id: id, action: action, causes: causes, after: after, guards: [.clusterSettled],
            done: .commandSucceeded, limit: .seconds(600), disruption: disruption,
            hazards: hazards)
    }

    /// An image bump of two members, with a new one.
    static let rolling = Plan(
        cluster: "shop",
        steps: [
            step("pull:hil-1", .pullImage("hil-1", image), [.missing("image is not on the node")]),
            step("pull:hil-2", .pullImage("hil-2", image), [.missing("image is not on the node")]),
            step(
                "add:postgres-4", .addReplica("postgres-4"), [.missing("no container")],
                after: ["pull:hil-2"]),
            step(
                "recreate:postgres-2", .recreateMember("postgres-2"),
                [imageChange, .field("environment.TZ", from: "", to: "UTC")],
                after: ["pull:hil-1", "add:postgres-4"], .replicaRestart),
            step(
                "switchover:postgres-1", .switchover(from: "postgres-1", to: "postgres-2"),
                [.topology("leads and has to be recreated")], after: ["recreate:postgres-2"],
                .writePause),
            step(
                "recreate:postgres-1", .recreateMember("postgres-1"), [imageChange],
                after: ["switchover:postgres-1"], .replicaRestart),
        ])
}
