/// The name that was probably meant.
enum Suggestion {
    /// The closest of the candidates, when it is close enough to be a slip.
    static func nearest(to text: String, in candidates: some Sequence<String>) -> String? {
        let wanted = Array(text.lowercased().unicodeScalars.prefix(64))
        var best: (name: String, distance: Int)?
        for name in candidates.prefix(200) where name != text {
            let letters = Array(name.lowercased().unicodeScalars.prefix(64))
            // Of names this short, one letter is all the difference there is.
            let shorter = min(wanted.count, letters.count)
            let limit = shorter < 3 ? 0 : max(1, shorter / 3)
            let distance = distance(wanted, letters, limit: limit)
            guard distance <= limit, distance < best?.distance ?? .max else { continue }
            best = (name, distance)
        }
        return best?.name
    }

    /// `did you mean x?`, or the list to choose from.
    static func hint(_ text: String, _ candidates: [String], kind: String) -> String {
        if let name = nearest(to: text, in: candidates) { return "did you mean \(name)?" }
        guard !candidates.isEmpty else { return "there are no \(kind)" }
        let shown = candidates.prefix(20).joined(separator: ", ")
        return "\(kind): \(shown)" + (candidates.count > 20 ? ", …" : "")
    }

    /// Insertions, deletions, replacements and swaps of neighbours between two words.
    static func distance(
        _ left: [Unicode.Scalar], _ right: [Unicode.Scalar], limit: Int = .max
    ) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        if abs(left.count - right.count) > limit { return limit == .max ? .max : limit + 1 }
        var before: [Int] = []
        var above = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var row = [i + 1]
            for (j, b) in right.enumerated() {
                var cost = min(above[j + 1] + 1, row[j] + 1, above[j] + (a == b ? 0 : 1))
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b {
                    cost = min(cost, before[j - 1] + 1)
                }
                row.append(cost)
            }
            before = above
            above = row
        }
        return above[right.count]
    }
}
