import Cluster
import Planning
import Rendering
import Testing

/// What others made is adopted or left alone; what left the manifest goes.
@Suite struct AdoptionTests {
    @Test("a hand-made cluster that matches must be adopted without a restart")
    func adoption() throws {
        var world = try converged()
        for node in ["node-1", "node-2", "node-3"] as [NodeName] {
            world.change(node) { shown in
                shown.files = [
                    "docker-compose.yml": ObservedFile("services: {}\n", mode: 0o644)
                ]
                for index in shown.containers.indices {
                    shown.containers[index].managedBy = nil
                    shown.containers[index].labels = [:]
                    shown.containers[index].environment["EXTRA"] = ObservedText("kept")
                }
            }
        }
        try expectGolden(world.plan().description, "adoption")
    }

    /// Made from docker-compose.prod.yml, or from another directory: no file told of it, and what
    /// Matriarch did not make was recreated and removed unaccepted.
    @Test("containers that others made must be adopted, whatever their files are called")
    func otherFiles() throws {
        var world = try converged()
        world.desired.postgres.image = ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")
        #expect(try world.plan().hazards == [])
        world.change("node-2") { shown in
            shown.files["compose.yaml"] = nil
            for index in shown.containers.indices { shown.containers[index].managedBy = nil }
        }
        let plan = try world.plan()
        #expect(plan.hazards == [.adopt])
        let write = try #require(plan.steps.first { $0.id == "write:node-2" })
        #expect(write.hazards == [.adopt])
        #expect(write.causes.contains(.topology("postgres-2 was not made by Matriarch")))
        // Every step that touches them comes after it.
        let touched = try #require(plan.steps.first { $0.id == "recreate:postgres-2" })
        #expect(touched.after.contains("write:node-2"))
    }

    @Test("a member that others made must not be removed unless that is accepted")
    func otherMember() throws {
        var world = try converged(replicas: 3)
        world.desired.postgres.replicas = 2
        #expect(try world.plan().hazards == [])
        world.change(container: "postgres-4", on: "node-1") { $0.managedBy = nil }
        let plan = try world.plan()
        #expect(plan.steps.contains { $0.id == "remove:postgres-4" })
        #expect(plan.hazards == [.adopt])
    }

    @Test("clients must not lose HAProxy, their way in, unless that is accepted")
    func lastHAProxy() throws {
        var world = try converged()
        world.desired.haproxy?.nodes.removeLast()
        #expect(try world.plan().hazards == [])
        world.desired.haproxy = nil
        let plan = try world.plan()
        #expect(plan.steps.contains { $0.id == "remove:haproxy@node-1" })
        #expect(plan.hazards == [.outage])
    }

    @Test("a saved observation must plan as the servers did: adoption, and files as they are")
    func offline() throws {
        var world = try converged()
        world.change("node-1") {
            $0.files["compose.yaml"] = ObservedFile("services: {}\n", mode: 0o644)
        }
        world.change("node-2") { shown in
            let text = shown.files["compose.yaml"]?.content
            guard case .plain(let secret) = text else { return }
            shown.files["compose.yaml"] = ObservedFile(
                secret.reveal() + "# a remark\n", mode: 0o644)
        }
        let online = try world.plan()
        #expect(online.steps.map(\.id) == ["adopt:node-1", "write:node-1"])
        for node in world.desired.nodes {
            world.change(node.name) { shown in
                for (path, file) in shown.files {
                    guard case .plain(let text) = file.content else { continue }
                    shown.files[path]?.content = .digest(FileSpec.meaning(of: text.reveal()))
                }
            }
        }
        let offline = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed,
            digest: { $0 })
        #expect(offline.plan == online)
    }

    @Test("a hand-made member must keep its own volume when it is recreated one day")
    func adoptedVolume() throws {
        var world = try converged()
        world.change(container: "postgres-2", on: "node-2") {
            $0.managedBy = nil
            $0.environment["ETCD3_HOSTS"] = ObservedText(
                "\"10.0.0.13:2379\", \"10.0.0.11:2379\",\"10.0.0.12:2379\"")
            $0.environment["SPILO_CONFIGURATION"] = nil
            $0.healthCheck = nil
            $0.stopTimeout = nil
            $0.mounts = [
                VolumeMount(source: .volume("pg2-data"), target: "/home/postgres/pgdata")
            ]
        }
        let proposal = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed)
        #expect(!proposal.plan.steps.contains { $0.id == "recreate:postgres-2" })
        let spec = proposal.blueprint.spec(ContainerAddress("postgres-2", on: "node-2"))
        #expect(spec?.mounts.first?.source == .volume("pg2-data"))
    }

    @Test("volumes that nothing explains must stop a new cluster: they may be the old one's data")
    func strangeVolumes() throws {
        var world = World.three()
        world.change("node-2") { $0.volumes = ["postgres-2-data"] }
        let plan = try world.plan()
        #expect(plan.blockers.map(\.seen) == ["volumes of the project: postgres-2-data"])
        #expect(!plan.steps.contains { if case .bootstrap = $0.action { true } else { false } })
    }

    /// Seed 3066512: a first start was cut short, and the manifest then wants one etcd member.
    @Test("the volumes of etcd members that leave before the first start must not stop it")
    func etcdLeavesBeforeFirstStart() throws {
        var world = try converged()
        world.observed.members = [:]
        world.observed.views = [:]
        for (index, node) in world.desired.nodes.map(\.name).enumerated() {
            world.change(node) { node in
                node.containers.removeAll { $0.service.rawValue.hasPrefix("postgres") }
                node.volumes = ["etcd-\(index + 1)"]
            }
        }
        world.desired.etcd.members.removeLast(2)
        let plan = try world.plan()
        #expect(plan.blockers.isEmpty)
        #expect(plan.steps.contains { $0.id == "bootstrap:postgres-1" })
        // Without its container nothing tells whose it is.
        world.change("node-3") { $0.containers.removeAll { $0.service == "etcd-3" } }
        #expect(try world.plan().blockers.map(\.seen) == ["volumes of the project: etcd-3"])
    }

    @Test("what Matriarch did not make must never be touched; its own leftovers are pruned")
    func prune() throws {
        var world = try converged()
        for (service, owner) in [("old", ClusterName("crm")), ("theirs", nil)] {
            world.change("node-2") {
                $0.containers.append(
                    ObservedContainer(
                        id: "id-\(service)", service: ServiceName(service), managedBy: owner,
                        image: ImageReference("x:1"), imageID: "sha256:x"))
            }
        }
        try expectGolden(world.plan().description, "prune")
    }

    /// The passwords of a member that was removed stayed on its node for ever.
    @Test("env files of what left must go, with the member and from before; others' never")
    func leftOverFiles() throws {
        var world = try converged {
            $0.postgres.members.append(PinnedMember(name: "postgres-4", node: "node-1"))
            $0.postgres.replicas = 3
        }
        world.desired.postgres.members.removeLast()
        world.desired.postgres.replicas = 2
        world.change("node-2") { shown in
            shown.containers.append(
                ObservedContainer(
                    id: "id-theirs", service: "theirs", image: ImageReference("x:1"),
                    imageID: "sha256:x"))
            for service in ["old", "old.first-start", "theirs"] {
                shown.files["env/\(service).env"] = ObservedFile(
                    "# Written by Matriarch. Edit the manifest\nA=\"b\"\n", mode: 0o600)
            }
            shown.files["env/by-hand.env"] = ObservedFile("A=b\n", mode: 0o600)
        }
        let plan = try world.plan()
        try expectGolden(plan.description, "left-over-files")
        #expect(
            plan.steps.suffix(2).map(\.action) == [
                .removeFiles("node-1", paths: ["env/postgres-4.env"]),
                .removeFiles("node-2", paths: ["env/old.env", "env/old.first-start.env"]),
            ])
    }

    /// The compose file of a node that nothing is declared for went on naming the old member, and
    /// `docker compose up` there would have started it again.
    @Test("a node that nothing is declared for any more must be left without files of ours")
    func emptiedNode() throws {
        var world = try converged()
        world.desired.postgres.members.removeLast()
        world.desired.postgres.replicas = 1
        world.desired.haproxy?.nodes.removeLast()
        world.desired.etcd.members.removeLast()
        let files = try world.plan().steps.compactMap { step -> [String]? in
            if case .removeFiles("node-3", let paths) = step.action { paths } else { nil }
        }
        #expect(
            files == [
                [
                    "compose.yaml", "env/etcd-3.first-start.env", "env/postgres-3.env",
                    "haproxy/haproxy.cfg",
                ]
            ])
    }

    @Test("steps that write files must tell contents apart, or a review would hold for others")
    func contents() throws {
        func contents(_ connections: Int) throws -> [String: [String: String]] {
            var world = try converged()
            world.desired.haproxy?.maxConnections = connections
            world.desired.services = [
                Service(name: "rest", nodes: ["node-1"], image: ImageReference("r:1"))
            ]
            let plan = try Planner.propose(
                desired: world.desired, secrets: world.secrets, observed: world.observed,
                fingerprint: { "\($0.reveal().hashValue)" }
            ).plan
            return Dictionary(
                uniqueKeysWithValues: plan.steps.map { ($0.id.rawValue, $0.contents) })
        }
        let reviewed = try contents(500)
        let other = try contents(600)
        #expect(reviewed["write:node-1"]?.keys.sorted() == ["compose.yaml"])
        #expect(reviewed["write:node-1"] == other["write:node-1"])
        #expect(reviewed["reload:haproxy@node-1"]?.keys.sorted() == ["haproxy/haproxy.cfg"])
        #expect(reviewed["reload:haproxy@node-1"] != other["reload:haproxy@node-1"])
        #expect(reviewed["create:rest@node-1"] == [:])
    }
}
