import Cluster
import Effects
import RemoteCommands
import Synchronization
import Testing

@testable import Observation

/// Nodes and web as tables; it counts what was asked.
private final class World: NodeReader, WebReader {
    let probes: [NodeName: Result<CommandResult, ShellFailure>]
    let pages: [String: Result<WebAnswer, WebFailure>]
    private let log = Mutex<[String]>([])

    init(
        probes: [NodeName: Result<CommandResult, ShellFailure>] = [:],
        pages: [String: Result<WebAnswer, WebFailure>] = [:]
    ) {
        self.probes = probes
        self.pages = pages
    }

    var asked: [String] { log.withLock { $0.sorted() } }

    func ask(_ query: Query, on node: NodeName) async throws(ShellFailure) -> CommandResult {
        log.withLock { $0.append("probe \(node)") }
        return try (probes[node] ?? .failure(.unreachable("no such node"))).get()
    }
    func get(_ url: WebAddress, limit: Duration) async throws(WebFailure) -> WebAnswer {
        try answer("\(url.node) \(url.host):\(url.port)\(url.path)")
    }
    func query(_ query: WebQuery, at place: WebAddress, limit: Duration)
        async throws(WebFailure) -> WebAnswer
    {
        try answer("\(place.node) \(place.host):\(place.port)\(query.path)")
    }
    private func answer(_ key: String) throws(WebFailure) -> WebAnswer {
        log.withLock { $0.append(key) }
        return try (pages[key] ?? .failure(.unreachable("connection refused"))).get()
    }
}

@Suite struct ObserverTests {
    /// The hand-made reference cluster: one server, three members, etcd not published.
    static let reference = Desired(
        name: "gardenos-dev-cluster",
        project: Project(name: "twincigo-crm", directory: "/opt/twincigo-crm"),
        nodes: [Node(name: "hil-1", address: "192.0.2.1")], secrets: [:],
        etcd: Etcd(
            image: ImageReference("quay.io/coreos/etcd:v3.5.16"),
            members: [EtcdMember(name: "etcd", node: "hil-1")]),
        postgres: Postgres(
            image: ImageReference("ghcr.io/zalando/spilo-17:4.0-p3"), database: "crm", replicas: 2,
            members: [
                PinnedMember(
                    name: "postgres-1", node: "hil-1", ports: .init(postgres: 5435, patroni: 8008))
            ]),
        haproxy: HAProxy(image: ImageReference("haproxy:3.0"), nodes: ["hil-1"]))

    static func page(_ body: String, _ status: Int = 200) -> Result<WebAnswer, WebFailure> {
        .success(WebAnswer(status: status, body: body.bytes, date: 99))
    }
    static func capture(_ path: String) throws -> Result<WebAnswer, WebFailure> {
        .success(WebAnswer(status: 200, body: try Fixture.bytes(path), date: 99))
    }
    static func member(_ name: String, role: String = "replica") -> String {
        #"{"state": "running", "role": "\#(role)", "patroni": {"name": "\#(name)"}}"#
    }
    static func view(_ members: [String], url: String = "http://192.0.2.9:8008/patroni") -> String {
        #"{"members": ["#
            + members.map {
                #"{"name": "\#($0)", "role": "replica", "state": "streaming", "lag": 0, "#
                    + #""api_url": "\#(url)"}"#
            }.joined(separator: ", ") + "]}"
    }

    fileprivate static func referenceWorld() throws -> World {
        let probe = CommandResult(
            status: .exited(0), output: try Fixture.bytes("probe/hil-1-curl.txt"))
        let all = view(["postgres-1", "postgres-2", "postgres-3"])
        return World(
            probes: ["hil-1": .success(probe)],
            pages: [
                "hil-1 127.0.0.1:8008/patroni": page(member("postgres-1")),
                "hil-1 127.0.0.1:8009/patroni": page(member("postgres-2", role: "primary")),
                "hil-1 127.0.0.1:8010/patroni": page(member("postgres-3"), 503),
                "hil-1 127.0.0.1:8008/cluster": page(all),
                "hil-1 127.0.0.1:8009/cluster": page(all),
                "hil-1 127.0.0.1:8010/cluster": page(all),
                "hil-1 127.0.0.1:8008/config": page(#"{"ttl": 30}"#),
                "hil-1 127.0.0.1:7000/;csv": try capture("lab1/haproxy-show-stat.csv"),
                "hil-1 10.220.128.2:2379/health": try capture("gateway/health.json"),
                "hil-1 10.220.128.2:2379/v3/cluster/member/list": try capture(
                    "gateway/members.json"),
                "hil-1 10.220.128.2:2379/v3/maintenance/status": try capture("gateway/status.json"),
            ])
    }

    private func observer(_ world: World) -> Observer { Observer(nodes: world, web: world) }

    @Test("a whole cluster on one server is seen with one probe and each page asked once")
    func reference() async throws {
        let world = try Self.referenceWorld()
        let observed = await observer(world).observe(Self.reference)
        #expect(observed.nodes["hil-1"]?.value?.containers.count == 5)
        #expect(observed.members.keys.sorted() == ["postgres-1", "postgres-2", "postgres-3"])
        #expect(observed.members["postgres-2"]?.value?.role == .leader)
        #expect(observed.members["postgres-3"]?.value?.answeredAt == 99)
        #expect(observed.views.values.allSatisfy { $0.value?.members.count == 3 })
        #expect(observed.configuration == .known(.object(["ttl": .int(30)])))
        #expect(
            observed.etcd == [
                "etcd": .known(
                    ObservedEtcd(
                        isHealthy: true,
                        members: [
                            EtcdPeer(
                                id: 10_602_785_869_456_026_121, name: "etcd",
                                peerURLs: ["http://etcd:2380"])
                        ],
                        memberID: 10_602_785_869_456_026_121,
                        leaderID: 10_602_785_869_456_026_121))
            ])
        #expect(observed.haproxy["hil-1"]?.value?.count == 6)
        #expect(Set(world.asked).count == world.asked.count)
        #expect(Set(world.asked) == Set(world.pages.keys).union(["probe hil-1"]))
    }

    @Test("a member that does not answer is unknown with the place and the cause, and others stay")
    func unreachableMember() async throws {
        let all = try Self.referenceWorld()
        var pages = all.pages
        pages["hil-1 127.0.0.1:8009/patroni"] = .failure(.unknownOutcome("no answer within 3 s"))
        pages["hil-1 127.0.0.1:8010/patroni"] = Self.page("<html>Bad Gateway</html>", 502)
        pages["hil-1 127.0.0.1:8008/cluster"] = Self.page("<html>")
        let observed = await observer(World(probes: all.probes, pages: pages))
            .observe(Self.reference)
        #expect(
            observed.members["postgres-2"]?.reason
                == "GET /patroni at 127.0.0.1:8009 on hil-1: no answer within 3 s")
        #expect(
            observed.members["postgres-3"]?.reason
                == "GET /patroni at 127.0.0.1:8010 on hil-1 answered status 502: "
                + "“<html>Bad Gateway</html>”")
        #expect(
            observed.views["postgres-1"]?.reason
                == "127.0.0.1:8008 on hil-1: GET /cluster answered “<html>”, expected JSON")
        #expect(observed.members["postgres-1"]?.value != nil)
    }

    @Test("a port that answers as another member is not taken for the one expected there")
    func mistaken() async throws {
        let all = try Self.referenceWorld()
        var pages = all.pages
        pages["hil-1 127.0.0.1:8009/patroni"] = Self.page(Self.member("postgres-9"))
        let observed = await observer(World(probes: all.probes, pages: pages))
            .observe(Self.reference)
        #expect(
            observed.members["postgres-2"]?.reason
                == "127.0.0.1:8009 on hil-1 answers as member postgres-9, expected postgres-2")
    }

    @Test("configuration comes from another member when the first does not give it")
    func configuration() async throws {
        let all = try Self.referenceWorld()
        var pages = all.pages
        pages["hil-1 127.0.0.1:8008/config"] = .failure(.unreachable("connection refused"))
        pages["hil-1 127.0.0.1:8009/config"] = Self.page(#"{"ttl": 20}"#)
        let observed = await observer(World(probes: all.probes, pages: pages))
            .observe(Self.reference)
        #expect(observed.configuration == .known(.object(["ttl": .int(20)])))
        pages["hil-1 127.0.0.1:8009/config"] = nil
        let none = await observer(World(probes: all.probes, pages: pages)).observe(Self.reference)
        #expect(
            none.configuration
                == .unreachable("GET /config at 127.0.0.1:8010 on hil-1: connection refused"))
    }

    /// Three servers, one member each, on a private network.
    static let three: Desired = {
        var desired = reference
        desired.nodes = (1...3).map {
            Node(
                name: NodeName("node-\($0)"), address: "192.0.2.\($0)",
                privateAddress: "10.0.0.\($0)")
        }
        desired.etcd.members = (1...3).map {
            EtcdMember(name: EtcdName("etcd-\($0)"), node: NodeName("node-\($0)"))
        }
        desired.postgres.members = []
        desired.haproxy?.nodes = ["node-1"]
        return desired
    }()

    static let empty = CommandResult(
        status: .exited(0), output: "matriarch-probe 1\ndocker 7\nmissing\nend 0\n".bytes)

    @Test("empty servers are known to be empty: no members, no etcd, no configuration")
    func emptyServers() async {
        let world = World(
            probes: [
                "node-1": .success(Self.empty), "node-2": .success(Self.empty),
                "node-3": .success(Self.empty),
            ])
        let observed = await observer(world).observe(Self.three)
        #expect(
            observed
                == Observed(
                    nodes: [
                        "node-1": .known(ObservedNode()), "node-2": .known(ObservedNode()),
                        "node-3": .known(ObservedNode()),
                    ]))
    }

    @Test("a server that cannot be reached leaves its own things unknown, and only those")
    func unreachableNode() async {
        let world = World(
            probes: [
                "node-1": .failure(.unreachable("node-1: no route to host")),
                "node-2": .success(Self.empty), "node-3": .failure(.unknownOutcome("lost")),
            ])
        var desired = Self.three
        desired.postgres.members = [
            PinnedMember(
                name: "postgres-1", node: "node-1", ports: .init(postgres: 5433, patroni: 8008)),
            PinnedMember(
                name: "postgres-2", node: "node-2", ports: .init(postgres: 5433, patroni: 8008)),
        ]
        let observed = await observer(world).observe(desired)
        #expect(observed.nodes["node-1"] == .unreachable("node-1: no route to host"))
        #expect(observed.nodes["node-3"] == .unreachable("the probe did not answer: lost"))
        #expect(observed.members.keys.sorted() == ["postgres-1"])
        #expect(
            observed.members["postgres-1"]?.reason
                == "GET /patroni at 10.0.0.1:8008 on node-1: connection refused")
        #expect(observed.etcd.keys.sorted() == ["etcd-1", "etcd-3"])
        #expect(
            observed.haproxy["node-1"]?.reason
                == "GET /;csv at 10.0.0.1:7000 on node-1: connection refused")
        #expect(observed.configuration?.value == nil && observed.configuration != nil)
    }

    @Test("a member that only a view knows is asked where the view says it is")
    func viewed() async throws {
        let all = try Self.referenceWorld()
        var pages = all.pages
        pages["hil-1 127.0.0.1:8008/cluster"] = Self.page(
            Self.view(["postgres-1", "stray"], url: "http://10.9.9.9:8100/patroni"))
        pages["hil-1 10.9.9.9:8100/patroni"] = Self.page(Self.member("stray"))
        let observed = await observer(World(probes: all.probes, pages: pages))
            .observe(Self.reference)
        #expect(observed.members["stray"]?.value?.role == .replica)
        #expect(
            observed.views["stray"]?.reason
                == "GET /cluster at 10.9.9.9:8100 on hil-1: connection refused")
    }

    @Test("a server that could not be reached is not waited for a second time")
    func waitedOnce() async throws {
        let world = World(probes: ["hil-1": .failure(.unreachable("no answer within 10 s"))])
        let observed = await observer(world).observe(Self.reference)
        #expect(observed.etcd["etcd"] == .unreachable("no answer within 10 s"))
        #expect(!world.asked.contains { $0.contains(":2379") })
        var three = Self.three
        three.postgres.members = [
            PinnedMember(
                name: "postgres-1", node: "node-1", ports: .init(postgres: 5433, patroni: 8008))
        ]
        let part = World(
            probes: [
                "node-1": .success(Self.empty), "node-2": .success(Self.empty),
                "node-3": .failure(.unreachable("no route to node-3")),
            ],
            pages: [
                "node-1 10.0.0.1:8008/patroni": Self.page(Self.member("postgres-1")),
                "node-1 10.0.0.1:8008/cluster": Self.page(
                    Self.view(["postgres-3"], url: "http://10.0.0.3:8009/patroni")),
            ])
        let seen = await observer(part).observe(three)
        #expect(seen.members["postgres-3"] == .unreachable("no route to node-3"))
        #expect(!part.asked.contains { $0.contains(":8009") })
    }

    @Test("a Patroni that answers counts, though its server cannot be logged into")
    func withoutSSH() async throws {
        let world = World(
            probes: [
                "node-1": .success(Self.empty), "node-2": .success(Self.empty),
                "node-3": .failure(.unreachable("its host key is unknown")),
            ],
            pages: [
                "node-1 10.0.0.1:8008/patroni": Self.page(Self.member("postgres-1")),
                "node-1 10.0.0.1:8008/cluster": Self.page(
                    Self.view(["postgres-3"], url: "http://10.0.0.3:8008/patroni")),
                "node-3 10.0.0.3:8008/patroni": Self.page(Self.member("postgres-3")),
            ])
        var three = Self.three
        three.postgres.members = [
            PinnedMember(
                name: "postgres-1", node: "node-1", ports: .init(postgres: 5433, patroni: 8008))
        ]
        three.postgres.firstPorts.patroni = 8008
        let seen = await observer(world).observe(three)
        #expect(seen.nodes["node-3"]?.value == nil)
        #expect(seen.members["postgres-3"]?.value != nil)
        // A guard asks in its own way and has to see the same.
        let again = await observer(world).refresh(seen, [.patroni], of: three)
        #expect(again.members["postgres-3"] == seen.members["postgres-3"])
    }

    @Test("who led before must be asked of the leader, only where a member cannot start")
    func history() async throws {
        let all = try Self.referenceWorld()
        let page = "hil-1 127.0.0.1:8009/history"
        func seen(
            _ state: String, _ answer: Result<WebAnswer, WebFailure>? = nil
        ) async throws -> (asked: [String], history: Reading<[LeaderTerm]>?) {
            var pages = all.pages
            pages["hil-1 127.0.0.1:8010/patroni"] = Self.page(
                Self.member("postgres-3").replacing("running", with: state), 503)
            pages[page] = answer
            let world = World(probes: all.probes, pages: pages)
            let observed = await observer(world).observe(Self.reference)
            return (world.asked.filter { $0.hasSuffix("/history") }, observed.history)
        }
        let line = #"[[1, 9, "no recovery target specified", "2026-11-29T16:57:57+00:00", "a"]]"#
        let failed = try await seen("start failed", Self.page(line))
        #expect(failed.asked == [page])
        #expect(failed.history == .known([LeaderTerm(timeline: 2, leader: "a")]))
        let well = try await seen("running", Self.page(line))
        #expect(well.asked == [] && well.history == nil)
        // What could not be asked is not "nobody".
        #expect(
            try await seen("start failed").history
                == .unreachable(
                    "GET /history at 127.0.0.1:8009 on hil-1: connection refused"))
        #expect(
            try await seen("start failed", Self.page("<html>")).history
                == .unreachable(
                    "127.0.0.1:8009 on hil-1: GET /history answered “<html>”, expected JSON"))
    }

    @Test("a poll asks Patroni alone, also a member that was just placed and has no container yet")
    func poll() async throws {
        let world = try Self.referenceWorld()
        var before = await observer(world).observe(Self.reference)
        before.nodes["hil-1"] = before.nodes["hil-1"]?.map {
            var node = $0
            node.containers.removeAll { $0.service == "postgres-3" }
            return node
        }
        let polled = World(pages: world.pages)
        let placed = PlacedMember(
            name: "postgres-3", node: "hil-1", ports: .init(postgres: 5434, patroni: 8010))
        let after = await observer(polled).refresh(
            before, [.patroni], of: Self.reference, placed: [placed])
        #expect(
            polled.asked
                == [8008, 8009, 8010].flatMap {
                    ["hil-1 127.0.0.1:\($0)/cluster", "hil-1 127.0.0.1:\($0)/patroni"]
                })
        #expect(after.members["postgres-3"]?.value?.role == .replica)
        #expect(after.etcd == before.etcd && after.nodes == before.nodes)
        let unplaced = await observer(polled).refresh(
            before, [.configuration, .haproxy("hil-1")], of: Self.reference)
        #expect(unplaced.configuration == before.configuration)
        #expect(unplaced.members == before.members)
    }

    @Test("a stopped container is not asked, and says what it is")
    func stopped() async throws {
        let text = String(decoding: try Fixture.bytes("probe/hil-1-curl.txt"), as: UTF8.self)
        let running = #""State":{"Status":"running","#
        let exited = #""State":{"Status":"exited", "#
        let world = try Self.referenceWorld()
        let probe = CommandResult(
            status: .exited(0), output: text.replacing(running, with: exited).bytes)
        let stopped = World(probes: ["hil-1": .success(probe)])
        let observed = await observer(stopped).observe(Self.reference)
        #expect(
            observed.members["postgres-2"]
                == .unreachable("the container of postgres-2 on hil-1 is exited (0)"))
        #expect(
            observed.etcd["etcd"] == .unreachable("the container of etcd on hil-1 is exited (0)"))
        #expect(!stopped.asked.contains { $0.contains(":8009") || $0.contains(":2379") })
        #expect(
            observed.configuration
                == .unreachable("the container of postgres-1 on hil-1 is exited (0)"))
        #expect(world.asked == [])
    }

    @Test("a torn answer of a node is asked for once more, any other failure is not")
    func torn() async {
        let torn = CommandResult(status: .exited(0), output: "matriarch-probe 1\nfiles 9\n".bytes)
        let silent = CommandResult(
            status: .exited(0), output: "matriarch-probe 1\ndocker 6\nsilent\nend 0\n".bytes,
            errors: "permission denied".bytes)
        let world = World(
            probes: [
                "node-1": .success(torn), "node-2": .success(silent),
                "node-3": .success(Self.empty),
            ])
        let observed = await observer(world).observe(Self.three)
        #expect(
            world.asked.filter { $0.hasPrefix("probe") }
                == ["probe node-1", "probe node-1", "probe node-2", "probe node-3"])
        #expect(
            observed.nodes["node-1"]
                == .unreachable("node-1: the answer ended early; the answer is not whole"))
        #expect(
            observed.nodes["node-2"]
                == .unreachable(
                    "node-2: this user may not speak to docker (ssh.sudo does it as root; or add the"
                        + " user to docker's group): permission denied"))
    }

    /// Whoever was added as a learner was never seen to answer, so no plan with one ever ended.
    @Test("an etcd learner, which refuses its member list, is known to be there")
    func etcdLearner() async throws {
        let all = try Self.referenceWorld()
        var pages = all.pages
        let place = "hil-1 10.220.128.2:2379"
        let refusal = #"{"code":14, "message":"etcdserver: rpc not supported for learner"}"#
        pages["\(place)/health"] = Self.page(#"{"health":"false","reason":""}"#, 503)
        pages["\(place)/v3/cluster/member/list"] = Self.page(refusal, 503)
        pages["\(place)/v3/maintenance/status"] = Self.page(
            #"{"header":{"member_id":"7"},"version":"3.5.16","leader":"9","isLearner":true}"#)
        let observed = await observer(World(probes: all.probes, pages: pages))
            .observe(Self.reference)
        #expect(
            observed.etcd["etcd"]
                == .known(ObservedEtcd(isHealthy: false, members: [], memberID: 7, leaderID: 9)))
    }

    @Test("etcd without a quorum answers its member list and no health: it is not healthy")
    func etcdWithoutQuorum() async throws {
        let all = try Self.referenceWorld()
        var pages = all.pages
        pages["hil-1 10.220.128.2:2379/health"] = Self.page(
            #"{"health":"false","reason":"RAFT NO LEADER"}"#, 503)
        let observed = await observer(World(probes: all.probes, pages: pages))
            .observe(Self.reference)
        #expect(observed.etcd["etcd"]?.value?.isHealthy == false)
        pages["hil-1 10.220.128.2:2379/v3/maintenance/status"] = Self.page("404 page", 404)
        let none = await observer(World(probes: all.probes, pages: pages)).observe(Self.reference)
        #expect(
            none.etcd["etcd"]?.reason
                == "POST /v3/maintenance/status at 10.220.128.2:2379 on hil-1 answered status 404: "
                + "“404 page”")
    }
}
