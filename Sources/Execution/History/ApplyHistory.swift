package import Cluster

/// What the nodes of a cluster remember, put together: one apply is one entry, however many nodes
/// and lines tell of it.
package struct ApplyHistory: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var record: ApplyRecord
        /// That have it, by name.
        package var nodes: [NodeName]
        /// Its lock is held right now.
        package var isRunning = false
        package init(record: ApplyRecord, nodes: [NodeName]) {
            self.record = record
            self.nodes = nodes
        }
    }

    /// The latest first.
    package private(set) var entries: [Entry] = []
    /// Lines that are no records: half written, or made by somebody else.
    package private(set) var unreadable: [NodeName: Int] = [:]

    /// - Parameters:
    ///   - answers: of each node that answered, its history's lines.
    ///   - running: the ids of the applies that hold locks.
    package init(_ answers: [NodeName: [UInt8]], running: Set<String> = []) {
        var found: [String: Entry] = [:]
        for (node, bytes) in answers.sorted(by: { $0.key < $1.key }) {
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                guard let record = ApplyRecord(line: line) else {
                    unreadable[node, default: 0] += 1
                    continue
                }
                var entry =
                    found[record.facts.apply] ?? Entry(record: record, nodes: [])
                if entry.record.ending == nil { entry.record = record }
                if entry.nodes.last != node { entry.nodes.append(node) }
                entry.isRunning =
                    entry.record.ending == nil && running.contains(record.facts.apply)
                found[record.facts.apply] = entry
            }
        }
        entries = found.values.sorted {
            let (left, right) = ($0.record.facts, $1.record.facts)
            return (left.startedAt, left.apply) > (right.startedAt, right.apply)
        }
    }
}
