/// One word of a POSIX shell.
package enum ShellWord {
    /// The text as a word that no shell takes apart or expands: in single quotes, within which
    /// nothing is special. A word made of letters, digits and `-_./:@%+,` stays bare.
    ///
    /// - Throws: `UnquotableText` when it holds a NUL byte, which no argument can.
    package static func quote(_ text: String) throws(UnquotableText) -> String {
        if text.utf8.contains(0) { throw UnquotableText(text: text) }
        if !text.isEmpty, text.utf8.allSatisfy(isPlain) { return text }
        return quoted(text)
    }

    /// In single quotes whatever it is, for a text without a NUL byte, as a script is.
    ///
    /// By scalars: a quote with a combining mark after it is another character to Swift, and to a
    /// shell the end of the word.
    package static func quoted(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "'")) else { return "'" + text + "'" }
        var word = "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" { word += "'\\''" } else { word.unicodeScalars.append(scalar) }
        }
        return word + "'"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "@"),
            UInt8(ascii: "%"), UInt8(ascii: "+"), UInt8(ascii: ","):
            true
        default: false
        }
    }
}

/// A text with a NUL byte, which cannot be an argument of a command.
package struct UnquotableText: Error, Equatable, Sendable, CustomStringConvertible {
    package var text: String
    package var description: String {
        let shown = text.unicodeScalars.map { $0 == "\0" ? "\\0" : String($0) }.joined()
        return "\"\(shown)\" holds a NUL byte, which no command can carry"
    }
}
