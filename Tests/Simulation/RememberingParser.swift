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
    }
    var bodies: [Body: ParsedAnswer] = [:]
    private var probes: [NodeName: Probe] = [:]

    private struct Probe: Sendable {
        var stamp: Int
        var text: ProbeText
        var read: [ProbeRequest: ObservedNode] = [:]
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
