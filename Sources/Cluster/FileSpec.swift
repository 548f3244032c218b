/// A file that Matriarch writes in the project's directory of a node.
package struct FileSpec: Hashable, Sendable {
    /// Relative to the project's directory, without `..`.
    package var path: String
    package var content: ResolvedText
    /// 0o600 where the content holds secrets.
    package var mode: UInt16
    package var comparison: Comparison
    package enum Comparison: Hashable, Sendable {
        /// Differs when a line other than blanks and `#` comments differs.
        case lines
        /// Written when absent; its content acts only at a first start and is never compared.
        case presence
    }
    package init(
        path: String, content: ResolvedText, mode: UInt16 = 0o644, comparison: Comparison = .lines
    ) {
        self.path = path
        self.content = content
        self.mode = mode
        self.comparison = comparison
    }

    /// In the first line of every file that Matriarch writes and that can hold a comment.
    package static let signature = "Written by Matriarch"

    /// Near its beginning, with letters of any language before it: bytes are enough.
    static func isSigned(_ text: String) -> Bool {
        let mark = Array(signature.utf8)
        var rest = text.utf8.prefix(400)
        while let start = rest.firstIndex(of: mark[0]) {
            if rest[start...].starts(with: mark) { return true }
            rest = rest[rest.index(after: start)...]
        }
        return false
    }

    /// What two texts are compared by: their lines without blank ones and `#` comments.
    package static func meaning(of text: String) -> String {
        let newline = UInt8(ascii: "\n")
        let bytes = Array(text.utf8)
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        for line in bytes.split(separator: newline) {
            let first = line.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
            guard let first, first != UInt8(ascii: "#") else { continue }
            if !kept.isEmpty { kept.append(newline) }
            kept += line
        }
        return String(decoding: kept, as: UTF8.self)
    }
}

/// One service's container on one node.
package struct ContainerAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var service: ServiceName
    package var node: NodeName
    package init(_ service: ServiceName, on node: NodeName) {
        self.service = service
        self.node = node
    }
    package var description: String { "\(service) on \(node)" }
    package static func < (left: Self, right: Self) -> Bool {
        left.service == right.service ? left.node < right.node : left.service < right.service
    }
}
