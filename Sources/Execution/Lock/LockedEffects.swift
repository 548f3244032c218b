package import Cluster
package import Effects
package import RemoteCommands

/// A shell that changes nodes only while the cluster's lock is held, looked at right before each
/// command here, and once more by the command itself on its node.
package struct LockedShell: NodeShell {
    private let shell: any NodeShell
    private let lock: ClusterLock
    private let project: Project
    /// How long the end of a command is awaited whose answer was lost.
    private static let patience = Duration.seconds(60)

    package init(_ shell: any NodeShell, under lock: ClusterLock, of project: Project) {
        self.shell = shell
        self.lock = lock
        self.project = project
    }

    package func ask(_ query: Query, on node: NodeName) async throws(ShellFailure) -> CommandResult
    {
        try await shell.ask(query, on: node)
    }

    /// A command whose answer was lost goes on on its node. Its end is awaited there, so that
    /// whoever looks next sees what came of it, and nothing is done twice at the same time.
    package func perform(
        _ command: Command, on node: NodeName
    ) async throws(ShellFailure) -> CommandResult {
        guard lock.covers(node) else {
            throw .unreachable(node.notLocked)
        }
        if let lost = await lock.lostNode() { throw .unreachable(lost.lockLost) }
        let locked: Command
        do throws(UnquotableText) {
            locked = try command.underLock(of: lock.apply, in: project)
        } catch {
            throw .unreachable(error.description)
        }
        do throws(ShellFailure) {
            return try await shell.perform(locked, on: node)
        } catch {
            guard case .unknownOutcome(let reason) = error else { throw error }
            let hasEnded = await awaitEnd(on: node, limit: min(command.script.limit, Self.patience))
            throw .unknownOutcome(
                reason + (hasEnded ? "; it has ended since" : "; it may still run there"))
        }
    }

    private func awaitEnd(on node: NodeName, limit: Duration) async -> Bool {
        guard let query = try? Command.awaitEnd(in: project, limit: limit) else { return false }
        return (try? await shell.ask(query, on: node))?.succeeded == true
    }
}

/// The same for requests.
package struct LockedWeb: WebClient {
    private let web: any WebClient
    private let lock: ClusterLock

    package init(_ web: any WebClient, under lock: ClusterLock) {
        self.web = web
        self.lock = lock
    }

    package func get(_ url: WebAddress, limit: Duration) async throws(WebFailure) -> WebAnswer {
        try await web.get(url, limit: limit)
    }

    package func query(
        _ query: WebQuery, at place: WebAddress, limit: Duration
    ) async throws(WebFailure) -> WebAnswer {
        try await web.query(query, at: place, limit: limit)
    }

    package func send(
        _ request: WebRequest, limit: Duration
    ) async throws(WebFailure) -> WebAnswer {
        guard lock.covers(request.address.node) else {
            throw .unreachable(request.address.node.notLocked)
        }
        if let lost = await lock.lostNode() { throw .unreachable(lost.lockLost) }
        return try await web.send(request, limit: limit)
    }
}

extension NodeName {
    var notLocked: String { "this apply has no lock on \(self), and changes nothing there" }

    /// What is told when the lock of this node is lost.
    package var lockLost: String {
        "the lock on \(self) was lost: the server or the connection to it failed, or somebody freed"
            + " it (matriarch unlock)"
    }
}
