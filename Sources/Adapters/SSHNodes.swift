package import Cluster
package import Effects
import Glibc
import LibSSH2
package import RemoteCommands
import SSHConfiguration

/// The nodes over SSH: one connection each, opened when first needed, kept open, opened again after
/// a loss. Jump hosts are connections of the same kind, shared by the nodes behind them.
package actor SSHNodes: NodeShell {
    private let nodes: [NodeName: Node]
    private let user: SSHUser
    private let passphrase: Secret?
    private var open: [[SSHHop]: SSHConnection] = [:]
    /// How long the last login took.
    private var logins: [[SSHHop]: Duration] = [:]
    private var opening: [[SSHHop]: Task<Result<SSHConnection, SSHRefusal>, Never>] = [:]
    /// Connections that take no new work; what still runs on them may end.
    private var retired: [SSHConnection] = []
    private var tunnels: [TunnelKey: SSHTunnel] = [:]
    private var directory: TunnelDirectory?
    private var isShutDown = false

    /// The passphrase of encrypted key files comes from `MATRIARCH_SSH_PASSPHRASE` in the user's
    /// environment.
    package init(_ nodes: [Node], as user: SSHUser = .current()) {
        self.nodes = Dictionary(
            nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.user = user
        passphrase = user.facts.environment[SSHLogin.passphraseVariable].map { Secret($0) }
        // A server that goes away must not end the program.
        _ = signal(SIGPIPE, SIG_IGN)
    }

    package func ask(_ query: Query, on node: NodeName) async throws(ShellFailure) -> CommandResult
    {
        try await run(query.script, on: node)
    }

    package func perform(
        _ command: Command, on node: NodeName
    ) async throws(ShellFailure) -> CommandResult {
        try await run(command.script, on: node)
    }

    /// A local socket whose every connection goes to a TCP port as `node` reaches it. Stays until
    /// `shutdown()`; the same port gives the same socket.
    ///
    /// - Returns: the path of a listening Unix socket in a directory of ours alone, shorter than
    ///   100 bytes. When the far port does not answer, an accepted connection is closed.
    /// - Throws: `.unreachable` when the node cannot be reached.
    package func tunnel(
        to host: String, port: UInt16, on node: NodeName
    ) async throws(ShellFailure) -> String {
        _ = try await connection(to: node)
        let key = TunnelKey(node: node, host: host, port: port)
        if let tunnel = tunnels[key] { return tunnel.path }
        do {
            let directory = try self.directory ?? TunnelDirectory()
            self.directory = directory
            let tunnel = try SSHTunnel(path: directory.nextPath()) { [weak self] local in
                Task { await self?.carry(local, key) }
            }
            tunnels[key] = tunnel
            return tunnel.path
        } catch {
            throw .unreachable("\(node): no tunnel to \(host) port \(port): \(error)")
        }
    }

    /// Closes everything. What still runs ends with `.unknownOutcome`.
    package func shutdown() async {
        isShutDown = true
        for tunnel in tunnels.values { tunnel.close() }
        tunnels = [:]
        directory = nil
        for task in opening.values { task.cancel() }
        // Nodes before the jump hosts that carry them.
        let routes = open.sorted { $0.key.count > $1.key.count }
        open = [:]
        for connection in routes.map(\.value) + retired { await connection.close() }
        retired = []
    }

    private func carry(_ local: Descriptor, _ key: TunnelKey) async {
        guard let connection = try? await connection(to: key.node) else { return }
        await connection.forward(local, to: key.host, port: key.port, limit: .seconds(10))
    }

    private func run(_ script: Script, on name: NodeName) async throws(ShellFailure)
        -> CommandResult
    {
        let answer = try await start(script, on: name) {
            connection, command, input async throws(ExecutionFailure) in
            try await connection.execute(
                command, input: input, limit: script.limit, mark: Self.mark)
        }
        return try result(answer, on: name)
    }

    /// - Throws: `.unreachable` when the login shell ended without the script.
    func result(_ answer: CommandAnswer, on name: NodeName) throws(ShellFailure) -> CommandResult {
        let result = CommandResult(answer)
        guard answer.hasBegun else {
            let ending =
                switch answer.ending {
                case .exited(let code): "exit status \(code)"
                case .signalled(let name): "signal \(name)"
                }
            let said = String(startOf: result.output + result.errors, limit: 1000)
                .split(whereSeparator: \.isNewline).joined(separator: " ")
            throw .unreachable(
                "\(name): the login shell ended (\(ending)) before it started the command"
                    + (said.isEmpty ? "" : ": \(said)")
                    + ". Give the user a shell there that runs commands, and start-up files "
                    + "(~/.bashrc, …) that do not end it")
        }
        return result
    }

    func start<Answer: Sendable>(
        _ script: Script, on name: NodeName,
        _ body: (SSHConnection, String, [UInt8]) async throws(ExecutionFailure) -> Answer
    ) async throws(ShellFailure) -> Answer {
        let command = try commandLine(script, on: name)
        let input: [UInt8] =
            switch script.input {
            case .none: []
            case .plain(let text): Array(text.utf8)
            case .sensitive(let secret): Array(secret.reveal().utf8)
            }
        // A connection that was lost while idle shows it only when used.
        for isLast in [false, true] {
            let connection = try await connection(to: name)
            do {
                return try await body(connection, command, input)
            } catch {
                if !error.mayHaveStarted && error.error.isLoss && !isLast && !isShutDown {
                    continue
                }
                throw failure(error, script, on: name)
            }
        }
        throw .unreachable("\(name): the connection was lost twice before the command was started")
    }

    /// Start-up files of a login shell write to our streams too (sshd has bash read ~/.bashrc), and
    /// would be taken for answers.
    static let mark = "matriarch-begins"

    private func commandLine(_ script: Script, on name: NodeName) throws(ShellFailure) -> String {
        guard let node = nodes[name] else {
            throw .unreachable("\(name): the manifest has no such node")
        }
        let shell = node.ssh.sudo ? "sudo -n sh -c " : "sh -c "
        let command =
            shell + ShellWord.quoted("echo \(Self.mark); echo \(Self.mark) >&2\n" + script.text)
        // One packet carries it, and libssh2 has room for 35,000 bytes.
        guard command.utf8.count <= 32_000 else {
            throw .unreachable(
                "\(name): the script is too long to be started (\(command.utf8.count) bytes)")
        }
        return command
    }

    private func failure(
        _ failure: ExecutionFailure, _ script: Script, on name: NodeName
    ) -> ShellFailure {
        let limit = SSHLogin.seconds(script.limit)
        if failure.mayHaveStarted {
            let what =
                switch failure.error {
                case .timedOut: "the command gave no answer within \(limit)"
                case .cancelled: "the command was cancelled while it ran"
                case .tooMuchOutput(let most):
                    "the command wrote more than \(most >> 20) MiB, and was not read further"
                case .library(_, let code, _) where [-7, -13, -43].contains(code):
                    "the connection was lost while the command ran: the server hung up"
                default: "the connection was lost while the command ran: \(failure.error)"
                }
            return .unknownOutcome("\(name): \(what)")
        }
        let what =
            switch failure.error {
            case .timedOut: "the command was not started within \(limit)"
            case .cancelled: "the command was cancelled before it was started"
            default: "the command was not started: \(failure.error)"
            }
        return .unreachable("\(name): \(what)")
    }

    // MARK: Connections

    private func connection(to name: NodeName) async throws(ShellFailure) -> SSHConnection {
        guard let node = nodes[name] else {
            throw .unreachable("\(name): the manifest has no such node")
        }
        do {
            let route = try user.route(to: node)
            return try await connection(along: route, usesSudo: node.ssh.sudo)
        } catch {
            throw .unreachable(error.text)
        }
    }

    private func connection(
        along route: [SSHHop], usesSudo: Bool
    ) async throws(SSHRefusal) -> SSHConnection {
        while true {
            if isShutDown { throw SSHRefusal(text: "\(route.last?.label ?? ""): shutting down") }
            if let task = opening[route] { return try await task.value.get() }
            guard let connection = open[route] else { break }
            if await connection.isUsable { return connection }
            // Somebody else may have replaced it meanwhile.
            if open[route] === connection {
                open[route] = nil
                retired.append(connection)
            }
        }
        let begin = ContinuousClock.now
        let task = Task { () async -> Result<SSHConnection, SSHRefusal> in
            do throws(SSHRefusal) {
                let connection = try await self.dial(route)
                if usesSudo, let hop = route.last { try await Self.checkSudo(connection, hop) }
                return .success(connection)
            } catch {
                return .failure(error)
            }
        }
        opening[route] = task
        let result = await task.value
        opening[route] = nil
        guard case .success(let connection) = result, !isShutDown else {
            if case .success(let connection) = result { await connection.close() }
            return try result.get()
        }
        open[route] = connection
        logins[route] = begin.duration(to: .now)
        return connection
    }

    private func dial(_ route: [SSHHop]) async throws(SSHRefusal) -> SSHConnection {
        guard var hop = route.last else { throw SSHRefusal(text: "there is no way to the node") }
        if let login = logins[route] { hop.limit = hop.limit(afterLoginOf: login) }
        let outer =
            route.count > 1
            ? try await connection(along: Array(route.dropLast()), usesSudo: false) : nil
        return try await SSHDialer(hop: hop, passphrase: passphrase).open(over: outer)
    }

    /// Once a connection, so that every later failure is the command's own.
    private static func checkSudo(
        _ connection: SSHConnection, _ hop: SSHHop
    ) async throws(SSHRefusal) {
        do {
            let answer = try await connection.execute("sudo -n true", limit: hop.limit)
            if answer.ending == .exited(0) { return }
            await connection.close()
            let words =
                String(startOf: answer.errors, limit: 200)
                .split(separator: "\n").first.map(String.init) ?? "sudo failed"
            let rule =
                words.contains("tty")
                ? "Defaults:\(hop.settings.user) !requiretty"
                : "\(hop.settings.user) ALL=(ALL) NOPASSWD: ALL"
            throw SSHRefusal(
                text:
                    "\(hop.title): sudo without a password does not work: \(words). Allow it there "
                    + "(\(rule)), or log in as root")
        } catch let refusal as SSHRefusal {
            throw refusal
        } catch {
            throw SSHRefusal(text: "\(hop.title): sudo could not be tried: \(error)")
        }
    }
}

private struct TunnelKey: Hashable {
    var node: NodeName
    var host: String
    var port: UInt16
}

extension CommandResult {
    init(_ answer: CommandAnswer) {
        let status: ExitStatus =
            switch answer.ending {
            case .exited(let code): .exited(code)
            case .signalled(let name): .signalled(name)
            }
        self.init(status: status, output: answer.output, errors: answer.errors)
    }
}
