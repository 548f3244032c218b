package import Cluster

/// What a look at the lock of a node showed.
package enum LockState: Equatable, Sendable {
    case free
    /// `nil`: whoever holds it left no record.
    case held(by: LockHolder?)
    /// Nobody holds it, and commands of an earlier holder still run.
    case working([String])
    /// It could not be looked at.
    case unreachable(String)

    /// For people, a whole sentence.
    package func text(on node: NodeName) -> String {
        switch self {
        case .free: "the lock on \(node) is free"
        case .held(let holder): "the lock on \(node) \(LockObstacle.held(by: holder).text)"
        case .working(let commands):
            "the lock on \(node) \(LockObstacle.working(commands).text); "
                + LockObstacle.working(commands).advice(on: node)
        case .unreachable(let reason): "\(node) could not be asked: \(reason)"
        }
    }
}

/// What `unlock` found on a node, did there, and found afterwards.
package struct Unlocking: Equatable, Sendable {
    package let node: NodeName
    package let before: LockState
    /// Why the holder that was found could not be ended, as the node or the way to it says.
    package var failure: String?
    /// The same as before where nobody was to be ended on any node.
    package var after: LockState

    package init(node: NodeName, before: LockState) {
        self.node = node
        self.before = before
        after = before
    }

    /// The apply whose holder is ended: the one that was found, and no other.
    package var apply: String? { if case .held(let holder?) = before { holder.apply } else { nil } }

    /// For people, a whole sentence: what is true now, and what came of the attempt.
    package var text: String {
        switch after {
        case .held(let holder?) where holder.apply == apply:
            "the lock on \(node) was not freed: \(failure ?? "its holder goes on"); it "
                + LockObstacle.held(by: holder).text
        case .held(let holder) where apply != nil:
            "the lock on \(node) was given up by the holder that was found, and by now "
                + LockObstacle.held(by: holder).text
        case .unreachable(let reason) where apply != nil && failure == nil:
            "the lock on \(node) was given up by the holder that was found, and could not be"
                + " looked at afterwards: \(reason)"
        case .free where apply != nil: "the lock on \(node) was freed"
        case .free, .held, .working, .unreachable: after.text(on: node)
        }
    }
}
