import Cluster

/// Whether what was reviewed is what would be done now (S8).
package enum PlanComparison {
    /// How one step differs.
    package enum Difference: Equatable, Sendable {
        case otherCluster(reviewed: String, current: String)
        /// Reviewed, and no longer planned.
        case gone(step: String)
        /// Planned now, and not reviewed.
        case added(step: String)
        case changed(step: String, field: String, reviewed: String, current: String)
        /// The same steps in another order, where nothing else differs.
        case reordered(step: String)
    }

    /// Every difference, in the order of the reviewed plan, then what is new. Empty: the same plan.
    package static func differences(
        reviewed: ReviewedPlan, current: ReviewedPlan
    ) -> [Difference] {
        guard reviewed.cluster == current.cluster else {
            return [
                .otherCluster(
                    reviewed: reviewed.cluster.rawValue, current: current.cluster.rawValue)
            ]
        }
        var found: [Difference] = []
        let currentSteps = Dictionary(
            current.steps.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let reviewedIDs = Set(reviewed.steps.map(\.id))
        for step in reviewed.steps {
            if let other = currentSteps[step.id] {
                found += changes(step, other)
            } else {
                found.append(.gone(step: step.id))
            }
        }
        found += current.steps.filter { !reviewedIDs.contains($0.id) }.map { .added(step: $0.id) }
        if found.isEmpty, reviewed.steps.map(\.id) != current.steps.map(\.id) {
            let moved = zip(reviewed.steps, current.steps).first { $0.id != $1.id }
            found.append(.reordered(step: moved?.0.id ?? "(a repeated step)"))
        }
        return found
    }

    private static func changes(
        _ reviewed: ReviewedPlan.Step, _ current: ReviewedPlan.Step
    ) -> [Difference] {
        let keys = Set(reviewed.fields.keys).union(current.fields.keys).sorted()
        return keys.compactMap { key in
            let old = reviewed.fields[key]
            let new = current.fields[key]
            guard old != new else { return nil }
            return .changed(
                step: reviewed.id, field: key, reviewed: old?.canonicalText ?? "(absent)",
                current: new?.canonicalText ?? "(absent)")
        }
    }
}

extension PlanComparison.Difference {
    /// One line for people, safe to show.
    package var line: String {
        switch self {
        case .otherCluster(let reviewed, let current):
            "the reviewed plan is for \(reviewed), this one for \(current)".safeForTerminal
        case .gone(let step): "\(step): was reviewed, and is no longer planned".safeForTerminal
        case .added(let step): "\(step): is planned now, and was not reviewed".safeForTerminal
        case .changed(let step, let field, let reviewed, let current):
            "\(step): \(field): reviewed \(reviewed), now \(current)".safeForTerminal
        case .reordered(let step): "\(step): comes at another place now".safeForTerminal
        }
    }
}
