import Cluster

/// Lays a cluster's containers out as the files of each node.
struct FileBuilder {
    let topology: Topology
    let containers: [ContainerAddress: ContainerSpec]

    static let proxyDirectory = "haproxy"

    func files() -> [NodeName: [FileSpec]] {
        var specs: [NodeName: [ContainerSpec]] = [:]
        for spec in containers.values { specs[spec.node, default: []].append(spec) }
        let proxyText = topology.desired.haproxy.map { ResolvedText(ProxyText($0, topology).text) }
        let compose = ComposeText(desired: topology.desired)
        var files: [NodeName: [FileSpec]] = [:]
        for (node, unsorted) in specs {
            let services = unsorted.sorted { $0.service < $1.service }
            var own = [
                FileSpec(
                    path: Project.composePath, content: ResolvedText(compose.text(of: services)),
                    comparison: .lines)
            ]
            for spec in services {
                if spec.role == .haproxy, let proxyText {
                    own.append(
                        FileSpec(
                            path: HAProxy.configurationPath, content: proxyText, comparison: .lines)
                    )
                }
                own += EnvironmentFile.files(of: spec)
            }
            files[node] = own.sorted { $0.path < $1.path }
        }
        return files
    }
}
