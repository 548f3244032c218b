package import Cluster
package import LibYAML

/// YAML of others, such as a compose file made by hand, as plain values.
package enum YAMLText {
    /// The first document of a text, aliases and merge keys expanded. Duplicate keys are errors.
    ///
    /// Scalars have YAML 1.2's types: `yes` is text. An empty text is `null`. Explicit tags are
    /// left out of account, and `.inf` and `.nan` are text, which JSON has no numbers for.
    package static func parse(_ bytes: [UInt8]) -> Result<JSONValue, YAMLProblem> {
        let stream = YAMLStream.parse(bytes)
        if let problem = stream.problems.first { return .failure(problem) }
        return .success(stream.documents.first?.json ?? .null)
    }
}
