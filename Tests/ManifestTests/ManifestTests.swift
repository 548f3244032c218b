import Cluster
import Testing

@testable import Manifest

struct ManifestTests {
    @Test("Every manifest of the project decodes without a problem or a warning")
    func projectManifests() throws {
        let files = [
            "manifests/gardenos-dev.yaml", "manifests/three-servers.yaml",
            "manifests/lab-three.yaml", "manifests/lab-one.yaml",
            "examples/gitops/clusters/staging.yaml", "examples/gitops/clusters/production.yaml",
        ]
        for file in files {
            let decoded = ManifestDecoder.decode(try Files.read(file), file: file)
            #expect(decoded.problems.map(\.description) == [])
            #expect(decoded.clusters.count == 1)
        }
    }

    @Test("The pipelines of the examples are YAML without a duplicate key")
    func pipelines() throws {
        for file in ["examples/ci/github-actions.yml", "examples/ci/gitlab-ci.yml"] {
            let pipeline = try YAMLText.parse(Files.read(file)).get()
            #expect(
                pipeline.canonicalText.contains("matriarch plan cluster.yaml --detailed-exitcode"))
        }
    }

    @Test("The reference cluster decodes to the cluster that it describes")
    func referenceCluster() throws {
        let bytes = try Files.read("manifests/gardenos-dev.yaml")
        let decoded = ManifestDecoder.decode(bytes, file: "cluster.yaml")
        let cluster = try #require(decoded.clusters.first)
        #expect(cluster.name == "gardenos-dev-cluster")
        #expect(cluster.project == Project(name: "twincigo-crm", directory: "/opt/twincigo-crm"))
        #expect(
            cluster.nodes == [
                Node(name: "hil-1", address: "5.78.103.224", ssh: SSHSettings(user: "root"))
            ])
        #expect(cluster.secrets["admin"] == .environment("PGPASSWORD_ADMIN"))
        #expect(cluster.etcd.members == [EtcdMember(name: "etcd", node: "hil-1")])
        #expect(
            cluster.postgres.members == [
                pinned("postgres-1", 5435, 8008), pinned("postgres-2", 5433, 8009),
                pinned("postgres-3", 5434, 8010),
            ])
        #expect(
            cluster.postgres.configuration.canonicalText
                == #"{"postgresql":{"parameters":{"max_connections":200}},"ttl":30}"#)
        #expect(cluster.haproxy == HAProxy(image: ImageReference("haproxy:3.0"), nodes: ["hil-1"]))
        #expect(
            cluster.rollout
                == Rollout(
                    maxLag: .mebibytes(1), stepTimeout: .seconds(600),
                    preferredLeader: "postgres-1"))
        #expect(
            cluster.services.map { "\($0.name) \($0.ports) after \($0.dependsOn)" } == [
                "rest [3000:3000] after []", "auth [9999:9999] after []",
                "realtime [4000:4000] after []", "storage [] after [rest]", "meta [] after []",
                "studio [3010:3000] after [meta]",
                "gateway [8000:8000] after [auth, rest, realtime, storage, meta, studio]",
            ])
        #expect(
            cluster.services[0].environment["PGRST_DB_URI"]
                == Template([
                    .literal("postgres://authenticator:"), .secret("authenticator"), .literal("@"),
                    .database(.host), .literal(":"), .database(.port), .literal("/"),
                    .database(.name),
                ]))
        #expect(cluster.services[0].environment["PGRST_ADMIN_SERVER_PORT"] == "3001")
    }

    private func pinned(_ name: MemberName, _ postgres: UInt16, _ patroni: UInt16) -> PinnedMember {
        PinnedMember(
            name: name, node: "hil-1", ports: MemberPorts(postgres: postgres, patroni: patroni))
    }
}
