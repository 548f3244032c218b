import LibYAML

/// Something wrong in a manifest: where, what was found, what was expected, what to do.
package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Hashable, Sendable { case error, warning }
    package var file: String
    /// From 1; columns count characters.
    package var line: Int
    package var column: Int
    package var severity: Severity
    package var found: String
    package var expected: String?
    package var hint: String?

    package init(
        file: String, line: Int, column: Int, severity: Severity = .error, found: String,
        expected: String? = nil, hint: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.severity = severity
        self.found = found
        self.expected = expected
        self.hint = hint
    }

    /// One line, in the form that editors and CI systems link to the place.
    package var description: String {
        var text = "\(file):\(line):\(column): \(severity.rawValue): \(found)"
        if let expected { text += "; expected \(expected)" }
        if let hint { text += "; \(hint)" }
        return text
    }
}

/// A problem before its file is known.
struct Finding: Hashable {
    var mark: YAMLMark
    var severity: Problem.Severity = .error
    var found: String
    var expected: String?
    var hint: String?

    /// Whatever of the manifest's own names is in the texts, nothing of it acts on a terminal.
    func inFile(_ file: String) -> Problem {
        Problem(
            file: file, line: mark.line, column: mark.column, severity: severity,
            found: found.visible, expected: expected?.visible, hint: hint?.visible)
    }
}

extension String {
    /// A text of the manifest as a message can show it: bounded, on one line, in quotes.
    var shown: String {
        let start = String(unicodeScalars.prefix(60)).visible
        return "\"\(start)\(unicodeScalars.count > 60 ? "…" : "")\""
    }

    /// On one line, with controls as escapes.
    fileprivate var visible: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        var out = ""
        for scalar in unicodeScalars {
            if scalar.isControl {
                out += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// The first character that no value may hold.
    func firstControl(allowingLines: Bool) -> Unicode.Scalar? {
        unicodeScalars.first {
            $0.isControl && !(allowingLines && ($0 == "\n" || $0 == "\t"))
        }
    }
}

extension Unicode.Scalar {
    /// What changes a terminal, a line or the reading direction instead of being seen.
    var isControl: Bool {
        switch value {
        case 0..<0x20, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
        default: false
        }
    }
}
