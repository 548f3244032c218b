import Cluster
import Rendering

/// Whether the members that run are the declared cluster's.
///
/// A member finds its cluster in etcd by scope and namespace. One that is recreated under others, or
/// with another etcd, finds nothing there and makes itself the leader of a new cluster, beside the
/// old leader and behind the same HAProxy. So these never change by a plan.
enum IdentityStage {
    static func refuse(_ situation: Situation, _ draft: inout Draft) {
        for member in situation.live.values.sorted(by: { $0.name < $1.name }) {
            guard let container = situation.node(member.node)?.container(member.name.service)
            else { continue }
            let told = Told(name: member.name, container: container, digest: situation.digest)
            refuseScope(told, situation, &draft)
            // A member that leaves is not made anew.
            let address = ContainerAddress(member.name.service, on: member.node)
            guard let spec = situation.blueprint.spec(address) else { continue }
            refuseNamespace(told, spec, &draft)
            refuseConfiguredNamespace(told, spec, &draft)
            refuseEtcd(told, situation, &draft)
        }
        refuseScopes(situation, &draft)
        refuseSystems(situation, &draft)
        refuseStrangers(situation, &draft)
        if let leader = situation.health.leader, EtcdStage.isFresh(situation) {
            draft.block(
                leader.rawValue, seen: "leads, and no etcd of the project is there",
                expected: "the etcd that the members use, declared in etcd.members",
                remedy: "An etcd elsewhere cannot be adopted, and members would not find their"
                    + " cluster in a new one. Move etcd into the project first, then plan again.")
        }
    }

    // MARK: - What a container is told

    /// A member's environment.
    private struct Told {
        var name: MemberName
        var container: ObservedContainer
        var digest: (@Sendable (String) -> String)?

        func has(_ key: String) -> Bool { container.environment[key] != nil }
        func has(_ key: String, oneOf accepted: [String]) -> Bool {
            guard let shown = container.environment[key] else { return false }
            return accepted.contains { shown.matches($0, digest: digest) }
        }
        func block(_ key: String, expected: String, remedy: String, _ draft: inout Draft) {
            let seen =
                switch container.environment[key] {
                case nil: "runs without \(key)"
                case .plain(let text): "runs with \(key) \(text.reveal())"
                case .digest: "runs with another \(key)"
                }
            draft.block(name.rawValue, seen: seen, expected: expected, remedy: remedy)
        }
    }

    private static let otherCluster =
        "A cluster that runs is not renamed: give the manifest the name that its members have."
        + " Another cluster belongs in another compose project."

    private static func refuseScope(_ told: Told, _ situation: Situation, _ draft: inout Draft) {
        let cluster = situation.desired.name.rawValue
        for key in ["SCOPE", "PATRONI_SCOPE"] where key == "SCOPE" || told.has(key) {
            guard !told.has(key, oneOf: [cluster]) else { continue }
            told.block(
                key, expected: "\(key) \(cluster), the manifest's name", remedy: otherCluster,
                &draft)
        }
    }

    private static func refuseNamespace(
        _ told: Told, _ spec: ContainerSpec, _ draft: inout Draft
    ) {
        for key in ["NAMESPACE", "PATRONI_NAMESPACE"] {
            let wanted = spec.environment[key]?.reveal()
            if wanted == nil, !told.has(key) { continue }
            let accepted = wanted.map { [$0] } ?? ["service", "/service", "/service/"]
            guard !told.has(key, oneOf: accepted) else { continue }
            told.block(
                key, expected: wanted.map { "\(key) \($0)" } ?? "no \(key)",
                remedy: "Set \(key) in postgres.environment to what the members have: under another"
                    + " one they would not find their cluster.", &draft)
        }
    }

    /// `namespace` in SPILO_CONFIGURATION outweighs the variables.
    private static func refuseConfiguredNamespace(
        _ told: Told, _ spec: ContainerSpec, _ draft: inout Draft
    ) {
        let key = "SPILO_CONFIGURATION"
        guard case .plain(let text) = told.container.environment[key] else { return }
        let has = configuredNamespace(text.reveal())
        let wanted = spec.environment[key].flatMap { configuredNamespace($0.reveal()) }
        guard has != wanted else { return }
        // Written out, or meant by leaving it out, it is the same.
        let variable = spec.environment["NAMESPACE"]?.reveal().filter { $0 != "/" }
        let usual = variable ?? "service"
        guard (has ?? usual) != (wanted ?? usual) else { return }
        draft.block(
            told.name.rawValue,
            seen: has.map { "runs with the namespace \($0) in \(key)" }
                ?? "runs without a namespace in \(key)",
            expected: wanted.map { "the namespace \($0)" } ?? "the namespace \(usual)",
            remedy: "Set namespace in postgres.spiloConfiguration to what the members have: under"
                + " another one they would not find their cluster.")
    }

    /// The value of the outermost `namespace` of a YAML or JSON text, without slashes.
    private static func configuredNamespace(_ text: String) -> String? {
        // Nearly no text has one, and every member's is long.
        let word = Array("namespace".utf8)
        let bytes = Array(text.utf8)
        guard bytes.indices.contains(where: { bytes[$0...].starts(with: word) }) else { return nil }
        for part in text.split(whereSeparator: { "\n,{}".contains($0) }) {
            let words = part.split(separator: ":", maxSplits: 1)
            let isOutermost = part.first != " " && part.first != "\t" || text.first == "{"
            let plain = { (word: Substring) in
                String(word.prefix { $0 != "#" }.filter { !"\"' \t\r/".contains($0) })
            }
            guard words.count == 2, isOutermost, plain(words[0]) == "namespace" else { continue }
            return plain(words[1])
        }
        return nil
    }

    private static func refuseEtcd(_ told: Told, _ situation: Situation, _ draft: inout Draft) {
        let key = "ETCD3_HOSTS"
        switch told.container.environment[key] {
        case nil:
            told.block(
                key, expected: "a member that keeps its state in etcd by the v3 API",
                remedy: "Stop all members, move their state to etcd's v3 API (ETCD3_HOSTS), start"
                    + " them, then plan again: recreated one by one they would not find each"
                    + " other.", &draft)
        case .plain(let text) where !isOurEtcd(text.reveal(), situation):
            told.block(
                key, expected: "a server of the etcd that the manifest declares",
                remedy:
                    "Declare the etcd members that the cluster uses: in another etcd its members"
                    + " would not find each other.", &draft)
        case .plain, .digest: return
        }
    }

    /// Whether one of the hosts is a declared or listed etcd member, a server of the manifest, or a
    /// container of etcd.
    private static func isOurEtcd(_ text: String, _ situation: Situation) -> Bool {
        var known: Set<String> = ["localhost", "127.0.0.1"]
        known.formUnion(situation.desired.etcd.members.map(\.name.rawValue))
        for node in situation.desired.nodes {
            known.formUnion([node.address, node.privateAddress].compactMap { $0 })
            for container in situation.node(node.name)?.containers ?? []
            where situation.desired.isEtcd(container) {
                known.formUnion([container.service.rawValue, container.hostname])
                known.formUnion([container.address].compactMap { $0 })
            }
        }
        for peer in Rules.etcdMembers(situation.observed) ?? [] {
            known.formUnion(peer.peerURLs.map(host))
        }
        return ContainerDifference.hosts(text).contains { known.contains(host($0)) }
    }

    /// Of `http://[fd00::1]:2380` and `etcd-1:2379`.
    private static func host(_ endpoint: String) -> String {
        var rest = Array(endpoint.utf8)[...]
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            rest[colon...].starts(with: Array("://".utf8))
        {
            rest = rest[(colon + 3)...]
        }
        rest = rest.prefix { $0 != UInt8(ascii: "/") }
        if let colon = rest.lastIndex(of: UInt8(ascii: ":")) { rest = rest[..<colon] }
        let name = rest.filter { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]") }
        return String(decoding: name, as: UTF8.self)
    }

    // MARK: - What Patroni says

    private static func refuseScopes(_ situation: Situation, _ draft: inout Draft) {
        for (name, reading) in situation.observed.views.sorted(by: { $0.key < $1.key }) {
            guard let scope = reading.value?.scope, scope != situation.desired.name.rawValue else {
                continue
            }
            draft.block(
                name.rawValue, seen: "Patroni says that it is of the cluster \(scope)",
                expected: "the cluster \(situation.desired.name)",
                remedy: otherCluster)
        }
    }

    private static func refuseSystems(_ situation: Situation, _ draft: inout Draft) {
        let systems = situation.observed.members.compactMapValues(\.value?.systemIdentifier)
            .filter { !$0.value.isEmpty }
        guard Set(systems.values).count > 1 else { return }
        draft.block(
            situation.desired.name.rawValue,
            seen: "members of different databases: "
                + systems.sorted { $0.key < $1.key }
                .map { "\($0.key) has system identifier \($0.value)" }.joined(separator: ", "),
            expected: "one system identifier",
            remedy: "They are no copies of each other. Find out which has the data that counts, and"
                + " move the other's container and volume away, then plan again.")
    }

    /// Members that run where the manifest has no server: nothing here could stop or move them,
    /// and HAProxy would forget them, even the leader.
    private static func refuseStrangers(_ situation: Situation, _ draft: inout Draft) {
        let nodes = situation.desired.nodes
        let addresses = Set(nodes.flatMap { [$0.address, $0.privateAddress].compactMap { $0 } })
        var strangers: [MemberName: String] = [:]
        for view in situation.observed.views.values.compactMap(\.value) {
            for member in view.members where situation.live[member.name] == nil {
                // A member on a single server is listed by a name of docker's, and stays listed for
                // seconds after it is gone.
                guard !situation.desired.isSingleNode, let host = member.host,
                    !addresses.contains(host)
                else { continue }
                strangers[member.name] = "Patroni lists it at \(host)"
            }
        }
        for (name, reading) in situation.observed.members where situation.live[name] == nil {
            guard reading.value != nil else { continue }
            if let place = situation.topology.member(name),
                situation.unknownNodes.contains(place.node)
            {
                continue
            }
            let leads = situation.health.leaders.contains(name)
            strangers[name] = strangers[name] ?? (leads ? "it leads" : "Patroni answers for it")
        }
        for (name, seen) in strangers.sorted(by: { $0.key < $1.key }) {
            draft.block(
                name.rawValue, seen: "\(seen), and no server of the manifest has its container",
                expected: "every member on a server of the manifest",
                remedy: "Put its server back into nodes and let the member leave first: pin members"
                    + " to the other servers or lower replicas, apply, then take the server out.")
        }
    }
}
