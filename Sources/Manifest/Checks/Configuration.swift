import Cluster
import LibYAML

extension Checks {
    /// Patroni's own rules for its dynamic configuration, and what has no effect there.
    mutating func dynamicConfiguration() {
        let view = root["postgres"]["configuration"]
        let path = "postgres.configuration"
        timing(view, path)
        for (key, least) in [("ttl", 20), ("loop_wait", 1), ("retry_timeout", 3)] {
            guard view[key].isPresent, !view[key].isNull else { continue }
            guard let number = view[key].int else {
                error(
                    view[key].mark, "\(path).\(key) is \(view[key].shown)",
                    expected: "a whole number of seconds")
                continue
            }
            guard number < least else { continue }
            error(
                view[key].mark, "\(path).\(key) is \(number)", expected: "at least \(least)",
                hint: "Patroni would use its own value instead")
        }
        for (key, _) in Builder.synchronous(root["postgres"]["synchronous"])
        where view[key].isPresent {
            error(
                view[key].keyMark, "\(path).\(key) is set by postgres.synchronous, too",
                expected: "one of the two")
        }
        let parameters = view["postgresql"]["parameters"]
        for name in ["shared_buffers", "archive_command", "shared_preload_libraries"]
        where parameters[name].isPresent {
            notDynamic(parameters[name], "\(path).postgresql.parameters.\(name)")
        }
        if view["postgresql"]["pg_hba"].isPresent {
            notDynamic(view["postgresql"]["pg_hba"], "\(path).postgresql.pg_hba")
        }
        for name in ["listen_addresses", "port", "cluster_name", "hot_standby"]
        where parameters[name].isPresent {
            error(
                parameters[name].keyMark, "\(path).postgresql.parameters.\(name) has no effect",
                hint: "Patroni decides it by itself")
        }
    }

    private mutating func notDynamic(_ view: View, _ path: String) {
        error(
            view.keyMark, "\(path) has no effect: Spilo sets it locally, which wins",
            hint: "move it to postgres.spiloConfiguration")
    }

    /// loop_wait + 2 × retry_timeout ≤ ttl, Patroni's defaults standing for what is not declared.
    private mutating func timing(_ view: View, _ path: String) {
        guard let ttl = view["ttl"].int ?? (view["ttl"].isPresent ? nil : 30),
            let wait = view["loop_wait"].int ?? (view["loop_wait"].isPresent ? nil : 10),
            let retry = view["retry_timeout"].int ?? (view["retry_timeout"].isPresent ? nil : 10),
            [ttl, wait, retry].allSatisfy({ (0...1_000_000).contains($0) }),
            wait + 2 * retry > ttl,
            let place = ["ttl", "retry_timeout", "loop_wait"].first(where: { view[$0].isPresent })
        else { return }
        error(
            view[place].mark,
            "\(path) has ttl \(ttl), loop_wait \(wait) and retry_timeout \(retry)",
            expected: "loop_wait + 2 × retry_timeout to be at most ttl",
            hint: "a ttl of \(wait + 2 * retry) would do")
    }

    /// Local configuration says nothing that is said elsewhere or acts only once.
    mutating func localConfiguration() {
        let view = root["postgres"]["spiloConfiguration"]
        if view["bootstrap"]["dcs"].isPresent {
            error(
                view["bootstrap"]["dcs"].keyMark,
                "postgres.spiloConfiguration.bootstrap.dcs acts only when a cluster is born",
                hint: "move it to postgres.configuration")
        }
        if view["tags"].isPresent {
            error(
                view["tags"].keyMark, "postgres.spiloConfiguration.tags is set by postgres.tags",
                hint: "move them to postgres.tags")
        }
    }

    mutating func tags() {
        let everywhere = root["postgres"]["tags"]
        let places =
            [("postgres.tags", everywhere)]
            + root["postgres"]["members"].entries.map {
                ("postgres.members.\($0.key).tags", $0.view["tags"])
            }
        for (path, view) in places {
            let isHere = view["nofailover"].isPresent || view["failover_priority"].isPresent
            let nofailover =
                view["nofailover"].isPresent ? view["nofailover"] : everywhere["nofailover"]
            let priority =
                view["failover_priority"].isPresent
                ? view["failover_priority"] : everywhere["failover_priority"]
            guard isHere, nofailover.isPresent, priority.isPresent else { continue }
            error(
                view["failover_priority"].isPresent ? priority.keyMark : nofailover.keyMark,
                "\(path) has nofailover and failover_priority", expected: "only one of them",
                hint: "failover_priority: 0 says the same as nofailover: true")
        }
    }
}
