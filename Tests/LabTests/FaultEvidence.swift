import Foundation
import Testing

/// What the Postgres members of a row that failed had to say, kept where the environment variable
/// `MATRIARCH_FAULTS_EVIDENCE` names a folder: a row of its own for each, as it was when it failed.
enum FaultEvidence {
    private static let folder = ProcessInfo.processInfo.environment["MATRIARCH_FAULTS_EVIDENCE"]
        .map { URL(filePath: $0) }
    private static let lock = NSLock()
    private nonisolated(unsafe) static var fault = ""

    static func begin(_ row: String) { lock.withLock { unsafe fault = row } }

    static func keep(_ issue: Issue) {
        guard let folder else { return }
        let row = lock.withLock { unsafe fault }.map { $0.isLetter || $0.isNumber ? $0 : "-" }
        let moment = Date.now.formatted(.iso8601.time(includingFractionalSeconds: true))
        let place = folder.appending(path: "\(moment) \(String(row))")
        do {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            func write(_ text: String, _ name: String) throws {
                try Data(text.utf8).write(to: place.appending(path: name))
            }
            try write("\(issue)", "issue.txt")
            for server in Staging.servers {
                for (name, text) in try saying(on: server) { try write(text, "\(server) \(name)") }
            }
        } catch {
            print("no evidence of this: \(error)")
        }
    }

    /// Past the network, which may be what failed. A server that is off has nothing to say.
    private static func saying(on server: String) throws -> [(name: String, text: String)] {
        func docker(_ words: String...) throws -> String {
            try run(
                "timeout", ["30", "docker", "exec", "matriarch-lab-\(server)", "docker"] + words
            ).text
        }
        let label = "com.docker.compose.service"
        let list = try docker(
            "ps", "--all", "--filter", "label=\(label)", "--format",
            "{{.ID}} {{.Label \"\(label)\"}}")
        var texts = [(name: "containers.txt", text: try docker("ps", "--all"))]
        for line in list.split(separator: "\n") where line.contains(" postgres-") {
            let words = line.split(separator: " ").map(String.init)
            // Not its environment, which has secrets.
            let state = try docker(
                "inspect", "--format", "{{.Created}} {{.RestartCount}} {{json .State}}", words[0])
            texts.append(("\(words[1]).json", state))
            let log = try docker("logs", "--timestamps", "--tail", "300", words[0])
            texts.append(("\(words[1]).log", log))
        }
        return texts
    }
}
