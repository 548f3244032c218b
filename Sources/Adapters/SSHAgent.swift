import CShims
import Glibc
import LibSSH2

/// The user's ssh-agent, spoken to over its socket (draft-miller-ssh-agent).
///
/// Not libssh2's client: that one blocks its thread while a person confirms the use of a key.
struct SSHAgent {
    var path: String

    struct Key {
        /// As the protocol encodes it.
        var publicKey: [UInt8]
        var comment: String
        var type: String { SSHWire.keyType(publicKey) }
    }

    struct Failure: Error { var text: String }

    /// The keys it holds, in its order.
    func keys() async throws(Failure) -> [Key] {
        var answer = SSHWire(try await ask([11], limit: .seconds(5)))
        guard answer.byte() == 12, let count = answer.number() else {
            throw Failure(text: "it refused to list its keys")
        }
        var keys: [Key] = []
        for _ in 0..<min(count, 1000) {
            guard let key = answer.string(), let comment = answer.string() else { break }
            keys.append(Key(publicKey: key, comment: SSHWire.text(comment)))
        }
        return keys
    }

    /// The bare signature of `data`, as libssh2 wants it; `nil` when the agent refuses.
    ///
    /// A person may have to confirm it, so the limit is long.
    func sign(_ data: [UInt8], with publicKey: [UInt8], flags: UInt32) async -> [UInt8]? {
        let request =
            [13] + SSHWire.string(publicKey) + SSHWire.string(data) + SSHWire.number(flags)
        guard let reply = try? await ask(request, limit: .seconds(60)) else { return nil }
        var answer = SSHWire(reply)
        guard answer.byte() == 14, let signature = answer.string() else { return nil }
        var parts = SSHWire(signature)
        _ = parts.string()
        return parts.string()
    }

    private func ask(_ request: [UInt8], limit: Duration) async throws(Failure) -> [UInt8] {
        let path = path
        let answer: Result<[UInt8], Failure> = await BlockingWork.shared.run {
            Result { () throws(Failure) in
                try Self.exchange(SSHWire.string(request), at: path, limit: limit)
            }
        }
        return try answer.get()
    }

    private static func exchange(
        _ request: [UInt8], at path: String, limit: Duration
    ) throws(Failure) -> [UInt8] {
        guard let socket = UnixSocket.connect(to: path) else {
            throw Failure(text: "there is no agent at \(path)")
        }
        defer { close(socket) }
        var wait = timeval(tv_sec: Int(limit.components.seconds), tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &wait, size)
        unsafe setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &wait, size)
        guard unsafe send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count
        else { throw Failure(text: "the agent at \(path) took no request") }
        var received: [UInt8] = []
        while true {
            if received.count >= 4 {
                var wire = SSHWire(received)
                if let answer = wire.string() { return answer }
            }
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            let count = unsafe recv(socket, &buffer, buffer.count, 0)
            guard count > 0, received.count < 1 << 20 else {
                throw Failure(text: "the agent at \(path) gave no answer")
            }
            received += buffer[0..<count]
        }
    }
}

enum UnixSocket {
    /// - Returns: a connected socket; `nil` when nobody listens at `path`.
    static func connect(to path: String) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(O_CLOEXEC), 0)
        guard descriptor >= 0 else { return nil }
        guard unsafe withAddress(of: path, { unsafe Glibc.connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// - Returns: -1 also when the path is too long for a socket.
    static func withAddress(
        of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return -1 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
