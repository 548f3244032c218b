import Cluster
import Planning

/// The plan as its readers look at it: by object, by stage, in numbers.
struct PlanOutline {
    /// Every step that touches one object, told together.
    struct Change {
        var mark: StepSummary.Mark
        var object: String
        var node: NodeName?
        var verbs: [String]
        var details: [String]
        var causes: [Cause]
        var disruption: Disruption
    }
    /// Steps that wait for the same number of others; one line each, alike ones joined.
    struct Stage {
        struct Line {
            var phrase: String
            var nodes: [NodeName]
            var disruption: Disruption
            var causes: [Cause]
        }
        var lines: [Line]
    }
    struct Numbers {
        var added = 0
        var changed = 0
        var removed = 0
        var switchovers = 0
        /// Files and images that are laid ready.
        var prepared = 0
        var disruption = Disruption.none
    }

    var changes: [Change] = []
    var stages: [Stage] = []
    var numbers = Numbers()
    var summaries: [StepID: StepSummary] = [:]

    init(_ plan: Plan, in topology: Topology) {
        var changeIndex: [Subject: Int] = [:]
        var depths: [StepID: Int] = [:]
        for step in plan.steps {
            let summary = StepSummary(step.action, in: topology)
            summaries[step.id] = summary
            add(step, summary, &changeIndex)
            let depth = step.after.compactMap { depths[$0] }.max().map { $0 + 1 } ?? 0
            depths[step.id] = depth
            if stages.count <= depth { stages.append(Stage(lines: [])) }
            stages[depth].add(summary, step)
            count(step)
        }
        for change in changes {
            switch change.mark {
            case .add: numbers.added += 1
            case .change: numbers.changed += 1
            case .remove: numbers.removed += 1
            }
        }
    }

    private struct Subject: Hashable {
        var object: String
        var node: NodeName?
    }

    private mutating func add(_ step: Step, _ summary: StepSummary, _ index: inout [Subject: Int]) {
        guard let mark = summary.mark else { return }
        let subject = Subject(object: summary.object, node: summary.node)
        guard let known = index[subject] else {
            index[subject] = changes.count
            changes.append(
                Change(
                    mark: mark, object: summary.object, node: summary.node, verbs: [summary.verb],
                    details: summary.detail.map { [$0] } ?? [], causes: step.causes,
                    disruption: step.disruption))
            return
        }
        changes[known].mark = changes[known].mark.joined(with: mark)
        changes[known].verbs.append(summary.verb)
        if let detail = summary.detail { changes[known].details.append(detail) }
        for cause in step.causes where !changes[known].causes.contains(cause) {
            changes[known].causes.append(cause)
        }
        changes[known].disruption = max(changes[known].disruption, step.disruption)
    }

    private mutating func count(_ step: Step) {
        if case .switchover = step.action { numbers.switchovers += 1 }
        if summaries[step.id]?.mark == nil { numbers.prepared += 1 }
        numbers.disruption = max(numbers.disruption, step.disruption)
    }
}

extension StepSummary.Mark {
    /// Of two steps on one object: what is new stays new however often it is touched.
    fileprivate func joined(with other: Self) -> Self {
        switch (self, other) {
        case (.add, .change), (.change, .add): .add
        case (.remove, .change), (.change, .remove): .remove
        case (.add, .remove), (.remove, .add): .change
        case (.add, .add), (.change, .change), (.remove, .remove): self
        }
    }
}

extension PlanOutline.Stage {
    fileprivate mutating func add(_ summary: StepSummary, _ step: Step) {
        let same = lines.firstIndex {
            $0.phrase == summary.phrase && $0.disruption == step.disruption
        }
        if let same, let node = summary.nodeToTell {
            lines[same].nodes.append(node)
            lines[same].causes += step.causes.filter { !lines[same].causes.contains($0) }
        } else {
            lines.append(
                Line(
                    phrase: summary.phrase, nodes: summary.nodeToTell.map { [$0] } ?? [],
                    disruption: step.disruption, causes: step.causes))
        }
    }
}

extension PlanOutline.Numbers {
    /// `Plan: 1 to add, 3 to change, 0 to remove · 1 switchover · write pause expected`.
    var sentence: String {
        var parts = ["Plan: \(added) to add, \(changed) to change, \(removed) to remove"]
        if added + changed + removed == 0, prepared > 0 {
            parts.append("\(prepared) \(prepared == 1 ? "preparation" : "preparations")")
        }
        if switchovers > 0 {
            parts.append("\(switchovers) \(switchovers == 1 ? "switchover" : "switchovers")")
        }
        parts.append(
            disruption == .none ? "no disruption" : "\(disruption.words) expected")
        return parts.joined(separator: " · ")
    }
}
