import Cluster
import Execution
import FoundationEssentials
import Reporting
import Testing

@Suite("The history as people and machines read it")
struct HistoryTests {
    private let facts = ApplyRecord.Facts(
        apply: "20261124T182133Z-1f9a3c0b", cluster: "shop", plan: "1f9a3c0b12ab", stepCount: 2,
        who: "ada@laptop", actor: nil, startedAt: "2026-11-24T18:21:33Z",
        manifestDigest: "ab12cd34ef56ab78", commit: "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
        version: "0.1.0")
    private let report = Report(
        outcome: .stopped("recreate:postgres-2: does not stream"),
        steps: [
            StepReport(id: "pull:hil-1", outcome: .succeeded, duration: .milliseconds(2500)),
            StepReport(id: "recreate:postgres-2", outcome: .failed("does not stream")),
        ], duration: .seconds(605))

    private func told(_ records: [ApplyRecord], limit: Int = 20, running: Set<String> = [])
        -> ToldHistory
    {
        let lines = records.map { $0.json.canonicalText + "\n" }.joined()
        return ToldHistory(
            cluster: "shop",
            history: ApplyHistory(
                ["hil-1": Array(lines.utf8), "hil-2": Array((lines + "torn\n").utf8)],
                running: running),
            limit: limit, unreachable: ["hil-3": "no route\u{1b}[2J"])
    }

    /// One that stopped, and a later one by a pipeline that never ended.
    private var records: [ApplyRecord] {
        var later = facts
        later.apply = "20261124T190000Z-00000000"
        later.startedAt = "2026-11-24T19:00:00Z"
        later.who = "runner@ci\u{1b}[31m"
        later.actor = "octo"
        later.commit = nil
        return [
            ApplyRecord(facts), ApplyRecord(facts, report: report, at: "2026-11-24T18:31:38Z"),
            ApplyRecord(later),
        ]
    }

    @Test("the latest first, with what failed and why; a crash is told; hostile text is inert")
    func text() {
        #expect(
            HistoryText.render(told(records)) == """
                shop: 2 applies

                2026-11-24T19:00:00Z  did not end (killed, or cut off), 2 steps
                  by        runner@ci\\u{1b}[31m, for octo
                  apply     20261124T190000Z-00000000, plan 1f9a3c0b12ab
                  manifest  ab12cd34ef56
                  on        hil-1, hil-2

                2026-11-24T18:21:33Z  stopped, 1 of 2 steps in 10m05s
                  by        ada@laptop
                  apply     20261124T182133Z-1f9a3c0b, plan 1f9a3c0b12ab
                  manifest  ab12cd34ef56, commit c0ffee00c0ff
                  on        hil-1, hil-2
                  because   recreate:postgres-2: does not stream
                    succeeded  pull:hil-1 (2.5s)
                    failed     recreate:postgres-2: does not stream

                hil-3 could not be asked: no route\\u{1b}[2J
                1 line on hil-2 could not be read, and were passed over

                """)
    }

    @Test("one whose lock is held runs; the limit says how much is left out")
    func running() {
        let text = HistoryText.render(
            told(records, limit: 1, running: ["20261124T190000Z-00000000"]))
        #expect(text.hasPrefix("shop: 2 applies, the latest 1\n"))
        #expect(text.contains("\n2026-11-24T19:00:00Z  running, 2 steps\n"))
        #expect(!text.contains("18:21:33"))
    }

    @Test("the JSON fits its published schema, whatever the outcome")
    func schema() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appending(path: "schema/history.schema.json"))
        let schema = JSONSchema(root: try JSONDecoder().decode(JSONValue.self, from: data))
        let text = HistoryJSON.render([told(records), told([], limit: 0)])
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(schema.faults(of: value) == [])
        #expect(text.contains(#""outcome": "did_not_end""#))
        #expect(value["format_version"] == .string("1.0"))
    }
}
