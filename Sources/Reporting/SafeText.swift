extension String {
    /// The text with whatever could steer a terminal, or hide what is read, made visible.
    ///
    /// Everything that came from a server or a manifest goes through here before it is shown:
    /// escape sequences, control characters, line breaks and marks that reorder text all become
    /// `\u{1b}`-like escapes.
    package var safeForTerminal: String {
        guard unicodeScalars.contains(where: \.isUnsafeForTerminal) else { return self }
        var out = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.isUnsafeForTerminal:
                out += "\\u{\(String(scalar.value, radix: 16))}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

extension Unicode.Scalar {
    fileprivate var isUnsafeForTerminal: Bool {
        if value < 0xa0 { return value < 0x20 || value >= 0x7f }  // C0, DEL, C1
        switch properties.generalCategory {
        case .format, .lineSeparator, .paragraphSeparator: return true  // unseen, reordering
        default:
            // Fillers and the like, but not what chooses between two pictures of one sign.
            return properties.isDefaultIgnorableCodePoint && !(0xfe00...0xfe0f).contains(value)
        }
    }
}
