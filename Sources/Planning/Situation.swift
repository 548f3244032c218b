import Cluster
import Rendering

/// Everything that the stages of planning look at, gathered once.
struct Situation {
    let desired: Desired
    let topology: Topology
    let blueprint: Blueprint
    let observed: Observed
    let health: ClusterHealth
    let live: [MemberName: LiveMember]
    let leaving: [MemberName]
    let digest: (@Sendable (String) -> String)?
    let fingerprint: (@Sendable (ResolvedText) -> String)?
    /// Nodes of the manifest that could not be looked at.
    let unknownNodes: [NodeName]
    let containers: [ContainerAddress: Standing]

    /// How a declared container stands.
    enum Standing {
        /// Its node could not be looked at.
        case unknown(String)
        case absent
        /// There, with what differs (empty: as declared).
        case present(ObservedContainer, [FieldChange])
    }

    init(
        placement: Placement, blueprint: Blueprint, observed: Observed,
        digest: (@Sendable (String) -> String)?,
        fingerprint: (@Sendable (ResolvedText) -> String)? = nil
    ) {
        self.fingerprint = fingerprint
        topology = placement.topology
        desired = topology.desired
        leaving = placement.leaving
        self.blueprint = blueprint
        self.observed = observed
        self.digest = digest
        health = ClusterHealth(observed)
        live = LiveMember.all(desired, observed)
        unknownNodes = desired.nodes.map(\.name).filter { observed.nodes[$0]?.value == nil }
        var containers: [ContainerAddress: Standing] = [:]
        for (address, spec) in blueprint.containers {
            switch observed.nodes[address.node] {
            case nil: containers[address] = .unknown("was not looked at")
            case .unreachable(let reason): containers[address] = .unknown(reason)
            case .known(let node):
                guard let container = node.container(address.service) else {
                    containers[address] = .absent
                    continue
                }
                let difference = ContainerDifference(
                    spec: spec, live: container, project: desired.project, digest: digest)
                containers[address] = .present(container, difference.changes)
            }
        }
        self.containers = containers
    }

    /// What a step that writes these files carries for a review.
    func contents(_ paths: [String], on node: NodeName) -> [String: String] {
        guard let fingerprint else { return [:] }
        return (blueprint.files[node] ?? []).reduce(into: [:]) {
            if paths.contains($1.path) { $0[$1.path] = fingerprint($1.content) }
        }
    }

    var rollout: Rollout { desired.rollout }
    var maxLag: ByteCount { desired.rollout.maxLag }

    /// Members are there, every node was seen, and nobody says that it leads.
    var isLeaderless: Bool {
        !live.isEmpty && unknownNodes.isEmpty && health.leaders.isEmpty
    }

    func node(_ name: NodeName) -> ObservedNode? { observed.nodes[name]?.value }

    func standing(_ address: ContainerAddress) -> Standing {
        containers[address] ?? .unknown("is not declared")
    }

    func address(_ member: PlacedMember) -> ContainerAddress {
        ContainerAddress(member.name.service, on: member.node)
    }

    /// Declared containers in the order of their names.
    func addresses(where isIncluded: (ContainerRole) -> Bool) -> [ContainerAddress] {
        blueprint.containers.filter { isIncluded($0.value.role) }.keys.sorted()
    }
}
