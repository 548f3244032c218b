import Glibc

/// What a connection does when the loop wakes it.
extension SSHConnection {
    nonisolated func collect(into polls: PollSet) -> ContinuousClock.Instant? {
        assumeIsolated { $0.collectIsolated(into: polls) }
    }

    nonisolated func act(on polls: PollSet) {
        assumeIsolated { connection in
            connection.learn(from: polls)
            connection.turn()
        }
    }

    private func collectIsolated(into polls: PollSet) -> ContinuousClock.Instant? {
        pollIndex = nil
        if wantsTurn {
            wantsTurn = false
            return .now
        }
        if let step {
            var events = step.events
            if let session, session.isBlockedSending { events |= POLLOUT }
            polls.add(step.descriptor.number, Int16(events))
            return step.deadline
        }
        guard isReady, let session else { return nil }
        let events = holder == nil ? POLLIN : POLLIN | POLLOUT
        pollIndex = polls.add(session.socket.number, Int16(events))
        var earliest = lastAsked + Self.silenceBeforeAsking
        for pump in pumps {
            pump.pollIndex = pump.localEvents.map { local in
                let events =
                    (local.events & 1 != 0 ? POLLIN : 0) | (local.events & 2 != 0 ? POLLOUT : 0)
                return polls.add(local.descriptor, Int16(events))
            }
            if let deadline = pump.deadline, !pump.isAbandoned, deadlineCounts(pump) {
                earliest = min(earliest, deadline)
            }
            if let beat = pump.nextBeat, pump.phase == .open { earliest = min(earliest, beat) }
        }
        for pump in waiting {
            if let deadline = pump.deadline { earliest = min(earliest, deadline) }
        }
        return earliest
    }

    /// A forward has a limit for being opened only.
    private func deadlineCounts(_ pump: Pump) -> Bool { pump.isCommand || pump.phase == .opening }

    private func learn(from polls: PollSet) {
        for pump in pumps {
            guard let index = pump.pollIndex else { continue }
            if polls.happened(at: index) & Int16(POLLHUP | POLLERR) != 0 { pump.localHungUp() }
            pump.pollIndex = nil
        }
    }

    func turn() {
        if step != nil {
            advanceStep()
            if let step, step.deadline <= .now { endStep(.timedOut(operation: step.operation)) }
            return
        }
        guard isReady, let session else { return }
        let now = ContinuousClock.now
        for pump in pumps { pump.beatIfDue(now) }
        do throws(SSHError) {
            // Any call may have read what another channel waits for: until nothing moves and
            // nothing was received in a whole pass.
            for round in 1... {
                let before = session.received
                let moved = try pass(session)
                if !moved && session.received == before { break }
                if round == 64 {
                    wantsTurn = true
                    break
                }
            }
            try expire(session)
        } catch {
            fail(error)
        }
    }

    private func pass(_ session: Session) throws(SSHError) -> Bool {
        var moved = false
        if let holder {
            moved = try holder.advance(on: session)
            if holder.isHolding { return moved }
            self.holder = nil
        }
        if !pumps.contains(where: { $0.phase == .opening }), let next = nextToOpen() {
            pumps.append(next)
        }
        for pump in pumps {
            if try pump.advance(on: session) { moved = true }
            if pump.isHolding {
                holder = pump
                return moved
            }
        }
        settleRefusals()
        pumps.removeAll { $0.phase == .over }
        // Turns of service go round.
        if pumps.count > 1 { pumps.append(pumps.removeFirst()) }
        return moved
    }

    private func nextToOpen() -> Pump? {
        let commands = pumps.count(where: \.isCommand)
        guard let index = waiting.firstIndex(where: { !$0.isCommand || commands < mostCommands })
        else { return nil }
        return waiting.remove(at: index)
    }

    /// A server may allow fewer sessions than sshd's default: then ours wait for each other.
    private func settleRefusals() {
        for pump in pumps where pump.openFailure != nil {
            let others = pumps.count { $0.isCommand && $0 !== pump && $0.phase != .over }
            if pump.isCommand && others > 0 && !pump.isAbandoned {
                mostCommands = others
                pump.reopen()
                waiting.insert(pump, at: 0)
                pumps.removeAll { $0 === pump }
            } else {
                pump.reportOpenFailure()
            }
        }
    }

    private func expire(_ session: Session) throws(SSHError) {
        let now = ContinuousClock.now
        abandon(.timedOut(operation: "the command")) { pump in
            guard let deadline = pump.deadline, !pump.isAbandoned else { return false }
            return deadline <= now && (deadlineCounts(pump) || waiting.contains { $0 === pump })
        }
        if session.received != lastReceived {
            lastReceived = session.received
            lastHeard = now
            lastAsked = now
            unanswered = 0
        }
        guard holder == nil, lastAsked + Self.silenceBeforeAsking <= now else { return }
        guard unanswered < Self.mostUnanswered else {
            throw .silent(Self.silenceBeforeAsking * Self.mostUnanswered)
        }
        try session.keepAlive()
        lastAsked = now
        unanswered += 1
    }
}
