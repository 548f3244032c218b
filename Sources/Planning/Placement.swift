package import Cluster

/// Which members there are to be, where, and which have to go.
///
/// Placement is sticky: what runs stays where it runs, with the ports it has.
package struct Placement: Sendable {
    package var topology: Topology
    /// Live members that the manifest has no room for, in the order in which they go.
    package var leaving: [MemberName]
    package var blockers: [Blocker]

    /// - Parameter digest: for a saved observation, the digest of a text under its key.
    package init(
        _ desired: Desired, _ observed: Observed, digest: (@Sendable (String) -> String)? = nil
    ) {
        var solver = PlacementSolver(desired, observed)
        solver.placePinned()
        solver.keepLive()
        solver.addMissing()
        topology = Topology(
            desired: desired, members: solver.placed.values.sorted { $0.name < $1.name },
            dataSources: Self.dataSources(desired, observed, digest: digest))
        leaving = solver.leaving
        blockers = solver.blockers
    }

    /// Data stays where a container has it.
    private static func dataSources(
        _ desired: Desired, _ observed: Observed, digest: (@Sendable (String) -> String)?
    ) -> [ServiceName: VolumeMount.Source] {
        let etcd = Set(desired.etcd.members.map(\.name.service))
        var sources: [ServiceName: VolumeMount.Source] = [:]
        for node in desired.nodes.compactMap({ observed.nodes[$0.name]?.value }) {
            for container in node.containers {
                let service = container.service
                var source = DataPlace.memberMount(of: container)?.source
                if etcd.contains(service) {
                    guard case .at(let own) = DataPlace.ofEtcd(container, digest: digest)
                    else { continue }
                    source = own
                }
                if let source, source != .volume(service.rawValue) {
                    sources[service] = source
                }
            }
        }
        return sources
    }
}

private struct PlacementSolver {
    let desired: Desired
    let observed: Observed
    let live: [MemberName: LiveMember]
    let health: ClusterHealth
    let unknownNodes: [NodeName]
    var placed: [MemberName: PlacedMember] = [:]
    var leaving: [MemberName] = []
    var blockers: [Blocker] = []
    private var usedPorts: [NodeName: Set<UInt16>]

    init(_ desired: Desired, _ observed: Observed) {
        self.desired = desired
        self.observed = observed
        live = LiveMember.all(desired, observed)
        health = ClusterHealth(observed)
        unknownNodes = desired.nodes.map(\.name).filter { observed.nodes[$0]?.value == nil }
        usedPorts = Self.takenPorts(desired, observed)
        for member in live.values {
            if let ports = member.ports {
                usedPorts[member.node, default: []].formUnion([ports.postgres, ports.patroni])
            }
        }
    }

    /// Host ports that are spoken for whatever members do.
    private static func takenPorts(
        _ desired: Desired, _ observed: Observed
    ) -> [NodeName: Set<UInt16>] {
        var taken: [NodeName: Set<UInt16>] = [:]
        for (name, reading) in observed.nodes {
            taken[name] = Set(reading.value?.foreignPorts ?? [])
        }
        for pin in desired.postgres.members {
            if let ports = pin.ports {
                taken[pin.node, default: []].formUnion([ports.postgres, ports.patroni])
            }
        }
        if !desired.isSingleNode {
            for member in desired.etcd.members {
                taken[member.node, default: []].formUnion([member.clientPort, member.peerPort])
            }
        }
        if let proxy = desired.haproxy {
            for node in proxy.nodes {
                taken[node, default: []].formUnion([
                    proxy.writePort, proxy.readPort, proxy.statsPort,
                ])
            }
        }
        for service in desired.services {
            for node in service.nodes {
                taken[node, default: []].formUnion(service.ports.map(\.host))
            }
        }
        return taken
    }

    mutating func placePinned() {
        for pin in desired.postgres.members {
            if let existing = live[pin.name], existing.node != pin.node {
                blockers.append(
                    Blocker(
                        object: pin.name.rawValue, seen: "runs on \(existing.node)",
                        expected: "pinned to \(pin.node)",
                        remedy: "A member does not move. Pin a new name to \(pin.node), apply, then"
                            + " take \(pin.name) out of the manifest."))
            }
            let ports = pin.ports ?? live[pin.name]?.ports ?? freePorts(on: pin.node)
            place(PlacedMember(name: pin.name, node: pin.node, ports: ports, pin: pin))
        }
    }

    /// Fills the room that pins leave with live members: the leader and the healthy first.
    mutating func keepLive() {
        let room = max(0, desired.postgres.memberCount - placed.count)
        let candidates = live.values.filter { placed[$0.name] == nil }
            .sorted { (rank($0), $0.name) < (rank($1), $1.name) }
        for member in candidates.prefix(room) {
            let ports = member.ports ?? freePorts(on: member.node)
            place(PlacedMember(name: member.name, node: member.node, ports: ports))
        }
        leaving = candidates.dropFirst(room).map(\.name).reversed()
    }

    private func rank(_ member: LiveMember) -> Int {
        switch health.members[member.name] {
        case .leads: 0
        case .streams: 1
        case .unreachable where !member.isSeen: 1
        default: 2
        }
    }

    mutating func addMissing() {
        while placed.count < desired.postgres.memberCount {
            guard unknownNodes.isEmpty, let node = leastLoaded(among: desired.nodes.map(\.name))
            else {
                blockers.append(
                    Blocker(
                        object: desired.name.rawValue,
                        seen: "\(unknownNodes.map(\.rawValue).joined(separator: ", "))"
                            + " could not be looked at",
                        expected: "\(desired.postgres.memberCount) members",
                        remedy: "Members that cannot be seen may exist there; make the node"
                            + " reachable, then plan again."))
                return
            }
            place(PlacedMember(name: nextName(), node: node, ports: freePorts(on: node)))
        }
    }

    private func leastLoaded(among nodes: [NodeName]) -> NodeName? {
        var load: [NodeName: Int] = [:]
        for member in placed.values { load[member.node, default: 0] += 1 }
        var best: NodeName?
        for node in nodes where best.map({ load[node, default: 0] < load[$0, default: 0] }) ?? true
        {
            best = node
        }
        return best
    }

    /// The lowest number that no member has, live ones that leave included.
    private func nextName() -> MemberName {
        var number = 1
        while true {
            let name = MemberName("\(desired.postgres.memberPrefix)-\(number)")
            if placed[name] == nil, live[name] == nil, !health.listed.contains(name) { return name }
            number += 1
        }
    }

    /// Past the highest pair of the node's members, else where the manifest says that ports start.
    private func freePorts(on node: NodeName) -> MemberPorts {
        let taken = usedPorts[node] ?? []
        let neighbours =
            placed.values.filter { $0.node == node }.map(\.ports)
            + desired.postgres.members.filter { $0.node == node }.compactMap(\.ports)
        let first = desired.postgres.firstPorts
        return MemberPorts(
            postgres: Self.free(
                from: (neighbours.map(\.postgres).max().map { $0 &+ 1 }) ?? first.postgres, taken),
            patroni: Self.free(
                from: (neighbours.map(\.patroni).max().map { $0 &+ 1 }) ?? first.patroni, taken))
    }

    private static func free(from start: UInt16, _ taken: Set<UInt16>) -> UInt16 {
        var port = max(start, 1)
        for _ in 0..<UInt16.max {
            if !taken.contains(port) { return port }
            port = port == .max ? 1024 : port + 1
        }
        return start
    }

    private mutating func place(_ member: PlacedMember) {
        placed[member.name] = member
        usedPorts[member.node, default: []].formUnion([member.ports.postgres, member.ports.patroni])
    }
}

/// A member that exists: its container was seen, or a view lists it on a node that could not be seen.
struct LiveMember {
    var name: MemberName
    var node: NodeName
    var ports: MemberPorts?
    var isSeen: Bool

    static func all(_ desired: Desired, _ observed: Observed) -> [MemberName: LiveMember] {
        let listed = ClusterHealth(observed).listed
        var found: [MemberName: LiveMember] = [:]
        for node in desired.nodes {
            for container in observed.nodes[node.name]?.value?.containers ?? [] {
                let name = MemberName(container.service.rawValue)
                let isKnown = listed.contains(name) || observed.members[name]?.value != nil
                guard desired.isMember(container, isKnown: isKnown) else { continue }
                found[name] = LiveMember(
                    name: name, node: node.name, ports: ports(of: container), isSeen: true)
            }
        }
        let unknown = desired.nodes.filter { observed.nodes[$0.name]?.value == nil }
        guard !unknown.isEmpty else { return found }
        for server in ProxyTable.servers(observed)
        where found[server.name] == nil && server.name.isPlain {
            guard let node = unknown.first(where: { $0.advertisedAddress == server.host })
            else { continue }
            found[server.name] = LiveMember(
                name: server.name, node: node.name, ports: server.ports, isSeen: false)
        }
        for view in observed.views.values.compactMap(\.value) {
            for member in view.members where found[member.name] == nil && member.name.isPlain {
                guard let node = unknown.first(where: { $0.advertisedAddress == member.host })
                else { continue }
                found[member.name] = LiveMember(
                    name: member.name, node: node.name, ports: ports(of: member), isSeen: false)
            }
        }
        return found
    }

    private static func ports(of container: ObservedContainer) -> MemberPorts? {
        guard let postgres = container.ports.first(where: { $0.container == 5432 })?.host,
            let patroni = container.ports.first(where: { $0.container == 8008 })?.host
        else { return nil }
        return MemberPorts(postgres: postgres, patroni: patroni)
    }

    private static func ports(of member: ViewMember) -> MemberPorts? {
        guard let port = member.port.flatMap(UInt16.init(exactly:)),
            let url = member.apiURL, let colon = url.lastIndex(of: ":"),
            let patroni = UInt16(url[url.index(after: colon)...].prefix { $0.isNumber })
        else { return nil }
        return MemberPorts(postgres: port, patroni: patroni)
    }
}
