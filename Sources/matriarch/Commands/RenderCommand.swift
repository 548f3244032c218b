import ArgumentParser
import Cluster
import Planning
import Rendering
import Reporting

struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Print the files that apply would write on the nodes.",
        discussion: """
            Reads the manifest only: no server is asked and no secret is resolved; each is shown \
            as (sensitive). Members that are not pinned are placed as on empty servers; with \
            --observed they stay where they were seen.
            """)

    @OptionGroup var manifest: ManifestOptions

    @Option(help: ArgumentHelp("Only this node's files.", valueName: "name")) var node: String?

    @Option(
        help: ArgumentHelp("A saved observation: who runs where.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var observed: String?

    func run() throws {
        let desired = try manifest.onlyCluster().desired
        let nodes = desired.nodes.map(\.name)
        if let node, !nodes.contains(NodeName(node)) {
            let known = nodes.map(\.rawValue).joined(separator: ", ")
            throw Failure("no node is named \(node.safeForTerminal); the manifest has \(known)")
        }
        let seen = try observed.map(SavedObservationFile.read)?.observed ?? empty(nodes)
        let topology = Placement(desired, seen).topology
        let blueprint: Blueprint
        do throws(BlueprintError) {
            blueprint = try Blueprint(topology: topology, secrets: placeholders(desired))
        } catch {
            throw Failure(error.problems.map { "\(desired.name): \($0)".safeForTerminal })
        }
        for name in nodes where node == nil || node == name.rawValue {
            for file in blueprint.files[name] ?? [] {
                let mode = String(file.mode, radix: 8)
                Console.write(
                    "# \(name):\(desired.project.directory)/\(file.path) (mode \(mode))\n"
                        + file.content.reveal() + "\n")
            }
        }
    }

    private func empty(_ nodes: [NodeName]) -> Observed {
        Observed(
            nodes: Dictionary(uniqueKeysWithValues: nodes.map { ($0, .known(ObservedNode())) }))
    }

    /// Instead of the values, which this command never learns.
    private func placeholders(_ desired: Desired) -> Secrets {
        let postgres = desired.postgres
        let names = Set(desired.secrets.keys).union([
            postgres.superuserSecret, postgres.replicationSecret, postgres.adminSecret,
        ])
        return Secrets(Dictionary(uniqueKeysWithValues: names.map { ($0, Secret("(sensitive)")) }))
    }
}
