package import Cluster

/// Readers of etcd's answers: its JSON gateway (numbers as texts, what is zero or false left out)
/// and `etcdctl -w json` (numbers as numbers) alike.
package enum EtcdAnswer {
    /// What one member says of itself.
    package struct Status: Equatable, Sendable {
        package var memberID: UInt64
        /// `nil`: it knows of no leader.
        package var leaderID: UInt64?
        package var isLearner: Bool
        package init(memberID: UInt64, leaderID: UInt64? = nil, isLearner: Bool = false) {
            self.memberID = memberID
            self.leaderID = leaderID
            self.isLearner = isLearner
        }
    }

    /// `POST /v3/cluster/member/list`, or `etcdctl member list -w json`.
    package static func members(_ bytes: [UInt8]) throws(AnswerProblem) -> [EtcdPeer] {
        let answer = try Answer("etcd's member list", bytes)
        guard let list = answer.json["members"]?.array else {
            throw answer.problem("an object with the list “members”")
        }
        var peers: [EtcdPeer] = []
        for entry in list {
            guard let id = entry["ID"]?.unsigned else {
                throw answer.problem("members with the number “ID”")
            }
            let clientURLs = entry["clientURLs"]?.array ?? []
            peers.append(
                EtcdPeer(
                    id: id, name: entry["name"]?.string ?? "",
                    isLearner: entry["isLearner"]?.bool ?? false,
                    peerURLs: (entry["peerURLs"]?.array ?? []).compactMap(\.string),
                    hasStarted: !clientURLs.isEmpty))
        }
        return peers
    }

    /// `POST /v3/maintenance/status`.
    package static func status(_ bytes: [UInt8]) throws(AnswerProblem) -> Status {
        let answer = try Answer("etcd's status", bytes)
        guard let status = status(answer.json) else {
            throw answer.problem("an object with the number “header.member_id”")
        }
        return status
    }

    /// `etcdctl endpoint status -w json`: one entry for each member that answered.
    package static func statuses(_ bytes: [UInt8]) throws(AnswerProblem) -> [Status] {
        let answer = try Answer("etcdctl endpoint status", bytes)
        guard let list = answer.json.array else { throw answer.problem("a list") }
        var statuses: [Status] = []
        for entry in list {
            guard let status = entry["Status"].flatMap({ status($0) }) else {
                throw answer.problem("entries with the number “Status.header.member_id”")
            }
            statuses.append(status)
        }
        return statuses
    }

    /// `GET /health`: a healthy member could reach a quorum just now.
    package static func isHealthy(_ bytes: [UInt8]) throws(AnswerProblem) -> Bool {
        let answer = try Answer("GET /health", bytes)
        switch answer.json["health"] {
        case .string("true"), .bool(true): return true
        case .string("false"), .bool(false): return false
        default: throw answer.problem("an object with “health”, true or false")
        }
    }

    private static func status(_ value: JSONValue) -> Status? {
        guard let member = value["header"]?["member_id"]?.unsigned else { return nil }
        let leader = value["leader"]?.unsigned ?? 0
        return Status(
            memberID: member, leaderID: leader == 0 ? nil : leader,
            isLearner: value["isLearner"]?.bool ?? false)
    }
}
