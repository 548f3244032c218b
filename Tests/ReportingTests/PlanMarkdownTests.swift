import Cluster
import Planning
import Reporting
import Testing

@Suite("The plan as Markdown")
struct PlanMarkdownTests {
    private func render(_ plans: Plan...) -> String {
        PlanMarkdown.render(
            plans.map { PlanJSON.Part(plan: $0, topology: Scenario.topology) })
    }

    private func plan(steps count: Int) -> Plan {
        Plan(
            cluster: "shop",
            steps: (0..<count).map {
                Scenario.step(
                    StepID("recreate:postgres-\($0)"),
                    .recreateMember(MemberName("postgres-\($0)")),
                    [.field("environment.X", from: "a|b", to: "<b>@ada</b>")], .replicaRestart)
            })
    }

    @Test("a rolling update is a table, its order folds away")
    func rolling() {
        #expect(
            render(Scenario.rolling) == """
                ### `shop` — Plan: 1 to add, 2 to change, 0 to remove · 1 switchover · write pause expected

                | | | on | what | why |
                |---|---|---|---|---|
                | &#43; | postgres-4 | hil-2 | add replica | ports 5436, 8011<br>no container |
                | &#126; | postgres-2 | hil-1 | recreate | image  spilo-17&#58;4.0-p2 → spilo-17&#58;4.0-p3<br>environment.TZ  (none) → UTC |
                | &#126; | postgres-1 | hil-1 | switch over to postgres-2, then recreate | leads and has to be recreated<br>image  spilo-17&#58;4.0-p2 → spilo-17&#58;4.0-p3 |

                <details><summary>Order: 5 stages</summary>

                1. pull ghcr.io/zalando/spilo-17&#58;4.0-p3 on hil-1, hil-2
                1. postgres-4&#58; add replica on hil-2
                1. postgres-2&#58; recreate on hil-1 — **replica restart**
                1. switch over from postgres-1 to postgres-2 — **write pause**
                1. postgres-1&#58; recreate on hil-1 — **replica restart**

                </details>

                """)
    }

    @Test("a comment is never longer than GitHub takes, and says what it leaves out")
    func length() {
        let long = render(plan(steps: 3000))
        #expect(long.utf8.count <= 65_536)
        #expect(long.contains("more; the plan's JSON has them."))
        let fleet = PlanMarkdown.render(
            (0..<400).map { _ in
                PlanJSON.Part(plan: plan(steps: 40), topology: Scenario.topology)
            })
        #expect(fleet.utf8.count <= 65_536)
        #expect(fleet.contains("more clusters; the plan's JSON has them."))
    }

    @Test("foreign text is no markup, no mention and no HTML")
    func escaping() {
        let text = render(plan(steps: 1))
        #expect(text.contains("a&#124;b → &#60;b&#62;&#64;ada&#60;/b&#62;"))
    }
}

@Suite("The plan as a page")
struct PlanHTMLTests {
    private func render(_ plan: Plan) -> String {
        PlanHTML.render([PlanJSON.Part(plan: plan, topology: Scenario.topology)])
    }

    @Test("every step is a box and every wait a line")
    func graph() {
        let text = render(Scenario.rolling)
        #expect(text.split(separator: "<rect ").count - 1 == Scenario.rolling.steps.count)
        let waits = Scenario.rolling.steps.reduce(0) { $0 + $1.after.count }
        #expect(text.split(separator: "<path ").count - 1 == waits)
        #expect(
            text.contains("<title>switch over from postgres-1 to postgres-2 (write pause)"))
    }

    @Test("the page asks nobody for anything")
    func selfContained() {
        let text = render(Scenario.everything)
        for loaded in ["src=", "href=", "url(", "@import", "<script"] {
            #expect(!text.contains(loaded))
        }
    }

    @Test("foreign text cannot end its element")
    func escaping() {
        let plan = Plan(
            cluster: "shop",
            steps: [
                Scenario.step(
                    "recreate:postgres-2", .recreateMember("postgres-2"),
                    [.broken("</td><script>alert(\"1\")</script>'&")])
            ])
        let text = render(plan)
        #expect(
            text.contains("&lt;/td&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;"))
        #expect(!text.contains("<script"))
    }
}
