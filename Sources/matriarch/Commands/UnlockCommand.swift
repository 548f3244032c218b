import ArgumentParser
import Cluster
import Effects
import Execution
import RemoteCommands
import Reporting

struct UnlockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock",
        abstract: "Free the lock of an apply that hangs.",
        discussion: """
            You hardly ever need this: a lock is gone as soon as its holder is, and a minute after \
            its holder's machine has lost its network or its power. It is for a holder that is \
            alive and hangs. Look first whether that apply can be interrupted where it runs.

            Shows who holds the lock on each server, asks for the cluster's name, and ends the \
            process that holds the lock there. The apply that held it stops before its next \
            step; what it has begun on a server goes on to its end, and the next apply waits for \
            that. Such commands are named, with the way to end one that hangs.

              matriarch unlock cluster.yaml
              matriarch unlock cluster.yaml --yes-i-checked gardenos-dev-cluster

            Then it looks again and says of every server what is true by then. Ends with 0 when no \
            lock is held any more and nothing that was begun under it runs, 3 when something does, \
            when it was not confirmed or when the lock is held, by somebody else meanwhile too, 1 \
            when a server could not be asked.
            """)

    @OptionGroup var manifest: ManifestOptions

    @Option(
        name: .customLong("yes-i-checked"),
        help: ArgumentHelp(
            "Do not ask: the cluster's name, by somebody who looked at the holder.",
            valueName: "name"))
    var checked: String?

    func run() async throws {
        let desired = try manifest.onlyCluster().desired
        let session = try ActingSession.open(desired)
        do {
            try await unlock(desired, session)
        } catch {
            await session.reading.close()
            throw error
        }
        await session.reading.close()
    }

    private func unlock(_ desired: Desired, _ session: ActingSession) async throws {
        var nodes = await LockSurvey.states(of: desired, session.reading)
            .sorted { $0.key < $1.key }
            .map { Unlocking(node: $0.key, before: $0.value) }
        for node in nodes { Self.tell(node.before.text(on: node.node)) }
        if nodes.contains(where: { $0.apply != nil }) {
            try confirm(desired.name)
            for index in nodes.indices {
                guard let apply = nodes[index].apply else { continue }
                nodes[index].failure = try await free(
                    nodes[index].node, from: apply, desired, session)
            }
            // What the attempts say is not the end of it: a holder leaves commands behind, another
            // apply may have waited for the lock, and a server may be gone.
            let now = await LockSurvey.states(of: desired, session.reading)
            for index in nodes.indices {
                nodes[index].after = now[nodes[index].node] ?? nodes[index].after
                Self.tell(nodes[index].text)
            }
        }
        try Self.check(nodes, of: desired)
    }

    private static func tell(_ sentence: String) {
        Console.write(sentence.safeForTerminal + "\n")
    }

    /// - Throws: unless every lock was free when it was last looked at.
    private static func check(_ nodes: [Unlocking], of desired: Desired) throws(Failure) {
        var (strangers, held, working, unseen) = ([String](), [String](), [String](), [String]())
        for node in nodes {
            switch node.after {
            case .free: continue
            case .held(nil): strangers.append(node.node.rawValue)
            case .held: held.append(node.node.rawValue)
            case .working: working.append(node.node.rawValue)
            case .unreachable: unseen.append(node.node.rawValue)
            }
        }
        var lines: [String] = []
        func say(_ names: [String], _ line: (String) -> String) {
            if !names.isEmpty { lines.append(line(names.joined(separator: ", ")).safeForTerminal) }
        }
        say(strangers) {
            "the lock on \($0) is held by somebody who left no record; see who with: fuser -v "
                + "\(desired.project.directory)/.matriarch.lock"
        }
        say(held) { "the lock on \($0) is held; look again with: matriarch unlock" }
        say(working) {
            "what was begun under the lock still runs on \($0): nobody is given the lock there "
                + "before it has ended"
        }
        say(unseen) { "could not be asked: \($0)" }
        guard lines.isEmpty else {
            let isTaken = !(strangers + held + working).isEmpty
            throw Failure(lines, ending: isTaken ? .refused : .error)
        }
    }

    private func confirm(_ name: ClusterName) throws(Failure) {
        if let checked {
            guard checked == name.rawValue else {
                throw Failure(
                    "refused, as --yes-i-checked names \(checked) and the cluster is \(name)"
                        .safeForTerminal, ending: .refused)
            }
            return
        }
        guard Console.canAsk else {
            throw Failure(
                "refused, as there is no terminal to ask at; expected --yes-i-checked \(name)"
                    .safeForTerminal, ending: .refused)
        }
        let question =
            "End the process that holds the lock on each of these? Type the cluster's name: "
        guard Console.answer(to: question) == name.rawValue else {
            throw Failure("not unlocked", ending: .refused)
        }
    }

    /// - Returns: why it was not freed.
    private func free(
        _ node: NodeName, from apply: String, _ desired: Desired, _ session: ActingSession
    ) async throws -> String? {
        let command = try LockCommands.free(from: apply, in: desired.project)
        do throws(ShellFailure) {
            let result = try await session.shell.perform(command, on: node)
            // Another apply has it; the next look tells which.
            if result.succeeded || result.status == .exited(LockCommands.notFree) { return nil }
            return result.complaint.shortened(toBytes: 4096)
        } catch {
            switch error {
            case .unreachable(let reason), .unknownOutcome(let reason): return reason
            }
        }
    }
}
