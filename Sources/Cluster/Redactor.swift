/// Takes the values of known secrets out of texts that come from elsewhere: what a server's programs
/// say of their failure may repeat what they were given (S10).
package struct Redactor: Sendable {
    /// In bytes. A shorter value would be found in ordinary words.
    package static let shortest = 6
    /// In bytes, of what a cut left of one.
    private static let shortestPart = 4
    /// What stands for what was cut.
    private static let mark = Array("…".utf8)

    /// The longest first.
    private let forms: [[UInt8]]
    /// By first byte: whether a form begins with it.
    private let starts: [Bool]

    package init(_ secrets: Secrets) {
        let found = Set(secrets.values.values.flatMap { Self.forms(of: $0.reveal()) })
        forms = found.filter { $0.count >= Self.shortest }.sorted { $0.count > $1.count }
        var starts = [Bool](repeating: false, count: 256)
        for form in forms { starts[Int(form[0])] = true }
        self.starts = starts
    }

    /// As it is, as JSON, SQL, addresses and base64 write it, and of several lines each long one.
    private static func forms(of value: String) -> [[UInt8]] {
        guard value.utf8.count >= shortest else { return [] }
        let json = JSONValue.quote(value).unicodeScalars.dropFirst().dropLast()
        var texts = [value, String(json), percent(value), base64(value)]
        texts.append(
            value.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "''"))
        let lines = value.split(whereSeparator: \.isNewline)
        if lines.count > 1 { texts += lines.filter { $0.utf8.count >= 12 }.map(String.init) }
        return texts.map { Array($0.utf8) }
    }

    /// The text with `(sensitive)` for each occurrence, and for what a cut left of one: its beginning
    /// before a "…", its end after one.
    package func redact(_ text: String) -> String {
        guard !forms.isEmpty, text.utf8.count >= Self.shortestPart else { return text }
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var position = 0
        var copied = 0
        while position < bytes.count {
            let length = secretLength(at: position, of: bytes)
            guard length > 0 else {
                position += 1
                continue
            }
            out += bytes[copied..<position]
            out += Secret.placeholder.utf8
            position += length
            copied = position
        }
        guard copied > 0 else { return text }
        return String(decoding: out + bytes[copied...], as: UTF8.self)
    }

    /// Of the longest secret, or part of one beside a cut, that begins there; 0 where none does.
    private func secretLength(at position: Int, of bytes: [UInt8]) -> Int {
        let rest = bytes[position...]
        var longest = 0
        if starts[Int(bytes[position])] {
            for form in forms where form.count > longest {
                let length = zip(form, rest).prefix { $0 == $1 }.count
                let isCut =
                    length >= Self.shortestPart && rest.dropFirst(length).starts(with: Self.mark)
                if length == form.count || isCut { longest = max(longest, length) }
            }
        }
        if bytes[..<position].suffix(Self.mark.count).elementsEqual(Self.mark) {
            for form in forms {
                let most = min(form.count, rest.count)
                guard most >= Self.shortestPart else { continue }
                let length = (Self.shortestPart...most).last { rest.starts(with: form.suffix($0)) }
                longest = max(longest, length ?? 0)
            }
        }
        return longest
    }

    private static func percent(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                out += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return out
    }

    /// Without its padding, so that what ends there is found too.
    private static func base64(_ text: String) -> String {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                out.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { out.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        return String(decoding: out, as: UTF8.self)
    }
}
