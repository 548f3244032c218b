import Cluster
import Effects

/// Whom to ask once the nodes are known, and what the answers make of an observation. Pure.
struct Inquiry {
    private let places: Places
    private let parts: Set<ObservedPart>
    private let nodes: [NodeName: Reading<ObservedNode>]
    private let fresh: Set<NodeName>
    private let members: [MemberName: Subject]
    private let etcd: [EtcdName: Subject]
    private let proxies: [NodeName: Subject]

    /// Something to be asked, or the reason why it cannot answer.
    private enum Subject {
        case ask(Place)
        /// Nothing was seen there; it counts only if the right one answers.
        case perhaps(Place)
        case silent(String)

        init(
            _ container: ObservedContainer, on node: NodeName, at place: Place?, isFresh: Bool
        ) {
            if isFresh, container.state != .running {
                let code = container.exitCode.map { " (\($0))" } ?? ""
                self = .silent(
                    "the container of \(container.service) on \(node) is "
                        + "\(container.state.rawValue)\(code)")
            } else if let place {
                self = .ask(place)
            } else {
                self = .silent("the container of \(container.service) on \(node) has no address")
            }
        }

        var place: Place? {
            switch self {
            case .ask(let place), .perhaps(let place): place
            case .silent: nil
            }
        }
    }

    /// - Parameter fresh: nodes that were read just now: what is stopped there need not be asked.
    init(
        places: Places, parts: Set<ObservedPart>, nodes: [NodeName: Reading<ObservedNode>],
        fresh: Set<NodeName>
    ) {
        self.places = places
        self.parts = parts
        self.nodes = nodes
        self.fresh = fresh
        var members: [MemberName: Subject] = [:]
        var etcd: [EtcdName: Subject] = [:]
        var proxies: [NodeName: Subject] = [:]

        func subject(
            _ container: ObservedContainer, _ node: NodeName, _ place: Place?
        ) -> Subject {
            Subject(container, on: node, at: place, isFresh: fresh.contains(node))
        }

        for node in places.desired.nodes.map(\.name) {
            guard let seen = nodes[node]?.value else { continue }
            for container in places.members(on: seen).reversed() {
                members[MemberName(container.service.rawValue)] = subject(
                    container, node, places.patroni(of: container, on: node))
            }
            for container in places.etcdMembers(on: seen).reversed() {
                etcd[EtcdName(container.service.rawValue)] = subject(
                    container, node, places.etcd(of: container, on: node))
            }
            if let container = seen.container(HAProxy.service) {
                proxies[node] = subject(container, node, places.proxy(of: container, on: node))
            }
        }
        for (name, member) in places.placed where members[name] == nil {
            let place = places.place(member.node, member.ports.patroni)
            members[name] = nodes[member.node]?.value == nil ? .ask(place) : .perhaps(place)
        }
        for member in places.desired.etcd.members where etcd[member.name] == nil {
            guard nodes[member.node]?.value == nil else { continue }
            etcd[member.name] =
                places.desired.isSingleNode
                ? .silent(nodes[member.node]?.reason ?? "\(member.node) was not looked at")
                : .ask(places.place(member.node, member.clientPort))
        }
        for node in places.desired.haproxy?.nodes ?? []
        where proxies[node] == nil && nodes[node]?.value == nil {
            proxies[node] = places.likelyProxy(node).map { .ask($0) }
        }
        self.members = members
        self.etcd = etcd
        self.proxies = proxies
    }

    // MARK: - Questions

    var questions: [Question] {
        var questions: [Question] = []
        if parts.contains(.patroni) {
            questions += members.values.compactMap(\.place).flatMap(Question.patroni)
        }
        if parts.contains(.etcd) {
            questions += etcd.values.compactMap(\.place).flatMap(Question.etcd)
        }
        for case .haproxy(let node) in parts {
            if let place = proxies[node]?.place {
                questions.append(Question(kind: .proxy, place: place))
            }
        }
        return questions
    }

    /// Members that only a view knows.
    func questions(afterViews answers: Answers) -> [Question] {
        guard parts.contains(.patroni) else { return [] }
        return viewed(answers).values.compactMap(\.place).flatMap(Question.patroni)
    }

    /// By name, those without a container or a declared place. A node that could not be reached
    /// just now is not waited for once more; what its Patroni has answered meanwhile counts.
    private func viewed(_ answers: Answers) -> [MemberName: Subject] {
        var found: [MemberName: Subject] = [:]
        for (_, subject) in members.sorted(by: { $0.key < $1.key }) {
            guard let witness = subject.place, let view = view(at: witness, answers)?.value else {
                continue
            }
            for member in view.members where members[member.name] == nil {
                guard let url = member.apiURL, found[member.name] == nil else { continue }
                let place = places.patroni(apiURL: url, nodes: nodes, witness: witness.node)
                guard let place else { continue }
                let reason = fresh.contains(place.node) ? nodes[place.node]?.reason : nil
                let isAnswered = answers.member(at: place)?.value != nil
                found[member.name] =
                    isAnswered ? .ask(place) : reason.map { .silent($0) } ?? .ask(place)
            }
        }
        return found
    }

    /// `GET /history` of the one leader, where some member's data is of no use as it is.
    func historyQuestions(_ answers: Answers) -> [Question] {
        guard parts.contains(.history) else { return [] }
        var leaders: [Place] = []
        var isWanted = false
        for (name, subject) in members.merging(viewed(answers), uniquingKeysWith: { own, _ in own })
        {
            guard let place = subject.place, let member = member(name, at: place, answers)?.value
            else { continue }
            if [.leader, .standbyLeader].contains(member.role) { leaders.append(place) }
            isWanted = isWanted || member.isWrecked
        }
        guard isWanted, leaders.count == 1 else { return [] }
        return leaders.map { Question(kind: .history, place: $0) }
    }

    /// Where `GET /config` may be asked: members that answered, the leader first.
    func configurationPlaces(_ answers: Answers) -> [Place] {
        guard parts.contains(.configuration) else { return [] }
        var leaders: [Place] = []
        var others: [Place] = []
        for (name, subject) in members.sorted(by: { $0.key < $1.key }) {
            guard let place = subject.place else { continue }
            switch member(name, at: place, answers) {
            case .known(let member) where member.role == .leader: leaders.append(place)
            case .known, nil: others.append(place)
            case .unreachable: continue
            }
        }
        return leaders + others
    }

    // MARK: - Answers

    func apply(_ answers: Answers, to observed: inout Observed) {
        if parts.contains(.patroni) {
            observed.members = [:]
            observed.views = [:]
            for (name, subject) in members { add(name, subject, answers, to: &observed) }
            for (name, subject) in viewed(answers) { add(name, subject, answers, to: &observed) }
        }
        if parts.contains(.history) {
            observed.history = historyQuestions(answers).first.flatMap {
                answers.history(at: $0.place)
            }
        }
        if parts.contains(.configuration) { observed.configuration = configuration(answers) }
        if parts.contains(.etcd) {
            observed.etcd = etcd.reduce(into: [:]) { $0[$1.key] = etcdMember($1.value, answers) }
        }
        for case .haproxy(let node) in parts {
            observed.haproxy[node] = proxies[node].map { servers($0, answers) }
        }
    }

    private func add(
        _ name: MemberName, _ subject: Subject, _ answers: Answers, to observed: inout Observed
    ) {
        switch subject {
        case .silent(let reason):
            observed.members[name] = .unreachable(reason)
            observed.views[name] = .unreachable(reason)
        case .perhaps(let place):
            guard answers.names[place] == name else { return }
            fallthrough
        case .ask(let place):
            let notAsked = "\(place.description) was not asked"
            observed.members[name] = member(name, at: place, answers) ?? .unreachable(notAsked)
            observed.views[name] = view(at: place, answers) ?? .unreachable(notAsked)
        }
    }

    /// A member's own answer, which has to be the right member's.
    private func member(_ name: MemberName, at place: Place, _ answers: Answers)
        -> Reading<PatroniMember>?
    {
        if let other = answers.names[place], other != name {
            return .unreachable(
                "\(place.description) answers as member \(other), expected \(name)")
        }
        return answers.member(at: place)
    }

    private func view(at place: Place, _ answers: Answers) -> Reading<ClusterView>? {
        answers.view(at: place)
    }

    /// The first known answer; `nil` where there is no member to be asked.
    func configuration(_ answers: Answers) -> Reading<JSONValue>? {
        var reason: String?
        var exists = false
        for (name, subject) in members.sorted(by: { $0.key < $1.key }) {
            switch subject {
            case .perhaps: break
            case .ask: exists = true
            case .silent(let text):
                exists = true
                reason = reason ?? text
            }
            guard let place = subject.place else { continue }
            if case .perhaps = subject, member(name, at: place, answers)?.value == nil { continue }
            exists = true
            let reading = answers.configuration(at: place)
            if let reading, reading.value != nil { return reading }
            reason = reading?.reason ?? reason ?? member(name, at: place, answers)?.reason
        }
        return exists ? .unreachable(reason ?? "no member answers") : nil
    }

    private func etcdMember(_ subject: Subject, _ answers: Answers) -> Reading<ObservedEtcd> {
        guard let place = subject.place else {
            guard case .silent(let reason) = subject else { return .unreachable("not asked") }
            return .unreachable(reason)
        }
        let notAsked = "\(place.description) was not asked"
        let status = answers.etcdStatus(at: place)
        let list = answers.etcdMembers(at: place)
        let health = answers.isEtcdHealthy(at: place)
        guard case .known(let status)? = status else {
            return .unreachable(status?.reason ?? notAsked)
        }
        // A learner answers its status and refuses all else: "rpc not supported for learner".
        if status.isLearner {
            return .known(
                ObservedEtcd(
                    isHealthy: false, members: [], memberID: status.memberID,
                    leaderID: status.leaderID))
        }
        guard case .known(let list)? = list else {
            return .unreachable(list?.reason ?? notAsked)
        }
        // Without a quorum etcd answers its health late or not at all, and the rest at once.
        return .known(
            ObservedEtcd(
                isHealthy: health?.value ?? false, members: list, memberID: status.memberID,
                leaderID: status.leaderID))
    }

    private func servers(_ subject: Subject, _ answers: Answers) -> Reading<[ProxyServer]> {
        guard let place = subject.place else {
            guard case .silent(let reason) = subject else { return .unreachable("not asked") }
            return .unreachable(reason)
        }
        return answers.servers(at: place) ?? .unreachable("\(place.description) was not asked")
    }
}
