import Cluster
import LibYAML

/// What a manifest means, checked: names that lead somewhere, ports that are free, rules of the
/// systems behind it. Every finding, not the first. What is missing or malformed is not repeated.
struct Checks {
    let root: View
    let desired: Desired
    private(set) var findings: [Finding] = []

    init(root: View, desired: Desired) {
        self.root = root
        self.desired = desired
    }

    mutating func run() {
        nodes()
        secrets()
        serviceNames()
        dependencies()
        ports()
        etcd()
        members()
        placement()
        dynamicConfiguration()
        localConfiguration()
        tags()
        environments()
        volumes()
        health()
    }

    mutating func error(
        _ mark: YAMLMark, _ found: String, expected: String? = nil, hint: String? = nil
    ) {
        findings.append(Finding(mark: mark, found: found, expected: expected, hint: hint))
    }

    mutating func warn(_ mark: YAMLMark, _ found: String, hint: String? = nil) {
        findings.append(Finding(mark: mark, severity: .warning, found: found, hint: hint))
    }

    /// Every part that has an environment, with its path.
    var parts: [(path: String, view: View)] {
        var parts = [
            ("etcd", root["etcd"]), ("postgres", root["postgres"]), ("haproxy", root["haproxy"]),
        ]
        parts += root["postgres"]["members"].entries.map {
            ("postgres.members.\($0.key)", $0.view)
        }
        return parts + services
    }

    /// Supabase's and other services, with their paths.
    var services: [(path: String, view: View)] {
        root["supabase"].entries.map { ("supabase.\($0.key)", $0.view) }
            + root["services"].entries.map { ("services.\($0.key)", $0.view) }
    }
}
