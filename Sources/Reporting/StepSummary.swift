import Cluster
import Planning

/// What a step does, in the words that text, Markdown and HTML share.
///
/// Names are as the manifest and the servers give them: make them safe before showing.
struct StepSummary: Equatable {
    enum Mark: String {
        case add = "+"
        case change = "~"
        case remove = "-"
    }
    /// `nil`: it prepares other steps, and changes nothing that runs.
    var mark: Mark?
    /// What it acts on: `postgres-2`, `haproxy`, `configuration`.
    var object: String
    var node: NodeName?
    /// Without the object: `recreate`, `switch over to postgres-2`.
    var verb: String
    /// With the object, and without the node: `recreate postgres-2`.
    var phrase: String
    /// Whether `phrase` makes sense only with the node.
    var isPlaced = true
    /// What to tell after `phrase`.
    var nodeToTell: NodeName? { isPlaced ? node : nil }
    /// Worth knowing of what it adds or removes: `ports 5436, 8011`.
    var detail: String?

    private init(
        _ mark: Mark?, _ object: String, on node: NodeName?, _ verb: String, phrase: String? = nil,
        detail: String? = nil
    ) {
        self.mark = mark
        self.object = object
        self.node = node
        self.verb = verb
        self.phrase = phrase ?? "\(verb) \(object)"
        self.detail = detail
    }

    init(_ action: Action, in topology: Topology) {
        switch action {
        case .prepareNode(let node):
            self.init(preparing: node, "create the project's directory")
        case .adoptProject(let node, let files):
            self.init(preparing: node, "move aside and keep \(files.joined(separator: ", "))")
        case .writeFiles(let node, let paths):
            self.init(preparing: node, "write \(Self.listed(paths))")
        case .removeFiles(let node, let paths):
            self.init(
                .remove, Self.listed(paths), on: node,
                "remove \(paths.count == 1 ? "file" : "files")",
                phrase: "remove \(Self.listed(paths))")
        case .pullImage(let node, let image): self.init(preparing: node, "pull \(image)")

        case .addEtcdLearner(let name):
            self.init(etcd: name, topology, .add, "add as etcd learner")
        case .promoteEtcd(let name):
            self.init(etcd: name, topology, .add, "promote to etcd voter")
        case .removeEtcdMember(let name):
            self.init(etcd: name, topology, .remove, "remove from etcd")
        case .discardEtcdData(let name, _, let volume):
            self.init(etcd: name, topology, .change, "discard its old data")
            detail = "deletes its volume \(volume)"

        case .bootstrap(let name):
            self.init(member: name, topology, .add, "bootstrap the cluster")
        case .addReplica(let name): self.init(member: name, topology, .add, "add replica")
        case .recreateMember(let name): self.init(member: name, topology, .change, "recreate")
        case .startMember(let name): self.init(member: name, topology, .change, "start")
        case .restartMember(let name): self.init(member: name, topology, .change, "restart")
        case .reinitialize(let name): self.init(member: name, topology, .change, "reinitialize")
        case .restartPostgres(let name):
            self.init(member: name, topology, .change, "restart Postgres")
        case .switchover(let from, let to):
            self.init(member: from, topology, .change, "switch over to \(to)")
            phrase = "switch over from \(from) to \(to)"
            isPlaced = false
        case .removeMember(let name, let node, _, let volume):
            self.init(
                .remove, "\(name)", on: node, "remove",
                detail: volume.map { "deletes its volume \($0)" } ?? "its volume is kept")
        case .patchConfiguration:
            self.init(.change, "configuration", on: nil, "patch", phrase: "patch the configuration")
        case .prepareDatabase:
            self.init(.add, "database \(topology.desired.postgres.database)", on: nil, "prepare")

        case .reloadHAProxy(let node):
            self.init(.change, "\(HAProxy.service)", on: node, "reload")
        case .createContainer(let address): self.init(container: address, .add, "create")
        case .recreateContainer(let address): self.init(container: address, .change, "recreate")
        case .startContainer(let address): self.init(container: address, .change, "start")
        case .restartContainer(let address): self.init(container: address, .change, "restart")
        case .removeContainer(let address, _): self.init(container: address, .remove, "remove")
        }
    }

    /// The first of many say enough; the plan's JSON has all.
    private static func listed(_ names: [String]) -> String {
        guard names.count > 4 else { return names.joined(separator: ", ") }
        return names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more files"
    }

    private init(preparing node: NodeName, _ phrase: String) {
        self.init(nil, "\(node)", on: node, phrase, phrase: phrase)
    }

    private init(etcd name: EtcdName, _ topology: Topology, _ mark: Mark, _ verb: String) {
        let node = topology.desired.etcd.members.first { $0.name == name }?.node
        self.init(mark, "\(name)", on: node, verb, phrase: "\(name): \(verb)")
    }

    private init(member name: MemberName, _ topology: Topology, _ mark: Mark, _ verb: String) {
        let place = topology.member(name)
        let ports = place.map { "ports \($0.ports.postgres), \($0.ports.patroni)" }
        self.init(
            mark, "\(name)", on: place?.node, verb, phrase: "\(name): \(verb)",
            detail: mark == .add ? ports : nil)
    }

    private init(container address: ContainerAddress, _ mark: Mark, _ verb: String) {
        self.init(
            mark, "\(address.service)", on: address.node, verb,
            phrase: "\(address.service): \(verb)")
    }
}

extension Disruption {
    /// As people read it; empty for none.
    var words: String {
        switch self {
        case .none: ""
        case .replicaRestart: "replica restart"
        case .writePause: "write pause"
        case .outage: "outage"
        case .dataLoss: "data loss"
        }
    }
}
