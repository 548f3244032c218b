/// One member's own answer to `GET /patroni`.
package struct PatroniMember: Equatable, Sendable, Codable {
    package var role: MemberRole
    package var state: MemberState
    package var timeline: Int?
    /// Bytes: the leader's position, or what a replica has replayed.
    package var location: Int64?
    package var receivedLocation: Int64?
    package var isReplayPaused: Bool
    /// `replication_state`: `streaming` on a replica that streams, where Patroni tells it at all.
    package var replicationState: String?
    /// The leader's view of who streams from it, by application name.
    package var replication: [String: StandbyState]
    package var isPaused: Bool
    package var isFailsafeActive: Bool
    package var isClusterUnlocked: Bool
    package var pendingRestart: Bool
    /// Parameters behind a pending restart, where Patroni names them (≥ 3.3.0).
    package var pendingParameters: [String: PendingParameter]
    /// Seconds since the epoch when the member last reached the DCS.
    package var dcsLastSeen: Int64?
    /// The node's own clock (the HTTP `Date` header) when it answered, for comparing with `dcsLastSeen`.
    package var answeredAt: Int64?
    package var isSyncStandby: Bool
    package var systemIdentifier: String?
    /// 170011 is 17.11.
    package var serverVersion: Int?
    package var patroniVersion: String?
    package var tags: [String: JSONValue]
    package init(
        role: MemberRole, state: MemberState, timeline: Int? = nil, location: Int64? = nil,
        receivedLocation: Int64? = nil, isReplayPaused: Bool = false,
        replicationState: String? = nil, replication: [String: StandbyState] = [:],
        isPaused: Bool = false, isFailsafeActive: Bool = false, isClusterUnlocked: Bool = false,
        pendingRestart: Bool = false, pendingParameters: [String: PendingParameter] = [:],
        dcsLastSeen: Int64? = nil, answeredAt: Int64? = nil, isSyncStandby: Bool = false,
        systemIdentifier: String? = nil, serverVersion: Int? = nil, patroniVersion: String? = nil,
        tags: [String: JSONValue] = [:]
    ) {
        self.role = role
        self.state = state
        self.timeline = timeline
        self.location = location
        self.receivedLocation = receivedLocation
        self.isReplayPaused = isReplayPaused
        self.replicationState = replicationState
        self.replication = replication
        self.isPaused = isPaused
        self.isFailsafeActive = isFailsafeActive
        self.isClusterUnlocked = isClusterUnlocked
        self.pendingRestart = pendingRestart
        self.pendingParameters = pendingParameters
        self.dcsLastSeen = dcsLastSeen
        self.answeredAt = answeredAt
        self.isSyncStandby = isSyncStandby
        self.systemIdentifier = systemIdentifier
        self.serverVersion = serverVersion
        self.patroniVersion = patroniVersion
        self.tags = tags
    }
}

/// One entry of `replication` in the leader's `GET /patroni`.
package struct StandbyState: Equatable, Sendable, Codable {
    /// `streaming`, `catchup`, `startup`, `backup`.
    package var state: String
    /// `async`, `sync`, `quorum`, `potential`.
    package var syncState: String
    package init(state: String, syncState: String) {
        self.state = state
        self.syncState = syncState
    }
}

/// A parameter that waits for a restart, as Patroni prints both values.
package struct PendingParameter: Equatable, Sendable, Codable {
    package var old: String
    package var new: String
    package init(old: String, new: String) {
        self.old = old
        self.new = new
    }
}

/// The role words of Patroni 3 and 4, and of /patroni and /cluster, made one.
package enum MemberRole: String, Equatable, Sendable, Codable {
    /// `leader` of /cluster; `master` (3.x) or `primary` (4.x) of /patroni.
    case leader
    case standbyLeader
    case syncStandby
    case quorumStandby
    case replica
    /// `demoted`, `uninitialized`, `promoted`, `unknown`: no role that may be counted on.
    case undetermined
}

/// The states of Patroni that change what is safe.
package enum MemberState: Equatable, Sendable, Codable {
    case running, starting, restarting, stopping, stopped, crashed
    case startFailed, restartFailed, stopFailed
    case creatingReplica, initializing
    case streaming, inArchiveRecovery
    /// A word that is not known here, kept for people.
    case other(String)
}

extension PatroniMember {
    /// Patroni names what a replica receives since 3.0.4, and leaves it out where it receives nothing.
    package var tellsReplicationState: Bool { isPatroni(since: [3, 0, 4]) }

    /// `nostream: true`, a tag since 3.3.0: it replays the WAL archive and never streams.
    package var isNeverToStream: Bool {
        tags["nostream"] == .bool(true) && isPatroni(since: [3, 3])
    }

    private func isPatroni(since first: [Int]) -> Bool {
        guard let patroniVersion else { return false }
        let numbers = patroniVersion.split(separator: ".").map { part in
            Int(part.prefix { $0.isASCII && $0.isNumber }) ?? 0
        }
        return !numbers.lexicographicallyPrecedes(first)
    }

    /// It says itself that its data is of no use as it is: Postgres does not start, or it is down and
    /// Patroni finds no system identifier, for want of a readable pg_control (`/patroni` names the
    /// identifier whenever there is one, also while Postgres is down).
    package var isWrecked: Bool {
        switch state {
        case .startFailed: true
        case .crashed, .stopped, .stopFailed, .restartFailed: systemIdentifier == nil
        default: false
        }
    }
}
