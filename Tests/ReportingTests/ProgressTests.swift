import Cluster
import Execution
import Planning
import Reporting
import Testing

@Suite("An apply as it goes")
struct ProgressTests {
    private let names = StepNames(Scenario.rolling, in: Scenario.topology)

    @Test("in a pipe every event is one line with its time, and no escape sequence")
    func lines() {
        let progress = ProgressLines(names: names)
        let events: [(Event, Duration)] = [
            (.runStarted("shop", steps: 6), .zero),
            (.stepStarted("recreate:postgres-2"), .milliseconds(100)),
            (
                .stepWaiting("recreate:postgres-2", reason: "postgres-4 lags\u{1b}[31m"),
                .milliseconds(450)
            ),
            (.stepActing("recreate:postgres-2"), .seconds(12)),
            (
                .stepVerifying("recreate:postgres-2", progress: "starting"),
                .seconds(61)
            ),
            (.stepFinished("recreate:postgres-2", .succeeded, .seconds(63)), .seconds(75)),
            (.interruptReceived, .seconds(80)),
            (
                .stepFinished("switchover:postgres-1", .failed("412"), .seconds(1)),
                .seconds(3725)
            ),
            (.stepFinished("recreate:postgres-1", .skipped("stopping"), .zero), .seconds(3725)),
        ]
        #expect(
            events.compactMap { progress.line(for: $0.0, at: $0.1) } == [
                "  0.0s  begin    shop: 6 steps",
                "  0.4s  wait     postgres-2: recreate on hil-1: postgres-4 lags\\u{1b}[31m",
                "   12s  act      postgres-2: recreate on hil-1",
                " 1m01s  check    postgres-2: recreate on hil-1: starting",
                " 1m15s  done     postgres-2: recreate on hil-1 (1m03s)",
                " 1m20s  stop     asked to stop: running steps end, nothing new starts "
                    + "(again: stop waiting)",
                " 1h02m  FAILED   switch over from postgres-1 to postgres-2: 412",
                " 1h02m  skip     postgres-1: recreate on hil-1: stopping",
            ])
    }

    @Test("on a terminal the block is erased by exactly the lines that were drawn")
    func live() {
        var live = LiveProgress(names: names, style: .plain)
        #expect(
            live.handle(.runStarted("shop", steps: 2), at: .zero, columns: 80)
                == "  0.0s  begin    shop: 2 steps\n")
        #expect(
            live.handle(.stepStarted("pull:hil-1"), at: .zero, columns: 40) == """
                  0.0s    pull ghcr.io/zalando/spilo-1…
                  0 of 2 done, 0.0s

                """)
        #expect(
            live.handle(.stepActing("pull:hil-1"), at: .seconds(1), columns: 80) == """
                \u{1b}[2A\r\u{1b}[J  1.0s    pull ghcr.io/zalando/spilo-17:4.0-p3 on hil-1  acting
                  0 of 2 done, 1.0s

                """)
        #expect(
            live.tick(at: .seconds(2), columns: 80) == """
                \u{1b}[2A\r\u{1b}[J  2.0s    pull ghcr.io/zalando/spilo-17:4.0-p3 on hil-1  acting
                  0 of 2 done, 2.0s

                """)
        #expect(
            live.handle(
                .stepFinished("pull:hil-1", .succeeded, .seconds(3)), at: .seconds(3), columns: 80)
                == "\u{1b}[2A\r\u{1b}[J  3.0s  done     "
                + "pull ghcr.io/zalando/spilo-17:4.0-p3 on hil-1 (3.0s)\n")
        #expect(live.tick(at: .seconds(4), columns: 80) == "")
    }

    @Test("more running steps than a terminal has lines are counted, and still erased whole")
    func tall() {
        var live = LiveProgress(names: names, style: .plain)
        var frame = ""
        for number in 1...40 {
            frame = live.handle(.stepStarted(StepID("pull:\(number)")), at: .zero, columns: 80)
        }
        #expect(frame.hasPrefix("\u{1b}[14A\r\u{1b}[J"))
        #expect(frame.contains("  … and 28 more\n"))
        #expect(frame.split(separator: "\n").count == 14)
    }

    @Test("a stopped apply tells done, failed and not done, and the next thing to do")
    func stopped() {
        let report = Report(
            outcome: .stopped("recreate:postgres-2: does not stream"),
            steps: [
                StepReport(id: "pull:hil-1", outcome: .succeeded, duration: .seconds(3)),
                StepReport(
                    id: "recreate:postgres-2", outcome: .failed("does not stream"),
                    duration: .seconds(600)),
                StepReport(id: "switchover:postgres-1", outcome: .unknown("503")),
                StepReport(id: "recreate:postgres-1", outcome: .skipped("a step failed")),
            ], duration: .seconds(605))
        #expect(
            ReportText.render(report, names: names) == """
                Stopped: recreate:postgres-2: does not stream

                Done
                  pull ghcr.io/zalando/spilo-17:4.0-p3 on hil-1 (3.0s)

                Failed
                  postgres-2: recreate on hil-1: does not stream
                  switch over from postgres-1 to postgres-2: may or may not have happened: 503

                Not done
                  postgres-1: recreate on hil-1: a step failed

                Next: see to the cause above, then run plan again. It starts from what is really \
                there, so nothing that was done is done twice.

                """)
    }

    @Test("a whole apply is told in one line")
    func completed() {
        let report = Report(
            outcome: .completed,
            steps: [StepReport(id: "pull:hil-1", outcome: .succeeded, duration: .seconds(3))],
            duration: .seconds(3))
        #expect(ReportText.render(report, names: names) == "Done: 1 step in 3.0s.\n")
    }
}
