import Cluster

/// Clusters as they are at the start of a story.
enum Shape: String, CaseIterable, Sendable {
    case threeServers, oneServer, synchronous, services, oneEtcd
    /// Made by a person with compose: to be adopted.
    case byHand
    /// Servers with nothing on them.
    case empty

    static let secrets = Secrets([
        "superuser": Secret(Leak.mark + "one"), "replication": Secret(Leak.mark + "two"),
        "admin": Secret(Leak.mark + "three"), "service": Secret(Leak.mark + "four"),
    ])

    var desired: Desired {
        switch self {
        case .threeServers, .byHand, .empty: return Self.cluster()
        case .oneServer: return Self.cluster(nodes: 1, etcd: 1)
        case .oneEtcd: return Self.cluster(etcd: 1)
        case .synchronous:
            var desired = Self.cluster()
            desired.postgres.configuration = Self.configuration(100, synchronous: true)
            return desired
        case .services:
            var desired = Self.cluster()
            desired.services = [
                Self.service("rest", port: 3000),
                Self.service("gateway", port: 8000, after: "rest"),
            ]
            return desired
        }
    }

    /// Servers with everything, `replicas` besides the leader.
    static func cluster(
        nodes count: Int = 3, etcd: Int = 3, replicas: Int = 2, image: String = "spilo-17:1"
    ) -> Desired {
        let nodes = (1...count).map {
            Node(name: NodeName("node-\($0)"), address: "10.0.0.\($0)")
        }
        return Desired(
            name: "demo", project: Project(name: "demo", directory: "/srv/demo"), nodes: nodes,
            secrets: [
                "superuser": .environment("A"), "replication": .environment("B"),
                "admin": .environment("C"), "service": .environment("D"),
            ],
            etcd: Etcd(
                image: ImageReference("etcd:3.5"), members: etcdMembers(etcd, on: count)),
            postgres: Postgres(
                image: ImageReference(image), database: "app", replicas: replicas,
                configuration: configuration(100)),
            haproxy: HAProxy(
                image: ImageReference("haproxy:3.0"),
                nodes: Array(["node-1", "node-2"].prefix(count))),
            rollout: Rollout(stepTimeout: .seconds(60)))
    }

    static func etcdMembers(_ count: Int, on nodes: Int) -> [EtcdMember] {
        (1...count).map {
            EtcdMember(name: EtcdName("etcd-\($0)"), node: NodeName("node-\(($0 - 1) % nodes + 1)"))
        }
    }

    static func configuration(_ connections: Int64, synchronous: Bool = false) -> JSONValue {
        var fields: [String: JSONValue] = [
            "ttl": .int(30),
            "postgresql": .object([
                "parameters": .object(["max_connections": .int(connections)])
            ]),
        ]
        if synchronous { fields["synchronous_mode"] = .bool(true) }
        return .object(fields)
    }

    static func service(_ name: String, port: UInt16, after: String? = nil) -> Service {
        Service(
            name: ServiceName(name), nodes: ["node-3"], image: ImageReference("\(name):1"),
            environment: [
                "PASSWORD": Template([.secret("service")]),
                "DATABASE": Template([.literal("postgres://x@"), .database(.host)]),
            ],
            ports: [PortMapping(host: port, container: port)],
            health: HealthCheck(
                test: ["CMD", "true"], interval: .seconds(5), timeout: .seconds(3), retries: 3),
            dependsOn: after.map { [ServiceName($0)] } ?? [])
    }
}

extension World {
    /// As if a person had made it: no label of ours, none of our files.
    mutating func becomeHandMade() {
        for node in nodes {
            for service in (servers[node]?.containers ?? [:]).keys {
                servers[node]?.containers[service]?.isOurs = false
            }
            servers[node]?.files = [
                "docker-compose.yml": WorldFile(content: "services: {}\n", mode: 0o644)
            ]
            servers[node]?.composed = [:]
        }
    }
}
