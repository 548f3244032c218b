import Cluster
import Effects
import Execution
import Planning
import RemoteCommands
import Rendering
import Testing

@Suite("The effects of an action")
struct ActionEffectsTests {
    private static let desired = Desired(
        name: "c", project: Project(name: "p", directory: "/srv/p"),
        nodes: [
            Node(name: "n1", address: "10.0.0.1", privateAddress: "192.168.0.1"),
            Node(name: "n2", address: "10.0.0.2"),
        ],
        secrets: [:],
        etcd: Etcd(
            image: "etcd:1",
            members: [
                EtcdMember(name: "etcd-1", node: "n1"), EtcdMember(name: "etcd-2", node: "n2"),
            ]),
        postgres: Postgres(image: "spilo-17:1", database: "app", replicas: 1))

    private static func effects() throws -> ActionEffects {
        let topology = Topology(desired: desired, members: Bench.topology.members)
        let secrets = Secrets([
            "superuser": Secret("a"), "replication": Secret("b"), "admin": Secret("c"),
        ])
        return ActionEffects(try Blueprint(topology: topology, secrets: secrets))
    }

    private static func container(
        _ service: ServiceName, _ id: String, port: UInt16? = nil
    ) -> ObservedContainer {
        ObservedContainer(
            id: id, service: service, image: "i:1", imageID: "i",
            ports: port.map { [PortMapping(host: $0, container: 8008)] } ?? [],
            address: "172.18.0.9")
    }

    private static let observed = Observed(
        nodes: [
            "n1": .known(
                ObservedNode(containers: [
                    container("pg-1", "aa", port: 8008), container("etcd-1", "ee"),
                ])),
            "n2": .known(ObservedNode(containers: [container("pg-2", "bb", port: 8018)])),
        ],
        members: [
            "pg-1": .known(PatroniMember(role: .leader, state: .running)),
            "pg-2": .known(PatroniMember(role: .replica, state: .running)),
        ],
        configuration: .known(.object(["loop_wait": .int(20)])),
        etcd: [
            "etcd-1": .known(
                ObservedEtcd(
                    isHealthy: true,
                    members: [
                        EtcdPeer(id: 1, name: "etcd-1", peerURLs: ["http://192.168.0.1:2380"])
                    ], memberID: 1))
        ])

    private func summaries(_ action: Action, _ observed: Observed = observed) throws -> [String] {
        try Self.effects().effects(of: action, seeing: observed).map {
            switch $0 {
            case .command(let command, let node): "\(command.summary) on \(node)"
            case .request(let request, _, _): "\(request.method.rawValue) \(request.address.path)"
            }
        }
    }

    /// The command was cut at the step timeout of ten minutes while its step allowed thirty.
    @Test("of loading an image end when its step does, and not before")
    func pull() throws {
        let effects = try Self.effects().effects(
            of: .pullImage("n1", "spilo-17:1"), seeing: Self.observed)
        let expected = try Command.pullImage("spilo-17:1", limit: Action.pullLimit)
        #expect(effects == [.command(expected, on: "n1")])
    }

    @Test("asks the old leader to hand over, and waits as long as Patroni itself does")
    func switchover() throws {
        let effects = try Self.effects().effects(
            of: .switchover(from: "pg-1", to: "pg-2"), seeing: Self.observed)
        let address = WebAddress(node: "n1", host: "192.168.0.1", port: 8008, path: "/switchover")
        let body = JSONValue.object(["leader": "pg-1", "candidate": "pg-2"])
        #expect(
            effects == [
                .request(
                    WebRequest(method: .post, address: address, body: body),
                    .switchover(to: "pg-2"), limit: .seconds(55))
            ])
    }

    @Test(
        "reaches a member by the port that its container publishes, on loopback where no private address is declared"
    )
    func published() throws {
        let effects = try Self.effects().effects(of: .reinitialize("pg-2"), seeing: Self.observed)
        let address = WebAddress(node: "n2", host: "127.0.0.1", port: 8018, path: "/reinitialize")
        #expect(
            effects == [
                .request(
                    WebRequest(method: .post, address: address, body: .object([:])),
                    .reinitialize("pg-2"), limit: .seconds(30))
            ])
    }

    @Test("sends configuration to whoever leads, and to nobody when that is not known")
    func patch() throws {
        let patch = JSONValue.object(["ttl": .int(20)])
        #expect(try summaries(.patchConfiguration(patch)) == ["PATCH /config"])
        var dark = Self.observed
        dark.members["pg-1"] = .unreachable("no route")
        #expect(throws: MissingFact("0 members say that they lead")) {
            try summaries(.patchConfiguration(patch), dark)
        }
    }

    @Test("tells etcd of a learner first, and not again after an attempt that was interrupted")
    func learner() throws {
        #expect(
            try summaries(.addEtcdLearner("etcd-2")) == [
                "add etcd-2 to etcd on n1", "write env/etcd-2.first-start.env on n2",
                "recreate etcd-2 on n2",
            ])
        var again = Self.observed
        again.etcd["etcd-1"] = .known(
            ObservedEtcd(
                isHealthy: true,
                members: [
                    EtcdPeer(id: 1, name: "etcd-1"),
                    EtcdPeer(
                        id: 2, name: "", isLearner: true, peerURLs: ["http://10.0.0.2:2380"],
                        hasStarted: false),
                ], memberID: 1))
        #expect(
            try summaries(.addEtcdLearner("etcd-2"), again) == [
                "write env/etcd-2.first-start.env on n2", "recreate etcd-2 on n2",
            ])
    }

    @Test("removes a member that never started by its id")
    func nameless() throws {
        var stray = Self.observed
        stray.etcd["etcd-1"] = .known(
            ObservedEtcd(
                isHealthy: true,
                members: [
                    EtcdPeer(id: 1, name: "etcd-1"), EtcdPeer(id: 0xff, name: "", isLearner: true),
                ], memberID: 1))
        #expect(
            try Self.effects().effects(of: .removeEtcdMember("ff"), seeing: stray) == [
                .command(try .removeEtcdMember("ff", id: 255, through: "ee"), on: "n1")
            ])
    }

    @Test("of members that are created never recreates a container that is there")
    func creation() throws {
        #expect(try summaries(.addReplica("pg-2")) == ["create pg-2 on n2"])
        #expect(try summaries(.bootstrap("pg-2")) == ["create pg-2 on n2"])
        #expect(try summaries(.recreateMember("pg-2")) == ["recreate pg-2 on n2"])
    }

    @Test("leaves the marker of a prepared database only after the script ran")
    func database() throws {
        #expect(
            try summaries(.prepareDatabase) == [
                "prepare the database on n1", "write state/database.json on n1",
            ])
    }

    @Test("are none where the container that it speaks of could not be looked at")
    func missing() throws {
        var dark = Self.observed
        dark.nodes["n2"] = .unreachable("no route")
        #expect(throws: MissingFact("n2 could not be looked at: no route")) {
            try summaries(.restartMember("pg-2"), dark)
        }
    }

    /// A request that came late restarted whoever led by then, pending or not.
    @Test("of a restart ask for a pending one, and for a replica's where the member is one")
    func conditionalRestart() throws {
        func body(_ member: MemberName) throws -> JSONValue? {
            guard
                case .request(let request, _, _)? = try Self.effects().effects(
                    of: .restartPostgres(member), seeing: Self.observed
                ).first
            else { return nil }
            return request.body
        }
        #expect(
            try body("pg-1")
                == .object(["timeout": .int(600), "restart_pending": .bool(true)]))
        #expect(
            try body("pg-2")
                == .object([
                    "timeout": .int(600), "restart_pending": .bool(true), "role": "replica",
                ]))
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
}
