package import Cluster

/// What etcd has to answer before anything of it is touched.
extension Rules {
    /// S5: every listed voter but those answers healthy, and a quorum does. Whoever is not listed
    /// does not count: a member that was removed may still run.
    static func etcdHealthy(besides: Set<EtcdName>, _ observed: Observed) -> Verdict {
        func complaint(_ name: EtcdName) -> String? {
            switch observed.etcd[name] {
            case nil: "etcd member \(name) could not be looked at"
            case .unreachable(let reason): "etcd member \(name) is not healthy: \(reason)"
            case .known(let answer):
                answer.isHealthy ? nil : "etcd member \(name) is not healthy"
            }
        }
        let asked = observed.etcd.keys.filter { !besides.contains($0) }.sorted()
        guard
            let list = asked.first(where: { complaint($0) == nil })
                .flatMap({ observed.etcd[$0]?.value?.members })
        else { return .wait(asked.compactMap(complaint).first ?? "no etcd member answers") }
        let voters = list.filter { !$0.isLearner }
        for voter in voters where !besides.contains(voter.label) {
            if voter.name.isEmpty {
                return .wait("etcd member \(voter.label) has not started yet")
            }
            if let complaint = complaint(EtcdName(voter.name)) { return .wait(complaint) }
        }
        let healthy = voters.filter { complaint(EtcdName($0.name)) == nil }
        guard healthy.count > voters.count / 2 else {
            return .wait("only \(healthy.count) of \(voters.count) etcd voters are healthy")
        }
        // One of those besides goes, and who of the others lives is not waited for.
        let sure = healthy.count { !besides.contains(EtcdName($0.name)) }
        return sure > (voters.count - 1) / 2
            ? .holds
            : .wait(
                "without \(besides.sorted().map(\.rawValue).joined(separator: ", ")) only \(sure)"
                    + " of \(voters.count) etcd voters are healthy")
    }

    /// A plan that found no quorum may have lost a few answers. That there is none is for a member
    /// to say, which answers and knows of no leader; or for all of them by a lasting silence.
    static func etcdLosesNothing(_ name: EtcdName, _ observed: Observed) -> Verdict {
        guard etcdMembers(observed) == nil else {
            let isHealthy = observed.etcd[name]?.value?.isHealthy == true
            return etcdHealthy(besides: isHealthy ? [] : [name], observed)
        }
        let answers = observed.etcd.compactMapValues(\.value)
        // An alarm (no space, damage) makes every member unhealthy, and the quorum is there.
        let led = answers.sorted { $0.key < $1.key }.first { $0.value.leaderID != nil }
        if let led {
            let voters = led.value.members.filter { !$0.isLearner }
            let following = voters.count {
                $0.label != name && answers[$0.label]?.leaderID == led.value.leaderID
            }
            // Of one or two none can be spared, and a person accepted that. A learner has no list.
            return (1...2).contains(voters.count) || following > voters.count / 2
                ? .holds
                : .wait(
                    "\(led.key) has a leader in etcd, and without \(name) only \(following) of"
                        + " \(voters.count) voters answer that they follow it")
        }
        return .ripening(
            answers.isEmpty
                ? "no etcd member answers; one may yet"
                : "no etcd member knows of a leader; one may be elected", after: .seconds(20))
    }

    /// Whether too few voters are left that could make a quorum: those that answer and know of no
    /// leader cannot, nor those whose containers are down. One member's word is not enough, it may be
    /// cut off from the others alone; silence proves nothing (S4).
    package static func isEtcdLost(_ observed: Observed) -> Bool {
        let answers = observed.etcd.compactMapValues(\.value)
        guard answers.values.allSatisfy({ !$0.isHealthy && $0.leaderID == nil }) else {
            return false
        }
        let voters = Set(
            answers.values.flatMap(\.members).filter { !$0.isLearner }.map(\.label))
        let containers = observed.nodes.values.compactMap(\.value).flatMap(\.containers)
        let able = voters.filter { voter in
            let own = containers.filter { $0.service.rawValue == voter.rawValue }
            let isDown = !own.isEmpty && own.allSatisfy(\.state.isDown)
            return answers[voter] == nil && !isDown
        }
        return !voters.isEmpty && able.count <= voters.count / 2
    }

    /// docker takes a container for started after ten seconds: it fails before or anew.
    private static let steady = Duration.seconds(15)

    /// One that fails again and again runs for moments. One that runs steadily and answers is not
    /// the one that was planned for, and waiting does not make it so.
    static func containerDown(_ address: ContainerAddress, _ observed: Observed) -> Verdict {
        guard let node = observed.nodes[address.node]?.value,
            let container = node.container(address.service)
        else { return .wait("the container of \(address) could not be looked at") }
        if container.state.isDown { return .holds }
        let name = EtcdName(address.service.rawValue)
        if container.state == .running, observed.etcd[name]?.value != nil,
            let uptime = container.uptime(by: node.clock), uptime >= steady
        {
            return .refused(
                "its container runs again and \(name) answers: nothing was done to it; plan again")
        }
        return .wait("the container of \(address) runs again")
    }

    static func etcdForgot(_ name: EtcdName, _ observed: Observed) -> Verdict {
        guard let list = etcdMembers(observed) else { return .wait("no etcd member answers") }
        return list.contains { $0.name == name.rawValue }
            ? .wait("etcd still lists \(name)") : .holds
    }
}
