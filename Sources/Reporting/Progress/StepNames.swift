package import Cluster
package import Planning

/// What each step of a plan is called while it runs.
package struct StepNames: Sendable {
    private let phrases: [StepID: String]

    package init(_ plan: Plan, in topology: Topology) {
        phrases = Dictionary(
            plan.steps.map { ($0.id, StepSummary($0.action, in: topology).place) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Safe to show.
    subscript(id: StepID) -> String { phrases[id] ?? id.rawValue.safeForTerminal }
}

extension StepSummary {
    /// With its node, safe to show.
    var place: String { (nodeToTell.map { "\(phrase) on \($0)" } ?? phrase).safeForTerminal }
}
