/// Dates as docker and HTTP write them, in seconds since the epoch.
enum Timestamp {
    /// `2026-11-23T07:03:11.034741896Z` or with an offset; `nil` for docker's "never" (year 1).
    static func rfc3339(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), let year = number(bytes[0..<4]), year >= 1970,
            let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let zone = bytes[19...].drop {
            $0 == UInt8(ascii: ".") || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
        }
        guard let offset = offset(Array(zone)) else { return nil }
        return seconds(year, month, day, hour, minute, second) - offset
    }

    /// `Tue, 24 Nov 2026 15:15:29 GMT`.
    static func http(_ text: String) -> Int64? {
        let words = Array(text.utf8).split(separator: UInt8(ascii: " "))
        guard words.count == 6, words[5].elementsEqual("GMT".utf8), let day = number(words[1]),
            let month = months.firstIndex(where: { words[2].elementsEqual($0.utf8) }),
            let year = number(words[3]), (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: UInt8(ascii: ":")).map { number($0) }
        guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2]
        else { return nil }
        return seconds(year, Int64(month) + 1, day, hour, minute, second)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func offset(_ zone: [UInt8]) -> Int64? {
        guard let sign = zone.first else { return nil }
        if sign == UInt8(ascii: "Z"), zone.count == 1 { return 0 }
        guard zone.count == 6, let hours = number(zone[1..<3]), let minutes = number(zone[4..<6])
        else { return nil }
        let distance = hours * 3600 + minutes * 60
        return sign == UInt8(ascii: "-") ? -distance : distance
    }

    /// Up to six digits and nothing else.
    private static func number(_ digits: some Collection<UInt8>) -> Int64? {
        guard !digits.isEmpty, digits.count <= 6 else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }

    /// Days from the civil calendar: years start in March, so that a leap day comes last.
    private static func seconds(
        _ year: Int64, _ month: Int64, _ day: Int64, _ hour: Int64, _ minute: Int64,
        _ second: Int64
    ) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }
}
