import Cluster
import LibYAML

extension Checks {
    /// Members on one server find each other in the compose network: nothing of etcd is published.
    private mutating func warnOfUnpublishedEtcd() {
        for (name, view) in root["etcd"]["members"].entries where view["ports"].isPresent {
            warn(
                view["ports"].keyMark,
                "etcd.members.\(name).ports has no effect: on a single node etcd is not published",
                hint: "take it out until there is a second node")
        }
    }

    /// etcd survives the loss of fewer than half of its members, and a server is lost as a whole.
    mutating func etcd() {
        let members = desired.etcd.members
        let mark = root["etcd"]["members"].keyMark
        if members.count == 2 {
            warn(
                mark, "etcd has 2 members: losing either one stops the whole cluster",
                hint: "1 member is safer than 2; 3 survive the loss of one")
        } else if members.count > 2, members.count.isMultiple(of: 2) {
            warn(
                mark,
                "etcd has \(members.count) members: they survive no more losses than"
                    + " \(members.count - 1) do", hint: "use an odd number")
        }
        if desired.isSingleNode { warnOfUnpublishedEtcd() }
        guard desired.nodes.count > 1, !members.isEmpty else { return }
        if members.count == 1 {
            warn(
                mark,
                "etcd has 1 member on \(desired.nodes.count) nodes:"
                    + " losing its node stops the whole cluster",
                hint: "3 members on 3 nodes survive the loss of one")
        }
        for (node, group) in Dictionary(grouping: members, by: \.node).sorted(by: {
            $0.key < $1.key
        })
        where group.count > 1 {
            let last = group[group.count - 1].name.rawValue
            let names = group.map(\.name.rawValue).joined(separator: ", ")
            warn(
                root["etcd"]["members"][last]["node"].mark,
                "etcd members \(names) are all on \(node) and are lost together")
        }
    }

    /// Pins and replicas agree, and the preferred leader can be one.
    mutating func members() {
        let postgres = desired.postgres
        let view = root["postgres"]
        let pinned = postgres.members.count
        if view["replicas"].int != nil, pinned > postgres.memberCount {
            error(
                view["replicas"].mark,
                "postgres.replicas is \(postgres.replicas), but \(pinned) members are pinned",
                expected: "at least \(pinned - 1), or fewer under postgres.members",
                hint: "replicas are the members besides the leader")
        }
        if view["replicas"].int == 0 {
            warn(
                view["replicas"].mark,
                "postgres.replicas is 0: nothing takes over when the only member is lost",
                hint: "changes of it are outages")
        }
        if let count = view["synchronous"]["nodeCount"].int, count > postgres.replicas {
            warn(
                view["synchronous"]["nodeCount"].mark,
                "postgres.synchronous.nodeCount is \(count), more than there are replicas")
        }
        preferredLeader()
    }

    private mutating func preferredLeader() {
        guard let name = desired.rollout.preferredLeader?.rawValue else { return }
        let mark = root["rollout"]["preferredLeader"].mark
        let pinned = desired.postgres.members.map(\.name.rawValue)
        if let member = desired.postgres.members.first(where: { $0.name.rawValue == name }) {
            let tags = desired.postgres.tags.merging(member.tags) { _, own in own }
            if tags["nofailover"] == .bool(true) || tags["failover_priority"] == .int(0)
                || tags["nostream"] == .bool(true)
            {
                error(
                    mark, "rollout.preferredLeader is \(name.shown), whose tags forbid it to lead")
            }
            return
        }
        let canBeNamedSo = desired.postgres.memberCount > pinned.count && isMemberName(name)
        guard !canBeNamedSo else { return }
        error(
            mark, "rollout.preferredLeader names \(name.shown), which is no member",
            hint: Suggestion.hint(name, pinned, kind: "pinned members"))
    }

    /// Two pinned members share a server while another has none.
    mutating func placement() {
        let members = desired.postgres.members
        let automatic = max(0, desired.postgres.memberCount - members.count)
        let used = Set(members.map(\.node))
        let empty = desired.nodes.map(\.name).filter { !used.contains($0) }
        // Members without a pin go to the empty nodes first.
        guard empty.count > automatic, let spare = empty.first else { return }
        for (node, group) in Dictionary(grouping: members, by: \.node).sorted(by: {
            $0.key < $1.key
        })
        where group.count > 1 && desired.node(node) != nil {
            let names = group.map(\.name.rawValue).joined(separator: " and ")
            let last = group[group.count - 1].name.rawValue
            warn(
                root["postgres"]["members"][last]["node"].mark,
                "\(names) are pinned to \(node) while \(spare) has no member",
                hint: "losing \(node) loses them together")
        }
    }
}
