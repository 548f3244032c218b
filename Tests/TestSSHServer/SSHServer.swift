package import Adapters
package import Cluster
package import Foundation
import SSHConfiguration
import Synchronization

/// A real sshd on a loopback port, with keys and configuration of its own in a directory of its own.
package final class SSHServer: Sendable {
    package static let program = "/usr/sbin/sshd"
    /// For the trait of suites that need one.
    package static var isHere: Bool {
        FileManager.default.isExecutableFile(atPath: program) && getuid() == 0
    }
    /// Why a suite is passed over.
    package static let isMissing = "needs \(program) (openssh-server) and root"

    /// Its keys and configuration.
    package let place: Scratch
    /// On the loopback addresses.
    package let port: UInt16
    private let process: Running
    /// Of the process that listens; each connection is a child of it.
    package var id: pid_t { process.id }

    /// - Parameter options: lines of sshd_config, which win over ours.
    package init(_ options: [String] = [], hostKeys: [String] = ["ed25519"]) throws {
        place = try Scratch()
        port = try freePort()
        for kind in hostKeys { try place.makeKey("host_\(kind)", kind) }
        try place.makeKey("id_ed25519", "ed25519")
        try place.append("authorized_keys", place.text("id_ed25519.pub"))
        let path = place.path
        let lines =
            options + [
                "Port \(port)", "ListenAddress 127.0.0.1", "ListenAddress ::1",
                "PidFile none", "UsePAM no", "StrictModes no", "LogLevel ERROR",
                "AuthorizedKeysFile \(place.path)/authorized_keys", "PasswordAuthentication no",
                "KbdInteractiveAuthentication no", "PermitRootLogin yes",
            ] + hostKeys.map { "HostKey \(path)/host_\($0)" }
        try place.write("sshd_config", lines.joined(separator: "\n") + "\n")
        try FileManager.default.createDirectory(
            atPath: "/run/sshd", withIntermediateDirectories: true)
        process = try Running(
            [Self.program, "-D", "-e", "-f", "\(place.path)/sshd_config"],
            output: "\(place.path)/sshd.log")
        try waitUntilListening(port)
        for kind in hostKeys {
            try place.append("known_hosts", "[127.0.0.1]:\(port) \(place.text("host_\(kind).pub"))")
        }
    }

    deinit { process.stop() }

    /// The server as a node of a manifest, trusted and with the key it takes.
    package func node(_ name: NodeName = "one", _ change: (inout SSHSettings) -> Void = { _ in })
        -> Node
    {
        var ssh = SSHSettings(
            user: "root", port: port, identities: ["\(place.path)/id_ed25519"],
            knownHosts: "\(place.path)/known_hosts", connectTimeout: .seconds(20))
        change(&ssh)
        return Node(name: name, address: "127.0.0.1", ssh: ssh)
    }

    /// A user with no files but those of the server's directory.
    package func user(_ environment: [String: String] = [:]) -> SSHUser { place.user(environment) }
}

/// A directory that goes with its owner.
package final class Scratch: Sendable {
    /// Absolute.
    package let path: String

    package init() throws {
        path = "/tmp/matriarch-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A user with no files but those of the directory.
    package func user(_ environment: [String: String] = [:]) -> SSHUser {
        SSHUser(
            facts: LocalFacts(
                userName: "root", userID: 0, home: path, hostName: "here", environment: environment),
            userFile: "\(path)/config", systemFile: "\(path)/system_config")
    }

    /// A file's text; empty where there is none.
    package func text(_ name: String) -> String {
        (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? ""
    }

    /// Writes a file.
    package func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
    }

    /// Adds to a file.
    package func append(_ name: String, _ more: String) throws {
        try write(name, text(name) + more)
    }

    /// Makes a key pair with ssh-keygen.
    package func makeKey(_ name: String, _ kind: String, passphrase: String = "") throws {
        try run([
            "/usr/bin/ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test \(kind)", "-f",
            "\(path)/\(name)",
        ])
    }

    /// As `ssh-keygen -lf` says.
    package func fingerprint(_ name: String) throws -> String {
        let line = try run(["/usr/bin/ssh-keygen", "-lf", "\(path)/\(name)"])
        return String(line.split(separator: " ")[1])
    }
}

/// A command that a test rests on ended badly.
package struct CommandFailed: Error {
    /// What it said.
    package var text: String
    package init(text: String) { self.text = text }
}

/// A program that runs beside the test. Not Foundation's: its waiting needs run loops that threads
/// of a test do not have.
package final class Running: Sendable {
    /// Its process id.
    package let id: pid_t

    /// - Parameter output: where its output and errors go.
    package init(_ command: [String], environment: [String: String]? = nil, output: String) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Threads of the test block signals, which a child would inherit.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let variables = environment ?? ProcessInfo.processInfo.environment
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        var settings = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (arguments + settings).forEach { unsafe free($0) } }
        var id: pid_t = 0
        let code = unsafe posix_spawn(&id, command[0], &actions, &attributes, &arguments, &settings)
        guard code == 0 else { throw CommandFailed(text: "\(command): error \(code)") }
        self.id = id
    }

    /// - Returns: the exit status, or minus the signal.
    @discardableResult
    package func wait() -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(id, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
    }

    /// Ends it and waits for that.
    package func stop() {
        kill(id, SIGTERM)
        wait()
    }
}

/// Runs a command to its end.
///
/// - Returns: its output and errors.
@discardableResult
package func run(_ command: [String], environment: [String: String]? = nil) throws -> String {
    let output = "/tmp/matriarch-test-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: output) }
    let status = try Running(command, environment: environment, output: output).wait()
    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
    guard status == 0 else { throw CommandFailed(text: "\(command): status \(status): \(text)") }
    return text
}

/// A listening TCP socket on a loopback port that the system chose.
package final class TCPListener: Sendable {
    /// Its descriptor.
    package let number: Int32
    /// Where it listens.
    package let port: UInt16

    /// - Parameter port: 0: one that the system chooses.
    package init(port wanted: UInt16 = 0) throws {
        number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = wanted.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = number
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard unsafe bind(descriptor, pointer, length) == 0 else { return false }
                return unsafe getsockname(descriptor, pointer, &length) == 0
            }
        }
        guard bound, listen(number, 16) == 0 else { throw CommandFailed(text: "no port") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(number) }
}

/// A loopback port that nobody listens on, and nobody else here is given: each one once, and below
/// those that the system gives to clients and to listeners that leave it the choice.
package func freePort() throws -> UInt16 {
    for _ in 0..<10_000 {
        let port = nextPort.withLock { next in
            next = next >= 31_999 ? 12_000 : next + 1
            return next
        }
        if (try? TCPListener(port: port)) != nil { return port }
    }
    throw CommandFailed(text: "no free port")
}

private let nextPort = Mutex(UInt16.random(in: 12_000..<32_000))

/// Connects until somebody answers; a dead server shows as a failed connect for ever, so there is a
/// bound.
package func waitUntilListening(_ port: UInt16) throws {
    for _ in 0..<2000 {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(number) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code == 0 { return }
        usleep(5000)
    }
    throw CommandFailed(text: "nobody listens on port \(port)")
}
