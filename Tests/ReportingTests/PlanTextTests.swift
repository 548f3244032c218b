import Cluster
import Planning
import Reporting
import Testing

@Suite("The plan as text")
struct PlanTextTests {
    @Test("a rolling update shows objects, causes, stages and the switchover it costs")
    func rolling() {
        let text = PlanText.render(Scenario.rolling, in: Scenario.topology)
        #expect(
            text == """
                Plan for shop

                  + postgres-4  on hil-2  add replica               ports 5436, 8011
                                                                    no container
                  ~ postgres-2  on hil-1  recreate                  image  spilo-17:4.0-p2 → spilo-17:4.0-p3
                                                                    environment.TZ  (none) → UTC
                  ~ postgres-1  on hil-1  switch over to postgres-2, then recreate
                                                                    leads and has to be recreated
                                                                    image  spilo-17:4.0-p2 → spilo-17:4.0-p3

                Order (what shares a number may run side by side)
                  1  pull ghcr.io/zalando/spilo-17:4.0-p3 on hil-1, hil-2
                  2  postgres-4: add replica on hil-2
                  3  postgres-2: recreate on hil-1  (replica restart)
                  4  switch over from postgres-1 to postgres-2  (write pause)
                  5  postgres-1: recreate on hil-1  (replica restart)

                Plan: 1 to add, 2 to change, 0 to remove · 1 switchover · write pause expected

                """)
    }

    @Test("an empty plan names the leader and how many members match")
    func unchanged() {
        let observed = Observed(members: [
            "postgres-1": .known(PatroniMember(role: .leader, state: .running)),
            "postgres-2": .known(PatroniMember(role: .replica, state: .streaming)),
            "postgres-4": .unreachable("timed out"),
        ])
        let text = PlanText.render(
            Plan(cluster: "shop"), in: Scenario.topology, observed: observed)
        #expect(text == "No changes. shop matches the manifest (3 members, leader postgres-1).\n")
    }

    @Test("an empty plan does not claim a match for what could not be looked at")
    func unseen() {
        let plan = Plan(
            cluster: "shop", notes: [.unreachable(object: "hil-2", reason: "connection refused")])
        #expect(
            PlanText.render(plan, in: Scenario.topology) == """
                Notes
                  ? hil-2 could not be looked at, and nothing is planned for it: connection refused

                No changes. What could be seen of shop matches the manifest; not all could be.

                """)
    }

    @Test("a plan that only lays files ready says which, and why")
    func onlyFiles() {
        let plan = Plan(
            cluster: "shop",
            steps: [
                Scenario.step(
                    "write:hil-1", .writeFiles("hil-1", paths: ["compose.yaml"]),
                    [.field("compose.yaml", from: "(differs)", to: "written")])
            ])
        #expect(
            PlanText.render(plan, in: Scenario.topology) == """
                Plan for shop

                Order (what shares a number may run side by side)
                  1  write compose.yaml on hil-1
                       compose.yaml  (differs) → written

                Plan: 0 to add, 0 to change, 0 to remove · 1 preparation · no disruption

                """)
    }

    @Test("what is new stays new when a later step touches it again")
    func bootstrap() {
        let plan = Plan(
            cluster: "shop",
            steps: [
                Scenario.step(
                    "write:hil-1",
                    .writeFiles("hil-1", paths: ["compose.yaml", "a", "b", "c", "d"]), []),
                Scenario.step(
                    "bootstrap:postgres-1", .bootstrap("postgres-1"), [.missing("no cluster")],
                    after: ["write:hil-1"]),
                Scenario.step(
                    "restart:postgres-1", .restartPostgres("postgres-1"), [],
                    after: ["bootstrap:postgres-1"]),
            ])
        let text = PlanText.render(plan, in: Scenario.topology)
        #expect(
            text.contains("  + postgres-1  on hil-1  bootstrap the cluster, then restart Postgres"))
        #expect(text.contains("  1  write compose.yaml, a, b and 2 more files on hil-1\n"))
        #expect(text.contains("Plan: 1 to add, 0 to change, 0 to remove"))
    }

    @Test("hazards name the flag that accepts them, blockers the next thing to do")
    func hazardsAndBlockers() {
        let plan = Plan(
            cluster: "shop",
            steps: [
                Scenario.step(
                    "remove:postgres-3",
                    .removeMember(
                        "postgres-3", node: "hil-1", containerID: "c3",
                        deletingVolume: "shop_postgres-3"),
                    [.leftManifest], .dataLoss, hazards: [.dataLoss])
            ],
            blockers: [
                Blocker(
                    object: "postgres-2", seen: "PostgreSQL 17", expected: "PostgreSQL 18",
                    remedy: "keep the image's major version")
            ])
        #expect(
            PlanText.render(plan, in: Scenario.topology) == """
                Plan for shop

                  - postgres-3  on hil-1  remove  deletes its volume shop_postgres-3
                                                  no longer in the manifest

                Order (what shares a number may run side by side)
                  1  remove postgres-3 on hil-1  (data loss)

                To be accepted when applying
                  --accept data-loss  remove postgres-3 on hil-1 (deletes its volume shop_postgres-3)

                In the way
                  ! postgres-2
                      seen      PostgreSQL 17
                      expected  PostgreSQL 18
                      do        keep the image's major version

                Plan: 0 to add, 0 to change, 1 to remove · data loss expected
                1 thing is in the way: apply refuses until then.

                """)
    }

    @Test("escape sequences and reordering marks of a server never reach the terminal")
    func hostileText() {
        let plan = Plan(
            cluster: "shop",
            steps: [
                Scenario.step(
                    "recreate:postgres-2", .recreateMember("postgres-2"),
                    [
                        .field("image", from: "a\u{1b}[2J", to: "b\u{202e}c"),
                        .broken("line\nbreak\u{9b}31m"),
                    ])
            ],
            notes: [.undeclared(object: "x\u{7}", what: "y\u{200b}")])
        for style in [Style.plain, .colored] {
            let text = PlanText.render(plan, in: Scenario.topology, style: style)
            #expect(text.contains("image  a\\u{1b}[2J → b\\u{202e}c"))
            #expect(text.contains("line\\nbreak\\u{9b}31m"))
            #expect(text.contains("x\\u{7}: y\\u{200b}"))
        }
    }

    @Test("colour is there only when asked for, and changes no word")
    func colour() {
        let plain = PlanText.render(Scenario.rolling, in: Scenario.topology)
        let colored = PlanText.render(Scenario.rolling, in: Scenario.topology, style: .colored)
        #expect(!plain.contains("\u{1b}"))
        #expect(colored.contains("\u{1b}[32m+\u{1b}[0m"))
        let stripped = colored.replacing(#/\u{1b}\[[0-9;]*m/#, with: "")
        #expect(stripped == plain)
    }

    @Test("the registry is dropped only where both sides share it")
    func differentRegistries() {
        let plan = Plan(
            cluster: "shop",
            steps: [
                Scenario.step(
                    "recreate:haproxy",
                    .recreateContainer(ContainerAddress("haproxy", on: "hil-1")),
                    [.field("image", from: "haproxy:2.8", to: "mirror.example/haproxy:3.0")])
            ])
        let text = PlanText.render(plan, in: Scenario.topology)
        #expect(text.contains("image  haproxy:2.8 → mirror.example/haproxy:3.0"))
    }

    @Test("of two long values the shared start is cut, and the difference is shown")
    func longValues() {
        let start = String(repeating: "a", count: 100)
        let plan = Plan(
            cluster: "shop",
            steps: [
                Scenario.step(
                    "recreate:postgres-2", .recreateMember("postgres-2"),
                    [.field("environment.X", from: start + "1", to: start + "2")])
            ])
        let text = PlanText.render(plan, in: Scenario.topology)
        #expect(text.contains("environment.X  …aaaaaaaa1 → …aaaaaaaa2"))
    }
}
