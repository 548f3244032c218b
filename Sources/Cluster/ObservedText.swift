/// A text from a server that may hold a secret.
///
/// It never prints its value. A saved observation keeps a keyed digest of the sensitive ones.
package enum ObservedText: Equatable, Sendable, CustomStringConvertible {
    case plain(Secret)
    /// HMAC-SHA-256 in hexadecimal, under the key of the saved observation.
    case digest(String)
    package init(_ text: String) { self = .plain(Secret(text)) }
    package var description: String { "(observed text)" }

    /// - Parameter digest: of a text under the saved observation's key; `nil` for a live one.
    package func matches(_ text: String, digest: (@Sendable (String) -> String)?) -> Bool {
        switch self {
        case .plain(let secret): secret.reveal() == text
        case .digest(let known): digest.map { $0(text) == known } ?? false
        }
    }

    /// What stands for a text in a saved observation where the format has plain text: words of a
    /// command or a health check, values of labels, settings that look secret.
    package static func word(digest: String) -> String { digestPrefix + digest }
    package static func isDigest(_ word: String) -> Bool { word.hasPrefix(digestPrefix) }
    private static let digestPrefix = "hmac-sha256:"
}

extension ObservedText: Codable {
    /// Encoding a text that was not replaced by its digest is an error: no path writes one out.
    package func encode(to encoder: any Encoder) throws {
        guard case .digest(let digest) = self else {
            throw EncodingError.invalidValue(
                self,
                .init(
                    codingPath: encoder.codingPath,
                    debugDescription: "an observed text has to be replaced by its digest first"))
        }
        var container = encoder.singleValueContainer()
        try container.encode(digest)
    }

    package init(from decoder: any Decoder) throws {
        self = .digest(try decoder.singleValueContainer().decode(String.self))
    }
}
