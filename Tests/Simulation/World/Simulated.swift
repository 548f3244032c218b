import Cluster
import Effects
import RemoteCommands
import Synchronization

/// The world and its time, for all who look at it and act on it.
final class Simulated: Sendable {
    struct State {
        var world: World
        var faults = Faults()
        var late: [Late] = []
        /// When trouble comes next.
        var nextTrouble = Duration.zero
        /// When it strikes.
        var strikesAt: Duration?
        /// For readings: these go side by side, in an order that is not ours.
        let readings: Seed
        var answers: AnswerCache
    }
    struct Late {
        var due: Duration
        var node: NodeName
        var operation: Operation
        /// Who goes down by it.
        var member: MemberName?
    }

    let time: VirtualTime
    /// How long a probe takes.
    let latency: Duration
    let state: Mutex<State>

    init(
        _ world: World, time: VirtualTime, latency: Duration = .milliseconds(60),
        answers: AnswerCache = AnswerCache()
    ) {
        self.time = time
        self.latency = latency
        state = Mutex(State(world: world, readings: world.seed, answers: answers))
    }

    /// The world as it is now.
    func look<Result: Sendable>(_ body: (inout World) -> Result) -> Result {
        let now = time.now
        return state.withLock { state in
            Self.advance(&state, to: now)
            state.answers.forgetView()
            return body(&state.world)
        }
    }

    func setFaults(_ faults: Faults) {
        state.withLock { state in
            state.faults = faults
            state.nextTrouble = state.world.now
            Self.scheduleTrouble(&state)
        }
    }

    /// An act of ours is on its way that takes a member or the lead away.
    static func acts(_ state: inout State) {
        guard state.faults.isActive, var strike = state.faults.strike, strike.acts > 0 else {
            return
        }
        strike.acts -= 1
        if strike.acts == 0 { state.strikesAt = state.world.now + strike.delay }
        state.faults.strike = strike
    }

    private static func scheduleTrouble(_ state: inout State) {
        let ticks = state.world.seed.number(1...max(2, 2 * state.faults.ticks))
        state.nextTrouble += World.tick * ticks
    }

    static func advance(_ state: inout State, to now: Duration) {
        while true {
            let late = state.late.map(\.due).min()
            let trouble = state.faults.isActive ? state.nextTrouble : nil
            let strike = state.faults.isActive ? state.strikesAt : nil
            let limit = [late, trouble, strike].compactMap { $0 }.reduce(now) { min($0, $1) }
            state.world.advance(to: max(limit, state.world.now))
            let reached = max(limit, state.world.now)
            var isOver = true
            if let strike, strike <= reached {
                state.strikesAt = nil
                state.world.trouble(only: state.faults.strike?.kind)
                isOver = false
            }
            if let trouble, trouble <= reached {
                state.world.trouble(mostly: state.faults.theme)
                scheduleTrouble(&state)
                isOver = false
            }
            if let late, late <= reached {
                let due = state.late.filter { $0.due <= reached }
                state.late.removeAll { $0.due <= reached }
                for late in due { state.world.working[late.node, default: 1] -= 1 }
                for member in due.compactMap(\.member) { state.world.oracle.isOver(for: member) }
                for late in due where state.world.servers[late.node]?.isUp == true {
                    state.world.tell("late: \(late.operation.told)")
                    _ = state.world.perform(late.operation, on: late.node)
                }
                isOver = false
            }
            if isOver { return }
        }
    }
}
