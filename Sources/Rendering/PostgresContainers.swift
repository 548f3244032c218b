import Cluster

extension ContainerBuilder {
    /// One Spilo container a member (FIELD §2).
    mutating func addMembers() {
        let endpoints = desired.etcd.members
            .map {
                "'" + EtcdAddress(of: $0, in: desired, node: nodes[$0.node]).clientEndpoint + "'"
            }
            .joined(separator: ",")
        for member in topology.members { add(postgres(member, etcd: endpoints)) }
    }

    private mutating func postgres(_ member: PlacedMember, etcd: String) -> ContainerSpec {
        let postgres = desired.postgres
        let service = member.name.service
        let image = member.pin?.image ?? postgres.image
        var environment = defaults(image: image)
        environment.merge(
            resolve(postgres.environment, for: service.rawValue, on: member.node)
        ) { $1 }
        if let own = member.pin?.environment {
            environment.merge(resolve(own, for: service.rawValue, on: member.node)) { $1 }
        }
        environment.merge(identity(of: member, etcd: etcd)) { $1 }
        environment.merge(passwords()) { $1 }
        var resources = member.pin?.resources?.over(postgres.resources) ?? postgres.resources
        // Docker's 64 MiB are too few for parallel queries, which then fail.
        resources.sharedMemory = resources.sharedMemory ?? .mebibytes(256)
        let data = VolumeMount(source: topology.dataSource(of: service), target: Self.dataDirectory)
        return ContainerSpec(
            service: service, node: member.node, role: .postgres(member.name), image: image,
            hostname: member.name.rawValue, environment: environment,
            ports: [
                published(member.ports.postgres, ContainerPort.postgres, on: member.node),
                published(member.ports.patroni, ContainerPort.patroni, on: member.node),
            ],
            mounts: [data] + postgres.volumes, health: Self.patroniHealth, resources: resources,
            // Postgres may need minutes to end its sessions and write its last checkpoint.
            stopGracePeriod: .seconds(300), chosen: chosen(for: member))
    }

    /// Everything that the manifest does not say of this member.
    private func chosen(for member: PlacedMember) -> Set<String> {
        let postgres = desired.postgres
        var fields: Set = ["healthcheck", "stopGracePeriod", "command", "hostname"]
        if (member.pin?.resources ?? postgres.resources).sharedMemory == nil {
            fields.insert("sharedMemory")
        }
        let declared = Set(postgres.environment.keys).union(
            member.pin?.environment.keys ?? [:].keys)
        for key in ["SPILO_PROVIDER", "ALLOW_NOSSL", "PGVERSION"] where !declared.contains(key) {
            fields.insert("environment.\(key)")
        }
        for key in ["PGUSER_SUPERUSER", "PGUSER_STANDBY", "PGUSER_ADMIN"] {
            fields.insert("environment.\(key)")
        }
        let tags = postgres.tags.isEmpty && (member.pin?.tags ?? [:]).isEmpty
        if tags, postgres.spiloConfiguration == .object([:]) {
            fields.insert("environment.SPILO_CONFIGURATION")
        }
        return fields
    }

    private static let dataDirectory = "/home/postgres/pgdata"

    /// For people who read `docker compose ps`; Matriarch itself asks Patroni. `/liveness` and not
    /// `/health`: a replica that clones for an hour is not ill, and some restart what is "unhealthy".
    private static let patroniHealth = HealthCheck(
        test: ["CMD", "curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8008/liveness"],
        interval: .seconds(15), timeout: .seconds(5), retries: 3, startPeriod: .seconds(60))

    /// What a manifest may override.
    private func defaults(image: ImageReference) -> [String: ResolvedText] {
        var environment = [
            "SPILO_PROVIDER": ResolvedText("local"),
            // The project's services connect without TLS, inside docker's network.
            "ALLOW_NOSSL": ResolvedText("true"),
        ]
        if let version = image.spiloVersion {
            environment["PGVERSION"] = ResolvedText(String(version))
        }
        return environment
    }

    private func identity(of member: PlacedMember, etcd: String) -> [String: ResolvedText] {
        [
            "SCOPE": ResolvedText(desired.name.rawValue),
            "ETCD3_HOSTS": ResolvedText(etcd),
            "SPILO_CONFIGURATION": ResolvedText(spiloConfiguration(of: member).canonicalText),
        ]
    }

    private mutating func passwords() -> [String: ResolvedText] {
        let postgres = desired.postgres
        return [
            "PGUSER_SUPERUSER": ResolvedText("postgres"),
            "PGUSER_STANDBY": ResolvedText("standby"),
            "PGUSER_ADMIN": ResolvedText("admin"),
            "PGPASSWORD_SUPERUSER": password(postgres.superuserSecret, for: "the superuser"),
            "PGPASSWORD_STANDBY": password(postgres.replicationSecret, for: "replication"),
            "PGPASSWORD_ADMIN": password(postgres.adminSecret, for: "the admin role"),
        ]
    }

    /// Local settings only: Patroni's dynamic configuration is patched, never bootstrapped, so that
    /// editing it recreates no container.
    private func spiloConfiguration(of member: PlacedMember) -> JSONValue {
        let address = AdvertisedAddress(of: member, in: desired, node: nodes[member.node])
        var fields: [String: JSONValue] = [
            "restapi": .object(["connect_address": .string(address.patroniEndpoint)]),
            "postgresql": .object(["connect_address": .string(address.postgresEndpoint)]),
        ]
        var tags = desired.postgres.tags
        if let own = member.pin?.tags { tags.merge(own) { $1 } }
        if !tags.isEmpty { fields["tags"] = .object(tags) }
        return JSONValue.object(fields).merged(with: desired.postgres.spiloConfiguration)
    }
}

extension JSONValue {
    /// As Spilo merges: objects deep, everything else, lists too, replaced whole.
    func merged(with other: JSONValue) -> JSONValue {
        guard case .object(let fields) = self, case .object(let others) = other else {
            return other
        }
        return .object(fields.merging(others) { $0.merged(with: $1) })
    }
}
