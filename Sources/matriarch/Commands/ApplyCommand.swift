import ArgumentParser
import Cluster
import Execution
import Observation
import Planning
import Reporting

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Show the plan, ask, and do exactly that.",
        discussion: """
            Every step is guarded: what it relies on is read again right before it acts, and it \
            counts as done only when its result was seen. At the first failure nothing new \
            starts, and you are told what was done, what was not, and why.

            While members start or a leader is being elected, as after a killed apply, it first \
            waits for that to pass: as long as an election may take, which is half a minute by \
            default.

              matriarch apply cluster.yaml
              matriarch apply cluster.yaml --plan plan.json --yes   as reviewed
              matriarch apply cluster.yaml --accept data-loss       a named hazard

            Steps that lose data (data-loss), stop the database (outage), take over what was \
            made by hand (adopt) or end with one copy of the data (single-copy) are refused \
            unless --accept names them. The last healthy copy is never deleted.

            A lock on every server keeps two applies apart. While it is taken you are told by \
            whom, since when and why; see unlock for one whose holder hangs.

            The first interrupt (Ctrl-C, SIGTERM) lets the running steps end, starts nothing \
            new, and ends with 4; the second stops waiting for them. What was begun on a server \
            goes on to its end there in any case. Running apply again goes on from what is \
            really there.
            """)

    @OptionGroup var manifest: ManifestOptions
    @OptionGroup var color: ColorOptions

    @Flag(
        help: """
            Do not ask; without --plan, what is planned once the lock is held is applied. Needed \
            where there is no terminal.
            """) var yes = false

    @Option(
        help: ArgumentHelp(
            "The reviewed plan, from plan -o: refuse if it is no longer what would be done.",
            valueName: "file"),
        completion: .file(extensions: ["json"]))
    var plan: String?

    @Option(
        help: ArgumentHelp(
            "Hazards to accept, separated by commas.",
            valueName: "hazards"))
    var accept: AcceptedHazards?

    @Option(
        name: .customLong("lock-timeout"),
        help: ArgumentHelp(
            "How long to wait while another apply works on the cluster: 0, 90s, 15m, 1h.",
            valueName: "duration"))
    var lockTimeout = LockTimeout(.seconds(15 * 60))

    func run() async throws {
        let reviewed = try plan.map(Self.read)
        let entries = try manifest.clusters()
        let prepared = try await Fleet.map(entries) { entry in
            let secrets = try await entry.secrets()
            let session = try ActingSession.open(entry.desired)
            let observed = await session.reading.observeAtRest(entry.desired)
            return Prepared(
                entry: entry, secrets: secrets, session: session,
                planned: try PlannedCluster(entry.desired, secrets, observed))
        }
        do {
            try show(prepared)
            try review(prepared, against: reviewed)
            let changing = prepared.filter { !$0.planned.plan.isEmpty }
            if !changing.isEmpty {
                try ask(about: changing)
                // One cluster after the other: what goes wrong in one stops the rest.
                let agreement: Applying.Agreement =
                    reviewed != nil ? .reviewed : yes ? .unattended : .answered
                for item in changing { try await apply(item, agreement) }
            }
            for item in prepared where item.planned.plan.isEmpty {
                try item.planned.checkAllIsWell()
            }
        } catch {
            for item in prepared { await item.session.reading.close() }
            throw error
        }
        for item in prepared { await item.session.reading.close() }
    }

    private struct Prepared: Sendable {
        var entry: ManifestFiles.Entry
        var secrets: Secrets
        var session: ActingSession
        var planned: PlannedCluster
    }

    private func show(_ prepared: [Prepared]) throws {
        let style = color.style(of: .output)
        Console.write(
            prepared.map {
                PlanText.render(
                    $0.planned.plan, in: $0.planned.topology, observed: $0.planned.observed,
                    style: style)
            }.joined(separator: "\n"))
    }

    private func review(_ prepared: [Prepared], against reviewed: [ReviewedPlan]?) throws {
        if let reviewed {
            for item in prepared {
                let cluster = item.planned.plan.cluster
                guard let match = reviewed.first(where: { $0.cluster == cluster }) else {
                    throw Failure(
                        "\(cluster): refused, as the reviewed plan does not have this cluster"
                            .safeForTerminal, ending: .refused)
                }
                try Consent.compare(
                    reviewed: match, current: item.planned, what: "the reviewed one")
            }
            if let extra = reviewed.first(where: { plan in
                !prepared.contains { $0.planned.plan.cluster == plan.cluster }
            }) {
                throw Failure(
                    "\(extra.cluster): refused, as it is in the reviewed plan and not here"
                        .safeForTerminal, ending: .refused)
            }
        }
        for item in prepared {
            try Consent.check(item.planned.plan, accepted: accept?.hazards ?? [])
        }
    }

    private func ask(about changing: [Prepared]) throws(Failure) {
        if yes { return }
        guard Console.canAsk else {
            throw Failure(
                "refused, as there is no terminal to ask at; expected --yes where nobody is asked",
                ending: .refused)
        }
        let names = changing.map(\.planned.plan.cluster.rawValue).joined(separator: ", ")
        guard Console.agrees(to: "Apply this plan to \(names)?".safeForTerminal) else {
            throw Failure("not applied", ending: .refused)
        }
    }

    private func apply(_ item: Prepared, _ agreement: Applying.Agreement) async throws {
        try await Applying(
            entry: item.entry, secrets: item.secrets, session: item.session, shown: item.planned,
            agreement: agreement, accepted: accept?.hazards ?? [],
            patience: lockTimeout.duration, style: color.style(of: .errors),
            identifier: try Moment.identifier()
        ).run()
    }

    private static func read(_ path: String) throws(Failure) -> [ReviewedPlan] {
        let text = String(decoding: try LocalFile.read(path), as: UTF8.self)
        do throws(UnreadableFile) {
            return try ReviewedPlan.all(json: text)
        } catch {
            throw Failure("\(path.safeForTerminal): \(error.text)")
        }
    }
}

/// `data-loss,outage`
struct AcceptedHazards: ExpressibleByArgument {
    var hazards: Set<Hazard> = []

    init?(argument: String) {
        for word in argument.split(separator: ",") {
            guard let hazard = Hazard(rawValue: String(word)) else { return nil }
            hazards.insert(hazard)
        }
    }

    static var allValueStrings: [String] { Hazard.allCases.map(\.rawValue) }
}

/// `0`, `90s`, `15m`, `1h`; a number alone is seconds.
struct LockTimeout: ExpressibleByArgument {
    var duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600]
        let unit = argument.last.flatMap { units[$0] }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        // A week is longer than anybody waits.
        guard let number = Int64(digits), (0...604_800).contains(number) else { return nil }
        duration = .seconds(min(number * (unit ?? 1), 604_800))
    }

    var defaultValueDescription: String { duration.text }
}
