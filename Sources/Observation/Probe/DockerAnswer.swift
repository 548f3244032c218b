package import Cluster

/// Readers of docker's answers: its HTTP API, which is also what `docker inspect` prints.
package enum DockerAnswer {
    /// What an image gives to every container of it, which is not the container's own.
    package struct ImageDefaults: Equatable, Sendable {
        var environment: Set<String> = []
        var command: [String] = []
        var entrypoint: [String] = []
        var labels: [String: String] = [:]
        var health: ObservedHealthCheck?
        package init() {}
    }

    /// `Config` of an image.
    package static func imageDefaults(_ image: JSONValue) -> ImageDefaults {
        let config = image["Config"]
        var defaults = ImageDefaults()
        defaults.environment = Set(texts(config?["Env"]))
        defaults.command = texts(config?["Cmd"])
        defaults.entrypoint = texts(config?["Entrypoint"])
        defaults.labels = labels(config?["Labels"])
        defaults.health = health(config?["Healthcheck"])
        return defaults
    }

    /// A container of compose project `project`; `nil` for one that is no service of it, such as
    /// what `docker compose run` leaves.
    ///
    /// - Parameter image: the image it runs; without it all that it has counts as its own.
    package static func container(
        _ value: JSONValue, project: String, image: ImageDefaults?
    ) throws(AnswerProblem) -> ObservedContainer? {
        let config = value["Config"]
        let host = value["HostConfig"]
        let state = value["State"]
        let all = labels(config?["Labels"])
        guard all["com.docker.compose.project"] == project,
            let service = all["com.docker.compose.service"], !service.isEmpty,
            all["com.docker.compose.oneoff"] != "True"
        else { return nil }
        guard ServiceName(service).isPlain else {
            throw AnswerProblem(
                asked: "docker's container of a service",
                seen: AnswerProblem.excerpt(of: service.utf8),
                expected: "a service's name of letters, digits and . _ -")
        }
        guard let id = value["Id"]?.string, let word = state?["Status"]?.string,
            let status = ContainerState(rawValue: word), let reference = config?["Image"]?.string,
            let imageID = value["Image"]?.string
        else {
            throw AnswerProblem(
                asked: "docker's container of \(service)",
                seen: AnswerProblem.excerpt(of: value.canonicalText.utf8),
                expected: "Id, State.Status, Config.Image and Image")
        }
        let image = image ?? ImageDefaults()
        let hostname = config?["Hostname"]?.string ?? ""
        let health = health(config?["Healthcheck"])
        return ObservedContainer(
            id: id, service: ServiceName(service),
            managedBy: all[ClusterName.label].map { ClusterName($0) }, state: status,
            health: (state?["Health"]?["Status"]?.string).flatMap(ContainerHealth.init(rawValue:)),
            restartCount: value["RestartCount"]?.smallInteger ?? 0,
            image: ImageReference(reference), imageID: imageID,
            command: command(config, image: image),
            hostname: hostname.utf8.count == 12 && id.hasPrefix(hostname) ? "" : hostname,
            environment: environment(config?["Env"], image: image),
            ports: ports(host?["PortBindings"]), mounts: mounts(value["Mounts"], project: project),
            labels: ownLabels(all, image: image),
            healthCheck: health == image.health ? nil : health,
            memory: bytes(host?["Memory"]), nanoCPUs: processors(host),
            sharedMemory: bytes(host?["ShmSize"]).flatMap { $0 == .mebibytes(64) ? nil : $0 },
            stopTimeout: config?["StopTimeout"]?.smallInteger,
            address: address(value, project: project),
            createdAt: (value["Created"]?.string).flatMap(Timestamp.rfc3339),
            startedAt: (state?["StartedAt"]?.string).flatMap(Timestamp.rfc3339),
            exitCode: [.exited, .dead, .restarting].contains(status)
                ? state?["ExitCode"]?.smallInteger : nil,
            networks: value["NetworkSettings"]?["Networks"]?.object.map { $0.keys.sorted() },
            foreignVolumes: foreignVolumes(value["Mounts"], project: project))
    }

    /// Ports of the host that running containers of other projects hold: `GET /containers/json`.
    package static func foreignPorts(_ list: JSONValue, project: String) -> [UInt16] {
        var ports: Set<UInt16> = []
        for container in list.array ?? []
        where container["Labels"]?["com.docker.compose.project"]?.string != project {
            for port in container["Ports"]?.array ?? [] {
                if let held = port["PublicPort"]?.integer.flatMap({ UInt16(exactly: $0) }) {
                    ports.insert(held)
                }
            }
        }
        return ports.sorted()
    }

    /// Named volumes of the project: by compose's labels, and by name for those made by hand.
    package static func volumes(_ answer: JSONValue, project: String) -> [String] {
        var names: Set<String> = []
        for volume in answer["Volumes"]?.array ?? [] {
            guard let name = volume["Name"]?.string else { continue }
            let labels = labels(volume["Labels"])
            if let owner = labels["com.docker.compose.project"], owner != project { continue }
            if let short = labels["com.docker.compose.volume"] {
                names.insert(short)
            } else if name.hasPrefix(project + "_") {
                names.insert(String(name.dropFirst(project.count + 1)))
            }
        }
        return names.sorted()
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        (value?.array ?? []).compactMap(\.string)
    }

    private static func labels(_ value: JSONValue?) -> [String: String] {
        (value?.object ?? [:]).compactMapValues(\.string)
    }

    /// `nil` for docker's "none given", zero.
    private static func bytes(_ value: JSONValue?) -> ByteCount? {
        guard let count = value?.integer, count > 0 else { return nil }
        return ByteCount(count)
    }

    /// `NanoCpus`, or the quota that older compose versions set instead.
    private static func processors(_ host: JSONValue?) -> Int64? {
        if let nano = host?["NanoCpus"]?.integer, nano > 0 { return nano }
        guard let quota = host?["CpuQuota"]?.integer, quota > 0, quota < 1 << 32 else {
            return nil
        }
        let period = host?["CpuPeriod"]?.integer ?? 0
        return quota * 1_000_000_000 / (period > 0 ? period : 100_000)
    }

    private static func command(_ config: JSONValue?, image: ImageDefaults) -> [String]? {
        let command = texts(config?["Cmd"])
        let entrypoint = texts(config?["Entrypoint"])
        if entrypoint != image.entrypoint { return entrypoint + command }
        return command == image.command ? nil : command
    }

    private static func environment(_ value: JSONValue?, image: ImageDefaults)
        -> [String: ObservedText]
    {
        var own: [String: ObservedText] = [:]
        for entry in texts(value) where !image.environment.contains(entry) {
            guard let equals = entry.firstIndex(of: "=") else { continue }
            own[String(entry[..<equals])] = ObservedText(
                String(entry[entry.index(after: equals)...]))
        }
        return own
    }

    private static func ownLabels(_ all: [String: String], image: ImageDefaults)
        -> [String: String]
    {
        all.filter { key, value in
            !key.hasPrefix("com.docker.compose.") && key != ClusterName.label
                && image.labels[key] != value
        }
    }

    /// As it was asked for, which a stopped container shows too. A host port that docker chooses
    /// is zero.
    private static func ports(_ value: JSONValue?) -> [PortMapping] {
        var ports: Set<PortMapping> = []
        for (key, bindings) in value?.object ?? [:] {
            let words = key.split(separator: "/")
            guard let number = words.first.flatMap({ UInt16($0) }) else { continue }
            let transport = PortMapping.Transport(rawValue: words.dropFirst().joined()) ?? .tcp
            for binding in bindings.array ?? [] {
                let address = binding["HostIp"]?.string ?? ""
                ports.insert(
                    PortMapping(
                        hostAddress: ["", "0.0.0.0"].contains(address) ? nil : address,
                        host: (binding["HostPort"]?.string).flatMap { UInt16($0) } ?? 0,
                        container: number, transport: transport))
            }
        }
        return ports.sorted()
    }

    /// Without the volumes that an image's `VOLUME` makes, whose names are 64 hexadecimal digits.
    private static func mounts(_ value: JSONValue?, project: String) -> [VolumeMount] {
        var mounts: [VolumeMount] = []
        for mount in value?.array ?? [] {
            guard let target = mount["Destination"]?.string else { continue }
            let isReadOnly = mount["RW"]?.bool == false
            switch mount["Type"]?.string {
            case "volume":
                guard var name = mount["Name"]?.string, !isAnonymous(name) else { continue }
                if name.hasPrefix(project + "_") { name.removeFirst(project.count + 1) }
                mounts.append(
                    VolumeMount(source: .volume(name), target: target, isReadOnly: isReadOnly))
            case "bind":
                guard let source = mount["Source"]?.string else { continue }
                mounts.append(
                    VolumeMount(source: .path(source), target: target, isReadOnly: isReadOnly))
            default: continue
            }
        }
        return mounts.sorted()
    }

    /// Named volumes of compose's `external: true` or of a `name:` of their own.
    private static func foreignVolumes(_ value: JSONValue?, project: String) -> [String] {
        (value?.array ?? []).filter { $0["Type"]?.string == "volume" }
            .compactMap { $0["Name"]?.string }
            .filter { !$0.hasPrefix(project + "_") && !isAnonymous($0) }.sorted()
    }

    private static func isAnonymous(_ volume: String) -> Bool {
        volume.utf8.count == 64 && volume.allSatisfy(\.isHexDigit)
    }

    private static func health(_ value: JSONValue?) -> ObservedHealthCheck? {
        let test = texts(value?["Test"])
        guard !test.isEmpty else { return nil }
        return ObservedHealthCheck(
            test: test, interval: value?["Interval"]?.integer ?? 0,
            timeout: value?["Timeout"]?.integer ?? 0,
            retries: value?["Retries"]?.smallInteger ?? 0,
            startPeriod: value?["StartPeriod"]?.integer ?? 0)
    }

    /// Where its node reaches it: on the project's own network first.
    private static func address(_ value: JSONValue, project: String) -> String? {
        if value["HostConfig"]?["NetworkMode"]?.string == "host" { return "127.0.0.1" }
        let networks = value["NetworkSettings"]?["Networks"]?.object ?? [:]
        let preferred = project + "_default"
        let names = networks.keys.sorted {
            ($0 == preferred ? 0 : 1, $0) < ($1 == preferred ? 0 : 1, $1)
        }
        for name in names {
            if let address = networks[name]?["IPAddress"]?.string, !address.isEmpty {
                return address
            }
        }
        return nil
    }
}
