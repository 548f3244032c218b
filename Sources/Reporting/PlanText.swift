package import Cluster
package import Planning

/// A plan for a person to review.
package enum PlanText {
    /// - Parameter observed: what the plan was made from; names the leader when nothing changes.
    /// - Returns: lines, each ended by a line break.
    package static func render(
        _ plan: Plan, in topology: Topology, observed: Observed? = nil, style: Style = .plain
    ) -> String {
        guard !plan.isEmpty else { return unchanged(plan, topology, observed, style) }
        let outline = PlanOutline(plan, in: topology)
        var lines = [style.paint("Plan for \(plan.cluster.rawValue.safeForTerminal)", .bold), ""]
        lines += changes(outline, style)
        lines += order(plan, outline, style)
        lines += hazards(plan, outline, style)
        lines += blockers(plan, style)
        lines += notes(plan, style)
        lines.append(style.paint(outline.numbers.sentence, .bold))
        if !plan.blockers.isEmpty {
            let count = plan.blockers.count
            let things = count == 1 ? "1 thing is" : "\(count) things are"
            lines.append(
                style.paint("\(things) in the way: apply refuses until then.", .boldRed))
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func unchanged(
        _ plan: Plan, _ topology: Topology, _ observed: Observed?, _ style: Style
    ) -> String {
        let name = plan.cluster.rawValue.safeForTerminal
        let unseen = plan.notes.contains { if case .unreachable = $0 { true } else { false } }
        var facts = [
            "\(topology.members.count) \(topology.members.count == 1 ? "member" : "members")"
        ]
        if let leader = observed?.soleLeader {
            facts.append("leader \(leader.rawValue.safeForTerminal)")
        }
        let down = plan.notes.contains { if case .down = $0 { true } else { false } }
        if down {
            let sentence =
                "No changes, but \(name) is not well, and no step would mend it: see above."
            return (notes(plan, style) + [style.paint(sentence, .boldRed)])
                .map { $0 + "\n" }.joined()
        }
        let sentence =
            unseen
            ? "No changes. What could be seen of \(name) matches the manifest; not all could be."
            : "No changes. \(name) matches the manifest (\(facts.joined(separator: ", ")))."
        let lines = notes(plan, style) + [style.paint(sentence, unseen ? .yellow : .green)]
        return lines.map { $0 + "\n" }.joined()
    }

    private static func changes(_ outline: PlanOutline, _ style: Style) -> [String] {
        guard !outline.changes.isEmpty else { return [] }
        let rows = outline.changes.map(Row.init)
        let objectWidth = rows.map(\.object.count).max() ?? 0
        let nodeWidth = rows.map(\.node.count).max() ?? 0
        // A verb wider than this has its reasons beneath it, and does not push the others' away.
        let verbWidth = min(rows.map(\.verb.count).max() ?? 0, 24)
        var lines: [String] = []
        for row in rows {
            let head =
                "  \(style.paint(row.mark.rawValue, row.mark.paint)) "
                + style.paint(row.object.padded(to: objectWidth), .bold)
                + "  \(row.node.padded(to: nodeWidth))  "
            let indent = 4 + objectWidth + 2 + nodeWidth + 2 + verbWidth + 2
            var reasons = row.reasons[...]
            if row.verb.count > verbWidth || reasons.isEmpty {
                lines.append(head + row.verb)
            } else {
                lines.append(head + row.verb.padded(to: verbWidth) + "  " + reasons.removeFirst())
            }
            lines += reasons.map { String(repeating: " ", count: indent) + $0 }
        }
        return lines + [""]
    }

    private struct Row {
        var mark: StepSummary.Mark
        var object: String
        var node: String
        var verb: String
        var reasons: [String]

        init(_ change: PlanOutline.Change) {
            mark = change.mark
            object = change.object.safeForTerminal
            node = change.node.map { "on \($0)".safeForTerminal } ?? ""
            verb = change.verbs.joined(separator: ", then ").safeForTerminal
            reasons = change.details.map(\.safeForTerminal) + change.causes.map(\.line)
        }
    }

    private static func order(_ plan: Plan, _ outline: PlanOutline, _ style: Style) -> [String] {
        guard !plan.steps.isEmpty else { return [] }
        var lines = ["Order (what shares a number may run side by side)"]
        let width = String(outline.stages.count).count
        for (index, stage) in outline.stages.enumerated() {
            for (position, line) in stage.lines.enumerated() {
                let number = position == 0 ? "\(index + 1)" : ""
                let blanks = String(repeating: " ", count: width - number.count)
                let nodes = line.nodes.map(\.rawValue).joined(separator: ", ")
                var text =
                    "  \(blanks)\(number)  "
                    + (nodes.isEmpty ? line.phrase : "\(line.phrase) on \(nodes)").safeForTerminal
                if line.disruption != .none {
                    text += "  " + style.paint("(\(line.disruption.words))", .yellow)
                }
                lines.append(text)
                // Where objects are listed they say why; a plan that only prepares says it here.
                guard outline.changes.isEmpty else { continue }
                lines += line.causes.map { String(repeating: " ", count: width + 6) + $0.line }
            }
        }
        return lines + [""]
    }

    private static func hazards(_ plan: Plan, _ outline: PlanOutline, _ style: Style) -> [String] {
        guard !plan.hazards.isEmpty else { return [] }
        var lines = ["To be accepted when applying"]
        for hazard in plan.hazards.sorted() {
            lines.append(
                "  \(style.paint("--accept \(hazard.rawValue)", .red))  "
                    + outline.sentences(of: hazard, in: plan).joined(separator: "; "))
        }
        return lines + [""]
    }

    private static func blockers(_ plan: Plan, _ style: Style) -> [String] {
        guard !plan.blockers.isEmpty else { return [] }
        var lines = ["In the way"]
        for blocker in plan.blockers {
            lines.append("  \(style.paint("! " + blocker.object.safeForTerminal, .red))")
            lines.append("      seen      \(blocker.seen.safeForTerminal)")
            lines.append("      expected  \(blocker.expected.safeForTerminal)")
            lines.append("      do        \(blocker.remedy.safeForTerminal)")
        }
        return lines + [""]
    }

    private static func notes(_ plan: Plan, _ style: Style) -> [String] {
        guard !plan.notes.isEmpty else { return [] }
        return ["Notes"]
            + plan.notes.map { note in
                switch note {
                case .down: "  " + style.paint("! " + note.line, .boldRed)
                case .unreachable: "  " + style.paint("? " + note.line, .yellow)
                default: "  " + style.paint("· " + note.line, .dim)
                }
            } + [""]
    }
}

extension PlanOutline {
    /// The steps that have a hazard, each safe to show.
    func sentences(of hazard: Hazard, in plan: Plan) -> [String] {
        plan.steps.filter { $0.hazards.contains(hazard) }.compactMap { summaries[$0.id]?.sentence }
    }
}

extension StepSummary {
    /// With its node and what is special about it, safe to show.
    var sentence: String {
        let place = nodeToTell.map { " on \($0)" } ?? ""
        let extra = detail.map { " (\($0))" } ?? ""
        return "\(phrase)\(place)\(extra)".safeForTerminal
    }
}

extension StepSummary.Mark {
    fileprivate var paint: Style.Paint {
        switch self {
        case .add: .green
        case .change: .yellow
        case .remove: .red
        }
    }
}

extension Observed {
    /// The member that says of itself that it leads, where exactly one does.
    var soleLeader: MemberName? {
        let leaders = members.filter { $0.value.value?.role == .leader }.keys
        return leaders.count == 1 ? leaders.first : nil
    }
}
