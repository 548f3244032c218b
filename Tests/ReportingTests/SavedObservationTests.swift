import Cluster
import Execution
import Reporting
import Testing

@Suite("Files of observations")
struct SavedObservationTests {
    private let observed = Observed(
        nodes: [
            "hil-1": .known(
                ObservedNode(
                    containers: [
                        ObservedContainer(
                            id: "c1", service: "postgres-1", image: Scenario.image, imageID: "i1",
                            environment: ["PGPASSWORD_ADMIN": ObservedText("hunter2")])
                    ],
                    files: [
                        "env/postgres-1.env": ObservedFile("PGPASSWORD_ADMIN=hunter2", mode: 0o600)
                    ])),
            "hil-2": .unreachable("connection refused"),
        ],
        members: ["postgres-1": .known(PatroniMember(role: .leader, state: .running))])

    private func saved() -> SavedObservation {
        SavedObservation(cluster: "shop", key: "00ff", observed: observed) {
            "digest of \($0.count) characters"
        }
    }

    @Test("no observed text reaches the file, only its digest")
    func noSecret() throws {
        let text = try saved().json()
        #expect(!text.contains("hunter2"))
        #expect(text.contains("digest of 7 characters"))
        #expect(text.contains("digest of 24 characters"))
    }

    /// Offline, a compose file of someone else's was taken for ours, and a comment for a change.
    @Test("a saved file still tells whose it is, and comments do not change its digest")
    func files() throws {
        let text = "# Written by Matriarch for cluster shop.\nservices: {}\n"
        let observed = Observed(nodes: [
            "hil-1": .known(
                ObservedNode(files: [
                    "compose.yaml": ObservedFile(text, mode: 0o644),
                    "compose.yml": ObservedFile("services: {}\n\n# by hand\n", mode: 0o644),
                ]))
        ])
        let saved = SavedObservation(cluster: "shop", key: "00ff", observed: observed) {
            "digest of \($0)"
        }
        let files = try SavedObservation(json: saved.json()).observed.nodes["hil-1"]?.value?.files
        #expect(files?["compose.yaml"]?.isSigned == true)
        #expect(files?["compose.yml"]?.isSigned == false)
        #expect(files?["compose.yaml"]?.content == .digest("digest of services: {}"))
        #expect(files?["compose.yml"]?.content == .digest("digest of services: {}"))
    }

    @Test("commands, labels, health checks and telling settings are digests too")
    func handMade() throws {
        var observed = observed
        observed.nodes["hil-1"] = observed.nodes["hil-1"]?.map {
            var node = $0
            node.containers[0].command = ["run", "--password", "hunter2"]
            node.containers[0].labels = ["owner": "hunter2"]
            node.containers[0].healthCheck = ObservedHealthCheck(test: ["CMD", "hunter2"])
            return node
        }
        observed.configuration = .known(
            .object([
                "ttl": .int(30),
                "postgresql": .object([
                    "parameters": .object([
                        "archive_command": .string("AWS_SECRET_ACCESS_KEY=hunter2 wal-g %p"),
                        "primary_conninfo": .string("hunter2"), "work_mem": .string("8MB"),
                    ]),
                    "pg_hba": .array([.string("host all all ldap ldapbindpasswd=hunter2")]),
                ]),
            ]))
        var member = PatroniMember(role: .leader, state: .running, pendingRestart: true)
        member.pendingParameters = [
            "primary_conninfo": PendingParameter(old: "hunter2", new: "x"),
            "max_connections": PendingParameter(old: "100", new: "200"),
        ]
        observed.members["postgres-1"] = .known(member)
        let text = try SavedObservation(cluster: "shop", key: "00ff", observed: observed) {
            "digest of \($0.count) characters"
        }.json()
        #expect(!text.contains("hunter2"))
        #expect(text.contains(#""work_mem" : "8MB""#))
        #expect(text.contains(#""owner" : "hmac-sha256:digest of 7 characters""#))
        #expect(text.contains(#""old" : "100""#))
    }

    @Test("what was saved is read back as it was, unreachable nodes too")
    func roundTrip() throws {
        let before = saved()
        #expect(try SavedObservation(json: before.json()) == before)
    }

    @Test(
        "a file that is no observation of a version known here is refused with the reason",
        arguments: [
            ("{}", "is not an observation saved by `matriarch observe -o`"),
            (
                #"{"format_version":"2.0","cluster":"shop","key":"00","observed":"#
                    + #"{"nodes":{},"members":{},"views":{},"etcd":{},"haproxy":{}}}"#,
                "has format_version 2.0; this program reads 1.0"
            ),
        ])
    func malformed(text: String, reason: String) {
        do throws(UnreadableFile) {
            _ = try SavedObservation(json: text)
            Issue.record("it was read as an observation")
        } catch {
            #expect(error.text == reason)
        }
    }
}
