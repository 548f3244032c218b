import CSSH2
import Glibc

/// Owns one libssh2 channel. `free` gives it back; a channel that was not freed goes with its
/// session.
@safe final class Channel {
    private let pointer: OpaquePointer
    /// The connection lets go of its channels before it lets go of the session.
    private unowned let session: Session

    init(_ pointer: OpaquePointer, of session: Session) {
        unsafe self.pointer = pointer
        self.session = session
    }

    enum Stream: Int32 { case output = 0, errors = 1 }
    enum Reading { case read(Int), nothing, again }

    func start(_ command: String) throws(SSHError) -> Progress {
        let code = unsafe libssh2_channel_process_startup(
            pointer, "exec", 4, command, UInt32(command.utf8.count))
        return try session.progress(Int(code), "starting the command")
    }

    /// Appends what has arrived on `stream`, up to 64 KiB.
    func read(_ stream: Stream, appendingTo bytes: inout [UInt8]) throws(SSHError) -> Reading {
        let count = unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) {
            buffer in
            let room = unsafe buffer.bindMemory(to: CChar.self)
            let count = unsafe libssh2_channel_read_ex(
                pointer, stream.rawValue, room.baseAddress, room.count)
            if count > 0 { unsafe bytes.append(contentsOf: buffer[0..<count]) }
            return count
        }
        switch try session.progress(count, "reading") {
        case .again: return .again
        case .done: return count > 0 ? .read(count) : .nothing
        }
    }

    /// - Returns: how many bytes were taken; `nil` means again, with the same slice.
    func write(_ bytes: ArraySlice<UInt8>) throws(SSHError) -> Int? {
        let count = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { buffer in
                unsafe libssh2_channel_write_ex(pointer, 0, buffer.baseAddress, buffer.count)
            }
        }
        switch try session.progress(count, "writing") {
        case .again: return nil
        case .done: return count
        }
    }

    func sendEnd() throws(SSHError) -> Progress {
        try session.progress(Int(unsafe libssh2_channel_send_eof(pointer)), "ending the input")
    }

    /// The other side sends nothing more, and all it sent has been read.
    var hasEnded: Bool { unsafe libssh2_channel_eof(pointer) == 1 }

    /// Only once it `hasEnded`: waits for the other side to close, which follows the exit status.
    func waitClosed() throws(SSHError) -> Progress {
        try session.progress(
            Int(unsafe libssh2_channel_wait_closed(pointer)), "waiting for the end")
    }

    func close() throws(SSHError) -> Progress {
        try session.progress(Int(unsafe libssh2_channel_close(pointer)), "closing a channel")
    }

    /// Nothing else may be called after it is done.
    func free() throws(SSHError) -> Progress {
        try session.progress(Int(unsafe libssh2_channel_free(pointer)), "freeing a channel")
    }

    /// How the command ended. A killed one has exit status 0 in libssh2, so the signal goes first.
    var ending: CommandEnding {
        var name: UnsafeMutablePointer<CChar>?
        var length = 0
        let code = unsafe libssh2_channel_get_exit_signal(
            pointer, &name, &length, nil, nil, nil, nil)
        if code == 0, let text = unsafe name {
            defer { unsafe session.release(text) }
            return unsafe .signalled(String(cString: text))
        }
        return .exited(unsafe libssh2_channel_get_exit_status(pointer))
    }
}

extension Session {
    fileprivate func release(_ memory: UnsafeMutablePointer<CChar>) {
        // Sessions are made with the C library's allocator.
        unsafe Glibc.free(memory)
    }
}

/// How a remote command ended.
package enum CommandEnding: Equatable, Sendable {
    case exited(Int32)
    /// `TERM`, `KILL`, … without `SIG`.
    case signalled(String)
}
