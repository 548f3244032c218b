package import Cluster
package import Planning

extension Action {
    /// Whether an act of unknown outcome may be done once more, judged by what is there now.
    ///
    /// A switchover, a restart and a reinitialisation never: the first may still be going on. A
    /// container is created once more only where none came to be, since recreating one that
    /// bootstraps would destroy its work.
    package func mayRepeat(seeing observed: Observed, topology: Topology) -> Bool {
        switch self {
        case .prepareNode, .adoptProject, .writeFiles, .removeFiles, .pullImage,
            .patchConfiguration,
            .prepareDatabase, .reloadHAProxy, .promoteEtcd, .startMember, .startContainer,
            .removeContainer, .discardEtcdData:
            return true
        case .bootstrap, .addReplica, .createContainer, .addEtcdLearner:
            guard let address = container(in: topology),
                let node = observed.nodes[address.node]?.value
            else { return false }
            return node.container(address.service) == nil
        case .removeEtcdMember, .recreateMember, .restartMember, .reinitialize,
            .restartPostgres, .switchover, .removeMember, .recreateContainer, .restartContainer:
            return false
        }
    }

    /// What has to be read before `mayRepeat` can be told.
    package func repetitionNeeds(topology: Topology) -> Set<ReadingNeed> {
        switch self {
        case .bootstrap, .addReplica, .createContainer, .addEtcdLearner:
            container(in: topology).map { [.node($0.node)] } ?? []
        default: []
        }
    }

    /// Whether a failure says "not yet": etcd refuses to promote a learner until it caught up, and
    /// to add another while the last one has been connected for less than 5 s.
    package var isRetriedUntilLimit: Bool {
        switch self {
        case .promoteEtcd, .addEtcdLearner: true
        default: false
        }
    }

    /// The container that the action makes or changes, where it is one.
    package func container(in topology: Topology) -> ContainerAddress? {
        switch self {
        case .bootstrap(let member), .addReplica(let member), .recreateMember(let member),
            .startMember(let member), .restartMember(let member):
            topology.member(member).map { ContainerAddress(member.service, on: $0.node) }
        case .removeMember(let member, let node, _, _):
            ContainerAddress(member.service, on: node)
        case .addEtcdLearner(let name):
            topology.desired.etcd.members.first { $0.name == name }
                .map { ContainerAddress(name.service, on: $0.node) }
        case .createContainer(let address), .recreateContainer(let address),
            .startContainer(let address), .restartContainer(let address),
            .removeContainer(let address, _):
            address
        case .reloadHAProxy(let node): ContainerAddress(HAProxy.service, on: node)
        case .prepareNode, .adoptProject, .writeFiles, .removeFiles, .pullImage, .promoteEtcd,
            .removeEtcdMember, .discardEtcdData, .reinitialize, .restartPostgres, .switchover,
            .patchConfiguration, .prepareDatabase:
            nil
        }
    }
}

extension Step {
    /// Whether it recreates a member of an etcd that showed no quorum. Two that differ from the
    /// manifest may be healthy with each other alone.
    package var bringsQuorumBack: Bool {
        guards.contains { if case .etcdLosesNothing = $0 { true } else { false } }
    }

    /// Whether it takes down a Postgres member, moves the leader, or touches etcd's membership or a
    /// running etcd member. Creating and starting what does not run takes nothing down.
    package func isDisruptive(topology: Topology) -> Bool {
        switch action {
        case .recreateContainer(let address) where guards.contains(.containerDown(address)):
            return false
        case .recreateMember, .restartMember, .reinitialize, .restartPostgres, .switchover,
            .removeMember, .addEtcdLearner, .promoteEtcd, .removeEtcdMember:
            return true
        case .recreateContainer(let address), .restartContainer(let address),
            .removeContainer(let address, _):
            return topology.desired.etcd.members.contains { $0.name.service == address.service }
                || topology.members.contains { $0.name.service == address.service }
        case .prepareNode, .adoptProject, .writeFiles, .removeFiles, .pullImage, .bootstrap,
            .addReplica,
            .startMember, .patchConfiguration, .prepareDatabase, .reloadHAProxy,
            .createContainer, .startContainer, .discardEtcdData:
            return false
        }
    }
}
