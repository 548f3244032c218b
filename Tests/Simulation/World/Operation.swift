import Cluster
import Rendering

/// What commands do to a server. Which one a command does is recorded where it is made, so the world
/// need not read shell scripts; that those say the same is for their own tests and the lab.
enum Operation: Sendable {
    case nothing
    /// With what the compose file says, where it is among the files.
    case write([WrittenFile], composed: [ServiceName: ContainerSpec]?)
    case removeFiles([String])
    case pull(ImageReference)
    case up(ContainerAddress, recreating: Bool)
    case start(ContainerAddress)
    case restart(ContainerAddress)
    case remove(ContainerAddress, id: String, volume: String?)
    /// Writes the file, then loads it.
    case reloadProxy(WrittenFile)
    case addLearner(EtcdName, peerURL: String)
    case promote(EtcdName)
    case removeEtcd(EtcdName)

    /// Whether something that runs goes down by it.
    var takesDown: Bool {
        switch self {
        case .up(_, recreating: true), .restart, .remove, .removeEtcd: true
        default: false
        }
    }

    /// In a word, for people who look into a seed.
    var told: String {
        switch self {
        case .nothing: "nothing"
        case .write(let files, _): "write \(files.map(\.path))"
        case .removeFiles(let paths): "remove \(paths)"
        case .pull(let image): "pull \(image)"
        case .up(let address, let recreating): "\(recreating ? "recreate" : "up") \(address)"
        case .start(let address): "start \(address)"
        case .restart(let address): "restart \(address)"
        case .remove(let address, _, let volume):
            "remove \(address)\(volume.map { " with \($0)" } ?? "")"
        case .reloadProxy: "reload haproxy"
        case .addLearner(let name, _): "add learner \(name)"
        case .promote(let name): "promote \(name)"
        case .removeEtcd(let name): "remove \(name) from etcd"
        }
    }
}

struct WrittenFile: Sendable {
    var path: String
    var file: WorldFile
}
