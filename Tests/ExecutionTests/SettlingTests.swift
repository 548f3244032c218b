import Cluster
import Execution
import Planning
import Synchronization
import Testing

/// A plan that is to be applied is made of a cluster at rest, where that comes within a moment.
@Suite struct SettlingTests {
    private final class Looks: Sendable {
        private let states: Mutex<[MemberState]>
        private let count = Mutex(0)
        let words = Mutex<[String]>([])
        init(_ states: [MemberState]) { self.states = Mutex(states) }

        var taken: Int { count.withLock { $0 } }

        /// The last state goes on for ever.
        func next() -> Observed {
            count.withLock { $0 += 1 }
            let state = states.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
            return Observed(members: [
                "pg-1": .known(PatroniMember(role: .leader, state: .running)),
                "pg-2": .known(PatroniMember(role: .replica, state: state)),
            ])
        }
    }

    private func look(
        _ states: [MemberState], _ settling: Settling = Settling()
    ) async -> (Looks, Observed, Duration) {
        let (looks, time) = (Looks(states), StepTime())
        let seen = await settling.look(time: time) { word in
            looks.words.withLock { $0.append(word) }
        } observe: {
            looks.next()
        }
        return (looks, seen, time.now)
    }

    @Test("what is at rest must be looked at once")
    func rest() async {
        let (looks, _, waited) = await look([.running])
        #expect(looks.taken == 1)
        #expect(waited == .zero)
    }

    @Test("who stops and starts must be seen as it is afterwards, and told once each")
    func passes() async {
        let (looks, seen, _) = await look([.stopping, .stopping, .starting, .starting, .running])
        #expect(seen.members["pg-2"]?.value?.state == .running)
        #expect(looks.words.withLock { $0 } == ["pg-2 is stopping", "pg-2 is starting"])
    }

    @Test("who starts for ever must not be waited for for ever, nor a second time")
    func bounded() async {
        let settling = Settling()
        let (_, seen, waited) = await look([.starting], settling)
        #expect(seen.members["pg-2"]?.value?.state == .starting)
        #expect(waited >= Motion.patience(seen))
        #expect(waited < Motion.patience(seen) * 2)
        let (looks, _, again) = await look([.starting], settling)
        #expect(looks.taken == 1)
        #expect(again == .zero)
    }
}
