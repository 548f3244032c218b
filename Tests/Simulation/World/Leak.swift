import Cluster

/// Secrets have a mark, so that one search finds any of them (S10).
enum Leak {
    static let mark = "hunter2-"
    static let inCommand = "a command"
    static let inRequest = "a request"

    static func isIn(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            let mark = Array(Leak.mark.utf8)
            guard bytes.count >= mark.count else { return false }
            for start in 0...(bytes.count - mark.count) where unsafe bytes[start] == mark[0] {
                var length = 1
                while length < mark.count, unsafe bytes[start + length] == mark[length] {
                    length += 1
                }
                if length == mark.count { return true }
            }
            return false
        }
    }

    static func look(for place: String, in text: String, _ world: inout World) {
        if isIn(text) { world.oracle.note("S10: a secret is in \(place)", at: world.now) }
    }
}
