package import Cluster
package import Planning

extension Judge {
    /// The oath's own rules over a placed cluster.
    package init(_ topology: Topology) {
        self.init(
            check: { Rules.check($0, topology: topology, observed: $1) },
            progress: { Rules.isMet($0, topology: topology, observed: $1) },
            guardNeeds: { Rules.needs($0) },
            conditionNeeds: { Rules.needs($0) },
            actionNeeds: { $0.readingNeeds(topology: topology) },
            isDisruptive: { $0.isDisruptive(topology: topology) },
            bringsBack: { $0.bringsQuorumBack }, isLost: { Rules.isEtcdLost($0) })
    }
}

extension Action {
    /// What the action's effects are built from, and what its trace is told from: container ids,
    /// addresses, who leads.
    package func readingNeeds(topology: Topology) -> Set<ReadingNeed> {
        let everywhere = Set(topology.desired.nodes.map { ReadingNeed.node($0.name) })
        return switch self {
        case .addEtcdLearner, .promoteEtcd, .removeEtcdMember: everywhere.union([.etcd])
        case .reinitialize(let member), .restartPostgres(let member):
            topology.member(member).map { [.node($0.node)] } ?? []
        case .switchover: [.configuration]
        case .patchConfiguration, .prepareDatabase: everywhere.union([.patroni])
        case .startMember, .restartMember, .startContainer, .restartContainer, .reloadHAProxy,
            .recreateMember, .recreateContainer, .removeMember:
            container(in: topology).map { [.node($0.node)] } ?? []
        case .prepareNode, .adoptProject, .writeFiles, .removeFiles, .pullImage, .bootstrap,
            .addReplica, .createContainer, .removeContainer, .discardEtcdData:
            []
        }
    }
}
