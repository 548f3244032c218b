package import Cluster
import Dispatch

/// The values of a manifest's secrets, with what the user should know about their sources.
package struct ResolvedSecrets: Sendable {
    package var secrets: Secrets
    /// One sentence each.
    package var warnings: [String]
}

/// Secrets that could not be resolved: every problem, ordered by the secrets' names. Never a value.
package struct SecretsFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// Names the secret, what was found, and what to do.
    package struct Problem: Equatable, Sendable, CustomStringConvertible {
        package var secret: SecretName
        package var found: String
        package var advice: String
        package var description: String { "secret \(secret): \(found); \(advice)" }
    }
    package var problems: [Problem]
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Finds the values of secrets in the environment, in files and in the output of commands.
package struct SecretResolver: Sendable {
    /// The manifest's folder: relative paths begin there, and commands run there.
    private let folder: String
    private let environment: [String: String]
    private let commandLimit: Duration

    /// A larger secret is a mistake: somebody named the wrong file.
    static let mostBytes = 64 << 10

    package init(
        folder: String, environment: [String: String], commandLimit: Duration = .seconds(30)
    ) {
        self.folder = folder
        self.environment = environment
        self.commandLimit = commandLimit
    }

    /// Looks at every source, the commands side by side.
    package func resolve(
        _ sources: [SecretName: SecretSource]
    ) async throws(SecretsFailure) -> ResolvedSecrets {
        let outcome = await withCheckedContinuation { continuation in
            // Files and commands block, which Swift's few threads must not.
            DispatchQueue.global().async { continuation.resume(returning: look(at: sources)) }
        }
        return try outcome.get()
    }

    private func look(
        at sources: [SecretName: SecretSource]
    ) -> Result<ResolvedSecrets, SecretsFailure> {
        var values: [SecretName: Secret] = [:]
        var warnings: [String] = []
        var problems: [SecretsFailure.Problem] = []
        let names = sources.keys.sorted()
        let commands = names.compactMap { name -> ([String])? in
            if case .command(let arguments) = sources[name] { arguments } else { nil }
        }
        let outputs = CommandOutputs.run(
            commands, in: folder, environment: environment, limit: commandLimit,
            outputLimit: Self.mostBytes)
        for name in names {
            let found: Result<[UInt8], SourceProblem>
            switch sources[name] {
            case .environment(let variable): found = read(variable: variable)
            case .file(let path):
                let file = SecretFile.read(path, in: folder, limit: Self.mostBytes)
                if let warning = file.warning { warnings.append("secret \(name): \(warning)") }
                found = file.content
            case .command(let arguments): found = outputs[arguments] ?? .failure(.notRun)
            case nil: continue
            }
            do throws(SourceProblem) {
                values[name] = try Self.value(of: found.get(), from: sources[name])
            } catch {
                problems.append(
                    SecretsFailure.Problem(
                        secret: name, found: error.found, advice: error.advice))
            }
        }
        guard problems.isEmpty else { return .failure(SecretsFailure(problems: problems)) }
        return .success(ResolvedSecrets(secrets: Secrets(values), warnings: warnings))
    }

    private func read(variable: String) -> Result<[UInt8], SourceProblem> {
        guard let text = environment[variable] else {
            return .failure(
                SourceProblem(
                    found: "the environment variable \(variable) is not set",
                    advice: "export it before running matriarch"))
        }
        return .success(Array(text.utf8))
    }

    /// One trailing newline is dropped of what files and commands give.
    private static func value(
        of bytes: [UInt8], from source: SecretSource?
    ) throws(SourceProblem) -> Secret {
        var bytes = bytes
        let place: String
        switch source {
        case .environment(let variable): place = "the environment variable \(variable)"
        case .file(let path): place = "the file \(path)"
        case .command(let arguments): place = "the output of \(CommandOutputs.name(arguments))"
        case nil: place = "it"
        }
        if case .environment = source {
        } else if bytes.last == UInt8(ascii: "\n") {
            bytes.removeLast()
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        }
        func problem(_ found: String) -> SourceProblem {
            SourceProblem(found: "\(place) \(found)", advice: "give it the value as plain text")
        }
        if bytes.isEmpty { throw problem("is empty") }
        if bytes.count > mostBytes { throw problem("is larger than 64 KiB") }
        if bytes.contains(0) { throw problem("holds a NUL byte") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw problem("is not UTF-8 text")
        }
        return Secret(text)
    }
}

/// Why one source gave no value.
struct SourceProblem: Error {
    var found: String
    var advice: String
    static let notRun = SourceProblem(
        found: "its command was not run", advice: "this is a fault of matriarch")
}
