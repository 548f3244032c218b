import ArgumentParser
import Cluster
import Observation
import Reporting

struct ObserveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "observe",
        abstract: "Save what the servers show, to plan against it offline.",
        discussion: """
            Needs no secrets and changes nothing. Texts that may hold secrets are saved as keyed \
            digests, which tell whether a value is the expected one; keep the file as you keep \
            other facts about your servers.

              matriarch observe cluster.yaml -o seen.json
              matriarch plan cluster.yaml --observed seen.json
            """)

    @OptionGroup var manifest: ManifestOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Where to save it (standard output when not given).", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var output = "-"

    func run() async throws {
        let desired = try manifest.onlyCluster().desired
        let session = try ReadingSession.open(desired)
        let observed = await session.observer.observe(desired)
        await session.close()
        for (node, reading) in observed.nodes.sorted(by: { $0.key < $1.key }) {
            if let reason = reading.reason {
                Console.complain(["\(node) could not be looked at: \(reason)".safeForTerminal])
            }
        }
        try LocalFile.write(
            try SavedObservationFile.text(of: observed, cluster: desired.name), to: output)
    }
}
