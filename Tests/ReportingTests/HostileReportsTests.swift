import Cluster
import Execution
import Foundation
import Planning
import Testing

@testable import Reporting

/// Every text of a plan and of a run made hostile, through every report.
@Suite("Hostile texts in reports")
struct HostileReportsTests {
    /// What steers a terminal, ends a line, hides, reorders, or is markup.
    private static let poison =
        "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{90}\u{0}\r\n\nINJECTED\t\u{b}\u{c}\u{7f}\u{85}\u{ad}"
        + "\u{61c}\u{180e}\u{200b}\u{200d}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}"
        + "\u{feff}\u{fff9}\u{115f}\u{3164}\u{e0001}\u{e0041}</td><script>alert(1)</script>"
        + "<!--](javascript:x)`|@all#1 é✓\u{1f600}"

    private static let topology: Topology = {
        var topology = Scenario.topology
        topology.desired.name = ClusterName(poison)
        topology.desired.postgres.database = poison
        for index in topology.members.indices {
            topology.members[index].name = MemberName(poison + "\(index)")
            topology.members[index].node = NodeName(poison)
        }
        return topology
    }()

    private static let plan: Plan = {
        let node = NodeName(poison)
        let member = MemberName(poison + "0")
        let etcd = EtcdName(poison)
        let address = ContainerAddress(ServiceName(poison), on: node)
        let actions: [Action] = [
            .prepareNode(node), .adoptProject(node, files: [poison]),
            .writeFiles(node, paths: [poison]), .pullImage(node, ImageReference(poison)),
            .addEtcdLearner(etcd), .promoteEtcd(etcd), .removeEtcdMember(etcd), .bootstrap(member),
            .discardEtcdData(etcd, containerID: poison, volume: poison), .addReplica(member),
            .recreateMember(member), .startMember(member),
            .restartMember(member), .reinitialize(member), .restartPostgres(member),
            .switchover(from: member, to: MemberName(poison + "1")),
            .removeMember(member, node: node, containerID: poison, deletingVolume: poison),
            .patchConfiguration(.object([poison: .string(poison)])), .prepareDatabase,
            .reloadHAProxy(node), .createContainer(address), .recreateContainer(address),
            .startContainer(address), .restartContainer(address),
            .removeContainer(address, containerID: poison),
        ]
        let causes: [Cause] = [
            .field(poison, from: poison, to: poison + "!"), .missing(poison), .broken(poison),
            .topology(poison), .leftManifest,
        ]
        let steps = actions.enumerated().map { index, action in
            Step(
                id: StepID("\(poison)\(index)"), action: action, causes: causes,
                after: index == 0 ? [] : [StepID("\(poison)\(index - 1)")],
                guards: [.notLeading(member), .containerIs(address, id: poison)],
                done: .containerAbsent(address, id: poison), limit: .seconds(1),
                disruption: Disruption.allCases[index % Disruption.allCases.count],
                hazards: Set(Hazard.allCases))
        }
        return Plan(
            cluster: ClusterName(poison), steps: steps,
            blockers: [Blocker(object: poison, seen: poison, expected: poison, remedy: poison)],
            notes: [
                .unreachable(object: poison, reason: poison), .adopted(address),
                .undeclared(object: poison, what: poison), .advice(poison),
            ])
    }()

    private static let events: [Event] = {
        let id = plan.steps[0].id
        let unknown = StepID(poison)
        return [
            .runStarted(ClusterName(poison), steps: 3), .stepStarted(id), .stepStarted(unknown),
            .stepWaiting(id, reason: poison), .stepActing(unknown),
            .stepVerifying(id, progress: poison), .interruptReceived, .withdrawn(poison),
            .stepFinished(id, .failed(poison), .seconds(1)),
            .stepFinished(unknown, .unknown(poison), .seconds(1)),
            .stepFinished(id, .skipped(poison), .seconds(1)), .runFinished(report),
        ]
    }()

    private static let report = Report(
        outcome: .stopped(poison),
        steps: [
            StepReport(id: plan.steps[0].id, outcome: .failed(poison), duration: .seconds(1)),
            StepReport(id: plan.steps[1].id, outcome: .unknown(poison)),
            StepReport(id: StepID(poison), outcome: .skipped(poison)),
        ], duration: .seconds(1))

    /// Nothing in it acts on a terminal, hides or reorders, and no line is a server's own.
    private func expectHarmless(
        _ text: String, _ what: String, location: SourceLocation = #_sourceLocation
    ) {
        let own = text.replacing(/\u{1b}\[[0-9;]*m/, with: "")
            .replacing(/\u{1b}\[[0-9]+A\r\u{1b}\[J/, with: "")
        var bad: Set<String> = []
        for scalar in own.unicodeScalars where scalar != "\n" {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
                bad.insert(String(scalar.value, radix: 16))
            default:
                guard scalar.properties.isDefaultIgnorableCodePoint else { continue }
                bad.insert(String(scalar.value, radix: 16))
            }
        }
        #expect(bad.isEmpty, "\(what)", sourceLocation: location)
        #expect(
            !own.split(separator: "\n").contains { $0.hasPrefix("INJECTED") }, "\(what)",
            sourceLocation: location)
        #expect(own.contains("INJECTED"), "\(what) does not show it", sourceLocation: location)
    }

    @Test("text, Markdown and HTML of a plan show them and obey none")
    func plan() {
        for style in [Style.plain, .colored] {
            expectHarmless(
                PlanText.render(Self.plan, in: Self.topology, style: style), "text, \(style)")
        }
        let parts = [PlanJSON.Part(plan: Self.plan, topology: Self.topology)]
        let markdown = PlanMarkdown.render(parts)
        expectHarmless(markdown, "Markdown")
        // The cluster's name is code, which holds no markup but its own end.
        let lines = markdown.split(separator: "\n")
        #expect(lines.first?.count(where: { $0 == "`" }) == 2)
        let rest = lines.dropFirst().joined(separator: "\n")
        #expect(!rest.contains("<script"))
        #expect(!rest.contains("](java"))
        let page = PlanHTML.render(parts)
        expectHarmless(page, "HTML")
        #expect(!page.contains("<script"))
        #expect(!page.contains("</td><script"))
    }

    @Test("progress of a run, in a pipe and on a terminal, and its end obey none")
    func progress() {
        let names = StepNames(Self.plan, in: Self.topology)
        for style in [Style.plain, .colored] {
            let lines = ProgressLines(names: names, style: style)
            let plain = Self.events.compactMap { lines.line(for: $0, at: .seconds(1)) }
            expectHarmless(plain.joined(separator: "\n"), "lines")
            #expect(plain.allSatisfy { !$0.contains("\n") })
            var live = LiveProgress(names: names, style: style)
            let drawn = Self.events.map { live.handle($0, at: .seconds(1), columns: 5000) }
            expectHarmless(drawn.joined(), "live")
            expectHarmless(ReportText.render(Self.report, names: names, style: style), "report")
        }
    }

    @Test("what differs from a reviewed plan obeys none")
    func comparison() throws {
        var other = Self.plan
        other.steps.removeLast()
        other.steps[0].causes = [.field(Self.poison, from: "a", to: Self.poison)]
        let lines = PlanComparison.differences(
            reviewed: ReviewedPlan(other, in: Self.topology),
            current: ReviewedPlan(Self.plan, in: Self.topology)
        ).map(\.line)
        #expect(lines.count > 1)
        expectHarmless(lines.joined(separator: "\n"), "comparison")
    }

    @Test("JSON has them exactly, and escaped")
    func json() throws {
        let text = PlanJSON.render([PlanJSON.Part(plan: Self.plan, topology: Self.topology)])
        let facts = ApplyRecord.Facts(
            apply: "a-1", cluster: Self.poison, plan: "ab", stepCount: 1, who: Self.poison,
            actor: Self.poison, startedAt: "2026-11-24T15:20:01Z", manifestDigest: "ab",
            commit: Self.poison, version: "0.1.0")
        let line = ApplyRecord(facts, report: Self.report, at: "2026-11-24T15:20:01Z")
            .json.canonicalText
        #expect(!line.contains("\n"))
        for json in [text, line] {
            // Tags lie beyond what JSON can escape in one piece; they are as they were.
            let seen = json.unicodeScalars.filter { $0.value < 0xe0000 }
            expectHarmless(
                String(String.UnicodeScalarView(seen)).replacing("\u{115f}", with: "")
                    .replacing("\u{3164}", with: ""), "JSON")
            let root = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
            #expect(root["cluster"]?.string == Self.poison)
        }
    }
}
