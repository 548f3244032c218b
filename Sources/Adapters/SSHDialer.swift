import Cluster
import LibSSH2
import SSHConfiguration

/// Opens one connection: finds the address, connects, verifies the host key, logs in.
struct SSHDialer {
    var hop: SSHHop
    var passphrase: Secret?

    /// - Parameter outer: the jump host's connection, when there is one.
    func open(over outer: SSHConnection?) async throws(SSHRefusal) -> SSHConnection {
        let check = SSHHostCheck(hop: hop)
        var shown: [String] = []
        for algorithms in check.attempts {
            let connection = SSHConnection()
            let blob: [UInt8]
            do {
                guard
                    let key = try await agree(connection, on: algorithms, over: outer)
                else {
                    // The server has no key of that kind.
                    await connection.close()
                    continue
                }
                blob = key
            } catch {
                await connection.close()
                throw error
            }
            if let refusal = check.refusal(of: blob) {
                await connection.close()
                guard hop.fingerprint != nil, let key = HostKey(blob: blob) else {
                    throw SSHRefusal(text: refusal)
                }
                shown.append("\(key.type) \(key.fingerprint)")
                continue
            }
            do {
                try await SSHLogin(hop: hop, passphrase: passphrase).logIn(connection)
                return connection
            } catch {
                await connection.close()
                throw error
            }
        }
        guard shown.isEmpty else { throw SSHRefusal(text: check.mismatch(shown: shown)) }
        throw SSHRefusal(text: noCommonKeys)
    }

    private var noCommonKeys: String {
        let rsa =
            SSHLogin.cannotSignRSA
            ? ". An RSA host key alone is not enough for this version: give the server an ed25519 "
                + "host key (ssh-keygen -A there makes what is missing)" : ""
        return "\(hop.title): the server and libssh2 \(SSHConnection.libraryVersion) have no host "
            + "key algorithm, cipher or key exchange in common\(rsa)"
    }

    /// Connects and exchanges keys, again when the server drops us unheard.
    ///
    /// - Returns: the server's key; `nil` when nothing fits both sides.
    private func agree(
        _ connection: SSHConnection, on algorithms: [String], over outer: SSHConnection?
    ) async throws(SSHRefusal) -> [UInt8]? {
        let addresses = outer == nil ? try await addresses() : []
        var wait = Duration.milliseconds(100)
        for attempt in 1... {
            do {
                if let outer {
                    let pair = try Descriptor.Pair()
                    await outer.forward(
                        pair.far, to: hop.settings.hostName, port: hop.settings.port,
                        limit: hop.limit)
                    return try await connection.connect(
                        over: pair.near, hostKeys: algorithms, limit: hop.limit)
                }
                return try await connect(connection, to: addresses, algorithms)
            } catch {
                if Self.hasNothingInCommon(error) { return nil }
                guard Self.droppedUnheard(error), attempt < (outer == nil ? 6 : 3),
                    !Task.isCancelled
                else { throw SSHRefusal(text: explain(error, attempts: attempt, outer != nil)) }
            }
            // sshd's MaxStartups: it serves those that log in now before it takes more.
            try? await ContinuousClock().sleep(for: wait)
            wait *= 2
        }
        return nil
    }

    private func addresses() async throws(SSHRefusal) -> [SocketAddress] {
        let settings = hop.settings
        let family: SocketAddress.Family =
            switch settings.addressFamily {
            case .any: .any
            case .inet: .version4
            case .inet6: .version6
            }
        do {
            let found = try await SocketAddress.resolve(
                settings.hostName, port: settings.port, family: family)
            if !found.isEmpty { return found }
            throw SSHError.system(operation: "resolving", code: 0, text: "no address")
        } catch let error as SSHError {
            guard case .system(_, _, let text) = error else {
                throw SSHRefusal(text: "\(hop.title): \(error)")
            }
            throw SSHRefusal(
                text: "\(hop.title): the name \(settings.hostName) cannot be resolved: \(text). "
                    + "Check the node's address in the manifest, or the name service here")
        } catch {
            throw SSHRefusal(text: "\(hop.title): \(error)")
        }
    }

    private func connect(
        _ connection: SSHConnection, to addresses: [SocketAddress], _ algorithms: [String]
    ) async throws(SSHError) -> [UInt8] {
        var last = SSHError.closed
        for address in addresses {
            do {
                return try await connection.connect(
                    to: address, hostKeys: algorithms, limit: hop.limit)
            } catch {
                last = error
                // Another address helps only when this one could not be reached.
                guard Self.isAboutReaching(error) else { throw error }
            }
        }
        throw last
    }

    private static func isAboutReaching(_ error: SSHError) -> Bool {
        switch error {
        case .system: true
        case .timedOut(let operation): operation == SSHConnection.connecting
        default: false
        }
    }

    private static func hasNothingInCommon(_ error: SSHError) -> Bool {
        // -5: no common method; -33: libssh2 knows none of those asked for.
        if case .library(_, let code, _) = error { code == -5 || code == -33 } else { false }
    }

    /// The server hung up before it said anything.
    private static func droppedUnheard(_ error: SSHError) -> Bool {
        if case .library(_, let code, _) = error {
            [-43, -13, -2, -7].contains(code)
        } else {
            false
        }
    }

    private func explain(_ error: SSHError, attempts: Int, _ isBehindJump: Bool) -> String {
        switch error {
        case .system(_, _, let text):
            return "\(hop.title): cannot connect: \(text). Check that the server is up, that sshd "
                + "listens there and that no firewall is in the way"
        case .timedOut(let operation) where operation == SSHConnection.connecting:
            return "\(hop.title): no answer to the connection within "
                + "\(SSHLogin.seconds(hop.limit)). Check the address, that the server is up and that "
                + "no firewall is in the way"
        case .timedOut:
            return "\(hop.title): the port is open, but no SSH greeting or key came within "
                + "\(SSHLogin.seconds(hop.limit)). Check the port, and sshd on the server (overload, "
                + "MaxStartups)"
        case .library(_, let code, let text) where Self.droppedUnheard(error):
            if isBehindJump {
                return "\(hop.title): the jump host cannot reach it, or it closed the connection "
                    + "before the key exchange. Check that sshd runs on that port and does not "
                    + "refuse the jump host (firewall)"
            }
            return
                "\(hop.title): the server closed the connection before the key exchange, \(attempts) "
                + "times in a row (\(text), libssh2 \(code)). Check that sshd runs on that port and "
                + "does not refuse this address (MaxStartups, firewall)"
        default:
            return "\(hop.title): the connection failed: \(error)"
        }
    }
}
