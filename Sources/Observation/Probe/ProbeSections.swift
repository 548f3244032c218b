import Cluster
import Effects

/// What the probe's script printed, taken apart by its own lengths: no content of a file or a
/// container can pass for a section.
struct ProbeSections {
    struct Response {
        /// Of its request.
        var path: String
        var status: Int
        var body: [UInt8]
        /// From `Server: Docker/26.1.5 (linux)`.
        var dockerVersion: String?
        /// The node's clock.
        var date: Int64?
    }

    private var texts: [String: String] = [:]
    private(set) var contents: ArraySlice<UInt8> = []
    private(set) var responses: [Response] = []
    /// Of the client that asked docker.
    private(set) var exitStatus: Int?

    private let bytes: [UInt8]
    private var position = 0

    subscript(name: String) -> String? { texts[name] }

    init(_ result: CommandResult) throws(ProbeFailure) {
        bytes = result.output
        try skipToStart(result)
        while exitStatus == nil {
            let words = try line().split(separator: " ")
            switch (words.first, words.count) {
            case ("answers", 1): try readResponses(errors: result.errors)
            case ("end", 2):
                guard let status = Int(words[1]) else { throw unexpected }
                exitStatus = status
            case ("contents", 2): contents = try take(length(words[1]))
            case (.some(let name), 2) where texts[String(name)] == nil:
                let body = try take(length(words[1]))
                texts[String(name)] = String(decoding: body, as: UTF8.self)
            default: throw unexpected
            }
        }
    }

    private var unexpected: ProbeFailure {
        .unexpected(AnswerProblem.excerpt(of: bytes[position...]))
    }

    /// A login script may have printed before: what it says is passed over, by whole lines.
    private mutating func skipToStart(_ result: CommandResult) throws(ProbeFailure) {
        let magic = Array("matriarch-probe 1\n".utf8)
        while position < bytes.count {
            let rest = bytes[position...]
            if rest.starts(with: magic) {
                position += magic.count
                return
            }
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { break }
            position = end + 1
        }
        let seen = bytes.isEmpty ? result.errors : bytes
        throw .unexpected(AnswerProblem.excerpt(of: seen))
    }

    /// One for each line of `requests`; a last one of the client's own is passed over.
    private mutating func readResponses(errors: [UInt8]) throws(ProbeFailure) {
        var stream = HTTPStream(bytes, from: position)
        for path in (texts["requests"] ?? "").split(separator: " ") {
            let start = stream.position
            do {
                let response = try stream.next()
                responses.append(
                    Response(
                        path: String(path), status: response.status, body: response.body,
                        dockerVersion: response.headers["server"].flatMap { Self.version($0) },
                        date: response.headers["date"].flatMap { Timestamp.http($0) }))
            } catch {
                if bytes[start...].starts(with: Array("\nend ".utf8)) {
                    throw .dockerSilent(ProbeFailure.lastWords(errors))
                }
                guard case .malformed(let expected) = error else {
                    throw .torn("docker stopped answering at \(path)")
                }
                throw .answer(
                    AnswerProblem(
                        asked: "docker's \(path)",
                        seen: AnswerProblem.excerpt(of: bytes[start...]),
                        expected: expected))
            }
        }
        position = stream.position
        if bytes[position...].starts(with: Array("HTTP/".utf8)) {
            do { _ = try stream.next() } catch { throw .torn("docker stopped answering") }
            position = stream.position
        }
        guard try line().isEmpty else { throw unexpected }
    }

    private static func version(_ server: String) -> String? {
        guard server.hasPrefix("Docker/") else { return nil }
        return String(server.dropFirst(7).prefix { $0 != " " })
    }

    private func length(_ word: Substring) throws(ProbeFailure) -> Int {
        guard let length = Int(word), length >= 0 else { throw unexpected }
        return length
    }

    /// So many bytes and the line end after them.
    private mutating func take(_ count: Int) throws(ProbeFailure) -> ArraySlice<UInt8> {
        guard count < bytes.count - position else { throw .torn("the answer ended early") }
        let end = position + count
        guard bytes[end] == UInt8(ascii: "\n") else {
            throw .torn("a file changed while it was read")
        }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    private mutating func line() throws(ProbeFailure) -> String {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else {
            throw .torn("the answer ended early")
        }
        defer { position = end + 1 }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }
}
