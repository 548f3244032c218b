import Foundation

/// A writer through HAProxy that runs beside an apply.
final class Writer {
    private let child: Child

    /// - Parameter hosts: whose HAProxy it goes through; the next one when one fails. The rows are
    ///   read back from whoever leads in the end.
    init(hosts: [String] = ["172.30.0.11", "172.30.0.12"]) throws {
        child = try Child(
            Repository.root.appending(path: "Tests/Lab/writer.py").path,
            ["--host", hosts.joined(separator: ","), "--port", "5000"],
            environment: ["PGPASSWORD": try Lab.secrets()["PGPASSWORD_SUPERUSER"] ?? ""])
        try Lab.until("the writer wrote", within: 60) { child.outcome.errors.contains("writing") }
    }

    struct Result {
        var rows: Int
        var lost: Int
        var longestPause: Double
        var line: String
    }

    func stop() throws -> Result {
        child.terminate()
        let outcome = child.wait()
        guard
            let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
                as? [String: Any],
            let rows = json["rows"] as? Int, let lost = json["rows_lost"] as? Int,
            let pause = json["longest_pause"] as? Double
        else { throw LabFailure("the writer said \(outcome.text)") }
        return Result(rows: rows, lost: lost, longestPause: pause, line: outcome.output)
    }
}
