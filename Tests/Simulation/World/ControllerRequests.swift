import Cluster
import Effects
import Synchronization

/// Requests over HTTP.
extension Controller {
    func get(_ url: WebAddress, limit: Duration) async throws(WebFailure) -> WebAnswer {
        await world.time.sleep(for: world.latency / 10)
        let now = world.time.now
        let result = world.state.withLock { state -> Result<WebAnswer, WebFailure> in
            Simulated.advance(&state, to: now)
            return answer(url, &state, now)
        }
        return try result.get()
    }

    private func answer(
        _ url: WebAddress, _ state: inout Simulated.State, _ now: Duration
    ) -> Result<WebAnswer, WebFailure> {
        guard state.world.controllers[number]?.isAlive == true,
            let endpoint = state.world.endpoint(url)
        else { return .failure(.unreachable("connection refused")) }
        if case .patroni(let member) = endpoint, let mood = state.world.moods[member],
            mood.until > now
        {
            switch mood.kind {
            case .silent: return .failure(.unreachable("connection refused"))
            case .indeterminate:
                return .success(
                    WebAnswer(status: 503, body: Array("{\"state\": \"unknown\"}".utf8)))
            case .garbage:
                return .success(
                    WebAnswer(status: 200, body: Array("<html>Bad Gateway</html>".utf8)))
            case .stale(let view):
                if url.path == "/cluster" {
                    return .success(
                        WebAnswer(status: 200, body: view, date: state.world.clock))
                }
            }
        }
        if case .etcd(let name, _) = endpoint, let end = state.world.mute[name], end > now {
            return .failure(.unreachable("connection refused"))
        }
        guard var answer = state.answers.answer(endpoint, path: url.path, of: state.world) else {
            return .failure(.unreachable("connection refused"))
        }
        if state.faults.isActive,
            let draw = state.readings.draw(
                oneIn: state.faults.readings, for: url.host, String(url.port), url.path,
                at: now)
        {
            guard draw % 4 == 0 else { return .failure(.unknownOutcome("timed out")) }
            answer.body.removeLast(answer.body.count / 2)
        }
        return .success(answer)
    }

    func query(
        _ query: WebQuery, at place: WebAddress, limit: Duration
    ) async throws(WebFailure) -> WebAnswer {
        var url = place
        url.path = query.path
        return try await get(url, limit: limit)
    }

    func send(_ request: WebRequest, limit: Duration) async throws(WebFailure) -> WebAnswer {
        let now = world.time.now
        let begun = world.state.withLock { state -> BegunRequest? in
            Simulated.advance(&state, to: now)
            guard state.world.controllers[number]?.isAlive == true,
                state.world.endpoint(request.address) != nil
            else { return nil }
            if let body = request.body {
                Leak.look(for: Leak.inRequest, in: body.canonicalText, &state.world)
            }
            state.world.oracle.acts(
                number, request.address.path, on: request.address.node, in: state.world)
            state.world.controllers[number]?.isActing = true
            state.answers.forgetView()
            if request.address.path != "/config" { Simulated.acts(&state) }
            return state.world.begin(request, state.faults)
        }
        guard let begun else { throw .unreachable("connection refused") }
        await world.time.sleep(for: min(begun.takes, limit))
        if begun.takes > limit || begun.isLost { throw .unknownOutcome("connection lost") }
        return world.look { $0.conclude(begun) }
    }
}
