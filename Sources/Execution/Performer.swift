import Cluster
package import Effects
import RemoteCommands

/// Performs the effects of one action in their order and says what became of them.
struct Performer: Sendable {
    let shell: any NodeShell
    let web: any WebClient

    func perform(_ effects: [Effect]) async -> ActOutcome {
        for (position, effect) in effects.enumerated() {
            let outcome = await perform(effect)
            switch outcome {
            case .succeeded: continue
            case .notStarted(let reason) where position > 0:
                // What came before it has taken effect.
                return .unknown(reason)
            case .notStarted, .failed, .unknown: return outcome
            }
        }
        return .succeeded
    }

    private func perform(_ effect: Effect) async -> ActOutcome {
        switch effect {
        case .command(let command, let node): await perform(command, on: node)
        case .request(let request, let call, let limit): await perform(request, call, limit)
        }
    }

    private func perform(_ command: Command, on node: NodeName) async -> ActOutcome {
        do throws(ShellFailure) {
            let result = try await shell.perform(command, on: node)
            if result.succeeded { return .succeeded }
            let advice = result.portAdvice(on: node).map { "; \($0)" } ?? ""
            return .failed("\(command.summary) on \(node): \(result.complaint)\(advice)")
        } catch {
            switch error {
            case .unreachable(let reason):
                return .notStarted("\(command.summary): \(node) is unreachable: \(reason)")
            case .unknownOutcome(let reason):
                return .unknown("\(command.summary) on \(node): its outcome is unknown: \(reason)")
            }
        }
    }

    private func perform(
        _ request: WebRequest, _ call: PatroniCall, _ limit: Duration
    ) async -> ActOutcome {
        do throws(WebFailure) {
            return call.outcome(of: try await web.send(request, limit: limit))
        } catch {
            switch error {
            case .unreachable(let reason):
                return .notStarted("\(call.summary): Patroni is unreachable: \(reason)")
            case .unknownOutcome(let reason):
                return .unknown("\(call.summary): its outcome is unknown: \(reason)")
            }
        }
    }
}

extension CommandResult {
    /// The exit status and the last lines that the command complained with, of the last bytes: a
    /// server may send any number of them.
    package var complaint: String {
        let status =
            switch status {
            case .exited(let code): "exit status \(code)"
            case .signalled(let name): "ended by signal \(name)"
            }
        let lines = lastWords.split(whereSeparator: \.isNewline).suffix(3)
        guard !lines.isEmpty else { return status }
        return "\(status): \(lines.joined(separator: " | "))"
    }

    fileprivate var lastWords: String { String(endOf: errors, limit: 16 << 10) }
}

extension CommandResult {
    /// What to look for where docker could not have a port: its words name the port alone. It tells
    /// a port that it has given away itself from one that the kernel refuses.
    fileprivate func portAdvice(on node: NodeName) -> String? {
        let words = lastWords
        let isDockers = words.contains("port is already allocated")
        guard isDockers || words.contains("address already in use") else { return nil }
        guard isDockers else {
            return "a program outside docker has it: ss -ltnp on \(node) tells which"
        }
        return "docker ps on \(node) tells which container has it; if none has, docker kept it over"
            + " a power cut: docker compose down in the project's directory there (it stops all of"
            + " the project on that node and keeps its volumes), restart docker, apply again"
    }
}
