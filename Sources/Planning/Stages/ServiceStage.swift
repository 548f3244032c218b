import Cluster
import Rendering

/// The manifest's database, and Supabase's roles in it.
enum DatabaseStage {
    static func plan(_ situation: Situation, _ draft: inout Draft) {
        let marker = situation.blueprint.databaseMarker
        let isThere = situation.desired.nodes.contains { node in
            guard let file = situation.node(node.name)?.files[marker.path] else { return false }
            return FileDifference.change(marker, file, situation) == nil
        }
        let leads = situation.health.leader != nil || !draft.created.isEmpty
        let rotated = rotatedRoles(situation)
        guard !isThere || !rotated.isEmpty, leads, situation.unknownNodes.isEmpty else { return }
        let name = situation.desired.postgres.database
        var causes: [Cause] = []
        if !isThere {
            let roles = situation.blueprint.databaseRoles.joined(separator: ", ")
            causes.append(
                .missing(
                    "database \(name) was not prepared yet; what is there already stays"
                        + (roles.isEmpty
                            ? "" : ", but the passwords of \(roles) become the manifest's")))
        }
        for (role, services) in rotated.sorted(by: { $0.key < $1.key }) {
            let users = services.sorted().map(\.rawValue).joined(separator: ", ")
            causes.append(.topology("\(users) is to log in as \(role) with its present secret"))
        }
        draft.created.append(
            draft.add(
                "database:\(name)", .prepareDatabase, because: causes,
                after: draft.prepared + draft.etcd + draft.created, guards: [.clusterSettled],
                done: .commandSucceeded, limit: .seconds(300),
                contents: situation.fingerprint.map {
                    ["SQL": $0(situation.blueprint.databaseScript)]
                } ?? [:]))
    }

    /// Roles whose secret may be another than the database's, by the services that are about to
    /// get it: a service with a new password and a role with the old one is locked out.
    private static func rotatedRoles(_ situation: Situation) -> [String: Set<ServiceName>] {
        let roles = Set(situation.blueprint.databaseRoles)
        var found: [String: Set<ServiceName>] = [:]
        for service in situation.desired.services {
            for node in service.nodes {
                let address = ContainerAddress(service.name, on: node)
                guard case .present(_, let changes) = situation.standing(address) else { continue }
                let fields = Set(changes.map(\.field))
                for (key, value) in service.environment where fields.contains("environment.\(key)")
                {
                    for secret in value.secretNames where roles.contains(secret.rawValue) {
                        found[secret.rawValue, default: []].insert(service.name)
                    }
                }
            }
        }
        return found
    }
}

/// A running HAProxy that has to learn of other servers.
enum ProxyReload {
    static func plan(_ situation: Situation, _ draft: inout Draft) {
        guard let proxy = situation.desired.haproxy else { return }
        for node in proxy.nodes {
            guard FileDifference.isReload(node, situation), let cause = cause(on: node, situation)
            else { continue }
            draft.reloads.append(
                draft.add(
                    "reload:haproxy@\(node)", .reloadHAProxy(node),
                    because: [cause],
                    after: draft.prepared + draft.created + draft.lastDisruption,
                    done: .proxyServers(node, situation.blueprint.proxyServers),
                    limit: .seconds(120),
                    contents: situation.contents([HAProxy.configurationPath], on: node)))
        }
    }

    /// Its file is not as declared, or it is and HAProxy has yet to read it: a reload that was cut
    /// off after the file was placed.
    private static func cause(on node: NodeName, _ situation: Situation) -> Cause? {
        let path = HAProxy.configurationPath
        if let shown = situation.node(node), let file = situation.blueprint.file(path, on: node),
            let change = FileDifference.change(file, shown.files[path], situation)
        {
            return .field(change.path, from: change.old, to: change.new)
        }
        guard let servers = situation.observed.haproxy[node]?.value else { return nil }
        return Rules.otherServers(servers, than: situation.blueprint.proxyServers, on: node)
            .map { .broken($0) }
    }
}

/// Stage 8: HAProxy, Supabase and other services in dependency order, each until healthy.
enum ServiceStage {
    static func plan(_ situation: Situation, _ draft: inout Draft) {
        let base =
            draft.prepared + draft.etcd + draft.created + draft.lastDisruption
            + PruneStage.freePorts(situation, &draft)
        var made: [ServiceName: [StepID]] = [:]
        if let proxy = situation.desired.haproxy {
            var last: [StepID] = []
            for node in proxy.nodes {
                let address = ContainerAddress(HAProxy.service, on: node)
                let servers = Condition.proxyServers(node, situation.blueprint.proxyServers)
                // One HAProxy at a time, so that clients keep a way in; at first all at once.
                let after = base + (isFirst(situation) ? [] : last)
                let steps = mend(
                    address, situation, &draft, after: after, starting: draft.prepared,
                    done: servers)
                last += steps
            }
            made[HAProxy.service] = last
            draft.services += last
        }
        for service in ordered(situation.desired.services) {
            let waits = service.dependsOn.flatMap { made[$0] ?? [] } + (made[HAProxy.service] ?? [])
            for node in service.nodes {
                let address = ContainerAddress(service.name, on: node)
                let steps = mend(
                    address, situation, &draft, after: base + waits,
                    starting: draft.prepared + waits, done: .containerHealthy(address))
                made[service.name, default: []] += steps
                draft.services += steps
            }
        }
    }

    private static func isFirst(_ situation: Situation) -> Bool { situation.live.isEmpty }

    /// - Parameter starting: what the start of a stopped container comes after. It takes nothing
    ///   away, so it does not wait for Postgres: a replica that cannot be mended would keep
    ///   clients out.
    private static func mend(
        _ address: ContainerAddress, _ situation: Situation, _ draft: inout Draft,
        after: [StepID], starting: [StepID], done: Condition
    ) -> [StepID] {
        let limit = situation.rollout.stepTimeout
        let suffix = "\(address.service)@\(address.node)"
        switch situation.standing(address) {
        case .unknown: return []
        case .absent:
            return [
                draft.add(
                    "create:\(suffix)", .createContainer(address),
                    because: [.missing("no container of \(address.service) on \(address.node)")],
                    after: after, guards: [.containerMissing(address)], done: done, limit: limit)
            ]
        case .present(let container, let changes):
            let same = Guard.containerIs(address, id: container.id)
            if !changes.isEmpty || container.state == .restarting {
                var causes = changes.map(\.cause)
                if container.state == .restarting {
                    causes.append(.broken("its container restarts again and again"))
                }
                let isProxy = address.service == HAProxy.service
                if isProxy, container.state == .running, let other = unseenProxy(situation) {
                    draft.block(
                        address.description, seen: "\(other) could not be looked at",
                        expected: "every HAProxy seen before one of them goes down",
                        remedy: "Make \(other) reachable, then plan again.")
                    return []
                }
                return [
                    draft.add(
                        "recreate:\(suffix)", .recreateContainer(address),
                        because: causes, after: after, guards: [same], done: done, limit: limit,
                        disruption: isProxy ? .writePause : .none)
                ]
            }
            switch container.state {
            case .created, .exited, .dead:
                return [
                    draft.add(
                        "start:\(suffix)", .startContainer(address),
                        because: [.broken("its container is \(container.state.rawValue)")],
                        after: starting, guards: [same], done: done, limit: limit)
                ]
            case .running where container.health == .unhealthy:
                return [
                    draft.add(
                        "restart:\(suffix)", .restartContainer(address),
                        because: [.broken("its health check fails")], after: after,
                        guards: [same], done: done, limit: limit)
                ]
            case .running, .paused, .restarting, .removing: return []
            }
        }
    }

    /// A node whose HAProxy may be down already.
    private static func unseenProxy(_ situation: Situation) -> NodeName? {
        situation.desired.haproxy?.nodes.first { situation.unknownNodes.contains($0) }
    }

    /// Dependencies first; the manifest's order otherwise. A cycle was refused by the decoder.
    private static func ordered(_ services: [Service]) -> [Service] {
        var done: Set<ServiceName> = []
        var result: [Service] = []
        let names = Set(services.map(\.name))
        var rest = services
        while !rest.isEmpty {
            let ready = rest.filter { service in
                service.dependsOn.allSatisfy { done.contains($0) || !names.contains($0) }
            }
            let next = ready.isEmpty ? rest : ready
            result += next
            done.formUnion(next.map(\.name))
            rest.removeAll { done.contains($0.name) }
        }
        return result
    }
}
