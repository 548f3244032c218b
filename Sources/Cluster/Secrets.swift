/// Where a secret's value is found. Never the value.
package enum SecretSource: Hashable, Sendable {
    case environment(String)
    /// Relative paths are relative to the manifest. One trailing newline is dropped.
    case file(String)
    /// Run without a shell; standard output, one trailing newline dropped.
    case command([String])
}

/// A value that cannot be printed, logged, interpolated or encoded (S10).
///
/// Only `reveal()` gives the text; each call of it is a place to review.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let text: String
    package init(_ text: String) { self.text = text }
    package func reveal() -> String { text }
    package var isEmpty: Bool { text.isEmpty }
    package var description: String { Self.placeholder }
    package var debugDescription: String { Self.placeholder }
    /// What stands where a secret would.
    package static let placeholder = "(sensitive)"
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The values of the manifest's secrets, once resolved.
package struct Secrets: Equatable, Sendable {
    package var values: [SecretName: Secret]
    package init(_ values: [SecretName: Secret] = [:]) { self.values = values }
    package subscript(name: SecretName) -> Secret? { values[name] }
}
