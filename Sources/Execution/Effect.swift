package import Cluster
package import Effects
package import Planning
package import RemoteCommands

/// One thing done to the world. An action is a short sequence of them.
package enum Effect: Equatable, Sendable {
    case command(Command, on: NodeName)
    case request(WebRequest, PatroniCall, limit: Duration)
}

/// A mutating call of Patroni's REST API, by what its answers mean.
package enum PatroniCall: Equatable, Sendable {
    case switchover(to: MemberName)
    case restart(MemberName)
    case reinitialize(MemberName)
    case patchConfiguration

    var summary: String {
        switch self {
        case .switchover(let to): "switchover to \(to)"
        case .restart(let member): "restart of Postgres in \(member)"
        case .reinitialize(let member): "reinitialisation of \(member)"
        case .patchConfiguration: "change of the dynamic configuration"
        }
    }
}

/// Why an action has no effects at this moment: a fact that it is built from is missing.
package struct MissingFact: Error, Equatable, Sendable {
    package var text: String
    package init(_ text: String) { self.text = text }
}

/// What turns an action into effects.
package protocol EffectSource: Sendable {
    /// - Parameter observed: read right before the act.
    func effects(of action: Action, seeing observed: Observed) throws(MissingFact) -> [Effect]
}
