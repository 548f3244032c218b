package import Cluster
package import Effects
import LibSSH2
package import RemoteCommands

extension SSHNodes: NodeHolder {
    package func hold(
        _ command: Command, on node: NodeName, beat: Duration
    ) async throws(ShellFailure) -> NodeHold {
        let script = command.script
        let holding = try await start(script, on: node) {
            connection, line, input async throws(ExecutionFailure) in
            try await connection.hold(
                line, input: input, limit: script.limit, mark: SSHNodes.mark, beat: beat)
        }
        return switch holding {
        case .held(let held): .held(HeldOverSSH(held: held))
        case .ended(let answer): .ended(try result(answer, on: node))
        }
    }
}

private struct HeldOverSSH: HeldNode {
    var held: HeldCommand
    var firstLine: String { String(decoding: held.firstLine, as: UTF8.self) }
    func isAlive() async -> Bool { await held.isAlive() }
    func release() async { await held.release(limit: .seconds(5)) }
}
