import ArgumentParser
import Cluster
import Manifest
import Reporting

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check manifests and report every problem at once, with its place.",
        discussion: """
            Reads files only; no server is asked. Problems are printed as file:line:column, \
            which editors and CI systems turn into links. Ends with 1 when there is an error.
            """)

    @Argument(
        help: "Manifest files, or folders of them.", completion: .file(extensions: ["yaml", "yml"]))
    var files: [String]

    func run() throws {
        let manifest = try ManifestFiles(files)
        for problem in manifest.problems {
            Console.write("\(problem.description.safeForTerminal)\n", to: .errors)
        }
        let errors = manifest.errors.count
        guard errors == 0 else {
            throw Failure("\(errors) \(errors == 1 ? "error" : "errors") found")
        }
        for entry in manifest.entries {
            let desired = entry.desired
            Console.write(
                "\(desired.name): valid (\(desired.nodes.count) "
                    + "\(desired.nodes.count == 1 ? "node" : "nodes"), "
                    + "\(desired.postgres.memberCount) members)\n")
        }
    }
}
