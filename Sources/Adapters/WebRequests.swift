package import Cluster
package import Effects
import LibCurl
import Synchronization

/// Requests to what runs on the nodes: straight to the node's address where that works, else
/// through its SSH connection.
///
/// A published port is tried directly first, with a short limit, because that costs no SSH login;
/// what worked is remembered for each port. Only a request of which nothing was sent goes the
/// other way: the rest may have taken effect.
package final class WebRequests: WebClient {
    private enum Route { case direct, tunnel }
    private struct Port: Hashable {
        var node: NodeName
        var port: UInt16
    }
    fileprivate struct Content {
        var method: String
        var path: String
        var body: String?
        var isRepeatable: Bool
    }

    private let client: HTTPClient
    private let direct: [NodeName: DirectAccess]
    private let tunnels: any WebTunnels
    private let known = Mutex<[Port: Route]>([:])

    private let firstConnectLimit: Duration
    private static let laterConnectLimit = Duration.seconds(2)

    /// How a node's published ports may be reached without SSH.
    package struct DirectAccess: Sendable {
        /// Where this machine connects to.
        package var address: String
        /// What the node's published ports are called on the node itself, besides the loopback.
        package var ownAddresses: Set<String>
        package init(address: String, ownAddresses: Set<String> = []) {
            self.address = address
            self.ownAddresses = ownAddresses
        }
    }

    /// - Parameters:
    ///   - direct: nodes that may be reached directly. A node behind a jump host must not be among
    ///     them: its address may be somebody else's in this machine's network.
    ///   - firstConnectLimit: for a port never reached yet. Short: where a firewall drops packets,
    ///     it is waited out before the tunnel, which works.
    /// - Throws: when libcurl cannot start.
    package init(
        direct: [NodeName: DirectAccess], tunnels: any WebTunnels,
        firstConnectLimit: Duration = .milliseconds(300)
    ) throws(WebFailure) {
        do throws(HTTPFailure) {
            client = try HTTPClient()
        } catch {
            throw .unreachable(error.text)
        }
        self.direct = direct
        self.tunnels = tunnels
        self.firstConnectLimit = firstConnectLimit
    }

    package func get(
        _ url: WebAddress, limit: Duration
    ) async throws(WebFailure) -> WebAnswer {
        let content = Content(method: "GET", path: url.path, body: nil, isRepeatable: true)
        return try await perform(content, at: url, limit: limit)
    }

    package func query(
        _ query: WebQuery, at place: WebAddress, limit: Duration
    ) async throws(WebFailure) -> WebAnswer {
        let content = Content(
            method: "POST", path: query.path, body: query.body, isRepeatable: true)
        return try await perform(content, at: place, limit: limit)
    }

    package func send(
        _ request: WebRequest, limit: Duration
    ) async throws(WebFailure) -> WebAnswer {
        let content = Content(
            method: request.method.rawValue, path: request.address.path,
            body: request.body?.canonicalText, isRepeatable: request.method == .get)
        return try await perform(content, at: request.address, limit: limit)
    }

    // MARK: The way

    private func perform(
        _ content: Content, at address: WebAddress, limit: Duration
    ) async throws(WebFailure) -> WebAnswer {
        let port = Port(node: address.node, port: address.port)
        let route = known.withLock { $0[port] }
        var refusal: String?
        if let host = directHost(of: address), route != .tunnel {
            let connectLimit = route == .direct ? Self.laterConnectLimit : firstConnectLimit
            do throws(HTTPFailure) {
                let answer = try await client.perform(
                    HTTPRequest(
                        content, host: host, port: address.port, connectLimit: connectLimit,
                        limit: limit))
                known.withLock { $0[port] = .direct }
                return WebAnswer(answer)
            } catch {
                if error.cause == .cancelled || error.wasSent { throw WebFailure(error) }
                // Its server may be gone: the next try is as short as the first.
                known.withLock { $0[port] = nil }
                refusal = error.text
            }
        }
        do throws(WebFailure) {
            let answer = try await performThroughTunnel(content, at: address, limit: limit)
            if refusal != nil { known.withLock { $0[port] = .tunnel } }
            return answer
        } catch {
            guard let refusal else { throw error }
            switch error {
            case .unreachable(let text): throw .unreachable("\(refusal); through SSH: \(text)")
            case .unknownOutcome(let text):
                throw .unknownOutcome("\(refusal); through SSH: \(text)")
            }
        }
    }

    /// The limit begins when the way is there: logging in has a limit of its own.
    private func performThroughTunnel(
        _ content: Content, at address: WebAddress, limit: Duration
    ) async throws(WebFailure) -> WebAnswer {
        let path: String
        do throws(ShellFailure) {
            path = try await tunnels.tunnel(
                to: address.host, port: address.port, on: address.node)
        } catch {
            // The way to this port is open again: SSH may be what fails now.
            known.withLock { $0[Port(node: address.node, port: address.port)] = nil }
            switch error {
            case .unreachable(let text), .unknownOutcome(let text): throw .unreachable(text)
            }
        }
        do throws(HTTPFailure) {
            return WebAnswer(
                try await client.perform(
                    HTTPRequest(
                        content, host: address.host, port: address.port, socket: path,
                        connectLimit: limit, limit: limit)))
        } catch {
            guard error.cause == .disconnected, error.wasSent else { throw WebFailure(error) }
            // The tunnel takes the request before it knows whether anybody listens at its end.
            throw .unknownOutcome("nobody listens there, or the connection was ended")
        }
    }

    /// Where to connect to directly; `nil` where only the node itself can.
    private func directHost(of address: WebAddress) -> String? {
        guard let access = direct[address.node] else { return nil }
        let isPublished =
            ["127.0.0.1", "::1", "localhost", access.address].contains(address.host)
            || access.ownAddresses.contains(address.host)
        return isPublished ? access.address : nil
    }
}

extension HTTPRequest {
    fileprivate init(
        _ content: WebRequests.Content, host: String, port: UInt16, socket: String? = nil,
        connectLimit: Duration, limit: Duration
    ) {
        let name = host.contains(":") ? "[\(host)]" : host
        self.init(
            method: content.method, url: "http://\(name):\(port)\(content.path)",
            body: content.body.map { Array($0.utf8) }, unixSocket: socket,
            connectLimit: min(connectLimit, limit), limit: limit,
            isRepeatable: content.isRepeatable)
    }
}

extension WebAnswer {
    fileprivate init(_ answer: HTTPAnswer) {
        self.init(status: answer.status, body: answer.body, date: answer.date)
    }
}

extension WebFailure {
    fileprivate init(_ failure: HTTPFailure) {
        self = failure.wasSent ? .unknownOutcome(failure.text) : .unreachable(failure.text)
    }
}
