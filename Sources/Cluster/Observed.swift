/// What the servers and Patroni really show. Each part that could not be looked at says so.
package struct Observed: Equatable, Sendable, Codable {
    /// Every node of the manifest has an entry.
    package var nodes: [NodeName: Reading<ObservedNode>]
    /// `GET /patroni` of every member whose container was seen, that a view lists, or whose declared
    /// place answered or could not be looked at. A declared place that is known to be empty has none.
    package var members: [MemberName: Reading<PatroniMember>]
    /// `GET /cluster` as each member answered it: the DCS's view, which can be stale (LAB.md).
    package var views: [MemberName: Reading<ClusterView>]
    /// `GET /history` of the leader, oldest first; `nil` where it was not asked: not one member says
    /// that it leads, or Postgres can start from every member's data. It tells nothing then.
    package var history: Reading<[LeaderTerm]>?
    /// `GET /config`, from a member that answered; `nil` where no member exists.
    package var configuration: Reading<JSONValue>?
    /// As each etcd member answered.
    package var etcd: [EtcdName: Reading<ObservedEtcd>]
    /// HAProxy's view of its servers, a node each.
    package var haproxy: [NodeName: Reading<[ProxyServer]>]

    package init(
        nodes: [NodeName: Reading<ObservedNode>] = [:],
        members: [MemberName: Reading<PatroniMember>] = [:],
        views: [MemberName: Reading<ClusterView>] = [:],
        history: Reading<[LeaderTerm]>? = nil,
        configuration: Reading<JSONValue>? = nil,
        etcd: [EtcdName: Reading<ObservedEtcd>] = [:],
        haproxy: [NodeName: Reading<[ProxyServer]>] = [:]
    ) {
        self.nodes = nodes
        self.members = members
        self.views = views
        self.history = history
        self.configuration = configuration
        self.etcd = etcd
        self.haproxy = haproxy
    }
}

/// One server, from one round trip.
package struct ObservedNode: Equatable, Sendable, Codable {
    /// `nil`: docker is not installed. A daemon that does not answer makes the node unreachable.
    package var dockerVersion: String?
    /// `nil`: no compose v2. `present` where telling its version would cost a slow start of it.
    package var composeVersion: String?
    /// Containers of this compose project, whoever made them.
    package var containers: [ObservedContainer]
    /// Host ports that containers of other projects hold.
    package var foreignPorts: [UInt16]
    /// Images present on the node, by the reference that was asked for.
    package var images: [ImageReference: ObservedImage]
    /// Managed files by path relative to the project directory; absent files have no entry.
    package var files: [String: ObservedFile]
    /// Named volumes of the project, without its prefix.
    package var volumes: [String]
    /// Free space where docker keeps its data; `nil`: could not be told.
    package var freeSpace: ByteCount?
    /// The node's clock when it answered, in seconds since the epoch.
    package var clock: Int64?
    package init(
        dockerVersion: String? = nil, composeVersion: String? = nil,
        containers: [ObservedContainer] = [], foreignPorts: [UInt16] = [],
        images: [ImageReference: ObservedImage] = [:], files: [String: ObservedFile] = [:],
        volumes: [String] = [], freeSpace: ByteCount? = nil, clock: Int64? = nil
    ) {
        self.clock = clock
        self.dockerVersion = dockerVersion
        self.composeVersion = composeVersion
        self.containers = containers
        self.foreignPorts = foreignPorts
        self.images = images
        self.files = files
        self.volumes = volumes
        self.freeSpace = freeSpace
    }
    package func container(_ service: ServiceName) -> ObservedContainer? {
        containers.first { $0.service == service }
    }
}

/// A file of the project directory.
package struct ObservedFile: Equatable, Sendable, Codable {
    /// Its text, or in a saved observation the digest of its `FileSpec.meaning`.
    package var content: ObservedText
    /// Permission bits, such as 0o600.
    package var mode: UInt16
    /// It begins as the files that Matriarch writes do.
    package let isSigned: Bool
    package init(_ text: String, mode: UInt16) {
        content = ObservedText(text)
        self.mode = mode
        isSigned = FileSpec.isSigned(text)
    }
}

/// An image that the node has.
package struct ObservedImage: Equatable, Sendable, Codable {
    package var id: String
    package init(id: String) { self.id = id }
}

/// One server line of HAProxy's statistics.
package struct ProxyServer: Equatable, Sendable, Codable {
    /// `pg_write` or `pg_read`.
    package var backend: String
    package var server: String
    /// `UP`, `DOWN`, `MAINT`, `no check`, …
    package var status: String
    package init(backend: String, server: String, status: String) {
        self.backend = backend
        self.server = server
        self.status = status
    }
    package var isUp: Bool { status.hasPrefix("UP") }
}
