import Cluster
import Effects
import Rendering

/// Requests to Patroni's REST API.
extension ActionEffects {
    /// To the leader itself, which is who performs it.
    func switchover(
        _ from: MemberName, _ to: MemberName, _ observed: Observed
    ) throws(MissingFact) -> Effect {
        let body = JSONValue.object([
            "leader": .string(from.rawValue), "candidate": .string(to.rawValue),
        ])
        // Patroni polls that long before it answers 503; a shorter wait would only lose its answer.
        let limit = SwitchoverWatch.patience(observed.configuration) + .seconds(15)
        return .request(
            try request(.post, from, "/switchover", body, observed), .switchover(to: to),
            limit: limit)
    }

    func restartPostgres(
        _ member: MemberName, _ observed: Observed
    ) throws(MissingFact) -> Effect {
        // Patroni looks at these in its turn: a request that was long on its way restarts nobody who
        // asks for none any more, and no leader in the place of a replica.
        var fields: [String: JSONValue] = [
            "timeout": .int(patience.components.seconds), "restart_pending": .bool(true),
        ]
        switch observed.members[member]?.value?.role {
        case .replica, .syncStandby, .quorumStandby: fields["role"] = .string("replica")
        case .leader, .standbyLeader, .undetermined, nil: break
        }
        return .request(
            try request(.post, member, "/restart", .object(fields), observed), .restart(member),
            limit: patience + .seconds(10))
    }

    func reinitialize(_ member: MemberName, _ observed: Observed) throws(MissingFact) -> Effect {
        .request(
            try request(.post, member, "/reinitialize", .object([:]), observed),
            .reinitialize(member), limit: .seconds(30))
    }

    func patchConfiguration(
        _ patch: JSONValue, _ observed: Observed
    ) throws(MissingFact) -> Effect {
        .request(
            try request(.patch, try leader(observed), "/config", patch, observed),
            .patchConfiguration, limit: .seconds(30))
    }

    private func request(
        _ method: WebRequest.Method, _ member: MemberName, _ path: String, _ body: JSONValue,
        _ observed: Observed
    ) throws(MissingFact) -> WebRequest {
        WebRequest(method: method, address: try rest(of: member, path, observed), body: body)
    }

    /// Where the member's REST answers: as its container publishes it, else by its own address.
    private func rest(
        of member: MemberName, _ path: String, _ observed: Observed
    ) throws(MissingFact) -> WebAddress {
        guard
            let place = seen(member.service, observed).first(where: { $0.isRunning })
                ?? seen(member.service, observed).first
        else { throw MissingFact("the container of \(member) was not found") }
        let inside = apiPort(of: place.container)
        let published = place.container.ports.first {
            $0.container == inside && $0.transport == .tcp && $0.host != 0
        }
        if let published {
            let declared =
                topology.desired.isSingleNode
                ? nil : topology.desired.node(place.node)?.privateAddress
            let host = published.hostAddress ?? declared ?? "127.0.0.1"
            return WebAddress(
                node: place.node, host: host == "::" ? "::1" : host, port: published.host,
                path: path)
        }
        guard let address = place.container.address else {
            throw MissingFact("the container of \(member) has no address")
        }
        return WebAddress(node: place.node, host: address, port: inside, path: path)
    }

    private func apiPort(of container: ObservedContainer) -> UInt16 {
        guard case .plain(let text)? = container.environment["APIPORT"] else { return 8008 }
        return UInt16(text.reveal()) ?? 8008
    }
}

extension ActionEffects.Seen {
    fileprivate var isRunning: Bool { container.state == .running }
}
