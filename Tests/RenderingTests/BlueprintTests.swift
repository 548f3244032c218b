import Cluster
import Testing

@testable import Rendering

@Suite("A cluster's containers")
struct BlueprintTests {
    private func blueprint(
        _ topology: Topology, change: (inout Desired) -> Void = { _ in }
    ) throws -> Blueprint {
        var topology = topology
        change(&topology.desired)
        return try Blueprint(topology: topology, secrets: Fixture.secrets)
    }

    private func environment(
        _ service: ServiceName, on node: NodeName, of blueprint: Blueprint
    ) throws -> [String: String] {
        try #require(blueprint.spec(ContainerAddress(service, on: node))).environment
            .mapValues { $0.reveal() }
    }

    @Test("every secret that is missing or empty is named at once, with what needs it")
    func missingSecrets() {
        let error = #expect(throws: BlueprintError.self) {
            try Blueprint(
                topology: Fixture.singleNode,
                secrets: Secrets(["admin": Secret(""), "superuser": Secret("x")]))
        }
        #expect(
            error?.description == """
                secret admin is empty; the admin role needs a password
                secret authenticator has no value; PGRST_DB_URI of rest needs it
                secret authenticator has no value; the database role authenticator needs it
                secret jwt has no value; PGRST_JWT_SECRET of rest needs it
                secret replication has no value; replication needs it
                """)
    }

    @Test("what no environment can carry is refused, not cut off")
    func impossibleValues() {
        let error = #expect(throws: BlueprintError.self) {
            try blueprint(Fixture.singleNode) {
                $0.services[0].environment["A"] = "x\0y"
                $0.services[0].environment["B C"] = Template([.secret("jwt")])
            }
        }
        #expect(
            error?.description == """
                "B C" of rest holds a secret, and its name cannot be written in an env file; \
                expected letters, digits and _
                A of rest holds a NUL byte, which no environment can carry
                """)
    }

    @Test(
        "a name from a server never becomes another line of haproxy.cfg or another path",
        arguments: [
            "a\n  server evil 203.0.113.9:5432", "../../etc/cron.d/x", "a b", "", ".", "..", "-f",
            "a\"b", "a#b", "a\u{2028}b", "a\0b", "é", String(repeating: "a", count: 129),
        ])
    func hostileNames(name: String) {
        var topology = Fixture.threeNodes
        topology.members[0].name = MemberName(name)
        let error = #expect(throws: BlueprintError.self) {
            try Blueprint(topology: topology, secrets: Fixture.secrets)
        }
        #expect(
            error?.description
                == "the name \(JSONValue.quote(name)) cannot be written into files; "
                + "expected letters, digits and . _ -")
    }

    @Test("an advertised address is the service's own on one server, else the node's")
    func advertised() throws {
        let single = try blueprint(Fixture.singleNode)
        let own = single.advertised(single.topology.members[1])
        #expect(
            own.postgresEndpoint == "postgres-2:5432" && own.patroniEndpoint == "postgres-2:8008")
        let three = try blueprint(Fixture.threeNodes)
        let other = three.advertised(three.topology.members[1])
        #expect(
            other.postgresEndpoint == "10.0.0.2:5433" && other.patroniEndpoint == "10.0.0.2:8008")
        #expect(three.proxyServers == ["postgres-1", "postgres-2", "postgres-3"])
    }

    @Test("IPv6 addresses are in brackets wherever a port follows")
    func brackets() throws {
        let blueprint = try blueprint(Fixture.threeNodes) {
            $0.nodes[0].privateAddress = nil
            $0.nodes[0].address = "fd00::1"
        }
        let member = blueprint.topology.members[0]
        #expect(blueprint.advertised(member).postgresEndpoint == "[fd00::1]:5433")
        let environment = try environment("postgres-1", on: "node-1", of: blueprint)
        #expect(environment["ETCD3_HOSTS"] == "'[fd00::1]:2379','10.0.0.2:2379','10.0.0.3:2379'")
        let etcd = try #require(blueprint.spec(ContainerAddress("etcd-1", on: "node-1")))
        #expect(
            etcd.firstStartEnvironment["ETCD_INITIAL_ADVERTISE_PEER_URLS"]
                == "http://[fd00::1]:2380")
        #expect(etcd.ports.map(\.description) == ["2379:2379", "2380:2380"])
    }

    @Test("ports bind to a private address in digits; a name would not start, so it binds nothing")
    func privateName() throws {
        let blueprint = try blueprint(Fixture.threeNodes) {
            $0.nodes[0].privateAddress = "db-1.internal"
        }
        let spec = try #require(blueprint.spec(ContainerAddress("postgres-1", on: "node-1")))
        #expect(spec.ports.map(\.description) == ["5433:5432", "8008:8008"])
        let config = try #require(blueprint.file("haproxy/haproxy.cfg", on: "node-2"))
        #expect(config.content.reveal().contains("server postgres-1 db-1.internal:5433 check"))
        #expect(config.content.reveal().contains("resolvers docker init-addr last,libc,none"))
    }

    @Test("SPILO_CONFIGURATION is one line, the manifest's words win and lists are replaced whole")
    func spiloConfiguration() throws {
        let blueprint = try blueprint(Fixture.singleNode) {
            $0.postgres.tags = ["clonefrom": .bool(true)]
            $0.postgres.spiloConfiguration = .object([
                "postgresql": .object([
                    "pg_hba": .array([.string("local all all trust")]),
                    "parameters": .object(["shared_buffers": .string("1GB")]),
                ]),
                "restapi": .object(["connect_address": .string("elsewhere:1")]),
            ])
        }
        let environment = try environment("postgres-1", on: "hil-1", of: blueprint)
        #expect(
            environment["SPILO_CONFIGURATION"] == #"{"postgresql":{"connect_address":"#
                + #""postgres-1:5432","parameters":{"shared_buffers":"1GB"},"pg_hba":"#
                + #"["local all all trust"]},"restapi":{"connect_address":"elsewhere:1"},"#
                + #""tags":{"clonefrom":true}}"#)
    }

    @Test("dynamic configuration is in no container, so that editing it recreates none")
    func dynamicConfiguration() throws {
        let before = try blueprint(Fixture.singleNode)
        let after = try blueprint(Fixture.singleNode) {
            $0.postgres.configuration = .object(["ttl": .int(20)])
            $0.rollout.stepTimeout = .seconds(5)
        }
        #expect(before.files == after.files && before.containers == after.containers)
    }

    @Test("a pinned member differs only in what its pin says")
    func pin() throws {
        var topology = Fixture.singleNode
        topology.desired.postgres.resources.memory = .mebibytes(1024)
        topology.desired.postgres.environment = ["WALG": "a", "ALLOW_NOSSL": ""]
        topology.members[2].pin = PinnedMember(
            name: "postgres-3", node: "hil-1", image: ImageReference("registry/spilo-18@sha256:1"),
            environment: ["WALG": "b", "SCOPE": "other"],
            resources: Resources(sharedMemory: .mebibytes(512)), tags: ["nofailover": .bool(true)])
        let blueprint = try Blueprint(topology: topology, secrets: Fixture.secrets)
        let pinned = try #require(blueprint.spec(ContainerAddress("postgres-3", on: "hil-1")))
        let other = try #require(blueprint.spec(ContainerAddress("postgres-2", on: "hil-1")))
        #expect(pinned.environment["PGVERSION"]?.reveal() == "18")
        #expect(pinned.environment["WALG"]?.reveal() == "b")
        #expect(pinned.environment["SCOPE"]?.reveal() == "gardenos-dev-cluster")
        #expect(pinned.resources.memory == .mebibytes(1024))
        #expect(pinned.resources.sharedMemory == .mebibytes(512))
        #expect(pinned.environment["SPILO_CONFIGURATION"]?.reveal().contains("nofailover") == true)
        #expect(other.environment["WALG"]?.reveal() == "a")
        #expect(other.environment["ALLOW_NOSSL"]?.reveal() == "")
        #expect(other.resources.sharedMemory == .mebibytes(256))
        #expect(other.environment["SPILO_CONFIGURATION"]?.reveal().contains("tags") == false)
    }

    @Test("PGVERSION is declared only where the image's name is Spilo's with a version")
    func spiloVersion() {
        let versions = [
            "ghcr.io/zalando/spilo-17:4.0-p3": 17, "spilo-16": 16, "spilo-17@sha256:0": 17,
            "spilo:4.0": nil, "spilo-17-slim:1": 17, "spilo-:1": nil, "my/postgres-17:1": nil,
        ]
        for (image, version) in versions {
            #expect(ImageReference(image).spiloVersion == version, "\(image)")
        }
    }

    @Test("a service reaches HAProxy beside it by name, else the first one's address")
    func databaseFacts() throws {
        let facts = Template([
            .database(.host), .literal(" "), .database(.port), .literal(" "),
            .database(.readPort), .literal(" "), .database(.name),
        ])
        let three = try blueprint(Fixture.threeNodes) {
            $0.services[0].nodes = ["node-1", "node-3"]
            $0.services[0].environment = ["FACTS": facts]
        }
        #expect(
            try environment("rest", on: "node-1", of: three)["FACTS"] == "10.0.0.2 5000 5001 crm")
        #expect(
            try environment("rest", on: "node-3", of: three)["FACTS"] == "haproxy 5000 5001 crm")
        let without = try blueprint(Fixture.singleNode) {
            $0.haproxy = nil
            $0.services[0].environment = ["FACTS": facts]
        }
        #expect(
            try environment("rest", on: "hil-1", of: without)["FACTS"]
                == "postgres-1 5432 5432 crm")
        #expect(without.file("haproxy/haproxy.cfg", on: "hil-1") == nil)
    }

    @Test(
        "Supabase's defaults yield to the manifest and hold no secret",
        arguments: SupabaseKind.allCases)
    func supabase(kind: SupabaseKind) throws {
        let plain = try blueprint(Fixture.singleNode) {
            $0.services = [
                Service(
                    name: "it", kind: kind, nodes: ["hil-1"], image: ImageReference("image"))
            ]
        }
        let spec = try #require(plain.spec(ContainerAddress("it", on: "hil-1")))
        #expect(spec.environment.values.allSatisfy { !$0.isSensitive })
        let variable = try #require(spec.environment.keys.sorted().first)
        let declared = try blueprint(Fixture.singleNode) {
            $0.services = [
                Service(
                    name: "it", kind: kind, nodes: ["hil-1"], image: ImageReference("image"),
                    environment: [variable: "declared"])
            ]
        }
        #expect(try environment("it", on: "hil-1", of: declared)[variable] == "declared")
    }

    @Test("an etcd member that joins lists the peers as the cluster knows them")
    func joiningEtcd() throws {
        let blueprint = try blueprint(Fixture.threeNodes)
        let file = try #require(
            blueprint.etcdFirstStart(
                "etcd-3",
                joining: [
                    EtcdPeer(id: 2, name: "etcd-2", peerURLs: ["http://moved:2380"]),
                    EtcdPeer(id: 1, name: "etcd-1", peerURLs: ["http://10.0.0.1:2380"]),
                    EtcdPeer(id: 3, name: "", isLearner: true, peerURLs: ["http://10.0.0.3:2380"]),
                ]))
        #expect(file.path == "env/etcd-3.first-start.env" && file.comparison == .presence)
        #expect(
            file.content.reveal() == """
                # Written by Matriarch. Edit the manifest instead; changes here are overwritten.
                ETCD_INITIAL_ADVERTISE_PEER_URLS="http://10.0.0.3:2380"
                ETCD_INITIAL_CLUSTER="etcd-1=http://10.0.0.1:2380,etcd-2=http://moved:2380,\
                etcd-3=http://10.0.0.3:2380"
                ETCD_INITIAL_CLUSTER_STATE="existing"
                ETCD_INITIAL_CLUSTER_TOKEN="gardenos-dev-cluster"

                """)
        // Planned before `member add` has run, the list does not name it yet.
        let early = blueprint.etcdFirstStart(
            "etcd-3",
            joining: [
                EtcdPeer(id: 2, name: "etcd-2", peerURLs: ["http://moved:2380"]),
                EtcdPeer(id: 1, name: "etcd-1", peerURLs: ["http://10.0.0.1:2380"]),
            ])
        #expect(early == file)
        #expect(blueprint.etcdFirstStart("etcd-9", joining: []) == nil)
    }

    @Test("every container carries the cluster's label")
    func labels() throws {
        for spec in try blueprint(Fixture.threeNodes).containers.values {
            #expect(spec.labels["matriarch.cluster"] == "gardenos-dev-cluster")
        }
    }

    @Test("names and passwords that are hostile to SQL and psql stay themselves")
    func hostileSQL() {
        #expect(DatabaseText.identifier(#"a"b"#) == #""a""b""#)
        #expect(DatabaseText.literal("it's") == "'it''s'")
        #expect(DatabaseText.literal(#"a\'b"#) == #" E'a\\''b'"#)
        #expect(
            DatabaseText.address("c\"m' \\ $x :v\né")
                == "'postgresql:///c%22m%27%20%5C%20%24x%20%3Av%0A%C3%A9'")
    }
}
