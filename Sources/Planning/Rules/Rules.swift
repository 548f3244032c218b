package import Cluster

/// The oath's rules, one place each. A planner asks them what to plan; the executor asks them again
/// with fresh readings right before a step acts (S9).
package enum Rules {}

/// What a guard says about this moment.
package enum Verdict: Equatable, Sendable {
    case holds
    /// Not now, and it may hold later: what is waited for.
    case wait(String)
    /// There is nothing to do so far. When that lasts for `patience`, the step is done without acting.
    case idle(String, patience: Duration)
    /// It holds, and may pass by itself: act when it still says so after that long.
    case ripening(String, after: Duration)
    /// It will not hold by waiting.
    case refused(String)
}

/// How far a step's effect has come.
package enum Progress: Equatable, Sendable {
    case met
    case notYet(String)
    /// It cannot come any more when it still says so after that long.
    case failing(String, patience: Duration)
}

/// What has to be read afresh before a guard or a condition can be judged.
package enum ReadingNeed: Hashable, Sendable {
    /// Every member's own answer and view.
    case patroni
    case node(NodeName)
    case etcd
    case haproxy(NodeName)
    case configuration
}
