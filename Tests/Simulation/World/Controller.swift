import Cluster
import Effects
import RemoteCommands
import Rendering
import Synchronization

/// The connections of one process of ours into the simulated world, behind the tool's own protocols.
final class Controller: NodeShell, WebClient, NodeHolder {
    let number: Int
    let world: Simulated
    private let operations = Mutex<[Sent: Operation]>([:])
    private var time: VirtualTime { world.time }

    /// A command by what its lock leaves as it is.
    private struct Sent: Hashable {
        var summary: String
        var input: Script.Input
        var node: NodeName
        init(_ command: Command, on node: NodeName) {
            summary = command.summary
            input = command.script.input
            self.node = node
        }
    }

    init(_ number: Int, in world: Simulated) {
        self.number = number
        self.world = world
        world.look { $0.controllers[number] = ControllerState() }
    }

    func record(_ command: Command, on node: NodeName, as operation: Operation) {
        operations.withLock { $0[Sent(command, on: node)] = operation }
    }

    /// SIGKILL: nothing more comes from it. What it had asked for goes on without it.
    func die() {
        world.look { world in
            world.tell("\(number) is killed")
            world.controllers[number]?.isAlive = false
            world.controllers[number]?.isActing = false
            for (node, holder) in world.locks where holder == number { world.locks[node] = nil }
        }
    }

    /// What a person wants of it, and accepted of its plan.
    func mayRisk(_ hazards: [String: Set<ServiceName>], forMembers staying: Set<MemberName>) {
        world.look {
            $0.controllers[number]?.accepted = hazards
            $0.controllers[number]?.staying = staying
        }
    }

    /// What its plan could not see.
    func isBlind(to nodes: [NodeName]) {
        world.look { $0.controllers[number]?.blind = Set(nodes) }
    }

    func ends() {
        world.look { $0.controllers[number]?.isActing = false }
    }

    // MARK: - Shell

    func ask(_ query: Query, on node: NodeName) async throws(ShellFailure) -> CommandResult {
        if query.script.text.hasSuffix("flock 8\n") {
            return try await awaitEnd(on: node, limit: query.script.limit)
        }
        await time.sleep(for: world.latency)
        let now = time.now
        let answer = world.state.withLock { state -> [UInt8]? in
            Simulated.advance(&state, to: now)
            guard state.world.controllers[number]?.isAlive == true, state.world.logsInto(node)
            else { return nil }
            var bytes = state.answers.probe(node, of: state.world)
            if let draw = Self.lostReading(node, &state, now) {
                guard draw % 3 == 0 else { return nil }
                // Torn in its middle.
                bytes.removeLast(bytes.count / 2)
            }
            return bytes
        }
        guard let answer else { throw .unreachable("no route to host") }
        return CommandResult(status: .exited(0), output: answer)
    }

    /// Until no command runs there.
    private func awaitEnd(
        on node: NodeName, limit: Duration
    ) async throws(ShellFailure) -> CommandResult {
        let end = time.now + limit
        while time.now < end {
            await time.sleep(for: .milliseconds(500))
            let isOver = world.look { world -> Bool? in
                guard world.controllers[number]?.isAlive == true, world.logsInto(node) else {
                    return nil
                }
                return world.working[node, default: 0] == 0
            }
            guard let isOver else { throw .unreachable("no route to host") }
            if isOver { return CommandResult(status: .exited(0)) }
        }
        throw .unknownOutcome("no answer within its limit")
    }

    /// - Returns: `nil` when nothing is lost.
    private static func lostReading(
        _ node: NodeName, _ state: inout Simulated.State, _ now: Duration
    ) -> UInt64? {
        guard state.faults.isActive else { return nil }
        return state.readings.draw(
            oneIn: state.faults.readings, for: "probe", node.rawValue, at: now)
    }

    private struct Ahead {
        var operation: Operation
        var fate: Fate
        var latency: Duration
        /// It holds up whoever wants the lock.
        var isWorking = false
        /// Who goes down by it.
        var member: MemberName?
    }

    func perform(_ command: Command, on node: NodeName) async throws(ShellFailure) -> CommandResult
    {
        let now = time.now
        let known = operations.withLock { $0[Sent(command, on: node)] }
        let ahead = world.state.withLock { state -> Ahead? in
            Simulated.advance(&state, to: now)
            guard let operation = known else {
                state.world.oracle.note("unknown command: \(command.summary)", at: now)
                return nil
            }
            guard state.world.controllers[number]?.isAlive == true else {
                return Ahead(operation: .nothing, fate: .unreachable, latency: .zero)
            }
            let fate = state.world.logsInto(node) ? state.world.fate(state.faults) : .unreachable
            state.world.tell("\(number): \(operation.told) on \(node): \(fate)")
            Leak.look(for: Leak.inCommand, in: command.script.text, &state.world)
            if case .unreachable = fate {
                return Ahead(operation: operation, fate: fate, latency: .milliseconds(100))
            }
            guard state.world.locks[node] == number else {
                // The command itself looks whose the lock is.
                return Ahead(operation: operation, fate: .failed, latency: .milliseconds(50))
            }
            state.world.working[node, default: 0] += 1
            state.world.oracle.acts(number, operation.told, on: node, in: state.world)
            state.world.controllers[number]?.isActing = true
            let member = state.world.announce(operation)
            if operation.takesDown { Simulated.acts(&state) }
            return Ahead(
                operation: operation, fate: fate, latency: state.world.latency(of: operation),
                isWorking: true, member: member)
        }
        guard let ahead else { return CommandResult(status: .exited(127)) }
        await time.sleep(for: ahead.latency)
        switch ahead.fate {
        case .cutAndLate: break
        default:
            // Before anything else happens at this moment, its work is done.
            defer { if ahead.isWorking { rests(node) } }
            guard case .hangs(let takesEffect) = ahead.fate else {
                return try await conclude(ahead, command, on: node)
            }
            if takesEffect { _ = try? done(ahead, on: node) }
            isOver(ahead)
        }
        return try await conclude(ahead, command, on: node)
    }

    private func rests(_ node: NodeName) {
        world.look { $0.working[node, default: 1] -= 1 }
    }

    private func conclude(
        _ ahead: Ahead, _ command: Command, on node: NodeName
    ) async throws(ShellFailure) -> CommandResult {
        switch ahead.fate {
        case .unreachable: throw .unreachable("no route to host")
        case .cutBefore:
            isOver(ahead)
            throw .unknownOutcome("connection lost")
        case .failed:
            isOver(ahead)
            if ahead.isWorking { world.look { $0.oracle.failed(ahead.operation) } }
            return Self.failure("simulated failure")
        case .cutHalf:
            world.look {
                if $0.servers[node]?.isUp == true { $0.performHalf(ahead.operation, on: node) }
            }
            isOver(ahead)
            throw .unknownOutcome("connection lost")
        case .cutAndLate(let delay):
            later(ahead, on: node, after: delay)
            throw .unknownOutcome("connection lost")
        case .cutAfter:
            _ = try done(ahead, on: node)
            throw .unknownOutcome("connection lost")
        case .hangs:
            await time.sleep(for: command.script.limit)
            throw .unknownOutcome("no answer within its limit")
        case .slow(let delay):
            let result = try done(ahead, on: node)
            await time.sleep(for: delay)
            return result
        case .done: return try done(ahead, on: node)
        }
    }

    private func later(_ ahead: Ahead, on node: NodeName, after delay: Duration) {
        let due = time.now + delay
        world.state.withLock {
            $0.late.append(
                Simulated.Late(
                    due: due, node: node, operation: ahead.operation, member: ahead.member))
        }
    }

    private func isOver(_ ahead: Ahead) {
        guard let member = ahead.member else { return }
        world.look { $0.oracle.isOver(for: member) }
    }

    /// A server that lost its power meanwhile did a part of it; one out of reach did all, and cannot
    /// say so.
    private func done(_ ahead: Ahead, on node: NodeName) throws(ShellFailure) -> CommandResult {
        let operation = ahead.operation
        defer { isOver(ahead) }
        let end = world.look { world -> End in
            guard world.servers[node]?.isUp == true else {
                // It had begun: the power was cut in its middle.
                world.performHalf(operation, on: node)
                return End(isHeard: false)
            }
            let complaint = world.perform(operation, on: node)
            if let complaint { world.tell("\(number): \(operation.told): \(complaint)") }
            return End(complaint: complaint, isHeard: world.logsInto(node))
        }
        guard end.isHeard else { throw .unknownOutcome("connection lost") }
        return end.complaint.map { Self.failure($0) } ?? CommandResult(status: .exited(0))
    }

    private struct End {
        var complaint: String?
        var isHeard: Bool
    }

    private static func failure(_ text: String) -> CommandResult {
        CommandResult(status: .exited(1), errors: Array(text.utf8))
    }

    // MARK: - Lock

    func hold(
        _ command: Command, on node: NodeName, beat: Duration
    ) async throws(ShellFailure) -> NodeHold {
        await time.sleep(for: .milliseconds(50))
        let status = world.look { world -> Int32? in
            guard world.controllers[number]?.isAlive == true, world.logsInto(node) else {
                return nil
            }
            Leak.look(for: Leak.inCommand, in: command.script.text, &world)
            guard world.locks[node] == nil else { return LockCommands.notFree }
            guard world.working[node, default: 0] == 0 else { return LockCommands.stillWorking }
            world.locks[node] = number
            return 0
        }
        guard let status else { throw .unreachable("no route to host") }
        if status == 0 { return .held(Held(node: node, controller: self)) }
        return .ended(CommandResult(status: .exited(status), errors: Array("another".utf8)))
    }

    private final class Held: HeldNode {
        let node: NodeName
        let controller: Controller
        var firstLine: String { LockCommands.held }
        init(node: NodeName, controller: Controller) {
            self.node = node
            self.controller = controller
        }
        func isAlive() async -> Bool {
            controller.world.look { world in
                let (number, holds) = (controller.number, world.locks[node] == controller.number)
                if !holds, world.controllers[number]?.lossKnownSince == nil {
                    world.controllers[number]?.lossKnownSince = world.now
                }
                return holds
            }
        }
        func release() async {
            controller.world.look { world in
                if world.locks[node] == controller.number { world.locks[node] = nil }
            }
        }
    }
}
