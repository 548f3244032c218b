import Cluster

/// Where something answers, as its node would connect.
struct Place: Hashable {
    var node: NodeName
    var host: String
    var port: UInt16
    var description: String {
        "\(host.contains(":") ? "[\(host)]" : host):\(port) on \(node)"
    }
}

/// Where members of the cluster answer, from what is declared and from what the nodes show.
struct Places {
    let desired: Desired
    /// Members whose place is settled: pinned ones, and those that the caller placed.
    let placed: [MemberName: PlacedMember]

    private static let patroniPort: UInt16 = 8008
    private static let etcdPort: UInt16 = 2379

    init(desired: Desired, placed: [PlacedMember]) {
        self.desired = desired
        var all: [MemberName: PlacedMember] = [:]
        for pin in desired.postgres.members {
            guard let ports = pin.ports else { continue }
            all[pin.name] = PlacedMember(name: pin.name, node: pin.node, ports: ports, pin: pin)
        }
        for member in placed { all[member.name] = member }
        self.placed = all
    }

    // MARK: - Before the nodes have answered

    /// Where Patroni may well answer: declared places, and the first port of every node.
    var likelyPatroni: Set<Place> {
        var places = Set(placed.values.map { place($0.node, $0.ports.patroni) })
        for node in desired.nodes {
            places.insert(place(node.name, desired.postgres.firstPorts.patroni))
        }
        return places
    }

    /// On a single node etcd is not published: its address is known from its container only.
    var likelyEtcd: Set<Place> {
        guard !desired.isSingleNode else { return [] }
        return Set(desired.etcd.members.map { place($0.node, $0.clientPort) })
    }

    func likelyProxy(_ node: NodeName) -> Place? {
        guard let haproxy = desired.haproxy, haproxy.nodes.contains(node) else { return nil }
        return place(node, haproxy.statsPort)
    }

    /// A port published on `node`: members publish on a private address where one is declared.
    func place(_ node: NodeName, _ port: UInt16) -> Place {
        Place(node: node, host: host(node), port: port)
    }

    private func host(_ node: NodeName) -> String {
        guard !desired.isSingleNode, let address = desired.node(node)?.privateAddress else {
            return "127.0.0.1"
        }
        return address
    }

    // MARK: - By what the nodes show

    /// Patroni members of the project.
    func members(on node: ObservedNode) -> [ObservedContainer] {
        node.containers.filter { container in
            desired.isMember(
                container, isKnown: placed[MemberName(container.service.rawValue)] != nil)
        }
    }

    func etcdMembers(on node: ObservedNode) -> [ObservedContainer] {
        node.containers.filter(desired.isEtcd)
    }

    func patroni(of container: ObservedContainer, on node: NodeName) -> Place? {
        var port = Self.patroniPort
        if case .plain(let text)? = container.environment["APIPORT"] {
            port = UInt16(text.reveal()) ?? port
        }
        return place(of: container, on: node, port: port)
    }

    func etcd(of container: ObservedContainer, on node: NodeName) -> Place? {
        place(of: container, on: node, port: Self.etcdPort)
    }

    func proxy(of container: ObservedContainer, on node: NodeName) -> Place? {
        guard let haproxy = desired.haproxy else { return nil }
        return place(of: container, on: node, port: haproxy.statsPort)
    }

    /// The published port, else the container's own address; `nil` where it has none.
    private func place(of container: ObservedContainer, on node: NodeName, port: UInt16) -> Place? {
        let published = container.ports.first {
            $0.container == port && $0.transport == .tcp && $0.host != 0
        }
        if let published {
            let host =
                switch published.hostAddress {
                case nil: host(node)
                case "::": "::1"
                case .some(let address): address
                }
            return Place(node: node, host: host, port: published.host)
        }
        return container.address.map { Place(node: node, host: $0, port: port) }
    }

    /// Where a view says that a member answers, seen from the node that has its address; from
    /// `witness`, the viewing member's node, when no node has it.
    func patroni(apiURL: String, nodes: [NodeName: Reading<ObservedNode>], witness: NodeName)
        -> Place?
    {
        guard let authority = Self.authority(of: apiURL) else { return nil }
        for node in desired.nodes
        where [node.address, node.privateAddress].contains(authority.host) {
            return place(node.name, authority.port)
        }
        for (name, reading) in nodes
        where reading.value?.containers.contains(where: { $0.address == authority.host }) == true {
            return Place(node: name, host: authority.host, port: authority.port)
        }
        return Place(node: witness, host: authority.host, port: authority.port)
    }

    private struct Authority {
        var host: String
        var port: UInt16
    }

    /// Of `http://172.30.0.11:8008/patroni` and `http://[fd00::1]:8008/patroni`.
    private static func authority(of url: String) -> Authority? {
        guard url.utf8.count <= 300, let scheme = url.firstRange(of: "://") else { return nil }
        let text = url[scheme.upperBound...].prefix { $0 != "/" }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        let isPlain = host.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: ":"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return host.isEmpty || !isPlain ? nil : Authority(host: String(host), port: port)
    }
}
