package import Cluster

/// Patroni's dynamic configuration, compared on declared keys only.
package enum ConfigurationDifference {
    /// The smallest `PATCH /config` that makes `wanted` hold; `nil` when it holds already.
    ///
    /// Objects merge key by key, as Patroni does; everything else is replaced whole; `null` deletes.
    /// - Parameter digest: of a text, where `live` is from a saved observation.
    package static func patch(
        from live: JSONValue, to wanted: JSONValue, digest: ((String) -> String)? = nil
    ) -> JSONValue? {
        guard case .object(let fields) = wanted else {
            return same(live, wanted, digest) ? nil : wanted
        }
        guard case .object(let shown) = live else { return wanted }
        var changed: [String: JSONValue] = [:]
        for (key, value) in fields {
            switch (shown[key], value) {
            case (nil, .null): continue
            case (nil, .object(let inner)) where inner.values.allSatisfy({ $0 == .null }): continue
            case (nil, _): changed[key] = value
            case (let old?, _):
                if let inner = patch(from: old, to: value, digest: digest) { changed[key] = inner }
            }
        }
        return changed.isEmpty ? nil : .object(changed)
    }

    /// `100`, `100.0` and `"100"`, `true` and `"on"` are one setting to PostgreSQL; in lists too.
    private static func same(
        _ live: JSONValue, _ wanted: JSONValue, _ digest: ((String) -> String)?
    ) -> Bool {
        switch (live, wanted) {
        case (.array(let shown), .array(let values)):
            return shown.count == values.count
                && zip(shown, values).allSatisfy { same($0, $1, digest) }
        case (.object(let shown), .object(let fields)):
            return shown.count == fields.count
                && fields.allSatisfy { key, value in
                    shown[key].map { same($0, value, digest) } == true
                }
        case (.string(let shown), .string(let text)):
            if let digest, shown == ObservedText.word(digest: digest(text)) { return true }
            return shown == text || scalar(live) == scalar(wanted)
        default: return live == wanted || scalar(live).map { $0 == scalar(wanted) } == true
        }
    }

    private static func scalar(_ value: JSONValue) -> String? {
        switch value {
        case .bool(let flag): flag ? "on" : "off"
        case .int(let number): String(number)
        case .double(let number):
            number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : "\(number)"
        case .string(let text): ["true": "on", "false": "off"][text] ?? text
        case .null, .array, .object: nil
        }
    }

    /// Each changed leaf as `postgresql.parameters.max_connections`, in order.
    package static func leaves(
        of patch: JSONValue, live: JSONValue, under path: [String] = []
    ) -> [ConfigurationChange] {
        guard case .object(let fields) = patch, !fields.isEmpty else {
            return [
                ConfigurationChange(
                    path: path, old: live == .null ? nil : live, new: patch == .null ? nil : patch)
            ]
        }
        return fields.sorted { $0.key < $1.key }.flatMap { key, value in
            leaves(of: value, live: live[key] ?? .null, under: path + [key])
        }
    }
}

/// One leaf of the dynamic configuration that differs.
package struct ConfigurationChange: Equatable, Sendable {
    package var path: [String]
    package var old: JSONValue?
    package var new: JSONValue?

    /// What it was, for people: not where that may be a secret.
    package var shownOld: String {
        guard let old else { return "(not set)" }
        let isHidden =
            path.contains { SecretLooks.suggested(byName: $0) }
            || old.containsText { SecretLooks.suggested(by: $0) || ObservedText.isDigest($0) }
        return isHidden ? "(another value)" : old.canonicalText
    }

    /// The parameter's name, for `postgresql.parameters.<name>`.
    package var parameter: String? {
        path.count == 3 && path[0] == "postgresql" && path[1] == "parameters" ? path[2] : nil
    }

    /// PostgreSQL reads it at server start only, so every member gets a pending restart.
    package var needsRestart: Bool { parameter.map(Self.restartParameters.contains) ?? false }

    /// A decrease of one of the five settings that a standby may not have lower than its primary:
    /// the primary has to have it first.
    package var primaryFirst: Bool { binding.map { $0.new < $0.old } ?? false }

    /// An increase of one of them: the standbys have to have it first.
    package var standbysFirst: Bool { binding.map { $0.new > $0.old } ?? false }

    private struct Binding {
        var old: Double
        var new: Double
    }

    /// Both values of a setting that binds standbys; one that is not set has Patroni's default.
    private var binding: Binding? {
        guard let parameter, let standard = Self.standbyBound[parameter],
            let old = Self.number(old, or: standard), let new = Self.number(new, or: standard)
        else { return nil }
        return Binding(old: old, new: new)
    }

    private static func number(_ value: JSONValue?, or standard: Double) -> Double? {
        switch value {
        case nil, .null: standard
        case .int(let number): Double(number)
        case .double(let number): number
        case .string(let text): Double(text)
        default: nil
        }
    }

    /// PostgreSQL's manual, "Administrator's Overview" of hot standby; with the values that Patroni
    /// starts PostgreSQL with where its configuration has none (its `CMDLINE_OPTIONS`).
    package static let standbyBound: [String: Double] = [
        "max_connections": 100, "max_prepared_transactions": 0, "max_locks_per_transaction": 64,
        "max_wal_senders": 10, "max_worker_processes": 8,
    ]

    /// `pg_settings` with context `postmaster` (PostgreSQL 13 to 18), without those that Patroni
    /// or Spilo keep local.
    private static let restartParameters: Set<String> = Set(standbyBound.keys).union([
        "archive_mode", "autovacuum_freeze_max_age", "autovacuum_max_workers",
        "autovacuum_multixact_freeze_max_age", "autovacuum_worker_slots", "bonjour",
        "cluster_name", "commit_timestamp_buffers", "dynamic_shared_memory_type", "event_source",
        "hot_standby", "huge_page_size", "huge_pages", "io_method", "io_max_concurrency",
        "jit_provider", "logging_collector", "max_files_per_process",
        "max_logical_replication_workers", "max_notify_queue_pages",
        "max_pred_locks_per_transaction",
        "max_replication_slots", "min_dynamic_shared_memory", "multixact_member_buffers",
        "multixact_offset_buffers", "notify_buffers", "old_snapshot_threshold",
        "recovery_target_timeline", "reserved_connections", "serializable_buffers",
        "shared_memory_type", "ssl_library", "subtransaction_buffers",
        "superuser_reserved_connections", "track_activity_query_size", "track_commit_timestamp",
        "transaction_buffers", "unix_socket_group", "unix_socket_permissions", "wal_buffers",
        "wal_decode_buffer_size", "wal_level", "wal_log_hints",
    ])
}
