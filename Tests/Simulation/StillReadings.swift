import Cluster
import Execution
import Observation
import Planning
import Synchronization

/// A run's readings, which a world that has not changed is not asked for twice: they would be the
/// same bytes and the same values. They take the time that they took before.
///
/// A run that waits looks five times a second, so nearly all that it reads is such a repetition.
/// What is read first, and whatever has changed since, comes through the real parsers.
struct StillReadings: ReadingSource {
    private let base: ObserverReadings
    private let controller: Controller
    private let memory = Memory()

    private final class Memory: Sendable {
        let readings = Mutex<[Set<ReadingNeed>: Remembered]>([:])
        /// When each node was last seen, by the world's own count of changes.
        let nodes = Mutex<[NodeName: Int]>([:])
    }

    private struct Remembered: Sendable {
        var sight: Int
        var nodes: [NodeName: Int]
        var took: Duration
        var observed: Observed
    }

    init(_ base: ObserverReadings, _ controller: Controller) {
        self.base = base
        self.controller = controller
    }

    func complete(
        _ needs: Set<ReadingNeed>, knowing observed: Observed
    ) -> Set<ReadingNeed> { base.complete(needs, knowing: observed) }

    func refresh(_ observed: Observed, _ needs: Set<ReadingNeed>) async -> Observed {
        let world = controller.world
        let sight = controller.sight()
        let nodes = memory.nodes.withLock { $0 }
        if let sight, let known = memory.readings.withLock({ $0[needs] }), known.sight == sight,
            known.nodes == nodes
        {
            await world.time.sleep(for: known.took)
            return known.observed
        }
        let began = world.time.now
        let revision = world.look { $0.revision }
        let fresh = await base.refresh(observed, needs)
        let end = controller.sight()
        memory.nodes.withLock { nodes in
            for case .node(let node) in needs { nodes[node] = revision }
        }
        guard let sight, sight == end else { return fresh }
        let known = Remembered(
            sight: sight, nodes: memory.nodes.withLock { $0 }, took: world.time.now - began,
            observed: fresh)
        memory.readings.withLock { $0[needs] = known }
        return fresh
    }
}

extension Controller {
    /// What a look at the world would show; `nil` where that changes by time alone, or where
    /// something may go wrong on the way this time.
    func sight() -> Int? {
        let now = world.time.now
        return world.state.withLock { state in
            Simulated.advance(&state, to: now)
            guard state.world.controllers[number]?.isAlive == true else { return nil }
            if state.faults.isActive,
                state.readings.draw(
                    oneIn: max(2, state.faults.readings / 10), for: "a look", at: now)
                    != nil
            {
                return nil
            }
            return state.world.sight
        }
    }
}

extension World {
    /// The same for worlds whose answers are the same but for the time of day.
    var sight: Int? {
        guard isolated.isEmpty, ghosts.isEmpty, !mute.values.contains(where: { $0 > now }),
            hasQuorum,
            now - dcs.configurationChangedAt > .seconds(3)
        else {
            return nil
        }
        var hasher = Hasher()
        hasher.combine(revision)
        hasher.combine(dcs.leader)
        hasher.combine(dcs.sync)
        hasher.combine(dcs.timeline)
        hasher.combine(dcs.isPaused)
        hasher.combine(dcs.isInitialized)
        hasher.combine(dcs.configurationChangedAt)
        hasher.combine(dcs.switchover?.isScheduled)
        hasher.combine(dcs.members.keys)
        for member in instances.keys {
            guard let instance = instances[member] else { continue }
            hasher.combine(member)
            hasher.combine(instance.node)
            hasher.combine(instance.activity)
            hasher.combine(instance.lag)
            hasher.combine(instance.applied == dcs.wanted)
            if let mood = moods[member], mood.until > now { hasher.combine(mood.until) }
        }
        return hasher.finalize()
    }
}

extension Observed {
    /// The same on every clock so many seconds later.
    func later(by seconds: Int64) -> Observed {
        var result = self
        for (node, reading) in nodes {
            guard case .known(var seen) = reading else { continue }
            seen.clock = seen.clock.map { $0 + seconds }
            result.nodes[node] = .known(seen)
        }
        for (member, reading) in members {
            guard case .known(var answer) = reading else { continue }
            answer.answeredAt = answer.answeredAt.map { $0 + seconds }
            answer.dcsLastSeen = answer.dcsLastSeen.map { $0 + seconds }
            result.members[member] = .known(answer)
        }
        return result
    }
}
