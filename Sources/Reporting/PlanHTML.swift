import Cluster
import Planning

/// Plans as one page that needs nothing else: no script, no font, no image from anywhere.
package enum PlanHTML {
    package static func render(_ parts: [PlanJSON.Part]) -> String {
        let names = parts.map { $0.plan.cluster.rawValue.inHTML }.joined(separator: ", ")
        return """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Plan for \(names)</title>
            <style>\(sheet)</style>

            """ + parts.map(section).joined() + "</html>\n"
    }

    private static let sheet = """
        :root{color-scheme:light dark;--line:#8884;--add:#1a7f37;--change:#9a6700;--remove:#cf222e}
        body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}
        table{border-collapse:collapse;width:100%;margin:1rem 0}
        td,th{border-bottom:1px solid var(--line);padding:.35rem .6rem;text-align:left;\
        vertical-align:top;overflow-wrap:anywhere}
        .add{color:var(--add)}.change{color:var(--change)}.remove,.alarm{color:var(--remove)}
        .graph{overflow-x:auto;border:1px solid var(--line);margin:1rem 0}
        svg{display:block;font:12px system-ui,sans-serif}
        svg rect{fill:Canvas;stroke:#888}svg .costly rect{stroke:var(--remove);stroke-width:2}
        svg text{fill:CanvasText}svg path{fill:none;stroke:#888}
        """

    private static func section(_ part: PlanJSON.Part) -> String {
        let plan = part.plan
        let outline = PlanOutline(plan, in: part.topology)
        let title = plan.isEmpty ? "No changes" : outline.numbers.sentence
        var text =
            "<h1>\(plan.cluster.rawValue.inHTML)</h1>\n<p><strong>\(title.inHTML)</strong></p>\n"
        if !plan.hazards.isEmpty {
            let names = plan.hazards.sorted().map(\.rawValue).joined(separator: ",")
            text += "<p class=\"alarm\">Needs <code>--accept \(names.inHTML)</code></p>\n"
            text += table(
                "To be accepted when applying", ["", "for"],
                plan.hazards.sorted().map { hazard in
                    let sentences = outline.sentences(of: hazard, in: plan).map(\.inHTML)
                    return [hazard.rawValue.inHTML, sentences.joined(separator: "<br>")]
                })
        }
        text += table(
            "In the way: apply refuses until then", ["", "seen", "expected", "do"],
            plan.blockers.map { [$0.object, $0.seen, $0.expected, $0.remedy].map(\.inHTML) })
        text += table(
            "Changes", ["", "", "on", "what", "why"], outline.changes.map(changeCells))
        if !plan.steps.isEmpty {
            text +=
                "<h2>Order</h2>\n<div class=\"graph\">"
                + StepGraph(plan, outline).svg + "</div>\n"
        }
        text += table("Notes", [""], plan.notes.map { [$0.line.inHTML] })
        return text
    }

    private static func changeCells(_ change: PlanOutline.Change) -> [String] {
        let kind =
            switch change.mark {
            case .add: "add"
            case .change: "change"
            case .remove: "remove"
            }
        return [
            "<span class=\"\(kind)\">\(change.mark.rawValue)</span>",
            change.object.inHTML,
            change.node?.rawValue.inHTML ?? "",
            change.verbs.joined(separator: ", then ").inHTML,
            (change.details + change.causes.map(\.line)).map(\.inHTML).joined(separator: "<br>"),
        ]
    }

    /// - Parameter rows: cells as HTML.
    private static func table(_ title: String, _ heads: [String], _ rows: [[String]]) -> String {
        guard !rows.isEmpty else { return "" }
        let head = heads.map { "<th>\($0)</th>" }.joined()
        let body = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>\n" }.joined()
        return "<h2>\(title)</h2>\n<table>\n<tr>\(head)</tr>\n\(body)</table>\n"
    }
}

/// The steps as boxes, a column for each stage, with a line from each to what comes after it.
private struct StepGraph {
    private struct Box {
        var step: Step
        var label: String
        var column: Int
        var row: Int
        var x: Int { 20 + column * 290 }
        var y: Int { 20 + row * 46 }
    }
    private static let width = 240
    private static let height = 32
    private var boxes: [Box] = []
    private var index: [StepID: Int] = [:]

    init(_ plan: Plan, _ outline: PlanOutline) {
        var rows: [Int: Int] = [:]
        for step in plan.steps {
            let before = step.after.compactMap { index[$0] }.map { boxes[$0].column }
            let column = before.max().map { $0 + 1 } ?? 0
            index[step.id] = boxes.count
            boxes.append(
                Box(
                    step: step, label: outline.summaries[step.id]?.place ?? step.id.rawValue,
                    column: column, row: rows[column, default: 0]))
            rows[column, default: 0] += 1
        }
    }

    var svg: String {
        let width = (boxes.map(\.x).max() ?? 0) + Self.width + 20
        let height = (boxes.map(\.y).max() ?? 0) + Self.height + 20
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"\(width)\" "
            + "height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\">\n"
            + boxes.map(lines).joined() + boxes.map(box).joined() + "</svg>"
    }

    private func lines(to box: Box) -> String {
        box.step.after.compactMap { index[$0] }.map { position in
            let from = boxes[position]
            let x = from.x + Self.width
            let y = from.y + Self.height / 2
            let end = box.y + Self.height / 2
            let middle = (x + box.x) / 2
            return "<path d=\"M\(x) \(y)C\(middle) \(y) \(middle) \(end) \(box.x) \(end)\"/>\n"
        }.joined()
    }

    private func box(_ box: Box) -> String {
        let cost = box.step.disruption
        let title = cost == .none ? box.label : "\(box.label) (\(cost.words))"
        let short = box.label.count > 36 ? box.label.prefix(35) + "…" : box.label
        return "<g\(cost == .none ? "" : " class=\"costly\"")><title>\(title.inHTML)</title>"
            + "<rect x=\"\(box.x)\" y=\"\(box.y)\" width=\"\(Self.width)\" "
            + "height=\"\(Self.height)\" rx=\"4\"/>"
            + "<text x=\"\(box.x + 8)\" y=\"\(box.y + 20)\">\(short.inHTML)</text></g>\n"
    }
}

extension String {
    /// Text that HTML shows as it is, in elements and in quoted attributes.
    fileprivate var inHTML: String {
        var out = ""
        for scalar in safeForTerminal.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
