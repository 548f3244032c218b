/// What a text of YAML holds: the documents that could be read, and all that is wrong.
package struct YAMLStream: Sendable {
    /// Complete documents only: one that breaks off is not among them.
    package var documents: [YAMLNode]
    /// In the text's order. Text that is no YAML ends the reading, duplicate keys do not.
    package var problems: [YAMLProblem]

    /// Reads every document of a text. Never deeper than `limits.depth`, whatever it holds.
    package static func parse(_ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) -> YAMLStream {
        guard bytes.count <= limits.bytes else {
            let problem = YAMLProblem(
                mark: .start,
                found: "the text has \(bytes.count) bytes, more than the limit of \(limits.bytes)",
                hint: "split it into several files")
            return YAMLStream(documents: [], problems: [problem])
        }
        // Left to libyaml, the mark would count as the first character of line 1.
        let isMarked = bytes.starts(with: [0xef, 0xbb, 0xbf])
        var builder = TreeBuilder(limits: limits)
        do throws(YAMLProblem) {
            var parser = try EventParser(isMarked ? Array(bytes.dropFirst(3)) : bytes)
            while try builder.take(parser.next()) {}
        } catch {
            builder.problems.append(error)
        }
        return YAMLStream(documents: builder.documents, problems: builder.problems)
    }
}

/// Makes a tree of events with a stack of its own: the text never decides how deep we call.
struct TreeBuilder {
    private struct Frame {
        var isMapping: Bool
        var mark: YAMLMark
        var anchor: String?
        var tag: String?
        var items: [YAMLNode] = []
        var entries: [YAMLEntry] = []
        var merges: [YAMLNode] = []
        var places: [String: YAMLMark] = [:]
        var key: (text: String, mark: YAMLMark, isMerge: Bool)?
        var size = 1
        var height = 1
    }

    var documents: [YAMLNode] = []
    var problems: [YAMLProblem] = []
    private let limits: YAMLLimits
    private var frames: [Frame] = []
    private var anchors: [String: YAMLNode] = [:]
    private var openAnchors: Set<String> = []
    private var total = 0

    init(limits: YAMLLimits) { self.limits = limits }

    /// Adds one event; false when it was the last.
    mutating func take(_ event: Event) throws(YAMLProblem) -> Bool {
        switch event.kind {
        case .streamStart: break
        case .documentStart, .documentEnd:
            anchors = [:]
            openAnchors = []
        case .streamEnd: return false
        case .alias(let name): try repeatNode(name, at: event.mark)
        case .scalar(let scalar):
            try count(1, at: event.mark)
            let node = YAMLNode(.scalar(scalar), mark: event.mark, tag: event.tag)
            if let anchor = event.anchor { anchors[anchor] = node }
            try add(node, at: event.mark, scalar: scalar)
        case .sequenceStart, .mappingStart: try open(event)
        case .sequenceEnd, .mappingEnd: try close()
        }
        return true
    }

    private mutating func count(_ nodes: Int, at mark: YAMLMark) throws(YAMLProblem) {
        total += nodes
        guard total <= limits.nodes else {
            throw YAMLProblem(
                mark: mark, found: "more than \(limits.nodes) values, aliases expanded",
                hint: "repeat less through aliases, or split it into several files")
        }
    }

    private func tooDeep(_ mark: YAMLMark) -> YAMLProblem {
        YAMLProblem(
            mark: mark, found: "values nested more than \(limits.depth) levels deep",
            hint: "nothing that is read here is nested that deep")
    }

    private mutating func repeatNode(_ name: String, at mark: YAMLMark) throws(YAMLProblem) {
        guard let node = anchors[name] else {
            let found =
                openAnchors.contains(name)
                ? "alias *\(name) inside of the value that it repeats"
                : "alias *\(name) of an anchor that does not come before it"
            throw YAMLProblem(mark: mark, found: found)
        }
        try count(node.size, at: mark)
        guard frames.count + node.height <= limits.depth else { throw tooDeep(mark) }
        if case .scalar(let scalar) = node.content {
            // An alias as a key is text like any other, but never a merge.
            try add(node, at: mark, scalar: YAMLScalar(text: scalar.text, style: .singleQuoted))
        } else {
            try add(node, at: mark, scalar: nil)
        }
    }

    private mutating func open(_ event: Event) throws(YAMLProblem) {
        guard frames.count < limits.depth else { throw tooDeep(event.mark) }
        try count(1, at: event.mark)
        var isMapping = false
        if case .mappingStart = event.kind { isMapping = true }
        if let frame = frames.last, frame.isMapping, frame.key == nil {
            throw YAMLProblem(mark: event.mark, found: "a list or mapping as a key")
        }
        if let anchor = event.anchor { openAnchors.insert(anchor) }
        frames.append(
            Frame(isMapping: isMapping, mark: event.mark, anchor: event.anchor, tag: event.tag))
    }

    private mutating func close() throws(YAMLProblem) {
        guard var frame = frames.popLast() else { return }
        for merge in frame.merges { try Self.merge(merge, into: &frame) }
        let node = YAMLNode(
            frame.isMapping ? .mapping(frame.entries) : .sequence(frame.items), mark: frame.mark,
            tag: frame.tag, size: frame.size, height: frame.height)
        if let anchor = frame.anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = node
        }
        try add(node, at: frame.mark, scalar: nil)
    }

    /// Puts a finished node where the innermost open one wants it: a key, a value or an item.
    private mutating func add(
        _ node: YAMLNode, at mark: YAMLMark, scalar: YAMLScalar?
    ) throws(YAMLProblem) {
        guard var frame = frames.popLast() else {
            documents.append(node)
            return
        }
        defer { frames.append(frame) }
        frame.size += node.size
        frame.height = max(frame.height, node.height + 1)
        guard frame.isMapping else {
            frame.items.append(node)
            return
        }
        guard let key = frame.key else {
            guard let scalar else {
                throw YAMLProblem(mark: mark, found: "a list or mapping as a key")
            }
            let isMerge = scalar.text == "<<" && scalar.style == .plain
            frame.key = (scalar.text, mark, isMerge)
            return
        }
        frame.key = nil
        if let first = frame.places[key.text] {
            problems.append(
                YAMLProblem(
                    mark: key.mark, found: "key \"\(Self.shown(key.text))\" is here twice",
                    hint: "it was first set at \(first)"))
            return
        }
        frame.places[key.text] = key.mark
        if key.isMerge {
            frame.merges.append(node)
        } else {
            frame.entries.append(YAMLEntry(key: key.text, mark: key.mark, value: node))
        }
    }

    /// YAML's merge key: what the mapping says itself wins, then the earlier of the merged.
    private static func merge(_ merged: YAMLNode, into frame: inout Frame) throws(YAMLProblem) {
        var sources = [merged]
        if case .sequence(let items) = merged.content { sources = items }
        var known = Set(frame.entries.map(\.key))
        for source in sources {
            guard case .mapping(let entries) = source.content else {
                throw YAMLProblem(
                    mark: merged.mark, found: "<< of something that is not a mapping",
                    hint: "write << : *anchor, or a list of such aliases")
            }
            for entry in entries where known.insert(entry.key).inserted {
                frame.entries.append(entry)
            }
        }
    }

    /// A key as a message can show it: bounded, on one line.
    private static func shown(_ text: String) -> String {
        let line = String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 }))
        return line.count > 60 ? "\(line.prefix(60))…" : line
    }
}
