/// A place in a text. Lines and columns start at 1; columns count characters, not bytes.
package struct YAMLMark: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var line: Int
    package var column: Int
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
    package static let start = YAMLMark(line: 1, column: 1)
    package var description: String { "\(line):\(column)" }
    package static func < (left: Self, right: Self) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A value of a YAML document and where it was written.
///
/// A class, so that what an alias repeats is shared and not copied; it never changes once built.
package final class YAMLNode: Sendable {
    package enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        /// In the text's order; keys are unique, `<<` is already merged.
        case mapping([YAMLEntry])
    }
    package let content: Content
    package let mark: YAMLMark
    /// An explicit tag in its long form (`tag:yaml.org,2002:str`, `!thing`).
    package let tag: String?
    /// How many nodes this one stands for, with what its aliases repeat.
    package let size: Int
    /// Levels of nesting, its own included.
    package let height: Int

    package init(
        _ content: Content, mark: YAMLMark = .start, tag: String? = nil, size: Int = 1,
        height: Int = 1
    ) {
        self.content = content
        self.mark = mark
        self.tag = tag
        self.size = size
        self.height = height
    }
}

/// A scalar as written, without an opinion about its type.
package struct YAMLScalar: Hashable, Sendable {
    package enum Style: Hashable, Sendable {
        case plain, singleQuoted, doubleQuoted, literal, folded
    }
    package var text: String
    package var style: Style
    package init(text: String, style: Style) {
        self.text = text
        self.style = style
    }
}

/// One `key: value` of a mapping. Keys are always text here.
package struct YAMLEntry: Sendable {
    package var key: String
    package var mark: YAMLMark
    package var value: YAMLNode
    package init(key: String, mark: YAMLMark, value: YAMLNode) {
        self.key = key
        self.mark = mark
        self.value = value
    }
}

/// What is wrong with a text as YAML, and where.
package struct YAMLProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package var mark: YAMLMark
    /// What was found.
    package var found: String
    /// What to do about it.
    package var hint: String?
    package init(mark: YAMLMark, found: String, hint: String? = nil) {
        self.mark = mark
        self.found = found
        self.hint = hint
    }
    package var description: String { "\(mark): \(found)" + (hint.map { "; \($0)" } ?? "") }
}

/// How much of a text is read before it is refused.
package struct YAMLLimits: Hashable, Sendable {
    package var bytes: Int
    package var depth: Int
    /// Nodes of the whole text, an alias counting as all that it repeats.
    package var nodes: Int
    package init(bytes: Int = 10 << 20, depth: Int = 200, nodes: Int = 1_000_000) {
        self.bytes = bytes
        self.depth = depth
        self.nodes = nodes
    }
}
