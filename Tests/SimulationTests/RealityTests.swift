import Cluster
import Effects
import Foundation
import Testing

@testable import Observation
@testable import simulate

/// The simulated systems answer as the real ones do: captured answers are the measure.
@Suite("A simulated answer")
struct RealityTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "ObservationTests/Fixtures")

    private static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: fixtures.appending(path: path)))
    }

    /// Of one document, of an array of them, or of a document a line.
    private static func documents(_ paths: [String]) throws -> [JSONValue] {
        try paths.flatMap { path -> [JSONValue] in
            let bytes = try bytes(path)
            guard path.hasSuffix(".ndjson") else {
                let value = try JSONText.value(of: bytes)
                if case .array(let values) = value { return values }
                return [value]
            }
            return try bytes.split(separator: UInt8(ascii: "\n")).map {
                try JSONText.value(of: $0)
            }
        }
    }

    // MARK: - What is simulated

    /// Worlds in which every kind of answer occurs.
    private static func worlds() async throws -> [World] {
        try await apart { try madeWorlds() }
    }

    private static func madeWorlds() throws -> [World] {
        var worlds = try [Shape.services, .synchronous, .oneServer].map {
            try ClusterSimulation.settled($0).world
        }
        var troubled = try ClusterSimulation.settled(.threeServers).world
        if let leader = troubled.dcs.leader,
            let next = troubled.instances.names(where: { $0.isFollowing }).first
        {
            troubled.move(from: leader, to: next)
            troubled.advance(to: troubled.now + .seconds(30))
        }
        troubled.dcs.isPaused = true
        troubled.wreckAReplica()
        if let leader = troubled.dcs.leader {
            let other = troubled.instances.keys.filter { $0 != leader }.sorted().first
            troubled.dcs.switchover = DCS.PendingSwitchover(
                from: leader, to: other ?? leader, due: .seconds(1_000_000), works: false,
                isScheduled: true)
        }
        troubled.dcs.configuration = Shape.configuration(300)
        troubled.advance(to: troubled.now + .seconds(5))
        worlds.append(troubled)
        troubled.killAReplica()
        worlds.append(troubled)
        return worlds
    }

    private static func answers(of path: String, in worlds: [World]) throws -> [JSONValue] {
        try worlds.flatMap { world in
            try world.instances.keys.sorted().compactMap { member in
                try world.answer(.patroni(member), path: path).map {
                    try JSONText.value(of: $0.body)
                }
            }
        }
    }

    private static func etcdAnswers(of path: String, in worlds: [World]) throws -> [JSONValue] {
        try worlds.flatMap { world in
            try world.etcd.running.sorted { $0.key < $1.key }.compactMap { name, node in
                try world.answer(.etcd(name, node), path: path).map {
                    try JSONText.value(of: $0.body)
                }
            }
        }
    }

    /// `GET /containers/ID/json` of every container, out of the probes.
    private static func containers(in worlds: [World]) throws -> [JSONValue] {
        try worlds.flatMap { world in
            try world.nodes.flatMap { node -> [JSONValue] in
                let result = CommandResult(status: .exited(0), output: world.probe(node).bytes)
                return try ProbeSections(result).responses
                    .filter { $0.path.hasPrefix("/containers/") && $0.path != "/containers/json" }
                    .map { try JSONText.value(of: $0.body) }
            }
        }
    }

    // MARK: - Tests

    private static let inspected = [
        "lab1/inspect-all.json", "lab1/inspect-killed-member.json",
        "restarting/inspect-postgres-1.json",
    ]
    private static let views = [
        "lab1/cluster-before.json", "lab1/cluster-member-gone.json", "lab3/cluster-before.json",
        "lab3/cluster-member-gone.json", "lab3/cluster-paused.json", "lab3/cluster.json",
        "lab3/cluster-scheduled-switchover.json", "lab3/cluster-without-leader.json",
        "lab3/cluster-after-partition-node1.json",
    ]
    private static let members = [
        "lab1/patroni-28008.json", "lab1/patroni-28009.json", "lab1/patroni-28010.json",
        "lab3/patroni-leader-paused.json", "lab3/patroni-node1.json", "lab3/patroni-node2.json",
        "lab3/patroni-node3.json",
    ]

    @Test("of docker, Patroni and etcd has no key, type or form that the real one has not")
    func shapes() async throws {
        let worlds = try await Self.worlds()
        let pairs = [
            Pair("docker", try Self.containers(in: worlds), try Self.documents(Self.inspected)),
            Pair(
                "/cluster", try Self.answers(of: "/cluster", in: worlds),
                try Self.documents(Self.views)),
            Pair(
                "/patroni", try Self.answers(of: "/patroni", in: worlds),
                try Self.documents(Self.members)),
            Pair(
                "/history", try Self.answers(of: "/history", in: worlds),
                [.array(try Self.documents(["lab3/history.json", "lab3/history-moved.json"]))]),
            Pair(
                "etcd's members",
                try Self.etcdAnswers(of: WebQuery.etcdMembers.path, in: worlds),
                try Self.documents(["gateway/members.json"])),
            Pair(
                "etcd's status", try Self.etcdAnswers(of: WebQuery.etcdStatus.path, in: worlds),
                try Self.documents(["gateway/status.json"])),
            Pair(
                "etcd's health", try Self.etcdAnswers(of: "/health", in: worlds),
                try Self.documents(["gateway/health.json"])),
        ]
        for pair in pairs {
            #expect(!pair.simulated.isEmpty, "\(pair.name)")
            let invented = pair.simulated.forms.subtracting(pair.real.forms)
                .subtracting(Self.uncaptured).sorted()
            #expect(invented == [], "\(pair.name)")
        }
    }

    /// From Patroni's source (api.py, utils.py); nobody has captured them yet.
    private static let uncaptured: Set = [
        ".members[].pending_restart: bool", ".scheduled_switchover.to: text",
        ".pending_restart: bool", ".sync_standby: bool",
    ]

    /// No captured history has a promotion that was never written; of it Patroni's source tells
    /// (postgresql, `get_history`; ha.py, `update_cluster_history`).
    @Test("of Patroni's history is empty on timeline 1, then a line for each promotion")
    func history() async throws {
        try await apart {
            var world = try ClusterSimulation.settled(.threeServers).world
            func told(_ member: MemberName) throws -> [UInt8]? {
                world.answer(.patroni(member), path: "/history")?.body
            }
            let first = try #require(world.dcs.leader)
            #expect(try told(first) == Self.bytes("lab3/history.json"))
            let replicas = world.instances.names { $0.isFollowing }
            let (second, third) = (replicas[0], replicas[1])
            world.move(from: first, to: second)
            world.advance(to: world.now + .seconds(30))
            // It is gone before it writes that it took over.
            world.move(from: second, to: third)
            world.kill(third)
            world.advance(to: world.now + .seconds(60))
            let last = try #require(world.dcs.leader)
            let terms = try PatroniAnswer.history(try #require(try told(last)))
            #expect(
                terms == [
                    LeaderTerm(timeline: 2, leader: second), LeaderTerm(timeline: 4, leader: last),
                ])
            let lines = try JSONText.value(of: try #require(try told(last))).array ?? []
            #expect(lines.compactMap { $0.array?.count } == [5, 3, 5])
        }
    }

    private struct Pair {
        var name: String
        var simulated: [JSONValue]
        var real: [JSONValue]
        init(_ name: String, _ simulated: [JSONValue], _ real: [JSONValue]) {
            self.name = name
            self.simulated = simulated
            self.real = real
        }
    }

    @Test("has every key that a parser reads: the real ones, cut down to its keys, say the same")
    func sufficient() async throws {
        let worlds = try await Self.worlds()
        // The simulated images have no entrypoint of their own.
        let keys = try Self.containers(in: worlds).keys.union([".Config.Entrypoint[]"])
        for container in try Self.documents(Self.inspected) {
            let project = container["Config"]?["Labels"]?["com.docker.compose.project"]?.string
            let whole = try DockerAnswer.container(container, project: project ?? "", image: nil)
            let cut = try DockerAnswer.container(
                container.cut(to: keys), project: project ?? "", image: nil)
            #expect(whole == cut)
        }
        let viewKeys = try Self.answers(of: "/cluster", in: worlds).keys
        for view in try Self.documents(Self.views) {
            let whole = try PatroniAnswer.cluster(Array(view.canonicalText.utf8))
            let cut = try PatroniAnswer.cluster(Array(view.cut(to: viewKeys).canonicalText.utf8))
            #expect(whole == cut)
        }
        let memberKeys = try Self.answers(of: "/patroni", in: worlds).keys
        for member in try Self.documents(Self.members) {
            let whole = try PatroniAnswer.member(Array(member.canonicalText.utf8), date: nil)
            let cut = try PatroniAnswer.member(
                Array(member.cut(to: memberKeys).canonicalText.utf8), date: nil)
            #expect(whole == cut)
        }
    }

    @Test("of HAProxy has columns and states of the real one")
    func proxy() async throws {
        let world = try await apart { try ClusterSimulation.settled(.threeServers).world }
        let text = try #require(world.answer(.proxy("node-1"), path: "/;csv")).body
        let real = try Self.bytes("lab3/haproxy-show-stat.csv")
        func columns(_ bytes: [UInt8]) -> [String] {
            String(decoding: bytes, as: UTF8.self).split(separator: "\n")[0].split(separator: ",")
                .map(String.init)
        }
        #expect(Set(columns(text)).subtracting(columns(real)) == [])
        let backends = Set(try ProxyAnswer.servers(real).map(\.backend))
        #expect(Set(try ProxyAnswer.servers(text).map(\.backend)).subtracting(backends) == [])
    }

    @Test("of a probe has the real one's sections, in their order")
    func probe() async throws {
        func names(_ bytes: [UInt8]) -> [String] {
            let known = [
                "matriarch-probe", "unreadable", "files", "contents", "free", "compose", "docker",
                "requests", "answers",
            ]
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                .compactMap { line in
                    let word = line.split(separator: " ").first.map(String.init) ?? ""
                    return known.contains(word) && line.utf8.count < 40 ? word : nil
                }
        }
        let world = try await apart { try ClusterSimulation.settled(.threeServers).world }
        let real = try Self.bytes("probe/hil-1-curl.txt")
        #expect(names(world.probe("node-1").bytes) == names(real))
    }
}

extension [JSONValue] {
    /// `State.StartedAt: time`, of all of them.
    fileprivate var forms: Set<String> {
        var forms: Set<String> = []
        for value in self { value.addForms(at: "", to: &forms) }
        return forms
    }

    /// The paths of all of them.
    fileprivate var keys: Set<String> {
        Set(forms.map { String($0.prefix { $0 != ":" }) })
    }
}

extension JSONValue {
    /// Keys of these are names of things, not words of the format.
    private static let named = ["Labels", "Networks", "PortBindings", "tags"]

    private static func join(_ path: String, _ key: String) -> String {
        let last = path.split(separator: ".").last.map(String.init) ?? ""
        return "\(path).\(named.contains(last) ? "*" : key)"
    }

    fileprivate func addForms(at path: String, to forms: inout Set<String>) {
        switch self {
        case .object(let fields):
            for (key, value) in fields { value.addForms(at: Self.join(path, key), to: &forms) }
        case .array(let values):
            for value in values { value.addForms(at: path + "[]", to: &forms) }
        case .null: break
        case .bool: forms.insert("\(path): bool")
        case .int, .double: forms.insert("\(path): number")
        case .string(let text): forms.insert("\(path): \(Self.form(of: text))")
        }
    }

    private static func form(of text: String) -> String {
        if text.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/#) != nil {
            return "time"
        }
        if text.wholeMatch(of: #/(sha256:)?[0-9a-f]{64}/#) != nil { return "digest" }
        if text.hasPrefix("http") { return "url" }
        return "text"
    }

    /// Without what has no path among `keys`.
    fileprivate func cut(to keys: Set<String>, at path: String = "") -> JSONValue {
        switch self {
        case .object(let fields):
            var kept: [String: JSONValue] = [:]
            for (key, value) in fields {
                let inner = Self.join(path, key)
                let isKept = keys.contains {
                    $0 == inner || $0.hasPrefix(inner + ".")
                        || $0.hasPrefix(inner + "[")
                }
                if isKept { kept[key] = value.cut(to: keys, at: inner) }
            }
            return .object(kept)
        case .array(let values): return .array(values.map { $0.cut(to: keys, at: path + "[]") })
        default: return self
        }
    }
}
