import Cluster
import Execution
import Observation
import Reporting

/// The history of a node: lines that anybody may have written, half written or broken.
enum HistoryPromises {
    static func check(_ bytes: [UInt8]) throws {
        let history = ApplyHistory(["node-1": bytes], running: ["a-1"])
        try promise(
            history == ApplyHistory(["node-1": bytes], running: ["a-1"]),
            "two readings of the same history differ")
        let told = ToldHistory(
            cluster: "fuzz", history: history, limit: 20, unreachable: [:])
        let text = HistoryText.render(told)
        try promise(text.isFitForPeople, "control characters: \(text)")
        try promise(
            (try? JSONText.value(of: HistoryJSON.render([told]).utf8)) != nil,
            "JSON that is none")
        // What was read is written as a line that reads the same.
        for entry in history.entries {
            let line = Array(entry.record.json.canonicalText.utf8)
            let again = ApplyHistory(["node-1": line], running: ["a-1"])
            try promise(
                again.entries.map(\.record) == [entry.record] && again.unreadable.isEmpty,
                "written and read again it differs: \(entry.record.json.canonicalText)")
        }
    }
}
