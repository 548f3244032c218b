package import Cluster
import LibYAML

/// What a manifest's text declares, and everything that is wrong with it.
package struct Decoded: Hashable, Sendable {
    /// The clusters without errors, in the text's order.
    package var clusters: [Desired]
    /// In the text's order. Warnings do not keep a cluster from being used.
    package var problems: [Problem]
    package init(clusters: [Desired], problems: [Problem]) {
        self.clusters = clusters
        self.problems = problems
    }
    package var hasErrors: Bool { problems.contains { $0.severity == .error } }
}

/// Text of one manifest file → the clusters that it declares (DESIGN §2).
package enum ManifestDecoder {
    /// Problems of one file that are told one by one; a file with more is no manifest.
    private static let mostProblems = 1000

    /// Values of one cluster. The largest of our own has some hundreds; what is checked name by
    /// name must not take minutes for a text that is no manifest at all.
    private static let mostValues = 20_000

    /// Never fails as a whole: `file` is only the name that messages begin with.
    package static func decode(_ bytes: [UInt8], file: String) -> Decoded {
        let stream = YAMLStream.parse(bytes)
        var findings = stream.problems.map {
            Finding(mark: $0.mark, found: $0.found, hint: $0.hint)
        }
        var clusters: [Desired] = []
        var places: [ClusterName: YAMLMark] = [:]
        let documents = stream.documents.filter { !$0.isNull }
        if documents.isEmpty, findings.isEmpty {
            findings.append(
                Finding(mark: .start, found: "there is nothing in it", expected: "a cluster"))
        }
        for document in documents {
            guard document.size <= mostValues else {
                let found = "a cluster of \(document.size) values"
                let expected = "at most \(mostValues)"
                findings.append(Finding(mark: document.mark, found: found, expected: expected))
                continue
            }
            var (desired, found) = read(document)
            let mark = View(document, at: document.mark)["name"].mark
            if let first = places[desired.name], !desired.name.rawValue.isEmpty {
                found.append(
                    Finding(
                        mark: mark, found: "a second cluster named \(desired.name)",
                        hint: "the first is at \(first)"))
            } else {
                places[desired.name] = mark
            }
            findings += found
            if !found.contains(where: { $0.severity == .error }) { clusters.append(desired) }
        }
        // A file that is no YAML somewhere may have lost any part of any cluster.
        if !stream.problems.isEmpty { clusters = [] }
        return Decoded(clusters: clusters, problems: sorted(findings, file))
    }

    private static func read(_ document: YAMLNode) -> (Desired, [Finding]) {
        let root = View(document, at: document.mark)
        let desired = Builder(root).desired()
        // Every other message about a document of another kind would miss the point.
        if let kind = root["kind"].text, kind != "Cluster",
            Suggestion.nearest(to: kind, in: ["Cluster"]) == nil
        {
            let found = "kind is \(kind.shown)"
            return (desired, [Finding(mark: root["kind"].mark, found: found, expected: "Cluster")])
        }
        var validator = Validator()
        validator.check(
            document, .object(ManifestShape.root), path: "", place: document.mark)
        var checks = Checks(root: root, desired: desired)
        // Names and places mean nothing in a document that is something else altogether.
        if root.isMapping { checks.run() }
        return (desired, validator.findings + checks.findings)
    }

    private static func sorted(_ findings: [Finding], _ file: String) -> [Problem] {
        // By place; what was found first comes first where places are equal.
        var seen: Set<Finding> = []
        let unique = findings.filter { seen.insert($0).inserted }
        let ordered = unique.enumerated().sorted {
            ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset)
        }
        var problems = ordered.prefix(mostProblems).map { $0.element.inFile(file) }
        if let next = ordered.dropFirst(mostProblems).first?.element {
            let found = "\(ordered.count - mostProblems) more problems from here on"
            problems.append(Finding(mark: next.mark, found: found).inFile(file))
        }
        return problems
    }
}
