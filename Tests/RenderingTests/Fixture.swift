import Cluster

@testable import Rendering

/// The reference cluster, and a three-server version of it.
enum Fixture {
    static let secrets = Secrets([
        "superuser": Secret("s3cret$'\"\\x"), "replication": Secret("repl-S3"),
        "admin": Secret("adm-S3"), "authenticator": Secret("it's\\me"), "jwt": Secret("j w#t"),
    ])

    static func desired(nodes: [Node], members: [EtcdMember], proxies: [NodeName]) -> Desired {
        Desired(
            name: "gardenos-dev-cluster",
            project: Project(name: "twincigo-crm", directory: "/opt/twincigo-crm"), nodes: nodes,
            secrets: [
                "superuser": .environment("PGPASSWORD_SUPERUSER"),
                "authenticator": .environment("AUTHENTICATOR"),
            ],
            etcd: Etcd(image: ImageReference("quay.io/coreos/etcd:v3.5.16"), members: members),
            postgres: Postgres(
                image: ImageReference("ghcr.io/zalando/spilo-17:4.0-p3"), database: "crm",
                replicas: 2),
            haproxy: HAProxy(image: ImageReference("haproxy:3.0"), nodes: proxies),
            services: [
                Service(
                    name: "rest", kind: .rest, nodes: [nodes[0].name],
                    image: ImageReference("postgrest/postgrest:v14.5"),
                    environment: [
                        "PGRST_DB_URI": Template([
                            .literal("postgres://authenticator:"), .secret("authenticator"),
                            .literal("@"), .database(.host), .literal(":"), .database(.port),
                            .literal("/"), .database(.name),
                        ]),
                        "PGRST_JWT_SECRET": Template([.secret("jwt")]),
                    ],
                    ports: [PortMapping(host: 3000, container: 3000)])
            ],
            rollout: Rollout(preferredLeader: "postgres-1"))
    }

    static var singleNode: Topology {
        let node = Node(name: "hil-1", address: "5.78.103.224")
        return Topology(
            desired: desired(
                nodes: [node], members: [EtcdMember(name: "etcd", node: "hil-1")],
                proxies: ["hil-1"]),
            members: [
                member("postgres-1", "hil-1", 5435, 8008),
                member("postgres-2", "hil-1", 5433, 8009),
                member("postgres-3", "hil-1", 5434, 8010),
            ])
    }

    static var threeNodes: Topology {
        let nodes = (1...3).map { number in
            Node(
                name: NodeName("node-\(number)"), address: "203.0.113.\(number)",
                privateAddress: "10.0.0.\(number)")
        }
        return Topology(
            desired: desired(
                nodes: nodes,
                members: (1...3).map {
                    EtcdMember(name: EtcdName("etcd-\($0)"), node: NodeName("node-\($0)"))
                }, proxies: ["node-2", "node-3"]),
            members: (1...3).map {
                member(MemberName("postgres-\($0)"), NodeName("node-\($0)"), 5433, 8008)
            })
    }

    static func member(
        _ name: MemberName, _ node: NodeName, _ postgres: UInt16, _ patroni: UInt16
    ) -> PlacedMember {
        PlacedMember(
            name: name, node: node, ports: MemberPorts(postgres: postgres, patroni: patroni))
    }
}
