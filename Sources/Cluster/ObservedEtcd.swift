/// One etcd member's own answer.
package struct ObservedEtcd: Equatable, Sendable, Codable {
    package var isHealthy: Bool
    /// The member list as this member knows it; empty of a learner, which tells nobody.
    package var members: [EtcdPeer]
    /// This member's own id; etcd's ids are unsigned 64 bit.
    package var memberID: UInt64
    package var leaderID: UInt64?
    package init(
        isHealthy: Bool, members: [EtcdPeer], memberID: UInt64, leaderID: UInt64? = nil
    ) {
        self.isHealthy = isHealthy
        self.members = members
        self.memberID = memberID
        self.leaderID = leaderID
    }
}

/// One line of etcd's member list.
package struct EtcdPeer: Equatable, Sendable, Codable {
    package var id: UInt64
    /// Empty until the member first started.
    package var name: String
    package var isLearner: Bool
    package var peerURLs: [String]
    /// It has published its client URLs, which it does when it first joins.
    package var hasStarted: Bool
    /// What it goes by: its name, or its id as etcdctl prints it while it has none.
    package var label: EtcdName { EtcdName(name.isEmpty ? String(id, radix: 16) : name) }
    package init(
        id: UInt64, name: String, isLearner: Bool = false, peerURLs: [String] = [],
        hasStarted: Bool = true
    ) {
        self.hasStarted = hasStarted
        self.id = id
        self.name = name
        self.isLearner = isLearner
        self.peerURLs = peerURLs
    }
}
