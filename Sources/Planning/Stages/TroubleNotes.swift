import Cluster
import Rendering

/// What does not answer or does not work, and no step sees to: silence about it would read as
/// "matches the manifest".
enum TroubleNotes {
    static func add(_ situation: Situation, _ draft: inout Draft) {
        let steps = draft.steps
        func isTouched(_ address: ContainerAddress) -> Bool {
            steps.contains { $0.action.seesTo(address) }
        }
        addSpace(situation, &draft)
        if !situation.live.isEmpty { addLeader(situation, &draft) }
        for member in situation.desired.etcd.members {
            let address = ContainerAddress(member.name.service, on: member.node)
            guard runs(address, situation), !isTouched(address) else { continue }
            add(member.name.rawValue, situation.observed.etcd[member.name], &draft) { answer in
                let isLearner = answer.members.contains {
                    $0.name == member.name.rawValue && $0.isLearner
                }
                return answer.isHealthy || isLearner ? nil : "it is not healthy"
            }
        }
        for member in situation.topology.members {
            guard runs(situation.address(member), situation),
                !isTouched(situation.address(member))
            else { continue }
            add(member.name.rawValue, situation.observed.members[member.name], &draft) { _ in nil }
        }
        addPaused(situation, &draft)
        addHalfMade(situation, &draft)
        for node in situation.desired.haproxy?.nodes ?? [] {
            let address = ContainerAddress(HAProxy.service, on: node)
            guard runs(address, situation), !isTouched(address) else { continue }
            add(address.description, situation.observed.haproxy[node], &draft) { _ in nil }
        }
    }

    /// Where docker keeps its data. Below this a clone, an image or a burst of WAL may fill it.
    private static let littleSpace = ByteCount.mebibytes(1024)

    private static func addSpace(_ situation: Situation, _ draft: inout Draft) {
        for node in situation.desired.nodes.map(\.name) {
            guard let free = situation.node(node)?.freeSpace, free < littleSpace else { continue }
            draft.notes.append(
                .advice(
                    "\(node) has \(free.bytes >> 20) MiB free where docker keeps its data:"
                        + " Postgres stops when it is full, and images and clones need room"))
        }
    }

    private static func addLeader(_ situation: Situation, _ draft: inout Draft) {
        let name = situation.desired.name.rawValue
        if situation.health.leaders.isEmpty {
            draft.notes.append(
                .down(
                    object: name,
                    reason: "\(situation.health.unsettled ?? "no member leads"); nobody can write"))
        } else {
            let configuration = situation.observed.configuration
            add(
                "Patroni's configuration", configuration ?? .unreachable("no member was asked"),
                &draft
            ) { _ in nil }
        }
    }

    /// What somebody paused has no step: only they know why. Members of Postgres say it themselves.
    private static func addPaused(_ situation: Situation, _ draft: inout Draft) {
        let addresses = situation.addresses {
            if case .postgres = $0 { false } else { true }
        }
        for address in addresses {
            guard case .present(let container, let changes) = situation.standing(address),
                container.state == .paused, changes.isEmpty
            else { continue }
            draft.notes.append(
                .down(
                    object: address.description,
                    reason: "someone paused its container (docker unpause); left alone"))
        }
    }

    /// What a recreation that was cut short leaves beside the container that it was to replace.
    private static func addHalfMade(_ situation: Situation, _ draft: inout Draft) {
        for node in situation.desired.nodes.map(\.name) {
            for container in situation.node(node)?.containers ?? []
            where situation.node(node)?.container(container.service)?.id != container.id
                && situation.blueprint.spec(ContainerAddress(container.service, on: node)) != nil
            {
                draft.notes.append(
                    .advice(
                        "\(container.service)@\(node) has a second container"
                            + " (\(container.state.rawValue)), as of a recreation that was cut"
                            + " short; the next recreation removes it"))
            }
        }
    }

    /// A note of a reading that failed, or of what the answer itself complains about.
    private static func add<Value>(
        _ object: String, _ reading: Reading<Value>?, _ draft: inout Draft,
        complaint: (Value) -> String?
    ) {
        switch reading {
        case .unreachable(let reason):
            draft.notes.append(.unreachable(object: object, reason: reason))
        case .known(let answer):
            if let reason = complaint(answer) {
                draft.notes.append(.down(object: object, reason: reason))
            }
        case nil: break
        }
    }

    /// What is stopped has its own step, and what is on a node that was not seen has its note.
    private static func runs(_ address: ContainerAddress, _ situation: Situation) -> Bool {
        guard case .present(let container, _) = situation.standing(address) else { return false }
        return container.state == .running
    }
}

extension Action {
    /// Whether the action sees to this container, or to the member or membership in it.
    func seesTo(_ address: ContainerAddress) -> Bool {
        switch self {
        case .addEtcdLearner(let name), .promoteEtcd(let name), .removeEtcdMember(let name),
            .discardEtcdData(let name, _, _):
            name.service == address.service
        case .bootstrap(let name), .addReplica(let name), .recreateMember(let name),
            .startMember(let name), .restartMember(let name), .reinitialize(let name),
            .restartPostgres(let name), .removeMember(let name, _, _, _):
            name.service == address.service
        case .createContainer(let other), .recreateContainer(let other),
            .startContainer(let other), .restartContainer(let other),
            .removeContainer(let other, _):
            other == address
        case .reloadHAProxy(let node): address == ContainerAddress(HAProxy.service, on: node)
        default: false
        }
    }
}
