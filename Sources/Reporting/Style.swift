/// How text is painted. Colour only says again what signs and words already say.
package enum Style: Equatable, Sendable {
    case plain
    /// With ANSI colours, for a terminal.
    case colored

    enum Paint: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
        case boldRed = "1;31"
    }

    func paint(_ text: String, _ paint: Paint?) -> String {
        guard self == .colored, let paint, !text.isEmpty else { return text }
        return "\u{1b}[\(paint.rawValue)m\(text)\u{1b}[0m"
    }
}

extension String {
    /// Padded with blanks to `width` columns, counting what a reader sees as one character as one.
    func padded(to width: Int) -> String {
        let missing = width - count
        return missing > 0 ? self + String(repeating: " ", count: missing) : self
    }
}
