import Cluster

/// Whether what runs is on the network that compose gives to everything Matriarch makes.
///
/// Services of a node find each other by name there. A container that is made anew on that network,
/// while others stay on another one, is lost to them.
enum NetworkStage {
    static func plan(_ situation: Situation, _ draft: inout Draft) {
        let network = situation.desired.project.network
        for (address, standing) in situation.containers.sorted(by: { $0.key < $1.key }) {
            guard case .present(let container, _) = standing, let seen = container.networks,
                !seen.contains(network)
            else { continue }
            if seen.contains("host") {
                draft.block(
                    address.description,
                    seen: "it uses the server's own network (network_mode: host)",
                    expected: "the network \(network)",
                    remedy:
                        "Make it anew by hand on the project's network with its ports published,"
                        + " then plan again.")
                continue
            }
            draft.block(
                address.description,
                seen: seen.isEmpty
                    ? "it is on no network of its own"
                    : "it is on the network \(seen.joined(separator: ", "))",
                expected: "the network \(network)",
                remedy: "Connect it, which restarts nothing: docker network connect --alias"
                    + " \(address.service) \(network) \(container.id.prefix(12)). Where that network"
                    + " is missing: docker network create --label"
                    + " com.docker.compose.project=\(situation.desired.project.name) --label"
                    + " com.docker.compose.network=default \(network)")
        }
    }
}
