import Cluster
import Testing

@testable import Planning

@Suite("Secrets in what servers show")
struct OfflineSecretsTests {
    private let digest: @Sendable (String) -> String = { "d(\($0))" }

    private func change(
        _ live: ObservedContainer, _ spec: ContainerSpec,
        digest: (@Sendable (String) -> String)? = nil
    ) -> [String] {
        ContainerDifference(
            spec: spec, live: live, project: Project(name: "crm", directory: "/opt/crm"),
            digest: digest
        ).changes.map { "\($0.field): \($0.old) → \($0.new)" }
    }

    private let spec = ContainerSpec(
        service: "app", node: "node-1", role: .service, image: ImageReference("app:1"),
        command: ["serve", "--port", "80"], labels: ["team": "db"],
        health: HealthCheck(test: ["CMD", "check"]))

    private func live() -> ObservedContainer {
        ObservedContainer(
            id: "c1", service: "app", image: ImageReference("app:1"), imageID: "i1",
            command: ["serve", "--port", "80"], labels: ["team": "db"],
            healthCheck: ObservedHealthCheck(
                test: ["CMD", "check"], interval: 5_000_000_000, timeout: 3_000_000_000, retries: 3,
                startPeriod: 60_000_000_000))
    }

    @Test("a saved observation's digests match what is declared, and show no value where not")
    func offline() {
        func word(_ text: String) -> String { ObservedText.word(digest: digest(text)) }
        var saved = live()
        saved.command = saved.command?.map(word)
        saved.labels = saved.labels.mapValues(word)
        let test = saved.healthCheck?.test ?? []
        saved.healthCheck?.test = test.map(word)
        #expect(change(saved, spec, digest: digest) == [])
        saved.command?[2] = word("8080")
        saved.labels["team"] = word("web")
        saved.healthCheck?.test[1] = word("look")
        #expect(
            change(saved, spec, digest: digest) == [
                "command: (another) → serve --port 80", "labels.team: (another value) → db",
                "healthcheck: (another) every 5s → CMD check every 5s",
            ])
    }

    @Test("what looks like a secret in a container made by hand is not printed")
    func handMade() {
        var shown = live()
        shown.command = ["serve", "--password", "hunter2", "postgres://a:hunter2@db/crm"]
        shown.labels = ["team": "token=hunter2"]
        shown.healthCheck?.test = ["CMD-SHELL", "PGPASSWORD=hunter2 psql"]
        #expect(
            change(shown, spec) == [
                "command: serve --password (sensitive) (sensitive) → serve --port 80",
                "labels.team: (another value) → db",
                "healthcheck: CMD-SHELL (sensitive) every 5s → CMD check every 5s",
            ])
    }

    @Test("a known secret in what a server says of its failure is in no plan")
    func known() throws {
        var world = World.three()
        try world.observeConverged()
        world.observed.nodes["node-3"] = .unreachable("env file: near \"s3cret-super\": no")
        #expect(try world.plan().description.contains("env file: near \"(sensitive)\": no"))
        #expect(try !world.plan().description.contains("s3cret"))
    }

    @Test("settings saved as digests match what is declared, and print no value")
    func configuration() {
        let wanted = JSONValue.object([
            "pg_hba": .array([.string("local trust"), .string("ldapbindpasswd=x")]),
            "primary_conninfo": .string("y"),
        ])
        let saved = JSONValue.object([
            "pg_hba": .array([
                .string("local trust"),
                .string(ObservedText.word(digest: digest("ldapbindpasswd=x"))),
            ]), "primary_conninfo": .string(ObservedText.word(digest: digest("y"))),
        ])
        #expect(ConfigurationDifference.patch(from: saved, to: wanted, digest: digest) == nil)
        #expect(ConfigurationDifference.patch(from: saved, to: wanted) == wanted)
        let changes = ConfigurationDifference.leaves(of: wanted, live: saved)
        #expect(changes.map(\.shownOld) == ["(another value)", "(another value)"])
    }
}
