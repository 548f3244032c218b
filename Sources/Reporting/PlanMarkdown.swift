import Cluster
import Planning

/// Plans as a comment on a pull request: tables that fold, and never more than a comment may hold.
package enum PlanMarkdown {
    /// The longest comment that GitHub takes; counted here in UTF-8, which is never less.
    package static let longest = 65_536

    /// What is left out when it would be too long is named, and the JSON has it.
    package static func render(_ parts: [PlanJSON.Part]) -> String {
        let share = (longest - 200) / max(parts.count, 1)
        var text = ""
        for (index, part) in parts.enumerated() {
            let section = render(part, within: share)
            guard text.utf8.count + section.utf8.count <= longest - 200 else {
                text += "\n… and \(parts.count - index) more clusters; the plan's JSON has them.\n"
                break
            }
            text += (text.isEmpty ? "" : "\n") + section
        }
        return text
    }

    private static func render(_ part: PlanJSON.Part, within budget: Int) -> String {
        let name = "`\(part.plan.cluster.rawValue.replacing("`", with: "").safeForTerminal)`"
        guard !part.plan.isEmpty else {
            return "### No changes: \(name)\n" + notes(part.plan.notes, budget / 2)
        }
        let outline = PlanOutline(part.plan, in: part.topology)
        let sentence = outline.numbers.sentence
        var text = "### \(name) — \(sentence)\n"
        text += hazards(part.plan, outline, budget / 4)
        text += blockers(part.plan.blockers, (budget - text.utf8.count) / 2)
        text += changes(outline.changes, (budget - text.utf8.count) * 3 / 4)
        text += order(outline.stages, (budget - text.utf8.count) * 3 / 4)
        text += notes(part.plan.notes, budget - text.utf8.count)
        return text
    }

    private static func hazards(_ plan: Plan, _ outline: PlanOutline, _ budget: Int) -> String {
        guard !plan.hazards.isEmpty else { return "" }
        let names = plan.hazards.sorted().map(\.rawValue).joined(separator: ",")
        let rows = plan.hazards.sorted().flatMap { hazard in
            outline.sentences(of: hazard, in: plan).map {
                "- \(hazard.rawValue): \($0.inMarkdown)\n"
            }
        }
        return "\n**Needs `--accept \(names)`.**\n\n" + fitting(rows, budget)
    }

    private static func blockers(_ blockers: [Blocker], _ budget: Int) -> String {
        let rows = blockers.map {
            "| \($0.object.inMarkdown) | \($0.seen.inMarkdown) | \($0.expected.inMarkdown) "
                + "| \($0.remedy.inMarkdown) |\n"
        }
        guard !rows.isEmpty else { return "" }
        return "\n**In the way: apply refuses until then.**\n\n| | seen | expected | do |\n"
            + "|---|---|---|---|\n" + fitting(rows, budget)
    }

    private static func changes(_ changes: [PlanOutline.Change], _ budget: Int) -> String {
        let rows = changes.map { change in
            let node = change.node?.rawValue.inMarkdown ?? ""
            let verb = change.verbs.joined(separator: ", then ").inMarkdown
            let reasons = (change.details + change.causes.map(\.line))
                .map(\.inMarkdown).joined(separator: "<br>")
            let mark = change.mark.rawValue.inMarkdown
            return "| \(mark) | \(change.object.inMarkdown) | \(node) | \(verb) | \(reasons) |\n"
        }
        guard !rows.isEmpty else { return "" }
        return "\n| | | on | what | why |\n|---|---|---|---|---|\n" + fitting(rows, budget)
    }

    private static func order(_ stages: [PlanOutline.Stage], _ budget: Int) -> String {
        let rows = stages.map { stage in
            let lines = stage.lines.map { line in
                let nodes = line.nodes.map(\.rawValue).joined(separator: ", ")
                let place = nodes.isEmpty ? line.phrase : "\(line.phrase) on \(nodes)"
                let cost = line.disruption == .none ? "" : " — **\(line.disruption.words)**"
                return place.inMarkdown + cost
            }
            return "1. " + lines.joined(separator: "<br>") + "\n"
        }
        guard !rows.isEmpty else { return "" }
        return "\n<details><summary>Order: \(rows.count) stages</summary>\n\n"
            + fitting(rows, budget) + "\n</details>\n"
    }

    private static func notes(_ notes: [Note], _ budget: Int) -> String {
        let rows = notes.map { "- \($0.line.inMarkdown)\n" }
        guard !rows.isEmpty else { return "" }
        return "\n<details><summary>Notes: \(rows.count)</summary>\n\n" + fitting(rows, budget)
            + "\n</details>\n"
    }

    /// As many rows as fit, and how many do not.
    private static func fitting(_ rows: [String], _ budget: Int) -> String {
        var text = ""
        for (index, row) in rows.enumerated() {
            // Room for what says that something was left out, and for what frames the rows.
            guard text.utf8.count + row.utf8.count <= budget - 300 else {
                return text + "\n… and \(rows.count - index) more; the plan's JSON has them.\n"
            }
            text += row
        }
        return text
    }
}

extension String {
    /// Text that Markdown shows as it is: no markup, no link, no mention, no HTML.
    fileprivate var inMarkdown: String {
        var out = ""
        for scalar in safeForTerminal.unicodeScalars {
            switch scalar {
            case "&", "<", ">", "|", "`", "*", "_", "[", "]", "~", "@", "#", "\\", "!", "+", "$":
                out += "&#\(scalar.value);"
            case ":": out += "&#58;"  // no link out of `http://`
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
