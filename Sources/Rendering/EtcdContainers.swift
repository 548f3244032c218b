package import Cluster

extension ContainerBuilder {
    /// One etcd container a member.
    mutating func addEtcd() {
        let firstStart = EtcdFirstStart(desired: desired)
        for member in desired.etcd.members { add(etcd(member, firstStart)) }
    }

    private mutating func etcd(_ member: EtcdMember, _ firstStart: EtcdFirstStart) -> ContainerSpec
    {
        let etcd = desired.etcd
        let service = member.name.service
        let address = EtcdAddress(of: member, in: desired, node: nodes[member.node])
        var environment = [
            // The database would grow without an end: Patroni writes every few seconds.
            "ETCD_AUTO_COMPACTION_MODE": ResolvedText("periodic"),
            "ETCD_AUTO_COMPACTION_RETENTION": ResolvedText("1h"),
            // For people's and our own `docker exec … etcdctl`.
            "ETCDCTL_API": ResolvedText("3"),
        ]
        environment.merge(
            resolve(etcd.environment, for: service.rawValue, on: member.node)
        ) { $1 }
        environment.merge([
            "ETCD_NAME": ResolvedText(member.name.rawValue),
            "ETCD_DATA_DIR": ResolvedText(Self.etcdData),
            "ETCD_LISTEN_CLIENT_URLS": ResolvedText("http://0.0.0.0:\(ContainerPort.etcdClient)"),
            "ETCD_LISTEN_PEER_URLS": ResolvedText("http://0.0.0.0:\(ContainerPort.etcdPeer)"),
            "ETCD_ADVERTISE_CLIENT_URLS": ResolvedText("http://\(address.clientEndpoint)"),
        ]) { $1 }
        let ports =
            desired.isSingleNode
            ? []
            : [
                published(member.clientPort, ContainerPort.etcdClient, on: member.node),
                published(member.peerPort, ContainerPort.etcdPeer, on: member.node),
            ]
        return ContainerSpec(
            service: service, node: member.node, role: .etcd(member.name), image: etcd.image,
            command: ["etcd"], environment: environment, ports: ports,
            mounts: [
                VolumeMount(source: topology.dataSource(of: service), target: Self.etcdData)
            ],
            resources: etcd.resources, stopGracePeriod: .seconds(30),
            firstStartEnvironment: firstStart.bootstrapping(member)
                .filter { environment[$0.key] == nil },
            chosen: Set(
                environment.keys.filter { etcd.environment[$0] == nil }.map { "environment.\($0)" }
                    + ["command", "hostname", "stopGracePeriod", "healthcheck", "volumes"]))
    }

    private static let etcdData = "/etcd-data"
}

/// Where an etcd member is reached by Patroni and by its peers.
package struct EtcdAddress {
    package var host: String
    var client: UInt16
    var peer: UInt16

    package init(of member: EtcdMember, in desired: Desired, node: Node? = nil) {
        guard !desired.isSingleNode, let node = node ?? desired.node(member.node) else {
            host = member.name.rawValue
            client = ContainerPort.etcdClient
            peer = ContainerPort.etcdPeer
            return
        }
        host = node.advertisedAddress
        client = member.clientPort
        peer = member.peerPort
    }
    var clientEndpoint: String { "\(host.bracketed):\(client)" }
    /// What etcd lists the member by before it has its name.
    package var peerURL: String { "http://\(host.bracketed):\(peer)" }
}

/// What etcd reads only when it starts with an empty volume.
struct EtcdFirstStart {
    let desired: Desired

    /// Every declared member starts the cluster together.
    func bootstrapping(_ member: EtcdMember) -> [String: String] {
        let cluster = desired.etcd.members.map { peer in
            "\(peer.name)=\(EtcdAddress(of: peer, in: desired).peerURL)"
        }
        return settings(member, cluster: cluster, state: "new")
    }

    /// The member joins a cluster that knows it already. etcd compares this list with the
    /// cluster's own, so peers are written with the URLs that the cluster has.
    func joining(_ member: EtcdMember, peers: [EtcdPeer]) -> [String: String] {
        let own = EtcdAddress(of: member, in: desired).peerURL
        var cluster: [String] = []
        var isListed = false
        for peer in peers {
            let isOwn = peer.name == member.name.rawValue || peer.peerURLs.contains(own)
            isListed = isListed || isOwn
            // Another member that did not start yet has no name; etcd matches by URL.
            let name =
                isOwn ? member.name.rawValue : peer.name.isEmpty ? "member-\(peer.id)" : peer.name
            cluster += peer.peerURLs.map { "\(name)=\($0)" }
        }
        if !isListed { cluster.append("\(member.name)=\(own)") }
        return settings(member, cluster: cluster.sorted(), state: "existing")
    }

    private func settings(
        _ member: EtcdMember, cluster: [String], state: String
    ) -> [String: String] {
        [
            "ETCD_INITIAL_ADVERTISE_PEER_URLS": EtcdAddress(of: member, in: desired).peerURL,
            "ETCD_INITIAL_CLUSTER": cluster.joined(separator: ","),
            "ETCD_INITIAL_CLUSTER_STATE": state,
            "ETCD_INITIAL_CLUSTER_TOKEN": desired.name.rawValue,
        ]
    }
}
