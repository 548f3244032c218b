package import Cluster
import Effects
package import Planning
package import Rendering
import RemoteCommands

/// Turns actions into commands and requests: names are looked up in the blueprint, container ids
/// and addresses in the readings of the moment. It decides nothing.
package struct ActionEffects: EffectSource {
    let blueprint: Blueprint
    var topology: Topology { blueprint.topology }
    var project: Project { blueprint.topology.desired.project }
    /// What a step may take, which is what its long commands may take.
    var patience: Duration { blueprint.topology.desired.rollout.stepTimeout }

    package init(_ blueprint: Blueprint) { self.blueprint = blueprint }
}

extension ActionEffects {
    package func effects(
        of action: Action, seeing observed: Observed
    ) throws(MissingFact) -> [Effect] {
        do {
            return try unchecked(action, observed)
        } catch let fact as MissingFact {
            throw fact
        } catch let text as UnquotableText {
            throw MissingFact(text.description)
        } catch {
            throw MissingFact("\(error)")
        }
    }

    private func unchecked(_ action: Action, _ observed: Observed) throws -> [Effect] {
        switch action {
        case .prepareNode(let node):
            [.command(try .makeDirectory(project), on: node)]
        case .adoptProject(let node, let files):
            [
                .command(
                    try .keepAside(
                        moving: files.filter { blueprint.file($0, on: node) == nil },
                        copying: files.filter { blueprint.file($0, on: node) != nil },
                        in: project),
                    on: node)
            ]
        case .writeFiles(let node, let paths):
            [.command(try .writeFiles(try files(paths, on: node), in: project), on: node)]
        case .removeFiles(let node, let paths):
            [.command(try .removeFiles(paths, in: project), on: node)]
        case .pullImage(let node, let image):
            [.command(try .pullImage(image, limit: Action.pullLimit), on: node)]
        case .addEtcdLearner(let name): try addLearner(name, observed)
        case .promoteEtcd(let name): [try promote(name, observed)]
        case .removeEtcdMember(let name): [try removeFromEtcd(name, observed)]
        case .discardEtcdData(let name, let id, let volume): [try discard(name, id, volume)]
        case .bootstrap(let member), .addReplica(let member):
            [try up(try place(of: member), recreating: false)]
        case .recreateMember(let member): [try up(try place(of: member), recreating: true)]
        case .startMember(let member): [try start(try place(of: member), observed)]
        case .restartMember(let member): [try restart(try place(of: member), observed)]
        case .reinitialize(let member): [try reinitialize(member, observed)]
        case .restartPostgres(let member): [try restartPostgres(member, observed)]
        case .switchover(let from, let to): [try switchover(from, to, observed)]
        case .removeMember(let member, let node, let id, let volume):
            [
                try remove(
                    ContainerAddress(member.service, on: node), id, volume: volume,
                    grace: Self.memberGrace)
            ]
        case .patchConfiguration(let patch): [try patchConfiguration(patch, observed)]
        case .prepareDatabase: try prepareDatabase(observed)
        case .reloadHAProxy(let node): [try reloadProxy(node, observed)]
        case .createContainer(let address): [try up(address, recreating: false)]
        case .recreateContainer(let address): [try up(address, recreating: true)]
        case .startContainer(let address): [try start(address, observed)]
        case .restartContainer(let address): [try restart(address, observed)]
        case .removeContainer(let address, let id):
            [try remove(address, id, volume: nil, grace: ownGrace(of: address, observed))]
        }
    }

    // MARK: - Containers

    private func up(_ address: ContainerAddress, recreating: Bool) throws -> Effect {
        let grace = grace(of: address)
        return .command(
            try .composeUp(
                address.service, in: project, recreating: recreating, grace: grace,
                limit: grace + .seconds(120)),
            on: address.node)
    }

    private func start(_ address: ContainerAddress, _ observed: Observed) throws -> Effect {
        .command(
            try .startContainer(
                try container(address, observed).id, service: address.service),
            on: address.node)
    }

    private func restart(_ address: ContainerAddress, _ observed: Observed) throws -> Effect {
        let grace = grace(of: address)
        return .command(
            try .restartContainer(
                try container(address, observed).id, service: address.service, grace: grace,
                limit: grace + .seconds(60)),
            on: address.node)
    }

    private func remove(
        _ address: ContainerAddress, _ id: String, volume: String?, grace: Duration
    ) throws -> Effect {
        .command(
            try .stopAndRemove(
                id, service: address.service, in: project, grace: grace, deletingVolume: volume,
                limit: grace + .seconds(60)),
            on: address.node)
    }

    private func reloadProxy(_ node: NodeName, _ observed: Observed) throws -> Effect {
        let container = try container(ContainerAddress(HAProxy.service, on: node), observed)
        guard let file = try files([HAProxy.configurationPath], on: node).first else {
            throw MissingFact("HAProxy on \(node) has no configuration")
        }
        return .command(
            try .reloadHAProxy(file, container: container.id, in: project), on: node)
    }

    private func prepareDatabase(_ observed: Observed) throws -> [Effect] {
        let leader = try leader(observed)
        guard let place = seen(leader.service, observed).first else {
            throw MissingFact("the container of the leader, \(leader), was not found")
        }
        return [
            .command(
                try .psql(
                    blueprint.databaseScript, summary: "prepare the database",
                    in: place.container.id),
                on: place.node),
            .command(try .writeFiles([blueprint.databaseMarker], in: project), on: place.node),
        ]
    }

    // MARK: - Lookups

    /// How long a declared container may take to stop.
    private func grace(of address: ContainerAddress) -> Duration {
        blueprint.spec(address)?.stopGracePeriod ?? .seconds(30)
    }

    /// What a container that left the manifest was given when it was made; docker's default else.
    /// A negative one is docker's "for ever".
    private func ownGrace(of address: ContainerAddress, _ observed: Observed) -> Duration {
        let container = observed.nodes[address.node]?.value?.container(address.service)
        let seconds = container?.stopTimeout ?? 10
        return seconds < 0 ? Self.longestGrace : min(.seconds(seconds), Self.longestGrace)
    }

    private static let longestGrace = Duration.seconds(3600)

    /// What Postgres may need to end its sessions and write its last checkpoint.
    private static let memberGrace = Duration.seconds(300)

    private func files(_ paths: [String], on node: NodeName) throws(MissingFact) -> [FileSpec] {
        var files: [FileSpec] = []
        for path in paths {
            guard let file = blueprint.file(path, on: node) else {
                throw MissingFact("no file \(path) belongs on \(node)")
            }
            files.append(file)
        }
        return files
    }

    func place(of member: MemberName) throws(MissingFact) -> ContainerAddress {
        guard let placed = topology.member(member) else {
            throw MissingFact("\(member) has no place in the manifest")
        }
        return ContainerAddress(member.service, on: placed.node)
    }

    func container(
        _ address: ContainerAddress, _ observed: Observed
    ) throws(MissingFact) -> ObservedContainer {
        switch observed.nodes[address.node] {
        case .known(let node):
            guard let container = node.container(address.service) else {
                throw MissingFact("there is no container of \(address)")
            }
            return container
        case .unreachable(let reason):
            throw MissingFact("\(address.node) could not be looked at: \(reason)")
        case nil: throw MissingFact("\(address.node) was not looked at")
        }
    }

    struct Seen {
        var node: NodeName
        var container: ObservedContainer
    }

    /// Containers of a service wherever they are, by node.
    func seen(_ service: ServiceName, _ observed: Observed) -> [Seen] {
        observed.nodes.sorted { $0.key < $1.key }.compactMap { node, reading in
            reading.value?.container(service).map { Seen(node: node, container: $0) }
        }
    }

    func leader(_ observed: Observed) throws(MissingFact) -> MemberName {
        let leaders = observed.members.filter { $0.value.value?.role == .leader }.keys.sorted()
        guard let leader = leaders.first, leaders.count == 1 else {
            throw MissingFact("\(leaders.count) members say that they lead")
        }
        return leader
    }
}
