import Cluster
import Execution

/// What was applied, for machines. `schema/history.schema.json` has its shape.
package enum HistoryJSON {
    package static func render(_ clusters: [ToldHistory]) -> String {
        JSONValue.object([
            "format_version": .string(ApplyRecord.formatVersion),
            "clusters": .array(clusters.map(cluster)),
        ]).prettyText
    }

    private static func cluster(_ told: ToldHistory) -> JSONValue {
        .object([
            "cluster": .string(told.cluster.rawValue),
            "applies": .array(told.shown.map(entry)),
            "unreachable": .object(
                Dictionary(
                    uniqueKeysWithValues: told.unreachable.map { ($0.rawValue, .string($1)) })),
            "unreadable_lines": .object(
                Dictionary(
                    uniqueKeysWithValues: told.history.unreadable.map {
                        ($0.rawValue, .int(Int64($1)))
                    })),
        ])
    }

    private static func entry(_ entry: ApplyHistory.Entry) -> JSONValue {
        var fields = entry.record.fields
        fields["format_version"] = nil
        fields["nodes"] = .strings(entry.nodes.map(\.rawValue))
        if entry.record.ending == nil {
            fields["outcome"] = .string(entry.isRunning ? "running" : "did_not_end")
        }
        return .object(fields)
    }
}
