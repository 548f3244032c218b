import Foundation
import Testing

extension LabTests {
    /// The reference cluster on one server, made by hand before Matriarch came.
    @Suite(.serialized) struct ReferenceClusterTests {
        @Test("9: a cluster made by hand must be adopted without restarting what matches")
        func adoption() throws {
            try Lab.lab("down", "one")
            try Lab.lab("up", "one", "--hand-built")
            // What a person built has max_connections at its default, and whoever leads leads: then
            // nothing of Postgres differs.
            let manifest = try Manifest("lab-one").replacing(
                "max_connections: 200", "max_connections: 100"
            ).replacing(", preferredLeader: postgres-1", "")
            let before = try Lab.starts("hil-1")
            let postmasters = try postmasterStarts()
            let plan = try Matriarch.plan(manifest)
            #expect(plan.status == 2, "\(plan.text)")
            #expect(plan.text.contains("adopt"), "\(plan.text)")
            for member in ["postgres-1", "postgres-2", "postgres-3"] {
                #expect(
                    !plan.output.contains("~ \(member)"), "\(member) would restart: \(plan.text)")
            }
            let refused = try Matriarch.run("apply", try manifest.write(), "--yes")
            #expect(refused.status == 3, "\(refused.text)")
            #expect(refused.text.contains("--accept adopt"), "\(refused.text)")
            try Matriarch.apply(manifest, "--accept", "adopt")
            #expect(try postmasterStarts() == postmasters, "Postgres was restarted")
            let after = try Lab.starts("hil-1")
            for member in ["postgres-1", "postgres-2", "postgres-3", "etcd"] {
                #expect(before[member] == after[member], "\(member) was restarted")
            }
            // /cluster is as old as a turn of Patroni's loop.
            try Lab.until("every member is listed healthy", within: 30) {
                try Lab.isHealthy(members: 3, Lab.referenceMembers)
            }
            #expect(
                try Lab.ssh("hil-1", "ls /opt/twincigo-crm").contains("before-matriarch"),
                "the hand-written compose file was not kept")
            try Lab.lab("down", "one")
        }

        private func postmasterStarts() throws -> [String] {
            try Lab.referenceMembers.map { place in
                let answer = try Lab.get("http://\(place.host):\(place.port)/patroni").body
                let json =
                    try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
                return json?["postmaster_start_time"] as? String ?? ""
            }
        }
    }

}

/// What needs no server.
@Suite struct ManifestMistakesTests {
    @Test("11: ten mistakes must give ten located problems in one run")
    func tenMistakes() throws {
        let file = Repository.root.appending(path: "Tests/LabTests/ten-mistakes.yaml").path
        let outcome = try Matriarch.run("validate", file)
        let errors = outcome.text.split(separator: "\n").filter { $0.contains(": error: ") }
        #expect(outcome.status == 1)
        #expect(errors.count == 10, "\(outcome.text)")
        for error in errors {
            let place = error.split(separator: ":").dropFirst().prefix(2)
            #expect(place.allSatisfy { Int($0) != nil }, "no line and column: \(error)")
        }
    }
}
