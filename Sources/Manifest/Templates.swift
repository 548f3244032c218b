import Cluster

extension Template {
    /// Reads `${secret.NAME}` and `${database.FACT}`; `$${` is a literal `${`, any other `$` itself.
    /// Fails with the reference that is not one of those.
    static func read(_ text: String) -> Result<Template, TemplateFault> {
        var segments: [Segment] = []
        var literal = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            literal += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    return .failure(TemplateFault(reference: String(rest), isOpen: true))
                }
                let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
                guard let segment = segment(name) else {
                    return .failure(TemplateFault(reference: name, isOpen: false))
                }
                if !literal.isEmpty { segments.append(.literal(literal)) }
                literal = ""
                segments.append(segment)
                rest = rest[rest.index(after: end)...]
            } else {
                literal += "$"
                rest = rest.dropFirst()
            }
        }
        literal += rest
        if !literal.isEmpty { segments.append(.literal(literal)) }
        return .success(Template(segments))
    }

    private static func segment(_ name: String) -> Segment? {
        if let fact = DatabaseFact(rawValue: name) { return .database(fact) }
        guard name.hasPrefix("secret.") else { return nil }
        let secret = String(name.dropFirst(7))
        return TextRule.secretName.isMet(by: secret) ? .secret(SecretName(secret)) : nil
    }

    /// All of its text that is written in the manifest.
    var literalText: String {
        segments.map { if case .literal(let text) = $0 { text } else { "" } }.joined()
    }
}

/// A `${…}` that says nothing that can be filled in.
struct TemplateFault: Error, Hashable {
    var reference: String
    var isOpen: Bool

    var found: String {
        isOpen ? "a ${ without its }" : "the reference \("${\(reference)}".shown)"
    }

    var hint: String {
        let facts = DatabaseFact.allCases.map(\.rawValue)
        if !isOpen, let name = Suggestion.nearest(to: reference, in: facts) {
            return "did you mean ${\(name)}?"
        }
        if !isOpen, ["secrets.", "env."].contains(where: reference.hasPrefix) {
            return "secrets are written ${secret.NAME}"
        }
        return "write $${ for a literal ${"
    }
}

extension TextRule {
    /// The value of an environment variable.
    static let template = TextRule(
        expectation: "text with no other references than ${secret.NAME} and"
            + " ${database.host|port|readPort|name}",
        pattern: "^([^$]|\\$(?!\\{)|\\$\\$\\{"
            + "|\\$\\{(secret\\.[A-Za-z_][A-Za-z0-9_-]*|database\\.(host|port|readPort|name))\\})*$",
        accepts: { text in
            if case .success = Template.read(text) { true } else { false }
        },
        hint: { text in
            if case .failure(let fault) = Template.read(text) { fault.hint } else { nil }
        },
        fault: { text in
            if case .failure(let fault) = Template.read(text) { fault.found } else { nil }
        })
}
