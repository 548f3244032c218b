import CShims
import Glibc
import Synchronization

/// A listening Unix socket on the loop's thread. Its file goes when it is closed.
package final class LocalListener: PollLoopClient {
    private let path: String
    private let accept: @Sendable (Descriptor) -> Void
    private let socket: Mutex<Descriptor?>
    private let anchor: Anchor

    /// Runs code on the loop's thread.
    private actor Anchor {
        nonisolated var unownedExecutor: UnownedSerialExecutor {
            unsafe PollLoop.shared.asUnownedSerialExecutor()
        }
        func add(_ client: LocalListener) { PollLoop.shared.add(client) }
        func remove(_ client: LocalListener) { PollLoop.shared.remove(client) }
    }

    /// - Parameters:
    ///   - path: in a directory that exists; nothing may be there.
    ///   - accept: called on the loop's thread with every new connection; must not block.
    package init(
        path: String, accept: @escaping @Sendable (Descriptor) -> Void
    ) throws(SSHError) {
        let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { throw .fromErrno("socket") }
        let descriptor = Descriptor(owning: number)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .fromErrno("bind \(path)", ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw .fromErrno("bind \(path)") }
        guard listen(number, 128) == 0 else { throw .fromErrno("listen \(path)") }
        self.path = path
        self.accept = accept
        socket = Mutex(descriptor)
        anchor = Anchor()
        Task { await anchor.add(self) }
    }

    /// No more connections from now on.
    package func close() {
        let wasOpen = socket.withLock { socket in
            defer { socket = nil }
            return socket != nil
        }
        guard wasOpen else { return }
        _ = unsafe unlink(path)
        Task { await anchor.remove(self) }
    }

    deinit { if socket.withLock({ $0 != nil }) { _ = unsafe unlink(path) } }

    nonisolated func collect(into polls: PollSet) -> ContinuousClock.Instant? {
        if let socket = socket.withLock({ $0 }) { polls.add(socket.number, Int16(POLLIN)) }
        return nil
    }

    nonisolated func act(on polls: PollSet) {
        guard let socket = socket.withLock({ $0 }) else { return }
        while true {
            let number = Glibc.accept(socket.number, nil, nil)
            if number < 0 { return }
            accept(Descriptor(owning: number))
        }
    }
}
