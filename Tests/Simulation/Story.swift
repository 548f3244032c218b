import Cluster
import Planning
import Rendering

/// What one seed tells: a cluster, an edit of its manifest, and how much goes wrong.
struct Story: Sendable {
    var shape: Shape
    var desired: Desired
    /// What another process of ours wants at the same time, if there is one.
    var rival: Desired?
    /// Trouble that is there from the start.
    var prepare: @Sendable (inout World) -> Void = { _ in }
    /// How long that is past when the tool first looks.
    var rest = Duration.seconds(10)
    /// What happens so long after the first round began, besides.
    var sudden: Sudden?
    var faults: Faults
    var rounds: Int
    /// How long a probe takes; a request over HTTP takes a tenth of it.
    var latency = Duration.milliseconds(400)
    /// What the person who applies accepts while there is trouble; in the calm, all that is asked.
    var accepted = Set(Hazard.allCases)
    /// One round in so many is killed, interrupted.
    var kills = 3
    var interrupts = 5

    struct Sudden: Sendable {
        var delay: Duration
        var happens: @Sendable (inout World) -> Void
    }

    /// An edit without trouble.
    init(_ desired: Desired, from shape: Shape = .threeServers) {
        self.shape = shape
        self.desired = desired
        faults = Faults()
        rounds = 0
    }

    init(seed number: UInt64) {
        var seed = Seed(number)
        let likely: [Shape] = [
            .threeServers, .threeServers, .threeServers, .oneServer, .oneServer, .oneServer,
            .synchronous, .services, .oneEtcd, .byHand, .empty,
        ]
        shape = seed.pick(likely)
        desired = shape.desired
        for _ in 0..<seed.number(0...3) { Self.edit(&desired, &seed) }
        if seed.oneIn(5) {
            rival = seed.oneIn(2) ? desired : shape.desired
        }
        faults = Faults(
            isActive: true, commands: seed.pick([6, 12, 40]), readings: seed.pick([30, 60, 400]),
            ticks: seed.pick([25, 100, 400]))
        rounds = seed.pick([1, 1, 1, 2])
        latency = .milliseconds(seed.pick([300, 700, 1500]))
        desired.rollout.stepTimeout = .seconds(seed.pick([30, 60]))
        if seed.oneIn(2) {
            faults.theme = seed.number(Faults.kinds)
            faults.ticks = seed.pick([10, 25, 100])
        }
        if seed.oneIn(3) {
            faults.strike = Faults.Strike(
                acts: seed.number(1...3), kind: seed.number(Faults.kinds),
                delay: .milliseconds(seed.number(0...4000)))
            if faults.theme == nil { faults.ticks = seed.pick([100, 400]) }
        }
        if seed.oneIn(2) { accepted = [] }
        if seed.oneIn(6) {
            let kind = seed.number(0...8)
            if kind == 4, shape.desired.etcd.members.count == 3, seed.oneIn(2) {
                desired.etcd.members = Shape.etcdMembers(1, on: 3)
            }
            if kind == 8 || (kind == 5 || kind == 6) && seed.oneIn(2) {
                desired.etcd.image = ImageReference("etcd:3.6")
            }
            // Somebody sees to it at the same time; the power is back shortly before the tool looks.
            if kind == 6, seed.oneIn(2) { faults.theme = 23 }
            if kind == 7 {
                rest = .seconds(seed.number(28...50))
                if seed.oneIn(2) { desired.postgres.image = ImageReference("spilo-17:2") }
            }
            prepare = { world in
                switch kind {
                case 0: world.wreckAReplica()
                case 1: world.killAReplica()
                case 2: world.killAReplicaAndSilenceAnother()
                case 3: world.killEveryMember()
                case 4: world.killAVoterAndMuteAnother()
                case 6: world.killEtcdButOne()
                case 7: world.blackOutLeader()
                case 8: world.muteEtcdForLong()
                default: world.cutAReplicaOff()
                }
            }
        }
        if seed.oneIn(8) {
            let (what, before) = (seed.pick(Hidden.allCases), prepare)
            if [.shell, .shellOfLeader].contains(what), shape.desired.etcd.members.count == 3,
                seed.oneIn(3)
            {
                desired.etcd.members = Shape.etcdMembers(1, on: 3)
            }
            prepare = { world in
                before(&world)
                world.hide(what)
            }
        }
        if Self.isContradictory(desired, after: shape.desired) {
            desired.postgres.configuration = shape.desired.postgres.configuration
        }
    }

    /// Less of a setting that binds standbys, together with what recreates members, is refused: a
    /// person makes two edits of it.
    private static func isContradictory(_ new: Desired, after old: Desired) -> Bool {
        let isRecreated =
            new.postgres.image != old.postgres.image
            || new.postgres.environment != old.postgres.environment
            || new.etcd.members != old.etcd.members
        return isRecreated && connections(new) < connections(old)
    }

    private static func connections(_ desired: Desired) -> Int64 {
        let parameters = desired.postgres.configuration["postgresql"]?["parameters"]
        guard case .int(let count) = parameters?["max_connections"] else { return 0 }
        return count
    }

    private static func edit(_ desired: inout Desired, _ seed: inout Seed) {
        switch seed.number(0...13) {
        case 0, 1, 2: desired.postgres.image = ImageReference("spilo-17:2")
        case 3, 4: desired.postgres.replicas = seed.number(1...4)
        case 5: desired.postgres.environment["TZ"] = "UTC"
        case 6, 7:
            let isSynchronous = desired.postgres.configuration["synchronous_mode"] != nil
            desired.postgres.configuration = Shape.configuration(
                Int64(seed.pick([50, 300])), synchronous: isSynchronous)
        case 8: desired.etcd.image = ImageReference("etcd:3.6")
        case 9 where desired.nodes.count == 3:
            desired.etcd.members = Shape.etcdMembers(seed.pick([1, 3]), on: 3)
        case 10: desired.haproxy?.maxConnections = 500
        case 11:
            desired.rollout.preferredLeader = MemberName("postgres-\(seed.number(1...2))")
        case 12: desired.postgres.deleteVolumes = true
        case 13 where desired.nodes.count == 3:
            desired.services = seed.oneIn(2) ? [] : [Shape.service("rest", port: 3000)]
        default: break
        }
    }

    /// In a line, for people who look into a seed.
    var told: String {
        var text = "\(shape.rawValue)"
        let old = shape.desired
        if desired.postgres.image != old.postgres.image { text += ", another image" }
        if desired.postgres.replicas != old.postgres.replicas {
            text += ", \(desired.postgres.replicas) replicas"
        }
        if desired.postgres.environment != old.postgres.environment {
            text += ", another environment"
        }
        if desired.postgres.configuration != old.postgres.configuration {
            text += ", configuration \(desired.postgres.configuration.canonicalText)"
        }
        if desired.etcd != old.etcd {
            text += ", \(desired.etcd.members.count) × \(desired.etcd.image)"
        }
        if desired.haproxy != old.haproxy { text += ", another haproxy" }
        if let leader = desired.rollout.preferredLeader { text += ", \(leader) is to lead" }
        if desired.postgres.deleteVolumes { text += ", volumes are deleted" }
        if desired.services != old.services { text += ", \(desired.services.count) services" }
        if rival != nil { text += ", and a rival" }
        return text
            + "; one fault in \(faults.commands) commands, \(faults.readings) readings and"
            + " \(faults.ticks) ticks"
            + (faults.theme.map { ", mostly of kind \($0)" } ?? "")
            + (faults.strike.map { ", one of kind \($0.kind) after act \($0.acts)" } ?? "")
    }

    /// The truth at the end, not the tool's word for it.
    func complaints(about world: World, _ blueprint: Blueprint) -> [String] {
        var complaints: [String] = []
        let count = desired.postgres.memberCount
        let healthy = world.instances.keys.filter { world.oracle.isHealthyCopy($0, in: world) }
        if healthy.count != count || world.instances.count != count {
            complaints.append(
                "\(healthy.count) of \(world.instances.count) members are healthy, not \(count)")
        }
        let etcd = world.etcd.members
        if Set(etcd.map(\.name)) != Set(desired.etcd.members.map(\.name.rawValue))
            || etcd.contains(where: \.isLearner) || world.etcd.running.count != etcd.count
        {
            complaints.append("etcd is \(etcd.map(\.name)), \(world.etcd.running.count) run")
        }
        for (node, server) in world.servers {
            let known = blueprint.containers.keys.filter { $0.node == node }.map(\.service)
            for (service, container) in server.containers where container.isOurs {
                if !known.contains(service) { complaints.append("\(service) is left on \(node)") }
            }
        }
        for (address, spec) in blueprint.containers {
            guard let container = world.servers[address.node]?.containers[address.service] else {
                complaints.append("\(address) is not there")
                continue
            }
            if container.state != "running" { complaints.append("\(address) \(container.state)") }
            if container.isOurs,
                container.spec.image != spec.image
                    || container.spec.environment != spec.environment
            {
                complaints.append("\(address) is not as declared")
            }
        }
        for (node, files) in blueprint.files {
            for file in files where file.comparison != .presence {
                let found = world.servers[node]?.files[file.path]
                if found?.content != file.content.reveal() || found?.mode != file.mode {
                    complaints.append("\(file.path) on \(node) is not as declared")
                }
            }
        }
        let live = world.dcs.configuration ?? .null
        if ConfigurationDifference.patch(from: live, to: desired.postgres.configuration) != nil {
            complaints.append("Patroni's configuration is not as declared")
        }
        return complaints.sorted()
    }
}
