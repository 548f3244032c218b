/// Patterns of ssh_config(5) and known_hosts: `*`, `?`, lists joined by commas, `!` negates.
enum Pattern {
    /// One pattern against a text, byte by byte, case included.
    static func matches(_ pattern: some Collection<UInt8>, _ text: some Collection<UInt8>) -> Bool {
        let pattern = Array(pattern)
        let text = Array(text)
        var p = 0
        var t = 0
        // Where to come back to: the last star, and the text's place that it has eaten up to.
        // Going back to the last star only is enough, and keeps the cost quadratic at most.
        var star: Int?
        var eaten = 0
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = p
                eaten = t
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let star {
                p = star + 1
                eaten += 1
                t = eaten
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// Whether a comma list matches: one of its patterns does, and none of the negated ones.
    static func list(
        _ list: [UInt8], matches text: [UInt8], foldingCase: Bool
    ) -> Bool {
        let text = foldingCase ? text.map(\.lowercased) : text
        var found = false
        for var pattern in list.split(separator: UInt8(ascii: ",")).map(Array.init) {
            let negated = pattern.first == UInt8(ascii: "!")
            if negated { pattern.removeFirst() }
            // OpenSSH's own buffer: a longer pattern makes the list match nothing.
            if pattern.count >= 1023 { return false }
            if foldingCase { pattern = pattern.map(\.lowercased) }
            guard matches(pattern, text) else { continue }
            if negated { return false }
            found = true
        }
        return found
    }
}

extension UInt8 {
    var lowercased: UInt8 {
        self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self
    }
    /// What OpenSSH takes for white space inside a line.
    var isBlank: Bool {
        self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") || self == UInt8(ascii: "\r")
            || self == UInt8(ascii: "\n")
    }
}
