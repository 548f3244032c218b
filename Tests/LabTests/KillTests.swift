import Foundation
import Testing

extension LabTests {
    /// Real faults on real servers, each while an image update runs. Every test is a row, or several,
    /// of the table that is printed at the end.
    @Suite(
        .serialized, PrintsFaultTable(),
        .compactMapIssues { issue in
            FaultEvidence.keep(issue)
            return issue
        }
    ) struct FaultTests {}
}

/// When `apply` is killed.
struct KillPoint: Sendable, CustomTestStringConvertible {
    /// How far the step that just began has come.
    enum Depth: Sendable {
        /// Before its command is sent, or while it is.
        case atOnce
        /// The old container is down.
        case down
        /// The new container runs, and is not streaming yet.
        case replaced
        /// The old leader leads no more.
        case handedOver
    }
    var name: String
    var moment: Moment
    var depth = Depth.atOnce

    var testDescription: String { name }

    /// Those that leave most open behind them; half a minute each.
    static let few = all.filter {
        ["first replica down", "in the middle of the switchover", "old leader down"]
            .contains($0.name)
    }

    static let all: [KillPoint] = [
        KillPoint(name: "before any step", moment: Moment(word: "begin")),
        KillPoint(name: "as the first file is written", moment: .act("write compose.yaml")),
        KillPoint(name: "one file written", moment: .done("write compose.yaml")),
        KillPoint(name: "every file written", moment: .done("write compose.yaml", 3)),
        KillPoint(name: "as the first replica is recreated", moment: .act(": recreate on")),
        KillPoint(name: "first replica down", moment: .act(": recreate on"), depth: .down),
        KillPoint(
            name: "first replica's container new", moment: .act(": recreate on"), depth: .replaced),
        KillPoint(name: "first replica done", moment: .done(": recreate on")),
        KillPoint(name: "as the second replica is recreated", moment: .act(": recreate on", 2)),
        KillPoint(name: "second replica down", moment: .act(": recreate on", 2), depth: .down),
        KillPoint(
            name: "second replica's container new", moment: .act(": recreate on", 2),
            depth: .replaced),
        KillPoint(name: "second replica done", moment: .done(": recreate on", 2)),
        KillPoint(name: "as the switchover is asked for", moment: .act("switch over from")),
        KillPoint(
            name: "in the middle of the switchover", moment: .act("switch over from"),
            depth: .handedOver),
        KillPoint(name: "switchover done", moment: .done("switch over from")),
        KillPoint(name: "as the old leader is recreated", moment: .act(": recreate on", 3)),
        KillPoint(name: "old leader down", moment: .act(": recreate on", 3), depth: .down),
        KillPoint(
            name: "old leader's container new", moment: .act(": recreate on", 3), depth: .replaced),
        KillPoint(name: "every step done, before the last look", moment: .done(": recreate on", 3)),
    ]
}

extension LabTests.FaultTests {
    @Test(
        "SIGKILL of apply at any point: the next apply must finish the update",
        arguments: Faults.areAllWanted
            ? KillPoint.all.filter { Faults.isWanted($0.name) } : KillPoint.few)
    func kill(_ point: KillPoint) throws {
        try Staging.stage("SIGKILL: \(point.name)") { staging in
            let place = staging.place(of: point)
            let outcome = try staging.apply(at: point.moment) { child in
                try place?.waits(for: point.depth)
                child.kill()
            }
            #expect(outcome.status == SIGKILL, "\(outcome.text)")
            staging.outcome = "killed"
        }
    }
}

extension LabTests.FaultTests {
    @Test(
        "SIGKILL of every apply as soon as one step is done: the update must still come to its end")
    func killAgainAndAgain() throws {
        try Staging.stage("SIGKILL of apply after apply, at each one's first step", limit: 2) {
            staging in
            var kills = 0
            while kills < 12, try Matriarch.plan(staging.target).status == 2 {
                let killer = Killer()
                // The first step of Postgres, and not one of the files before it. The run is held at
                // its next line, so that no second step has begun.
                let child = try Matriarch.start(["apply", try staging.target.write(), "--yes"]) {
                    line in
                    if line.contains("done     postgres-") || line.contains("done     switch over")
                    {
                        killer.kill()
                    }
                }
                killer.child = child
                if child.wait().status == SIGKILL { kills += 1 }
            }
            #expect(kills >= 3)
            staging.outcome = "killed \(kills) times"
        }
    }
}

/// Kills a run whose first lines may come before its process is known here.
private final class Killer: @unchecked Sendable {
    // Safe: both are touched under the lock alone.
    private let lock = NSLock()
    private var isWanted = false
    private var known: Child?
    var child: Child? {
        get { lock.withLock { known } }
        set {
            lock.withLock {
                known = newValue
                if isWanted { known?.kill() }
            }
        }
    }
    func kill() {
        lock.withLock {
            isWanted = true
            known?.kill()
        }
    }
}

/// Where a step works, watched past the network.
struct Place: Sendable {
    var member: String
    var node: String
    var container: String

    func waits(for depth: KillPoint.Depth) throws {
        switch depth {
        case .atOnce: return
        case .down:
            // docker keeps what happened: it is down for less than a look takes on a busy machine.
            let since = Date().addingTimeInterval(-2).timeIntervalSince1970
            try Lab.until("\(member) is down") { try hasDied(since: since) }
        case .replaced:
            try Lab.until("\(member) is new") { try !["", container].contains(running()) }
        case .handedOver:
            try Lab.until("\(member) leads no more") {
                let host = Lab.addresses[node] ?? ""
                return try Lab.get("http://\(host):8008/primary").status != 200
            }
        }
    }

    /// - Parameter since: seconds since the epoch.
    private func hasDied(since: TimeInterval) throws -> Bool {
        let outcome = try run(
            "docker",
            [
                "exec", "matriarch-lab-\(node)", "docker", "events", "--since", "\(since)",
                "--until", "\(Date().timeIntervalSince1970)", "--format", "{{.ID}}",
                "--filter", "event=die", "--filter", "container=\(container)",
            ])
        return outcome.output.contains(container)
    }

    /// The id of the member's container that runs; empty when none does.
    private func running() throws -> String {
        let outcome = try run(
            "docker",
            [
                "exec", "matriarch-lab-\(node)", "docker", "ps", "-q", "--no-trunc", "--filter",
                "label=com.docker.compose.service=\(member)", "--filter", "status=running",
            ])
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

extension Staging {
    /// The member that a point is about; which replica goes first is the plan's to say.
    func place(of point: KillPoint) -> Place? {
        guard point.depth != .atOnce else { return nil }
        let member =
            point.depth == .handedOver || point.moment.occurrence == 3
            ? leader : replicas[point.moment.occurrence - 1]
        guard let node = nodes[member], let id = try? Lab.container(member, on: node) else {
            return nil
        }
        return Place(member: member, node: node, container: id)
    }
}
