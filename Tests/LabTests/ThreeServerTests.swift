import Foundation
import Testing

/// One lab a machine: its suites run one after the other.
@Suite(.serialized, .ownLab) enum LabTests {}

extension LabTests {
    /// The main job on three real servers. The tests run in this order, on one cluster; each leaves it
    /// as declared.
    @Suite(.serialized) struct ThreeServerTests {
        /// The cluster is there and healthy, whichever test runs first.
        private func ready() throws -> Manifest {
            try Lab.lab("up", "three")
            let manifest = try Manifest.three()
            for _ in 0..<2 where try Matriarch.plan(manifest).status != 0 {
                _ = try Matriarch.run("apply", try manifest.write(), "--yes")
            }
            let isHealthy: Void? = try? Lab.until("a healthy cluster", within: 30) {
                try Lab.isHealthy(members: 3)
            }
            if try isHealthy == nil || Matriarch.plan(manifest).status != 0 {
                try Lab.lab("reset", "three")
                try Matriarch.apply(manifest)
            }
            return manifest
        }

        @Test("1: empty servers must become a cluster that routes writes, reads and Supabase")
        func emptyServers() throws {
            try Lab.lab("up", "three")
            try Lab.lab("reset", "three")
            let manifest = try Manifest("lab-three")
            let plan = try Matriarch.plan(manifest)
            #expect(plan.status == 2, "\(plan.text)")
            #expect(
                try Lab.ssh("node-1", "docker ps -aq; ls /opt") == "", "a plan changed a server")
            try Matriarch.apply(manifest)

            // /cluster is as old as a turn of Patroni's loop.
            try Lab.until("every member is listed healthy", within: 30) {
                try Lab.isHealthy(members: 3)
            }
            for node in Lab.servers {
                let host = Lab.addresses[node] ?? ""
                #expect(try Lab.sql("select pg_is_in_recovery()", host: host, port: 5000) == "f")
                #expect(try Lab.sql("select pg_is_in_recovery()", host: host, port: 5001) == "t")
            }
            _ = try Lab.sql(
                "create table proof(id int); insert into proof values (7)", host: "172.30.0.11",
                database: "crm")
            try Lab.until("the row is read from a replica") {
                try Lab.sql(
                    "select id from proof", host: "172.30.0.12", port: 5001, database: "crm")
                    == "7"
            }
            try Lab.expectSupabase()
            // Back to what the other scenarios need; the services leave as the manifest says.
            try Matriarch.apply(try Manifest.three())
            #expect(try Lab.container("rest", on: "node-1") == "")
        }

        @Test("2: a fourth member must stream and be read from; when it goes its volume stays")
        func scale() throws {
            let manifest = try ready()
            try Matriarch.apply(try manifest.replacing("replicas: 2", "replicas: 3"))
            try Lab.until("postgres-4 is listed streaming", within: 30) {
                try Lab.cluster()["postgres-4"]?.isStreaming == true
            }
            let place = try Lab.cluster()["postgres-4"]
            #expect(place?.host == "172.30.0.11" && place?.port == 5434, "\(place as Any)")
            #expect(try Lab.get("http://172.30.0.11:8009/patroni").status == 200)
            let node = try Lab.node(of: "postgres-4")
            for host in Lab.threeMembers.map(\.host) {
                try Lab.until("HAProxy on \(host) reads from postgres-4", within: 30) {
                    try Lab.get("http://\(host):7000/;csv").body.split(separator: "\n").contains {
                        $0.hasPrefix("pg_read,postgres-4,") && $0.contains(",UP,")
                    }
                }
            }
            try Matriarch.apply(manifest)
            #expect(try Lab.cluster()["postgres-4"] == nil)
            for server in Lab.servers {
                #expect(try Lab.container("postgres-4", on: server) == "", "on \(server)")
            }
            #expect(try Lab.ssh(node, "docker volume ls -q").contains("postgres-4"))
            #expect(try !Lab.get("http://172.30.0.11:7000/;csv").body.contains("postgres-4"))
            // /cluster is as old as a turn of Patroni's loop.
            try Lab.until("every member is listed healthy", within: 30) {
                try Lab.isHealthy(members: 3)
            }
        }

        @Test("3: an image bump must lose no committed row and switch over once, old leader last")
        func rollingUpdate() throws {
            let manifest = try ready()
            let old = try Lab.leader()
            let timeline = try Lab.timeline()
            let writer = try Writer()
            let witness = try Witness()
            let newer = try manifest.replacing("spilo-17:4.0-p2", "spilo-17:4.0-p3")
            try Matriarch.apply(newer)
            let testimony = try witness.stop()
            #expect(testimony.violations == "", "one at a time, the leader never")
            #expect(testimony.stops == 3)
            let result = try writer.stop()
            print("rolling update, writer through HAProxy: \(result.line)")
            #expect(result.lost == 0)
            #expect(result.rows > 100)
            #expect(try Lab.leader() != old)
            #expect(try Lab.timeline() == timeline + 1, "one switchover is one new timeline")
            var starts: [String: String] = [:]
            for member in try Lab.cluster().keys {
                let node = try Lab.node(of: member)
                #expect(try Lab.ssh(node, "docker ps --format '{{.Image}}'").contains("4.0-p3"))
                starts[member] = try Lab.starts(node)[member]
            }
            // "ID TIME"
            let times = starts.mapValues { $0.split(separator: " ").last ?? "" }
            #expect(times.max { $0.value < $1.value }?.key == old, "not last: \(old) in \(times)")
            try Matriarch.apply(manifest)
        }

        @Test("4: an environment change on one replica must recreate that one; a comment, nothing")
        func oneEnvironment() throws {
            let manifest = try ready()
            let leader = try Lab.leader()
            let replica = try #require(
                try Lab.cluster().keys.filter { $0 != leader }.sorted().first)
            let node = try Lab.node(of: replica)
            let before = try Lab.servers.map { try Lab.starts($0) }
            let pinned = try manifest.replacing(
                "  replicas: 2\n",
                "  replicas: 2\n  members:\n    \(replica): { node: \(node), environment: { LOG_LEVEL: debug } }\n"
            )
            try Matriarch.apply(pinned)
            var changed: [String] = []
            for (node, starts) in zip(Lab.servers, before) {
                for (service, start) in try Lab.starts(node) where starts[service] != start {
                    changed.append(service)
                }
            }
            #expect(changed == [replica])
            #expect(try Lab.leader() == leader)
            try Matriarch.expectNoChanges(
                try pinned.reordered()
                    .replacing("replicas: 2\n", "replicas: 2   # leader and two\n"))
            try Matriarch.apply(manifest)
        }

        @Test("5a: a killed container must be started again, the leader untouched")
        func killedContainer() throws {
            let manifest = try ready()
            let (replica, node, leaderStart) = try replicaAndLeader()
            let id = try Lab.container(replica, on: node)
            try Lab.ssh(node, "docker kill \(id)")
            #expect(try Matriarch.steps(manifest).map(\.id) == ["start:\(replica)"])
            try Matriarch.apply(manifest)
            #expect(try Lab.container(replica, on: node) == id, "it was made anew")
            // /cluster is as old as a turn of Patroni's loop.
            try Lab.until("every member is listed healthy", within: 30) {
                try Lab.isHealthy(members: 3)
            }
            #expect(try replicaAndLeader().leaderStart == leaderStart)
        }

        @Test("5b: wrecked data must be cloned anew, the leader untouched")
        func wreckedData() throws {
            let manifest = try ready()
            let (replica, node, leaderStart) = try replicaAndLeader()
            let id = try Lab.container(replica, on: node)
            try Lab.ssh(
                node,
                "docker exec \(id) sh -c 'cd /home/postgres/pgdata/pgroot/data && rm -rf global/pg_control base'"
                    + " && docker exec \(id) pkill -9 -x postgres || true")
            try Lab.until("Patroni gave up starting \(replica)") {
                try Lab.cluster()[replica]?.isStreaming != true
            }
            // The milder means are tried first, and what heals by itself is given its time. What may
            // have led, for all that Patroni's history tells, is wiped where that is accepted.
            let isToldWhoLed =
                try Lab.timeline() == 1 || Lab.leaderBefore(try Lab.leader()) != nil
            try Lab.until("\(replica) was repaired", within: 300) {
                _ = try Matriarch.start(
                    ["apply", try manifest.write(), "--yes"]
                        + (isToldWhoLed ? [] : ["--accept", "data-loss"])
                ).wait()
                return try Lab.isHealthy(members: 3)
            }
            try Matriarch.expectNoChanges(manifest)
            #expect(try replicaAndLeader().leaderStart == leaderStart)
        }

        private func replicaAndLeader() throws -> (
            replica: String, node: String, leaderStart: String
        ) {
            let leader = try Lab.leader()
            let before = try Lab.leaderBefore(leader)
            let replica = try #require(
                try Lab.cluster().keys.filter { $0 != leader && $0 != before }.sorted().last)
            let start = try Lab.starts(try Lab.node(of: leader))[leader] ?? ""
            return (replica, try Lab.node(of: replica), start)
        }

        @Test("6: max_connections up and down must reach every member, one restart each")
        func maxConnections() throws {
            let manifest = try ready()
            let leader = try Lab.leader()
            let containers = try Lab.allStarts()
            for value in ["150", "100"] {
                let restarts = try Lab.postmasterRestarts()
                try Matriarch.apply(
                    try manifest.replacing("max_connections: 100", "max_connections: \(value)"))
                for host in Lab.threeMembers.map(\.host) {
                    #expect(try memberSetting("max_connections", host: host) == value)
                }
                #expect(try Lab.leader() == leader, "a restart moved the leader")
                let after = try Lab.postmasterRestarts()
                #expect(after.mapValues(\.count) == restarts.mapValues { $0.count + 1 })
                // Standbys first when it rises, the leader first when it falls.
                let first = after.min { ($0.value.last ?? "") < ($1.value.last ?? "") }?.key
                #expect((first == leader) == (value == "100"), "\(first ?? "nobody") was first")
            }
            #expect(try Lab.allStarts() == containers, "a container was restarted")
        }

        private func memberSetting(_ name: String, host: String) throws -> String {
            let member = try #require(try Lab.cluster().first { $0.value.host == host })
            return try Lab.sql("show \(name)", host: host, port: member.value.port)
        }

        @Test("7: an unreachable server must be said, and what lowers redundancy refused")
        func unreachable() throws {
            let manifest = try ready()
            let leader = try Lab.node(of: try Lab.leader())
            let victim = try #require(Lab.servers.first { $0 != leader })
            let lost = try Lab.cluster().filter { $0.value.host == Lab.addresses[victim] }.keys
            try Lab.lab("fault", "unplug", victim)
            defer {
                _ = try? Lab.lab("fault", "plug", victim)
                try? Lab.until("the server is back") { try Lab.isHealthy(members: 3) }
            }
            let plan = try Matriarch.plan(manifest)
            #expect(plan.text.contains(victim), "\(plan.text)")
            #expect(plan.status == 1, "\(plan.text)")
            let starts = try Lab.starts(leader)
            let newer = try manifest.replacing("spilo-17:4.0-p2", "spilo-17:4.0-p3")
            for step in try Matriarch.steps(newer) {
                for name in [victim] + lost {
                    #expect(!step.action.contains("\"\(name)\""), "\(step.id) is for \(name)")
                }
            }
            let apply = try Matriarch.run("apply", try newer.write(), "--yes")
            #expect(apply.status == 3, "\(apply.text)")
            #expect(apply.text.contains("could not be looked at"), "\(apply.text)")
            #expect(try Lab.starts(leader) == starts)
        }

        @Test("8: a lagging replica must hold the rolling update up, and the leader still leads")
        func laggingReplica() throws {
            let manifest = try ready()
            let leader = try Lab.leader()
            let replica = try #require(
                try Lab.cluster().keys.filter { $0 != leader }.sorted().first)
            // Patroni resumes a paused replay by itself, so the process that replays is stopped.
            let node = try Lab.node(of: replica)
            func signal(_ name: String) throws {
                try Lab.ssh(node, "pkill -\(name) -f '[p]ostgres: .*startup'")
            }
            try signal("STOP")
            defer { try? signal("CONT") }
            _ = try Lab.sql("drop table if exists ballast", host: "172.30.0.11")
            _ = try Lab.sql(
                "create table ballast as select repeat('x', 1000) from generate_series(1, 8000)",
                host: "172.30.0.11")
            // It stays as it is itself: recreating it would end its lag.
            let pin = "{ node: \(node), image: \"ghcr.io/zalando/spilo-17:4.0-p2\" }"
            let newer = try manifest.replacing("spilo-17:4.0-p2", "spilo-17:4.0-p3")
                .replacing("replicas: 2\n", "replicas: 2\n  members:\n    \(replica): \(pin)\n")
                .replacing("stepTimeout: 5m", "stepTimeout: 15s")
            let apply = try Matriarch.run("apply", try newer.write(), "--yes")
            #expect(apply.status == 4, "\(apply.text)")
            #expect(apply.text.contains("behind the leader"), "\(apply.text)")
            #expect(try Lab.leader() == leader)
            try signal("CONT")
            try Matriarch.apply(newer)
            try Matriarch.apply(manifest)
        }

        @Test("10: an unknown host key must be refused with its fingerprint, and nothing done")
        func unknownHostKey() throws {
            let manifest = try ready()
            let starts = try Lab.allStarts()
            try Lab.lab("fault", "rekey", "node-2")
            defer { _ = try? Lab.lab("fault", "trust", "node-2") }
            let plan = try Matriarch.plan(manifest)
            #expect(plan.status == 1, "\(plan.text)")
            #expect(plan.text.contains("node-2"))
            let prints = plan.text.ranges(of: "SHA256:").count
            #expect(prints >= 2, "both fingerprints: \(plan.text)")
            let newer = try manifest.replacing("spilo-17:4.0-p2", "spilo-17:4.0-p3")
            let apply = try Matriarch.run("apply", try newer.write(), "--yes")
            #expect(apply.status != 0 && apply.text.contains("node-2"), "\(apply.text)")
            try Lab.lab("fault", "trust", "node-2")
            let after = try Lab.allStarts()
            #expect(after == starts, "a container was touched: \(starts) \(after); \(apply.text)")
        }
    }
}
