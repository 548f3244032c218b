import Cluster
import Effects

/// Answers over HTTP: Patroni's REST, etcd's gateway, HAProxy's statistics.
extension World {
    /// Who answers at an address, seen from its node.
    enum Endpoint {
        case patroni(MemberName)
        case etcd(EtcdName, NodeName)
        case proxy(NodeName)
    }

    /// - Returns: `nil` where nothing listens.
    func endpoint(_ address: WebAddress) -> Endpoint? {
        guard reaches(address.node), let server = servers[address.node], server.answersWeb
        else { return nil }
        for (_, container) in server.containers where container.isRunning {
            let inside: UInt16? =
                if container.address == address.host {
                    // The way to a container is through its server's sshd.
                    server.takesShell ? address.port : nil
                } else {
                    container.spec.ports.first { $0.host == address.port }?.container
                }
            guard let inside else { continue }
            switch (container.spec.role, inside) {
            case (.postgres(let member), 8008): return .patroni(member)
            case (.etcd(let name), 2379):
                return etcd.running[name] == nil ? nil : .etcd(name, address.node)
            case (.haproxy, let port) where port == base.haproxy?.statsPort:
                return .proxy(address.node)
            default: continue
            }
        }
        return nil
    }

    func answer(_ endpoint: Endpoint, path: String) -> WebAnswer? {
        switch (endpoint, path) {
        case (.patroni(let member), "/patroni"): ownAnswer(member)
        case (.patroni(let member), "/cluster"): viewAnswer(member)
        case (.patroni(let member), "/config"):
            dcs.configuration.flatMap { json($0, of: member) }
                ?? WebAnswer(status: 502, body: [], date: clock)
        case (.patroni(let member), "/history"): json(.array(dcs.history), of: member)
        case (.etcd(let name, let node), _): etcdAnswer(name, node, path: path)
        case (.proxy(let node), "/;csv"): statistics(node)
        default: WebAnswer(status: 404, body: [], date: clock)
        }
    }

    private func json(_ value: JSONValue, of member: MemberName) -> WebAnswer? {
        guard instances[member]?.answers == true else { return nil }
        return WebAnswer(status: 200, body: value.canonicalBytes, date: clock)
    }

    private func viewAnswer(_ member: MemberName) -> WebAnswer? {
        guard let instance = instances[member], instance.answers else { return nil }
        let isCut = !isolated.isEmpty && !hasQuorum(from: instance.node)
        return WebAnswer(
            status: 200, body: isCut ? frozenView : staleView, date: clock)
    }

    /// `/cluster` as it is now.
    var staleView: [UInt8] { clusterView.canonicalBytes }

    private func ownAnswer(_ member: MemberName) -> WebAnswer? {
        guard let instance = instances[member], instance.answers else { return nil }
        let standing = standing(of: instance)
        var fields: [String: JSONValue] = [
            "state": .string(standing.own), "role": .string(standing.role),
            "server_version": .int(170_011),
            "dcs_last_seen": .int(clock - (now - instance.dcsSeen).components.seconds),
            "database_system_identifier": .string("7711251676128313387"),
            "patroni": .object([
                "version": .string("4.0.7"),
                "scope": .string(base.name.rawValue),
                "name": .string(member.rawValue),
            ]),
        ]
        if dcs.isPaused { fields["pause"] = .bool(true) }
        if dcs.leader == nil { fields["cluster_unlocked"] = .bool(true) }
        if !instance.tags.isEmpty { fields["tags"] = .object(instance.tags) }
        if hasPendingRestart(instance) { fields["pending_restart"] = .bool(true) }
        if dcs.sync == member { fields["sync_standby"] = .bool(true) }
        if standing.isUp { fields["timeline"] = .int(timeline(of: instance)) }
        if instance.isLeading {
            fields["xlog"] = .object(["location": .int(position)])
            fields["replication"] = .array(
                Set(instances.names { $0.isFollowing } + ghosts.keys).sorted().map {
                    .object([
                        "usename": .string("standby"), "application_name": .string($0.rawValue),
                        "state": .string("streaming"),
                        "sync_state": .string(dcs.sync == $0 ? "sync" : "async"),
                        "sync_priority": .int(dcs.sync == $0 ? 1 : 0),
                    ])
                })
        } else if standing.isUp {
            let at = JSONValue.int(position - instance.lag)
            fields["xlog"] = .object([
                "received_location": at, "replayed_location": at, "paused": .bool(false),
            ])
            if instance.isFollowing { fields["replication_state"] = .string("streaming") }
            if case .replaying = instance.activity {
                fields["replication_state"] = .string(standing.listed)
            }
        }
        let status = standing.isUp ? 200 : 503
        return WebAnswer(
            status: status, body: JSONValue.object(fields).canonicalBytes, date: clock)
    }

    /// The leader's place in the log, which grows by a checkpoint at a time.
    var position: Int64 { (1 << 35) + now.components.seconds / 10 * 10_000 }

    /// What has gone another way is where its leader was before.
    private func timeline(of instance: Instance) -> Int64 {
        Int64(instance.activity == .stuck ? dcs.timeline - 1 : dcs.timeline)
    }

    private struct Standing {
        /// `state` of /patroni and of /cluster.
        var own: String
        var listed: String
        var role: String
        var isUp: Bool
    }

    private func standing(of instance: Instance) -> Standing {
        switch instance.activity {
        case .booting, .idle, .rewinding:
            Standing(own: "stopped", listed: "stopped", role: "replica", isUp: false)
        case .bootstrapping:
            Standing(
                own: "initializing new cluster", listed: "initializing new cluster",
                role: "replica", isUp: false)
        case .cloning:
            Standing(
                own: "creating replica", listed: "creating replica", role: "replica", isUp: false)
        case .starting: Standing(own: "starting", listed: "starting", role: "replica", isUp: false)
        case .following: Standing(own: "running", listed: "streaming", role: "replica", isUp: true)
        case .replaying:
            Standing(own: "running", listed: "in archive recovery", role: "replica", isUp: true)
        case .detached, .stuck, .reattaching:
            Standing(own: "running", listed: "running", role: "replica", isUp: true)
        case .promoting: Standing(own: "running", listed: "running", role: "replica", isUp: true)
        case .leading: Standing(own: "running", listed: "running", role: "primary", isUp: true)
        case .steppingDown:
            Standing(own: "stopping", listed: "stopping", role: "primary", isUp: false)
        case .restarting(_, let leads):
            Standing(
                own: "restarting", listed: "restarting", role: leads ? "primary" : "replica",
                isUp: false)
        case .failing:
            Standing(own: "start failed", listed: "start failed", role: "replica", isUp: false)
        }
    }

    private var clusterView: JSONValue {
        var members: [JSONValue] = []
        for (name, listed) in dcs.members {
            let address =
                nodes.count > 1
                ? base.node(listed.node)?.advertisedAddress ?? "" : name.rawValue
            var fields: [String: JSONValue] = [
                "name": .string(name.rawValue), "host": .string(address),
                "port": .int(Int64(listed.postgresPort)),
                "api_url": .string("http://\(address):\(listed.patroniPort)/patroni"),
            ]
            let instance = instances[name]
            let standing: Standing? = instance.map { self.standing(of: $0) }
            let leads = dcs.leader == name
            fields["role"] = .string(
                leads ? "leader" : dcs.sync == name ? "sync_standby" : "replica")
            // A killed member stays as it was last seen, until its key runs out.
            fields["state"] = .string(standing?.listed ?? (leads ? "running" : "streaming"))
            if standing?.isUp ?? true {
                fields["timeline"] = .int(
                    instance.map { timeline(of: $0) } ?? Int64(dcs.timeline))
            }
            if !leads {
                fields["lag"] =
                    instance?.isFollowing == true
                    ? .int(instance?.lag ?? 0) : .string("unknown")
            }
            if let instance, hasPendingRestart(instance) { fields["pending_restart"] = .bool(true) }
            members.append(.object(fields))
        }
        var view: [String: JSONValue] = [
            "members": .array(members), "scope": .string(base.name.rawValue),
        ]
        if dcs.isPaused { view["pause"] = .bool(true) }
        if let asked = dcs.switchover, asked.isScheduled {
            view["scheduled_switchover"] = .object([
                "at": .string(Self.rfc3339(clock + 60)), "from": .string(asked.from.rawValue),
                "to": .string(asked.to.rawValue),
            ])
        }
        return .object(view)
    }

    private func etcdAnswer(_ name: EtcdName, _ node: NodeName, path: String) -> WebAnswer? {
        guard let own = etcd.members.first(where: { $0.name == name.rawValue }) else { return nil }
        let value: JSONValue
        let isSteady = hasQuorum(from: node)
        switch path {
        case "/health":
            value = .object([
                "health": .string(isSteady && !own.isLearner ? "true" : "false"),
                "reason": .string(""),
            ])
        case WebQuery.etcdMembers.path where own.isLearner:
            value = .object([
                "code": .int(14), "message": .string("etcdserver: rpc not supported for learner"),
            ])
        case WebQuery.etcdMembers.path:
            value = .object(["members": .array(etcd.members.map { Self.peer($0) })])
        case WebQuery.etcdStatus.path:
            let leader = etcd.members.first { etcd.running[EtcdName($0.name)] != nil }
            var status: [String: JSONValue] = [
                "header": .object(["member_id": .string(String(own.id))]),
                "version": .string("3.5.16"),
                "leader": .string(isSteady ? String(leader?.id ?? 0) : "0"),
            ]
            if own.isLearner { status["isLearner"] = .bool(true) }
            value = .object(status)
        default: return WebAnswer(status: 404, body: [], date: clock)
        }
        let isWell =
            path == WebQuery.etcdStatus.path
            || !own.isLearner && (path != "/health" || isSteady)
        return WebAnswer(
            status: isWell ? 200 : 503, body: value.canonicalBytes, date: clock)
    }

    /// The gateway leaves out what is empty or false, and writes numbers as texts.
    private static func peer(_ member: EtcdCluster.Member) -> JSONValue {
        var fields: [String: JSONValue] = [
            "ID": .string(String(member.id)), "peerURLs": .array([.string(member.peerURL)]),
        ]
        if !member.name.isEmpty { fields["name"] = .string(member.name) }
        if member.isLearner { fields["isLearner"] = .bool(true) }
        if let url = member.clientURL { fields["clientURLs"] = .array([.string(url)]) }
        return .object(fields)
    }

    private func statistics(_ node: NodeName) -> WebAnswer? {
        guard let proxy = servers[node]?.containers[HAProxy.service]?.loadedProxy else {
            return nil
        }
        var csv = "# pxname,svname,qcur,qmax,status,weight,\n"
        for backend in proxy.backends {
            csv += "\(backend.name),FRONTEND,,,OPEN,,\n"
            for server in backend.servers {
                csv += "\(backend.name),\(server),0,0,\(status(server, backend.name)),1,\n"
            }
        }
        return WebAnswer(status: 200, body: Array(csv.utf8), date: clock)
    }

    private func status(_ server: String, _ backend: String) -> String {
        guard let instance = instances[MemberName(server)] else { return "DOWN" }
        let isUp = backend == "pg_write" ? instance.isLeading : instance.isFollowing
        return isUp ? "UP" : "DOWN"
    }
}

/// A configuration as HAProxy has read it.
struct LoadedProxy: Sendable {
    struct Backend: Sendable {
        var name: String
        var servers: [String] = []
    }
    private(set) var backends: [Backend] = []

    init(_ text: String) {
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
                .map { String(Substring($0)) }
            guard words.count > 1 else { continue }
            switch words[0] {
            case "listen", "backend": backends.append(Backend(name: words[1]))
            case "server" where !backends.isEmpty:
                backends[backends.count - 1].servers.append(words[1])
            default: continue
            }
        }
    }
}
