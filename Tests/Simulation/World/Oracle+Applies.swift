import Cluster

/// S7: one apply at a time; S4: nothing done to what it could not look at.
extension Oracle {
    /// Called with every mutating command and request as it is sent.
    mutating func acts(_ number: Int, _ what: String, on node: NodeName, in world: World) {
        let now = world.now
        guard let controller = world.controllers[number] else { return }
        // Whoever lost a lock may act no more: its own next act would show here, with the other's.
        if let other = actor, other != number, let working = world.controllers[other],
            working.isActing, working.lostLocks.isEmpty
        {
            note("S7: \(what) by \(number) while \(other) is at work", at: now)
        }
        actor = number
        if let lost = controller.lostLocks.min(by: { $0.value < $1.value }),
            now - lost.value > Self.lockGrace
        {
            note("S7: \(what) \(now - lost.value) after the lock on \(lost.key) was lost", at: now)
        }
        // What it had asked for before may go on: its next act is what may not begin.
        if let known = controller.lossKnownSince {
            note("S7: \(what) \(now - known) after it was told that its lock is lost", at: now)
        }
        if controller.blind.contains(node) {
            note("S4: \(what) on \(node), which could not be looked at", at: now)
        }
    }

    /// Called as a member's container is made where there was none.
    mutating func memberIsMade(_ member: MemberName, in world: World) {
        guard let controller = actor.flatMap({ world.controllers[$0] }),
            let unseen = controller.blind.sorted().first
        else { return }
        let there = members(in: world)
        if there.count >= controller.staying.count {
            note(
                "S4: \(member) is made while \(unseen) could not be looked at, and there are"
                    + " \(there.count) members already", at: world.now)
        }
    }
}
