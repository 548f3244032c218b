/// Why an operation of a connection did not succeed.
package enum SSHError: Error, Equatable, Sendable {
    /// libssh2 refused: its code (negative) and its own words.
    case library(operation: String, code: Int32, text: String)
    /// The system refused: `errno` and its words.
    case system(operation: String, code: Int32, text: String)
    /// The limit passed while this was going on.
    case timedOut(operation: String)
    /// The task was cancelled while this was going on.
    case cancelled(operation: String)
    /// The connection was closed by `close()`, or had never been opened.
    case closed
    /// Nothing came from the other side for this long, not even answers to keepalives.
    case silent(Duration)
    /// The command wrote more than this many bytes.
    case tooMuchOutput(limit: Int)

    /// The other side, or the path to it, is gone: another connection may work.
    package var isLoss: Bool {
        switch self {
        case .library(_, let code, _): !Self.concernsOneChannel(code)
        case .system, .closed, .silent: true
        case .timedOut, .cancelled, .tooMuchOutput: false
        }
    }

    /// Codes -21…-27 are about one channel; after any other a session cannot be trusted.
    static func concernsOneChannel(_ code: Int32) -> Bool { (-27 ... -21).contains(code) }
}

extension SSHError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .library(let operation, let code, let text): "\(operation): \(text) (libssh2 \(code))"
        case .system(let operation, _, let text): "\(operation): \(text)"
        case .timedOut(let operation): "\(operation): the limit passed"
        case .cancelled(let operation): "\(operation): cancelled"
        case .closed: "the connection is closed"
        case .silent(let duration): "nothing was heard for \(duration.components.seconds) s"
        case .tooMuchOutput(let limit): "more than \(limit >> 20) MiB of output"
        }
    }
}

/// A command that gave no result.
package struct ExecutionFailure: Error, Equatable, Sendable {
    /// The request to run it may have reached the server: whether it took effect is unknown.
    package var mayHaveStarted: Bool
    package var error: SSHError
}
