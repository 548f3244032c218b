/// The declared cluster with every member placed: names, nodes and ports are settled.
package struct Topology: Hashable, Sendable {
    package var desired: Desired
    /// In natural order of their names.
    package var members: [PlacedMember]
    /// Where data is kept when it is elsewhere than in the volume of the service's name: containers
    /// made by hand have their own volumes, and keep them for good.
    package var dataSources: [ServiceName: VolumeMount.Source]
    package init(
        desired: Desired, members: [PlacedMember],
        dataSources: [ServiceName: VolumeMount.Source] = [:]
    ) {
        self.desired = desired
        self.members = members
        self.dataSources = dataSources
    }
    /// The volume, or the path on the node, with the data of an etcd or Postgres member.
    package func dataSource(of service: ServiceName) -> VolumeMount.Source {
        dataSources[service] ?? .volume(service.rawValue)
    }
    package func member(_ name: MemberName) -> PlacedMember? { members.first { $0.name == name } }
}

/// A Postgres member with its place.
package struct PlacedMember: Hashable, Sendable {
    package var name: MemberName
    package var node: NodeName
    package var ports: MemberPorts
    /// What the manifest says of this member alone.
    package var pin: PinnedMember?
    package init(name: MemberName, node: NodeName, ports: MemberPorts, pin: PinnedMember? = nil) {
        self.name = name
        self.node = node
        self.ports = ports
        self.pin = pin
    }
}
