import Cluster
import Execution
import Observation
import Planning
import Rendering
import Reporting

/// One process of ours: `apply` of a manifest, from its first look to the end of its run, as the
/// program does it.
struct Process: Sendable {
    let desired: Desired
    let controller: Controller
    var judge: @Sendable (Topology) -> Judge = { Judge($0) }
    /// Hazards that a person accepts.
    var accepted = Set(Hazard.allCases)
    /// When it is killed, or interrupted.
    var killedAfter: Duration?
    var interruptedAfter: Duration?

    private let settling = Settling()

    private var world: Simulated { controller.world }
    private var time: VirtualTime { controller.world.time }

    struct End: Sendable, CustomStringConvertible {
        var blockers: [Blocker] = []
        var steps: [String] = []
        var report: Report?
        var failure: String?
        var blueprint: Blueprint?
        /// Something was left to come right by itself.
        var isPatient = false
        var isConverged: Bool { blockers.isEmpty && steps.isEmpty && failure == nil }
        var description: String {
            var text = failure.map { $0 + "; " } ?? ""
            for blocker in blockers {
                text += "blocked: \(blocker.object): \(blocker.seen); "
            }
            text += "steps: " + steps.joined(separator: " ")
            if let report { text += "; \(report.outcome)" }
            return text
        }
    }

    func run() async -> End {
        await withTaskGroup(of: End?.self) { group in
            group.addTask { await work() }
            if let killedAfter {
                group.addTask {
                    await time.sleep(for: killedAfter)
                    guard !Task.isCancelled else { return nil }
                    controller.die()
                    return End(failure: "killed")
                }
            }
            var end: End?
            while end == nil, let next = await group.next() { end = next }
            group.cancelAll()
            await group.waitForAll()
            controller.ends()
            return end ?? End(failure: "it came to nothing")
        }
    }

    private var owner: LockHolder {
        LockHolder(
            apply: "apply-\(controller.number)", who: "ada@laptop", process: controller.number,
            since: "2026-11-18T11:06:40Z", purpose: "apply of \(desired.name)")
    }

    private func work() async -> End {
        var end = End()
        do {
            let shown = try await look()
            end.blueprint = shown.proposal.blueprint
            end.blockers = shown.proposal.plan.blockers
            end.isPatient = shown.proposal.plan.notes.contains {
                switch $0 {
                case .advice(let text), .down(_, let text): text.contains("; left alone")
                default: false
                }
            }
            end.steps = shown.proposal.plan.steps.map { $0.told }
            guard end.blockers.isEmpty, !end.steps.isEmpty else { return end }
            let hazards = shown.proposal.plan.hazards
            let refused = hazards.subtracting(accepted)
            guard refused.isEmpty else {
                end.failure = "refused: not accepted: \(refused.sorted().map(\.rawValue))"
                return end
            }
            controller.mayRisk(
                risks(of: shown.proposal.plan),
                forMembers: Set(shown.proposal.topology.members.map(\.name)))
            let nodes = desired.nodes.map(\.name).filter { shown.observed.nodes[$0]?.value != nil }
            let lock: ClusterLock
            do throws(LockRefusal) {
                lock = try await ClusterLock.acquire(
                    on: nodes, for: owner, project: desired.project, patience: .seconds(20),
                    holder: controller, time: time
                ) { _ in }
            } catch {
                end.failure = error.text
                return end
            }
            let current = try await look(again: shown)
            if current.proposal.plan.steps == shown.proposal.plan.steps,
                current.proposal.plan.blockers.isEmpty
            {
                end.report = await perform(current, under: lock)
            } else {
                end.failure = "refused: the plan is another by now"
            }
            await lock.release()
        } catch {
            end.failure = "\(error)"
        }
        return end
    }

    private var observer: Observer {
        Observer(nodes: controller, web: controller, parser: RememberingParser(world))
    }

    private struct Look: Sendable {
        var observed: Observed
        var proposal: Proposal
        /// What of the world it shows.
        var sight: Int?
        var at: Duration
        var took: Duration
    }

    private func look(again last: Look? = nil) async throws -> Look {
        let (sight, began) = (controller.sight(), time.now)
        let observed: Observed
        if let last, let sight, last.sight == sight {
            // It would be the same, later.
            await time.sleep(for: last.took)
            observed = last.observed.later(by: (began - last.at).components.seconds)
        } else {
            observed = await settling.look(time: time) { motion in
                world.look { $0.tell("\(controller.number) waits: \(motion)") }
            } observe: {
                await observer.observe(desired)
            }
        }
        let proposal = try Planner.propose(
            desired: desired, secrets: Shape.secrets, observed: observed)
        controller.isBlind(
            to: desired.nodes.map(\.name).filter { observed.nodes[$0]?.value == nil })
        let (plan, topology) = (proposal.plan, proposal.topology)
        if last?.proposal.plan != plan {
            check("the plan's text", PlanText.render(plan, in: topology, observed: observed))
            check("the plan's JSON", PlanJSON.render(plan, in: topology))
        }
        world.look { world in
            world.tell(
                "\(controller.number) plans \(plan.steps.map(\.told)) blocked by"
                    + " \(plan.blockers.map { "\($0.object): \($0.seen)" })")
        }
        return Look(
            observed: observed, proposal: proposal,
            sight: sight == controller.sight() ? sight : nil,
            at: began, took: time.now - began)
    }

    /// Whose going down, or whose data, its hazards are about.
    private func risks(of plan: Plan) -> [String: Set<ServiceName>] {
        var risks: [String: Set<ServiceName>] = [:]
        for step in plan.steps {
            guard let service = step.action.stoppedService else { continue }
            for hazard in step.hazards { risks[hazard.rawValue, default: []].insert(service) }
        }
        return risks
    }

    /// What people and the history keep of it.
    private func checkRecord(of report: Report, _ names: StepNames) {
        check("the report", ReportText.render(report, names: names))
        let facts = ApplyRecord.Facts(
            apply: owner.apply, cluster: desired.name.rawValue, plan: "", stepCount: 0,
            who: owner.who, actor: nil, startedAt: owner.since, manifestDigest: "", commit: nil,
            version: "")
        let record = ApplyRecord(facts, report: report, at: owner.since)
        check("the history", record.json.canonicalText)
    }

    private func check(_ place: String, _ text: String) {
        guard Leak.isIn(text) else { return }
        world.look { Leak.look(for: place, in: text, &$0) }
    }

    private func perform(_ look: Look, under lock: ClusterLock) async -> Report {
        world.look { $0.oracle.switchoverIsSettled() }
        let actions = Dictionary(
            uniqueKeysWithValues: look.proposal.plan.steps.map { ($0.id, $0.action) })
        let topology = look.proposal.topology
        let names = StepNames(look.proposal.plan, in: topology)
        let lines = ProgressLines(names: names)
        let driver = Driver(
            shell: LockedShell(controller, under: lock, of: desired.project),
            web: LockedWeb(controller, under: lock), time: time,
            readings: StillReadings(ObserverReadings(observer, topology: topology), controller),
            effects: RecordedEffects(look.proposal.blueprint, controller), executor: time
        ) { event in
            if let line = lines.line(for: event, at: time.now) { check("a line of progress", line) }
            world.look { world in
                world.tell("\(controller.number): \(event)")
                if case .stepFinished(let id, let outcome, _) = event, let action = actions[id] {
                    world.isTold(outcome, of: action, in: topology)
                }
            }
            if case .runFinished(let report) = event { checkRecord(of: report, names) }
        }
        let (interrupts, interrupt) = AsyncStream.makeStream(of: Void.self)
        let (withdrawals, withdrawal) = AsyncStream.makeStream(of: String.self)
        let run = Run(plan: look.proposal.plan, topology: topology, judge: judge(topology))
        return await withTaskGroup(of: Report?.self) { group in
            group.addTask {
                await driver.drive(
                    run, observed: look.observed, interrupts: interrupts, withdrawals: withdrawals)
            }
            group.addTask {
                // Without the lock somebody else may be at work.
                if let node = await lock.loss(time: time) { withdrawal.yield(node.lockLost) }
                return nil
            }
            if let interruptedAfter {
                group.addTask {
                    await time.sleep(for: interruptedAfter)
                    if !Task.isCancelled { interrupt.yield() }
                    return nil
                }
            }
            var report: Report?
            for await result in group where result != nil {
                report = result
                interrupt.finish()
                withdrawal.finish()
                group.cancelAll()
            }
            return report ?? Report(outcome: .interrupted, steps: [], duration: .zero)
        }
    }
}

extension Step {
    /// In a line, for people who look into a seed.
    fileprivate var told: String { "\(id) (\(causes.first.map { "\($0)" } ?? ""))" }
}

extension Action {
    /// Whom it stops.
    fileprivate var stoppedService: ServiceName? {
        switch self {
        case .recreateContainer(let address), .restartContainer(let address): address.service
        case .recreateMember(let name), .restartMember(let name), .restartPostgres(let name),
            .removeMember(let name, _, _, _), .reinitialize(let name):
            name.service
        default: nil
        }
    }
}
