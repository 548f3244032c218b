import LibYAML

/// Holds a tree against its shape and reports everything that does not fit.
struct Validator {
    private(set) var findings: [Finding] = []

    /// `place` is where to point when something of it is missing: its key.
    mutating func check(_ node: YAMLNode, _ shape: Shape, path: String, place: YAMLMark) {
        if let tag = node.tag, tag != "tag:yaml.org,2002:str" {
            add(node.mark, "\(path.named) has the tag \(tag.shown)", hint: "tags are not used here")
            return
        }
        if case .shared(_, let inner) = shape {
            return check(node, inner, path: path, place: place)
        }
        guard shape.fitsKind(of: node) else {
            return mismatch(
                node, shape, path, place, hint: node.isNull ? "leave the key out instead" : nil)
        }
        switch (shape, node.content) {
        case (.choice(let shapes), _):
            guard let fitting = shapes.first(where: { $0.fitsKind(of: node) }) else { return }
            check(node, fitting, path: path, place: place)
        case (.list(let inner, let least), .sequence(let items)):
            if items.count < least {
                add(node.mark, "\(path.named) is empty", expected: "at least one entry")
            }
            for (index, item) in items.enumerated() {
                check(item, inner, path: "\(path)[\(index)]", place: item.mark)
            }
        case (.map(let rule, let inner, let least), .mapping(let entries)):
            if entries.count < least {
                add(place, "\(path.named) is empty", expected: "at least one entry")
            }
            for entry in entries {
                name(entry.key, rule, path: path, entry.mark)
                check(entry.value, inner, path: path.appending(entry.key), place: entry.mark)
            }
        case (.object(let object), .mapping(let entries)):
            self.object(entries, object, path: path, place: place)
        case (.jsonObject, _): json(node, path: path)
        case (_, .scalar(let scalar)): self.scalar(node, scalar, shape, path: path, place: place)
        default: break
        }
    }

    private mutating func object(
        _ entries: [YAMLEntry], _ object: ObjectShape, path: String, place: YAMLMark
    ) {
        var meant: Set<String> = []
        for entry in entries {
            guard let key = object.key(entry.key) else {
                if object.allowsExtensions, entry.key.hasPrefix("x-") { continue }
                if let name = unknown(entry, in: object, path: path) { meant.insert(name) }
                continue
            }
            check(entry.value, key.shape, path: path.appending(key.name), place: entry.mark)
        }
        let present = Set(entries.map(\.key))
        // A key that is there but misspelt is one mistake, not two.
        let missing = object.keys.filter {
            $0.isRequired && !present.contains($0.name) && !meant.contains($0.name)
        }
        for key in missing {
            add(
                place, "\(path.appending(key.name)) is missing", expected: key.shape.expectation)
        }
        let chosen = object.exactlyOne.filter(present.contains)
        if !object.exactlyOne.isEmpty, chosen.isEmpty, meant.isDisjoint(with: object.exactlyOne) {
            let choices = object.exactlyOne.joined(separator: ", ")
            add(place, "\(path.named) has none of \(choices)", expected: "exactly one of them")
        }
        for found in [chosen, object.atMostOne.filter(present.contains)] where found.count > 1 {
            let names = found.joined(separator: " and ")
            add(place, "\(path.named) has \(names)", expected: "only one of them")
        }
    }

    /// The known key that was meant, when it is clear.
    private mutating func unknown(
        _ entry: YAMLEntry, in object: ObjectShape, path: String
    ) -> String? {
        let names = object.keys.map(\.name)
        var hint = Suggestion.hint(entry.key, names, kind: "known keys")
        if !hint.hasPrefix("did you mean") {
            // A key one level too high is as common as a misspelt one.
            let owners = object.keys.filter { $0.shape.object?.key(entry.key) != nil }
            if let owner = owners.first?.name { hint = "it belongs under \(owner)" }
        }
        let place = path.isEmpty ? "" : " in \(path)"
        add(entry.mark, "unknown key \(entry.key.shown)\(place)", hint: hint)
        return Suggestion.nearest(to: entry.key, in: names)
    }

    private mutating func scalar(
        _ node: YAMLNode, _ scalar: YAMLScalar, _ shape: Shape, path: String, place: YAMLMark
    ) {
        let value = ScalarValue(node, scalar)
        switch (shape, value) {
        case (.text(let rule), .text(let written)):
            text(written, rule, named: path.named, node.mark)
        case (.scalar, .null): mismatch(node, shape, path, place, hint: "write \"\" for no text")
        case (.scalar(let rule), _): text(scalar.text, rule, named: path.named, node.mark)
        case (.words(let words), .text(let written)):
            guard !words.contains(written) else { return }
            let near = Suggestion.nearest(to: written, in: words).map { "did you mean \($0)?" }
            mismatch(node, shape, path, place, hint: near)
        case (.integer(let range), .int(let number)):
            guard !range.contains(Int(number)) || !scalar.text.isDecimalInteger else { return }
            mismatch(node, shape, path, place)
        case (.integer, .text), (.positiveNumber, .text):
            let isQuoted = scalar.style != .plain && scalar.text.isDecimalInteger
            mismatch(node, shape, path, place, hint: isQuoted ? "write it without quotes" : nil)
        case (.positiveNumber, .int(let number)) where number > 0: break
        case (.positiveNumber, .double(let number)) where number > 0 && number.isFinite: break
        case (.boolean, .bool): break
        case (.boolean, .text(let written)):
            let meant = ["yes": "true", "on": "true", "no": "false", "off": "false"]
            let word = meant[written.lowercased()].map { "write \($0)" }
            mismatch(node, shape, path, place, hint: word)
        case (.text(let rule), .int), (.text(let rule), .double), (.text(let rule), .bool):
            let isMeant = rule.isMet(by: scalar.text)
            let hint = isMeant ? "write it in quotes" : rule.hint(scalar.text)
            mismatch(node, shape, path, place, hint: hint)
        default: mismatch(node, shape, path, place)
        }
    }

    private mutating func text(
        _ written: String, _ rule: TextRule, named: String, _ mark: YAMLMark
    ) {
        if let control = written.firstControl(allowingLines: rule.isMultiline) {
            let code = String(control.value, radix: 16, uppercase: true)
            let isLine = control == "\n"
            add(
                mark, "\(named) has \(isLine ? "a line break" : "the control character U+\(code)")",
                expected: rule.isMultiline ? "text without it" : "text on one line")
            return
        }
        guard !rule.isMet(by: written) else { return }
        let shown = rule.isShown ? "the text \(written.shown)" : "another text"
        let found = rule.fault(written).map { "has \($0)" } ?? "is \(shown)"
        add(mark, "\(named) \(found)", expected: rule.expectation, hint: rule.hint(written))
    }

    /// A key that people choose.
    private mutating func name(_ key: String, _ rule: TextRule, path: String, _ mark: YAMLMark) {
        guard !rule.isMet(by: key) || key.firstControl(allowingLines: false) != nil else { return }
        add(
            mark, "a key in \(path) is \(key.shown)", expected: rule.expectation,
            hint: rule.hint(key))
    }

    private mutating func mismatch(
        _ node: YAMLNode, _ shape: Shape, _ path: String, _ place: YAMLMark, hint: String? = nil
    ) {
        // A secret's value in place of its source is not repeated.
        var isText = false
        if case .scalar(let scalar) = node.content, case .text = ScalarValue(node, scalar) {
            isText = !shape.isScalar
        }
        add(
            node.isNull ? place : node.mark, "\(path.named) is \(isText ? "text" : node.shown)",
            expected: shape.expectation, hint: hint)
    }

    /// What JSON can hold has no other rules here; its keys and texts are still text.
    private mutating func json(_ node: YAMLNode, path: String) {
        if let tag = node.tag, tag != "tag:yaml.org,2002:str" {
            add(node.mark, "\(path.named) has the tag \(tag.shown)", hint: "tags are not used here")
            return
        }
        switch node.content {
        case .sequence(let items):
            for (index, item) in items.enumerated() { json(item, path: "\(path)[\(index)]") }
        case .mapping(let entries):
            for entry in entries {
                text(entry.key, .argument, named: "a key in \(path)", entry.mark)
                json(entry.value, path: path.appending(entry.key))
            }
        case .scalar(let scalar):
            let value = ScalarValue(node, scalar)
            if case .double(let number) = value, !number.isFinite {
                add(node.mark, "\(path.named) is \(value.shown)", expected: "a number of JSON")
            }
            text(scalar.text, .argument, named: path.named, node.mark)
        }
    }

    private mutating func add(
        _ mark: YAMLMark, _ found: String, expected: String? = nil, hint: String? = nil
    ) {
        findings.append(Finding(mark: mark, found: found, expected: expected, hint: hint))
    }
}

extension String {
    /// A path of keys with one more; bounded, whatever the keys hold.
    func appending(_ key: String) -> String {
        let isPlain = key.utf8.count <= 64 && TextRule.label.isMet(by: key)
        let part = isPlain ? key : key.shown
        let path = utf8.count > 200 ? "…" : self
        return path.isEmpty ? part : "\(path).\(part)"
    }

    /// A path as the subject of a message.
    var named: String { isEmpty ? "the document" : self }

    fileprivate var isDecimalInteger: Bool {
        let digits = utf8.first == 0x2d || utf8.first == 0x2b ? utf8.dropFirst() : utf8[...]
        return !digits.isEmpty && digits.allSatisfy(\.isDigit)
    }
}
