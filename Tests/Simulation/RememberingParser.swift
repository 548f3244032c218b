import Cluster
import Effects
import Observation
import Synchronization

/// The tool's own parsers, asked once for answers of the same bytes.
///
/// A node's probe has the time of day in it; what it says besides is known to be the same where the
/// world says so.
struct RememberingParser: AnswerParser {
    private let plain = PlainParser()
    private let world: Simulated

    init(_ world: Simulated) { self.world = world }

    func node(
        _ name: NodeName, _ result: CommandResult, for request: ProbeRequest
    ) throws(ProbeFailure) -> ObservedNode {
        if let known = world.state.withLock({ $0.answers.node(name, result, for: request) }) {
            return known
        }
        let seen = try plain.node(name, result, for: request)
        world.state.withLock { $0.answers.remember(name, result, for: request, as: seen) }
        return seen
    }

    func web(_ answer: WebAnswer, to kind: Question.Kind) -> ParsedAnswer {
        let key = AnswerCache.Body(kind: kind, bytes: answer.body)
        var parsed = world.state.withLock { $0.answers.bodies[key] }
        if parsed == nil {
            let fresh = plain.web(answer, to: kind)
            world.state.withLock { $0.answers.bodies[key] = fresh }
            parsed = fresh
        }
        guard var parsed else { return plain.web(answer, to: kind) }
        if case .success(.member(var member)) = parsed.content {
            member.answeredAt = answer.date
            parsed.content = .success(.member(member))
        }
        return parsed
    }
}

/// Answers that would be the same bytes but for the time of day, and what was read of them.
struct AnswerCache: Sendable {
    struct Body: Hashable {
        var kind: Question.Kind
        var bytes: [UInt8]

        /// An array of bytes would be hashed byte by byte with all the care of a hasher.
        func hash(into hasher: inout Hasher) {
            var sum: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hasher.combine(kind)
            hasher.combine(sum)
        }
    }
    var bodies: [Body: ParsedAnswer] = [:]
    private var probes: [NodeName: Probe] = [:]

    private struct Probe: Sendable {
        var stamp: Int
        var text: ProbeText
        var read: [ProbeRequest: ObservedNode] = [:]
    }

    private struct View: Sendable {
        var at: Duration
        var bytes: [UInt8]
    }
    private var view: View?

    /// Something may have changed at this moment.
    mutating func forgetView() { view = nil }

    /// `/cluster` is the same for all who are asked at once.
    mutating func answer(
        _ endpoint: World.Endpoint, path: String, of world: World
    ) -> WebAnswer? {
        guard case .patroni(let member) = endpoint, path == "/cluster", world.isolated.isEmpty
        else { return world.answer(endpoint, path: path) }
        guard world.instances[member]?.answers == true else { return nil }
        if let view, view.at == world.now {
            return WebAnswer(status: 200, body: view.bytes, date: world.clock)
        }
        let bytes = world.staleView
        view = View(at: world.now, bytes: bytes)
        return WebAnswer(status: 200, body: bytes, date: world.clock)
    }

    mutating func probe(_ node: NodeName, of world: World) -> [UInt8] {
        let stamp = world.servers[node]?.stamp ?? 0
        if probes[node]?.stamp != stamp {
            probes[node] = Probe(stamp: stamp, text: world.probe(node))
        }
        probes[node]?.text.date(world.clock)
        return probes[node]?.text.bytes ?? []
    }

    func node(
        _ name: NodeName, _ result: CommandResult, for request: ProbeRequest
    ) -> ObservedNode? {
        guard let probe = probes[name], var known = probe.read[request],
            probe.text.bytes == result.output
        else { return nil }
        known.clock = probe.text.clock
        return known
    }

    mutating func remember(
        _ name: NodeName, _ result: CommandResult, for request: ProbeRequest,
        as seen: ObservedNode
    ) {
        guard let probe = probes[name], probe.text.bytes == result.output else { return }
        probes[name]?.read[request] = seen
    }
}
