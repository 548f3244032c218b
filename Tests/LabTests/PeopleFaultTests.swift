import Foundation
import Testing

// What people and pipelines do to an apply, and to the cluster meanwhile.
extension LabTests.FaultTests {
    @Test("Ctrl-C: the running step ends, nothing new starts, the report says both")
    func interrupt() throws {
        try Staging.stage("Ctrl-C") { staging in
            let outcome = try staging.apply(at: .act(": recreate on")) { $0.interrupt() }
            #expect(outcome.status == 4, "\(outcome.text)")
            #expect(outcome.text.contains("Stopped as asked"), "\(outcome.text)")
            #expect(outcome.errors.contains("done     \(staging.replicas[0]): recreate"))
            #expect(!outcome.errors.contains("act      \(staging.replicas[1]): recreate"))
            #expect(outcome.output.contains("Not done"), "\(outcome.text)")
            staging.outcome = "4: stopped as asked"
        }
    }

    @Test(
        "Ctrl-C twice: no waiting, and the command on its way is not cut short",
        .enabled(if: Faults.areAllWanted))
    func interruptTwice() throws {
        try Staging.stage("Ctrl-C twice") { staging in
            let outcome = try staging.apply(
                Happening(at: .act(": recreate on")) { $0.interrupt() },
                Happening(at: Moment(word: "stop")) { $0.interrupt() })
            #expect(outcome.status == 4, "\(outcome.text)")
            #expect(outcome.text.contains("may or may not have happened"), "\(outcome.text)")
            staging.outcome = "4: may or may not have happened"
        }
    }

    @Test(
        "SIGTERM and then SIGKILL, as pipelines do: nothing is lost, the next apply goes on",
        .enabled(if: Faults.areAllWanted))
    func terminated() throws {
        try Staging.stage("SIGTERM, then SIGKILL") { staging in
            let outcome = try staging.apply(
                Happening(at: .act(": recreate on")) { $0.terminate() },
                Happening(at: Moment(word: "stop")) { $0.kill() })
            #expect(outcome.status == SIGKILL, "\(outcome.text)")
            staging.outcome = "killed"
        }
    }

    @Test(
        "somebody pauses Patroni meanwhile: nothing more is done until it is resumed",
        .enabled(if: Faults.areAllWanted))
    func paused() throws {
        try Staging.stage(
            "Patroni is paused by somebody meanwhile", edit: Staging.impatient
        ) { staging in
            let outcome = try staging.apply(at: .act(": recreate on")) { _ in
                try Lab.patch("http://172.30.0.13:8008/config", "{\"pause\": true}")
            }
            #expect(outcome.status == 4, "\(outcome.text)")
            #expect(outcome.text.contains("paused"), "\(outcome.text)")
            try staging.expectRefusal(naming: "paused")
            try Lab.patch("http://172.30.0.13:8008/config", "{\"pause\": null}")
            staging.outcome = "4: stopped, as Patroni is paused; 3 until it is resumed"
        }
    }

    @Test(
        "somebody switches over meanwhile: the leader is never stopped, and the update ends",
        .enabled(if: Faults.areAllWanted))
    func switchedOver() throws {
        try Staging.stage("a switchover by somebody meanwhile") { staging in
            let (old, new) = (staging.leader, staging.replicas[1])
            let host = try #require(staging.nodes[old].flatMap { Lab.addresses[$0] })
            let outcome = try staging.apply(at: .act(": recreate on")) { _ in
                let answer = try run(
                    "curl",
                    [
                        "-sf", "-d", "{\"leader\": \"\(old)\", \"candidate\": \"\(new)\"}",
                        "http://\(host):8008/switchover",
                    ])
                guard answer.status == 0 else { throw LabFailure(answer.text) }
            }
            #expect([0, 4].contains(outcome.status), "\(outcome.text)")
            staging.outcome =
                outcome.text.contains("\(new) leads")
                ? "\(outcome.status): \(new) leads, and is left alone" : "\(outcome.status)"
        }
    }

    @Test(
        "two applies at once: one works, the other waits for the lock and then sees what is left",
        .enabled(if: Faults.areAllWanted))
    func twoAtOnce() throws {
        try Staging.stage("two applies at once") { staging in
            let path = try staging.target.write()
            let second = Late<Child>()
            let outcome = try staging.apply(at: .act(": recreate on")) { _ in
                second.value = try Matriarch.start(["apply", path, "--yes"])
            }
            #expect(outcome.status == 0, "\(outcome.text)")
            let other = try second.wait().wait()
            #expect(other.status == 0, "\(other.text)")
            #expect(other.text.contains("lock"), "\(other.text)")
            #expect(!other.errors.contains(" act "), "\(other.text)")
            staging.outcome = "0; the other waited for the lock and had nothing left to do"
        }
    }

    @Test(
        "the lock of a running apply is freed by somebody: it stops before its next act",
        .enabled(if: Faults.areAllWanted))
    func unlocked() throws {
        try Staging.stage("unlock of a running apply") { staging in
            let path = try staging.target.write()
            let outcome = try staging.apply(at: .act(": recreate on")) { _ in
                let unlock = try Matriarch.run("unlock", path, "--yes-i-checked", "lab")
                guard unlock.status == 0 else { throw LabFailure(unlock.text) }
            }
            #expect(outcome.status == 4, "\(outcome.text)")
            #expect(outcome.text.contains("the lock on node-1 was lost"), "\(outcome.text)")
            #expect(!outcome.errors.contains("act      \(staging.replicas[1]): recreate"))
            staging.outcome = "4: the lock on node-1 was lost"
        }
    }
}
