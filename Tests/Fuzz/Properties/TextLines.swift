/// The lines of a text as YAML 1.1 counts them, to tell whether a place is within it.
struct TextLines {
    /// Characters of each line; what is no UTF-8 counts byte by byte.
    private var lengths = [0]

    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
        while let byte = rest.first {
            if let length = Self.lineBreak(rest) {
                rest = rest.dropFirst(length)
                lengths.append(0)
            } else {
                rest = rest.dropFirst()
                if byte & 0xc0 != 0x80 { lengths[lengths.count - 1] += 1 }
            }
        }
    }

    /// Places may be one past a line's end, and one line past the last: where a text ends early.
    func contain(line: Int, column: Int) -> Bool {
        if line == lengths.count + 1 { return column == 1 }
        guard lengths.indices.contains(line - 1) else { return false }
        return (1...lengths[line - 1] + 1).contains(column)
    }

    private static func lineBreak(_ text: ArraySlice<UInt8>) -> Int? {
        if text.starts(with: [0x0d, 0x0a]) { return 2 }
        if text.first == 0x0a || text.first == 0x0d { return 1 }
        if text.starts(with: [0xc2, 0x85]) { return 2 }
        if text.starts(with: [0xe2, 0x80, 0xa8]) || text.starts(with: [0xe2, 0x80, 0xa9]) {
            return 3
        }
        return nil
    }
}
