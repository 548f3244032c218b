import Cluster
import Planning
import Rendering

/// Three servers as declared, `leader` leading.
func converged(
    replicas: Int = 2, leader: MemberName = "postgres-1", adjust: (inout Desired) -> Void = { _ in }
) throws -> World {
    var world = World.three(replicas: replicas, adjust: adjust)
    try world.observeConverged(leader: leader)
    return world
}

extension Desired {
    /// Two more members of etcd, beside those on the first two servers.
    mutating func growEtcdToFive() {
        etcd.members += (4...5).map {
            EtcdMember(
                name: EtcdName("etcd-\($0)"), node: NodeName("node-\($0 - 3)"),
                clientPort: 2479, peerPort: 2480)
        }
    }
}

/// A declared cluster and servers that match it exactly, to be disturbed by a test.
struct World {
    var desired: Desired
    var observed = Observed()
    var secrets = Secrets([
        "superuser": Secret("s3cret-super"), "replication": Secret("s3cret-standby"),
        "admin": Secret("s3cret-admin"),
    ])

    init(_ desired: Desired) { self.desired = desired }

    /// Three servers with one member each, etcd and HAProxy on all.
    static func three(
        image: ImageReference = ImageReference("ghcr.io/zalando/spilo-17:4.0-p2"),
        replicas: Int = 2,
        adjust: (inout Desired) -> Void = { _ in }
    ) -> World {
        let nodes = (1...3).map { Node(name: NodeName("node-\($0)"), address: "10.0.0.1\($0)") }
        var desired = Desired(
            name: "crm", project: Project(name: "crm", directory: "/opt/crm"), nodes: nodes,
            secrets: [
                "superuser": .environment("A"), "replication": .environment("B"),
                "admin": .environment("C"),
            ],
            etcd: Etcd(
                image: ImageReference("quay.io/coreos/etcd:v3.5.16"),
                members: (1...3).map {
                    EtcdMember(name: EtcdName("etcd-\($0)"), node: NodeName("node-\($0)"))
                }),
            postgres: Postgres(
                image: image, database: "crm", replicas: replicas,
                members: (1...3).map {
                    PinnedMember(
                        name: MemberName("postgres-\($0)"), node: NodeName("node-\($0)"),
                        ports: MemberPorts(postgres: 5432, patroni: 8008))
                }, configuration: .object(["ttl": .int(30)])),
            haproxy: HAProxy(image: ImageReference("haproxy:3.0"), nodes: nodes.map(\.name)))
        adjust(&desired)
        var world = World(desired)
        world.observeEmpty()
        return world
    }

    /// Servers with docker and nothing else.
    mutating func observeEmpty() {
        observed = Observed()
        for node in desired.nodes {
            observed.nodes[node.name] = .known(
                ObservedNode(dockerVersion: "26.1", composeVersion: "2.26", clock: 10_000))
        }
    }

    /// Everything as declared, `leader` leading.
    mutating func observeConverged(leader: MemberName = "postgres-1") throws {
        observeEmpty()
        let proposal = try Planner.propose(
            desired: desired, secrets: secrets, observed: observed)
        for (address, spec) in proposal.blueprint.containers { place(spec, at: address) }
        for (node, files) in proposal.blueprint.files {
            for file in files { write(file, on: node) }
        }
        if let first = desired.nodes.first {
            write(proposal.blueprint.databaseMarker, on: first.name)
        }
        let members = proposal.topology.members.map(\.name)
        for member in members { stream(member, leader: leader, members: members) }
        observed.configuration = .known(
            .object([
                "ttl": .int(30), "loop_wait": .int(10),
                "postgresql": .object(["parameters": .object(["max_connections": .int(100)])]),
            ]))
        let peers = desired.etcd.members.enumerated().map { index, member in
            EtcdPeer(
                id: UInt64(index + 1), name: member.name.rawValue,
                peerURLs: [EtcdAddress(of: member, in: desired).peerURL])
        }
        for (index, member) in desired.etcd.members.enumerated() {
            observed.etcd[member.name] = .known(
                ObservedEtcd(
                    isHealthy: true, members: peers, memberID: UInt64(index + 1), leaderID: 1))
        }
        for node in desired.haproxy?.nodes ?? [] {
            observed.haproxy[node] = .known(
                ["pg_write", "pg_read"].flatMap { backend in
                    proposal.blueprint.proxyServers.map {
                        ProxyServer(backend: backend, server: $0.rawValue, status: "UP")
                    }
                })
        }
    }

    private mutating func stream(_ name: MemberName, leader: MemberName, members: [MemberName]) {
        let leads = name == leader
        observed.members[name] = .known(
            PatroniMember(
                role: leads ? .leader : .replica, state: .running, timeline: 1, location: 1000,
                replicationState: leads ? nil : "streaming", dcsLastSeen: 10_000,
                answeredAt: 10_000, serverVersion: 170_011))
        observed.views[name] = .known(
            ClusterView(
                members: members.map { member in
                    ViewMember(
                        name: member, role: member == leader ? .leader : .replica,
                        state: member == leader ? .running : .streaming)
                }))
    }

    mutating func place(_ spec: ContainerSpec, at address: ContainerAddress) {
        let wanted = spec.resources
        let container = ObservedContainer(
            id: "id-\(address.service)", service: address.service, managedBy: desired.name,
            image: spec.image, imageID: "sha256:\(spec.image)", command: spec.command,
            hostname: spec.hostname ?? "0123456789ab",
            environment: spec.environment.mapValues { ObservedText($0.reveal()) }.merging(
                spec.firstStartEnvironment.mapValues { ObservedText($0) }
            ) { $1 },
            ports: spec.ports,
            mounts: spec.mounts.map { mount in
                guard case .path(let path) = mount.source, !path.hasPrefix("/") else {
                    return mount
                }
                var mount = mount
                mount.source = .path("\(desired.project.directory)/\(path)")
                return mount
            },
            labels: spec.labels,
            healthCheck: spec.health.map {
                ObservedHealthCheck(
                    test: $0.test, interval: $0.interval.components.seconds * 1_000_000_000,
                    timeout: $0.timeout.components.seconds * 1_000_000_000, retries: $0.retries,
                    startPeriod: $0.startPeriod.components.seconds * 1_000_000_000)
            },
            memory: wanted.memory, nanoCPUs: wanted.cpus.map { Int64($0 * 1e9) },
            sharedMemory: wanted.sharedMemory ?? .mebibytes(64),
            stopTimeout: spec.stopGracePeriod.map { Int($0.components.seconds) },
            createdAt: 100, startedAt: 100, networks: [desired.project.network])
        change(address.node) { node in
            node.containers.removeAll { $0.service == address.service }
            node.containers.append(container)
            node.images[spec.image] = ObservedImage(id: "sha256:\(spec.image)")
            for case .volume(let name) in spec.mounts.map(\.source) {
                node.volumes.append(name)
            }
        }
    }

    mutating func write(_ file: FileSpec, on node: NodeName) {
        change(node) {
            $0.files[file.path] = ObservedFile(file.content.reveal(), mode: file.mode)
        }
    }

    mutating func change(_ node: NodeName, _ edit: (inout ObservedNode) -> Void) {
        guard case .known(var shown) = observed.nodes[node] else { return }
        edit(&shown)
        observed.nodes[node] = .known(shown)
    }

    mutating func change(_ member: MemberName, _ edit: (inout PatroniMember) -> Void) {
        guard case .known(var shown) = observed.members[member] else { return }
        edit(&shown)
        observed.members[member] = .known(shown)
    }

    mutating func change(
        container service: ServiceName, on node: NodeName, _ edit: (inout ObservedContainer) -> Void
    ) {
        change(node) { shown in
            for index in shown.containers.indices where shown.containers[index].service == service {
                edit(&shown.containers[index])
            }
        }
    }

    mutating func stopEtcd(_ number: Int, _ state: ContainerState = .exited) {
        let name = EtcdName("etcd-\(number)")
        change(container: name.service, on: NodeName("node-\((number - 1) % 3 + 1)")) {
            $0.state = state
        }
        observed.etcd[name] = .unreachable("refused")
    }

    /// Etcd's members know of no leader, and differ from the manifest.
    mutating func loseEtcdQuorum() {
        desired.etcd.image = ImageReference("quay.io/coreos/etcd:v3.5.17")
        for name in observed.etcd.keys {
            observed.etcd[name] = observed.etcd[name]?.map {
                var answer = $0
                (answer.isHealthy, answer.leaderID) = (false, nil)
                return answer
            }
        }
    }

    mutating func lose(_ node: NodeName, members: [MemberName], etcd: [EtcdName]) {
        let reason = "no route to host"
        observed.nodes[node] = .unreachable(reason)
        observed.haproxy[node] = .unreachable(reason)
        for member in members {
            observed.members[member] = .unreachable(reason)
            observed.views[member] = .unreachable(reason)
        }
        for member in etcd { observed.etcd[member] = .unreachable(reason) }
    }

    func plan() throws -> Plan {
        try Planner.propose(desired: desired, secrets: secrets, observed: observed).plan
    }
}
