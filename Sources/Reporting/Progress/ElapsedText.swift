extension Duration {
    /// `0.4s`, `12s`, `2m03s`, `1h02m`: as exact as it is useful.
    package var elapsedText: String {
        let (seconds, attoseconds) = components
        if seconds < 10 {
            return "\(seconds).\(attoseconds / 100_000_000_000_000_000)s"
        }
        if seconds < 60 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 60 { return "\(minutes)m\(Self.twoDigits(seconds % 60))s" }
        return "\(minutes / 60)h\(Self.twoDigits(minutes % 60))m"
    }

    private static func twoDigits(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
