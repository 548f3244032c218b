import Foundation
import Glibc

@testable import RemoteCommands

/// A script that runs beside the test with its input kept open, as a held command has it.
///
/// Not Foundation's `Process`: that one waits for the children of its child too, and lets it
/// inherit the signals that threads of a test block.
final class HeldProcess {
    let id: pid_t
    private let input: Int32
    private let output: Int32
    private let errors: Int32
    private var closed: Set<Int32> = []
    private var status: Int32?

    init(_ script: Script, _ shell: Shell = Shell(arguments: ["/bin/sh"])) throws {
        let (inputEnd, input) = try Self.pipe()
        let (output, outputEnd) = try Self.pipe()
        let (errors, errorsEnd) = try Self.pipe()
        (self.input, self.output, self.errors) = (input, output, errors)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, end) in [inputEnd, outputEnd, errorsEnd].enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let command = shell.arguments + ["-c", script.text]
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        // Bash takes a socket for a login from afar, unless it is inside of another shell.
        var settings = unsafe [unsafe strdup("PATH=/usr/bin:/bin"), unsafe strdup("SHLVL=5"), nil]
        defer { unsafe (arguments + settings).forEach { unsafe free($0) } }
        var id: pid_t = 0
        let code = unsafe posix_spawn(&id, command[0], &actions, &attributes, &arguments, &settings)
        self.id = id
        for end in [inputEnd, outputEnd, errorsEnd] { close(end) }
        guard code == 0 else { throw POSIXError(.ENOENT) }
        // One that is refused may be gone before it reads.
        if case .plain(let text) = script.input { try? say(text) }
    }

    deinit { for end in [input, output, errors] where !closed.contains(end) { close(end) } }

    /// Two ends that no child of a test beside this one inherits, not even for a moment.
    private static func pipe() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw POSIXError(.EMFILE) }
        return (ends[0], ends[1])
    }

    private func say(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw POSIXError(.EPIPE) }
            bytes = bytes.dropFirst(count)
        }
    }

    private func read(_ end: Int32) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe Glibc.read(end, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            return Array(chunk.prefix(max(0, count)))
        }
    }

    func beat() throws { try say("\n") }

    /// Waits for the first output; empty when it ended without.
    func firstOutput() -> String { String(decoding: read(output), as: UTF8.self) }

    func complaint() -> String {
        var all: [UInt8] = []
        while true {
            let more = read(errors)
            if more.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += more
        }
    }

    /// Whoever reads what it says goes away.
    func stopListening() {
        close(output)
        close(errors)
        closed.formUnion([output, errors])
    }

    /// Ends its input and waits.
    func end() -> Int32 {
        if closed.insert(input).inserted { close(input) }
        return wait()
    }

    /// - Returns: the exit status, or minus the signal.
    @discardableResult
    func wait() -> Int32 {
        if let status { return status }
        var status: Int32 = 0
        while unsafe waitpid(id, &status, 0) < 0 && errno == EINTR {}
        let result = status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
        self.status = result
        return result
    }

    /// Neither waited for nor ended.
    var isRunning: Bool {
        let text = (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)) ?? ""
        return status == nil && text.split(separator: ")").last?.hasPrefix(" Z") == false
    }
}
