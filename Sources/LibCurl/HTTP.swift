/// A request over plain HTTP/1.1. Redirects are not followed, proxies are never used.
package struct HTTPRequest: Hashable, Sendable {
    /// `GET`, `POST`, …
    package var method: String
    /// `http://host:port/path`.
    package var url: String
    /// Sent as `application/json`.
    package var body: [UInt8]?
    /// Connect to this unix socket; the URL's host is then only a name.
    package var unixSocket: String?
    /// For reaching the server, name resolution included.
    package var connectLimit: Duration
    /// For everything.
    package var limit: Duration
    /// The largest body taken, in bytes.
    package var bodyLimit: Int
    /// It changes nothing. curl repeats a request by itself when a kept connection turns out to be
    /// dead; whether the server had acted on it is then unknown, so other requests get a new
    /// connection each.
    package var isRepeatable: Bool
    /// - Parameter isRepeatable: when left out, whether the method is one that changes nothing.
    package init(
        method: String = "GET", url: String, body: [UInt8]? = nil, unixSocket: String? = nil,
        connectLimit: Duration, limit: Duration, bodyLimit: Int = 16 << 20,
        isRepeatable: Bool? = nil
    ) {
        self.method = method
        self.url = url
        self.body = body
        self.unixSocket = unixSocket
        self.connectLimit = connectLimit
        self.limit = limit
        self.bodyLimit = bodyLimit
        self.isRepeatable = isRepeatable ?? ["GET", "HEAD", "OPTIONS"].contains(method)
    }
}

/// A whole answer, whatever its status.
package struct HTTPAnswer: Equatable, Sendable {
    package var status: Int
    package var body: [UInt8]
    /// The `Date` header in seconds since 1970.
    package var date: Int64?
    package init(status: Int, body: [UInt8], date: Int64? = nil) {
        self.status = status
        self.body = body
        self.date = date
    }
}

/// No whole answer came.
package struct HTTPFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Cause: Equatable, Sendable {
        /// The host's name has no address.
        case resolving
        /// Refused, no route, or no such socket.
        case connecting
        /// A limit passed; `wasSent` tells which.
        case timedOut
        /// The connection ended in the middle.
        case disconnected
        /// What came is not HTTP.
        case malformed
        /// The body is larger than allowed.
        case tooLarge
        case cancelled
        /// Any other code of curl.
        case other(UInt32)
    }
    package var cause: Cause
    /// A byte of the request left: it may have taken effect.
    package var wasSent: Bool
    /// For people; names neither the request nor where it went.
    package var text: String
    package init(cause: Cause, wasSent: Bool, text: String) {
        self.cause = cause
        self.wasSent = wasSent
        self.text = text
    }
    package var description: String { text }
}
