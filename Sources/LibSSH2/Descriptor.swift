import CShims
import Glibc

/// Owns one non-blocking file descriptor, closed when the last reference goes.
package final class Descriptor: Sendable {
    let number: Int32

    init(owning number: Int32) {
        self.number = number
        let flags = fcntl(number, F_GETFL)
        _ = fcntl(number, F_SETFL, flags | O_NONBLOCK)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    }

    deinit { _ = Glibc.close(number) }

    struct Pipe {
        var reader: Descriptor
        var writer: Descriptor
    }

    static func pipe() -> Pipe? {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { return nil }
        return Pipe(reader: Descriptor(owning: ends[0]), writer: Descriptor(owning: ends[1]))
    }

    /// Two ends of a local stream: what one writes the other reads.
    package struct Pair: Sendable {
        package var near: Descriptor
        package var far: Descriptor
        package init() throws(SSHError) {
            var ends: [Int32] = [-1, -1]
            let kind = Int32(SOCK_STREAM.rawValue)
            guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
                throw .fromErrno("socketpair")
            }
            near = Descriptor(owning: ends[0])
            far = Descriptor(owning: ends[1])
        }
    }

    /// Makes the other end of a pipe readable.
    func poke() {
        var byte: UInt8 = 1
        _ = unsafe Glibc.write(number, &byte, 1)
    }

    func drain() {
        unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            while unsafe Glibc.read(number, buffer.baseAddress, buffer.count) > 0 {}
        }
    }

    enum Transfer: Equatable {
        case moved(Int)
        case wouldBlock
        case ended
        case failed(Int32)
    }

    /// Appends what is there, up to `most` bytes.
    func read(appendingTo bytes: inout [UInt8], atMost most: Int) -> Transfer {
        unsafe withUnsafeTemporaryAllocation(byteCount: most, alignment: 1) { buffer in
            let count = unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
            if count > 0 {
                unsafe bytes.append(contentsOf: buffer[0..<count])
                return .moved(count)
            }
            return count == 0 ? .ended : Self.failure()
        }
    }

    /// Sends a part of `bytes`; never raises SIGPIPE.
    func send(_ bytes: ArraySlice<UInt8>) -> Transfer {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        return count >= 0 ? .moved(count) : Self.failure()
    }

    func endWriting() { _ = Glibc.shutdown(number, Int32(SHUT_WR)) }
    func hangUp() { _ = Glibc.shutdown(number, Int32(SHUT_RDWR)) }

    /// What was written and is not with the other side yet never gets there: nothing is to happen
    /// there after we took the connection for lost.
    func forgetUnsent() {
        var now = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(
            number, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    private static func failure() -> Transfer {
        errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? .wouldBlock : .failed(errno)
    }
}

extension SSHError {
    static func fromErrno(_ operation: String, _ code: Int32 = errno) -> SSHError {
        .system(operation: operation, code: code, text: describe(errno: code))
    }
}

func describe(errno code: Int32) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let base = buffer.baseAddress else { return "error \(code)" }
        unsafe matriarch_describe_errno(code, base, buffer.count)
        return unsafe String(cString: base)
    }
}
