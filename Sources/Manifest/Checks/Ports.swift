import Cluster
import LibYAML

extension Checks {
    /// A port of a node that something will hold.
    private struct Claim {
        var node: NodeName
        var mapping: PortMapping
        var owner: String
        var mark: YAMLMark
    }

    /// No two things hold one port of a node. Ports of members without a pin are chosen later,
    /// around these.
    mutating func ports() {
        var held: [NodeName: [UInt16: [Claim]]] = [:]
        for claim in etcdClaims() + memberClaims() + haproxyClaims() + serviceClaims() {
            let others = held[claim.node]?[claim.mapping.host] ?? []
            if let other = others.first(where: { collide($0.mapping, claim.mapping) }) {
                error(
                    claim.mark,
                    "\(claim.owner) is \(claim.mapping.host), which \(other.owner) holds on"
                        + " \(claim.node) already", hint: "the other is at \(other.mark)")
            }
            held[claim.node, default: [:]][claim.mapping.host, default: []].append(claim)
        }
    }

    private func collide(_ left: PortMapping, _ right: PortMapping) -> Bool {
        guard left.transport == right.transport else { return false }
        guard let one = left.hostAddress, let two = right.hostAddress else { return true }
        return one == two || [one, two].contains { $0 == "0.0.0.0" || $0 == "::" }
    }

    private func claim(_ node: NodeName, _ port: UInt16, _ owner: String, _ view: View) -> Claim {
        Claim(
            node: node, mapping: PortMapping(host: port, container: port), owner: owner,
            mark: view.mark)
    }

    /// On a single node etcd is not published.
    private func etcdClaims() -> [Claim] {
        guard !desired.isSingleNode else { return [] }
        return desired.etcd.members.flatMap { member in
            let view = root["etcd"]["members"][member.name.rawValue]["ports"]
            let path = "etcd.members.\(member.name).ports"
            return [
                claim(member.node, member.clientPort, "\(path).client", view["client"]),
                claim(member.node, member.peerPort, "\(path).peer", view["peer"]),
            ]
        }
    }

    private func memberClaims() -> [Claim] {
        desired.postgres.members.flatMap { member -> [Claim] in
            guard let ports = member.ports else { return [] }
            let view = root["postgres"]["members"][member.name.rawValue]["ports"]
            let path = "postgres.members.\(member.name).ports"
            return [
                claim(member.node, ports.postgres, "\(path).postgres", view["postgres"]),
                claim(member.node, ports.patroni, "\(path).patroni", view["patroni"]),
            ]
        }
    }

    /// A node that is named twice is another mistake.
    private func unique(_ nodes: [NodeName]) -> [NodeName] {
        var seen: Set<NodeName> = []
        return nodes.filter { seen.insert($0).inserted }
    }

    private func haproxyClaims() -> [Claim] {
        guard let haproxy = desired.haproxy else { return [] }
        let view = root["haproxy"]["ports"]
        return unique(haproxy.nodes).flatMap { node in
            [
                claim(node, haproxy.writePort, "haproxy.ports.write", view["write"]),
                claim(node, haproxy.readPort, "haproxy.ports.read", view["read"]),
                claim(node, haproxy.statsPort, "haproxy.ports.stats", view["stats"]),
            ]
        }
    }

    private func serviceClaims() -> [Claim] {
        desired.services.flatMap { service -> [Claim] in
            let name = service.name.rawValue
            guard service.kind == nil else {
                let view = root["supabase"][name]["port"]
                return unique(service.nodes).flatMap { node in
                    service.ports.map { claim(node, $0.host, "supabase.\(name).port", view) }
                }
            }
            return unique(service.nodes).flatMap { node in
                root["services"][name]["ports"].items.compactMap { item in
                    item.text.flatMap(PortMapping.init(written:)).map {
                        Claim(
                            node: node, mapping: $0, owner: "services.\(name).ports",
                            mark: item.mark)
                    }
                }
            }
        }
    }
}
