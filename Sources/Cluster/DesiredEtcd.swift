/// The `etcd` block: one image, and its members by node.
package struct Etcd: Hashable, Sendable {
    package var image: ImageReference
    package var members: [EtcdMember]
    package var environment: [String: Template]
    package var resources: Resources
    package init(
        image: ImageReference, members: [EtcdMember], environment: [String: Template] = [:],
        resources: Resources = Resources()
    ) {
        self.image = image
        self.members = members
        self.environment = environment
        self.resources = resources
    }
}

/// One member of etcd, with the ports that the other nodes reach it at.
package struct EtcdMember: Hashable, Sendable {
    package var name: EtcdName
    package var node: NodeName
    /// Published ports; on a single node nothing of etcd is published.
    package var clientPort: UInt16
    package var peerPort: UInt16
    package init(name: EtcdName, node: NodeName, clientPort: UInt16 = 2379, peerPort: UInt16 = 2380)
    {
        self.name = name
        self.node = node
        self.clientPort = clientPort
        self.peerPort = peerPort
    }
}
