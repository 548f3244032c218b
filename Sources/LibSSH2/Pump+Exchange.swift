/// Data in both directions, while a channel is open.
extension Pump {
    func exchange(on session: Session) throws(SSHError) -> Bool {
        guard let channel else { return false }
        var moved = false
        // A held call comes first, whichever it is.
        if unfinished == .write || unfinished == .end {
            moved = try send(channel, session)
            if isHolding { return moved }
        }
        if try receive(channel, session) { moved = true }
        if isHolding || phase != .open { return moved }
        if try send(channel, session) { moved = true }
        if isHolding { return moved }
        if channel.hasEnded && output.isEmpty == (local != nil) || channel.hasEnded && isCommand {
            if try conclude(channel, session) { moved = true }
        }
        return moved
    }

    /// A quantum a turn, so that one loud channel does not starve the others.
    private static let quantum = 32

    private func receive(_ channel: Channel, _ session: Session) throws(SSHError) -> Bool {
        var moved = false
        let streams: [Channel.Stream] =
            local != nil
            ? [.output] : unfinished == .read(.errors) ? [.errors, .output] : [.output, .errors]
        for stream in streams {
            for _ in 0..<Self.quantum {
                if local != nil {
                    if try flushToLocal() { moved = true }
                    if !output.isEmpty || wantsClose { return moved }
                }
                let got = try attempt(.read(stream), session) { () throws(SSHError) -> Int? in
                    let reading =
                        stream == .output
                        ? try channel.read(stream, appendingTo: &output)
                        : try channel.read(stream, appendingTo: &errors)
                    switch reading {
                    case .read(let count): return count
                    case .nothing: return 0
                    case .again: return nil
                    }
                }
                if isHolding { return moved }
                guard let got, got > 0 else { break }
                moved = true
                noticeFirstLine()
                if isCommand && output.count + errors.count > outputLimit {
                    abandon(.tooMuchOutput(limit: outputLimit))
                    return true
                }
            }
        }
        if local != nil, try flushToLocal() { moved = true }
        return moved
    }

    private func flushToLocal() throws(SSHError) -> Bool {
        guard let local, !output.isEmpty else { return false }
        switch local.send(output[...]) {
        case .moved(let count):
            output.removeFirst(count)
            return count > 0
        case .wouldBlock: return false
        case .ended, .failed:
            output = []
            wantsClose = true
            return true
        }
    }

    private func send(_ channel: Channel, _ session: Session) throws(SSHError) -> Bool {
        var moved = false
        for _ in 0..<Self.quantum {
            if inputOffset == input.count {
                guard try refill(channel, session) else { return moved }
                moved = true
                if endSent { return moved }
                continue
            }
            let chunk = input[inputOffset..<min(inputOffset + 32_000, input.count)]
            let taken = try attempt(.write, session) { () throws(SSHError) -> Int? in
                do throws(SSHError) { return try channel.write(chunk) } catch {
                    // The command ended, or closed its input, without reading all of it.
                    guard case .library(_, let code, _) = error, code == -26 || code == -27 else {
                        throw error
                    }
                    return chunk.count
                }
            }
            guard let taken, taken > 0 else { return moved }
            inputOffset += taken
            moved = true
        }
        return moved
    }

    /// More input from the local socket, or the end of the input passed on.
    private func refill(_ channel: Channel, _ session: Session) throws(SSHError) -> Bool {
        if hasWholeInput {
            guard !endSent else { return false }
            guard try attempt(.end, session, { () throws(SSHError) in try channel.sendEnd() })
            else { return false }
            endSent = true
            return true
        }
        guard let local else { return false }
        input.removeAll(keepingCapacity: true)
        inputOffset = 0
        switch local.read(appendingTo: &input, atMost: 1 << 16) {
        case .moved: return true
        case .wouldBlock: return false
        case .ended:
            hasWholeInput = true
            return true
        case .failed:
            hasWholeInput = true
            wantsClose = true
            return true
        }
    }

    /// The far side has ended its stream.
    private func conclude(_ channel: Channel, _ session: Session) throws(SSHError) -> Bool {
        if let local, !toldLocalEnd {
            local.endWriting()
            toldLocalEnd = true
            return true
        }
        if local != nil && endSent {
            phase = .closing
            return true
        }
        guard try attempt(.other, session, { () throws(SSHError) in try channel.waitClosed() })
        else { return false }
        if isCommand {
            finish(.success(answer(channel.ending)))
        }
        wantsClose = true
        phase = .freeing
        return true
    }
}
