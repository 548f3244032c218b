import Cluster
import Effects
import Execution
import RemoteCommands
import Synchronization

extension LockHolder {
    static func test(_ apply: String) -> LockHolder {
        LockHolder(
            apply: apply, who: "ada@laptop", process: 4711, since: "2026-11-24T18:21:33Z",
            purpose: "apply of crm")
    }
}

/// Nodes with a lock each, as `LockCommands.hold` keeps it.
final class LockNodes: NodeHolder {
    private struct State {
        var holders: [NodeName: [UInt8]] = [:]
        var tries: [NodeName] = []
        var answers: [NodeName: CommandResult] = [:]
        var unreachable: Set<NodeName> = []
    }
    private let state = Mutex(State())

    var tries: [NodeName] { state.withLock { $0.tries } }
    /// The id of the apply that has each node that is locked.
    var holders: [NodeName: String] {
        state.withLock { state in
            state.holders.compactMapValues { LockHolder(record: $0)?.apply }
        }
    }

    func take(_ node: NodeName, for owner: LockHolder) {
        let line =
            #"{"pid":4711,"purpose":"apply of crm","since":"2026-11-24T18:21:33Z","#
            + #""who":"ada@laptop"}"#
        state.withLock { $0.holders[node] = Array("\(owner.apply)\n1\n\(line)\n".utf8) }
    }
    func free(_ node: NodeName) { state.withLock { $0.holders[node] = nil } }
    func answer(_ node: NodeName, _ result: CommandResult) {
        state.withLock { $0.answers[node] = result }
    }
    func cutOff(_ node: NodeName) { _ = state.withLock { $0.unreachable.insert(node) } }
    fileprivate func holds(_ node: NodeName, _ record: [UInt8]) -> Bool {
        state.withLock { $0.holders[node] == record }
    }

    func hold(
        _ command: Command, on node: NodeName, beat: Duration
    ) async throws(ShellFailure) -> NodeHold {
        // Others get their turn between any two calls.
        await Task.yield()
        guard case .plain(let line) = command.script.input else {
            throw .unreachable("the holder says nothing of itself")
        }
        // The command has the apply's id among its words; so has what it says of itself.
        let apply = line.split(separator: "\"").dropFirst(2).dropFirst().first.map(String.init)
        let record = Array("\(apply ?? "?")\n1\n\(line)".utf8)
        return try state.withLock { state throws(ShellFailure) in
            state.tries.append(node)
            if state.unreachable.contains(node) { throw .unreachable("no route to \(node)") }
            if let answer = state.answers[node] { return .ended(answer) }
            if let other = state.holders[node] {
                return .ended(
                    CommandResult(status: .exited(LockCommands.notFree), errors: other))
            }
            state.holders[node] = record
            return .held(Held(nodes: self, node: node, record: record))
        }
    }

    private struct Held: HeldNode {
        let nodes: LockNodes
        let node: NodeName
        let record: [UInt8]
        var firstLine: String { "held" }
        func isAlive() async -> Bool { nodes.holds(node, record) }
        func release() async {
            await Task.yield()
            if nodes.holds(node, record) { nodes.free(node) }
        }
    }
}

/// The same nodes under other names.
struct MirroredNodes: NodeHolder {
    let nodes: LockNodes
    let names: [NodeName: NodeName]
    init(of nodes: LockNodes, names: [NodeName: NodeName]) {
        self.nodes = nodes
        self.names = names
    }
    func hold(
        _ command: Command, on node: NodeName, beat: Duration
    ) async throws(ShellFailure) -> NodeHold {
        try await nodes.hold(command, on: names[node] ?? node, beat: beat)
    }
}

/// What an acquisition told while it waited.
final class Waits: Sendable {
    let list = Mutex<[LockWait]>([])
}

/// Time that passes by sleeping alone.
final class StepTime: Timekeeper {
    private let clock = Mutex(Duration.zero)
    var now: Duration { clock.withLock { $0 } }
    func sleep(for duration: Duration) async {
        clock.withLock { $0 += duration }
        await Task.yield()
    }
}
