import Cluster

extension Builder {
    func postgres(_ view: View) -> Postgres {
        Postgres(
            image: image(view), database: view["database"].text ?? "",
            replicas: view["replicas"].int ?? 0,
            members: view["members"].entries.map { member($0.key, $0.view) },
            superuserSecret: SecretName(view["users"]["superuser"].text ?? "superuser"),
            replicationSecret: SecretName(view["users"]["replication"].text ?? "replication"),
            adminSecret: SecretName(view["users"]["admin"].text ?? "admin"),
            memberPrefix: view["memberPrefix"].text ?? "postgres",
            environment: environment(view), resources: resources(view), volumes: volumes(view),
            firstPorts: MemberPorts(
                postgres: view["ports"]["postgres"].port ?? 5433,
                patroni: view["ports"]["patroni"].port ?? 8008),
            configuration: configuration(view),
            spiloConfiguration: object(view["spiloConfiguration"]),
            tags: tags(view), deleteVolumes: view["deleteVolumes"].bool ?? false)
    }

    private func member(_ name: String, _ view: View) -> PinnedMember {
        var ports: MemberPorts?
        if let postgres = view["ports"]["postgres"].port,
            let patroni = view["ports"]["patroni"].port
        {
            ports = MemberPorts(postgres: postgres, patroni: patroni)
        }
        return PinnedMember(
            name: MemberName(name), node: NodeName(view["node"].text ?? ""), ports: ports,
            image: view["image"].text.map(ImageReference.init), environment: environment(view),
            resources: view["resources"].isPresent ? resources(view) : nil, tags: tags(view))
    }

    private func object(_ view: View) -> JSONValue {
        view.isMapping ? view.json ?? .object([:]) : .object([:])
    }

    func tags(_ view: View) -> [String: JSONValue] { object(view["tags"]).object ?? [:] }

    /// Patroni's dynamic configuration with what `synchronous` stands for in it.
    private func configuration(_ view: View) -> JSONValue {
        var fields = object(view["configuration"]).object ?? [:]
        for (key, value) in Self.synchronous(view["synchronous"]) { fields[key] = value }
        return .object(fields)
    }

    /// Each form sets the strictness, too, so that a change of mode takes back what it set before.
    static func synchronous(_ view: View) -> [String: JSONValue] {
        guard view.isPresent else { return [:] }
        var fields: [String: JSONValue] = ["synchronous_mode_strict": .bool(false)]
        switch view["mode"].text {
        case "strict":
            fields["synchronous_mode"] = .bool(true)
            fields["synchronous_mode_strict"] = .bool(true)
        case "quorum": fields["synchronous_mode"] = .string("quorum")
        case "on": fields["synchronous_mode"] = .bool(true)
        default: fields["synchronous_mode"] = .bool(view.bool ?? false)
        }
        if let count = view["nodeCount"].int {
            fields["synchronous_node_count"] = .int(Int64(count))
        }
        return fields
    }
}
