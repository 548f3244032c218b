import Cluster

extension ManifestShape {
    static let supabase = ObjectShape(
        SupabaseKind.allCases.map { kind in
            Key(kind.rawValue, supabaseService, "Supabase's \(kind.summary).")
        })

    private static let supabaseService = Shape.shared(
        "supabaseService",
        .object(
            ObjectShape(
                common + [Key("port", .port, "Published port. Default: none is published.")],
                atMostOne: ["node", "nodes"])))

    static let service = ObjectShape(
        common + [
            Key(
                "ports", .list(of: .text(.portMapping), atLeast: 0),
                "Published ports, as host:container.")
        ], atMostOne: ["node", "nodes"])

    /// What Supabase's and any other services have in common.
    private static let common = [
        Key("image", .image, isRequired: true, "The image."),
        Key("node", .name, "The node that it runs on. Default: HAProxy's first, else the first."),
        Key("nodes", .list(of: .name, atLeast: 1), "The nodes, when it runs on several."),
        Key(
            "command", .list(of: .text(.argument), atLeast: 1),
            "Arguments in place of the image's command."),
        Key("environment", environment, "Its variables."),
        Key("volumes", .list(of: .text(.volume), atLeast: 0), "Its mounts."),
        Key("health", health, "How docker finds out whether it works."),
        Key("dependsOn", .list(of: .name, atLeast: 0), "Services that come first."),
        Key("resources", resources, "Limits of the container."),
        Key("labels", .map(keys: .label, values: .scalar(.line), atLeast: 0), "Further labels."),
        Key("stopGracePeriod", .duration, "How long it may take to stop. Default: docker's 10s."),
    ]

    static let health = Shape.shared(
        "health",
        .object(
            ObjectShape(
                [
                    Key(
                        "test",
                        .choice([.text(.argument), .list(of: .text(.argument), atLeast: 1)]),
                        "A shell command, or docker's list form: [CMD, program, …]."),
                    Key("path", .text(.urlPath), "A path that answers 200 when all is well."),
                    Key("interval", .duration, "Default: 5s."),
                    Key("timeout", .duration, "Default: 3s."),
                    Key("retries", .integer(1...1000), "Default: 3."),
                    Key("startPeriod", .duration, "Default: 60s."),
                ], exactlyOne: ["test", "path"])))
}

extension TextRule {
    static let urlPath = TextRule(
        expectation: "a path such as /health",
        pattern: "^/[A-Za-z0-9._~!*+,;:@%/?&=-]*$", maximumLength: 1024,
        accepts: { text in
            text.hasPrefix("/")
                && text.utf8.allSatisfy {
                    $0.isLetter || $0.isDigit || Array("._~!*+,;:@%/?&=-".utf8).contains($0)
                }
        })

    static let label = TextRule(
        expectation: "a label's name: letters, digits, dots, slashes, hyphens and underscores",
        pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]*$", maximumLength: 256,
        accepts: { text in
            guard let first = text.utf8.first, first.isLetter || first.isDigit else { return false }
            return text.utf8.allSatisfy {
                $0.isLetter || $0.isDigit || Array("._/-".utf8).contains($0)
            }
        })
}

extension SupabaseKind {
    /// The port that the service listens on in its container (FIELD §3).
    var containerPort: UInt16 {
        switch self {
        case .meta: 8080
        case .auth: 9999
        case .rest: 3000
        case .realtime: 4000
        case .storage: 5000
        case .studio: 3000
        case .gateway: 8000
        }
    }

    /// The services that come before it, where they are declared (FIELD §3).
    var comesAfter: [SupabaseKind] {
        switch self {
        case .meta, .auth, .rest, .realtime: []
        case .storage: [.rest]
        case .studio: [.meta]
        case .gateway: [.auth, .rest, .realtime, .storage, .meta, .studio]
        }
    }

    fileprivate var summary: String {
        switch self {
        case .meta: "API to the database's own structure (postgres-meta)"
        case .auth: "sign-up and sign-in (gotrue)"
        case .rest: "REST API (postgrest)"
        case .realtime: "change feeds (realtime)"
        case .storage: "file storage (storage-api)"
        case .studio: "dashboard (studio)"
        case .gateway: "API gateway (kong)"
        }
    }
}
