/// One member's answer to `GET /cluster`.
package struct ClusterView: Equatable, Sendable, Codable {
    package var members: [ViewMember]
    package var isPaused: Bool
    package var scope: String?
    package var scheduledSwitchover: Bool
    package init(
        members: [ViewMember], isPaused: Bool = false, scope: String? = nil,
        scheduledSwitchover: Bool = false
    ) {
        self.members = members
        self.isPaused = isPaused
        self.scope = scope
        self.scheduledSwitchover = scheduledSwitchover
    }
    package var leaders: [MemberName] {
        members.filter { $0.role == .leader || $0.role == .standbyLeader }.map(\.name)
    }
}

/// One line of `members` in `GET /cluster`.
package struct ViewMember: Equatable, Sendable, Codable {
    package var name: MemberName
    package var role: MemberRole
    package var state: MemberState
    package var timeline: Int?
    package var lag: Lag
    package var apiURL: String?
    package var host: String?
    package var port: Int?
    package var pendingRestart: Bool
    package var tags: [String: JSONValue]
    package init(
        name: MemberName, role: MemberRole, state: MemberState, timeline: Int? = nil,
        lag: Lag = .unknown, apiURL: String? = nil, host: String? = nil, port: Int? = nil,
        pendingRestart: Bool = false, tags: [String: JSONValue] = [:]
    ) {
        self.name = name
        self.role = role
        self.state = state
        self.timeline = timeline
        self.lag = lag
        self.apiURL = apiURL
        self.host = host
        self.port = port
        self.pendingRestart = pendingRestart
        self.tags = tags
    }
}

/// Who led a timeline after the first: one line of `GET /history`.
package struct LeaderTerm: Equatable, Sendable, Codable {
    /// The one that it began by its promotion, 2 or more.
    package var timeline: Int
    package var leader: MemberName
    package init(timeline: Int, leader: MemberName) {
        self.timeline = timeline
        self.leader = leader
    }
}

/// How far a member is behind. A lag that was not told is never zero (FIELD §4: autobase).
package enum Lag: Equatable, Sendable, Codable {
    case known(ByteCount)
    case unknown
}
