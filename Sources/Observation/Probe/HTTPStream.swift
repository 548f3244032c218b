/// Reads HTTP/1.1 responses that follow each other, as docker sends them on its socket.
struct HTTPStream {
    struct Response {
        var status: Int
        /// By lower-case name.
        var headers: [String: String]
        var body: [UInt8]
    }

    enum Problem: Error, Equatable {
        case truncated
        case malformed(String)
    }

    private let bytes: [UInt8]
    /// Of the first byte not yet read.
    private(set) var position: Int

    init(_ bytes: [UInt8], from position: Int) {
        self.bytes = bytes
        self.position = min(max(position, 0), bytes.count)
    }

    mutating func next() throws(Problem) -> Response {
        let words = try line().split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw .malformed("an HTTP status line")
        }
        var headers: [String: String] = [:]
        while true {
            let line = try line()
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: ":"), headers.count < 100 else {
                throw .malformed("HTTP headers")
            }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmed
        }
        if headers["transfer-encoding"]?.lowercased() == "chunked" {
            return Response(status: status, headers: headers, body: try chunks())
        }
        guard let length = headers["content-length"].flatMap({ Int($0) }), length >= 0 else {
            throw .malformed("Content-Length or chunks")
        }
        return Response(status: status, headers: headers, body: Array(try take(length)))
    }

    private mutating func chunks() throws(Problem) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let size = try line().prefix { $0 != ";" }.trimmed
            guard let length = Int(size, radix: 16), length >= 0 else {
                throw .malformed("the size of a chunk")
            }
            if length == 0 { break }
            body += try take(length)
            guard try line().isEmpty else { throw .malformed("the end of a chunk") }
        }
        // Trailers, then an empty line.
        while try !line().isEmpty {}
        return body
    }

    private mutating func take(_ count: Int) throws(Problem) -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else { throw .truncated }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Up to a line end, which is taken but not returned. At most 64 KiB.
    private mutating func line() throws(Problem) -> String {
        let window = bytes[position...].prefix(1 << 16)
        guard let end = window.firstIndex(of: UInt8(ascii: "\n")) else { throw .truncated }
        var line = bytes[position..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        position = end + 1
        return String(decoding: line, as: UTF8.self)
    }
}

extension Substring {
    /// Without spaces and tabs around it.
    fileprivate var trimmed: String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = utf8.firstIndex(where: { !isBlank($0) }),
            let last = utf8.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(self[first...last])
    }
}
