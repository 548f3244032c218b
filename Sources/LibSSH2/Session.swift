import CSSH2
import CShims
import Glibc

/// How one call to libssh2 ended: `again` has to be repeated, with the same arguments, once the
/// socket allows.
enum Progress { case done, again }

/// Owns one libssh2 session in non-blocking mode and the socket under it.
///
/// Not `Sendable`: it lives inside one `SSHConnection`.
@safe final class Session {
    private let pointer: OpaquePointer
    private let traffic: UnsafeMutablePointer<matriarch_ssh_traffic>
    let socket: Descriptor

    private static let started: Int32 = libssh2_init(0)

    /// The version of the library that is loaded, as `1.10.0`.
    static var libraryVersion: String {
        guard let text = unsafe libssh2_version(0) else { return "?" }
        return unsafe String(cString: text)
    }

    init(socket: Descriptor) throws(SSHError) {
        let traffic = UnsafeMutablePointer<matriarch_ssh_traffic>.allocate(capacity: 1)
        unsafe traffic.initialize(to: matriarch_ssh_traffic(received: 0))
        guard Self.started == 0, let pointer = unsafe matriarch_ssh_session(traffic) else {
            unsafe traffic.deallocate()
            throw .library(operation: "starting libssh2", code: -6, text: "no session")
        }
        unsafe self.pointer = pointer
        unsafe self.traffic = traffic
        self.socket = socket
        unsafe libssh2_session_set_blocking(pointer, 0)
    }

    deinit {
        // The channels still open are closed by session_free: on a socket that is shut those
        // messages fail at once instead of asking to be called again.
        socket.hangUp()
        var attempts = 0
        while unsafe libssh2_session_free(pointer) == LIBSSH2_ERROR_EAGAIN, attempts < 100 {
            attempts += 1
        }
        unsafe traffic.deallocate()
    }

    /// Bytes received so far.
    var received: UInt64 { unsafe traffic.pointee.received }

    /// The last call left a packet half sent: until the same call has been repeated to its end, no
    /// other call may be made on this session.
    var isBlockedSending: Bool {
        unsafe libssh2_session_block_directions(pointer) & LIBSSH2_SESSION_BLOCK_OUTBOUND != 0
    }

    func progress(_ code: Int, _ operation: String) throws(SSHError) -> Progress {
        if code >= 0 { return .done }
        if code == Int(LIBSSH2_ERROR_EAGAIN) { return .again }
        throw failure(operation, Int32(clamping: code))
    }

    func failure(_ operation: String, _ code: Int32) -> SSHError {
        var text: UnsafeMutablePointer<CChar>?
        var length: Int32 = 0
        let last = unsafe libssh2_session_last_error(pointer, &text, &length, 0)
        let words = unsafe text.map { unsafe String(cString: $0) } ?? ""
        return .library(
            operation: operation, code: code,
            text: last == code && !words.isEmpty ? words : "failed")
    }

    private var lastCode: Int { unsafe Int(libssh2_session_last_errno(pointer)) }

    /// Host key algorithms to ask for, best first.
    func preferHostKeys(_ algorithms: [String]) throws(SSHError) {
        guard !algorithms.isEmpty else { return }
        let list = algorithms.joined(separator: ",")
        let code = unsafe libssh2_session_method_pref(pointer, LIBSSH2_METHOD_HOSTKEY, list)
        _ = try progress(Int(code), "choosing the host key algorithms \(list)")
    }

    func handshake() throws(SSHError) -> Progress {
        try progress(
            Int(unsafe libssh2_session_handshake(pointer, socket.number)), "key exchange")
    }

    /// The server's public host key as the protocol encodes it.
    var hostKey: [UInt8]? {
        var length = 0
        var kind: Int32 = 0
        guard let key = unsafe libssh2_session_hostkey(pointer, &length, &kind) else { return nil }
        return unsafe UnsafeBufferPointer(start: key, count: length).map(UInt8.init(bitPattern:))
    }

    /// The methods that the server would still accept, as `publickey,password`; `nil` means again.
    func acceptedMethods(user: String) throws(SSHError) -> String? {
        let list = unsafe libssh2_userauth_list(pointer, user, UInt32(user.utf8.count))
        if let list = unsafe list { return unsafe String(cString: list) }
        if unsafe libssh2_userauth_authenticated(pointer) != 0 { return "none" }
        switch try progress(lastCode, "asking for the accepted methods") {
        case .again: return nil
        case .done: return ""
        }
    }

    /// - Parameter publicKey: as in a `.pub` file; spares libssh2 one decryption of the private key.
    func authenticate(
        user: String, privateKey: [UInt8], publicKey: String?, passphrase: String?
    ) throws(SSHError) -> Progress {
        let code = unsafe privateKey.withUnsafeBufferPointer { key in
            unsafe key.withMemoryRebound(to: CChar.self) { key in
                unsafe libssh2_userauth_publickey_frommemory(
                    pointer, user, user.utf8.count, publicKey, publicKey?.utf8.count ?? 0,
                    key.baseAddress, key.count, passphrase)
            }
        }
        return try progress(Int(code), "public key")
    }

    /// - Parameter request: collects what has to be signed, and hands over the signature once it is
    ///   there; the call says `again` in between.
    func authenticate(
        user: String, publicKey: [UInt8], signing request: SigningRequest
    ) throws(SSHError) -> Progress {
        var context: UnsafeMutableRawPointer? = unsafe Unmanaged.passUnretained(request).toOpaque()
        let code = unsafe libssh2_userauth_publickey(
            pointer, user, publicKey, publicKey.count,
            { _, signature, length, data, count, context in
                guard let context = unsafe context?.pointee, let data = unsafe data,
                    let signature = unsafe signature, let length = unsafe length
                else { return -1 }
                let request = unsafe Unmanaged<SigningRequest>.fromOpaque(context)
                    .takeUnretainedValue()
                let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
                switch request.answer(bytes) {
                case .pending: return LIBSSH2_ERROR_EAGAIN
                case .refused: return -1
                case .signed(let answer):
                    guard let copy = unsafe malloc(max(1, answer.count)) else { return -1 }
                    unsafe copy.copyMemory(from: answer, byteCount: answer.count)
                    unsafe signature.pointee = copy.assumingMemoryBound(to: UInt8.self)
                    unsafe length.pointee = answer.count
                    return 0
                }
            }, &context)
        return try progress(Int(code), "public key")
    }

    /// Asks the other side for a sign of life.
    func keepAlive() throws(SSHError) {
        unsafe libssh2_keepalive_config(pointer, 1, 2)
        var next: Int32 = 0
        _ = try progress(Int(unsafe libssh2_keepalive_send(pointer, &next)), "keepalive")
    }

    func disconnect() -> Progress {
        let code = unsafe libssh2_session_disconnect_ex(
            pointer, SSH_DISCONNECT_BY_APPLICATION, "done", "")
        return code == LIBSSH2_ERROR_EAGAIN ? .again : .done
    }

    /// A channel that runs a command; `nil` means again.
    func openSession() throws(SSHError) -> Channel? {
        unsafe try opened(
            libssh2_channel_open_ex(pointer, "session", 7, 2 << 20, 32768, nil, 0),
            "opening a channel")
    }

    /// A channel to a TCP port as the server reaches it; `nil` means again.
    func openForward(to host: String, port: UInt16) throws(SSHError) -> Channel? {
        unsafe try opened(
            libssh2_channel_direct_tcpip_ex(pointer, host, Int32(port), "127.0.0.1", 0),
            "connecting to \(host) port \(port) from the server")
    }

    private func opened(_ channel: OpaquePointer?, _ operation: String) throws(SSHError) -> Channel?
    {
        if let channel = unsafe channel { return unsafe Channel(channel, of: self) }
        guard try progress(min(lastCode, -1), operation) == .done else { return nil }
        return nil
    }
}

/// A signature that somebody else makes (the agent), between two calls of libssh2.
final class SigningRequest {
    enum Answer { case pending, refused, signed([UInt8]) }
    private(set) var data: [UInt8]?
    private var signature: [UInt8]?
    private var isRefused = false

    var isPending: Bool { data != nil && signature == nil && !isRefused }
    func sign(_ signature: [UInt8]?) {
        self.signature = signature
        isRefused = signature == nil
    }

    fileprivate func answer(_ data: [UInt8]) -> Answer {
        self.data = data
        if let signature { return .signed(signature) }
        return isRefused ? .refused : .pending
    }
}
