/// A text made of literals, secrets and facts of the cluster: `postgres://app:${secret.app}@${database.host}`.
package struct Template: Hashable, Sendable, ExpressibleByStringLiteral {
    package enum Segment: Hashable, Sendable {
        case literal(String)
        case secret(SecretName)
        case database(DatabaseFact)
    }
    package var segments: [Segment]
    package init(_ segments: [Segment]) { self.segments = segments }
    package init(stringLiteral value: String) { segments = value.isEmpty ? [] : [.literal(value)] }
    package init(_ text: String) { self.init(stringLiteral: text) }
    package var secretNames: [SecretName] {
        segments.compactMap { if case .secret(let name) = $0 { name } else { nil } }
    }
    package var isSensitive: Bool { !secretNames.isEmpty }
}

/// How a service of the project reaches the database: through HAProxy where there is one.
package enum DatabaseFact: String, Hashable, Sendable, CaseIterable {
    /// HAProxy as seen from the service's node (else the first member).
    case host = "database.host"
    /// The port of writes.
    case port = "database.port"
    /// The port of reads.
    case readPort = "database.readPort"
    case name = "database.name"
}
