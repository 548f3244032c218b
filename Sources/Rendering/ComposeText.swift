import Cluster

/// A node's compose.yaml.
///
/// Keys come in one order, every string is a JSON string with compose's `$` doubled: no value can
/// become something else than itself, and one state has one text.
struct ComposeText {
    let desired: Desired

    func text(of services: [ContainerSpec]) -> String {
        var out = """
            # \(FileSpec.signature) for cluster \(desired.name).
            # Edit the manifest instead; changes here are overwritten.
            name: \(Self.quote(desired.project.name))
            services:

            """
        out.reserveCapacity(1200 * services.count)
        var volumes: Set<String> = []
        for spec in services {
            Self.write(spec, to: &out)
            for mount in spec.mounts {
                if case .volume(let name) = mount.source { volumes.insert(name) }
            }
        }
        guard !volumes.isEmpty else { return out }
        out += "volumes:\n"
        for volume in volumes.sorted(by: { $0.naturallyPrecedes($1) }) {
            out += "  \(Self.quote(volume)): {}\n"
        }
        return out
    }

    private static func write(_ spec: ContainerSpec, to out: inout String) {
        out += "  \(quote(spec.service.rawValue)):\n"
        field("image", spec.image.text, to: &out)
        if let command = spec.command { out += "    command: \(list(command))\n" }
        if let hostname = spec.hostname { field("hostname", hostname, to: &out) }
        out += "    restart: unless-stopped\n"
        mapping(
            "environment",
            spec.environment.lazy.filter { !$0.value.isSensitive }
                .map { ($0.key, $0.value.description) }, to: &out)
        writeEnvironmentFiles(of: spec, to: &out)
        if !spec.ports.isEmpty {
            out += "    ports: \(list(spec.ports.sorted().map(\.description)))\n"
        }
        write(spec.mounts, to: &out)
        mapping("labels", spec.labels.lazy.map { ($0.key, $0.value) }, to: &out)
        if let health = spec.health { write(health, to: &out) }
        if let memory = spec.resources.memory { out += "    mem_limit: \(memory.bytes)\n" }
        if let cpus = spec.resources.cpus { out += "    cpus: \"\(cpus)\"\n" }
        if let shared = spec.resources.sharedMemory { out += "    shm_size: \(shared.bytes)\n" }
        if let grace = spec.stopGracePeriod {
            out += "    stop_grace_period: \(duration(grace))\n"
        }
    }

    private static func write(_ mounts: [VolumeMount], to out: inout String) {
        guard !mounts.isEmpty else { return }
        out += "    volumes:\n"
        for mount in mounts.sorted() {
            switch mount.source {
            case .volume(let name): out += "      - type: volume\n        source: \(quote(name))\n"
            case .path(let path):
                let isExplicit = path.hasPrefix("/") || path.hasPrefix("./")
                out += "      - type: bind\n"
                out += "        source: \(quote(isExplicit ? path : "./" + path))\n"
                out += "        bind: { create_host_path: true }\n"
            }
            out += "        target: \(quote(mount.target))\n"
            if mount.isReadOnly { out += "        read_only: true\n" }
        }
    }

    private static func write(_ health: HealthCheck, to out: inout String) {
        out += "    healthcheck:\n"
        out += "      test: \(list(health.test))\n"
        out += "      interval: \(duration(health.interval))\n"
        out += "      timeout: \(duration(health.timeout))\n"
        out += "      retries: \(health.retries)\n"
        out += "      start_period: \(duration(health.startPeriod))\n"
    }

    /// The files that `EnvironmentFile.files(of:)` makes. Compose refuses every command while a
    /// required one of any service is missing; one that acts at a first start only is not worth
    /// that.
    private static func writeEnvironmentFiles(of spec: ContainerSpec, to out: inout String) {
        let hasSecrets = spec.environment.values.contains(where: \.isSensitive)
        guard hasSecrets || !spec.firstStartEnvironment.isEmpty else { return }
        out += "    env_file:\n"
        if hasSecrets { out += "      - \(quote(EnvironmentFile.path(spec.service)))\n" }
        if !spec.firstStartEnvironment.isEmpty {
            let path = quote(EnvironmentFile.firstStartPath(spec.service))
            out += "      - { path: \(path), required: false }\n"
        }
    }

    private static func field(_ key: String, _ value: String, to out: inout String) {
        append("    ", key, ": ", quote(value), "\n", to: &out)
    }

    /// Where most of a file is made: an interpolation makes a text of its own first.
    private static func append(_ parts: String..., to out: inout String) {
        for part in parts { out += part }
    }

    private static func mapping(
        _ key: String, _ pairs: some Sequence<(String, String)>, to out: inout String
    ) {
        let sorted = pairs.sorted { $0.0 < $1.0 }
        guard !sorted.isEmpty else { return }
        append("    ", key, ":\n", to: &out)
        for (name, value) in sorted {
            append("      ", quote(name), ": ", quote(value), "\n", to: &out)
        }
    }

    private static func list(_ items: [String]) -> String {
        "[" + items.map(quote).joined(separator: ", ") + "]"
    }

    /// Whole seconds where it can be, else milliseconds.
    static func duration(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        guard attoseconds != 0 else { return "\(seconds)s" }
        return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms"
    }

    /// A JSON string, which is a YAML string, with `$` doubled so that compose interpolates nothing.
    static func quote(_ text: String) -> String {
        var isPrintable = true
        var escapes = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "$"): escapes += 1
            case 0x20..<0x7f: continue
            default: isPrintable = false
            }
        }
        if isPrintable { return escapes == 0 ? "\"" + text + "\"" : escape(text, escapes) }
        let quoted = JSONValue.quote(text)
        guard quoted.utf8.contains(UInt8(ascii: "$")) else { return quoted }
        return quoted.split(separator: "$", omittingEmptySubsequences: false)
            .joined(separator: "$$")
    }

    /// Printable ASCII byte by byte: SPILO_CONFIGURATION is full of quotes, on every member.
    private static func escape(_ text: String, _ escapes: Int) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        bytes.reserveCapacity(text.utf8.count + escapes + 2)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "$"): bytes.append(byte)
            default: break
            }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }
}
