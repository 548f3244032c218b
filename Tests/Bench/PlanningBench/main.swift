import Cluster
import Glibc
import Planning
import Rendering

// Plans 1,000 clusters of ten members each, twice: servers that are empty, and servers that match.
// Prints one line a case; takes no measures of its own against the clock inside the planner.

let clusters = 1_000
let secrets = Secrets([
    "superuser": Secret("a-long-password"), "replication": Secret("another-one"),
    "admin": Secret("a-third"),
])

func declared(_ number: Int) -> Desired {
    let nodes = (1...5).map {
        Node(name: NodeName("node-\($0)"), address: "10.0.\(number % 250).\($0)")
    }
    return Desired(
        name: ClusterName("cluster-\(number)"),
        project: Project(name: "cluster-\(number)", directory: "/opt/cluster-\(number)"),
        nodes: nodes, secrets: [:],
        etcd: Etcd(
            image: ImageReference("quay.io/coreos/etcd:v3.5.16"),
            members: (1...3).map {
                EtcdMember(name: EtcdName("etcd-\($0)"), node: NodeName("node-\($0)"))
            }),
        postgres: Postgres(
            image: ImageReference("ghcr.io/zalando/spilo-17:4.0-p3"), database: "app", replicas: 9),
        haproxy: HAProxy(image: ImageReference("haproxy:3.0"), nodes: nodes.map(\.name)))
}

func emptyServers(_ desired: Desired) -> Observed {
    var observed = Observed()
    for node in desired.nodes {
        observed.nodes[node.name] = .known(
            ObservedNode(dockerVersion: "26.1", composeVersion: "2.26"))
    }
    return observed
}

/// Servers on which everything is as the planner's own blueprint says.
func matching(_ desired: Desired) throws -> Observed {
    var observed = emptyServers(desired)
    let proposal = try Planner.propose(desired: desired, secrets: secrets, observed: observed)
    var nodes = observed.nodes.compactMapValues(\.value)
    for (address, spec) in proposal.blueprint.containers {
        nodes[address.node]?.images[spec.image] = ObservedImage(id: "sha256:0")
        nodes[address.node]?.containers.append(
            ObservedContainer(
                id: address.description, service: address.service, managedBy: desired.name,
                image: spec.image, imageID: "sha256:0", command: spec.command,
                hostname: spec.hostname ?? "",
                environment: spec.environment.mapValues { ObservedText($0.reveal()) },
                ports: spec.ports,
                mounts: spec.mounts.map { mount in
                    guard case .path(let path) = mount.source else { return mount }
                    return VolumeMount(
                        source: .path("\(desired.project.directory)/\(path)"),
                        target: mount.target, isReadOnly: mount.isReadOnly)
                }, labels: spec.labels,
                healthCheck: spec.health.map {
                    ObservedHealthCheck(
                        test: $0.test, interval: $0.interval.components.seconds * 1_000_000_000,
                        timeout: $0.timeout.components.seconds * 1_000_000_000,
                        retries: $0.retries,
                        startPeriod: $0.startPeriod.components.seconds * 1_000_000_000)
                },
                sharedMemory: spec.resources.sharedMemory,
                stopTimeout: spec.stopGracePeriod.map { Int($0.components.seconds) }))
    }
    for (node, files) in proposal.blueprint.files {
        for file in files + [proposal.blueprint.databaseMarker] {
            nodes[node]?.files[file.path] = ObservedFile(file.content.reveal(), mode: file.mode)
        }
    }
    observed.nodes = nodes.mapValues { .known($0) }
    let names = proposal.topology.members.map(\.name)
    for name in names {
        let leads = name == names.first
        observed.members[name] = .known(
            PatroniMember(
                role: leads ? .leader : .replica, state: .running, timeline: 1, location: 1,
                replicationState: leads ? nil : "streaming", serverVersion: 170_005))
        observed.views[name] = .known(
            ClusterView(
                members: names.map {
                    ViewMember(
                        name: $0, role: $0 == names.first ? .leader : .replica, state: .running)
                }))
    }
    observed.configuration = .known(.object([:]))
    for member in desired.etcd.members {
        observed.etcd[member.name] = .known(
            ObservedEtcd(
                isHealthy: true,
                members: desired.etcd.members.enumerated().map {
                    EtcdPeer(id: UInt64($0.offset), name: $0.element.name.rawValue)
                }, memberID: 0))
    }
    return observed
}

func peakMebibytes() -> Int {
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Int(usage.ru_maxrss) / 1024
}

func measure(_ title: String, _ pairs: [(Desired, Observed)]) throws {
    let clock = ContinuousClock()
    var steps = 0
    let duration = try clock.measure {
        for (desired, observed) in pairs {
            steps += try Planner.propose(
                desired: desired, secrets: secrets, observed: observed
            ).plan.steps.count
        }
    }
    let milliseconds =
        duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    print(
        "\(title): \(pairs.count * 10) members, \(steps) steps, \(milliseconds) ms, peak \(peakMebibytes()) MiB"
    )
}

let desired = (1...clusters).map(declared)
try measure("a tenth, empty servers", desired.prefix(clusters / 10).map { ($0, emptyServers($0)) })
try measure("empty servers", desired.map { ($0, emptyServers($0)) })
let matched = try desired.map { ($0, try matching($0)) }
try measure("nothing to change", matched)
