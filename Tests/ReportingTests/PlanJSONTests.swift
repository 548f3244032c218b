import Cluster
import FoundationEssentials
import Planning
import Reporting
import Testing

@Suite("The plan as JSON")
struct PlanJSONTests {
    private func schema() throws -> JSONSchema {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appending(path: "schema/plan.schema.json"))
        return JSONSchema(root: try JSONDecoder().decode(JSONValue.self, from: data))
    }

    @Test("every action, guard, condition, cause and note fits the published schema")
    func schemaFits() throws {
        let text = PlanJSON.render(Scenario.everything, in: Scenario.topology)
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(try schema().faults(of: value) == [])
    }

    @Test("another content of the same file is another plan, though every path is the same")
    func otherContent() {
        func plan(_ fingerprint: String) -> ReviewedPlan {
            var plan = Plan(cluster: "shop")
            plan.steps = [
                Step(
                    id: "reload:haproxy@hil-1", action: .reloadHAProxy("hil-1"), causes: [],
                    done: .commandSucceeded, limit: .seconds(1),
                    contents: ["haproxy/haproxy.cfg": fingerprint])
            ]
            return ReviewedPlan(plan, in: Scenario.topology)
        }
        #expect(
            PlanComparison.differences(reviewed: plan("aa"), current: plan("bb")).map(\.line) == [
                #"reload:haproxy@hil-1: contents.haproxy/haproxy.cfg: reviewed "aa", now "bb""#
            ])
        #expect(PlanComparison.differences(reviewed: plan("aa"), current: plan("aa")) == [])
    }

    @Test("the schema refuses a field that the plan does not have")
    func schemaRefuses() throws {
        guard case .object(var fields) = PlanJSON.value(Scenario.rolling, in: Scenario.topology)
        else {
            Issue.record("not an object")
            return
        }
        fields["surprise"] = .bool(true)
        #expect(try schema().faults(of: .object(fields)) == ["$: fits 0 of oneOf"])
    }

    @Test("one plan has one text, whatever the order of its sets")
    func stable() {
        let texts = (0..<20).map { _ in
            PlanJSON.render(Scenario.everything, in: Scenario.topology)
        }
        #expect(Set(texts).count == 1)
    }

    @Test("a step tells its action, its causes and what it waits for")
    func step() throws {
        let value = PlanJSON.value(Scenario.rolling, in: Scenario.topology)
        guard case .array(let steps) = value["steps"] else {
            Issue.record("no steps")
            return
        }
        #expect(
            steps[4].prettyText == """
                {
                  "action": {
                    "from": "postgres-1",
                    "to": "postgres-2",
                    "type": "switchover"
                  },
                  "after": [
                    "recreate:postgres-2"
                  ],
                  "causes": [
                    {
                      "text": "leads and has to be recreated",
                      "type": "topology"
                    }
                  ],
                  "disruption": "write_pause",
                  "done": {
                    "type": "command_succeeded"
                  },
                  "guards": [
                    {
                      "type": "cluster_settled"
                    }
                  ],
                  "hazards": [],
                  "id": "switchover:postgres-1",
                  "limit_seconds": 600,
                  "node": "hil-1",
                  "object": "postgres-1",
                  "summary": "switch over from postgres-1 to postgres-2"
                }

                """)
    }
}

@Suite("A reviewed plan against the plan of the moment")
struct PlanComparisonTests {
    private func differences(_ reviewed: Plan, _ current: Plan) throws -> [String] {
        let saved = try #require(
            try ReviewedPlan.all(json: PlanJSON.render(reviewed, in: Scenario.topology)).first)
        return PlanComparison.differences(
            reviewed: saved, current: ReviewedPlan(current, in: Scenario.topology)
        ).map(\.line)
    }

    @Test("the same plan, written and read back, does not differ from itself")
    func same() throws {
        #expect(try differences(Scenario.rolling, Scenario.rolling) == [])
        #expect(try differences(Scenario.everything, Scenario.everything) == [])
    }

    @Test("a difference is said step by step and field by field")
    func differ() throws {
        var now = Scenario.rolling
        now.steps.removeFirst()
        now.steps[2].causes = [.broken("exited (137)")]
        now.steps[3].action = .switchover(from: "postgres-1", to: "postgres-4")
        now.steps.append(
            Scenario.step("restart:postgres-2", .restartMember("postgres-2"), [.broken("x")]))
        #expect(
            try differences(Scenario.rolling, now) == [
                "pull:hil-1: was reviewed, and is no longer planned",
                #"recreate:postgres-2: environment.TZ from: reviewed "", now (absent)"#,
                #"recreate:postgres-2: environment.TZ to: reviewed "UTC", now (absent)"#,
                #"recreate:postgres-2: image from: reviewed "ghcr.io/zalando/spilo-17:4.0-p2", now (absent)"#,
                #"recreate:postgres-2: image to: reviewed "ghcr.io/zalando/spilo-17:4.0-p3", now (absent)"#,
                #"switchover:postgres-1: action.to: reviewed "postgres-2", now "postgres-4""#,
                "restart:postgres-2: is planned now, and was not reviewed",
            ])
    }

    @Test("evidence worded otherwise is not a difference, a new hazard is")
    func evidence() throws {
        var reviewed = Scenario.rolling
        reviewed.steps[2].causes = [.broken("lags 123 bytes")]
        var current = reviewed
        current.steps[2].causes = [.broken("lags 124 bytes")]
        #expect(try differences(reviewed, current) == [])
        current.steps[2].hazards = [.singleCopy]
        #expect(
            try differences(reviewed, current) == [
                "add:postgres-4: hazards: reviewed [], now [\"single-copy\"]"
            ])
    }

    @Test("another cluster's plan is not applied")
    func otherCluster() throws {
        var other = Scenario.rolling
        other.cluster = "bakery"
        #expect(
            try differences(Scenario.rolling, other) == [
                "the reviewed plan is for shop, this one for bakery"
            ])
    }

    @Test(
        "a file that is not a plan of a version known here is refused with the reason",
        arguments: [
            ("{", "is not JSON"),
            ("{}", "is not a plan: it has no format_version (expected 1.0)"),
            (
                #"{"format_version":"2.0","cluster":"shop","steps":[]}"#,
                "has format_version 2.0; this program reads 1.0"
            ),
            (
                #"{"format_version":"1.3","cluster":"shop"}"#,
                "is not a whole plan: cluster or steps are missing"
            ),
            (
                #"{"format_version":"1.0","cluster":"shop","steps":[{"id":"a"}]}"#,
                "step 1 has no id or no action"
            ),
        ])
    func malformed(text: String, reason: String) {
        do throws(UnreadableFile) {
            _ = try ReviewedPlan.all(json: text)
            Issue.record("it was read as a plan")
        } catch {
            #expect(error.text == reason)
        }
    }
}
