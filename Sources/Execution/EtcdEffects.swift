import Cluster
import Effects
import RemoteCommands
import Rendering

/// Changes of etcd's membership, each through a container of a healthy member that stays.
extension ActionEffects {
    /// Told to etcd first, so that the new container finds itself in the list that it joins. What
    /// an interrupted attempt has done already is not done again.
    func addLearner(_ name: EtcdName, _ observed: Observed) throws -> [Effect] {
        guard let member = topology.desired.etcd.members.first(where: { $0.name == name }),
            let spec = blueprint.spec(ContainerAddress(name.service, on: member.node)),
            let url = spec.firstStartEnvironment["ETCD_INITIAL_ADVERTISE_PEER_URLS"]
        else { throw MissingFact("\(name) is not in the manifest") }
        let address = ContainerAddress(name.service, on: member.node)
        let witness = try witness(besides: name, observed)
        var effects: [Effect] = []
        var peers = witness.members
        if !peers.contains(where: { $0.name == name.rawValue || $0.peerURLs.contains(url) }) {
            effects.append(
                .command(
                    try .addEtcdLearner(name, peerURL: url, through: witness.container),
                    on: witness.node))
            peers.append(
                EtcdPeer(id: 0, name: "", isLearner: true, peerURLs: [url], hasStarted: false))
        }
        guard let settings = blueprint.etcdFirstStart(name, joining: peers) else {
            throw MissingFact("\(name) has no first-start settings")
        }
        effects.append(
            .command(try .writeFiles([settings], in: project), on: address.node))
        effects.append(
            .command(
                try .composeUp(
                    name.service, in: project, recreating: true,
                    grace: spec.stopGracePeriod ?? .seconds(30), limit: .seconds(150)),
                on: address.node))
        return effects
    }

    func promote(_ name: EtcdName, _ observed: Observed) throws -> Effect {
        let witness = try witness(besides: name, observed)
        return .command(
            try .promoteEtcd(
                name, id: try id(of: name, witness), through: witness.container),
            on: witness.node)
    }

    func removeFromEtcd(_ name: EtcdName, _ observed: Observed) throws -> Effect {
        let witness = try witness(besides: name, observed)
        return .command(
            try .removeEtcdMember(
                name, id: try id(of: name, witness), through: witness.container),
            on: witness.node)
    }

    func discard(_ name: EtcdName, _ containerID: String?, _ volume: String) throws -> Effect {
        guard let member = topology.desired.etcd.members.first(where: { $0.name == name }) else {
            throw MissingFact("\(name) is not in the manifest")
        }
        return .command(
            try .stopAndRemove(
                containerID, service: name.service, in: project, grace: .seconds(30),
                deletingVolume: volume, limit: .seconds(90)),
            on: member.node)
    }

    private func id(of name: EtcdName, _ witness: Witness) throws(MissingFact) -> UInt64 {
        guard let peer = witness.members.first(where: { $0.label == name }) else {
            throw MissingFact("etcd does not list \(name)")
        }
        return peer.id
    }

    private struct Witness {
        var node: NodeName
        var container: String
        var members: [EtcdPeer]
    }

    /// A healthy voting member besides the one that is spoken of.
    private func witness(
        besides name: EtcdName, _ observed: Observed
    ) throws(MissingFact) -> Witness {
        for (other, reading) in observed.etcd.sorted(by: { $0.key < $1.key }) where other != name {
            guard let answer = reading.value, answer.isHealthy,
                answer.members.contains(where: { $0.name == other.rawValue && !$0.isLearner }),
                let place = seen(other.service, observed).first
            else { continue }
            return Witness(
                node: place.node, container: place.container.id, members: answer.members)
        }
        throw MissingFact("no other etcd member answers healthy")
    }
}
