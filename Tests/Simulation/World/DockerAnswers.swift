import Cluster

/// What a node's probe prints, in docker's own formats.
extension World {
    func probe(_ node: NodeName) -> ProbeText {
        guard let server = servers[node] else { return ProbeText([], dates: [], clock: clock) }
        var dates: [Int] = []
        var out = "matriarch-probe 1\n"
        func section(_ name: String, _ text: String) {
            out += "\(name) \(text.utf8.count)\n\(text)\n"
        }
        let files = server.files.sorted { $0.key < $1.key }
        section("unreadable", "")
        section(
            "files",
            files.map {
                "\(String($0.value.mode, radix: 8)) \($0.value.content.utf8.count) \($0.key)"
            }.joined(separator: "\n"))
        section("contents", files.map(\.value.content).joined())
        section(
            "free",
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
                + "/dev/vda1 82000000 9000000 73000000 11% /")
        section("compose", "2.26.1")
        section("docker", "present")
        var requests = ["/containers/json", "/volumes"]
        var bodies = [containerList(server), volumeList(server)]
        for container in server.allContainers {
            requests.append("/containers/\(container.id)/json")
            bodies.append(inspect(container))
        }
        for image in server.images.sorted() {
            requests.append("/images/\(image.normalized)/json")
            bodies.append(
                JSONValue.object([
                    "Id": .string(Self.imageID(image)),
                    "Config": .object(["Env": .array([.string(Self.imageVariable)])]),
                ]))
        }
        section("requests", requests.joined(separator: " "))
        out += "answers\n"
        for body in bodies {
            let text = body.canonicalText
            out += "HTTP/1.1 200 OK\r\nServer: Docker/26.1.5 (linux)\r\nDate: "
            dates.append(out.utf8.count)
            out +=
                "\(Self.httpDate(clock))\r\n"
                + "Content-Type: application/json\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
                + text
        }
        return ProbeText(Array((out + "\nend 0\n").utf8), dates: dates, clock: clock)
    }

    private static let imageVariable = "PATH=/usr/local/bin:/usr/bin:/bin"

    static func imageID(_ image: ImageReference) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in image.normalized.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return "sha256:" + String(repeating: "a", count: 64 - digits.count) + digits
    }

    private func containerList(_ server: Server) -> JSONValue {
        .array(
            server.allContainers.map { container in
                .object([
                    "Id": .string(container.id),
                    "Labels": .object(labels(container).mapValues { .string($0) }),
                    "Ports": .array([]),
                ])
            })
    }

    private func volumeList(_ server: Server) -> JSONValue {
        let project = base.project.name
        return .object([
            "Volumes": .array(
                server.volumes.sorted().map { name in
                    .object([
                        "Name": .string("\(project)_\(name)"),
                        "Labels": .object([
                            "com.docker.compose.project": .string(project),
                            "com.docker.compose.volume": .string(name),
                        ]),
                    ])
                })
        ])
    }

    private func labels(_ container: WorldContainer) -> [String: String] {
        var labels = container.spec.labels
        labels["com.docker.compose.project"] = base.project.name
        labels["com.docker.compose.service"] = container.spec.service.rawValue
        labels["com.docker.compose.oneoff"] = "False"
        if container.isOurs { labels["matriarch.cluster"] = base.name.rawValue }
        return labels
    }

    /// `GET /containers/ID/json`.
    private func inspect(_ container: WorldContainer) -> JSONValue {
        let spec = container.spec
        var environment = spec.environment.mapValues { $0.reveal() }
        for (name, value) in spec.firstStartEnvironment { environment[name] = value }
        var config: [String: JSONValue] = [
            "Image": .string(spec.image.text),
            "Hostname": .string(spec.hostname ?? String(container.id.prefix(12))),
            "Env": .array(
                (environment.map { "\($0.key)=\($0.value)" }.sorted() + [Self.imageVariable])
                    .map { .string($0) }),
            "Labels": .object(labels(container).mapValues { .string($0) }),
        ]
        if let command = spec.command {
            config["Cmd"] = .array(command.map { .string($0) })
        }
        if let grace = spec.stopGracePeriod {
            config["StopTimeout"] = .int(grace.components.seconds)
        }
        if let health = spec.health { config["Healthcheck"] = Self.healthCheck(health) }
        return .object([
            "Id": .string(container.id), "Image": .string(Self.imageID(spec.image)),
            "Created": .string(Self.rfc3339(container.createdAt)),
            "RestartCount": .int(container.isLooping ? 5 : 0),
            "State": state(container), "Config": .object(config),
            "HostConfig": Self.hostConfig(spec),
            "Mounts": .array(spec.mounts.map { mount($0) }),
            "NetworkSettings": .object([
                "Networks": .object([
                    "\(base.project.name)_default": .object([
                        "IPAddress": .string(container.isRunning ? container.address : "")
                    ])
                ])
            ]),
        ])
    }

    private func state(_ container: WorldContainer) -> JSONValue {
        var state: [String: JSONValue] = [
            "Status": .string(container.state),
            "ExitCode": .int(Int64(container.exitCode)),
            "StartedAt": .string(Self.rfc3339(container.startedAt)),
        ]
        if container.spec.health != nil, container.isRunning {
            state["Health"] = .object([
                "Status": .string(container.isHealthy ? "healthy" : "starting")
            ])
        }
        return .object(state)
    }

    private func mount(_ mount: VolumeMount) -> JSONValue {
        var fields: [String: JSONValue] = [
            "Destination": .string(mount.target), "RW": .bool(!mount.isReadOnly),
        ]
        switch mount.source {
        case .volume(let name):
            fields["Type"] = .string("volume")
            fields["Name"] = .string("\(base.project.name)_\(name)")
        case .path(let path):
            fields["Type"] = .string("bind")
            let plain = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
            fields["Source"] = .string(
                plain.hasPrefix("/") ? plain : "\(base.project.directory)/\(plain)")
        }
        return .object(fields)
    }

    private static func hostConfig(_ spec: ContainerSpec) -> JSONValue {
        var bindings: [String: JSONValue] = [:]
        for port in spec.ports {
            bindings["\(port.container)/\(port.transport.rawValue)"] = .array([
                .object([
                    "HostIp": .string(port.hostAddress ?? ""),
                    "HostPort": .string(String(port.host)),
                ])
            ])
        }
        var host: [String: JSONValue] = [
            "NetworkMode": .string("bridge"), "PortBindings": .object(bindings),
        ]
        host["Memory"] = .int(spec.resources.memory?.bytes ?? 0)
        host["NanoCpus"] = .int(spec.resources.cpus.map { Int64($0 * 1e9) } ?? 0)
        host["ShmSize"] = .int(spec.resources.sharedMemory?.bytes ?? 64 << 20)
        return .object(host)
    }

    private static func healthCheck(_ check: HealthCheck) -> JSONValue {
        func nanoseconds(_ duration: Duration) -> JSONValue {
            .int(
                duration.components.seconds * 1_000_000_000
                    + duration.components.attoseconds / 1_000_000_000)
        }
        return .object([
            "Test": .array(check.test.map { .string($0) }),
            "Interval": nanoseconds(check.interval), "Timeout": nanoseconds(check.timeout),
            "Retries": .int(Int64(check.retries)), "StartPeriod": nanoseconds(check.startPeriod),
        ])
    }

    /// Of the days around the simulation's own clock.
    static func rfc3339(_ seconds: Int64) -> String {
        "2026-11-\(two(day(seconds)))T\(hours(seconds)).123456789Z"
    }

    /// As docker dates its answers.
    fileprivate static func httpDate(_ seconds: Int64) -> String {
        "Wed, \(two(day(seconds))) Nov 2026 \(hours(seconds)) GMT"
    }

    /// 1 795 000 000 is 2026-11-18T11:06:40Z; a simulation stays within the month.
    private static func day(_ seconds: Int64) -> Int64 { 18 + (seconds - 1_794_960_000) / 86_400 }

    private static func hours(_ seconds: Int64) -> String {
        let rest = (seconds - 1_794_960_000) % 86_400
        return "\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// What a probe printed, and where in it the time of day is.
struct ProbeText: Sendable {
    private(set) var bytes: [UInt8]
    private let dates: [Int]
    private(set) var clock: Int64

    init(_ bytes: [UInt8], dates: [Int], clock: Int64) {
        self.bytes = bytes
        self.dates = dates
        self.clock = clock
    }

    /// The same at another time.
    mutating func date(_ now: Int64) {
        guard clock != now else { return }
        clock = now
        let text = Array(World.httpDate(clock).utf8)
        for start in dates { bytes.replaceSubrange(start..<start + text.count, with: text) }
    }
}
