package import Cluster

extension Blueprint {
    /// Files of the node that Matriarch wrote and that no declared container needs, sorted.
    ///
    /// - Parameter kept: services whose containers stay though the manifest does not declare them;
    ///   what was written for them stays too.
    package func leftOver(
        _ shown: [String: ObservedFile], on node: NodeName, keeping kept: Set<ServiceName>
    ) -> [String] {
        let declared = Set((files[node] ?? []).map(\.path))
        return shown.filter { path, file in
            guard file.isSigned, !declared.contains(path) else { return false }
            switch path {
            case Project.composePath: return kept.isEmpty
            case HAProxy.configurationPath: return !kept.contains(HAProxy.service)
            default: return EnvironmentFile.service(of: path).map { !kept.contains($0) } ?? false
            }
        }.keys.sorted()
    }
}
