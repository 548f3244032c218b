import Cluster
import LibYAML

extension Checks {
    /// Variables that Matriarch sets are not declared, and passwords are not written down.
    mutating func environments() {
        for (path, view) in parts {
            for (name, value) in view["environment"].entries {
                let place = "\(path).environment.\(name)"
                if let hint = reserved(name, in: path) {
                    error(value.keyMark, "\(place) is set by Matriarch", hint: hint)
                }
                guard let text = value.text, case .success(let template) = Template.read(text),
                    !template.isSensitive, isPassword(name, template.literalText)
                else { continue }
                warn(
                    value.mark, "\(place) looks like a secret written down",
                    hint: "declare it under secrets and write { secret: NAME }")
            }
        }
    }

    /// Why a variable may not be declared; `nil`: it may.
    private func reserved(_ name: String, in path: String) -> String? {
        if path.hasPrefix("postgres") {
            if name.hasPrefix("PATRONI_") { return "Spilo drops it; use postgres.configuration" }
            return Self.spilo[name]
        }
        guard path == "etcd", name.hasPrefix("ETCD_") else { return nil }
        let own = [
            "ETCD_NAME", "ETCD_DATA_DIR", "ETCD_INITIAL_", "ETCD_LISTEN_PEER_URLS",
            "ETCD_LISTEN_CLIENT_URLS", "ETCD_ADVERTISE_CLIENT_URLS",
        ]
        return own.contains(where: name.hasPrefix) ? "it follows from etcd.members" : nil
    }

    /// Spilo's variables that follow from the rest of the manifest.
    private static let spilo: [String: String] = {
        var hints = [
            "SCOPE": "it is the cluster's name",
            "SPILO_CONFIGURATION": "use postgres.spiloConfiguration",
            "PATRONI_CONFIGURATION": "use postgres.spiloConfiguration",
        ]
        for name in ["PGPASSWORD_SUPERUSER", "PGPASSWORD_STANDBY", "PGPASSWORD_ADMIN"] {
            hints[name] = "name the secret in postgres.users"
        }
        for name in [
            "ETCD_HOST", "ETCD_HOSTS", "ETCD3_HOST", "ETCD3_HOSTS", "ETCD_DISCOVERY_DOMAIN",
            "ETCD_URL", "ETCD_PROXY", "ETCD3_DISCOVERY_DOMAIN", "ETCD3_URL", "ETCD3_PROXY",
        ] {
            hints[name] = "it follows from etcd.members"
        }
        for name in ["RESTAPI_CONNECT_ADDRESS", "PG_CONNECT_ADDRESS", "APIPORT", "PGPORT"] {
            hints[name] = "it follows from the nodes and the members' ports"
        }
        for name in ["PGUSER_SUPERUSER", "PGUSER_STANDBY", "PGUSER_ADMIN"] {
            hints[name] = "the users are postgres, standby and admin"
        }
        for name in ["PGROOT", "PGDATA", "PGHOME", "NAMESPACE"] {
            hints[name] = "members could not be found otherwise"
        }
        return hints
    }()

    private func isPassword(_ name: String, _ text: String) -> Bool {
        if text.isEmpty || ["true", "false"].contains(text.lowercased()) { return false }
        if let at = text.firstRange(of: "://"),
            let user = text[at.upperBound...].split(
                separator: "@", maxSplits: 1, omittingEmptySubsequences: false
            ).first, user.endIndex != text.endIndex, !user.contains("/")
        {
            let parts = user.split(separator: ":", maxSplits: 1)
            if parts.count == 2, !parts[1].isEmpty { return true }
        }
        let upper = name.uppercased()
        if upper.hasSuffix("_FILE") || text.hasPrefix("/") || text.utf8.allSatisfy(\.isDigit) {
            return false
        }
        return upper.contains("PASSWORD") || upper.contains("SECRET") || upper.hasSuffix("_KEY")
    }

    /// Every member has its own data, which no common mount may cover.
    mutating func volumes() {
        let data = "/home/postgres/pgdata"
        for (path, view) in [("postgres", root["postgres"])] + services {
            var targets: Set<String> = []
            for item in view["volumes"].items {
                guard let mount = item.text.flatMap(VolumeMount.init(written:)) else { continue }
                if !targets.insert(mount.target).inserted {
                    error(item.mark, "\(path).volumes mounts \(mount.target.shown) twice")
                }
                let covers = data == mount.target || data.hasPrefix("\(mount.target)/")
                guard path == "postgres", covers || mount.target.hasPrefix("\(data)/") else {
                    continue
                }
                error(
                    item.mark, "postgres.volumes mounts \(mount.target.shown) over members' data",
                    hint: "every member gets a volume of its own at \(data)")
            }
        }
    }

    /// A health check can be run in the image that it is for.
    mutating func health() {
        for (path, view) in services {
            let kind =
                path.hasPrefix("supabase.")
                ? SupabaseKind(rawValue: String(path.dropFirst(9))) : nil
            let health = view["health"]
            if health["path"].isPresent, let hint = Probe(kind: kind, port: 1).alternative {
                error(
                    health["path"].mark,
                    "\(path).health.path cannot be asked: nothing in that image can", hint: hint)
            }
            if health["path"].isPresent, kind == nil, view["ports"].items.isEmpty {
                error(
                    health["path"].mark, "\(path).health.path has no port to ask",
                    expected: "a port under \(path).ports, or test")
            }
            guard let first = health["test"].items.first, let word = first.text,
                !["CMD", "CMD-SHELL", "NONE"].contains(word)
            else { continue }
            error(
                first.mark, "\(path).health.test begins with \(word.shown)",
                expected: "CMD, CMD-SHELL or NONE", hint: "write [CMD, \(word), …]")
        }
    }
}
