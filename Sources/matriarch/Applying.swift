import Adapters
import Cluster
import Effects
import Execution
import Observation
import Planning
import RemoteCommands
import Reporting

/// The apply of one cluster's plan, from the lock to the check afterwards.
struct Applying {
    let entry: ManifestFiles.Entry
    let secrets: Secrets
    let session: ActingSession
    /// What was shown.
    let shown: PlannedCluster
    let agreement: Agreement
    let accepted: Set<Hazard>
    let patience: Duration
    let style: Style
    /// Of this apply, for locks and histories.
    let identifier: String

    private var desired: Desired { entry.desired }

    /// What stands behind the plan that was shown.
    enum Agreement: Sendable {
        /// It was reviewed by itself before: that plan is applied, or nothing (S8).
        case reviewed
        /// A person said yes to it: that plan is applied, or nothing.
        case answered
        /// `--yes`: nobody looks, and whatever the manifest asks for by then is applied.
        case unattended
    }

    /// - Throws: 3 when it is refused, 4 when it stopped part-way, 1 when it was done and something
    ///   is left.
    func run() async throws {
        let covering = try await CoveringLock.acquire(
            on: reachableNodes(shown), lock: acquireLock, look: planAgain, reached: reachableNodes)
        guard let covering else {
            throw Failure(
                "\(desired.name): servers came while their locks were taken; nothing was changed"
                    .safeForTerminal, ending: .refused)
        }
        let lock = covering.lock
        do {
            try await runLocked(lock, covering.look)
        } catch {
            await lock.release()
            throw error
        }
        await lock.release()
    }

    /// - Parameter current: planned again under the lock.
    private func runLocked(_ lock: ClusterLock, _ current: PlannedCluster) async throws {
        if current.plan.isEmpty, agreement != .reviewed {
            try current.checkAllIsWell()
            return Console.write("Nothing is left to do: \(desired.name) was changed meanwhile.\n")
        }
        try Consent.check(current.plan, accepted: accepted)
        let wasShown = ReviewedPlan(shown.plan, in: shown.topology)
        if agreement != .unattended {
            try Consent.compare(reviewed: wasShown, current: current, what: "what was shown")
        } else if wasShown.differs(from: current) {
            Console.write(
                "Meanwhile the servers changed; this is applied instead.\n"
                    + PlanText.render(
                        current.plan, in: current.topology, observed: current.observed,
                        style: style))
        }
        let report = await perform(current, under: lock)
        Console.write(
            ReportText.render(
                report, names: StepNames(current.plan, in: current.topology), style: style))
        switch report.outcome {
        case .completed, .nothingToDo: try await checkNothingIsLeft()
        case .stopped, .interrupted:
            throw Failure("\(desired.name): the apply stopped part-way", ending: .stopped)
        }
    }

    private func planAgain() async throws -> PlannedCluster {
        let observed = await session.reading.observeAtRest(desired)
        return try PlannedCluster(desired, secrets, observed)
    }

    /// The run with its two records. Signals end nothing until both are written.
    private func perform(_ planned: PlannedCluster, under lock: ClusterLock) async -> Report {
        let interrupts = Interrupts()
        let facts = facts(of: planned)
        let history = RecordKeeping(
            shell: session.shell, nodes: lock.nodes, project: desired.project)
        await history.append(ApplyRecord(facts))
        let report = await drive(planned, under: lock, interrupts.stream)
        await history.append(ApplyRecord(facts, report: report, at: Moment.now.text))
        return withExtendedLifetime(interrupts) { report }
    }

    private func drive(
        _ planned: PlannedCluster, under lock: ClusterLock, _ interrupts: AsyncStream<Void>
    ) async -> Report {
        let display = ProgressDisplay(
            names: StepNames(planned.plan, in: planned.topology), style: style)
        let redactor = Redactor(secrets)
        let driver = Driver(
            shell: LockedShell(session.shell, under: lock, of: desired.project),
            web: LockedWeb(session.web, under: lock), time: SystemClock(),
            readings: ObserverReadings(session.reading.observer, topology: planned.topology),
            effects: ActionEffects(planned.proposal.blueprint)
        ) { display.show($0.redacted(by: redactor)) }
        let run = Run(
            plan: planned.plan, topology: planned.topology, judge: Judge(planned.topology))
        // Without the lock somebody else may be at work.
        let (withdrawals, withdrawal) = AsyncStream.makeStream(of: String.self)
        let watcher = Task {
            if let node = await lock.loss(time: SystemClock()) {
                withdrawal.yield(node.lockLost)
            }
        }
        defer { watcher.cancel() }
        display.begin()
        let report = await driver.drive(
            run, observed: planned.observed, interrupts: interrupts, withdrawals: withdrawals)
        display.end()
        return report.redacted(by: redactor)
    }

    /// After apply the plan is empty (S11): what is left is told.
    private func checkNothingIsLeft() async throws {
        let left = try await planAgain()
        Console.write(
            PlanText.render(
                left.plan, in: left.topology, observed: left.observed, style: style))
        guard left.plan.isEmpty else {
            throw Failure(
                "\(desired.name): every step succeeded, and the plan above is left; apply again, "
                    + "and report it if the same plan stays")
        }
        try left.checkAllIsWell()
    }

    // MARK: - Lock and history

    private func reachableNodes(_ planned: PlannedCluster) -> [NodeName] {
        desired.nodes.map(\.name).filter { planned.observed.nodes[$0]?.value != nil }
    }

    private func acquireLock(on nodes: [NodeName]) async throws(Failure) -> ClusterLock {
        let count = shown.plan.steps.count
        let plan = PlanIdentity.of(shown.plan, in: shown.topology)
        let owner = LockHolder(
            apply: identifier, who: Person.name, process: Person.process, since: Moment.now.text,
            purpose: "apply of \(desired.name) (\(count) \(count == 1 ? "step" : "steps"), "
                + "plan \(plan))")
        let waiting = LockWaiting(style: style)
        defer { waiting.end() }
        do throws(LockRefusal) {
            return try await ClusterLock.acquire(
                on: nodes, for: owner, project: desired.project, patience: patience,
                holder: session.holder, time: SystemClock()
            ) { waiting.show($0) }
        } catch {
            throw Failure(
                "\(desired.name): \(error.text)".safeForTerminal,
                ending: error.isTaken ? .refused : .error)
        }
    }

    private func facts(of planned: PlannedCluster) -> ApplyRecord.Facts {
        ApplyRecord.Facts(
            apply: identifier, cluster: desired.name.rawValue,
            plan: PlanIdentity.of(planned.plan, in: planned.topology),
            stepCount: planned.plan.steps.count, who: Person.name, actor: Person.actor,
            startedAt: Moment.now.text, manifestDigest: entry.digest,
            commit: Person.commit(in: entry.folder), version: Version.text)
    }
}

/// Writes records to the nodes, side by side. One that cannot be written is told, and is no failure
/// of the apply.
private struct RecordKeeping: Sendable {
    let shell: any NodeShell
    let nodes: [NodeName]
    let project: Project

    func append(_ record: ApplyRecord) async {
        guard let command = try? HistoryCommands.append(record.json, in: project) else { return }
        await withTaskGroup(of: Void.self) { group in
            for node in nodes {
                group.addTask {
                    let result = try? await shell.perform(command, on: node)
                    guard result?.succeeded != true else { return }
                    Console.complain(
                        ["warning: the history on \(node) could not be written".safeForTerminal])
                }
            }
        }
    }
}
