import Cluster
import Planning
import Testing

/// A member that is recreated under another identity finds no cluster in etcd and makes itself the
/// leader of a new one, beside the old leader.
@Suite struct IdentityTests {
    private func seen(_ world: World) throws -> [String] {
        try world.plan().blockers.map { "\($0.object) \($0.seen)" }
    }

    private static let renamed = (1...3).map { "postgres-\($0) runs with SCOPE crm" }

    @Test("another name in the manifest must not rename a running cluster, pinned or not")
    func renamed() throws {
        var world = try converged()
        world.desired.name = "shop"
        #expect(try seen(world) == Self.renamed)
        world.desired.postgres.members = []
        let plan = try world.plan()
        #expect(plan.blockers.map { "\($0.object) \($0.seen)" } == Self.renamed)
        #expect(!plan.steps.contains { $0.disruption > .none })
    }

    @Test("the scope that Patroni answers with counts, whatever the containers were told")
    func answeredScope() throws {
        var world = try converged()
        world.observed.views["postgres-2"] = .known(
            ClusterView(
                members: [ViewMember(name: "postgres-1", role: .leader, state: .running)],
                scope: "shop"))
        #expect(
            try world.plan().blockers == [
                Blocker(
                    object: "postgres-2", seen: "Patroni says that it is of the cluster shop",
                    expected: "the cluster crm",
                    remedy: "A cluster that runs is not renamed: give the manifest the name that"
                        + " its members have. Another cluster belongs in another compose project.")
            ])
    }

    /// Only the variables were looked at, and members recreated under another namespace would have
    /// made a new cluster.
    @Test(
        "a namespace inside SPILO_CONFIGURATION counts too, in YAML and in JSON",
        arguments: [
            "namespace: /prod/ # ours\npostgresql:\n  namespace: x\n",
            "postgresql: {}\nnamespace: 'prod'\n", #"{"tags":{},"namespace":"/prod"}"#,
        ])
    func configuredNamespace(text: String) throws {
        var world = try converged()
        world.change(container: "postgres-2", on: "node-2") {
            $0.managedBy = nil
            $0.environment["SPILO_CONFIGURATION"] = ObservedText(text)
        }
        let blocker = Blocker(
            object: "postgres-2", seen: "runs with the namespace prod in SPILO_CONFIGURATION",
            expected: "the namespace service",
            remedy: "Set namespace in postgres.spiloConfiguration to what the members have: under"
                + " another one they would not find their cluster.")
        #expect(try world.plan().blockers == [blocker])
        world.desired.postgres.spiloConfiguration = .object(["namespace": .string("/prod/")])
        #expect(try !world.plan().blockers.contains { $0.object == "postgres-2" })
    }

    @Test("no namespace in SPILO_CONFIGURATION, or the usual one, is no other cluster")
    func usualNamespace() throws {
        var world = try converged()
        for text in ["namespace: /service/\n", "postgresql:\n  namespace: x\n"] {
            world.change(container: "postgres-2", on: "node-2") {
                $0.managedBy = nil
                $0.environment["SPILO_CONFIGURATION"] = ObservedText(text)
            }
            #expect(try world.plan().blockers == [])
        }
    }

    @Test(
        "a namespace that the manifest does not have must stop the plan, one that it has must not")
    func namespace() throws {
        var world = try converged()
        for number in 1...3 {
            world.change(
                container: ServiceName("postgres-\(number)"), on: NodeName("node-\(number)")
            ) {
                $0.managedBy = nil
                $0.environment["NAMESPACE"] = ObservedText("prod")
            }
        }
        #expect(try seen(world) == (1...3).map { "postgres-\($0) runs with NAMESPACE prod" })
        world.desired.postgres.environment["NAMESPACE"] = "prod"
        #expect(try seen(world) == [])
    }

    @Test("members on etcd's v2 API, or on another etcd, must not be recreated one by one")
    func otherEtcd() throws {
        var world = try converged()
        world.change(container: "postgres-2", on: "node-2") {
            $0.environment["ETCD_HOSTS"] = $0.environment["ETCD3_HOSTS"]
            $0.environment["ETCD3_HOSTS"] = nil
        }
        world.change(container: "postgres-3", on: "node-3") {
            $0.environment["ETCD3_HOSTS"] = ObservedText("'192.0.2.7:2379'")
        }
        #expect(
            try seen(world) == [
                "postgres-2 runs without ETCD3_HOSTS",
                "postgres-3 runs with ETCD3_HOSTS '192.0.2.7:2379'",
            ])
    }

    @Test("a leader whose etcd is nowhere in the project must not get a new, empty one")
    func etcdElsewhere() throws {
        var world = try converged()
        for number in 1...3 {
            world.change(NodeName("node-\(number)")) { node in
                node.containers.removeAll { $0.service == ServiceName("etcd-\(number)") }
                node.volumes.removeAll { $0 == "etcd-\(number)" }
            }
        }
        world.observed.etcd = [:]
        #expect(try seen(world) == ["postgres-1 leads, and no etcd of the project is there"])
    }

    @Test("members of different databases are no copies of each other")
    func systems() throws {
        var world = try converged()
        for (member, system) in [("postgres-1", "71"), ("postgres-2", "71"), ("postgres-3", "72")] {
            world.change(MemberName(member)) { $0.systemIdentifier = system }
        }
        #expect(
            try seen(world) == [
                "crm members of different databases: postgres-1 has system identifier 71,"
                    + " postgres-2 has system identifier 71, postgres-3 has system identifier 72"
            ])
    }

    @Test("a server that leaves the manifest must not take the leader out of HAProxy")
    func leaderOnAServerThatLeft() throws {
        var world = try converged { $0.postgres.members = [] }
        world.desired.nodes.removeFirst()
        world.desired.haproxy?.nodes.removeFirst()
        world.desired.etcd.members.removeFirst()
        world.observed.nodes["node-1"] = nil
        world.observed.haproxy["node-1"] = nil
        let plan = try world.plan()
        #expect(
            plan.blockers.contains(
                Blocker(
                    object: "postgres-1",
                    seen: "it leads, and no server of the manifest has its container",
                    expected: "every member on a server of the manifest",
                    remedy: "Put its server back into nodes and let the member leave first: pin"
                        + " members to the other servers or lower replicas, apply, then take the"
                        + " server out.")))
    }

    @Test("a silent member that Patroni lists on a server that left must stop the plan too")
    func silentMemberOnAServerThatLeft() throws {
        var world = try converged { $0.postgres.members = [] }
        world.desired.nodes.removeLast()
        world.desired.haproxy?.nodes.removeLast()
        world.desired.etcd.members.removeLast()
        world.observed.nodes["node-3"] = nil
        world.observed.haproxy["node-3"] = nil
        world.observed.members["postgres-3"] = .unreachable("timed out")
        world.observed.views["postgres-3"] = .unreachable("timed out")
        world.observed.views["postgres-1"] = .known(
            ClusterView(members: [
                ViewMember(name: "postgres-1", role: .leader, state: .running, host: "10.0.0.11"),
                ViewMember(
                    name: "postgres-3", role: .replica, state: .streaming, host: "10.0.0.13"),
            ]))
        #expect(
            try seen(world).contains(
                "postgres-3 Patroni lists it at 10.0.0.13, and no server of the manifest has its"
                    + " container"))
    }

    @Test("a sidecar that knows the scope, and a declared service, must never be taken for members")
    func sidecars() throws {
        var world = try converged { desired in
            desired.services = [
                Service(
                    name: "backup", nodes: ["node-2"], image: ImageReference("backup:1"),
                    environment: ["SCOPE": "crm"],
                    volumes: [VolumeMount(source: .volume("x"), target: "/home/postgres/pgdata")])
            ]
        }
        world.change("node-3") {
            $0.containers.append(
                ObservedContainer(
                    id: "id-exporter", service: "exporter", image: ImageReference("e:1"),
                    imageID: "sha256:e", environment: ["SCOPE": ObservedText("crm")]))
        }
        let plan = try world.plan()
        #expect(plan.steps == [])
        #expect(
            plan.notes == [
                .undeclared(
                    object: "exporter on node-3",
                    what: "a container that Matriarch did not make; it is left alone")
            ])
    }
}
