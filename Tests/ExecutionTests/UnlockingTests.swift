import Cluster
import Execution
import Testing

@Suite("What unlock says of a node")
struct UnlockingTests {
    private func holder(_ apply: String) -> LockHolder {
        LockHolder(
            apply: apply, who: "ada@laptop", process: 4711, since: "2026-11-24T18:21:33Z",
            purpose: "apply of shop")
    }
    private let told = "held by ada@laptop (process 4711) since 2026-11-24T18:21:33Z: apply of shop"

    private func text(_ before: LockState, _ after: LockState, _ failure: String? = nil) -> String {
        var unlocking = Unlocking(node: "n-1", before: before)
        unlocking.failure = failure
        unlocking.after = after
        return unlocking.text
    }

    @Test("only a holder that left a record is ended, by its own name")
    func asked() {
        #expect(Unlocking(node: "n-1", before: .held(by: holder("a-1"))).apply == "a-1")
        for state in [LockState.free, .held(by: nil), .working([]), .unreachable("refused")] {
            #expect(Unlocking(node: "n-1", before: state).apply == nil)
            #expect(Unlocking(node: "n-1", before: state).text == state.text(on: "n-1"))
        }
    }

    /// A lock that another apply took between the looks was told as freed, and no more; a node that
    /// was lost between them as well.
    @Test("what the second look shows is told, whatever the attempt said")
    func after() {
        let found = LockState.held(by: holder("a-1"))
        #expect(text(found, .free) == "the lock on n-1 was freed")
        #expect(text(found, .free, "the connection was lost") == "the lock on n-1 was freed")
        #expect(
            text(found, .held(by: holder("b-1")))
                == "the lock on n-1 was given up by the holder that was found, and by now is \(told)"
        )
        #expect(
            text(found, .held(by: nil))
                == "the lock on n-1 was given up by the holder that was found, and by now is held by "
                + "somebody who left no record")
        #expect(
            text(found, found, "exit status 70: no")
                == "the lock on n-1 was not freed: exit status 70: no; it is \(told)")
        #expect(
            text(found, .unreachable("no route"))
                == "the lock on n-1 was given up by the holder that was found, and could not be"
                + " looked at afterwards: no route"
        )
        #expect(
            text(found, .unreachable("no route"), "lost")
                == "n-1 could not be asked: no route")
        #expect(
            text(.free, .held(by: holder("b-1"))) == "the lock on n-1 is \(told)")
        #expect(
            text(found, .working(["4711 start postgres-1"])).hasPrefix(
                "the lock on n-1 is not free yet: commands of an earlier apply still run there "
                    + "(4711 start postgres-1); if it hangs, end it on n-1: "))
    }
}
