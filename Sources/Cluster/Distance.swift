extension Int64 {
    /// The difference, as far as it can be told: a server's number may be any.
    package func distance(since earlier: Int64) -> Int64 {
        let (difference, isBeyond) = subtractingReportingOverflow(earlier)
        guard isBeyond else { return difference }
        return self < earlier ? .min : .max
    }
}
