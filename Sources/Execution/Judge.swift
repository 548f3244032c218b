package import Cluster
package import Planning

/// The rules that a run obeys, as functions of fresh readings; what each has to have read.
package struct Judge: Sendable {
    package var check: @Sendable (Guard, Observed) -> Verdict
    package var progress: @Sendable (Condition, Observed) -> Progress
    package var guardNeeds: @Sendable (Guard) -> Set<ReadingNeed>
    package var conditionNeeds: @Sendable (Condition) -> Set<ReadingNeed>
    /// What an action's effects are built from: addresses, members, containers of the moment.
    package var actionNeeds: @Sendable (Action) -> Set<ReadingNeed>
    /// Whether a step takes something down that the cluster's redundancy rests on. Never two at
    /// once (S1, S5).
    package var isDisruptive: @Sendable (Step) -> Bool
    /// Whether a disruptive step brings back what is lost, and may need others of its kind beside it.
    package var bringsBack: @Sendable (Step) -> Bool
    /// Whether it is lost by these readings, so that those steps take nothing away.
    package var isLost: @Sendable (Observed) -> Bool

    package init(
        check: @escaping @Sendable (Guard, Observed) -> Verdict,
        progress: @escaping @Sendable (Condition, Observed) -> Progress,
        guardNeeds: @escaping @Sendable (Guard) -> Set<ReadingNeed>,
        conditionNeeds: @escaping @Sendable (Condition) -> Set<ReadingNeed>,
        actionNeeds: @escaping @Sendable (Action) -> Set<ReadingNeed>,
        isDisruptive: @escaping @Sendable (Step) -> Bool,
        bringsBack: @escaping @Sendable (Step) -> Bool = { _ in false },
        isLost: @escaping @Sendable (Observed) -> Bool = { _ in false }
    ) {
        self.check = check
        self.progress = progress
        self.guardNeeds = guardNeeds
        self.conditionNeeds = conditionNeeds
        self.actionNeeds = actionNeeds
        self.isDisruptive = isDisruptive
        self.bringsBack = bringsBack
        self.isLost = isLost
    }
}
