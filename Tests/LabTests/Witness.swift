import Foundation

/// Watches who is stopped while who leads, without asking the program under test.
final class Witness {
    private let child: Child

    init() throws {
        let members = zip(["node-1", "node-2", "node-3"], Lab.threeMembers)
            .map { "\($0)=\($1.host):\($1.port)" }
        child = try Child(Repository.root.appending(path: "Tests/Lab/watch.py").path, members)
        try Lab.until("the witness watches", within: 60) {
            child.outcome.errors.contains("watching")
        }
    }

    struct Testimony {
        /// What broke the oath; empty when nothing did.
        var violations: String
        /// How many times a Postgres container was told to stop.
        var stops: Int
    }

    func stop() throws -> Testimony {
        child.terminate()
        let outcome = child.wait()
        guard
            let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
                as? [String: Any],
            let stops = json["stops"] as? [Any], let violations = json["violations"] as? [Any]
        else { throw LabFailure("the witness said \(outcome.text)") }
        return Testimony(violations: violations.isEmpty ? "" : outcome.output, stops: stops.count)
    }
}
