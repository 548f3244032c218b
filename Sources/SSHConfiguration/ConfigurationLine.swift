/// A line of ssh_config(5), cut as OpenSSH cuts it.
struct ConfigurationLine {
    var number: Int
    /// In lower case.
    var keyword: String
    /// What comes after the keyword and its `=`.
    var rest: [UInt8]

    /// - Returns: `nil` for a blank line or a comment.
    init?(_ line: ArraySlice<UInt8>, number: Int) {
        var line = line
        while let last = line.last, last.isBlank || last == 0x0c { line.removeLast() }
        line = line.drop { $0.isBlank }
        guard let first = line.first, first != UInt8(ascii: "#") else { return nil }
        self.number = number
        var words = WordScanner(line)
        guard let word = words.next(), !word.isEmpty else { return nil }
        keyword = String(decoding: word.map(\.lowercased), as: UTF8.self)
        rest = Array(words.rest.drop { $0.isBlank })
    }

    /// The arguments, without their quotes; `nil` when a quote is not closed. A word that begins
    /// with `#` ends the line.
    var arguments: [String]? {
        var words: [String] = []
        var index = 0
        let blank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        while index < rest.count {
            if blank(rest[index]) {
                index += 1
                continue
            }
            if rest[index] == UInt8(ascii: "#") { break }
            var word: [UInt8] = []
            var quote: UInt8?
            while index < rest.count {
                let byte = rest[index]
                let next = index + 1 < rest.count ? rest[index + 1] : 0
                if byte == UInt8(ascii: "\\"), Self.isEscapable(next, quoted: quote != nil) {
                    word.append(next)
                    index += 1
                } else if quote == nil, blank(byte) {
                    break
                } else if quote == nil, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                    quote = byte
                } else if byte == quote {
                    quote = nil
                } else {
                    word.append(byte)
                }
                index += 1
            }
            guard quote == nil else { return nil }
            words.append(String(decoding: word, as: UTF8.self))
        }
        return words
    }

    private static func isEscapable(_ byte: UInt8, quoted: Bool) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\")
            || (byte == UInt8(ascii: " ") && !quoted)
    }
}

/// Words split at white space or one `=`, double quotes around a whole word: the cut of
/// keywords and of `Match` criteria, which differs from the cut of arguments.
struct WordScanner {
    private(set) var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) { rest = text }

    /// - Returns: `nil` at the end, or where a quote is not closed.
    mutating func next() -> [UInt8]? {
        guard !rest.isEmpty else { return nil }
        guard
            let end = rest.firstIndex(where: {
                $0.isBlank || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "=")
            })
        else {
            defer { rest = [] }
            return Array(rest)
        }
        if rest[end] == UInt8(ascii: "\"") {
            let begin = rest.index(after: end)
            guard let close = rest[begin...].firstIndex(of: UInt8(ascii: "\"")) else {
                rest = []
                return nil
            }
            let word = Array(rest[..<end]) + Array(rest[begin..<close])
            rest = rest[rest.index(after: close)...].drop { $0.isBlank }
            return word
        }
        let word = Array(rest[..<end])
        let sawEquals = rest[end] == UInt8(ascii: "=")
        rest = rest[rest.index(after: end)...].drop { $0.isBlank }
        if !sawEquals, rest.first == UInt8(ascii: "=") {
            rest = rest.dropFirst().drop { $0.isBlank }
        }
        return word
    }
}
