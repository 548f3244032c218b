import Cluster
import LibYAML

/// A place of the tree to read from, whether anything is there or not.
///
/// Values that do not fit are `nil` here: the validator has said so already.
struct View {
    private let node: YAMLNode?
    /// Of the key; of the nearest place above where there is none.
    let keyMark: YAMLMark

    init(_ node: YAMLNode?, at mark: YAMLMark) {
        self.node = node
        keyMark = mark
    }

    var isPresent: Bool { node != nil }
    /// Of the value; of the key where there is none.
    var mark: YAMLMark { node?.mark ?? keyMark }

    subscript(key: String) -> View {
        guard case .mapping(let entries) = node?.content,
            let entry = entries.first(where: { $0.key == key })
        else { return View(nil, at: keyMark) }
        return View(entry.value, at: entry.mark)
    }

    /// The named values of a mapping, in the text's order.
    var entries: [(key: String, view: View)] {
        guard case .mapping(let entries) = node?.content else { return [] }
        return entries.map { ($0.key, View($0.value, at: $0.mark)) }
    }

    var items: [View] {
        guard case .sequence(let items) = node?.content else { return [] }
        return items.map { View($0, at: $0.mark) }
    }

    /// A scalar as written.
    var text: String? {
        guard case .scalar(let scalar) = node?.content else { return nil }
        return scalar.text
    }

    private var value: ScalarValue? {
        guard let node, case .scalar(let scalar) = node.content else { return nil }
        return ScalarValue(node, scalar)
    }

    /// One text or a list of them.
    var texts: [String] { text.map { [$0] } ?? items.compactMap(\.text) }

    var bool: Bool? {
        if case .bool(let value) = value { value } else { nil }
    }

    var int: Int? {
        if case .int(let value) = value { Int(exactly: value) } else { nil }
    }

    var number: Double? {
        switch value {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    var port: UInt16? { int.flatMap { UInt16(exactly: $0) }.flatMap { $0 == 0 ? nil : $0 } }
    var bytes: ByteCount? { text.flatMap { ByteCount(quantity: $0) } }
    var duration: Duration? { text.flatMap { Duration(written: $0) } }
    var json: JSONValue? { node?.json }
    /// What is there, for a message.
    var shown: String { node?.shown ?? "missing" }
    /// `key:` with nothing after it.
    var isNull: Bool { node?.isNull ?? false }
    var isMapping: Bool {
        if case .mapping = node?.content { true } else { false }
    }
}
