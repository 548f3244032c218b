import Cluster
import Foundation
import TestProcesses
import Testing

@testable import RemoteCommands

@Suite("The history on a node", .ownThreads)
struct HistoryCommandTests {
    private let scratch: Scratch
    private let project: Project
    private let quiet = Shell.Answer(status: 0, output: "", errors: "")

    init() throws {
        scratch = try Scratch()
        project = Project(name: "crm", directory: scratch.path)
    }

    private func append(_ number: Int64, padding: Int = 0, largest: Int = 1 << 20) throws -> Command
    {
        try HistoryCommands.append(
            .object([
                "n": .int(number), "padding": .string(String(repeating: "x", count: padding)),
            ]), in: project, largest: largest)
    }

    private func line(_ number: Int, padding: Int = 0) -> String {
        "{\"n\":\(number),\"padding\":\"\(String(repeating: "x", count: padding))\"}\n"
    }

    @Test("grows by a line, and is read back", arguments: Shell.different)
    func grows(shell: Shell) throws {
        let read = try HistoryCommands.read(in: project).script
        #expect(try shell.run(read) == quiet)
        for number in Int64(1)...2 { #expect(try shell.run(try append(number).script) == quiet) }
        #expect(
            try shell.run(read) == Shell.Answer(status: 0, output: line(1) + line(2), errors: ""))
        #expect(
            try scratch.names() == [
                "state", "state/.history.lock", "state/history.jsonl",
            ])
    }

    @Test("writers at the same time lose nothing of each other", arguments: Shell.different)
    func concurrent(shell: Shell) throws {
        var writers: [HeldProcess] = []
        for number in Int64(0)..<16 {
            writers.append(try HeldProcess(try append(number, padding: 9000).script, shell))
        }
        for writer in writers { #expect(writer.end() == 0) }
        let lines = try scratch.text("state/history.jsonl").split(separator: "\n")
        #expect(
            Set(lines.map(String.init))
                == Set((0..<16).map { String(line($0, padding: 9000).dropLast()) }))
        #expect(lines.count == 16)
    }

    @Test(
        "the half line of a writer that crashed costs the next one nothing",
        arguments: Shell.different)
    func torn(shell: Shell) throws {
        #expect(try shell.run(try append(1).script) == quiet)
        try scratch.write(line(1) + "{\"n\":2,\"pad", to: "state/history.jsonl")
        #expect(try shell.run(try append(3).script) == quiet)
        #expect(
            try scratch.text("state/history.jsonl") == line(1) + "{\"n\":2,\"pad\n" + line(3))
    }

    @Test("a line that does not arrive whole is not written", arguments: Shell.different)
    func cut(shell: Shell) throws {
        let command = try append(1, padding: 100)
        #expect(
            try shell.run(command.script, truncatingInputTo: 50)
                == Shell.Answer(
                    status: 74, output: "",
                    errors: "the line did not arrive whole; nothing was written\n"))
        #expect(try scratch.names() == ["state"])
    }

    @Test(
        "the file stays within its bound, and keeps the newest lines whole",
        arguments: Shell.different)
    func bounded(shell: Shell) throws {
        for number in Int64(1)...14 {
            #expect(
                try shell.run(try append(number, padding: 80, largest: 700).script) == quiet)
            #expect(try scratch.text("state/history.jsonl").utf8.count <= 700)
        }
        let lines = try scratch.text("state/history.jsonl").split(separator: "\n")
        let last = 15 - lines.count
        #expect(lines.count >= 3)
        #expect(
            lines.map(String.init)
                == (last...14).map { String(line($0, padding: 80).dropLast()) })
    }

    /// Of two thousand records and one longer than half the bound, nothing was left.
    @Test("the newest line stays, however long it is", arguments: Shell.different)
    func longest(shell: Shell) throws {
        for number in Int64(1)...5 {
            #expect(
                try shell.run(try append(number, padding: 80, largest: 700).script) == quiet)
        }
        #expect(try shell.run(try append(6, padding: 600, largest: 700).script) == quiet)
        #expect(try scratch.text("state/history.jsonl") == line(6, padding: 600))
        #expect(try shell.run(try append(7, padding: 80, largest: 700).script) == quiet)
        #expect(try scratch.text("state/history.jsonl").hasSuffix(line(7, padding: 80)))
    }
}
