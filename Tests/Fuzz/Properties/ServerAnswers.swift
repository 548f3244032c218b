import Cluster
import Effects
import Execution
import Observation
import RemoteCommands

/// The probe of a node: sections, and docker's answers inside of them.
enum ProbePromises {
    private static let request = ProbeRequest(
        project: Project(name: "twincigo-crm", directory: "/opt/twincigo-crm"),
        images: [
            "ghcr.io/zalando/spilo-17:4.0-p3", "haproxy:3.0", "quay.io/coreos/etcd:v3.5.16",
        ].map { ImageReference($0) })

    static func check(_ bytes: [UInt8]) throws {
        guard let node = try read(bytes) else { return }
        try ObservationPromises.checkSaved(Observed(nodes: [NodeName("hil-1"): .known(node)]))
        // Whatever is cut off, the answer tells that it is not whole.
        for cut in [bytes.count / 4, bytes.count / 2, bytes.count * 3 / 4, bytes.count - 2]
        where cut >= 0 {
            guard let part = try read(Array(bytes.prefix(cut))) else { continue }
            try promise(part == node, "cut off after \(cut) bytes it is another node")
        }
    }

    private static func read(_ bytes: [UInt8]) throws -> ObservedNode? {
        let result = CommandResult(status: .exited(0), output: bytes)
        return try reading("the probe", as: ProbeFailure.self) {
            try NodeProbe.parse(result, for: request)
        }
    }
}

/// `docker inspect` and docker's lists.
enum DockerPromises {
    static func check(_ bytes: [UInt8]) throws {
        guard let json = try JSONPromises.check(bytes) else { return }
        let items: [JSONValue] = if case .array(let values) = json { values } else { [json] }
        var node = ObservedNode()
        for item in items {
            let image = DockerAnswer.imageDefaults(item)
            try promise(image == DockerAnswer.imageDefaults(item), "two readings of an image")
            for project in ["twincigo-crm", "lab"] {
                let container = try reading("docker inspect", as: AnswerProblem.self) {
                    try DockerAnswer.container(item, project: project, image: nil)
                }
                if let container, let container { node.containers.append(container) }
            }
        }
        node.foreignPorts = DockerAnswer.foreignPorts(json, project: "lab")
        node.volumes = DockerAnswer.volumes(json, project: "lab")
        try ObservationPromises.checkSaved(Observed(nodes: [NodeName("hil-1"): .known(node)]))
        guard !node.containers.isEmpty else { return }
        try AnsweredCluster.check { observed in
            for (name, reading) in observed.nodes {
                guard case .known(var shown) = reading else { continue }
                let services = Set(node.containers.map(\.service))
                shown.containers.removeAll { services.contains($0.service) }
                shown.containers += node.containers
                observed.nodes[name] = .known(shown)
            }
        }
    }
}

/// Patroni's REST: its four documents, and what it says to a call.
enum PatroniPromises {
    static func check(_ bytes: [UInt8]) throws {
        var observed = Observed()
        let name = MemberName("postgres-1")
        if let member = try reading(
            "GET /patroni", as: AnswerProblem.self,
            { try PatroniAnswer.member(bytes, date: 1_795_000_000) })
        {
            observed.members[name] = .known(member)
        }
        try promise(
            PatroniAnswer.memberName(bytes) == PatroniAnswer.memberName(bytes), "two names")
        if let view = try reading(
            "GET /cluster", as: AnswerProblem.self, { try PatroniAnswer.cluster(bytes) })
        {
            observed.views[name] = .known(view)
        }
        if let terms = try reading(
            "GET /history", as: AnswerProblem.self, { try PatroniAnswer.history(bytes) })
        {
            observed.history = .known(terms)
        }
        if let configuration = try reading(
            "GET /config", as: AnswerProblem.self, { try PatroniAnswer.configuration(bytes) })
        {
            observed.configuration = .known(configuration)
        }
        try ObservationPromises.checkSaved(observed)
        if observed != Observed() {
            try JSONPromises.checkTruncation(bytes)
            let leads = observed.members[name].map { $0.value?.role == .leader } ?? true
            let other = leads ? name : MemberName("postgres-2")
            try AnsweredCluster.check { $0.take(observed, of: name, as: other) }
        }
        for status in [200, 202, 412, 500, 503] {
            let answer = WebAnswer(status: status, body: bytes)
            for call in [PatroniCall.switchover(to: name), .restart(name)] {
                try promise(
                    call.outcome(of: answer) == call.outcome(of: answer), "two outcomes of a call")
            }
        }
    }
}

extension Observed {
    /// What one member answered, as the answers of another.
    fileprivate mutating func take(_ answers: Observed, of name: MemberName, as other: MemberName) {
        if let answer = answers.members[name] { members[other] = answer }
        if let view = answers.views[name] { views[other] = view }
        if let answer = answers.configuration { configuration = answer }
        guard let answer = answers.history else { return }
        history = answer
        // It is asked for where a replica cannot start, and counts once a restart did not help.
        let replica = MemberName("postgres-2")
        members[replica] = members[replica]?.map {
            var member = $0
            member.state = .startFailed
            return member
        }
        for (node, reading) in nodes {
            nodes[node] = reading.map {
                var node = $0
                for index in node.containers.indices {
                    node.containers[index].startedAt = AnsweredCluster.now - 100
                }
                return node
            }
        }
    }
}

/// etcd's JSON gateway and `etcdctl -w json`.
enum EtcdPromises {
    static func check(_ bytes: [UInt8]) throws {
        let members = try reading(
            "member list", as: AnswerProblem.self, { try EtcdAnswer.members(bytes) })
        let status = try reading(
            "status", as: AnswerProblem.self, { try EtcdAnswer.status(bytes) })
        let statuses = try reading(
            "endpoint status", as: AnswerProblem.self, { try EtcdAnswer.statuses(bytes) })
        let isHealthy = try reading(
            "GET /health", as: AnswerProblem.self, { try EtcdAnswer.isHealthy(bytes) })
        let etcd = ObservedEtcd(
            isHealthy: isHealthy ?? false, members: members ?? [],
            memberID: status?.memberID ?? statuses?.first?.memberID ?? 0,
            leaderID: status?.leaderID ?? statuses?.first?.leaderID)
        try ObservationPromises.checkSaved(Observed(etcd: [EtcdName("etcd-1"): .known(etcd)]))
        if members != nil || status != nil || statuses != nil || isHealthy != nil {
            try JSONPromises.checkTruncation(bytes)
            try AnsweredCluster.check { observed in
                observed.etcd[EtcdName("etcd-1")] = .known(etcd)
            }
        }
    }
}

/// HAProxy's statistics.
enum ProxyPromises {
    static func check(_ bytes: [UInt8]) throws {
        guard let servers = try read(bytes) else { return }
        try ObservationPromises.checkSaved(
            Observed(haproxy: [NodeName("hil-1"): .known(servers)]))
        // Cut off anywhere, what is told of is told as it is.
        for cut in [bytes.count / 4, bytes.count / 2, bytes.count * 3 / 4, bytes.count - 1]
        where cut >= 0 {
            guard let part = try read(Array(bytes.prefix(cut))) else { continue }
            try promise(
                servers.starts(with: part), "cut off after \(cut) bytes it has another server")
        }
    }

    private static func read(_ bytes: [UInt8]) throws -> [ProxyServer]? {
        try reading("statistics", as: AnswerProblem.self, { try ProxyAnswer.servers(bytes) })
    }
}
