package import Cluster
package import Effects
package import Planning

/// Fresh readings for a run.
package protocol ReadingSource: Sendable {
    /// Reads exactly `needs` anew and leaves the rest of `observed` as it was. What could not be
    /// looked at says so in the result.
    func refresh(_ observed: Observed, _ needs: Set<ReadingNeed>) async -> Observed
    /// `needs`, and what else has to be read with them because of what is known so far.
    func complete(_ needs: Set<ReadingNeed>, knowing observed: Observed) -> Set<ReadingNeed>
}

/// Performs the orders of a `Run`: the short loop between the state machine and the world.
package struct Driver: Sendable {
    private let performer: Performer
    private let time: any Timekeeper
    private let readings: any ReadingSource
    private let effects: any EffectSource
    private let executor: (any TaskExecutor)?
    private let sink: @Sendable (Event) -> Void

    /// - Parameters:
    ///   - executor: where acts run; `nil`: wherever Swift runs tasks.
    ///   - sink: called with every event, in order, from one task.
    package init(
        shell: any NodeShell, web: any WebClient, time: any Timekeeper,
        readings: any ReadingSource, effects: any EffectSource,
        executor: (any TaskExecutor)? = nil, sink: @escaping @Sendable (Event) -> Void
    ) {
        performer = Performer(shell: shell, web: web)
        self.time = time
        self.readings = readings
        self.effects = effects
        self.executor = executor
        self.sink = sink
    }

    /// Runs to its end. `interrupts` brings an element for each request to stop: after the first,
    /// running steps end and nothing new starts; after the second it returns at once, and acts
    /// under way are neither awaited nor cancelled.
    ///
    /// - Parameters:
    ///   - observed: the whole observation that the plan was made from.
    ///   - withdrawals: brings a reason when nothing may be done any more: running steps end.
    package func drive(
        _ run: consuming Run, observed: Observed, interrupts: AsyncStream<Void>,
        withdrawals: AsyncStream<String> = AsyncStream { $0.finish() }
    ) async -> Report {
        var run = run
        var latest = observed
        let (inputs, mailbox) = AsyncStream.makeStream(of: Incoming.self)
        return await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in interrupts { mailbox.yield(.interrupted) }
            }
            group.addTask {
                for await reason in withdrawals { mailbox.yield(.withdrawn(reason)) }
            }
            var report = obey(run.start(at: time.now), latest, mailbox, &group)
            var incoming = inputs.makeAsyncIterator()
            while report == nil, let next = await incoming.next() {
                let input = next.input(updating: &latest)
                report = obey(run.handle(input, at: time.now), latest, mailbox, &group)
            }
            group.cancelAll()
            return report ?? run.abandon(at: time.now)
        }
    }

    private func obey(
        _ orders: [Run.Order], _ latest: Observed, _ mailbox: AsyncStream<Incoming>.Continuation,
        _ group: inout DiscardingTaskGroup
    ) -> Report? {
        var report: Report?
        for order in orders {
            switch order {
            case .emit(let event): sink(event)
            case .read(let id, let asked, let pause):
                let needs = readings.complete(asked, knowing: latest)
                group.addTask {
                    // As long as the run asks for: it says why (`Run.pause`).
                    if pause > .zero { await time.sleep(for: pause) }
                    let fresh = needs.isEmpty ? latest : await readings.refresh(latest, needs)
                    mailbox.yield(.read(id, needs, fresh))
                }
            case .act(let id, let action): act(id, action, latest, mailbox)
            case .finish(let final): report = final
            }
        }
        return report
    }

    /// In a task of its own, which no cancellation reaches: a mutating command is never cut short.
    private func act(
        _ id: StepID, _ action: Action, _ latest: Observed,
        _ mailbox: AsyncStream<Incoming>.Continuation
    ) {
        let sequence: [Effect]
        do throws(MissingFact) {
            sequence = try effects.effects(of: action, seeing: latest)
        } catch {
            mailbox.yield(.performed(id, .notStarted(error.text)))
            return
        }
        Task(executorPreference: executor) { [performer] in
            mailbox.yield(.performed(id, await performer.perform(sequence)))
        }
    }
}

private enum Incoming: Sendable {
    case read(StepID, Set<ReadingNeed>, Observed)
    case performed(StepID, ActOutcome)
    case interrupted
    case withdrawn(String)

    /// Only what was read anew replaces what was known: readings overtake each other.
    func input(updating latest: inout Observed) -> Run.Input {
        switch self {
        case .read(let id, let needs, let fresh):
            latest.take(needs, from: fresh)
            return .read(id, latest)
        case .performed(let id, let outcome): return .performed(id, outcome)
        case .interrupted: return .interrupted
        case .withdrawn(let reason): return .withdrawn(reason)
        }
    }
}

extension Observed {
    mutating func take(_ needs: Set<ReadingNeed>, from fresh: Observed) {
        for need in needs {
            switch need {
            case .patroni:
                members = fresh.members
                views = fresh.views
            case .node(let node): nodes[node] = fresh.nodes[node]
            case .etcd: etcd = fresh.etcd
            case .haproxy(let node): haproxy[node] = fresh.haproxy[node]
            case .configuration: configuration = fresh.configuration
            }
        }
    }
}
