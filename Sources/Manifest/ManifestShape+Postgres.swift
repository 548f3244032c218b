extension ManifestShape {
    static let postgres = ObjectShape([
        Key("image", .image, isRequired: true, "The Spilo image of every member."),
        Key("database", .text(.databaseName), isRequired: true, "The application's database."),
        Key("replicas", .integer(0...63), isRequired: true, "Members besides the leader."),
        Key(
            "memberPrefix", .name,
            "What the names of members that are not pinned begin with. Default: postgres."),
        Key(
            "members", .map(keys: .name, values: .object(member), atLeast: 0),
            "Members that must not move, by name."),
        Key(
            "ports",
            .object(
                ObjectShape([
                    Key("postgres", .port, "Default: 5433."),
                    Key("patroni", .port, "Default: 8008."),
                ])), "Where the ports of members that are not pinned start."),
        Key(
            "users",
            .object(
                ObjectShape([
                    Key("superuser", .text(.secretName), "Default: superuser."),
                    Key("replication", .text(.secretName), "Default: replication."),
                    Key("admin", .text(.secretName), "Default: admin."),
                ])), "The secrets that hold the passwords of Spilo's three users."),
        Key("environment", environment, "Further variables of every member."),
        Key("resources", resources, "Limits of every member."),
        Key(
            "volumes", .list(of: .text(.volume), atLeast: 0),
            "Mounts of every member besides its data."),
        Key(
            "configuration", .jsonObject,
            "Patroni's dynamic configuration. null deletes a key; what is not named is left."),
        Key(
            "spiloConfiguration", .jsonObject,
            "Local settings, merged into SPILO_CONFIGURATION. A change recreates members."),
        Key("tags", tags, "Patroni's tags of every member."),
        Key(
            "synchronous",
            .choice([
                .boolean,
                .object(
                    ObjectShape([
                        Key(
                            "mode", .words(["on", "quorum", "strict"]), isRequired: true,
                            "strict refuses writes without a synchronous copy."),
                        Key("nodeCount", .integer(1...63), "How many copies. Default: 1."),
                    ])),
            ]), "Synchronous replication, in Patroni's dynamic configuration."),
        Key(
            "deleteVolumes", .boolean,
            "Delete the data of a member that is removed. Default: false, it is kept."),
    ])

    static let member = ObjectShape([
        Key("node", .name, isRequired: true, "The node that it stays on."),
        Key(
            "ports",
            .object(
                ObjectShape([
                    Key("postgres", .port, isRequired: true, "Published port of PostgreSQL."),
                    Key("patroni", .port, isRequired: true, "Published port of Patroni."),
                ])), "Published ports. Default: the next that are free."),
        Key("image", .image, "Another image than the rest, for a trial."),
        Key("environment", environment, "Variables besides those of every member."),
        Key("resources", resources, "Limits in place of those of every member."),
        Key("tags", tags, "Patroni's tags besides those of every member."),
    ])

    static let tags = Shape.shared(
        "tags", .map(keys: .secretName, values: .scalar(.line), atLeast: 0))
}
