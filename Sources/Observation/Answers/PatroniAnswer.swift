package import Cluster

/// Readers of Patroni's REST answers, 3.x and 4.x alike (FIELD §1). What an answer leaves out stays
/// unknown; it never becomes zero or "fine".
package enum PatroniAnswer {
    /// `GET /patroni`, one member's live view of itself.
    ///
    /// - Parameter date: the answer's `Date` header, in seconds since the epoch.
    package static func member(_ bytes: [UInt8], date: Int64?) throws(AnswerProblem)
        -> PatroniMember
    {
        try member(Answer("GET /patroni", bytes), date: date)
    }

    /// `GET /patroni`, read once for the member and its name.
    struct Own {
        private let answer: Answer
        init(_ bytes: [UInt8]) throws(AnswerProblem) { answer = try Answer("GET /patroni", bytes) }
        var name: MemberName? { PatroniAnswer.memberName(answer.json) }
        func member(date: Int64?) throws(AnswerProblem) -> PatroniMember {
            try PatroniAnswer.member(answer, date: date)
        }
    }

    private static func member(_ answer: Answer, date: Int64?) throws(AnswerProblem)
        -> PatroniMember
    {
        let expected = "an object with the texts “state” and “role”"
        let fields = try answer.object(expected)
        guard let state = fields["state"]?.string, let role = fields["role"]?.string else {
            throw answer.problem(expected)
        }
        let xlog = fields["xlog"]?.object ?? [:]
        let about = fields["patroni"]?.object ?? [:]
        return PatroniMember(
            role: MemberRole(patroni: role), state: MemberState(patroni: state),
            timeline: fields["timeline"]?.smallInteger,
            location: position(xlog["location"] ?? xlog["replayed_location"]),
            receivedLocation: position(xlog["received_location"]),
            isReplayPaused: xlog["paused"]?.bool ?? false,
            replicationState: fields["replication_state"]?.string,
            replication: standbys(fields["replication"]),
            isPaused: fields["pause"]?.bool ?? false,
            isFailsafeActive: fields["failsafe_mode_is_active"]?.bool ?? false,
            isClusterUnlocked: fields["cluster_unlocked"]?.bool ?? false,
            pendingRestart: fields["pending_restart"]?.bool ?? false,
            pendingParameters: parameters(fields["pending_restart_reason"]),
            dcsLastSeen: fields["dcs_last_seen"]?.integer, answeredAt: date,
            isSyncStandby: fields["sync_standby"]?.bool ?? false,
            systemIdentifier: fields["database_system_identifier"]?.plainText,
            serverVersion: fields["server_version"]?.smallInteger,
            patroniVersion: about["version"]?.string,
            tags: fields["tags"]?.object ?? [:])
    }

    /// The name by which the member that answered `GET /patroni` knows itself (Patroni ≥ 3.2.0).
    package static func memberName(_ bytes: [UInt8]) -> MemberName? {
        (try? JSONText.value(of: bytes)).flatMap { memberName($0) }
    }

    private static func memberName(_ value: JSONValue) -> MemberName? {
        value["patroni"]?["name"]?.string.map { MemberName($0) }
    }

    /// `GET /cluster`, the DCS's view as one member has it.
    package static func cluster(_ bytes: [UInt8]) throws(AnswerProblem) -> ClusterView {
        let answer = try Answer("GET /cluster", bytes)
        let expected = "an object with the list “members”"
        let fields = try answer.object(expected)
        guard let list = fields["members"]?.array else { throw answer.problem(expected) }
        var members: [ViewMember] = []
        for entry in list {
            guard let name = entry["name"]?.string, let role = entry["role"]?.string,
                let state = entry["state"]?.string
            else { throw answer.problem("members with the texts “name”, “role” and “state”") }
            members.append(
                ViewMember(
                    name: MemberName(name), role: MemberRole(patroni: role),
                    state: MemberState(patroni: state), timeline: entry["timeline"]?.smallInteger,
                    lag: lag(entry["lag"]), apiURL: entry["api_url"]?.string,
                    host: entry["host"]?.string, port: entry["port"]?.smallInteger,
                    pendingRestart: entry["pending_restart"]?.bool ?? false,
                    tags: entry["tags"]?.object ?? [:]))
        }
        return ClusterView(
            members: members, isPaused: fields["pause"]?.bool ?? false,
            scope: fields["scope"]?.string,
            scheduledSwitchover: fields["scheduled_switchover"]?.object != nil)
    }

    /// `GET /history`, the terms whose leader it names, oldest first.
    ///
    /// A line is [timeline that ended, place in the log, reason, time, who took over]. The last two are
    /// missing where the one who took over never wrote them (ha.py, `update_cluster_history`), and no
    /// line tells who led timeline 1. Lines of another shape tell nothing.
    package static func history(_ bytes: [UInt8]) throws(AnswerProblem) -> [LeaderTerm] {
        let answer = try Answer("GET /history", bytes)
        guard let lines = answer.json.array else { throw answer.problem("a list") }
        return lines.suffix(maximumTerms).compactMap { term($0) }
            .sorted { $0.timeline < $1.timeline }
    }

    /// A timeline is never closed, by default: years of them, of which the latest count.
    private static let maximumTerms = 1000

    private static func term(_ line: JSONValue) -> LeaderTerm? {
        guard let items = line.array, items.count >= 5, case .int(let ended) = items[0],
            (1..<Int64(UInt32.max)).contains(ended), let leader = items[4].string
        else { return nil }
        return LeaderTerm(timeline: Int(ended) + 1, leader: MemberName(leader))
    }

    /// `GET /config`, the dynamic configuration.
    package static func configuration(_ bytes: [UInt8]) throws(AnswerProblem) -> JSONValue {
        let answer = try Answer("GET /config", bytes)
        return .object(try answer.object("an object"))
    }

    /// A number of bytes that is not negative; `"unknown"`, absent and all else stay unknown.
    private static func lag(_ value: JSONValue?) -> Lag {
        guard case .int(let bytes) = value, bytes >= 0 else { return .unknown }
        return .known(ByteCount(bytes))
    }

    /// A place in the log; zero is what Patroni says when it has none.
    private static func position(_ value: JSONValue?) -> Int64? {
        guard case .int(let bytes) = value, bytes > 0 else { return nil }
        return bytes
    }

    private static func standbys(_ value: JSONValue?) -> [String: StandbyState] {
        var standbys: [String: StandbyState] = [:]
        for entry in value?.array ?? [] {
            guard let name = entry["application_name"]?.string, let state = entry["state"]?.string
            else { continue }
            standbys[name] = StandbyState(
                state: state, syncState: entry["sync_state"]?.string ?? "unknown")
        }
        return standbys
    }

    private static func parameters(_ value: JSONValue?) -> [String: PendingParameter] {
        (value?.object ?? [:]).compactMapValues { reason in
            guard let fields = reason.object else { return nil }
            return PendingParameter(
                old: fields["old_value"]?.plainText ?? "unknown",
                new: fields["new_value"]?.plainText ?? "unknown")
        }
    }
}

extension MemberRole {
    /// The word of /patroni or /cluster, of Patroni 3 or 4.
    package init(patroni word: String) {
        self =
            switch word {
            case "leader", "primary", "master": .leader
            case "standby_leader": .standbyLeader
            case "sync_standby": .syncStandby
            case "quorum_standby": .quorumStandby
            case "replica": .replica
            default: .undetermined
            }
    }
}

extension MemberState {
    /// Patroni's word for the state of Postgres.
    package init(patroni word: String) {
        self =
            switch word {
            case "running": .running
            case "starting": .starting
            case "restarting": .restarting
            case "stopping": .stopping
            case "stopped": .stopped
            case "crashed": .crashed
            case "start failed": .startFailed
            case "restart failed": .restartFailed
            case "stop failed": .stopFailed
            case "creating replica": .creatingReplica
            case "initializing new cluster", "running custom bootstrap script",
                "starting after custom bootstrap":
                .initializing
            case "streaming": .streaming
            case "in archive recovery": .inArchiveRecovery
            default: .other(word)
            }
    }
}
