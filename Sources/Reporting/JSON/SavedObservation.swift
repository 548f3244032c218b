package import Cluster
import FoundationEssentials

/// What was seen of a cluster, in a file: to be planned against later and elsewhere.
///
/// Texts that may hold secrets are keyed digests there: environments, files, commands, labels,
/// health checks, and settings of Patroni that look like it. The key is in the file, so the digests tell
/// whether a text is the expected one; a short secret could be guessed from one by trying.
package struct SavedObservation: Equatable, Sendable {
    package static let formatVersion = "1.0"

    package var cluster: ClusterName
    /// Of the digests, in hexadecimal.
    package var key: String
    package var observed: Observed

    /// - Parameter digest: of a text, under `key`.
    package init(
        cluster: ClusterName, key: String, observed: Observed, digest: (String) -> String
    ) {
        self.cluster = cluster
        self.key = key
        self.observed = observed.withDigests(digest)
    }

    /// - Throws: what is wrong with the file, for people.
    package init(json text: String) throws(UnreadableFile) {
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        } catch {
            throw UnreadableFile("is not an observation saved by `matriarch observe -o`")
        }
        guard document.format_version.hasPrefix("1.") else {
            throw UnreadableFile(
                "has format_version \(document.format_version.safeForTerminal); this program "
                    + "reads \(Self.formatVersion)")
        }
        cluster = document.cluster
        key = document.key
        observed = document.observed
    }

    /// JSON text with sorted keys.
    package func json() throws -> String {
        let document = Document(
            format_version: Self.formatVersion, cluster: cluster, key: key, observed: observed)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
    }

    private struct Document: Codable {
        var format_version: String
        var cluster: ClusterName
        var key: String
        var observed: Observed
    }
}

/// Why a file cannot be used; continues a sentence that begins with the file's name.
package struct UnreadableFile: Error, Equatable, Sendable {
    package let text: String
    init(_ text: String) { self.text = text }
}

extension Observed {
    fileprivate func withDigests(_ digest: (String) -> String) -> Observed {
        func replaced(_ text: ObservedText) -> ObservedText {
            if case .plain(let secret) = text { .digest(digest(secret.reveal())) } else { text }
        }
        func word(_ text: String) -> String { ObservedText.word(digest: digest(text)) }
        var result = self
        result.nodes = nodes.mapValues { reading in
            reading.map { node in
                var node = node
                for (path, file) in node.files {
                    guard case .plain(let text) = file.content else { continue }
                    node.files[path]?.content = .digest(
                        digest(FileSpec.meaning(of: text.reveal())))
                }
                for index in node.containers.indices {
                    var container = node.containers[index]
                    container.environment = container.environment.mapValues(replaced)
                    container.command = container.command?.map(word)
                    container.labels = container.labels.mapValues(word)
                    let test = container.healthCheck?.test ?? []
                    container.healthCheck?.test = test.map(word)
                    node.containers[index] = container
                }
                return node
            }
        }
        result.configuration = configuration?.map { withDigests($0, named: "", word) }
        result.members = members.mapValues { reading in
            reading.map { member in
                var member = member
                for (name, change) in member.pendingParameters
                where [change.old, change.new].contains(where: { SecretLooks.suggested(by: $0) })
                    || SecretLooks.suggested(byName: name)
                {
                    member.pendingParameters[name] = PendingParameter(
                        old: word(change.old), new: word(change.new))
                }
                return member
            }
        }
        return result
    }

    /// Patroni's settings stay readable, but for those that look as if they held a secret.
    private func withDigests(
        _ value: JSONValue, named name: String, _ word: (String) -> String
    ) -> JSONValue {
        switch value {
        case .string(let text):
            SecretLooks.suggested(byName: name) || SecretLooks.suggested(by: text)
                ? .string(word(text)) : value
        case .array(let values): .array(values.map { withDigests($0, named: name, word) })
        case .object(let fields):
            .object(
                Dictionary(
                    uniqueKeysWithValues: fields.map {
                        ($0.key, withDigests($0.value, named: $0.key, word))
                    }))
        case .null, .bool, .int, .double: value
        }
    }
}
