import Foundation
import Testing

/// What the scenarios of the main job are held against.
extension Lab {
    /// Each stand-in's own answer, through the gateway where its port is not published: it is 200
    /// only while its query to the database works.
    static func expectSupabase(location: SourceLocation = #_sourceLocation) throws {
        let paths = [
            "rest": "3000/", "auth": "9999/health", "realtime": "4000/api/tenants",
            "storage": "8000/storage/v1/status", "gateway": "8000/", "meta": "8000/pg/health",
            "studio": "3010/",
        ]
        for (service, path) in paths.sorted(by: { $0.key < $1.key }) {
            let outcome = try run(
                "curl",
                [
                    "-s", "-m", "10", "-w", "\n%{http_code}", "-H", "Authorization: Bearer lab",
                    "http://172.30.0.11:\(path)",
                ])
            #expect(
                outcome.output.hasSuffix("\n200")
                    && outcome.output.contains("\"service\": \"\(service)\""),
                "\(service) at \(path): \(outcome.text)", sourceLocation: location)
        }
    }

    /// The times at which Postgres became ready, a member each, as its container's log has them.
    static func postmasterRestarts() throws -> [String: [String]] {
        var restarts: [String: [String]] = [:]
        for member in try cluster().keys {
            let node = try node(of: member)
            let id = try container(member, on: node)
            restarts[member] = try ssh(
                node, "docker logs --timestamps \(id) 2>&1 | grep 'starting PostgreSQL' || true"
            ).split(separator: "\n").map { String($0.prefix { $0 != " " }) }
        }
        return restarts
    }

    static let servers = ["node-1", "node-2", "node-3"]
}

extension Matriarch {
    /// A planned step: its id, and the text of what it does and where.
    struct PlannedStep {
        var id: String
        var action: String
    }

    static func steps(_ manifest: Manifest) throws -> [PlannedStep] {
        let plan = try run("plan", try manifest.write(), "--format", "json")
        guard
            let json = try JSONSerialization.jsonObject(with: Data(plan.output.utf8))
                as? [String: Any],
            let steps = json["steps"] as? [[String: Any]]
        else { throw LabFailure("no plan in JSON: \(plan.text)") }
        return try steps.map { step in
            let what = ["action": step["action"] ?? "", "node": step["node"] ?? ""]
            let text = try JSONSerialization.data(withJSONObject: what)
            return PlannedStep(
                id: step["id"] as? String ?? "", action: String(decoding: text, as: UTF8.self))
        }
    }
}

extension Manifest {
    /// The same cluster with keys in another order, of the file, of a section and of a line.
    func reordered() throws -> Manifest {
        var moved = self
        moved.removeBlock("rollout")
        return
            try moved
            .replacing("\netcd:\n", "\nrollout: { stepTimeout: 5m, maxLag: 1MiB }\n\netcd:\n")
            .replacing("  database: crm\n  replicas: 2\n", "  replicas: 2\n  database: crm\n")
            .replacing(
                "{ write: 5000, read: 5001, stats: 7000 }",
                "{ stats: 7000, read: 5001, write: 5000 }")
    }
}
