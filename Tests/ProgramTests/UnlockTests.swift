import Adapters
import Cluster
import Effects
import Foundation
import RemoteCommands
import TestProcesses
import TestSSHServer
import Testing

/// `unlock` before a real sshd.
extension ServerTests {
    private func hold(_ apply: String) async throws -> (any HeldNode)? {
        let nodes = SSHNodes([server.node("n-1")], as: server.user())
        let project = Project(name: "shop", directory: directory)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let told =
            #"{"apply":"\#(apply)","who":"ada@laptop","pid":4711,"#
            + #""since":"2026-11-24T18:21:33Z","purpose":"apply of shop"}"#
        let answer = try await nodes.hold(
            try LockCommands.hold(by: apply, saying: told, in: project), on: "n-1",
            beat: LockCommands.beat)
        guard case .held(let held) = answer else { return nil }
        return held
    }

    private var holder: String {
        "the lock on n-1 is held by ada@laptop (process 4711) since 2026-11-24T18:21:33Z: apply of "
            + "shop\n"
    }

    @Test("unlock: free on a server without a project, and told so without a question")
    func unlockFree() throws {
        let outcome = try Program.run("unlock", try manifest())
        #expect(outcome.output == "the lock on n-1 is free\n")
        #expect(outcome.errors == "")
        #expect(outcome.status == 0)
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test("unlock: a lock is freed only by who names the cluster, and its holder hears of it")
    func unlock() async throws {
        let held = try #require(try await hold("a-1"))
        let path = try manifest()
        let unasked = try Program.run("unlock", path)
        #expect(unasked.output == holder)
        #expect(
            unasked.errors
                == "matriarch: refused, as there is no terminal to ask at; expected --yes-i-checked "
                + "shop\n")
        #expect(unasked.status == 3)
        let other = try Program.run("unlock", path, "--yes-i-checked", "bakery")
        #expect(
            other.errors
                == "matriarch: refused, as --yes-i-checked names bakery and the cluster is shop\n")
        #expect(other.status == 3)
        #expect(try Program.run("unlock", path).output == holder)
        let freed = try Program.run("unlock", path, "--yes-i-checked", "shop")
        #expect(freed.output == holder + "the lock on n-1 was freed\n")
        #expect(freed.errors == "")
        #expect(freed.status == 0)
        #expect(try Program.run("unlock", path).output == "the lock on n-1 is free\n")
        await held.release()
    }

    /// Does something on the server between what frees a lock there and the look after it.
    private func between(_ script: String) throws {
        try writeProgram(
            """
            #!/bin/sh
            if [ "$*" = "-n 9" ]; then touch "\(directory)/was-freed"; fi
            if [ "$*" = "-s -n 9" ] && [ -e "\(directory)/was-freed" ]; then
              rm "\(directory)/was-freed"
              cd "\(directory)"
              \(script)
            fi
            exec /usr/bin/flock "$@"

            """, to: folder.url.appending(path: "bin/flock"))
    }

    /// The waiting apply had the lock by the time that unlock ended with 0, as if it were free.
    @Test(
        "unlock: a lock that another apply takes meanwhile is told with its holder, and ends with 3"
    )
    func overtaken() async throws {
        let held = try #require(try await hold("a-1"))
        try between(
            """
            printf 'b-1\\n1\\n{"who":"bob@ci","pid":1,"since":"now","purpose":"deploy"}\\n' \
              > .matriarch.lock.holder
            (exec 8>> .matriarch.lock; /usr/bin/flock -n 8; touch has-it
             for tenth in $(seq 300); do [ -e end ] || sleep 0.1; done) \
              < /dev/null > /dev/null 2>&1 9<&- &
            until [ -e has-it ]; do sleep 0.1; done
            """)
        let outcome = try Program.run("unlock", try manifest(), "--yes-i-checked", "shop")
        try Data().write(to: URL(filePath: "\(directory)/end"))
        #expect(
            outcome.output == holder
                + "the lock on n-1 was given up by the holder that was found, and by now is held by "
                + "bob@ci (process 1) since now: deploy\n")
        #expect(
            outcome.errors
                == "matriarch: the lock on n-1 is held; look again with: matriarch unlock\n")
        #expect(outcome.status == 3)
        await held.release()
    }

    /// It ended with 0 without a word of the server.
    @Test("unlock: a server that is lost after its lock was freed is told, and ends with 1")
    func lost() async throws {
        let held = try #require(try await hold("a-1"))
        try between("kill -9 $PPID; sleep 1")
        let outcome = try Program.run("unlock", try manifest(), "--yes-i-checked", "shop")
        #expect(
            outcome.output == holder
                + "the lock on n-1 was given up by the holder that was found, and could not be"
                + " looked at afterwards: ended by signal KILL\n")
        #expect(outcome.errors == "matriarch: could not be asked: n-1\n")
        #expect(outcome.status == 1)
        await held.release()
    }
}
