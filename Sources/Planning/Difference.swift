import Cluster

/// One declared field that is not as declared. Both texts are safe to print.
package struct FieldChange: Hashable, Sendable {
    /// `image`, `environment.LOG_LEVEL`, `ports`.
    package var field: String
    package var old: String
    package var new: String
    package init(_ field: String, old: String, new: String) {
        self.field = field
        self.old = old
        self.new = new
    }
    package var cause: Cause { .field(field, from: old, to: new) }
}

/// Compares what is declared with what `docker inspect` shows, field by field.
package struct ContainerDifference {
    let spec: ContainerSpec
    let live: ObservedContainer
    let project: Project
    /// Digest of a text under the saved observation's key; `nil` for a live observation.
    let digest: (@Sendable (String) -> String)?

    /// Made by Matriarch: then what is not declared must not be there either. Of a container made
    /// by hand only the declared fields count.
    private var isOurs: Bool { live.managedBy != nil }

    /// In a fixed order. What the image, docker or compose added never differs.
    package var changes: [FieldChange] {
        let all =
            image + command + hostname + environment + ports + mounts + labels + health + limits
            + grace
        return isOurs ? all : all.filter { !spec.chosen.contains($0.field) }
    }

    private var image: [FieldChange] {
        ImageReference(live.image.text).normalized == spec.image.normalized
            ? [] : [FieldChange("image", old: live.image.text, new: spec.image.text)]
    }

    private var command: [FieldChange] {
        if spec.command == nil, !isOurs { return [] }
        if sameWords(live.command, spec.command) { return [] }
        return [FieldChange("command", old: words(live.command), new: words(spec.command))]
    }

    private func words(_ command: [String]?) -> String {
        command.map(shown) ?? "(the image's)"
    }

    /// Of a saved observation all words are digests, which say nothing to a reader.
    private func shown(_ words: [String]) -> String {
        if words.contains(where: ObservedText.isDigest) { return "(another)" }
        return SecretLooks.masked(command: words).joined(separator: " ")
    }

    private func sameWords(_ live: [String]?, _ wanted: [String]?) -> Bool {
        guard let live, let wanted else { return live == wanted }
        return live.count == wanted.count && zip(live, wanted).allSatisfy { same($0, $1) }
    }

    private func same(_ live: String, _ wanted: String) -> Bool {
        live == wanted || digest.map { live == ObservedText.word(digest: $0(wanted)) } == true
    }

    private var hostname: [FieldChange] {
        guard let wanted = spec.hostname, wanted != live.hostname else { return [] }
        return [FieldChange("hostname", old: live.hostname, new: wanted)]
    }

    private var environment: [FieldChange] {
        var changes: [FieldChange] = []
        for (key, wanted) in spec.environment.sorted(by: { $0.key < $1.key }) {
            let field = "environment.\(key)"
            guard let shown = live.environment[key] else {
                changes.append(FieldChange(field, old: "(not set)", new: wanted.description))
                continue
            }
            if !shown.matches(wanted.reveal(), digest: digest),
                !(key == "ETCD3_HOSTS" && sameHosts(shown, wanted))
            {
                changes.append(
                    FieldChange(
                        field, old: printable(shown, key: key, beside: wanted),
                        new: wanted.description))
            }
        }
        guard isOurs else { return changes }
        for key in live.environment.keys.sorted()
        where spec.environment[key] == nil && spec.firstStartEnvironment[key] == nil {
            changes.append(FieldChange("environment.\(key)", old: "(set)", new: "(not set)"))
        }
        return changes
    }

    private func sameHosts(_ shown: ObservedText, _ wanted: ResolvedText) -> Bool {
        guard case .plain(let text) = shown else { return false }
        return Self.hosts(text.reveal()) == Self.hosts(wanted.reveal())
    }

    /// Spilo reads `"a:1","b:1"`, `'a:1','b:1'` and `a:1,b:1` as one list.
    static func hosts(_ text: String) -> Set<String> {
        Set(text.filter { !"'\" ".contains($0) }.split(separator: ",").map(String.init))
    }

    /// The old value, only where neither the manifest nor its name marks it as a secret (S10).
    private func printable(_ shown: ObservedText, key: String, beside wanted: ResolvedText)
        -> String
    {
        guard case .plain(let value) = shown, !wanted.isSensitive,
            !SecretLooks.suggested(byName: key),
            !SecretLooks.suggested(by: value.reveal())
        else {
            return wanted.isSensitive ? "(sensitive)" : "(another value)"
        }
        return value.reveal()
    }

    private var ports: [FieldChange] {
        list("ports", live.ports.map(normalized), spec.ports.map(normalized))
    }

    /// `0.0.0.0` and no address are one binding.
    private func normalized(_ port: PortMapping) -> PortMapping {
        var port = port
        if port.hostAddress == "0.0.0.0" || port.hostAddress == "" { port.hostAddress = nil }
        return port
    }

    private var mounts: [FieldChange] {
        list(
            "volumes", live.mounts,
            spec.mounts.map { mount in
                guard case .path(let path) = mount.source, !path.hasPrefix("/") else {
                    return mount
                }
                var mount = mount
                let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
                mount.source = .path("\(project.directory)/\(relative)")
                return mount
            })
    }

    /// Ours: the same elements. By hand: every declared one is there.
    private func list<Element: Hashable & Comparable & CustomStringConvertible>(
        _ field: String, _ shown: [Element], _ wanted: [Element]
    ) -> [FieldChange] {
        let old = Set(shown)
        let new = Set(wanted)
        if isOurs ? old == new : old.isSuperset(of: new) { return [] }
        func text(_ elements: Set<Element>) -> String {
            elements.isEmpty
                ? "(none)" : elements.sorted().map(\.description).joined(separator: ", ")
        }
        return [
            FieldChange(
                field, old: text(old.subtracting(new)), new: text(new.subtracting(old)))
        ]
    }

    private var labels: [FieldChange] {
        var changes: [FieldChange] = []
        for (key, value) in spec.labels.sorted(by: { $0.key < $1.key })
        where key != ClusterName.label {
            let old = live.labels[key]
            if let old, same(old, value) { continue }
            changes.append(
                FieldChange(
                    "labels.\(key)", old: old.map { label(key, $0) } ?? "(not set)", new: value))
        }
        guard isOurs else { return changes }
        for key in live.labels.keys.sorted()
        where spec.labels[key] == nil && key != ClusterName.label {
            changes.append(
                FieldChange(
                    "labels.\(key)", old: label(key, live.labels[key] ?? ""), new: "(not set)"))
        }
        return changes
    }

    private func label(_ key: String, _ value: String) -> String {
        let isHidden =
            ObservedText.isDigest(value) || SecretLooks.suggested(byName: key)
            || SecretLooks.suggested(by: value)
        return isHidden ? "(another value)" : value
    }

    private var health: [FieldChange] {
        guard spec.health != nil || isOurs else { return [] }
        let wanted = spec.health.map {
            ObservedHealthCheck(
                test: $0.test, interval: $0.interval.nanoseconds, timeout: $0.timeout.nanoseconds,
                retries: $0.retries, startPeriod: $0.startPeriod.nanoseconds)
        }
        if sameWords(live.healthCheck?.test, wanted?.test) {
            var timing = live.healthCheck
            timing?.test = wanted?.test ?? []
            if timing == wanted { return [] }
        }
        return [FieldChange("healthcheck", old: text(live.healthCheck), new: text(wanted))]
    }

    private func text(_ check: ObservedHealthCheck?) -> String {
        guard let check else { return "(none)" }
        return shown(check.test) + " every \(check.interval / 1_000_000_000)s"
    }

    private var limits: [FieldChange] {
        var changes: [FieldChange] = []
        func compare<Value: Equatable>(
            _ field: String, _ shown: Value?, _ wanted: Value?, _ print: (Value) -> String
        ) {
            guard wanted != nil || isOurs, shown != wanted else { return }
            changes.append(
                FieldChange(
                    field, old: shown.map(print) ?? "(not set)",
                    new: wanted.map(print) ?? "(not set)"))
        }
        let wanted = spec.resources
        compare("memory", live.memory, wanted.memory) { $0.description }
        compare("cpus", live.nanoCPUs, wanted.cpus.map { Int64(min($0 * 1e9, 1e18).rounded()) }) {
            "\(Double($0) / 1e9)"
        }
        let shared = live.sharedMemory == Self.dockersSharedMemory ? nil : live.sharedMemory
        compare("sharedMemory", shared, wanted.sharedMemory) { $0.description }
        return changes
    }

    /// What docker gives a container that declares nothing.
    private static let dockersSharedMemory = ByteCount.mebibytes(64)

    private var grace: [FieldChange] {
        let wanted = spec.stopGracePeriod.map { Int($0.components.seconds) }
        guard wanted != nil || isOurs, wanted != live.stopTimeout else { return [] }
        func text(_ seconds: Int?) -> String { seconds.map { "\($0)s" } ?? "(docker's)" }
        return [FieldChange("stopGracePeriod", old: text(live.stopTimeout), new: text(wanted))]
    }
}

extension Duration {
    var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
