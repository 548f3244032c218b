package import Cluster
package import Effects
import RemoteCommands

/// The lock on every node that could be looked at, held while a run lasts (S7).
package struct ClusterLock: Sendable {
    /// The apply that holds it.
    package let apply: String
    private var holds: [Hold] = []

    private struct Hold: Sendable {
        var node: NodeName
        var held: any HeldNode
    }

    private init(apply: String) { self.apply = apply }

    /// Takes the lock on all nodes, or none.
    ///
    /// One after the other in the order of their names; where one is taken the others are let go
    /// and it starts over, so that two that want it never wait for each other, whatever their
    /// manifests call the nodes.
    ///
    /// - Parameters:
    ///   - owner: what whoever finds the lock taken is told.
    ///   - patience: how long to try while it is taken.
    ///   - waiting: told after each attempt that found it taken.
    /// - Throws: when it was not had.
    package static func acquire(
        on nodes: [NodeName], for owner: LockHolder, project: Project, patience: Duration,
        holder: any NodeHolder, time: any Timekeeper, waiting: @Sendable (LockWait) -> Void
    ) async throws(LockRefusal) -> ClusterLock {
        let command: Command
        do throws(UnquotableText) {
            command = try LockCommands.hold(by: owner.apply, saying: owner.line, in: project)
        } catch {
            throw LockRefusal(error.description)
        }
        let began = time.now
        var number = 0
        while true {
            switch try await attempt(command, nodes, owner.apply, holder) {
            case .had(let lock): return lock
            case .taken(let node, let obstacle):
                let wait = LockWait(
                    node: node, obstacle: obstacle, waited: time.now - began, patience: patience)
                guard wait.waited < patience, !Task.isCancelled else { throw LockRefusal(wait) }
                waiting(wait)
                number += 1
                // flock has no call to be told by: asked anew, at odds with the other's own turns.
                await time.sleep(for: min(pause(owner.apply, number), patience - wait.waited))
            }
        }
    }

    private enum Attempt {
        case had(ClusterLock)
        case taken(NodeName, LockObstacle)
    }

    private static func attempt(
        _ command: Command, _ nodes: [NodeName], _ apply: String, _ holder: any NodeHolder
    ) async throws(LockRefusal) -> Attempt {
        var lock = ClusterLock(apply: apply)
        for node in nodes.sorted() {
            do throws(LockRefusal) {
                switch try await take(command, on: node, holder) {
                case .had(let held): lock.holds.append(Hold(node: node, held: held))
                case .taken(let obstacle):
                    await lock.release()
                    return .taken(node, obstacle)
                }
            } catch {
                await lock.release()
                throw error
            }
        }
        return .had(lock)
    }

    private enum Taking {
        case had(any HeldNode)
        case taken(LockObstacle)
    }

    private static func take(
        _ command: Command, on node: NodeName, _ holder: any NodeHolder
    ) async throws(LockRefusal) -> Taking {
        let hold: NodeHold
        do throws(ShellFailure) {
            hold = try await holder.hold(command, on: node, beat: LockCommands.beat)
        } catch {
            switch error {
            case .unreachable(let reason), .unknownOutcome(let reason):
                throw LockRefusal("the lock on \(node) could not be taken: \(reason)")
            }
        }
        switch hold {
        case .held(let held) where held.firstLine == LockCommands.held: return .had(held)
        case .held(let held):
            let line = held.firstLine
            await held.release()
            throw LockRefusal(
                "the lock on \(node) could not be taken: the node answered \(line); expected "
                    + LockCommands.held)
        case .ended(let result) where result.status == .exited(LockCommands.notFree):
            return .taken(.held(by: LockHolder(record: result.errors)))
        case .ended(let result) where result.status == .exited(LockCommands.stillWorking):
            let commands = String(startOf: result.errors, limit: 4096)
                .split(separator: "\n").map(String.init)
            return .taken(.working(commands))
        case .ended(let result):
            throw LockRefusal("the lock on \(node) could not be taken: \(result.complaint)")
        }
    }

    /// About a second, and never the same for two: who let go for each other at the same moment
    /// must not come back at the same moment for ever.
    private static func pause(_ apply: String, _ number: Int) -> Duration {
        var mixed: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in apply.utf8 { mixed = (mixed ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        mixed = (mixed ^ UInt64(number)) &* 0x0000_0100_0000_01b3
        return .milliseconds(750 + Int64((mixed >> 32) % 500))
    }

    /// Whether this node is one of those that were locked.
    package func covers(_ node: NodeName) -> Bool { holds.contains { $0.node == node } }

    /// The nodes that were locked, by name.
    package var nodes: [NodeName] { holds.map(\.node) }

    /// The first node whose lock is no longer held; `nil`: all are, as far as is known.
    package func lostNode() async -> NodeName? {
        for hold in holds where await !hold.held.isAlive() { return hold.node }
        return nil
    }

    /// Waits until the lock of a node is lost; `nil` when the task is cancelled first.
    package func loss(time: any Timekeeper) async -> NodeName? {
        while !Task.isCancelled {
            if let node = await lostNode() { return node }
            // What counts as lost is counted in tens of seconds.
            await time.sleep(for: .seconds(1))
        }
        return nil
    }

    /// Lets others in. What cannot be released now ends with the connection.
    package func release() async {
        await withTaskGroup(of: Void.self) { group in
            for hold in holds { group.addTask { await hold.held.release() } }
        }
    }
}
