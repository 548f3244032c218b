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

            Ends with 0 when no lock is held any more and nothing that was begun under it runs, 3 \
            when something does, when it was not confirmed or when the lock went to somebody else \
            meanwhile, 1 when a server could not be asked.
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
        let states = await LockSurvey.states(of: desired, session.reading)
            .sorted { $0.key < $1.key }
        for (node, state) in states { Console.write(Self.line(node, state)) }
        let held = states.compactMap { node, state -> Held? in
            if case .held(let holder?) = state {
                Held(node: node, apply: holder.apply)
            } else {
                nil
            }
        }
        if !held.isEmpty {
            try confirm(desired.name)
            for lock in held { try await free(lock, of: desired, session) }
        }
        let working = try await stillWorking(states, freed: held, desired, session)
        let strangers = states.filter { $0.value == .held(by: nil) }.map(\.key.rawValue)
        guard strangers.isEmpty else {
            throw Failure(
                "the lock on \(strangers.joined(separator: ", ")) is held by somebody who left no "
                    + "record; see who with: fuser -v \(desired.project.directory)/.matriarch.lock",
                ending: .refused)
        }
        guard working.isEmpty else {
            throw Failure(
                "what was begun under the lock still runs on "
                    + "\(working.map(\.rawValue).joined(separator: ", ")): nobody is given the lock "
                    + "there before it has ended", ending: .refused)
        }
        let unseen = states.filter { if case .unreachable = $0.value { true } else { false } }
        guard unseen.isEmpty else {
            throw Failure(
                "could not be asked: \(unseen.map(\.key.rawValue).joined(separator: ", "))"
                    .safeForTerminal)
        }
    }

    /// The nodes where commands of an earlier holder run, told where that was not yet: a holder that
    /// was ended leaves them behind.
    private func stillWorking(
        _ before: [(key: NodeName, value: LockSurvey.State)], freed: [Held], _ desired: Desired,
        _ session: ActingSession
    ) async throws -> [NodeName] {
        var states = before
        if !freed.isEmpty {
            let nodes = Set(freed.map(\.node))
            let now = await LockSurvey.states(of: desired, session.reading)
                .sorted { $0.key < $1.key }
            for (node, state) in now where nodes.contains(node) {
                if case .working = state { Console.write(Self.line(node, state)) }
            }
            states =
                states.filter { !nodes.contains($0.key) } + now.filter { nodes.contains($0.key) }
        }
        return states.compactMap { node, state in
            if case .working = state { node } else { nil }
        }
    }

    private struct Held {
        var node: NodeName
        var apply: String
    }

    private static func line(_ node: NodeName, _ state: LockSurvey.State) -> String {
        let text =
            switch state {
            case .free: "the lock on \(node) is free"
            case .held(let holder): "the lock on \(node) \(LockObstacle.held(by: holder).text)"
            case .working(let commands):
                "the lock on \(node) \(LockObstacle.working(commands).text); "
                    + LockObstacle.working(commands).advice(on: node)
            case .unreachable(let reason): "\(node) could not be asked: \(reason)"
            }
        return text.safeForTerminal + "\n"
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

    private func free(
        _ held: Held, of desired: Desired, _ session: ActingSession
    ) async throws {
        let command = try LockCommands.free(from: held.apply, in: desired.project)
        let result: CommandResult
        do throws(ShellFailure) {
            result = try await session.shell.perform(command, on: held.node)
        } catch {
            switch error {
            case .unreachable(let reason), .unknownOutcome(let reason):
                throw Failure(reason.safeForTerminal)
            }
        }
        if result.status == .exited(LockCommands.notFree) {
            let other = LockObstacle.held(by: LockHolder(record: result.errors))
            throw Failure(
                "the lock on \(held.node) \(other.text) by now: nothing was done there; look again"
                    .safeForTerminal, ending: .refused)
        }
        guard result.succeeded else {
            let words = String(startOf: result.errors, limit: 400)
            throw Failure("the lock on \(held.node) was not freed: \(words)".safeForTerminal)
        }
        Console.write("the lock on \(held.node) was freed".safeForTerminal + "\n")
    }
}
