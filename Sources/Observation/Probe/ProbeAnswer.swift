package import Cluster
package import Effects

/// Why a node's answer to the probe tells nothing that may be relied upon.
package enum ProbeFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The docker client is there and its daemon did not answer; what the client said.
    case dockerSilent(String)
    /// Docker answered a request with an error.
    case dockerRefused(request: String, status: Int, message: String)
    /// Files of the project that this user may not read.
    case unreadable([String])
    case tooLarge(String, limit: ByteCount)
    /// A file changed while it was read, or the answer was cut: another try may succeed.
    case torn(String)
    /// Not what the script prints.
    case unexpected(String)
    case answer(AnswerProblem)

    /// Paths and messages in it are the server's: nothing of them acts on a terminal.
    package var description: String { text.printable }

    private var text: String {
        switch self {
        case .dockerSilent(let text) where text.contains("permission denied"):
            "this user may not speak to docker (ssh.sudo does it as root; or add the user to docker's"
                + " group): \(text)"
        case .dockerSilent(let text): "docker does not answer: \(text)"
        case .dockerRefused(let request, let status, let message):
            "docker answered \(request) with \(status): \(message)"
        case .unreadable(let files):
            "may not be read by this user (ssh.sudo reads as root): \(files.joined(separator: ", "))"
        case .tooLarge(let what, let limit): "\(what) is larger than \(limit)"
        case .torn(let what): "\(what); the answer is not whole"
        case .unexpected(let seen): "the probe answered \(seen), expected its own sections"
        case .answer(let problem): problem.description
        }
    }
    /// Worth asking once more.
    package var isTransient: Bool { if case .torn = self { true } else { false } }

    /// The last line of standard error that says something, of a long one its end; safe to print.
    static func lastWords(_ errors: [UInt8]) -> String {
        let line = String(endOf: errors, limit: 4096)
            .split(whereSeparator: \.isNewline).last { $0.contains { !$0.isWhitespace } }
        guard let line else { return "no message" }
        return String(endOf: line.utf8, limit: 240).printable
    }
}

extension NodeProbe {
    /// What the script's answer shows of the node.
    package static func parse(_ result: CommandResult, for request: ProbeRequest)
        throws(ProbeFailure) -> ObservedNode
    {
        guard result.output.count <= maximumBytes else {
            throw .tooLarge("the probe's answer", limit: ByteCount(Int64(maximumBytes)))
        }
        let sections = try ProbeSections(result)
        var node = ObservedNode()
        node.files = try files(sections)
        node.freeSpace = freeSpace(sections["free"])
        switch sections["docker"] {
        case "missing": return node
        case "present": break
        case "silent": throw .dockerSilent(ProbeFailure.lastWords(result.errors))
        default: throw .unexpected(AnswerProblem.excerpt(of: result.output))
        }
        if let compose = sections["compose"], compose != "missing" { node.composeVersion = compose }
        guard sections.exitStatus == 0 else {
            throw .dockerSilent(ProbeFailure.lastWords(result.errors))
        }
        try read(docker: sections.responses, into: &node, request: request)
        return node
    }

    private static func files(_ sections: ProbeSections) throws(ProbeFailure)
        -> [String: ObservedFile]
    {
        let unreadable = (sections["unreadable"] ?? "").split(separator: " ").map(String.init)
        guard unreadable.isEmpty else { throw .unreadable(unreadable) }
        var files: [String: ObservedFile] = [:]
        var contents = sections.contents
        for line in (sections["files"] ?? "").split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let mode = UInt16(words[0], radix: 8),
                let size = Int(words[1]), size >= 0
            else { throw .unexpected(AnswerProblem.excerpt(of: line.utf8)) }
            let path = String(words[2])
            guard size <= maximumFileBytes else {
                throw .tooLarge(path, limit: ByteCount(Int64(maximumFileBytes)))
            }
            guard size <= contents.count else { throw .torn("\(path) changed while it was read") }
            files[path] = ObservedFile(
                String(decoding: contents.prefix(size), as: UTF8.self), mode: mode & 0o7777)
            contents = contents.dropFirst(size)
        }
        guard contents.isEmpty else { throw .torn("a file changed while it was read") }
        return files
    }

    /// The fourth column of the last line of `df -Pk`, in KiB.
    private static func freeSpace(_ table: String?) -> ByteCount? {
        let row = table?.split(separator: "\n").last?.split(separator: " ") ?? []
        guard row.count >= 6, let blocks = Int64(row[3]), blocks >= 0, blocks < 1 << 50 else {
            return nil
        }
        return .kibibytes(blocks)
    }

    private static func read(
        docker responses: [ProbeSections.Response], into node: inout ObservedNode,
        request: ProbeRequest
    ) throws(ProbeFailure) {
        var documents: [String: JSONValue] = [:]
        for response in responses {
            guard response.status != 404 else { continue }
            let answer: Answer
            do { answer = try Answer("docker's \(response.path)", response.body) } catch {
                throw .answer(error)
            }
            guard response.status == 200 else {
                throw .dockerRefused(
                    request: response.path, status: response.status,
                    message: answer.json["message"]?.string?.cut(toBytes: 1024) ?? "no message")
            }
            documents[response.path] = answer.json
            node.dockerVersion = response.dockerVersion ?? node.dockerVersion
            node.clock = response.date ?? node.clock
        }
        guard let running = documents["/containers/json"], let volumes = documents["/volumes"]
        else { throw .unexpected("no list of containers and volumes") }
        let project = request.project.name
        node.dockerVersion = node.dockerVersion ?? "unknown"
        node.foreignPorts = DockerAnswer.foreignPorts(running, project: project)
        node.volumes = DockerAnswer.volumes(volumes, project: project)
        for image in request.images {
            guard let id = documents[imagePath(image)]?["Id"]?.string else { continue }
            node.images[image] = ObservedImage(id: id)
        }
        node.containers = try containers(documents, project: project)
    }

    private static func containers(_ documents: [String: JSONValue], project: String)
        throws(ProbeFailure) -> [ObservedContainer]
    {
        // In order, so that of two broken answers the same one is always told.
        let documents = documents.sorted { $0.key < $1.key }
        var defaults: [String: DockerAnswer.ImageDefaults] = [:]
        for (path, document) in documents where path.hasPrefix("/images/") {
            guard let id = document["Id"]?.string else { continue }
            defaults[id] = DockerAnswer.imageDefaults(document)
        }
        var containers: [ObservedContainer] = []
        for (path, document) in documents
        where path.hasPrefix("/containers/") && path != "/containers/json" {
            let image = document["Image"]?.string.flatMap { defaults[$0] }
            do {
                if let container = try DockerAnswer.container(
                    document, project: project, image: image)
                {
                    containers.append(container)
                }
            } catch { throw .answer(error) }
        }
        return containers.sorted { $0.precedes($1) }
    }
}
