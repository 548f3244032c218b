extension String {
    /// At most so many bytes of UTF-8, "…" for what was left out; no scalar is split.
    package func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        return scalars(within: limit - 3, of: unicodeScalars) + "…"
    }

    /// The same with the middle left out: the beginning says what it is about, the end is the news.
    package func shortened(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        let head = scalars(within: limit / 4, of: unicodeScalars)
        let end = scalars(within: limit - limit / 4 - 5, of: unicodeScalars.reversed())
        return "\(head) … \(String(String.UnicodeScalarView(end.unicodeScalars.reversed())))"
    }

    private func scalars(
        within limit: Int, of scalars: some Sequence<Unicode.Scalar>
    ) -> String {
        var taken = ""
        var left = limit
        for scalar in scalars {
            left -= UTF8.width(scalar)
            guard left >= 0 else { break }
            taken.unicodeScalars.append(scalar)
        }
        return taken
    }
}
