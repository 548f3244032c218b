import Cluster
import Testing

@testable import Observation

@Suite struct PatroniAnswerTests {
    @Test("a replica's own answer keeps what tells whether it streams and how far it is")
    func replica() throws {
        let member = try PatroniAnswer.member(Fixture.bytes("lab3/patroni-node1.json"), date: 7)
        #expect(
            member
                == PatroniMember(
                    role: .replica, state: .running, timeline: 1, location: 84_110_656,
                    receivedLocation: 84_110_656, replicationState: "streaming",
                    dcsLastSeen: 1_795_415_726, answeredAt: 7,
                    systemIdentifier: "7711251676128313387", serverVersion: 170_011,
                    patroniVersion: "4.0.7"))
        #expect(
            try PatroniAnswer.memberName(Fixture.bytes("lab3/patroni-node1.json")) == "postgres-1")
    }

    @Test("a paused leader's answer says that it is paused, leads, and who streams from it")
    func pausedLeader() throws {
        let member = try PatroniAnswer.member(
            Fixture.bytes("lab3/patroni-leader-paused.json"), date: nil)
        #expect(member.role == .leader)
        #expect(member.isPaused)
        #expect(member.location == 167_804_016)
        #expect(member.receivedLocation == nil)
        let async = StandbyState(state: "streaming", syncState: "async")
        #expect(member.replication == ["postgres-1": async, "postgres-2": async])
    }

    @Test("the words of Patroni 3 and 4 for who leads and how a replica does mean the same")
    func words() throws {
        let three = #"""
            {"state": "running", "role": "master", "server_version": 150004, "timeline": 4,
             "xlog": {"location": 1000}, "cluster_unlocked": true, "pending_restart": true,
             "sync_standby": true, "tags": {"nofailover": true},
             "database_system_identifier": "1", "patroni": {"version": "3.0.1", "scope": "s"}}
            """#.bytes
        let member = try PatroniAnswer.member(three, date: nil)
        #expect(member.role == .leader)
        #expect(member.isClusterUnlocked && member.pendingRestart && member.isSyncStandby)
        #expect(member.tags == ["nofailover": .bool(true)])
        #expect(PatroniAnswer.memberName(three) == nil)
        let words = ["leader", "primary", "master", "standby_leader", "sync_standby"]
        #expect(
            words.map { MemberRole(patroni: $0) }
                == [.leader, .leader, .leader, .standbyLeader, .syncStandby])
        #expect(MemberRole(patroni: "quorum_standby") == .quorumStandby)
        for word in ["demoted", "uninitialized", "promoted", "unknown", "MASTER", ""] {
            #expect(MemberRole(patroni: word) == .undetermined)
        }
        #expect(MemberState(patroni: "in archive recovery") == .inArchiveRecovery)
        #expect(MemberState(patroni: "restart failed") == .restartFailed)
        #expect(MemberState(patroni: "half-way") == .other("half-way"))
    }

    @Test("parameters behind a pending restart keep both values, whatever their JSON types")
    func pendingParameters() throws {
        let body = #"""
            {"state": "running", "role": "primary", "pending_restart": true,
             "pending_restart_reason": {"max_connections": {"old_value": "100", "new_value": 200},
                                        "bad": 3}}
            """#.bytes
        let member = try PatroniAnswer.member(body, date: nil)
        #expect(member.pendingParameters == ["max_connections": .init(old: "100", new: "200")])
    }

    @Test("a starting replica never looks like a streaming one before it streams")
    func starting() throws {
        for path in ["lab1", "lab3", "lab3-fast"] {
            let lines = try Fixture.lines("\(path)/replica-starting-sequence.ndjson")
            let members = try lines.compactMap { line -> PatroniMember? in
                guard let body = line["patroni"]?.object else { return nil }
                return try PatroniAnswer.member(
                    JSONValue.object(body).canonicalText.bytes, date: nil)
            }
            #expect(members.first?.role == .undetermined)
            #expect(members.first?.state == .stopped || members.first?.state == .creatingReplica)
            #expect(members.last?.state == .running)
            for member in members where member.role == .undetermined {
                #expect(member.location == nil && member.replicationState == nil)
            }
        }
    }

    @Test("a lag that was not told is never zero")
    func unknownLag() throws {
        let gone = try PatroniAnswer.cluster(Fixture.bytes("lab3/cluster-member-gone.json"))
        #expect(gone.members.map(\.lag) == [.unknown, .unknown, .known(ByteCount(0))])
        #expect(gone.members[1].state == .stopped)
        #expect(gone.members[1].timeline == nil)
        for lag in [#""unknown""#, "-1", "null", "1.5", #""12""#, "[]", "99999999999999999999"] {
            let body =
                #"{"members": [{"name": "a", "role": "replica", "state": "running", "lag": \#(lag)}]}"#
            #expect(try PatroniAnswer.cluster(body.bytes).members.map(\.lag) == [.unknown])
        }
    }

    @Test("a cluster without a leader, paused, or with a scheduled switchover says so")
    func views() throws {
        let leaderless = try PatroniAnswer.cluster(
            Fixture.bytes("lab3/cluster-without-leader.json"))
        #expect(leaderless.leaders == [])
        let paused = try PatroniAnswer.cluster(Fixture.bytes("lab3/cluster-paused.json"))
        #expect(paused.isPaused && paused.leaders == ["postgres-3"] && paused.scope == "app-ha")
        let scheduled = try PatroniAnswer.cluster(
            Fixture.bytes("lab3/cluster-scheduled-switchover.json"))
        #expect(scheduled.scheduledSwitchover && !scheduled.isPaused)
        let view = try PatroniAnswer.cluster(Fixture.bytes("lab3/cluster.json"))
        #expect(
            view.members[0]
                == ViewMember(
                    name: "postgres-1", role: .replica, state: .streaming, timeline: 1,
                    lag: .known(ByteCount(0)), apiURL: "http://172.30.0.11:8008/patroni",
                    host: "172.30.0.11", port: 5432))
    }

    @Test(
        "with etcd's quorum lost, the stale view and the demoted member are both read as they are")
    func quorumLost() throws {
        var staleLeaders = 0
        var demoted = 0
        for line in try Fixture.lines("lab3/quorum-lost.ndjson") {
            guard let text = line["resp"]?.string, let end = text.firstRange(of: "} [") else {
                continue
            }
            let body = text[..<end.upperBound].dropLast(2).utf8
            switch line["path"]?.string {
            case "/cluster":
                if try !PatroniAnswer.cluster(Array(body)).leaders.isEmpty { staleLeaders += 1 }
            case "/patroni":
                let member = try PatroniAnswer.member(Array(body), date: nil)
                if line["node"] == .int(1), member.role == .replica { demoted += 1 }
            default: continue
            }
        }
        #expect(staleLeaders > 0)
        #expect(demoted > 0)
    }

    @Test("a history names who began each timeline; other lines and numbers tell nothing")
    func history() throws {
        func terms(_ text: String) throws -> [LeaderTerm] { try PatroniAnswer.history(text.bytes) }
        #expect(try PatroniAnswer.history(Fixture.bytes("lab3/history.json")) == [])
        #expect(
            try PatroniAnswer.history(Fixture.bytes("lab3/history-moved.json")) == [
                LeaderTerm(timeline: 2, leader: "postgres-2"),
                LeaderTerm(timeline: 3, leader: "postgres-1"),
            ])
        #expect(
            try terms(
                """
                [[1, 25623960, "no recovery target specified", "2026-11-29T16:57:57+02:00", "a"],
                 [2, 25624344, "no recovery target specified"],
                 [3, 25624752, "no recovery target specified", "2026-11-29T17:57:57+02:00"],
                 [4, 50331648, "no recovery target specified", "2026-11-29T18:57:57+02:00", "b"]]
                """)
                == [LeaderTerm(timeline: 2, leader: "a"), LeaderTerm(timeline: 5, leader: "b")])
        for ended in [
            "0", "-1", "-9223372036854775808", "9223372036854775807", "4294967295", "1e18", "1.0",
            "\"1\"", "null", "99999999999999999999",
        ] {
            #expect(try terms("[[\(ended), 1, \"\", \"\", \"a\"]]") == [], "\(ended)")
        }
        #expect(try terms("[[4294967294, 1, \"\", \"\", \"a\"]]").first?.timeline == 4_294_967_295)
        #expect(
            try terms(#"[{"last_leader": "a", "switches": 1}, null, [], [1, 2, 3, 4, 5]]"#) == [])
        // The latest are what counts.
        let long = (1...1500).map { "[\($0), 1, \"\", \"\", \"m\($0)\"]" }.joined(separator: ",")
        let kept = try terms("[\(long)]")
        #expect(kept.count == 1000 && kept.last?.leader == "m1500")
        #expect(throws: AnswerProblem.self) { try terms("{}") }
        #expect(throws: AnswerProblem.self) { try terms("<html>Bad Gateway</html>") }
    }

    @Test("the dynamic configuration keeps numbers, texts and booleans apart")
    func configuration() throws {
        let configuration = try PatroniAnswer.configuration(Fixture.bytes("lab3/config.json"))
        #expect(configuration["ttl"] == .int(20))
        #expect(configuration["postgresql"]?["use_slots"] == .bool(true))
        #expect(configuration["postgresql"]?["parameters"]?["hot_standby"] == .string("on"))
    }

    @Test(
        "garbage names the question, what was seen and what was expected, and cannot act on a terminal"
    )
    func garbage() {
        func error(_ text: String) -> String {
            do { return "\(try PatroniAnswer.member(text.bytes, date: nil))" } catch {
                return error.description
            }
        }
        #expect(error("") == "GET /patroni answered nothing, expected JSON")
        #expect(
            error("<html><body>404 Not Found</body></html>")
                == "GET /patroni answered “<html><body>404 Not Found</body></html>”, expected JSON")
        #expect(
            error("\u{1b}[2J\u{202e}x\r\n") == "GET /patroni answered “·[2J·x··”, expected JSON")
        #expect(
            error("[]")
                == "GET /patroni answered “[]”, expected an object with the texts “state” and “role”"
        )
        #expect(
            error(#"{"state": 1, "role": "replica"}"#)
                == "GET /patroni answered “{\"state\": 1, \"role\": \"replica\"}”, "
                + "expected an object with the texts “state” and “role”")
        #expect(
            error(String(repeating: "[", count: 100_000))
                == "GET /patroni answered “\(String(repeating: "[", count: 80))…”, "
                + "expected JSON at most 64 levels deep")
    }

    @Test("a view with members of the wrong shape is an error, not a smaller view")
    func wrongMembers() {
        #expect(
            throws: AnswerProblem(
                asked: "GET /cluster", seen: "“{\"members\": [{\"name\": \"a\"}]}”",
                expected: "members with the texts “name”, “role” and “state”")
        ) { try PatroniAnswer.cluster(#"{"members": [{"name": "a"}]}"#.bytes) }
    }
}
