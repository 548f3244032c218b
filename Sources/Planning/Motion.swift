package import Cluster

/// What passes by itself within seconds: a start, a stop, an election. A plan that is made in the
/// middle of it asks for repairs that nobody needs a moment later, or for none at all.
package enum Motion {
    /// In a line, for people; `nil` when the cluster is at rest, or when nobody could say so.
    package static func seen(in observed: Observed) -> String? {
        let health = ClusterHealth(observed)
        // In a pause Patroni starts nothing, and elects nobody.
        guard !health.isPaused else { return nil }
        var moving = health.members.sorted { $0.key < $1.key }.compactMap { name, member in
            switch member {
            case .notStreaming(let reason, let state): passes(state) ? "\(name) \(reason)" : nil
            case .unreachable: hasJustStarted(name, observed) ? "\(name) has just started" : nil
            case .leads, .streams, .replays: nil
            }
        }
        if health.leaders.isEmpty, mayElect(health, observed) {
            moving.append("no member says that it leads")
        }
        return moving.isEmpty ? nil : moving.joined(separator: "; ")
    }

    /// How long an election may take: until the leader's key runs out (`ttl`, 30 s by default), and
    /// some seconds.
    package static func patience(_ observed: Observed) -> Duration {
        guard case .int(let ttl)? = observed.configuration?.value?["ttl"] else {
            return .seconds(35)
        }
        return .seconds(min(max(ttl, 20), 120) + 5)
    }

    /// A clone, a replay of an archive may take hours: they are not waited for.
    private static func passes(_ state: MemberState) -> Bool {
        switch state {
        case .starting, .restarting, .stopping: true
        default: false
        }
    }

    /// Patroni's port is open within seconds of its container's start. A member that does not answer
    /// for longer is not waited for: the plan says what it needs.
    private static let opening = Duration.seconds(30)

    private static func hasJustStarted(_ name: MemberName, _ observed: Observed) -> Bool {
        observed.nodes.values.compactMap(\.value).contains { node in
            guard let container = node.container(name.service), container.state == .running
            else { return false }
            return container.hasStarted(within: opening, by: node.clock)
        }
    }

    /// Everything was seen, etcd has its quorum, and somebody runs who could take the lead.
    private static func mayElect(_ health: ClusterHealth, _ observed: Observed) -> Bool {
        guard Rules.etcdMembers(observed) != nil,
            observed.nodes.values.allSatisfy({ $0.value != nil })
        else { return false }
        return health.members.values.contains { member in
            if case .notStreaming(_, .running) = member { true } else { false }
        }
    }
}
