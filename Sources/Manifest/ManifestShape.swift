/// Every key of the manifest. The decoder, the JSON Schema and the hints all read this table.
enum ManifestShape {
    static let root = ObjectShape(
        [
            Key(
                "apiVersion", .words(["matriarch/v1"]), isRequired: true, "Version of this format."),
            Key("kind", .words(["Cluster"]), isRequired: true, "What this document declares."),
            Key("name", .name, isRequired: true, "The cluster's name and Patroni's scope."),
            Key("project", .object(project), "The compose project on every node."),
            Key(
                "nodes", .map(keys: .name, values: .object(node), atLeast: 1), isRequired: true,
                "The servers, by name."),
            Key(
                "secrets", .map(keys: .secretName, values: .object(secret), atLeast: 0),
                "Where secret values are found, by name. Never the values."),
            Key("etcd", .object(etcd), isRequired: true, "Patroni's store of the cluster's state."),
            Key("postgres", .object(postgres), isRequired: true, "PostgreSQL under Patroni."),
            Key("haproxy", .object(haproxy), "The way of clients to the leader and the replicas."),
            Key("supabase", .object(supabase), "The Supabase services."),
            Key(
                "services", .map(keys: .name, values: .object(service), atLeast: 0),
                "Other services of the compose project, by name."),
            Key("rollout", .object(rollout), "How careful a change of the running cluster is."),
        ], allowsExtensions: true)

    static let project = ObjectShape([
        Key("name", .text(.projectName), "Compose's project name. Default: the cluster's name."),
        Key("directory", .text(.directory), "Where its files are. Default: /opt/NAME."),
    ])

    static let node = ObjectShape([
        Key("address", .text(.address), isRequired: true, "Where SSH connects."),
        Key(
            "privateAddress", .text(.address),
            "Where the other nodes reach it. Default: address."),
        Key("ssh", .object(ssh), "What is left out comes from the OpenSSH configuration."),
    ])

    static let ssh = ObjectShape([
        Key("user", .text(.userName), "The user to log in as."),
        Key("port", .port, "The port of the SSH server."),
        Key(
            "identity", .choice([.text(.word), .list(of: .text(.word), atLeast: 1)]),
            "Private key file or files; relative ones are relative to the manifest."),
        Key("knownHosts", .text(.word), "File of known host keys."),
        Key("fingerprint", .text(.fingerprint), "The only host key that is accepted."),
        Key("jump", .text(.jump), "Hosts to go through, as ssh's ProxyJump."),
        Key("sudo", .boolean, "Run commands through sudo -n. Default: false."),
        Key("connectTimeout", .duration, "The limit of connecting. Default: 10s."),
    ])

    static let secret = ObjectShape(
        [
            Key("env", .text(.secretVariable), "Environment variable that holds the value."),
            Key("file", .text(.word), "File that holds it; relative to the manifest."),
            Key(
                "command", .list(of: .text(.argument), atLeast: 1),
                "Command that prints it; run without a shell."),
        ], exactlyOne: ["env", "file", "command"])

    static let etcd = ObjectShape([
        Key("image", .image, isRequired: true, "The image of every member."),
        Key(
            "members", .map(keys: .name, values: .object(etcdMember), atLeast: 1),
            isRequired: true, "The members, by name."),
        Key("environment", environment, "Further variables of every member."),
        Key("resources", resources, "Limits of every member."),
    ])

    static let etcdMember = ObjectShape([
        Key("node", .name, isRequired: true, "The node that it runs on."),
        Key(
            "ports",
            .object(
                ObjectShape([
                    Key("client", .port, "Published port for clients. Default: 2379."),
                    Key("peer", .port, "Published port for members. Default: 2380."),
                ])), "Ports of the node."),
    ])

    static let haproxy = ObjectShape([
        Key("image", .image, isRequired: true, "HAProxy's image."),
        Key(
            "nodes", .list(of: .name, atLeast: 1), isRequired: true, "The nodes that it runs on."),
        Key(
            "ports",
            .object(
                ObjectShape([
                    Key("write", .port, "To the leader. Default: 5000."),
                    Key("read", .port, "To the replicas. Default: 5001."),
                    Key("stats", .port, "Its own statistics. Default: 7000."),
                ])), "Published ports."),
        Key(
            "maxConnections", .integer(1...1_000_000),
            "Most connections at once. Default: 1000."),
        Key("environment", environment, "Further variables."),
        Key("resources", resources, "Limits of the container."),
    ])

    static let rollout = ObjectShape([
        Key("maxLag", .quantity, "How far behind a healthy copy may be. Default: 1MiB."),
        Key("stepTimeout", .duration, "The limit of one step's wait. Default: 10m."),
        Key("preferredLeader", .name, "The member that should lead when all is done."),
    ])

    static let environment = Shape.shared(
        "environment",
        .map(
            keys: .environmentName,
            values: .choice([
                .scalar(.template),
                .object(
                    ObjectShape([
                        Key(
                            "secret", .text(.secretName), isRequired: true,
                            "The secret that is the value.")
                    ])),
            ]), atLeast: 0))

    static let resources = Shape.shared("resources", .object(ObjectShape(limits)))

    static let limits = [
        Key("memory", .quantity, "Most memory."),
        Key("cpus", .positiveNumber, "Most processor time, in cores."),
        Key("sharedMemory", .quantity, "Size of /dev/shm."),
    ]
}
