import Adapters
import Cluster
import Effects
import Execution
import Observation
import RemoteCommands
import Reporting

/// A way to look at one cluster's servers, and no way to change them (S12): it holds readers only.
struct ReadingSession: Sendable {
    private let nodes: any NodeReader
    private let web: any WebReader
    /// Ends the connections.
    let close: @Sendable () async -> Void
    private let settling = Settling()

    fileprivate init(
        nodes: any NodeReader, web: any WebReader, close: @escaping @Sendable () async -> Void
    ) {
        self.nodes = nodes
        self.web = web
        self.close = close
    }

    func ask(_ query: Query, on node: NodeName) async throws(ShellFailure) -> CommandResult {
        try await nodes.ask(query, on: node)
    }

    var observer: Observer { Observer(nodes: nodes, web: web) }

    /// For a plan that is to be applied at once.
    func observeAtRest(_ desired: Desired) async -> Observed {
        await settling.look(time: SystemClock()) { motion in
            Console.write(
                "\(desired.name): waiting, as \(motion)".safeForTerminal + "\n", to: .errors)
        } observe: {
            await observer.observe(desired)
        }
    }
}

/// A way to change one cluster's servers: `apply` and `unlock` do, all others use its `reading`.
struct ActingSession: Sendable {
    let shell: any NodeShell
    let web: any WebClient
    let holder: any NodeHolder
    let reading: ReadingSession
}

extension ReadingSession {
    static func open(_ desired: Desired) throws(Failure) -> ReadingSession {
        try ActingSession.open(desired).reading
    }
}

extension ActingSession {
    /// Connects to nothing yet: each connection is made when it is first needed.
    static func open(_ desired: Desired) throws(Failure) -> ActingSession {
        let user = SSHUser.current()
        let nodes = SSHNodes(desired.nodes, as: user)
        let web: WebRequests
        do throws(WebFailure) {
            web = try WebRequests(
                direct: user.directAccess(to: desired.nodes), tunnels: nodes)
        } catch {
            switch error {
            case .unreachable(let text), .unknownOutcome(let text):
                throw Failure("HTTP is not to be had: \(text)")
            }
        }
        return ActingSession(
            shell: nodes, web: web, holder: nodes,
            reading: ReadingSession(nodes: nodes, web: web) { await nodes.shutdown() })
    }
}
