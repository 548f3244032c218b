import ArgumentParser
import Cluster
import Observation
import Planning
import Reporting

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what apply would change, and why. Changes nothing.",
        discussion: """
            Asks every server and Patroni at once, and compares with the manifest field by \
            field. What cannot be looked at is named, and nothing is planned for it.

              matriarch plan cluster.yaml
              matriarch plan cluster.yaml -o plan.json           for apply --plan
              matriarch plan cluster.yaml --observed seen.json   offline

            Ends with 0, and with 1 when something could not be looked at, or is down. With \
            --detailed-exitcode it ends with 2 when there is something to do.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, markdown, html }

    @OptionGroup var manifest: ManifestOptions
    @OptionGroup var color: ColorOptions

    @Option(
        help: ArgumentHelp(
            "Plan against a saved observation instead of the servers.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var observed: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Also write the plan as JSON, for apply --plan.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var output: String?

    @Option(help: "How to print it: for a person, a program, a pull request, a browser.")
    var format = Format.text

    @Flag(
        name: .customLong("detailed-exitcode"),
        help: "End with 2 when there is something to do, blocked or not.")
    var hasDetailedExitCode = false

    func run() async throws {
        let planned = try await plans()
        if let output { try LocalFile.write(json(planned), to: output) }
        switch format {
        case .text:
            let style = color.style(of: .output)
            Console.write(
                planned.map {
                    PlanText.render($0.plan, in: $0.topology, observed: $0.observed, style: style)
                }.joined(separator: "\n"))
        case .json: Console.write(json(planned))
        case .markdown: Console.write(PlanMarkdown.render(parts(planned)))
        case .html: Console.write(PlanHTML.render(parts(planned)))
        }
        for cluster in planned { try cluster.checkAllIsWell() }
        if hasDetailedExitCode, planned.contains(where: { !$0.plan.isEmpty }) {
            throw Ending.changes.exitCode
        }
    }

    private func json(_ planned: [PlannedCluster]) -> String {
        PlanJSON.render(parts(planned))
    }

    private func parts(_ planned: [PlannedCluster]) -> [PlanJSON.Part] {
        planned.map { PlanJSON.Part(plan: $0.plan, topology: $0.topology) }
    }

    private func plans() async throws -> [PlannedCluster] {
        guard let observed else {
            return try await Fleet.map(try manifest.clusters()) { entry in
                let secrets = try await entry.secrets()
                let session = try ReadingSession.open(entry.desired)
                let seen = await session.observer.observe(entry.desired)
                await session.close()
                if let motion = Motion.seen(in: seen) {
                    let words = "\(entry.desired.name): \(motion); apply would wait for that first"
                    Console.write(words.safeForTerminal + "\n", to: .errors)
                }
                return try PlannedCluster(entry.desired, secrets, seen)
            }
        }
        let saved = try SavedObservationFile.read(observed)
        let entry = try manifest.clusters().first { $0.desired.name == saved.cluster }
        guard let entry else {
            throw Failure(
                "\(observed.safeForTerminal): is an observation of \(saved.cluster), which the "
                    + "manifest does not declare")
        }
        let digest = SavedObservationFile.digest(under: saved.key)
        return [
            try PlannedCluster(
                entry.desired, try await entry.secrets(), saved.observed, digest: digest)
        ]
    }
}
