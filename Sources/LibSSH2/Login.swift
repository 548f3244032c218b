import Glibc

/// What proves who we are.
package enum Credential: Sendable {
    /// The text of a private key file. `publicKey` as in a `.pub` file, when it is known.
    case privateKey([UInt8], publicKey: String?, passphrase: String?)
    /// A public key as the protocol encodes it, and who signs with the private one. `nil` refuses.
    case signer(publicKey: [UInt8], sign: @Sendable ([UInt8]) async -> [UInt8]?)
}

extension SSHConnection {
    /// The version of libssh2 that is loaded.
    package static var libraryVersion: String { Session.libraryVersion }

    /// Connects and agrees on keys. Nothing is trusted yet: the caller judges the host key.
    ///
    /// - Returns: the server's public key as the protocol encodes it.
    /// - Parameters:
    ///   - hostKeys: algorithms of host keys to ask for, best first; empty leaves it to libssh2.
    ///   - limit: for the connection, and again for the exchange of keys.
    package func connect(
        to address: SocketAddress, hostKeys: [String], limit: Duration
    ) async throws(SSHError) -> [UInt8] {
        let socket = try address.startConnecting()
        try await perform(
            Self.connecting, on: socket, by: .now + limit, waitingFor: POLLOUT
        ) { () throws(SSHError) in
            try socket.connecting() == .done ? .done : .again
        }
        return try await connect(over: socket, hostKeys: hostKeys, limit: limit)
    }

    /// The operation of the errors of a TCP connection that was not made.
    package static let connecting = "connect"

    /// As `connect(to:)`, over a stream that is there already: a jump host's.
    package func connect(
        over socket: Descriptor, hostKeys: [String], limit: Duration
    ) async throws(SSHError) -> [UInt8] {
        let session = try Session(socket: socket)
        try session.preferHostKeys(hostKeys)
        adopt(session)
        try await perform("key exchange", on: socket, by: .now + limit) { () throws(SSHError) in
            try session.handshake()
        }
        guard let key = session.hostKey else {
            throw .library(operation: "key exchange", code: -10, text: "no host key")
        }
        return key
    }

    /// Proves who we are. On success the connection is ready for channels; after a refusal another
    /// credential can be tried.
    package func authenticate(
        user: String, with credential: Credential, limit: Duration
    ) async throws(SSHError) {
        guard let session else { throw .closed }
        let deadline = ContinuousClock.now + limit
        switch credential {
        case .privateKey(let key, let publicKey, let passphrase?):
            // Deriving a key from a passphrase takes 100 ms of computing.
            try await repeatOffLoop(session, by: deadline) { session throws(SSHError) in
                try session.authenticate(
                    user: user, privateKey: key, publicKey: publicKey, passphrase: passphrase)
            }
        case .privateKey(let key, let publicKey, nil):
            try await perform("log in", on: session.socket, by: deadline) { () throws(SSHError) in
                try session.authenticate(
                    user: user, privateKey: key, publicKey: publicKey, passphrase: nil)
            }
        case .signer(let publicKey, let sign):
            let request = SigningRequest()
            while true {
                var isDone = false
                try await perform("log in", on: session.socket, by: deadline) {
                    () throws(SSHError) in
                    isDone =
                        try session.authenticate(user: user, publicKey: publicKey, signing: request)
                        == .done
                    return isDone || request.isPending ? .done : .again
                }
                if isDone { break }
                request.sign(await sign(request.data ?? []))
            }
        }
        setReady()
    }

    /// The methods that the server would still accept: `publickey,password`; `nil` when it does not
    /// say.
    package func acceptedMethods(user: String, limit: Duration) async -> String? {
        guard let session else { return nil }
        var methods: String?
        try? await perform("log in", on: session.socket, by: .now + limit) { () throws(SSHError) in
            methods = try session.acceptedMethods(user: user)
            return methods == nil ? .again : .done
        }
        return methods
    }

    private func repeatOffLoop(
        _ session: Session, by deadline: ContinuousClock.Instant,
        _ call: @escaping @Sendable (Session) throws(SSHError) -> Progress
    ) async throws(SSHError) {
        // Nothing else touches the session meanwhile: it has no channels yet, and the actor waits.
        nonisolated(unsafe) let lent = session
        while true {
            let result: Result<Progress, SSHError> = await BlockingWork.shared.run {
                Result { () throws(SSHError) in try unsafe call(lent) }
            }
            if try result.get() == .done { return }
            var isFirst = true
            try await perform("log in", on: session.socket, by: deadline) {
                defer { isFirst = false }
                return isFirst ? .again : .done
            }
        }
    }
}
