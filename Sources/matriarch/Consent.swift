import Planning
import Reporting

/// What stands between a plan and its apply.
enum Consent {
    /// - Throws: 3, where the plan is blocked or a hazard of it was not accepted.
    static func check(_ plan: Plan, accepted: Set<Hazard>) throws(Failure) {
        guard plan.blockers.isEmpty else {
            throw Failure(
                ["\(plan.cluster): refused, as something is in the way:".safeForTerminal]
                    + plan.blockers.map {
                        "  \($0.object): \($0.seen); expected \($0.expected). \($0.remedy)"
                            .safeForTerminal
                    }, ending: .refused)
        }
        let missing = plan.hazards.subtracting(accepted).sorted()
        guard missing.isEmpty else {
            let names = missing.map(\.rawValue).joined(separator: ",")
            throw Failure(
                "\(plan.cluster): refused, as the plan needs --accept \(names)".safeForTerminal,
                ending: .refused)
        }
    }

    /// - Throws: 3, naming each step that differs and how (S8).
    static func compare(
        reviewed: ReviewedPlan, current: PlannedCluster, what: String
    ) throws(Failure) {
        let differences = PlanComparison.differences(
            reviewed: reviewed, current: ReviewedPlan(current.plan, in: current.topology))
        guard differences.isEmpty else {
            throw Failure(
                [
                    "\(current.plan.cluster): refused, as the plan differs from \(what):"
                        .safeForTerminal
                ]
                    + differences.map { "  \($0.line)" }
                    + ["plan again, review, and apply that"], ending: .refused)
        }
    }
}

extension ReviewedPlan {
    func differs(from current: PlannedCluster) -> Bool {
        !PlanComparison.differences(
            reviewed: self, current: ReviewedPlan(current.plan, in: current.topology)
        ).isEmpty
    }
}
