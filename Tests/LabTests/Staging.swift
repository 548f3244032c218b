import Foundation
import Testing

/// One fault on the three servers while an image update is applied: a writer runs through HAProxy, a
/// witness watches, and afterwards plan and apply must reach the end.
final class Staging {
    /// The whole cluster runs one image and this declares the other.
    let target: Manifest
    /// The image that is updated to, as `spilo-17:4.0-p3`.
    let image: String
    let leader: String
    /// The member that is recreated first, and the one after it.
    let replicas: [String]
    let nodes: [String: String]
    private let fault: String
    private let writer: Writer
    private let witness: Witness
    private var outcomes: [String] = []

    static let images = ["spilo-17:4.0-p2", "spilo-17:4.0-p3"]
    static let servers = ["node-1", "node-2", "node-3"]

    /// Stages a fault and checks what holds after every one: nothing lost, the oath kept, the end
    /// reached within `limit` applies.
    static func stage(
        _ fault: String, limit: Int = 1, isSynchronous: Bool = false,
        location: SourceLocation = #_sourceLocation,
        edit: (Manifest) throws -> Manifest = { $0 }, _ body: (Staging) throws -> Void
    ) throws {
        FaultEvidence.begin(fault)
        let staging = try Staging(fault, isSynchronous: isSynchronous, edit)
        do {
            try body(staging)
        } catch {
            mendAll()
            throw error
        }
        try staging.conclude(limit: limit, location: location)
    }

    private init(
        _ fault: String, isSynchronous: Bool, _ edit: (Manifest) throws -> Manifest
    ) throws {
        self.fault = fault
        var current = try Self.ready()
        if isSynchronous {
            current = try Self.synchronous(current)
            try Matriarch.apply(current)
            try Lab.until("somebody is a synchronous standby") {
                try Lab.cluster().values.contains { $0.role == "sync_standby" }
            }
        }
        let images = current.text.contains(Self.images[0]) ? Self.images : Self.images.reversed()
        image = images[1]
        target = try edit(try current.replacing(images[0], images[1]))
        let seen = try Lab.cluster()
        let old = try Lab.leader()
        let others = seen.keys.filter { $0 != old }.sorted()
        let places = try seen.mapValues { member in
            guard let node = Lab.addresses.first(where: { $0.value == member.host })?.key else {
                throw LabFailure("no server has \(member.host)")
            }
            return node
        }
        leader = old
        replicas = others
        nodes = places
        // The leader's server last: what kills it finds the writer elsewhere.
        let hosts = (others + [old]).compactMap { places[$0].flatMap { Lab.addresses[$0] } }
        writer = try Writer(hosts: hosts)
        witness = try Witness()
    }

    /// Patroni's default may lose what a leader that nobody else reaches confirms.
    private static func synchronous(_ manifest: Manifest) throws -> Manifest {
        try manifest.replacing(
            "  configuration:\n", "  configuration:\n    synchronous_mode: true\n")
    }

    /// For faults that outlast any patience.
    static func impatient(_ manifest: Manifest) throws -> Manifest {
        try manifest.replacing("stepTimeout: 5m", "stepTimeout: 40s")
    }

    /// A healthy cluster that is as declared, whatever came before; gives its manifest.
    private static func ready() throws -> Manifest {
        mendAll()
        try Lab.lab("up", "three")
        for _ in 0..<3 {
            let manifest = try current()
            let isHealthy: Void? = try? Lab.until("a healthy cluster", within: 30) {
                try Lab.isHealthy(members: 3)
            }
            if isHealthy != nil {
                try forgetConfiguration()
                if try Matriarch.plan(manifest).status == 0 { return manifest }
            }
            if try Matriarch.run("apply", try manifest.write(), "--yes").status != 0 {
                // A power cut can leave docker itself with ports that nobody has.
                try Lab.lab("down", "three")
                try Lab.lab("up", "three")
            }
        }
        throw LabFailure("three tries gave no healthy cluster that is as declared")
    }

    /// What leaves a manifest stays in Patroni's configuration, as does a pause: the next fault would
    /// be staged in another mode than its row says.
    private static func forgetConfiguration() throws {
        let leader = Lab.addresses[try Lab.node(of: try Lab.leader())] ?? ""
        try Lab.patch(
            "http://\(leader):8008/config", "{\"synchronous_mode\": null, \"pause\": null}")
        try Lab.until("nobody is a synchronous standby") {
            let seen = try Lab.cluster()
            return !seen.isEmpty && !seen.values.contains { $0.role == "sync_standby" }
        }
    }

    /// The manifest with the image that the leader runs, where there is one.
    private static func current() throws -> Manifest {
        let manifest = try Manifest.three()
        guard let leader = try? Lab.leader(), let node = try? Lab.node(of: leader),
            try Lab.ssh(node, "docker ps --format '{{.Image}}'").contains(images[1])
        else { return manifest }
        return try manifest.replacing(images[0], images[1])
    }

    /// Undoes every fault that a test may have left.
    private static func mendAll() {
        _ = try? Lab.lab("fault", "registry", "start")
        for server in servers {
            for cure in ["start", "plug", "heal", "uncut", "thaw-ssh", "free-disk"] {
                _ = try? Lab.lab("fault", cure, server)
            }
        }
    }

    // MARK: - The apply under the fault

    /// Applies and stages `happening` when the run says a line that it is for.
    func apply(
        at moment: Moment, _ happening: @escaping @Sendable (Child) throws -> Void
    ) throws -> Outcome {
        try apply(Happening(at: moment, happening))
    }

    func apply(_ happenings: Happening...) throws -> Outcome {
        let stage = Stage(happenings)
        let child = try Matriarch.start(["apply", try target.write(), "--yes"]) { stage.look($0) }
        stage.child = child
        let outcome = child.wait()
        stage.child = nil
        if let failure = stage.failure { throw LabFailure("\(fault): \(failure)") }
        if let left = stage.left {
            throw LabFailure("\(fault): the run never said \(left): \(outcome.text)")
        }
        outcomes.append(outcome.text)
        return outcome
    }

    /// The column "exit and outcome".
    var outcome = ""

    // MARK: - Afterwards

    /// A container that a killed run's command has just started is left its minute, and until it
    /// answers the plan ends with 1.
    private func settledPlan() throws -> Outcome {
        var plan = try Matriarch.plan(target)
        let deadline = ContinuousClock.now + .seconds(90)
        while plan.text.contains("started less than a minute ago"), ContinuousClock.now < deadline {
            plan = try Matriarch.plan(target)
        }
        return plan
    }

    private func conclude(limit: Int, location: SourceLocation) throws {
        var applies: [Outcome] = []
        var plan = try settledPlan()
        while plan.status != 0, applies.count < limit {
            applies.append(try Matriarch.run("apply", try target.write(), "--yes"))
            plan = try settledPlan()
        }
        let said = applies.map(\.text).joined(separator: "\n---\n")
        #expect(
            plan.status == 0 && plan.output.contains("No changes"),
            "\(fault): \(outcomes)\n\(said)\n\(plan.text)", sourceLocation: location)
        try Lab.until("\(fault): every member is listed healthy", within: 60) {
            try Lab.isHealthy(members: 3)
        }
        let testimony = try witness.stop()
        #expect(testimony.violations.isEmpty, "\(testimony.violations)", sourceLocation: location)
        let written = try writer.stop()
        #expect(written.lost == 0, "\(written.line)", sourceLocation: location)
        #expect(written.rows > 0, "\(written.line)", sourceLocation: location)
        FaultTable.add(
            FaultTable.Row(
                fault: fault, outcome: outcome, applies: applies.count, lost: written.lost,
                pause: written.longestPause,
                reasons: outcomes.flatMap { $0.split(separator: "\n") }
                    .filter { $0.hasPrefix("Stopped") || $0.hasPrefix("matriarch: ") }
                    .map(String.init)))
    }
}

/// A line of the run at which something happens.
struct Moment: Sendable, CustomStringConvertible {
    /// `act`, `done`, `wait`, `check`, `begin`, `stop`.
    var word: String
    /// What the line has in it.
    var phrase = ""
    /// The first such line, the second …
    var occurrence = 1

    static func act(_ phrase: String, _ occurrence: Int = 1) -> Moment {
        Moment(word: "act", phrase: phrase, occurrence: occurrence)
    }
    static func done(_ phrase: String, _ occurrence: Int = 1) -> Moment {
        Moment(word: "done", phrase: phrase, occurrence: occurrence)
    }

    var description: String { "«\(word) … \(phrase)» for the \(occurrence). time" }

    func matches(_ line: String) -> Bool {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        return words.count > 1 && words[1] == word && (phrase.isEmpty || line.contains(phrase))
    }
}

/// What happens at a moment of the run; it gets the run's process.
struct Happening: Sendable {
    let moment: Moment
    let act: @Sendable (Child) throws -> Void

    init(at moment: Moment, _ act: @escaping @Sendable (Child) throws -> Void) {
        self.moment = moment
        self.act = act
    }
}

/// Makes things happen at their moments, one after the other, each once.
private final class Stage: @unchecked Sendable {
    // Safe: the reader's thread alone touches what changes, and others after the child ended.
    private var ahead: ArraySlice<Happening>
    private var seen = 0
    private let born = DispatchSemaphore(value: 0)
    private(set) var failure: (any Error)?
    var child: Child? { didSet { born.signal() } }

    init(_ happenings: [Happening]) { ahead = happenings[...] }

    /// What has not happened yet.
    var left: Moment? { ahead.first?.moment }

    func look(_ line: String) {
        guard let next = ahead.first, next.moment.matches(line) else { return }
        seen += 1
        guard seen == next.moment.occurrence else { return }
        born.wait()
        born.signal()
        ahead = ahead.dropFirst()
        seen = 0
        do {
            if let child { try next.act(child) }
        } catch {
            failure = error
        }
    }
}
