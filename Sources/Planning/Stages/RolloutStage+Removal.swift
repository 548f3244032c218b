import Cluster
import Rendering

/// Members that left the manifest.
extension RolloutStage {
    /// Members to remove that are no healthy copy: they go first, for they hold up the others.
    mutating func removeBroken(_ draft: inout Draft) {
        for name in situation.leaving where !situation.health.isSound(name) {
            remove(name, &draft)
        }
    }

    /// Members to remove, after HAProxy forgot them.
    mutating func removeHealthy(_ draft: inout Draft) {
        let names = situation.leaving.filter { situation.health.isSound($0) }
        guard !names.isEmpty, isEverythingSeen(names, &draft) else { return }
        for name in names where name != leader {
            guard !draft.steps.contains(where: { $0.id == StepID("remove:\(name)") }) else {
                continue
            }
            remove(name, &draft)
        }
    }

    private mutating func remove(_ name: MemberName, _ draft: inout Draft) {
        guard let member = situation.live[name], isEverythingSeen([name], &draft),
            let container = situation.node(member.node)?.container(name.service)
        else { return }
        let healthy = situation.health.isSound(name)
        let ends = situation.topology.members.count == 1
        let volume =
            situation.desired.postgres.deleteVolumes
            ? situation.blueprint.dataVolume(of: name) : nil
        let guards: [Guard] = [
            .containerIs(ContainerAddress(name.service, on: member.node), id: container.id),
            .clusterSettled, .notLeading(name), .healthyCopy(besides: name),
            // One that was broken when the plan was made may be a copy that counts by now.
            healthy
                ? .othersStreaming(besides: name, maxLag: maxLag)
                : .ailingOrOthersStreaming(name, maxLag: maxLag),
        ]
        var hazards: Set<Hazard> = []
        if volume != nil { hazards.insert(.dataLoss) }
        // One that looks ill may be a copy that counts by now.
        if ends { hazards.insert(.singleCopy) }
        if container.managedBy != situation.desired.name { hazards.insert(.adopt) }
        draft.lastDisruption = [
            draft.add(
                "remove:\(name)",
                .removeMember(
                    name, node: member.node, containerID: container.id, deletingVolume: volume),
                because: [.leftManifest],
                after: draft.prepared + draft.etcd + draft.created + draft.lastDisruption
                    + draft.reloads,
                guards: guards, done: .memberForgotten(name), limit: limit,
                disruption: volume == nil ? .replicaRestart : .dataLoss, hazards: hazards)
        ]
    }
}
