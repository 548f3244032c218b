import Cluster
import Effects
import Execution
import Testing

@Suite("An answer of Patroni to a mutating call")
struct PatroniAnswerTests {
    private func outcome(_ call: PatroniCall, _ status: Int, _ text: String) -> ActOutcome {
        call.outcome(of: WebAnswer(status: status, body: Array(text.utf8)))
    }

    @Test("that names another leader than asked is no success")
    func insteadOf() {
        let call = PatroniCall.switchover(to: "pg-2")
        #expect(outcome(call, 200, "Successfully switched over to \"pg-2\"") == .succeeded)
        #expect(
            outcome(call, 200, "Switched over to \"pg-3\" instead of \"pg-2\"")
                == .failed("Patroni made pg-3 the leader instead of pg-2"))
    }

    @Test("503 to a switchover is not a failure: it may be going on")
    func indeterminate() {
        #expect(
            outcome(.switchover(to: "pg-2"), 503, "Switchover status unknown")
                == .unknown(
                    "Patroni could not confirm the switchover to pg-2 (503): "
                        + "Switchover status unknown"))
    }

    @Test("400 and 412 to a switchover are failures with Patroni's own words")
    func refused() {
        #expect(
            outcome(.switchover(to: "pg-2"), 412, "leader name does not match")
                == .failed(
                    "Patroni refused the switchover to pg-2 (412): leader name does not match"))
    }

    @Test("503 to a restart is watched only while Postgres is still starting")
    func restart() {
        #expect(
            outcome(.restart("pg-2"), 503, "postgres is still starting")
                == .unknown(
                    "Patroni could not confirm the restart of Postgres in pg-2 (503): "
                        + "postgres is still starting"))
        #expect(
            outcome(.restart("pg-2"), 503, "restart failed")
                == .failed(
                    "Patroni refused the restart of Postgres in pg-2 (503): restart failed"))
    }

    @Test("503 to a restart whose conditions do not hold any more says that nothing was restarted")
    func conditions() {
        #expect(
            outcome(.restart("pg-2"), 503, "restart conditions are not satisfied")
                == .failed(
                    "Patroni did not restart Postgres in pg-2: it has no pending restart any more,"
                        + " or its role changed (503: restart conditions are not satisfied)"))
    }

    @Test("to a reinitialisation means that it was started, and no more")
    func reinitialize() {
        #expect(outcome(.reinitialize("pg-2"), 200, "reinitialize started") == .succeeded)
        #expect(
            outcome(.reinitialize("pg-2"), 503, "")
                == .failed("Patroni refused the reinitialisation of pg-2 (503): no text"))
    }

    /// It was cut after 400 bytes, and what that left of a secret was shown.
    @Test("that is long is cut, and no part of a secret on the cut is shown")
    func long() {
        let redactor = Redactor(Secrets(["admin": Secret("s3cret-of-the-admin")]))
        for length in 375...405 {
            let text = String(repeating: "x", count: length) + "s3cret-of-the-admin is wrong, it is"
            guard case .failed(let reason) = outcome(.reinitialize("pg-2"), 503, text),
                case .stepFinished(_, .failed(let shown), _) = Event.stepFinished(
                    "reinitialize:pg-2", .failed(reason), .zero
                ).redacted(by: redactor)
            else {
                Issue.record("it did not fail")
                continue
            }
            #expect(!shown.contains("s3cr"), "after \(length): \(shown)")
            #expect(shown.hasSuffix("…"))
        }
    }
}
