package import Cluster
package import RemoteCommands

/// Asks a node; cannot change it (S12: `plan` and `observe` only ever hold this).
package protocol NodeReader: Sendable {
    /// - Throws: `.unreachable` when nothing was started, `.unknownOutcome` when it was and the
    ///   answer was lost. A non-zero exit status is an answer, not an error.
    func ask(_ query: Query, on node: NodeName) async throws(ShellFailure) -> CommandResult
}

/// Changes a node.
package protocol NodeShell: NodeReader {
    func perform(_ command: Command, on node: NodeName) async throws(ShellFailure) -> CommandResult
}

/// Keeps a command running on a node for as long as it is wanted: a lock that a crash frees (S7).
package protocol NodeHolder: Sendable {
    /// Starts a command, gives it its input and leaves the input open, so that one that ends with
    /// `cat > /dev/null` runs until it is released. When this process or the connection dies, the
    /// server ends the input too.
    ///
    /// - Parameter beat: how often an empty line is added to the input from then on: a command that
    ///   misses it knows that nobody is there, even where no packet said so.
    /// - Returns: once the command has written a line, or has ended without one. The script's limit
    ///   is for that.
    func hold(
        _ command: Command, on node: NodeName, beat: Duration
    ) async throws(ShellFailure) -> NodeHold
}

/// How `NodeHolder.hold` went.
package enum NodeHold: Sendable {
    case held(any HeldNode)
    /// It ended before it had written a line.
    case ended(CommandResult)
}

/// A command that is being held.
package protocol HeldNode: Sendable {
    /// What it wrote first, without the end of the line.
    var firstLine: String { get }
    /// Whether it still runs, as far as is known: a lost connection shows after some 30 s.
    func isAlive() async -> Bool
    /// Ends its input and waits for its end, for some seconds at most.
    func release() async
}

/// What a command that ended said.
package struct CommandResult: Equatable, Sendable {
    package var status: ExitStatus
    package var output: [UInt8]
    package var errors: [UInt8]
    package init(status: ExitStatus, output: [UInt8] = [], errors: [UInt8] = []) {
        self.status = status
        self.output = output
        self.errors = errors
    }
    package var succeeded: Bool { status == .exited(0) }
}

/// How a command ended.
package enum ExitStatus: Equatable, Sendable {
    case exited(Int32)
    /// `TERM`, `KILL`, … as the server names it.
    case signalled(String)
}

/// Why a command has no result.
package enum ShellFailure: Error, Equatable, Sendable {
    /// The command was not started. The text says why and what to do.
    case unreachable(String)
    /// It was started, and whether it took effect has to be looked at (connection lost, limit passed).
    case unknownOutcome(String)
}

/// Reads over HTTP: Patroni's REST, etcd's, HAProxy's statistics.
package protocol WebReader: Sendable {
    func get(_ url: WebAddress, limit: Duration) async throws(WebFailure) -> WebAnswer
    /// A read that its server only takes as `POST`. `place.path` is not used.
    func query(_ query: WebQuery, at place: WebAddress, limit: Duration)
        async throws(WebFailure) -> WebAnswer
}

/// The reads of etcd's JSON gateway. A closed list: a reader has no way to post anything else (S12).
package enum WebQuery: String, Hashable, Sendable, CaseIterable {
    case etcdMembers = "/v3/cluster/member/list"
    case etcdStatus = "/v3/maintenance/status"
    package var path: String { rawValue }
    /// The body of every one of them. For the member list it asks for the member's own view, which
    /// it gives without a quorum too.
    package var body: String { "{}" }
}

/// Also changes.
package protocol WebClient: WebReader {
    func send(_ request: WebRequest, limit: Duration) async throws(WebFailure) -> WebAnswer
}

/// Where an HTTP request goes, seen from `node`: the adapter connects directly or through the
/// node's SSH connection.
package struct WebAddress: Hashable, Sendable {
    package var node: NodeName
    /// As the node itself would connect: `127.0.0.1`, or a container's address.
    package var host: String
    package var port: UInt16
    /// With its leading slash.
    package var path: String
    package init(node: NodeName, host: String, port: UInt16, path: String) {
        self.node = node
        self.host = host
        self.port = port
        self.path = path
    }
}

/// One HTTP request to a place of the cluster.
package struct WebRequest: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable {
        case get = "GET", post = "POST", patch = "PATCH"
    }
    package var method: Method
    package var address: WebAddress
    /// Sent as `application/json`.
    package var body: JSONValue?
    package init(method: Method, address: WebAddress, body: JSONValue? = nil) {
        self.method = method
        self.address = address
        self.body = body
    }
}

/// An HTTP answer, whatever its status.
package struct WebAnswer: Equatable, Sendable {
    package var status: Int
    package var body: [UInt8]
    /// The `Date` header as seconds since the epoch.
    package var date: Int64?
    package init(status: Int, body: [UInt8], date: Int64? = nil) {
        self.status = status
        self.body = body
        self.date = date
    }
}

/// Why a request has no answer.
package enum WebFailure: Error, Equatable, Sendable {
    /// Nothing was sent: refused, no route, no SSH connection.
    case unreachable(String)
    /// Sent, and no whole answer came: it may have taken effect.
    case unknownOutcome(String)
}

/// Time, as a value that is passed in.
package protocol Timekeeper: Sendable {
    /// Monotonic, from an arbitrary zero.
    var now: Duration { get }
    /// Returns early only when the task is cancelled.
    func sleep(for duration: Duration) async
}
