package import Cluster
import SSHConfiguration

extension SSHNodes: WebTunnels {}

extension SSHUser {
    /// How the nodes' published ports may be reached without SSH. Nodes behind a jump host are left
    /// out, and those whose route the OpenSSH configuration does not give: SSH itself says why.
    package func directAccess(to nodes: [Node]) -> [NodeName: WebRequests.DirectAccess] {
        var direct: [NodeName: WebRequests.DirectAccess] = [:]
        for node in nodes {
            guard let route = try? route(to: node), route.count == 1, let hop = route.first else {
                continue
            }
            direct[node.name] = WebRequests.DirectAccess(
                address: hop.settings.hostName,
                ownAddresses: Set([node.address, node.privateAddress].compactMap { $0 }))
        }
        return direct
    }
}
