import Cluster
import Execution
import Planning
import RemoteCommands

/// What was read of servers, in the middle of a cluster that works: planned over, and every rule and
/// every action of it tried. A number of a server must not trap in what is reckoned with it.
enum AnsweredCluster {
    private static let members = (1...3).map { MemberName("postgres-\($0)") }

    /// - Parameter take: puts what was read in the place of what the cluster has.
    static func check(_ take: (inout Observed) -> Void) throws {
        guard let desired = ObservationPromises.clusters.first else {
            throw BrokenPromise(description: "there is no cluster to plan for")
        }
        var observed = Self.observed(desired)
        take(&observed)
        let secrets = Secrets(
            Dictionary(
                uniqueKeysWithValues: desired.secrets.keys.map {
                    ($0, Secret(ManifestPromises.secret))
                }))
        let proposal = try Planner.propose(desired: desired, secrets: secrets, observed: observed)
        try tryRules(of: proposal, observed)
        tryActions(of: proposal, observed)
    }

    private static func tryRules(of proposal: Proposal, _ observed: Observed) throws {
        let topology = proposal.topology
        let lag = desiredLag(topology)
        var guards = proposal.plan.steps.flatMap(\.guards)
        var conditions = proposal.plan.steps.map(\.done)
        for member in members {
            guards += [
                .notLeading(member), .othersStreaming(besides: member, maxLag: lag),
                .switchoverPossible(from: members[0], to: member, maxLag: lag),
                .stillAiling(member), .ailingOrOthersStreaming(member, maxLag: lag),
                .takesNothingAway(member, maxLag: lag), .restartPending(member),
                .healthyCopy(besides: member),
            ]
            conditions += [
                .leads(member), .streaming(member, maxLag: lag),
                .memberHealthy(member, maxLag: lag), .noPendingRestart(member, maxLag: lag),
                .memberForgotten(member),
            ]
        }
        for rule in guards + [.clusterSettled, .etcdHealthy(besides: []), .nothingBootstrapped] {
            let verdict = Rules.check(rule, topology: topology, observed: observed)
            try promise(
                verdict == Rules.check(rule, topology: topology, observed: observed),
                "two verdicts of \(rule)")
        }
        for condition in conditions {
            let progress = Rules.isMet(condition, topology: topology, observed: observed)
            try promise(
                progress == Rules.isMet(condition, topology: topology, observed: observed),
                "two answers to \(condition)")
        }
        try promise(Motion.patience(observed) <= .seconds(300), "it is waited for too long")
        try promise(
            SwitchoverWatch.patience(observed.configuration) <= .seconds(900),
            "a switchover is waited for too long")
    }

    private static func desiredLag(_ topology: Topology) -> ByteCount {
        topology.desired.rollout.maxLag
    }

    private static func tryActions(of proposal: Proposal, _ observed: Observed) {
        let source = ActionEffects(proposal.blueprint)
        var actions = proposal.plan.steps.map(\.action)
        for member in members {
            actions += [
                .switchover(from: members[0], to: member), .restartPostgres(member),
                .reinitialize(member), .startMember(member), .restartMember(member),
            ]
            _ = SwitchoverWatch.hasGivenUp(
                from: member, after: .seconds(86_400), seeing: observed)
        }
        for (node, reading) in observed.nodes {
            for container in reading.value?.containers ?? [] {
                actions.append(
                    .removeContainer(
                        ContainerAddress(container.service, on: node), containerID: container.id))
            }
        }
        for action in actions {
            for effect in (try? source.effects(of: action, seeing: observed)) ?? [] {
                switch effect {
                case .command(let command, _): _ = command.script.limit.components
                case .request(_, _, let limit): _ = limit.components
                }
            }
        }
    }

    /// Three members of which the first leads, and an etcd that is healthy.
    private static func observed(_ desired: Desired) -> Observed {
        var observed = Observed()
        for node in desired.nodes {
            observed.nodes[node.name] = .known(
                ObservedNode(dockerVersion: "26.1", composeVersion: "2.26", clock: now))
        }
        for (index, name) in members.enumerated() {
            let node = desired.nodes[min(index, desired.nodes.count - 1)].name
            if case .known(var shown) = observed.nodes[node] {
                shown.containers.append(
                    ObservedContainer(
                        id: "id-\(name)", service: name.service, managedBy: desired.name,
                        image: desired.postgres.image, imageID: "sha256:1",
                        address: "172.18.0.9", createdAt: 100, startedAt: 100))
                observed.nodes[node] = .known(shown)
            }
            observed.members[name] = .known(member(leads: index == 0))
            observed.views[name] = .known(
                ClusterView(
                    members: members.map {
                        ViewMember(
                            name: $0, role: $0 == members[0] ? .leader : .replica,
                            state: $0 == members[0] ? .running : .streaming)
                    }))
        }
        observed.configuration = .known(.object(["ttl": .int(30), "loop_wait": .int(10)]))
        let peers = desired.etcd.members.enumerated().map {
            EtcdPeer(id: UInt64($0 + 1), name: $1.name.rawValue)
        }
        for (index, peer) in desired.etcd.members.enumerated() {
            observed.etcd[peer.name] = .known(
                ObservedEtcd(
                    isHealthy: true, members: peers, memberID: UInt64(index + 1), leaderID: 1))
        }
        return observed
    }

    /// In seconds since the epoch, on every server.
    static let now: Int64 = 1_795_000_000

    private static func member(leads: Bool) -> PatroniMember {
        PatroniMember(
            role: leads ? .leader : .replica, state: .running, timeline: 1, location: 1000,
            replicationState: leads ? nil : "streaming", dcsLastSeen: now, answeredAt: now,
            serverVersion: 170_011)
    }
}
