import Cluster

extension ByteCount {
    /// `1MiB`, `512MB`, `8GB`, `100B`. As for docker and PostgreSQL, MB and MiB are both 2^20.
    init?(quantity text: String) {
        let digits = text.utf8.prefix(while: \.isDigit)
        guard !digits.isEmpty, digits.count <= 18,
            let count = Int64(text.prefix(digits.count)),
            let shift = Self.units[String(text.dropFirst(digits.count))]
        else { return nil }
        let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: 1 << shift)
        guard !isTooLarge, bytes > 0 else { return nil }
        self.init(bytes)
    }

    private static let units: [String: Int64] = [
        "B": 0, "KB": 10, "KiB": 10, "MB": 20, "MiB": 20, "GB": 30, "GiB": 30, "TB": 40, "TiB": 40,
    ]
}

extension Duration {
    /// `500ms`, `30s`, `10m`, `1h30m`: units from the largest to the smallest, each once.
    init?(written text: String) {
        var rest = text[...]
        var milliseconds: Int64 = 0
        for (unit, factor) in [("h", Int64(3_600_000)), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let after = rest.dropFirst(digits.count)
            // `5ms` must not be read as `5m` and an `s`.
            let isThis = after.hasPrefix(unit) && !(unit == "m" && after.hasPrefix("ms"))
            guard !digits.isEmpty, isThis else { continue }
            guard digits.count <= 9, let count = Int64(digits) else { return nil }
            milliseconds += count * factor
            rest = after.dropFirst(unit.count)
        }
        guard rest.isEmpty, milliseconds > 0 else { return nil }
        self = .milliseconds(milliseconds)
    }
}
