import Cluster
import Execution
import Planning
import Rendering

/// What is told of a step has to be so.
extension World {
    mutating func isTold(_ outcome: StepOutcome, of action: Action, in topology: Topology) {
        let complaint: String? =
            switch outcome {
            case .succeeded: whatIsNotDone(of: action, in: topology)
            case .failed: whatGoesOn(of: action)
            case .unknown, .skipped: nil
            }
        if let complaint { oracle.note(complaint, at: now) }
    }

    private func whatIsNotDone(of action: Action, in topology: Topology) -> String? {
        switch action {
        case .recreateMember(let name), .restartMember(let name), .removeMember(let name, _, _, _):
            if oracle.pending[name] != nil {
                return "S11: the command for \(name) is told to be done and is still on its way"
            }
        case .pullImage(let node, let image):
            if servers[node]?.images.contains(image) != true {
                return "S11: \(image) is told to be on \(node) and is not"
            }
        case .removeEtcdMember(let name):
            if etcd.members.contains(where: { $0.label == name.rawValue }) {
                return "S11: etcd is told to have let \(name) go and has not"
            }
        case .promoteEtcd(let name):
            if etcd.members.contains(where: { $0.name == name.rawValue && $0.isLearner }) {
                return "S11: \(name) is told to be promoted and is a learner"
            }
        default: break
        }
        guard let address = action.madeContainer(in: topology) else { return nil }
        let server = servers[address.node]
        guard let container = server?.containers[address.service] else {
            return "S11: \(address) is told to be made and is not there"
        }
        return container.spec == server?.composed[address.service]
            ? nil : "S11: \(address) is told to be made anew and is as it was"
    }

    /// A switchover that is told as failed is over.
    private func whatGoesOn(of action: Action) -> String? {
        guard case .switchover(_, let to) = action, let asked = dcs.switchover,
            oracle.openSwitchover == to, asked.to == to, !asked.isScheduled
        else { return nil }
        return "S3: the switchover to \(to) is told as failed, and Patroni still works on it"
    }
}

extension Action {
    /// The container that is as the compose file says afterwards.
    fileprivate func madeContainer(in topology: Topology) -> ContainerAddress? {
        switch self {
        case .bootstrap(let name), .addReplica(let name), .recreateMember(let name):
            topology.member(name).map { ContainerAddress(name.service, on: $0.node) }
        case .createContainer(let address), .recreateContainer(let address): address
        default: nil
        }
    }
}
