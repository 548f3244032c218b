/// Sends requests side by side and keeps connections for the next request to the same place.
///
/// One thread drives all transfers; it ends with the last reference to the client.
package final class HTTPClient: Sendable {
    private let loop: TransferLoop

    /// - Throws: when curl or its thread cannot start.
    package init() throws(HTTPFailure) {
        loop = try TransferLoop()
        try loop.start()
    }

    deinit { loop.stop() }

    /// Answers with any status; cancelling the task ends the transfer at once.
    package func perform(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPAnswer {
        let loop = loop
        let id = loop.newIdentifier()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.submit(
                    Job(id: id, request: request) { continuation.resume(returning: $0) })
            }
        } onCancel: {
            loop.cancel(id)
        }
        loop.forget(id)
        return try result.get()
    }
}

/// A request that waits for its turn, with whom to tell.
struct Job: Sendable {
    var id: UInt64
    var request: HTTPRequest
    /// Called once, on the loop's thread.
    var report: @Sendable (Result<HTTPAnswer, HTTPFailure>) -> Void
}
