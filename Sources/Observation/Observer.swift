package import Cluster
package import Effects

/// What of an observation is read afresh.
package enum ObservedPart: Hashable, Sendable {
    /// A server by one probe: docker, files, images.
    case node(NodeName)
    /// Every member's own answer and view.
    case patroni
    /// Who led before, with `patroni`: asked only where a member's data is of no use as it is.
    case history
    /// Patroni's dynamic configuration.
    case configuration
    /// Every etcd member.
    case etcd
    /// HAProxy's statistics on a node.
    case haproxy(NodeName)
}

/// Looks at the servers and at what runs there. It holds readers only, so it cannot change anything
/// (S12), and it never fails: what could not be looked at becomes a reading that says why.
package struct Observer: Sendable {
    private let nodes: any NodeReader
    private let web: any WebReader
    private let parser: any AnswerParser

    /// How long an answer over HTTP may take.
    package static let webLimit: Duration = .seconds(3)

    package init(
        nodes: any NodeReader, web: any WebReader, parser: any AnswerParser = .plain
    ) {
        self.nodes = nodes
        self.web = web
        self.parser = parser
    }

    /// Everything, all nodes side by side. What Patroni, etcd and HAProxy say is asked at the
    /// likely places while the probes run, so that a cluster in its declared shape costs one wait.
    package func observe(_ desired: Desired) async -> Observed {
        var parts: Set<ObservedPart> = [.patroni, .history, .configuration, .etcd]
        for node in desired.nodes {
            parts.insert(.node(node.name))
            parts.insert(.haproxy(node.name))
        }
        return await refresh(Observed(), parts, of: desired)
    }

    /// `observed` with `parts` read afresh and the rest as it was.
    ///
    /// Members are found by the containers in `observed.nodes`: after a container was created or
    /// recreated its node belongs into `parts` too.
    /// - Parameter placed: where members are that the manifest does not pin: `Topology.members`.
    package func refresh(
        _ observed: Observed, _ parts: Set<ObservedPart>, of desired: Desired,
        placed: [PlacedMember] = []
    ) async -> Observed {
        let places = Places(desired: desired, placed: placed)
        let probed = desired.nodes.map(\.name).filter { parts.contains(.node($0)) }
        var result = observed
        var answers = Answers(parser)
        if probed.isEmpty {
            await answers.ask(
                Inquiry(places: places, parts: parts, nodes: observed.nodes, fresh: []).questions,
                web: web, limit: Self.webLimit)
        } else {
            async let probes = probe(probed, of: desired)
            await answers.ask(
                places.likely(parts), web: web, limit: Self.webLimit)
            for (name, reading) in await probes { result.nodes[name] = reading }
        }
        let inquiry = Inquiry(
            places: places, parts: parts, nodes: result.nodes, fresh: Set(probed))
        await answers.ask(inquiry.questions, web: web, limit: Self.webLimit)
        await answers.ask(
            inquiry.questions(afterViews: answers), web: web, limit: Self.webLimit)
        await answers.ask(inquiry.historyQuestions(answers), web: web, limit: Self.webLimit)
        for place in inquiry.configurationPlaces(answers)
        where inquiry.configuration(answers)?.value == nil {
            await answers.ask(
                [Question(kind: .configuration, place: place)], web: web, limit: Self.webLimit)
        }
        inquiry.apply(answers, to: &result)
        return result
    }

    /// One node by its probe; a torn answer (a file was replaced meanwhile) is asked for once more.
    private func probe(_ names: [NodeName], of desired: Desired) async
        -> [NodeName: Reading<ObservedNode>]
    {
        await withTaskGroup(of: Probed.self) { group in
            for name in names {
                let request = ProbeRequest(
                    project: desired.project, images: desired.images(on: name))
                group.addTask { await probe(name, request) }
            }
            var readings: [NodeName: Reading<ObservedNode>] = [:]
            for await probed in group { readings[probed.node] = probed.reading }
            return readings
        }
    }

    private struct Probed: Sendable {
        var node: NodeName
        var reading: Reading<ObservedNode>
    }

    private func probe(_ node: NodeName, _ request: ProbeRequest) async -> Probed {
        var failure: ProbeFailure?
        for _ in 0..<2 {
            let result: CommandResult
            do { result = try await nodes.ask(NodeProbe.query(request), on: node) } catch {
                let cause =
                    switch error {
                    case .unreachable(let text): text
                    case .unknownOutcome(let text): "the probe did not answer: \(text)"
                    }
                return Probed(node: node, reading: .unreachable(cause))
            }
            do {
                let seen = try parser.node(node, result, for: request)
                return Probed(node: node, reading: .known(seen))
            } catch {
                failure = error
                if !error.isTransient { break }
            }
        }
        let reason = failure?.description ?? "the probe did not answer"
        return Probed(node: node, reading: .unreachable("\(node): \(reason)"))
    }
}

extension Desired {
    /// Images that a node may have to run: members and etcd may come to any node.
    func images(on node: NodeName) -> [ImageReference] {
        var images: Set<ImageReference> = [postgres.image, etcd.image]
        images.formUnion(postgres.members.compactMap(\.image))
        if let haproxy, haproxy.nodes.contains(node) { images.insert(haproxy.image) }
        for service in services where service.nodes.contains(node) { images.insert(service.image) }
        return images.sorted()
    }
}

extension Places {
    /// What is worth asking before the nodes have answered.
    func likely(_ parts: Set<ObservedPart>) -> [Question] {
        var questions: [Question] = []
        if parts.contains(.patroni) { questions += likelyPatroni.flatMap(Question.patroni) }
        if parts.contains(.configuration), let place = likelyConfiguration {
            questions.append(Question(kind: .configuration, place: place))
        }
        if parts.contains(.etcd) { questions += likelyEtcd.flatMap(Question.etcd) }
        for case .haproxy(let node) in parts {
            if let place = likelyProxy(node) {
                questions.append(Question(kind: .proxy, place: place))
            }
        }
        return questions
    }

    private var likelyConfiguration: Place? {
        if let member = placed.values.min(by: { $0.name < $1.name }) {
            return place(member.node, member.ports.patroni)
        }
        return desired.nodes.first.map { place($0.name, desired.postgres.firstPorts.patroni) }
    }
}
