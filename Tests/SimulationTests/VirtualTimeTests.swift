import Synchronization
import Testing

@testable import simulate

@Suite("Virtual time")
struct VirtualTimeTests {
    @Test("moves only when everything sleeps, in the order of the sleepers")
    func order() {
        let time = VirtualTime()
        let order = time.run {
            let log = Log()
            await withDiscardingTaskGroup { group in
                for pause in [3, 1, 2] {
                    group.addTask {
                        await time.sleep(for: .seconds(pause))
                        log.add("\(pause) at \(time.now)")
                    }
                }
            }
            return log.lines.withLock { $0 }
        }
        #expect(order == ["1 at 1.0 seconds", "2 at 2.0 seconds", "3 at 3.0 seconds"])
    }

    @Test("ends a cancelled sleep at once")
    func cancellation() {
        let time = VirtualTime()
        let now = time.run {
            await withDiscardingTaskGroup { group in
                group.addTask { await time.sleep(for: .seconds(100)) }
                group.addTask { await time.sleep(for: .seconds(1)) }
                await time.sleep(for: .milliseconds(500))
                group.cancelAll()
            }
            return time.now
        }
        #expect(now == .milliseconds(500))
    }

    @Test("says when everything waits for what will not come")
    func deadlock() {
        let time = VirtualTime()
        let (stream, mailbox) = AsyncStream.makeStream(of: Int.self)
        let got = time.run {
            for await value in stream { return value }
            return 0
        }
        #expect(got == nil)
        mailbox.finish()
    }
}

final class Log: Sendable {
    let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
}
