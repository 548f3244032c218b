import Cluster
import Manifest
import Planning
import Rendering
import Reporting

/// Every text is clusters or located problems, and every cluster can be planned and rendered.
enum ManifestPromises {
    static func check(_ bytes: [UInt8]) throws {
        let decoded = ManifestDecoder.decode(bytes, file: "m")
        try promise(
            decoded == ManifestDecoder.decode(bytes, file: "m"), "two readings differ")
        try promise(
            decoded.hasErrors || !decoded.clusters.isEmpty, "neither a cluster nor an error")
        let lines = TextLines(bytes)
        for problem in decoded.problems {
            try promise(
                lines.contain(line: problem.line, column: problem.column),
                "a problem outside of the text: \(problem)")
            try promise(
                problem.description.isFitForPeople && !problem.description.contains("\n"),
                "a problem with control characters: \(problem)")
        }
        for desired in decoded.clusters { try plan(desired) }
    }

    private static func plan(_ desired: Desired) throws {
        let names = Set(desired.secrets.keys).union([
            desired.postgres.superuserSecret, desired.postgres.replicationSecret,
            desired.postgres.adminSecret,
        ])
        let secrets = Secrets(
            Dictionary(uniqueKeysWithValues: names.map { ($0, Secret(Self.secret)) }))
        let nodes = desired.nodes.map(\.name)
        let empty = Dictionary(
            uniqueKeysWithValues: nodes.map { ($0, Reading.known(ObservedNode())) })
        let proposal = try PlanPromises.check(
            desired, secrets: secrets, observed: Observed(nodes: empty))
        for node in nodes { try files(of: node, proposal) }
    }

    /// With what is hard to write down; and no part of a plan may show it.
    static let secret = "p\"a$s'{w}\\o: #r\nd"

    private static func files(of node: NodeName, _ proposal: Proposal) throws {
        var paths: Set<String> = []
        for file in proposal.blueprint.files[node] ?? [] {
            try promise(
                !file.path.hasPrefix("/") && !file.path.split(separator: "/").contains(".."),
                "a file outside of the project: \(file.path)")
            try promise(paths.insert(file.path).inserted, "two files \(file.path) on \(node)")
            guard file.path == "compose.yaml" else { continue }
            let text = file.content.reveal()
            try promise(!text.contains(secret), "a secret in \(file.path)")
            switch YAMLText.parse(Array(text.utf8)) {
            case .failure(let problem):
                throw BrokenPromise(description: "compose.yaml is no YAML: \(problem)\n\(text)")
            case .success(let compose): try services(of: node, in: compose, proposal)
            }
        }
    }

    /// What compose will read is what was meant, whatever the values hold.
    private static func services(
        of node: NodeName, in compose: JSONValue, _ proposal: Proposal
    ) throws {
        let specs = proposal.blueprint.containers.filter { $0.key.node == node }
        let services = compose["services"]?.object ?? [:]
        try promise(services.count == specs.count, "compose.yaml of \(node) has other services")
        for (address, spec) in specs {
            let service = services[address.service.rawValue]
            try promise(
                text(service?["image"]) == spec.image.text, "\(address): another image")
            let plain = spec.environment.filter { !$0.value.isSensitive }
            for (name, value) in plain {
                try promise(
                    text(service?["environment"]?[dollars(name)]) == value.reveal(),
                    "\(address): \(name) is another value")
            }
            let environment = service?["environment"]?.object ?? [:]
            try promise(environment.count == plain.count, "\(address): other variables")
            for (name, value) in spec.labels {
                try promise(
                    text(service?["labels"]?[dollars(name)]) == value,
                    "\(address): label \(name) is another value")
            }
        }
    }

    private static func text(_ value: JSONValue?) -> String? {
        value?.string?.replacing("$$", with: "$")
    }

    private static func dollars(_ text: String) -> String { text.replacing("$", with: "$$") }
}
