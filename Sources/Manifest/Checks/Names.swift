import Cluster
import LibYAML

extension Checks {
    /// Every node that is named exists, and no two are one server.
    mutating func nodes() {
        let known = desired.nodes.map(\.name.rawValue)
        var uses: [(path: String, view: View)] = []
        for (name, view) in root["etcd"]["members"].entries {
            uses.append(("etcd.members.\(name).node", view["node"]))
        }
        for (name, view) in root["postgres"]["members"].entries {
            uses.append(("postgres.members.\(name).node", view["node"]))
        }
        for (path, view) in [("haproxy", root["haproxy"])] + services {
            uses.append(("\(path).node", view["node"]))
            uses += view["nodes"].items.map { ("\(path).nodes", $0) }
            var seen: Set<String> = []
            for item in view["nodes"].items {
                guard let name = item.text, !seen.insert(name).inserted else { continue }
                error(item.mark, "\(path).nodes names \(name.shown) twice")
            }
        }
        for use in uses where root["nodes"].isMapping {
            guard let name = use.view.text, !known.contains(name), TextRule.name.isMet(by: name)
            else { continue }
            let hint = Suggestion.hint(name, known, kind: "declared nodes")
            error(use.view.mark, "\(use.path) names \(name.shown), which is no node", hint: hint)
        }
        var addresses: [String: String] = [:]
        for (name, view) in root["nodes"].entries {
            guard let address = view["address"].text else { continue }
            let door = "\(address) \(view["ssh"]["port"].port ?? 22)"
            if let other = addresses[door] {
                error(
                    view["address"].mark, "nodes.\(name) has the same address as nodes.\(other)",
                    hint: "one server is one node")
            }
            addresses[door] = addresses[door] ?? name
        }
    }

    /// Every secret that is named is declared, the three of Spilo's users among them.
    mutating func secrets() {
        let known = root["secrets"].entries.map(\.key)
        var used: Set<String> = []
        for (path, view) in parts {
            for (variable, value) in view["environment"].entries {
                for name in secretNames(value) {
                    used.insert(name)
                    guard !known.contains(name) else { continue }
                    error(
                        value["secret"].mark,
                        "\(path).environment.\(variable) names the secret \(name.shown), which is"
                            + " not declared",
                        hint: Suggestion.hint(name, known, kind: "declared secrets"))
                }
            }
        }
        for user in ["superuser", "replication", "admin"] where root["postgres"].isMapping {
            let written = root["postgres"]["users"][user]
            let name = written.text ?? user
            used.insert(name)
            guard !known.contains(name) else { continue }
            let mark = written.isPresent ? written.mark : root["secrets"].keyMark
            let near = Suggestion.nearest(to: name, in: known).map { "did you mean \($0)?" }
            error(
                mark, "the secret \(name.shown) of Spilo's \(user) user is not declared",
                expected: "it under secrets",
                hint: near ?? "without it the password would be Spilo's public default")
        }
        // Secrets named like a role of Supabase give that role its password.
        if root["supabase"].isPresent { used.formUnion(SupabaseKind.loginRoles) }
        warnOfUnused(root["secrets"].entries.filter { !used.contains($0.key) })
    }

    /// One warning for all: a manifest that shares its secrets with another names many at once.
    private mutating func warnOfUnused(_ secrets: [(key: String, view: View)]) {
        guard let first = secrets.first else { return }
        let names = secrets.map(\.key.shown).joined(separator: ", ")
        warn(
            first.view.keyMark,
            secrets.count == 1
                ? "the secret \(names) is not used"
                : "\(secrets.count) secrets are not used: \(names)",
            hint: "take out what nothing needs, or name it where it belongs")
    }

    private func secretNames(_ value: View) -> [String] {
        if let name = value["secret"].text { return [name] }
        guard let text = value.text, case .success(let template) = Template.read(text) else {
            return []
        }
        return template.secretNames.map(\.rawValue)
    }

    /// Every compose service has a name of its own, now and after scaling.
    mutating func serviceNames() {
        var owners: [String: String] = [HAProxy.service.rawValue: "HAProxy"]
        let groups = [
            ("etcd.members", root["etcd"]["members"]),
            ("postgres.members", root["postgres"]["members"]),
            ("supabase", root["supabase"]), ("services", root["services"]),
        ]
        for (path, view) in groups {
            for (name, entry) in view.entries {
                if let owner = owners[name] {
                    error(
                        entry.keyMark, "\(path).\(name) has the name of \(owner)",
                        expected: "a name of its own in the compose project")
                } else if path != "postgres.members", isMemberName(name) {
                    error(
                        entry.keyMark, "\(path).\(name) has a name that a member may get",
                        expected: "a name other than \(desired.postgres.memberPrefix)-NUMBER")
                }
                owners[name] = owners[name] ?? "\(path).\(name)"
            }
        }
    }

    /// Of the form that members without a pin are given.
    func isMemberName(_ name: String) -> Bool {
        let prefix = "\(desired.postgres.memberPrefix)-"
        let number = name.utf8.dropFirst(prefix.utf8.count)
        return name.hasPrefix(prefix) && !number.isEmpty && number.first != 0x30
            && number.allSatisfy(\.isDigit)
    }

    /// Dependencies lead to services of the project and never back.
    mutating func dependencies() {
        let earlier =
            root["etcd"]["members"].entries.map(\.key)
            + root["postgres"]["members"].entries.map(\.key) + [HAProxy.service.rawValue]
        let known = desired.services.map(\.name.rawValue)
        for (path, view) in services {
            for item in view["dependsOn"].items {
                guard let name = item.text, !known.contains(name), !earlier.contains(name) else {
                    continue
                }
                error(
                    item.mark, "\(path).dependsOn names \(name.shown), which is no service",
                    hint: Suggestion.hint(name, known, kind: "services"))
            }
        }
        guard let cycle = cycle() else { return }
        let mark = services.first { $0.path.hasSuffix(".\(cycle[0])") }?.view["dependsOn"].mark
        let words = cycle.map(\.rawValue).joined(separator: " → ")
        error(mark ?? root.mark, "services depend on each other in a circle: \(words)")
    }

    /// One circle of dependencies, its first service repeated at the end.
    private func cycle() -> [ServiceName]? {
        let earlier = Dictionary(
            desired.services.map { ($0.name, $0.dependsOn) }, uniquingKeysWith: { a, _ in a })
        // Services with nothing left before them fall away; what stays has a circle in it.
        var left = earlier
        while let free = left.first(where: { !$0.value.contains { left[$0] != nil } }) {
            left[free.key] = nil
        }
        guard let start = desired.services.first(where: { left[$0.name] != nil })?.name else {
            return nil
        }
        var path = [start]
        while let next = left[path[path.count - 1]]?.first(where: { left[$0] != nil }) {
            if let index = path.firstIndex(of: next) { return Array(path[index...]) + [next] }
            path.append(next)
        }
        return nil
    }
}
