import Cluster
import Execution
import Planning
import Synchronization

/// One story: a cluster in its declared shape, an edit of the manifest, a time in which things go
/// wrong, and a time in which they do not, at whose end the plan has to be empty.
struct ClusterSimulation: Sendable {
    let number: UInt64
    let story: Story
    /// The rules that runs obey; others than the tool's own show whether the oracle sees it.
    var judge: @Sendable (Topology) -> Judge = { Judge($0) }
    /// Rounds of plan and apply that the calm phase may need: one for a leader that came by itself, two
    /// for each try to mend a member (what has just been started is left alone for longer than a step
    /// may wait), of which there are three, one to go on, one for a preferred leader; and a plan.
    static let rounds = 10

    struct Ending: Sendable {
        /// What is wrong; empty when all is well.
        var problems: [String]
        /// What happened, where it was asked for.
        var trace: [String] = []
    }

    func play(from start: Start, isTold: Bool = false) -> Ending {
        let time = VirtualTime(startingAt: start.world.now)
        var world = start.world
        world.seed = Seed(number)
        let limit = story.desired.rollout.stepTimeout.components.seconds
        world.longestRewind = min(max(Int(limit) / 2 - 2, 5), 45)
        if isTold { world.story = [] }
        let simulated = Simulated(
            world, time: time, latency: story.latency, answers: start.answers)
        let problems =
            time.run { await self.perform(in: simulated) }
            ?? ["everything waits for something that will not come"]
        return Ending(problems: problems, trace: simulated.look { $0.story ?? [] })
    }

    private func perform(in world: Simulated) async -> [String] {
        world.look { story.prepare(&$0) }
        // What was done to it is no news any more when the tool looks.
        await world.time.sleep(for: story.rest)
        world.setFaults(story.faults)
        var log: [String] = []
        for round in 0..<story.rounds {
            let ends = await trouble(round, in: world)
            log += ends.map { "in trouble: \($0.description)" }
            let violations = world.look { $0.oracle.violations }
            guard violations.isEmpty else { return violations + log }
        }
        world.setFaults(Faults())
        world.look { $0.calm() }
        await world.time.sleep(for: .seconds(90))
        var complaints: [String] = []
        for round in 0..<Self.rounds {
            let controller = Controller(100 + round, in: world)
            let end = await Process(desired: story.desired, controller: controller, judge: judge)
                .run()
            log.append(end.description)
            let violations = world.look { $0.oracle.violations }
            guard violations.isEmpty else { return violations + log }
            await world.time.sleep(for: .seconds(15))
            guard end.isConverged, let blueprint = end.blueprint else { continue }
            // What an empty plan left to itself has come right by then.
            await world.time.sleep(for: .seconds(30))
            complaints = world.look { story.complaints(about: $0, blueprint) }
            if complaints.isEmpty { return [] }
            // A plan that says so looks again.
            if !end.isPatient { break }
        }
        if complaints.isEmpty {
            complaints = ["S11: the plan is not empty after \(Self.rounds) calm rounds"]
        }
        return complaints + [world.look { $0.description }] + log
    }

    private func trouble(_ round: Int, in world: Simulated) async -> [Process.End] {
        var processes = [process(2 * round, story.desired, in: world)]
        if let rival = story.rival { processes.append(process(2 * round + 1, rival, in: world)) }
        if round == 0, let sudden = story.sudden {
            Task(executorPreference: world.time) {
                await world.time.sleep(for: sudden.delay)
                world.look { sudden.happens(&$0) }
            }
        }
        return await withTaskGroup(of: Process.End.self) { group in
            for process in processes { group.addTask { await process.run() } }
            var ends: [Process.End] = []
            for await end in group { ends.append(end) }
            return ends
        }
    }

    private func process(_ number: Int, _ desired: Desired, in world: Simulated) -> Process {
        var process = Process(
            desired: desired, controller: Controller(number, in: world), judge: judge,
            accepted: story.accepted)
        world.look { world in
            if world.seed.oneIn(story.kills) {
                process.killedAfter = .milliseconds(world.seed.number(10...90_000))
            }
            if world.seed.oneIn(story.interrupts) {
                process.interruptedAfter = .milliseconds(world.seed.number(10...60_000))
            }
        }
        return process
    }

    /// The world at a story's start, by the tool's own hand and without faults.
    static func settled(_ shape: Shape) throws -> Start {
        let time = VirtualTime()
        let desired = shape.desired
        let world = Simulated(World(of: desired, seed: Seed(1)), time: time)
        if shape == .empty { return Start(world: world.look { $0 }) }
        let log = time.run { () async -> [String] in
            var log: [String] = []
            for round in 0..<3 {
                let end = await Process(
                    desired: desired, controller: Controller(round, in: world)
                ).run()
                log.append(end.description)
                if end.isConverged { return [] }
            }
            return log
        }
        guard log == [] else { throw Unsettled(log: log ?? ["deadlock"]) }
        return world.state.withLock { state in
            if shape == .byHand { state.world.becomeHandMade() }
            return Start(world: state.world, answers: state.answers)
        }
    }

    struct Unsettled: Error {
        var log: [String]
    }
}

/// A world at which stories start, and what was read of it.
struct Start: Sendable {
    var world: World
    var answers = AnswerCache()
}

/// The starts of stories, each made once.
struct Starts: Sendable {
    private var starts: [Shape: Start] = [:]

    init(_ shapes: [Shape] = Shape.allCases) throws {
        for shape in shapes { starts[shape] = try ClusterSimulation.settled(shape) }
    }

    subscript(_ shape: Shape) -> Start {
        guard let start = starts[shape] else { preconditionFailure("no start of \(shape)") }
        return start
    }
}
