package import Cluster
package import Effects

/// Ways through the nodes' SSH connections.
package protocol WebTunnels: Sendable {
    /// A unix socket whose every connection goes to a TCP port as `node` reaches it. The same port
    /// gives the same socket. When the far port does not answer, an accepted connection is closed.
    ///
    /// - Throws: when the node cannot be reached.
    func tunnel(
        to host: String, port: UInt16, on node: NodeName
    ) async throws(ShellFailure) -> String
}
