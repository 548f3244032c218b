package import Cluster
import Observation

/// Who holds the lock of a cluster, for whoever finds it taken.
package struct LockHolder: Equatable, Sendable {
    /// Different for each apply; one word.
    package var apply: String
    /// `user@host`
    package var who: String
    /// The process on that host.
    package var process: Int
    /// When it got the lock, as ISO 8601 in UTC.
    package var since: String
    /// Why: what it does, `apply of shop (12 steps, plan 1f9a3c0b12ab)`.
    package var purpose: String

    package init(apply: String, who: String, process: Int, since: String, purpose: String) {
        self.apply = apply
        self.who = who
        self.process = process
        self.since = since
        self.purpose = purpose
    }

    /// One line.
    var line: String {
        JSONValue.object([
            "apply": .string(apply), "who": .string(who), "pid": .int(Int64(process)),
            "since": .string(since), "purpose": .string(purpose),
        ]).canonicalText
    }

    /// - Parameter record: the three lines that are kept on a node: the apply's id, the process on
    ///   the node, and what it told of itself. `nil` where they say nothing.
    package init?(record: some Sequence<UInt8>) {
        // More than any holder writes.
        let lines = String(decoding: Array(record.prefix(1 << 16)), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, !lines[0].isEmpty,
            let told = try? JSONText.value(of: lines[2].utf8)
        else { return nil }
        var process = 0
        if case .int(let number) = told["pid"] { process = Int(clamping: number) }
        func word(_ key: String) -> String? { told[key]?.string?.cut(toBytes: 1024) }
        self.init(
            apply: String(lines[0]), who: word("who") ?? "somebody", process: process,
            since: word("since") ?? "some time", purpose: word("purpose") ?? "")
    }

    /// For people: `ada@laptop (process 4711) since 2026-11-24T18:21:33Z: apply of shop`.
    package var text: String {
        let words = purpose.isEmpty ? "" : ": \(purpose)"
        return "\(who) (process \(process)) since \(since)\(words)"
    }
}

/// What keeps an apply from the lock of a node.
package enum LockObstacle: Equatable, Sendable {
    /// `nil`: whoever holds it left no record.
    case held(by: LockHolder?)
    /// The holder is gone; commands that it had started still run. Each as process and summary.
    case working([String])

    /// For people, after the name of the node.
    package var text: String {
        switch self {
        case .held(let holder): "is held by \(holder?.text ?? "somebody who left no record")"
        case .working(let commands):
            "is not free yet: commands of an earlier apply still run there"
                + (commands.isEmpty ? "" : " (\(commands.joined(separator: "; ")))")
        }
    }
}

extension LockObstacle {
    /// What to do where waiting does not help.
    package func advice(on node: NodeName) -> String {
        switch self {
        case .held: "if its holder hangs: matriarch unlock"
        case .working(let commands):
            // Its shell and what that has begun are one group of processes.
            if let process = commands.first?.prefix(while: \.isNumber), !process.isEmpty {
                "if it hangs, end it on \(node): pkill -g $(ps -o pgid= \(process)); what docker or"
                    + " Postgres was asked for goes on"
            } else {
                "if it hangs, see what it is on \(node): fuser -v .matriarch.work in the project's"
                    + " directory"
            }
        }
    }
}

/// An apply waits for the lock of a node.
package struct LockWait: Equatable, Sendable {
    package var node: NodeName
    package var obstacle: LockObstacle
    package var waited: Duration
    package var patience: Duration
    package init(node: NodeName, obstacle: LockObstacle, waited: Duration, patience: Duration) {
        self.node = node
        self.obstacle = obstacle
        self.waited = waited
        self.patience = patience
    }
}

/// Why the lock was not had, for people.
package struct LockRefusal: Error, Equatable, Sendable {
    package var text: String
    /// Somebody else has it; else it could not be asked for.
    package var isTaken: Bool
    package init(_ text: String, isTaken: Bool = false) {
        self.text = text
        self.isTaken = isTaken
    }

    init(_ wait: LockWait) {
        let waited = wait.waited < .seconds(1) ? "" : "; waited \(wait.waited.wholeText) for it"
        self.init(
            "the lock on \(wait.node) \(wait.obstacle.text)\(waited). Wait until that has ended, or "
                + "longer with --lock-timeout; \(wait.obstacle.advice(on: wait.node))",
            isTaken: true)
    }
}

extension Duration {
    /// `90s`, `15m`, without fractions.
    fileprivate var wholeText: String { Duration.seconds(components.seconds).text }
}
