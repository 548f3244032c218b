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

    /// What a text from elsewhere begins with, of at most so many bytes; "…" for what was left out.
    ///
    /// Such a text is cut here or by `cut(toBytes:)`: by the "…" a `Redactor` sees that a secret may
    /// have been cut as well.
    package init(startOf bytes: some Collection<UInt8>, limit: Int) {
        // Of a scalar that is split here nothing is left: "…" takes as many bytes.
        self = String(decoding: bytes.prefix(limit + 1), as: UTF8.self).cut(toBytes: limit)
    }

    /// The same of its end. A byte that is not UTF-8 counts as one, and takes three.
    package init(endOf bytes: some BidirectionalCollection<UInt8>, limit: Int) {
        guard bytes.count > limit else {
            self = String(decoding: bytes, as: UTF8.self)
            return
        }
        let end = bytes.suffix(limit - 3).drop { $0 & 0xc0 == 0x80 }
        self = "…" + String(decoding: end, as: UTF8.self)
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
