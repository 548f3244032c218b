import Cluster

/// A WAL archive, from which replicas catch up that were away for too long.
extension World {
    /// What a replica does once its Postgres runs.
    func afterStart(_ key: VolumeKey) -> Instance.Activity {
        if data[key]?.hasDiverged == true { return .stuck }
        return archiveLasts.map { .replaying(until: now + $0) } ?? .following
    }

    /// A replica begins anew with what it has, as after a boot of its server.
    mutating func restartAReplica() {
        let replicas = instances.names { $0.isFollowing }
        guard !replicas.isEmpty else { return }
        let member = seed.pick(replicas)
        guard let node = instances[member]?.node else { return }
        stop(ContainerAddress(member.service, on: node))
        run(ContainerAddress(member.service, on: node))
    }
}
