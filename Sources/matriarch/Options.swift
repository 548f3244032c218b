import ArgumentParser
import Cluster
import Reporting

struct ManifestOptions: ParsableArguments {
    @Argument(
        help: "The manifest: a file, or a folder whose .yaml files are a fleet.",
        completion: .file(extensions: ["yaml", "yml"]))
    var manifest: String

    @Option(help: ArgumentHelp("Only this cluster of the manifest.", valueName: "name"))
    var cluster: String?

    func clusters() throws(Failure) -> [ManifestFiles.Entry] {
        try ManifestFiles.clusters(at: manifest, named: cluster)
    }

    /// For what takes one cluster only.
    func onlyCluster() throws(Failure) -> ManifestFiles.Entry {
        let clusters = try clusters()
        guard clusters.count == 1, let only = clusters.first else {
            let names = clusters.map(\.desired.name.rawValue).joined(separator: ", ")
            throw Failure("the manifest has several clusters (\(names)): choose one by --cluster")
        }
        return only
    }
}

struct ColorOptions: ParsableArguments {
    @Flag(name: .customLong("no-color"), help: "No colour, even on a terminal (as NO_COLOR=1).")
    var isForbidden = false

    func style(of stream: Console.Stream) -> Style {
        Console.style(of: stream, forbidden: isForbidden)
    }
}
