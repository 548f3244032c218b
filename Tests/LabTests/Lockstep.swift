import CLockstep
import Foundation
import Glibc

/// The reading end of a pipe that holds one write, so that a child cannot run ahead of who reads it:
/// while a line is looked at, the child comes as far as its next line and waits there.
///
/// A fault is staged between two lines, then, and not some time after the first.
final class Lockstep: @unchecked Sendable {
    // Safe: `text` is behind the lock; the rest does not change after `init`.
    private let reading: Int32
    private let peeking: (read: Int32, write: Int32)
    private let look: @Sendable (String) -> Void
    private let lock = NSLock()
    private var text = ""
    private let ended = DispatchSemaphore(value: 0)
    /// What the child gets as its standard error; closed here once it runs.
    let writing: FileHandle

    /// - Parameter look: called with every line in turn, on a thread of its own.
    init(_ look: @escaping @Sendable (String) -> Void) throws {
        self.look = look
        var ends: [Int32] = [0, 0]
        var copies: [Int32] = [0, 0]
        guard unsafe lockstep_pipe(&ends) == 0, unsafe Glibc.pipe(&copies) == 0 else {
            throw LabFailure("no pipe for a lockstep: errno \(errno)")
        }
        reading = ends[0]
        peeking = (copies[0], copies[1])
        for descriptor in copies { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        writing = FileHandle(fileDescriptor: ends[1], closeOnDealloc: false)
    }

    func start() {
        try? writing.close()
        Thread { self.follow() }.start()
    }

    /// Everything read so far.
    var errors: String { lock.withLock { text } }

    func waitForEnd() {
        ended.wait()
        ended.signal()
    }

    private func follow() {
        while lockstep_copy(reading, peeking.write) > 0 {
            let said = Self.read(peeking.read)
            lock.withLock { text += said }
            for line in said.split(separator: "\n") { look(String(line)) }
            _ = Self.read(reading)
        }
        for descriptor in [reading, peeking.read, peeking.write] { close(descriptor) }
        ended.signal()
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
