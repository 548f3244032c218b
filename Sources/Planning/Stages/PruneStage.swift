import Cluster
import Rendering

/// What left the manifest goes last; what Matriarch did not make is never touched.
enum PruneStage {
    static func plan(_ situation: Situation, _ draft: inout Draft) {
        for node in situation.desired.nodes.map(\.name) {
            for container in leftOver(on: node, situation) {
                prune(container, on: node, situation, &draft)
            }
            let containers = situation.node(node)?.containers ?? []
            for container in containers.sorted(by: { $0.service < $1.service }) {
                noteAdopted(
                    ContainerAddress(container.service, on: node), container, situation, &draft)
            }
            removeFiles(on: node, situation, &draft)
        }
    }

    /// Removals that cannot wait for what replaces them: it needs their ports.
    static func freePorts(_ situation: Situation, _ draft: inout Draft) -> [StepID] {
        guard situation.unknownNodes.isEmpty else { return [] }
        var freed: [StepID] = []
        for node in situation.desired.nodes.map(\.name) {
            let wanted = Set(
                situation.blueprint.containers.filter { $0.key.node == node }
                    .flatMap { $0.value.ports.map(\.host) })
            for container in leftOver(on: node, situation)
            where container.managedBy == situation.desired.name
                && !situation.desired.isEtcd(container)
                && !wanted.isDisjoint(with: container.ports.map(\.host))
            {
                freed.append(
                    remove(container, on: node, after: draft.lastDisruption, situation, &draft))
            }
        }
        return freed
    }

    /// Containers of the project that nothing declares, and that are no members of Postgres.
    private static func leftOver(
        on node: NodeName, _ situation: Situation
    ) -> [ObservedContainer] {
        let members = Set(situation.live.keys.map(\.service))
        return (situation.node(node)?.containers ?? [])
            .filter {
                situation.blueprint.spec(ContainerAddress($0.service, on: node)) == nil
                    && !members.contains($0.service)
            }
            .sorted { $0.service < $1.service }
    }

    private static func prune(
        _ container: ObservedContainer, on node: NodeName, _ situation: Situation,
        _ draft: inout Draft
    ) {
        let address = ContainerAddress(container.service, on: node)
        guard container.managedBy == situation.desired.name else {
            draft.notes.append(
                .undeclared(
                    object: address.description,
                    what: "a container that Matriarch did not make; it is left alone"))
            return
        }
        // What is to replace it may be there, or down, where nobody could look.
        guard situation.unknownNodes.isEmpty else {
            draft.notes.append(
                .advice(
                    "\(address) left the manifest; it stays, as \(EtcdStage.unseen(situation))"))
            return
        }
        guard !draft.steps.contains(where: { $0.id == removal(of: address) }) else { return }
        var guards: [Guard] = []
        if situation.desired.isEtcd(container) {
            guard Rules.etcdMembers(situation.observed) != nil else {
                draft.notes.append(
                    .advice(
                        "\(address) left the manifest; it stays until etcd's member list can be"
                            + " read"))
                return
            }
            guards.append(.etcdForgot(EtcdName(container.service.rawValue)))
        }
        _ = remove(
            container, on: node,
            after: draft.lastDisruption + draft.etcd + draft.services + draft.reloads,
            guards: guards, situation, &draft)
    }

    private static func remove(
        _ container: ObservedContainer, on node: NodeName, after: [StepID], guards: [Guard] = [],
        _ situation: Situation, _ draft: inout Draft
    ) -> StepID {
        let address = ContainerAddress(container.service, on: node)
        // The last way in for clients that come through HAProxy.
        let isOutage =
            container.service == HAProxy.service
            && !situation.blueprint.containers.keys.contains { $0.service == HAProxy.service }
        return draft.add(
            removal(of: address).rawValue,
            .removeContainer(address, containerID: container.id), because: [.leftManifest],
            after: draft.prepared + after,
            guards: [Guard.containerIs(address, id: container.id)] + guards,
            done: .containerAbsent(address, id: container.id), limit: .seconds(120),
            disruption: isOutage ? .outage : .none, hazards: isOutage ? [.outage] : [])
    }

    private static func removal(of address: ContainerAddress) -> StepID {
        StepID("remove:\(address.service)@\(address.node)")
    }

    /// Files of ours that nothing declared needs: their secrets would stay on the node for ever.
    private static func removeFiles(
        on node: NodeName, _ situation: Situation, _ draft: inout Draft
    ) {
        guard let shown = situation.node(node) else { return }
        let going = draft.steps.compactMap { step -> ServiceName? in
            switch step.action {
            case .removeContainer(let address, _) where address.node == node: address.service
            case .removeMember(let member, node, _, _): member.service
            default: nil
            }
        }
        let kept = shown.containers.map(\.service).filter { service in
            situation.blueprint.spec(ContainerAddress(service, on: node)) == nil
                && !going.contains(service)
        }
        let paths = situation.blueprint.leftOver(shown.files, on: node, keeping: Set(kept))
        guard !paths.isEmpty else { return }
        let removals = draft.steps.map(\.id).filter { id in
            going.contains { removal(of: ContainerAddress($0, on: node)) == id }
        }
        draft.add(
            "remove-files:\(node)", .removeFiles(node, paths: paths), because: [.leftManifest],
            after: draft.prepared + draft.lastDisruption + draft.etcd + draft.reloads + removals,
            done: .commandSucceeded, limit: .seconds(60))
    }

    private static func noteAdopted(
        _ address: ContainerAddress, _ container: ObservedContainer, _ situation: Situation,
        _ draft: inout Draft
    ) {
        guard container.managedBy == nil,
            case .present(_, let changes) = situation.standing(address), changes.isEmpty
        else { return }
        draft.notes.append(.adopted(address))
    }
}
