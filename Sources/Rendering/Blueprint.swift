package import Cluster

/// Everything that a placed cluster puts on its nodes: containers, and the files that make them.
///
/// Same topology and secrets, same bytes. Building it costs one pass over the members.
package struct Blueprint: Sendable {
    package let topology: Topology
    package let containers: [ContainerAddress: ContainerSpec]
    /// By node, sorted by path; the node's whole set of managed files, but for `state/`.
    package let files: [NodeName: [FileSpec]]
    /// SQL that creates what is missing of the database, its roles and schemas. Idempotent: for
    /// `psql` as superuser on the leader, connected to the database `postgres`.
    package var databaseScript: ResolvedText { database.script }
    /// Roles that `databaseScript` gives their passwords, by name.
    package var databaseRoles: [String] { database.passwords.keys.sorted() }
    /// Left on the leader's node when `databaseScript` has run; holds names only.
    package var databaseMarker: FileSpec { database.marker }
    private let database: DatabaseText

    /// - Throws: every secret without a value, every value that no environment can hold and every
    ///   name that no file can, at once.
    package init(topology: Topology, secrets: Secrets) throws(BlueprintError) {
        var builder = ContainerBuilder(topology: topology, secrets: secrets)
        builder.addEtcd()
        builder.addMembers()
        builder.addProxies()
        builder.addServices()
        var database = DatabaseText(topology: topology)
        builder.resolvePasswords(of: &database)
        builder.checkNames()
        guard builder.problems.isEmpty else {
            throw BlueprintError(problems: builder.problems.sorted())
        }
        self.topology = topology
        containers = builder.containers
        files = FileBuilder(topology: topology, containers: builder.containers).files()
        self.database = database
    }

    /// What is declared of one container; `nil`: the manifest has no such container.
    package func spec(_ address: ContainerAddress) -> ContainerSpec? { containers[address] }

    /// One managed file of a node.
    package func file(_ path: String, on node: NodeName) -> FileSpec? {
        files[node]?.first { $0.path == path }
    }

    /// How the other members, HAProxy and etcd's peers reach a member.
    package func advertised(_ member: PlacedMember) -> AdvertisedAddress {
        AdvertisedAddress(of: member, in: topology.desired)
    }

    /// The servers of HAProxy's `pg_write` and `pg_read`, in this order.
    package var proxyServers: [MemberName] { topology.members.map(\.name) }

    /// The named volume of a member's data, without the project's prefix; `nil`: a path on the node.
    package func dataVolume(of member: MemberName) -> String? {
        if case .volume(let name) = topology.dataSource(of: member.service) { name } else { nil }
    }

    /// The first-start settings of an etcd member that joins a running cluster.
    ///
    /// - Parameter peers: the cluster's member list after `member add`, learners too. The peer
    ///   without a name is the one that joins.
    package func etcdFirstStart(_ name: EtcdName, joining peers: [EtcdPeer]) -> FileSpec? {
        guard let member = topology.desired.etcd.members.first(where: { $0.name == name }) else {
            return nil
        }
        let settings = EtcdFirstStart(desired: topology.desired)
        return EnvironmentFile.firstStart(
            service: name.service, settings: settings.joining(member, peers: peers))
    }
}

/// Where a member is reached by the others.
package struct AdvertisedAddress: Hashable, Sendable {
    package var host: String
    package var postgres: UInt16
    package var patroni: UInt16

    /// The service's own name and ports on a single node, which published ports need not cross;
    /// else the node's address and the published ports.
    init(of member: PlacedMember, in desired: Desired, node: Node? = nil) {
        guard !desired.isSingleNode, let node = node ?? desired.node(member.node) else {
            host = member.name.rawValue
            postgres = ContainerPort.postgres
            patroni = ContainerPort.patroni
            return
        }
        host = node.advertisedAddress
        postgres = member.ports.postgres
        patroni = member.ports.patroni
    }
    /// `host:port` of Postgres, an IPv6 address in brackets.
    package var postgresEndpoint: String { "\(host.bracketed):\(postgres)" }
    /// `host:port` of Patroni's REST.
    package var patroniEndpoint: String { "\(host.bracketed):\(patroni)" }
}

/// Ports inside the containers (FIELD §2).
enum ContainerPort {
    static let postgres: UInt16 = 5432
    static let patroni: UInt16 = 8008
    static let etcdClient: UInt16 = 2379
    static let etcdPeer: UInt16 = 2380
}

/// Why no blueprint can be made.
package struct BlueprintError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Sorted, each once.
    package var problems: [Problem]

    package enum Problem: Hashable, Comparable, Sendable, CustomStringConvertible {
        /// The manifest names a secret whose value was not given. `user` says where it is needed.
        case missingSecret(SecretName, user: String)
        /// An empty password would make Spilo fall back to one that everybody knows.
        case emptySecret(SecretName, user: String)
        /// A NUL byte: no process environment can hold one.
        case nulByte(variable: String, service: ServiceName)
        /// A variable with this name cannot be passed through an env file.
        case unusableVariable(String, service: ServiceName)
        /// A service's name that would be another path or another line where it is written.
        case unusableName(ServiceName)

        package var description: String {
            switch self {
            case .missingSecret(let name, let user): "secret \(name) has no value; \(user) needs it"
            case .emptySecret(let name, let user):
                "secret \(name) is empty; \(user) needs a password"
            case .nulByte(let variable, let service):
                "\(variable) of \(service) holds a NUL byte, which no environment can carry"
            case .unusableVariable(let variable, let service):
                "\(JSONValue.quote(variable)) of \(service) holds a secret, and its name cannot be "
                    + "written in an env file; expected letters, digits and _"
            case .unusableName(let service):
                "the name \(JSONValue.quote(service.rawValue)) cannot be written into files; "
                    + "expected letters, digits and . _ -"
            }
        }
        package static func < (left: Self, right: Self) -> Bool {
            left.description < right.description
        }
    }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

extension String {
    /// An IPv6 address in brackets, anything else as it is.
    var bracketed: String { utf8.contains(UInt8(ascii: ":")) ? "[\(self)]" : self }

    /// Whether docker can bind a port to it: an address in digits, not a host name.
    var isAddressLiteral: Bool {
        if utf8.contains(UInt8(ascii: ":")) { return true }
        let parts = utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                !part.isEmpty && part.count <= 3
                    && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }
    }
}
