import Cluster
import Effects
import Execution
import RemoteCommands

/// Who holds the lock of a cluster, node by node. Asks, and changes nothing.
enum LockSurvey {
    static func states(of desired: Desired, _ session: ReadingSession) async -> [NodeName:
        LockState]
    {
        await ask(desired, session) { node in
            try await session.ask(LockCommands.status(in: desired.project), on: node)
        }.mapValues { reading in
            switch reading {
            case .unreachable(let reason): return .unreachable(reason)
            case .known(let output):
                let lines = output.split(
                    separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
                let rest = lines.dropFirst().joined()
                switch lines.first.map({ String(decoding: $0, as: UTF8.self) }) {
                case LockCommands.held: return .held(by: LockHolder(record: rest))
                case LockCommands.working:
                    let commands = String(startOf: Array(rest), limit: 4096)
                    return .working(commands.split(separator: "\n").map(String.init))
                default: return .free
                }
            }
        }
    }

    /// All nodes side by side; the output of each, or why there is none.
    static func ask(
        _ desired: Desired, _ session: ReadingSession,
        _ question: @escaping @Sendable (NodeName) async throws -> CommandResult
    ) async -> [NodeName: Reading<[UInt8]>] {
        await withTaskGroup(of: Answer.self) { group in
            for node in desired.nodes.map(\.name) {
                group.addTask {
                    do {
                        let result = try await question(node)
                        guard result.succeeded else {
                            let reason = result.complaint.shortened(toBytes: 4096)
                            return Answer(node: node, output: .unreachable(reason))
                        }
                        return Answer(node: node, output: .known(result.output))
                    } catch ShellFailure.unreachable(let reason) {
                        return Answer(node: node, output: .unreachable(reason))
                    } catch ShellFailure.unknownOutcome(let reason) {
                        return Answer(node: node, output: .unreachable(reason))
                    } catch {
                        return Answer(node: node, output: .unreachable("\(error)"))
                    }
                }
            }
            var answers: [NodeName: Reading<[UInt8]>] = [:]
            for await answer in group { answers[answer.node] = answer.output }
            return answers
        }
    }

    private struct Answer: Sendable {
        var node: NodeName
        var output: Reading<[UInt8]>
    }
}
