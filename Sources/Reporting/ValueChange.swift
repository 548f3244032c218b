/// Two values of one field, cut down to what a reader has to compare.
struct ValueChange: Equatable {
    var from: String
    var to: String

    /// Longest value that is shown whole.
    private static let widest = 60

    /// - Parameter field: `image` drops the registry and path that both sides share.
    init(field: String, from: String, to: String) {
        let shared = zip(from, to).prefix { $0 == $1 }.count
        if Self.isImage(field), shared > 0 {
            let path = from.prefix(shared).lastIndex(of: "/").map {
                from.distance(from: from.startIndex, to: $0) + 1
            }
            self.from = Self.shown(String(from.dropFirst(path ?? 0)))
            self.to = Self.shown(String(to.dropFirst(path ?? 0)))
            return
        }
        // A long common start says nothing: begin a few characters before the difference.
        if max(from.count, to.count) > Self.widest, shared > 20 {
            self.from = Self.shown("…" + from.dropFirst(shared - 8))
            self.to = Self.shown("…" + to.dropFirst(shared - 8))
        } else {
            self.from = Self.shown(from)
            self.to = Self.shown(to)
        }
    }

    private static func isImage(_ field: String) -> Bool {
        field == "image" || field.hasSuffix(".image")
    }

    private static func shown(_ value: String) -> String {
        let safe = value.safeForTerminal
        if safe.isEmpty { return "(none)" }
        guard safe.count > widest else { return safe }
        return safe.prefix(widest - 1) + "…"
    }
}
