import Cluster
import Effects
import Execution
import Planning
import RemoteCommands
import Rendering

/// The tool's own effects, each told to the world as what it does.
struct RecordedEffects: EffectSource {
    let base: ActionEffects
    let blueprint: Blueprint
    let controller: Controller

    init(_ blueprint: Blueprint, _ controller: Controller) {
        base = ActionEffects(blueprint)
        self.blueprint = blueprint
        self.controller = controller
    }

    func effects(
        of action: Action, seeing observed: Observed
    ) throws(MissingFact) -> [Effect] {
        let effects = try base.effects(of: action, seeing: observed)
        for case .command(let command, let node) in effects {
            controller.record(command, on: node, as: operation(of: action, command, node))
        }
        return effects
    }

    private func writing(_ files: [FileSpec], on node: NodeName) -> Operation {
        var composed: [ServiceName: ContainerSpec]?
        if files.contains(where: { $0.path == "compose.yaml" }) {
            composed = [:]
            for (address, spec) in blueprint.containers where address.node == node {
                composed?[address.service] = spec
            }
        }
        return .write(
            files.map {
                WrittenFile(
                    path: $0.path, file: WorldFile(content: $0.content.reveal(), mode: $0.mode))
            }, composed: composed)
    }

    private func operation(
        of action: Action, _ command: Command, _ node: NodeName
    ) -> Operation {
        switch action {
        case .prepareNode: return .nothing
        case .adoptProject(_, let files):
            return .removeFiles(files.filter { blueprint.file($0, on: node) == nil })
        case .writeFiles(_, let paths):
            return writing(paths.compactMap { blueprint.file($0, on: node) }, on: node)
        case .removeFiles(_, let paths): return .removeFiles(paths)
        case .pullImage(_, let image): return .pull(image)
        case .addEtcdLearner(let name):
            if command.summary.hasPrefix("add ") {
                return .addLearner(name, peerURL: peerURL(of: name))
            }
            if command.summary.hasPrefix("write ") {
                let file = Self.file(command.script.input)
                return .write(
                    [WrittenFile(path: "env/\(name).first-start.env", file: file)], composed: nil)
            }
            return .up(ContainerAddress(name.service, on: node), recreating: true)
        case .promoteEtcd(let name): return .promote(name)
        case .removeEtcdMember(let name): return .removeEtcd(name)
        case .discardEtcdData(let name, let id, let volume):
            return .remove(
                ContainerAddress(name.service, on: node), id: id ?? "", volume: volume)
        case .bootstrap(let member), .addReplica(let member):
            return .up(ContainerAddress(member.service, on: node), recreating: false)
        case .recreateMember(let member):
            return .up(ContainerAddress(member.service, on: node), recreating: true)
        case .startMember(let member): return .start(ContainerAddress(member.service, on: node))
        case .restartMember(let member):
            return .restart(ContainerAddress(member.service, on: node))
        case .removeMember(let member, _, let id, let volume):
            return .remove(ContainerAddress(member.service, on: node), id: id, volume: volume)
        case .prepareDatabase:
            return command.summary.hasPrefix("write ")
                ? writing([blueprint.databaseMarker], on: node) : .nothing
        case .reloadHAProxy:
            let file = Self.file(command.script.input)
            return .reloadProxy(WrittenFile(path: "haproxy/haproxy.cfg", file: file))
        case .createContainer(let address): return .up(address, recreating: false)
        case .recreateContainer(let address): return .up(address, recreating: true)
        case .startContainer(let address): return .start(address)
        case .restartContainer(let address): return .restart(address)
        case .removeContainer(let address, let id):
            return .remove(address, id: id, volume: nil)
        case .reinitialize, .restartPostgres, .switchover, .patchConfiguration: return .nothing
        }
    }

    private func peerURL(of name: EtcdName) -> String {
        for (address, spec) in blueprint.containers where address.service == name.service {
            return spec.firstStartEnvironment["ETCD_INITIAL_ADVERTISE_PEER_URLS"] ?? ""
        }
        return ""
    }

    private static func file(_ input: Script.Input) -> WorldFile {
        switch input {
        case .none: WorldFile(content: "", mode: 0o644)
        case .plain(let text): WorldFile(content: text, mode: 0o644)
        case .sensitive(let secret): WorldFile(content: secret.reveal(), mode: 0o600)
        }
    }
}
