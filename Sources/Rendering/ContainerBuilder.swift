import Cluster

/// Collects a cluster's containers, and every problem on the way.
struct ContainerBuilder {
    let topology: Topology
    let desired: Desired
    let secrets: Secrets
    let nodes: [NodeName: Node]
    private(set) var containers: [ContainerAddress: ContainerSpec] = [:]
    private(set) var problems: Set<BlueprintError.Problem> = []

    init(topology: Topology, secrets: Secrets) {
        self.topology = topology
        desired = topology.desired
        self.secrets = secrets
        nodes = Dictionary(
            topology.desired.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        containers.reserveCapacity(topology.members.count + desired.etcd.members.count + 8)
    }

    /// Adds the container with the label by which Matriarch knows its own.
    mutating func add(_ spec: ContainerSpec) {
        var spec = spec
        spec.labels[ClusterName.label] = desired.name.rawValue
        for (variable, value) in spec.environment {
            check(variable, value, of: spec.service)
        }
        containers[ContainerAddress(spec.service, on: spec.node)] = spec
    }

    /// A template with its secrets and the cluster's facts filled in, as seen from `node`.
    mutating func resolve(
        _ template: Template, for user: String, on node: NodeName
    ) -> ResolvedText {
        if template.segments.isEmpty { return ResolvedText("") }
        if template.segments.count == 1, case .literal(let text) = template.segments[0] {
            return ResolvedText(text)
        }
        var text = ""
        var isSensitive = false
        for segment in template.segments {
            switch segment {
            case .literal(let literal): text += literal
            case .database(let fact): text += database(from: node).text(fact)
            case .secret(let name):
                isSensitive = true
                text += secret(name, for: user)?.reveal() ?? ""
            }
        }
        return isSensitive ? ResolvedText(sensitive: Secret(text)) : ResolvedText(text)
    }

    mutating func resolve(
        _ environment: [String: Template], for user: String, on node: NodeName
    ) -> [String: ResolvedText] {
        var resolved: [String: ResolvedText] = [:]
        resolved.reserveCapacity(environment.count + 12)
        for (variable, template) in environment {
            resolved[variable] = resolve(template, for: "\(variable) of \(user)", on: node)
        }
        return resolved
    }

    mutating func secret(_ name: SecretName, for user: String) -> Secret? {
        guard let value = secrets[name] else {
            problems.insert(.missingSecret(name, user: user))
            return nil
        }
        return value
    }

    /// As `secret`, refusing the empty one.
    mutating func password(_ name: SecretName, for user: String) -> ResolvedText {
        guard let value = secret(name, for: user) else { return ResolvedText("") }
        if value.isEmpty { problems.insert(.emptySecret(name, user: user)) }
        return ResolvedText(sensitive: value)
    }

    /// Members keep the names that servers gave them: what they may be is decided here, for all.
    mutating func checkNames() {
        let services = containers.keys.map(\.service) + topology.members.map(\.name.service)
        for service in services where !service.isPlain { problems.insert(.unusableName(service)) }
    }

    mutating func resolvePasswords(of database: inout DatabaseText) {
        for role in database.passwordRoles {
            let name = SecretName(role)
            guard desired.secrets[name] != nil else { continue }
            let user = "the database role \(role)"
            guard let value = secret(name, for: user) else { continue }
            if value.isEmpty { problems.insert(.emptySecret(name, user: user)) }
            if value.reveal().utf8.contains(0) {
                problems.insert(.nulByte(variable: "password of \(role)", service: "psql"))
            }
            database.passwords[role] = value
        }
    }

    /// The database as a service on `node` reaches it: through HAProxy where there is one, by its
    /// service name when it runs beside it.
    func database(from node: NodeName) -> DatabaseEndpoint {
        let name = desired.postgres.database
        if let proxy = desired.haproxy, let first = proxy.nodes.first {
            let host =
                proxy.nodes.contains(node)
                ? HAProxy.service.rawValue : nodes[first]?.advertisedAddress ?? first.rawValue
            return DatabaseEndpoint(
                host: host, port: proxy.writePort, readPort: proxy.readPort, name: name)
        }
        guard let member = topology.members.first else {
            return DatabaseEndpoint(host: "", port: 0, readPort: 0, name: name)
        }
        let advertised = AdvertisedAddress(of: member, in: desired, node: nodes[member.node])
        return DatabaseEndpoint(
            host: advertised.host, port: advertised.postgres, readPort: advertised.postgres,
            name: name)
    }

    /// A port published where the other nodes come in: on the private address when one is
    /// declared in digits (docker binds to nothing else), else on every address.
    func published(_ host: UInt16, _ container: UInt16, on node: NodeName) -> PortMapping {
        let address = nodes[node]?.privateAddress
        return PortMapping(
            hostAddress: address?.isAddressLiteral == true ? address : nil, host: host,
            container: container)
    }

    private mutating func check(_ variable: String, _ value: ResolvedText, of service: ServiceName)
    {
        let hasNUL =
            value.isSensitive
            ? value.reveal().utf8.contains(0) : value.description.utf8.contains(0)
        if hasNUL || variable.utf8.contains(0) {
            problems.insert(.nulByte(variable: variable, service: service))
        }
        if value.isSensitive, !EnvironmentFile.canName(variable) {
            problems.insert(.unusableVariable(variable, service: service))
        }
    }
}

/// What `${database.…}` stands for.
struct DatabaseEndpoint {
    var host: String
    var port: UInt16
    var readPort: UInt16
    var name: String

    func text(_ fact: DatabaseFact) -> String {
        switch fact {
        case .host: host
        case .port: String(port)
        case .readPort: String(readPort)
        case .name: name
        }
    }
}

extension Resources {
    /// Each limit of these, else the other's.
    func over(_ other: Resources) -> Resources {
        Resources(
            memory: memory ?? other.memory, cpus: cpus ?? other.cpus,
            sharedMemory: sharedMemory ?? other.sharedMemory)
    }
}
