package import Execution

/// The end of an apply: what was done, what was not and why, and what to do next.
package enum ReportText {
    package static func render(
        _ report: Report, names: StepNames, style: Style = .plain
    ) -> String {
        let lines: [String]
        switch report.outcome {
        case .nothingToDo: lines = ["Nothing to do."]
        case .completed:
            let count = report.steps.count
            lines = [
                style.paint(
                    "Done: \(count) \(count == 1 ? "step" : "steps") in "
                        + "\(report.duration.elapsedText).", .green)
            ]
        case .stopped(let reason):
            lines =
                [style.paint("Stopped: \(reason.safeForTerminal)", .boldRed), ""]
                + account(report, names, style)
                + [
                    "Next: see to the cause above, then run plan again. It starts from what is "
                        + "really there, so nothing that was done is done twice."
                ]
        case .interrupted:
            lines =
                [style.paint("Stopped as asked, before every step was done.", .yellow), ""]
                + account(report, names, style)
                + ["Next: run plan to see what is left; apply goes on from there."]
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func account(
        _ report: Report, _ names: StepNames, _ style: Style
    ) -> [String] {
        var done: [String] = []
        var ill: [String] = []
        var undone: [String] = []
        for step in report.steps {
            let name = names[step.id]
            switch step.outcome {
            case .succeeded:
                done.append("  \(name)" + (step.duration.map { " (\($0.elapsedText))" } ?? ""))
            case .failed(let reason): ill.append("  \(name): \(reason.safeForTerminal)")
            case .unknown(let reason):
                ill.append("  \(name): may or may not have happened: \(reason.safeForTerminal)")
            case .skipped(let reason): undone.append("  \(name): \(reason.safeForTerminal)")
            }
        }
        return section("Done", done, style) + section("Failed", ill, style)
            + section("Not done", undone, style)
    }

    private static func section(_ title: String, _ lines: [String], _ style: Style) -> [String] {
        lines.isEmpty ? [] : [style.paint(title, .bold)] + lines + [""]
    }
}
