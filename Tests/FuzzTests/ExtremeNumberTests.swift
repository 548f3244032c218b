import FuzzProperties
import Testing

/// Numbers that no server has a reason to send. `dcs_last_seen` of the smallest one ended the
/// program in the middle of a plan, and `loop_wait` made a request wait for days.
@Suite("Extreme numbers in an answer end nothing: it is planned over, and every rule is tried")
struct ExtremeNumberTests {
    private static let numbers = [
        "-9223372036854775808", "9223372036854775807", "9223372036854775808", "-1", "0",
        "1000000000000000000", "1e18", "-1e308", "4611686018427387904",
        "\"-9223372036854775808\"", "99999999999999999999999999",
    ]

    private func check(_ target: String, _ text: String) throws {
        let target = try #require(FuzzTarget.named(target))
        #expect(throws: Never.self, "\(text)") { try target.check(Array(text.utf8)) }
    }

    @Test("of a member", arguments: numbers, ["primary", "replica"])
    func member(number: String, role: String) throws {
        try check(
            "patroni",
            """
            {"state": "running", "role": "\(role)", "server_version": \(number),
             "xlog": {"location": \(number), "replayed_location": \(number),
              "received_location": \(number)},
             "timeline": \(number), "dcs_last_seen": \(number), "pending_restart": true,
             "replication_state": "streaming", "database_system_identifier": \(number),
             "patroni": {"version": "3.0.4", "name": "postgres-1"}}
            """)
        try check(
            "patroni",
            """
            {"state": "running", "role": "\(role)", "timeline": 1, "dcs_last_seen": \(number),
             "xlog": {"location": 1000}, "replication_state": "streaming"}
            """)
    }

    @Test("of a member's view and of the configuration", arguments: numbers)
    func view(number: String) throws {
        try check(
            "patroni",
            """
            {"members": [{"name": "postgres-1", "role": "leader", "state": "running",
              "timeline": \(number), "port": \(number), "lag": \(number)},
             {"name": "postgres-2", "role": "replica", "state": "streaming", "lag": \(number),
              "timeline": \(number)}],
             "ttl": \(number), "loop_wait": \(number), "retry_timeout": \(number),
             "maximum_lag_on_failover": \(number),
             "postgresql": {"parameters": {"max_connections": \(number)}}}
            """)
    }

    @Test("of etcd", arguments: numbers)
    func etcd(number: String) throws {
        try check(
            "etcd",
            """
            {"header": {"member_id": \(number)}, "leader": \(number),
             "members": [{"ID": \(number), "name": "etcd-1", "clientURLs": ["http://a:1"]}]}
            """)
    }

    @Test("of docker", arguments: numbers)
    func docker(number: String) throws {
        let containers = ["postgres-2", "worker", "left-over"].map { service in
            """
            {"Id": "\(service)0123456789ab", "Image": "sha256:1", "RestartCount": \(number),
             "Created": "9999-12-31T23:59:59Z",
             "State": {"Status": "running", "ExitCode": \(number),
              "StartedAt": "9999-12-31T23:59:59-99:99"},
             "Config": {"Image": "example/worker:1", "StopTimeout": \(number),
              "Labels": {"com.docker.compose.project": "lab",
               "com.docker.compose.service": "\(service)", "matriarch.cluster": "lab"},
              "Healthcheck": {"Test": ["CMD", "true"], "Interval": \(number),
               "Timeout": \(number), "Retries": \(number), "StartPeriod": \(number)}},
             "HostConfig": {"Memory": \(number), "ShmSize": \(number), "NanoCpus": \(number),
              "CpuQuota": \(number), "CpuPeriod": \(number)}}
            """
        }
        try check("docker", "[\(containers.joined(separator: ","))]")
    }
}
