import Cluster
import Rendering

/// Stage 1: what disturbs nothing. Directories, files that nothing running reads, images everywhere.
enum NodeStage {
    static func plan(_ situation: Situation, _ draft: inout Draft) {
        for node in situation.desired.nodes.map(\.name) {
            switch situation.observed.nodes[node] {
            case .known(let shown):
                prepare(node, shown, situation, &draft)
            case .unreachable(let reason):
                draft.notes.append(.unreachable(object: node.rawValue, reason: reason))
            case nil:
                draft.notes.append(
                    .unreachable(object: node.rawValue, reason: "it was not looked at"))
            }
        }
    }

    private static func prepare(
        _ node: NodeName, _ shown: ObservedNode, _ situation: Situation, _ draft: inout Draft
    ) {
        guard hasTools(node, shown, &draft) else { return }
        var last: [StepID] = []
        let files = FileDifference.changes(on: node, situation)
        let foreign = FileDifference.foreign(on: node, shown, situation)
        if !files.isEmpty, shown.files.isEmpty, !hasContainers(shown) {
            last = [
                draft.add(
                    "prepare:\(node)", .prepareNode(node),
                    because: [.missing("nothing of the project is on \(node)")], after: [],
                    done: .commandSucceeded, limit: quick)
            ]
        }
        if !foreign.isEmpty {
            last = [
                draft.add(
                    "adopt:\(node)", .adoptProject(node, files: foreign),
                    because: [
                        .topology(
                            "the project on \(node) was not made by Matriarch; kept aside: "
                                + foreign.joined(separator: ", "))
                    ],
                    after: last, done: .commandSucceeded, limit: quick, hazards: [.adopt])
            ]
        }
        if !files.isEmpty {
            // Made from files elsewhere, or with other names: nothing is there to be kept aside.
            let strangers = foreign.isEmpty ? notOurs(shown) : []
            let adopted = strangers.map { Cause.topology("\($0) was not made by Matriarch") }
            last = [
                draft.add(
                    "write:\(node)", .writeFiles(node, paths: files.map(\.path)),
                    because: files.map { .field($0.path, from: $0.old, to: $0.new) } + adopted,
                    after: last, done: .commandSucceeded, limit: quick,
                    hazards: adopted.isEmpty ? [] : [.adopt],
                    contents: situation.contents(files.map(\.path), on: node))
            ]
        }
        draft.prepared += last
        for image in missingImages(on: node, shown, situation) {
            draft.prepared.append(
                draft.add(
                    "pull:\(node):\(image)", .pullImage(node, image),
                    because: [.missing("\(image) is not on \(node)")], after: [],
                    done: .imagePresent(node, image), limit: Action.pullLimit))
        }
    }

    private static let quick = Duration.seconds(60)

    /// Containers of the project that somebody else made, where it has not been adopted yet: our
    /// compose file is what says that it has.
    private static func notOurs(_ shown: ObservedNode) -> [ServiceName] {
        guard shown.files[Project.composePath]?.isSigned != true else { return [] }
        return shown.containers.filter { $0.managedBy == nil }.map(\.service).sorted()
    }

    private static func hasContainers(_ shown: ObservedNode) -> Bool { !shown.containers.isEmpty }

    private static func hasTools(
        _ node: NodeName, _ shown: ObservedNode, _ draft: inout Draft
    ) -> Bool {
        guard shown.dockerVersion != nil else {
            draft.block(
                node.rawValue, seen: "docker is not installed", expected: "docker with compose v2",
                remedy: "Install docker and its compose plugin on \(node), then plan again.")
            return false
        }
        guard shown.composeVersion != nil else {
            draft.block(
                node.rawValue, seen: "docker has no compose plugin",
                expected: "docker with compose v2",
                remedy: "Install the docker compose plugin (v2) on \(node), then plan again.")
            return false
        }
        return true
    }

    /// Images of the containers that this plan makes on the node and that are not there yet.
    private static func missingImages(
        on node: NodeName, _ shown: ObservedNode, _ situation: Situation
    ) -> [ImageReference] {
        var wanted: Set<ImageReference> = []
        for (address, spec) in situation.blueprint.containers where address.node == node {
            switch situation.standing(address) {
            case .absent: wanted.insert(spec.image)
            case .present(let container, let changes):
                if !changes.isEmpty || container.state == .restarting { wanted.insert(spec.image) }
            case .unknown: continue
            }
        }
        return wanted.filter { shown.images[$0] == nil }.sorted()
    }
}

/// Managed files that are not as rendered.
enum FileDifference {
    struct Change {
        var path: String
        var old: String
        var new: String
    }

    static func changes(on node: NodeName, _ situation: Situation) -> [Change] {
        guard let shown = situation.node(node) else { return [] }
        return (situation.blueprint.files[node] ?? []).compactMap { file in
            // A running HAProxy reads its file: that change is a reload, not a write.
            if file.path == HAProxy.configurationPath, isReload(node, situation) {
                return nil
            }
            return change(file, shown.files[file.path], situation)
        }
    }

    /// HAProxy runs there and stays as it is, so a new configuration reaches it by a reload.
    static func isReload(_ node: NodeName, _ situation: Situation) -> Bool {
        let address = ContainerAddress(HAProxy.service, on: node)
        guard case .present(let container, let changes) = situation.standing(address) else {
            return false
        }
        return container.state == .running && changes.isEmpty
    }

    static func change(
        _ file: FileSpec, _ shown: ObservedFile?, _ situation: Situation
    ) -> Change? {
        guard let shown else { return Change(path: file.path, old: "(not there)", new: "written") }
        if file.comparison == .presence { return nil }
        if file.mode & 0o077 == 0, shown.mode & 0o077 != 0 {
            return Change(
                path: file.path, old: "mode \(octal(shown.mode))", new: "mode \(octal(file.mode))")
        }
        let wanted = file.content.reveal()
        let isSame =
            switch shown.content {
            case .digest(let known): situation.digest?(FileSpec.meaning(of: wanted)) == known
            case .plain(let text):
                text.reveal() == wanted
                    || FileSpec.meaning(of: text.reveal()) == FileSpec.meaning(of: wanted)
            }
        return isSame ? nil : Change(path: file.path, old: "(differs)", new: "written")
    }

    private static func octal(_ mode: UInt16) -> String { String(mode, radix: 8) }

    /// What someone else wrote and would be lost: compose files, which compose would read beside
    /// ours, and whatever is about to be overwritten.
    static func foreign(
        on node: NodeName, _ shown: ObservedNode, _ situation: Situation
    ) -> [String] {
        let managed = situation.blueprint.files[node] ?? []
        let others = Project.composeNames.filter { name in !managed.contains { $0.path == name } }
        let overwritten = managed.filter { change($0, shown.files[$0.path], situation) != nil }
        return (others + overwritten.map(\.path))
            .filter { shown.files[$0].map { !$0.isSigned } ?? false }
    }
}
