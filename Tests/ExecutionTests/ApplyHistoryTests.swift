import Cluster
import Execution
import Planning
import Testing

@Suite("What the nodes remember")
struct ApplyHistoryTests {
    private func facts(_ apply: String, at start: String = "2026-11-24T18:21:33Z")
        -> ApplyRecord.Facts
    {
        ApplyRecord.Facts(
            apply: apply, cluster: "shop", plan: "1f9a3c0b12ab", stepCount: 2, who: "ada@laptop",
            actor: "octo", startedAt: start, manifestDigest: "ab12", commit: "c0ffee",
            version: "0.1.0")
    }
    private let report = Report(
        outcome: .stopped("recreate:postgres-2: does not stream"),
        steps: [
            StepReport(id: "pull:hil-1", outcome: .succeeded, duration: .milliseconds(2500)),
            StepReport(id: "recreate:postgres-2", outcome: .failed("does not stream")),
        ], duration: .seconds(605))

    private func lines(_ records: ApplyRecord...) -> [UInt8] {
        Array(records.map { $0.json.canonicalText + "\n" }.joined().utf8)
    }

    @Test("an apply tells who, when, what and how it ended, on one line each")
    func line() {
        let start =
            #"{"actor":"octo","apply":"a-1","cluster":"shop","commit":"c0ffee","#
            + #""format_version":"1.0","manifest_sha256":"ab12","plan":"1f9a3c0b12ab","#
            + #""started_at":"2026-11-24T18:21:33Z","step_count":2,"version":"0.1.0","#
            + #""who":"ada@laptop"}"#
        #expect(ApplyRecord(facts("a-1")).json.canonicalText == start)
        let ended = ApplyRecord(facts("a-1"), report: report, at: "2026-11-24T18:31:38Z")
        #expect(
            ended.json.canonicalText
                == #"{"actor":"octo","apply":"a-1","cluster":"shop","commit":"c0ffee","#
                + #""ended_at":"2026-11-24T18:31:38Z","format_version":"1.0","#
                + #""manifest_sha256":"ab12","outcome":"stopped","plan":"1f9a3c0b12ab","#
                + #""reason":"recreate:postgres-2: does not stream","seconds":605.0,"#
                + #""started_at":"2026-11-24T18:21:33Z","step_count":2,"steps":["#
                + #"{"id":"pull:hil-1","outcome":"succeeded","seconds":2.5},"#
                + #"{"id":"recreate:postgres-2","outcome":"failed","reason":"does not stream"}],"#
                + #""version":"0.1.0","who":"ada@laptop"}"#)
    }

    @Test("what was written is what is read")
    func roundTrip() {
        let ended = ApplyRecord(facts("a-1"), report: report, at: "2026-11-24T18:31:38Z")
        let history = ApplyHistory(["n-1": lines(ApplyRecord(facts("a-1")), ended)])
        #expect(history.entries == [ApplyHistory.Entry(record: ended, nodes: ["n-1"])])
        #expect(history.unreadable == [:])
    }

    @Test("nodes' records of one apply are one entry; the latest is first; an end anywhere counts")
    func merged() {
        let first = ApplyRecord(facts("a-1", at: "2026-11-24T10:00:00Z"))
        let firstEnd = ApplyRecord(first.facts, report: report, at: "2026-11-24T10:10:00Z")
        let second = ApplyRecord(facts("b-1", at: "2026-11-24T11:00:00Z"))
        let history = ApplyHistory([
            "n-2": lines(first, firstEnd), "n-1": lines(first, second),
        ])
        #expect(
            history.entries == [
                ApplyHistory.Entry(record: second, nodes: ["n-1"]),
                ApplyHistory.Entry(record: firstEnd, nodes: ["n-1", "n-2"]),
            ])
    }

    @Test("one that did not end is told from one that still runs by the lock")
    func running() {
        let record = ApplyRecord(facts("a-1"))
        #expect(ApplyHistory(["n-1": lines(record)]).entries.first?.isRunning == false)
        let history = ApplyHistory(["n-1": lines(record), "n-2": []], running: ["a-1"])
        #expect(history.entries.first?.isRunning == true)
        let ended = ApplyRecord(record.facts, report: report, at: "2026-11-24T18:31:38Z")
        #expect(
            ApplyHistory(["n-1": lines(record, ended)], running: ["a-1"]).entries.first?.isRunning
                == false)
    }

    @Test("garbage between records is counted and costs no record")
    func garbage() {
        let record = ApplyRecord(facts("a-1"))
        let bytes =
            Array("{\"apply\":\"torn\n\n[]\n{\"format_version\":\"2.0\"}\n".utf8) + [
                0xff, 0x00, 0x0a,
            ]
            + lines(record)
        let history = ApplyHistory(["n-1": bytes])
        #expect(history.entries.map(\.record) == [record])
        #expect(history.unreadable == ["n-1": 4])
    }

    /// One letter with any number of marks on it is one character.
    @Test(
        "the line of the longest plan with the longest reasons fits the nodes' bound",
        arguments: ["€", "e\u{301}", "\u{301}", "\u{1}", "\"", "\u{2028}", "🇩🇪"])
    func bounded(word: String) {
        let text = "x" + String(repeating: word, count: 5000)
        let steps = (0..<5000).map {
            StepReport(id: StepID("recreate:\($0)"), outcome: .failed(text), duration: .seconds(1))
        }
        let record = ApplyRecord(
            facts("a-1"), report: Report(outcome: .stopped(text), steps: steps, duration: .zero),
            at: "2026-11-24T18:31:38Z")
        #expect(record.ending?.steps.count == 500)
        #expect(record.json.canonicalText.utf8.count < 1 << 19)
    }
}
