import Cluster
import Execution
import Reporting
import Testing

@Suite("Waiting for a lock")
struct LockTextTests {
    private func wait(_ seconds: Int64, pid: Int = 4711, who: String = "ada@laptop") -> LockWait {
        LockWait(
            node: "hil-1",
            obstacle: .held(
                by: LockHolder(
                    apply: "a-1", who: who, process: pid, since: "2026-11-24T18:21:33Z",
                    purpose: "apply of shop (3 steps, plan 1f9a3c0b12ab)")),
            waited: .seconds(seconds), patience: .seconds(900))
    }
    private let sentence =
        "the lock on hil-1 is held by ada@laptop (process 4711) since 2026-11-24T18:21:33Z: "
        + "apply of shop (3 steps, plan 1f9a3c0b12ab)"

    @Test("in a pipe it is said once, again each minute, and at once when the holder changes")
    func sparse() {
        var text = LockWaitText()
        let said = [0, 1, 30, 59, 60, 61, 119, 120].map { text.line(for: wait($0)) != nil }
        #expect(said == [true, false, false, false, true, false, false, true])
        #expect(text.line(for: wait(121, pid: 4712)) != nil)
        var other = LockWaitText()
        #expect(other.line(for: wait(0)) == "waiting (0.0s of 15m): \(sentence)\n")
    }

    @Test("on a terminal the one line is drawn in place, cut to its width, and taken away")
    func live() {
        var text = LockWaitText()
        #expect(text.erase() == "")
        #expect(
            text.redraw(wait(12), columns: 300) == "\r\u{1b}[Jwaiting (12s of 15m): \(sentence)")
        let cut = text.redraw(wait(13), columns: 41)
        #expect(cut == "\r\u{1b}[Jwaiting (13s of 15m): the lock on hil-1…")
        #expect(text.erase() == "\r\u{1b}[J")
        #expect(text.erase() == "")
    }

    @Test("what a holder says of itself cannot steer the terminal")
    func hostile() {
        var text = LockWaitText()
        let line = text.line(for: wait(0, who: "\u{1b}[2Jeve\n@\u{202e}x"))
        #expect(
            line?.contains("held by \\u{1b}[2Jeve\\n@\\u{202e}x (process 4711)") == true)
    }
}
