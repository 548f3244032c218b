import Cluster
import Planning
import Rendering
import Testing

/// What was made by hand is not lost when it is made anew.
@Suite struct HandMadeTests {
    private func seen(_ world: World) throws -> [String] {
        try world.plan().blockers.map { "\($0.object): \($0.seen)" }
    }

    @Test(
        "a member with its data elsewhere than in its mount must not be recreated on an empty one",
        arguments: [
            (
                "/home/postgres/pgdata/pgroot",
                "has no mount at /home/postgres/pgdata, it has pg:/home/postgres/pgdata/pgroot"
            ),
            (
                "/home/postgres",
                "has no mount at /home/postgres/pgdata, it has pg:/home/postgres"
            ),
        ])
    func memberData(target: String, expected: String) throws {
        var world = try converged()
        world.change(container: "postgres-2", on: "node-2") {
            $0.managedBy = nil
            $0.mounts = [VolumeMount(source: .volume("pg"), target: target)]
        }
        #expect(try seen(world) == ["postgres-2 on node-2: \(expected)"])
        #expect(try !world.plan().steps.contains { $0.id == "recreate:postgres-2" })
    }

    /// Its container matched, and the next `docker compose up` gave Postgres a new and empty volume.
    @Test("a volume outside the project must not be adopted as one of the project's")
    func foreignVolume() throws {
        var world = try converged()
        world.change(container: "postgres-2", on: "node-2") {
            $0.managedBy = nil
            $0.mounts = [VolumeMount(source: .volume("pg"), target: "/home/postgres/pgdata")]
            $0.foreignVolumes = ["pg"]
        }
        #expect(
            try world.plan().blockers == [
                Blocker(
                    object: "postgres-2 on node-2",
                    seen: "has its data in volume pg, which is not one of project crm",
                    expected: "its data in volume crm_pg, as compose names the project's",
                    remedy: "Stop it, copy the data (docker volume create crm_pg; docker run --rm"
                        + " -v pg:/from:ro -v crm_pg:/to --entrypoint cp"
                        + " ghcr.io/zalando/spilo-17:4.0-p2 -a /from/. /to/), drop external: and"
                        + " name: of the volume from its compose file, start it with that, then"
                        + " plan again.")
            ])
        // What our file does not name is a person's own: a place for backups.
        world.change(container: "postgres-2", on: "node-2") {
            $0.mounts.append(VolumeMount(source: .volume("backups"), target: "/backups"))
            $0.foreignVolumes = ["backups"]
        }
        #expect(try world.plan().blockers == [])
    }

    @Test("a member whose PGROOT is elsewhere must not be recreated without it")
    func otherRoot() throws {
        var world = try converged()
        world.change(container: "postgres-2", on: "node-2") {
            $0.managedBy = nil
            $0.image = ImageReference("ghcr.io/zalando/spilo-17:4.0-p1")
            $0.environment["PGROOT"] = ObservedText("/data/pgroot")
        }
        #expect(
            try seen(world) == [
                "postgres-2 on node-2: has its data where PGROOT says, which is not"
                    + " /home/postgres/pgdata/pgroot"
            ])
    }

    @Test("etcd's data is where --data-dir or ETCD_DATA_DIR says, whichever mount comes first")
    func etcdData() throws {
        var world = try converged()
        world.change(container: "etcd-2", on: "node-2") {
            $0.managedBy = nil
            $0.image = ImageReference("quay.io/coreos/etcd:v3.5.9")
            $0.command = ["etcd", "--data-dir", "/var/lib/etcd"]
            $0.mounts = [
                VolumeMount(source: .volume("certs"), target: "/certs"),
                VolumeMount(source: .volume("etcd-old"), target: "/var/lib/etcd"),
            ]
        }
        let proposal = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed)
        #expect(proposal.plan.blockers == [])
        #expect(
            proposal.blueprint.spec(ContainerAddress("etcd-2", on: "node-2"))?.mounts.map(\.source)
                == [.volume("etcd-old")])
        world.change(container: "etcd-2", on: "node-2") { $0.command = ["etcd"] }
        world.change(container: "etcd-2", on: "node-2") { $0.environment["ETCD_DATA_DIR"] = nil }
        #expect(
            try seen(world) == [
                "etcd-2 on node-2: has its data in the image's own directory, which is no mount; it"
                    + " has certs:/certs, etcd-old:/var/lib/etcd"
            ])
    }

    @Test("a container on another network must be connected first: the others would not find it")
    func otherNetwork() throws {
        var world = try converged()
        world.change(container: "haproxy", on: "node-1") { $0.networks = ["backend"] }
        world.change(container: "haproxy", on: "node-2") { $0.networks = ["host"] }
        world.change(container: "haproxy", on: "node-3") { $0.networks = nil }
        #expect(
            try world.plan().blockers == [
                Blocker(
                    object: "haproxy on node-1", seen: "it is on the network backend",
                    expected: "the network crm_default",
                    remedy: "Connect it, which restarts nothing: docker network connect --alias"
                        + " haproxy crm_default id-haproxy. Where that network is missing: docker"
                        + " network create --label com.docker.compose.project=crm --label"
                        + " com.docker.compose.network=default crm_default"),
                Blocker(
                    object: "haproxy on node-2",
                    seen: "it uses the server's own network (network_mode: host)",
                    expected: "the network crm_default",
                    remedy: "Make it anew by hand on the project's network with its ports"
                        + " published, then plan again."),
            ])
    }

    @Test("a haproxy.cfg and an env file that someone wrote must be kept before they are replaced")
    func foreignFiles() throws {
        var world = try converged()
        world.change("node-1") {
            for path in ["haproxy/haproxy.cfg", "env/postgres-1.env"] {
                $0.files[path] = ObservedFile("by hand", mode: 0o600)
            }
        }
        let plan = try world.plan()
        #expect(plan.hazards == [.adopt])
        #expect(
            plan.steps.first?.action
                == .adoptProject("node-1", files: ["env/postgres-1.env", "haproxy/haproxy.cfg"]))
    }

    @Test("a compose file of someone's that already says the same must not be moved away for good")
    func sameComposeFile() throws {
        var world = try converged()
        let text = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed
        ).blueprint.file("compose.yaml", on: "node-1")?.content.reveal()
        let plain = try #require(text).split(separator: "\n").filter { !$0.hasPrefix("#") }
        world.change("node-1") {
            $0.files["compose.yaml"] = ObservedFile(
                plain.joined(separator: "\n"), mode: 0o644)
        }
        #expect(try world.plan().steps == [])
    }
}
