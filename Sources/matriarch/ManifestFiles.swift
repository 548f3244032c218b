import Cluster
import LibCrypto
import Manifest
import Reporting

/// The manifest that a command was given: one file, or every `.yaml` and `.yml` of a folder.
struct ManifestFiles {
    /// A cluster with the folder that its relative paths start from.
    struct Entry: Sendable {
        var desired: Desired
        var folder: String
        /// SHA-256 of its file, in hexadecimal.
        var digest: String
    }

    private(set) var entries: [Entry] = []
    private(set) var problems: [Problem] = []

    init(_ paths: [String]) throws(Failure) {
        var origins: [ClusterName: String] = [:]
        for path in try Self.files(paths) {
            let bytes = try LocalFile.read(path)
            let decoded = ManifestDecoder.decode(bytes, file: path)
            problems += decoded.problems
            let folder = Self.folder(of: path)
            for desired in decoded.clusters {
                if let origin = origins[desired.name] {
                    problems.append(
                        Problem(
                            file: path, line: 1, column: 1,
                            found: "a second cluster named \(desired.name)",
                            hint: "the first is in \(origin)"))
                    continue
                }
                origins[desired.name] = path
                entries.append(
                    Entry(
                        desired: desired.resolved(in: folder), folder: folder,
                        digest: Hexadecimal.text(Digest.sha256(bytes))))
            }
        }
    }

    var errors: [Problem] { problems.filter { $0.severity == .error } }

    /// The clusters to work on; warnings have been told.
    ///
    /// - Parameter name: one of them; `nil`: all.
    static func clusters(at path: String, named name: String?) throws(Failure) -> [Entry] {
        let files = try ManifestFiles([path])
        for problem in files.problems {
            Console.write("\(problem.description.safeForTerminal)\n", to: .errors)
        }
        guard files.errors.isEmpty else {
            let count = files.errors.count
            throw Failure("the manifest has \(count) \(count == 1 ? "error" : "errors")")
        }
        guard let name else { return files.entries }
        let chosen = files.entries.filter { $0.desired.name.rawValue == name }
        guard !chosen.isEmpty else {
            let known = files.entries.map(\.desired.name.rawValue).joined(separator: ", ")
            throw Failure(
                "no cluster is named \(name.safeForTerminal); the manifest has \(known)")
        }
        return chosen
    }

    private static func files(_ paths: [String]) throws(Failure) -> [String] {
        var files: [String] = []
        for path in paths {
            guard LocalFile.isFolder(path) else {
                files.append(path)
                continue
            }
            let names = try LocalFile.names(in: path).filter {
                $0.hasSuffix(".yaml") || $0.hasSuffix(".yml")
            }
            guard !names.isEmpty else {
                throw Failure("\(path.safeForTerminal): has no .yaml or .yml file")
            }
            files += names.map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
        }
        return files
    }

    private static func folder(of path: String) -> String {
        guard path != "-", let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension Desired {
    /// With the local paths of `ssh` made independent of the current folder.
    fileprivate func resolved(in folder: String) -> Desired {
        func resolved(_ path: String) -> String {
            path.hasPrefix("/") || path.hasPrefix("~") || path == "none"
                ? path : "\(folder)/\(path)"
        }
        var result = self
        for index in result.nodes.indices {
            result.nodes[index].ssh.identities = result.nodes[index].ssh.identities.map(resolved)
            result.nodes[index].ssh.knownHosts = result.nodes[index].ssh.knownHosts.map(resolved)
        }
        return result
    }
}
