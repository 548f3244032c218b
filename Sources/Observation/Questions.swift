import Cluster
import Effects

/// One request over HTTP and the place it goes to. What it means for the cluster is decided after
/// the answer is there, so a place may be asked before it is known who lives there.
package struct Question: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case member, cluster, history, configuration
        case etcdHealth, etcdMembers, etcdStatus
        case proxy
    }
    var kind: Kind
    var place: Place

    static func patroni(_ place: Place) -> [Question] {
        [Question(kind: .member, place: place), Question(kind: .cluster, place: place)]
    }
    static func etcd(_ place: Place) -> [Question] {
        [.etcdHealth, .etcdMembers, .etcdStatus].map { Question(kind: $0, place: place) }
    }

    /// `GET /patroni`
    var line: String {
        switch kind {
        case .member: "GET /patroni"
        case .cluster: "GET /cluster"
        case .history: "GET /history"
        case .configuration: "GET /config"
        case .etcdHealth: "GET /health"
        case .etcdMembers: "POST \(WebQuery.etcdMembers.path)"
        case .etcdStatus: "POST \(WebQuery.etcdStatus.path)"
        case .proxy: "GET /;csv"
        }
    }

    var query: WebQuery? {
        switch kind {
        case .etcdMembers: .etcdMembers
        case .etcdStatus: .etcdStatus
        default: nil
        }
    }

    var address: WebAddress {
        WebAddress(
            node: place.node, host: place.host, port: place.port,
            path: String(line.split(separator: " ", maxSplits: 1)[1]))
    }

    /// Patroni answers `GET /patroni`, and etcd `GET /health`, with 503 and a body worth reading.
    func accepts(_ status: Int) -> Bool {
        switch kind {
        case .member, .etcdHealth: status == 200 || status == 503
        default: status == 200
        }
    }
}

/// Answers so far, by question, each parsed once. A failure's text says where, what was asked and
/// what was seen.
struct Answers {
    private let parser: any AnswerParser
    private var readings: [Question: Reading<AnswerContent>] = [:]
    /// By which name the member at a place knows itself, where it says so.
    private(set) var names: [Place: MemberName] = [:]

    init(_ parser: any AnswerParser) { self.parser = parser }

    /// `nil` when it was not asked.
    private func read<Value>(
        _ kind: Question.Kind, at place: Place, _ value: (AnswerContent) -> Value?
    ) -> Reading<Value>? {
        switch readings[Question(kind: kind, place: place)] {
        case nil: nil
        case .unreachable(let reason): .unreachable(reason)
        case .known(let content): value(content).map { .known($0) }
        }
    }

    func member(at place: Place) -> Reading<PatroniMember>? {
        read(.member, at: place) { if case .member(let value) = $0 { value } else { nil } }
    }
    func view(at place: Place) -> Reading<ClusterView>? {
        read(.cluster, at: place) { if case .view(let value) = $0 { value } else { nil } }
    }
    func history(at place: Place) -> Reading<[LeaderTerm]>? {
        read(.history, at: place) { if case .history(let value) = $0 { value } else { nil } }
    }
    func configuration(at place: Place) -> Reading<JSONValue>? {
        read(.configuration, at: place) {
            if case .configuration(let value) = $0 { value } else { nil }
        }
    }
    func isEtcdHealthy(at place: Place) -> Reading<Bool>? {
        read(.etcdHealth, at: place) {
            if case .isEtcdHealthy(let value) = $0 { value } else { nil }
        }
    }
    func etcdMembers(at place: Place) -> Reading<[EtcdPeer]>? {
        read(.etcdMembers, at: place) {
            if case .etcdMembers(let value) = $0 { value } else { nil }
        }
    }
    func etcdStatus(at place: Place) -> Reading<EtcdAnswer.Status>? {
        read(.etcdStatus, at: place) { if case .etcdStatus(let value) = $0 { value } else { nil } }
    }
    func servers(at place: Place) -> Reading<[ProxyServer]>? {
        read(.proxy, at: place) { if case .servers(let value) = $0 { value } else { nil } }
    }

    /// Asks what was not asked yet, all side by side.
    mutating func ask(
        _ questions: some Sequence<Question>, web: any WebReader, limit: Duration
    ) async {
        let open = Set(questions).subtracting(readings.keys)
        guard !open.isEmpty else { return }
        await withTaskGroup(of: Answered.self) { group in
            for question in open {
                group.addTask { [parser] in
                    await Self.ask(question, web: web, limit: limit, parser)
                }
            }
            for await answered in group {
                readings[answered.question] = answered.reading
                if let name = answered.name { names[answered.question.place] = name }
            }
        }
    }

    private struct Answered: Sendable {
        var question: Question
        var reading: Reading<AnswerContent>
        var name: MemberName?
    }

    private static func ask(
        _ question: Question, web: any WebReader, limit: Duration, _ parser: any AnswerParser
    ) async -> Answered {
        do {
            let answer =
                if let query = question.query {
                    try await web.query(query, at: question.address, limit: limit)
                } else {
                    try await web.get(question.address, limit: limit)
                }
            guard question.accepts(answer.status) else {
                return Answered(
                    question: question,
                    reading: .unreachable(
                        "\(question.line) at \(question.place.description) answered status "
                            + "\(answer.status): \(AnswerProblem.excerpt(of: answer.body))"))
            }
            let parsed = parser.web(answer, to: question.kind)
            let reading: Reading<AnswerContent> =
                switch parsed.content {
                case .success(let content): .known(content)
                case .failure(let problem):
                    .unreachable("\(question.place.description): \(problem.description)")
                }
            return Answered(question: question, reading: reading, name: parsed.name)
        } catch {
            let cause =
                switch error {
                case .unreachable(let text), .unknownOutcome(let text): text
                }
            return Answered(
                question: question,
                reading: .unreachable(
                    "\(question.line) at \(question.place.description): \(cause)"))
        }
    }
}
