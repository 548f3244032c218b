import Cluster
import Foundation
import RemoteCommands
import TestProcesses
import Testing

extension LockCommandTests {
    @Test(
        "freeing ends the holder that was named, not one that came meanwhile, nor its commands",
        arguments: Shell.different)
    func freeing(shell: Shell) throws {
        let lock = try hold("a-1", saying: "{\"who\":\"ada\"}")
        #expect(lock.firstOutput() == "held\n")
        let other = try LockCommands.free(from: "b-1", in: project).script
        #expect(
            try shell.run(other)
                == Shell.Answer(
                    status: LockCommands.notFree, output: "",
                    errors: "a-1\n\(lock.id)\n{\"who\":\"ada\"}\n"))
        let command = try working("a-1")
        let free = try LockCommands.free(from: "a-1", in: project).script
        try #require(try shell.run(free) == Shell.Answer(status: 0, output: "", errors: ""))
        #expect(lock.wait() == -SIGTERM)
        #expect(command.isRunning)
        #expect(command.end() == 0)
        let next = try hold("b-1")
        #expect(next.firstOutput() == "held\n")
        #expect(next.end() == 0)
        _ = lock.end()
        #expect(try shell.run(free) == Shell.Answer(status: 0, output: "", errors: ""))
    }

    /// Between two looks the next apply may have it: that was called a failure, or its record was
    /// removed. One process stands for both here, as it keeps the lock beyond the signal.
    @Test(
        "a lock that another apply takes while it is freed is freed, and the other's record stays",
        arguments: Shell.different)
    func overtaken(shell: Shell) throws {
        let directory = project.directory
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let holder = try HeldProcess(
            Script(
                """
                cd "\(directory)"
                exec 9>> .matriarch.lock
                flock -n 9
                printf 'a-1\\n%s\\n{}\\n' $$ > .matriarch.lock.holder
                trap 'printf "b-1\\n1\\n{}\\n" > .matriarch.lock.holder' TERM
                echo held
                while [ ! -e end ]; do sleep 0.1; done

                """, limit: .seconds(60)))
        #expect(holder.firstOutput() == "held\n")
        let free = try LockCommands.free(from: "a-1", in: project).script
        #expect(try shell.run(free) == Shell.Answer(status: 0, output: "", errors: ""))
        #expect(try scratch.text("it's/.matriarch.lock.holder") == "b-1\n1\n{}\n")
        try scratch.write("", to: "it's/end")
        _ = holder.end()
    }

    @Test("a process that does not hold the lock is never killed for it")
    func stranger() throws {
        let lock = try hold("a-1")
        #expect(lock.firstOutput() == "held\n")
        let bystander = try HeldProcess(Script("cat", limit: .seconds(60)))
        let id = bystander.id
        try scratch.write("a-1\n\(id)\n{}\n", to: "it's/.matriarch.lock.holder")
        let file = "\(project.directory)/.matriarch.lock"
        #expect(
            try shell.run(try LockCommands.free(from: "a-1", in: project).script)
                == Shell.Answer(
                    status: 70, output: "",
                    errors: "process \(id) does not hold \(file); see who does with: "
                        + "fuser -v \(file)\n"))
        #expect(bystander.isRunning)
        #expect(bystander.end() == 0)
        #expect(lock.end() == 0)
    }
}
