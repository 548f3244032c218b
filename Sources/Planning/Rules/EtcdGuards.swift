import Cluster

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
        if let member = answers.keys.sorted().first(where: { answers[$0]?.leaderID != nil }) {
            return .wait("\(member) has a leader in etcd, and no member of it says it is healthy")
        }
        return answers.isEmpty
            ? .ripening("no etcd member answers; one may yet", after: .seconds(20)) : .holds
    }

    static func etcdForgot(_ name: EtcdName, _ observed: Observed) -> Verdict {
        guard let list = etcdMembers(observed) else { return .wait("no etcd member answers") }
        return list.contains { $0.name == name.rawValue }
            ? .wait("etcd still lists \(name)") : .holds
    }
}
