import Foundation
import Synchronization

/// A way through to a local port that can be cut, with or without a word to either side.
package final class Relay: Sendable {
    private let listener: TCPListener
    private let target: UInt16
    private struct State {
        var isFrozen = false
        /// How many more bytes pass towards the target before nothing does.
        var allowance = Int.max
        var sockets: [Int32] = []
    }
    private let state = Mutex(State())
    /// Where it listens.
    package var port: UInt16 { listener.port }

    package init(to target: UInt16) throws {
        listener = try TCPListener()
        self.target = target
        let thread = Thread { [self] in accept() }
        thread.start()
    }

    /// From now on nothing passes, and neither side is told: a machine that lost its power.
    package func freeze() { state.withLock { $0.isFrozen = true } }

    /// So many bytes more pass towards the target, then none, and neither side is told.
    package func freeze(after bytes: Int) { state.withLock { $0.allowance = bytes } }

    /// Both sides are told.
    package func cut() {
        state.withLock { state in
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    private func accept() {
        while true {
            let near = Glibc.accept(listener.number, nil, nil)
            guard near >= 0 else { return }
            guard let far = try? connectTo(target) else {
                close(near)
                continue
            }
            state.withLock { $0.sockets += [near, far] }
            Thread { [self] in pass(near, far, isForward: true) }.start()
            Thread { [self] in pass(far, near, isForward: false) }.start()
        }
    }

    private func pass(_ from: Int32, _ to: Int32, isForward: Bool) {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe read(from, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            // Sockets stay open to the end of the test: a closed one would be a word.
            let passes = state.withLock { state in
                if isForward { state.allowance -= max(count, 0) }
                return !state.isFrozen && state.allowance >= 0
            }
            guard passes else { return }
            guard count > 0 else {
                shutdown(to, Int32(SHUT_WR))
                return
            }
            var bytes = chunk[..<count]
            while !bytes.isEmpty {
                let sent = unsafe bytes.withUnsafeBytes {
                    unsafe send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { return }
                bytes = bytes.dropFirst(sent)
            }
        }
    }
}

private func connectTo(_ port: UInt16) throws -> Int32 {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard code == 0 else { throw CommandFailed(text: "nobody listens on port \(port)") }
    return number
}
