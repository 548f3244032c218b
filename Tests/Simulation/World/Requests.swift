import Cluster
import Effects

/// Mutating calls of Patroni's REST.
struct BegunRequest: Sendable {
    enum Kind: Sendable {
        case switchover(from: MemberName, to: MemberName)
        case other
    }
    var kind: Kind
    var takes: Duration
    /// The answer does not arrive.
    var isLost = false
    var answer: WebAnswer
}

extension World {
    /// - Returns: `nil` where nothing listens.
    mutating func begin(_ request: WebRequest, _ faults: Faults) -> BegunRequest? {
        guard case .patroni(let member)? = endpoint(request.address),
            instances[member]?.answers == true
        else { return nil }
        tell("\(request.method.rawValue) \(request.address.path) to \(member)")
        guard let node = instances[member]?.node, hasQuorum(from: node) else {
            return reply(503, "no answer from the DCS")
        }
        let meetsFault = faults.isActive && seed.oneIn(faults.commands / 4)
        if meetsFault, request.address.path != "/switchover", seed.oneIn(4) {
            return twice(request, member)
        }
        switch request.address.path {
        case "/switchover": return beginSwitchover(request.body, meetsFault)
        case "/restart": return restart(member, request.body, meetsFault)
        case "/reinitialize": return reinitialize(member, meetsFault)
        case "/config": return patch(request.body, meetsFault)
        default: return reply(404, "not found")
        }
    }

    /// It arrives two times, as what is sent again on a fresh connection may: the second is answered.
    private mutating func twice(_ request: WebRequest, _ member: MemberName) -> BegunRequest {
        switch request.address.path {
        case "/restart":
            let first = restart(member, request.body, false)
            return reply(503, "restart already in progress", after: first.takes)
        case "/reinitialize":
            _ = reinitialize(member, false)
            return reply(503, "reinitialize already in progress")
        case "/config":
            _ = patch(request.body, false)
            return patch(request.body, false)
        default: return reply(404, "not found")
        }
    }

    private func reply(
        _ status: Int, _ text: String, after delay: Duration = .milliseconds(20),
        isLost: Bool = false
    ) -> BegunRequest {
        BegunRequest(
            kind: .other, takes: delay, isLost: isLost,
            answer: WebAnswer(status: status, body: Array(text.utf8)))
    }

    private mutating func beginSwitchover(
        _ body: JSONValue?, _ meetsFault: Bool
    ) -> BegunRequest {
        oracle.switchoverIsAsked(
            to: (body?["candidate"]?.string).map { MemberName($0) }, in: self)
        guard let from = body?["leader"]?.string, let to = body?["candidate"]?.string,
            dcs.leader?.rawValue == from
        else {
            oracle.switchoverIsSettled()
            return reply(412, "leader name does not match")
        }
        guard instances[MemberName(to)]?.isFollowing == true else {
            oracle.switchoverIsSettled()
            return reply(412, "candidate does not exists")
        }
        if dcs.isSynchronous, dcs.sync?.rawValue != to {
            oracle.switchoverIsSettled()
            return reply(412, "candidate name does not match with sync_standby")
        }
        // It replaces whatever a person had asked for.
        var begun = BegunRequest(
            kind: .switchover(from: MemberName(from), to: MemberName(to)),
            takes: .milliseconds(seed.number(1500...3500)),
            answer: WebAnswer(status: 503, body: Array("Switchover status unknown".utf8)))
        var pending = DCS.PendingSwitchover(
            from: MemberName(from), to: MemberName(to), due: now + .seconds(1), works: true)
        if meetsFault {
            switch seed.number(0...3) {
            case 0: pending.works = false
            case 1: pending.due = now + .seconds(seed.number(10...30))
            case 2:
                // Lost on its way: nothing was asked for.
                begun.isLost = true
                return begun
            default: begun.isLost = true
            }
            if !begun.isLost { begun.takes = .seconds(20) }
        }
        dcs.switchover = pending
        return begun
    }

    mutating func conclude(_ begun: BegunRequest) -> WebAnswer {
        guard case .switchover(let from, let to) = begun.kind else { return begun.answer }
        guard let leader = dcs.leader, leader != from else { return begun.answer }
        oracle.switchoverIsSettled()
        let text =
            leader == to
            ? "Successfully switched over to \"\(to)\""
            : "Switched over to \"\(leader)\" instead of \"\(to)\""
        return WebAnswer(status: 200, body: Array(text.utf8))
    }

    private mutating func restart(
        _ member: MemberName, _ body: JSONValue?, _ meetsFault: Bool
    ) -> BegunRequest {
        guard let instance = instances[member], instance.isFollowing || instance.isLeading else {
            return reply(503, "restart failed")
        }
        // patroni/ha.py, restart_matches: the key counts, whatever its value.
        if body?["restart_pending"] != nil && !hasPendingRestart(instance)
            || body?["role"]?.string == "replica" && instance.isLeading
        {
            return reply(503, "restart conditions are not satisfied")
        }
        oracle.memberGoesDown(member, by: "restart of Postgres in", in: self)
        let takes = Duration.seconds(seed.number(1...3))
        if meetsFault, seed.oneIn(3) {
            // Lost on its way.
            return reply(200, "", after: takes, isLost: true)
        }
        instances[member]?.activity = .restarting(
            until: now + takes + (meetsFault ? .seconds(10) : .zero), leads: instance.isLeading)
        guard meetsFault else {
            return reply(200, "restarted successfully", after: takes + .milliseconds(500))
        }
        return seed.oneIn(2)
            ? reply(503, "postgres is still starting", after: takes)
            : reply(200, "", after: takes, isLost: true)
    }

    private mutating func reinitialize(_ member: MemberName, _ meetsFault: Bool) -> BegunRequest {
        guard dcs.leader != nil, dcs.leader != member, let node = container(of: member)?.node else {
            return reply(503, "Cluster has no leader, can not reinitialize")
        }
        if instances[member]?.isCloning == true {
            return reply(503, "reinitialize already in progress")
        }
        oracle.memberGoesDown(member, by: "reinitialisation of", in: self)
        oracle.dataIsCloned(of: member, on: node, in: self)
        cloneAnew(member, on: node)
        return reply(200, "reinitialize started", isLost: meetsFault)
    }

    private mutating func patch(_ body: JSONValue?, _ meetsFault: Bool) -> BegunRequest {
        guard let body, let live = dcs.configuration else { return reply(409, "no config") }
        if meetsFault, seed.oneIn(2) { return reply(200, "", isLost: true) }
        dcs.configuration = Self.merged(live, body)
        dcs.configurationChangedAt = now
        return reply(200, (dcs.configuration ?? .null).canonicalText, isLost: meetsFault)
    }

    /// As Patroni patches: `null` deletes, objects merge, the rest is replaced.
    private static func merged(_ live: JSONValue, _ patch: JSONValue) -> JSONValue {
        guard case .object(var fields) = live, case .object(let changes) = patch else {
            return patch
        }
        for (key, change) in changes {
            if change == .null {
                fields[key] = nil
            } else {
                fields[key] = fields[key].map { merged($0, change) } ?? change
            }
        }
        return .object(fields)
    }
}
