package import Cluster

/// Reader of HAProxy's statistics, `GET /;csv` of its stats port.
package enum ProxyAnswer {
    /// The servers of every backend, by the columns' names: their number differs between versions.
    package static func servers(_ bytes: [UInt8]) throws(AnswerProblem) -> [ProxyServer] {
        func problem(_ expected: String) -> AnswerProblem {
            AnswerProblem(
                asked: "HAProxy's statistics", seen: AnswerProblem.excerpt(of: bytes),
                expected: expected)
        }
        guard bytes.count <= 4 << 20 else { throw problem("at most 4MiB") }
        guard bytes.first == UInt8(ascii: "#") else { throw problem("CSV with a header line") }
        // A cut may end a status early, and then it is another one.
        guard bytes.last == UInt8(ascii: "\n") else { throw problem("lines that end") }
        var rows: [[String]] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let row = columns(line) else { throw problem("quotes that are closed") }
            rows.append(row)
        }
        var header = rows.removeFirst()
        header[0] = String(header[0].drop { $0 == "#" || $0 == " " })
        guard let backend = header.firstIndex(of: "pxname"),
            let server = header.firstIndex(of: "svname"),
            let status = header.firstIndex(of: "status")
        else { throw problem("the columns pxname, svname and status") }
        var servers: [ProxyServer] = []
        for row in rows {
            guard row.count == header.count else { throw problem("rows as long as their header") }
            guard row[server] != "FRONTEND", row[server] != "BACKEND" else { continue }
            servers.append(
                ProxyServer(backend: row[backend], server: row[server], status: row[status]))
        }
        return servers
    }

    /// Fields of a line; one in quotes may hold commas and doubled quotes.
    ///
    /// - Returns: `nil` where a quote is not closed.
    private static func columns(_ line: ArraySlice<UInt8>) -> [String]? {
        var fields: [[UInt8]] = [[]]
        var isQuoted = false
        var previous: UInt8?
        for byte in line {
            switch byte {
            case UInt8(ascii: "\""):
                isQuoted.toggle()
                if isQuoted, previous == byte { fields[fields.count - 1].append(byte) }
            case UInt8(ascii: ",") where !isQuoted: fields.append([])
            case UInt8(ascii: "\r"): break
            default: fields[fields.count - 1].append(byte)
            }
            previous = byte
        }
        return isQuoted ? nil : fields.map { String(decoding: $0, as: UTF8.self) }
    }
}
