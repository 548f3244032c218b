import Cluster
import Testing

@testable import Observation

@Suite struct JSONTextTests {
    @Test("numbers keep their kind, and an id beyond 63 bits keeps every digit")
    func numbers() throws {
        #expect(try JSONText.value(of: "-12".utf8) == .int(-12))
        #expect(try JSONText.value(of: "1.5e2".utf8) == .double(150))
        #expect(
            try JSONText.value(of: "14841639068965178418".utf8) == .string("14841639068965178418"))
        for bad in ["01", "1.", ".5", "+1", "1e", "-", "NaN", "1e999", "0x1"] {
            #expect(throws: JSONText.Problem.self) { try JSONText.value(of: bad.utf8) }
        }
    }

    @Test("escapes become their characters, and a lone surrogate does not trap")
    func escapes() throws {
        #expect(
            try JSONText.value(of: #""\u00e9\n\ud83d\ude00\ud83dx\udc00\/""#.utf8)
                == .string("é\n😀\u{FFFD}x\u{FFFD}/"))
        #expect(throws: JSONText.Problem.malformed(at: 4)) {
            try JSONText.value(of: #""\u0g00""#.utf8)
        }
        #expect(throws: JSONText.Problem.malformed(at: 1)) { try JSONText.value(of: "\"\n\"".utf8) }
    }

    @Test("depth is limited before anything is built on it")
    func depth() throws {
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try JSONText.value(of: deep.utf8) }
        #expect(throws: JSONText.Problem.tooDeep(limit: 64)) {
            try JSONText.value(of: String(repeating: "{\"a\":", count: 70).utf8)
        }
    }

    @Test("what follows the value is an error")
    func trailing() {
        for text in ["{} {}", "1 2", "{\"a\":1,}", "[1,]", "nulls", "{\"a\" 1}", "{1:2}", "tru"] {
            #expect(throws: JSONText.Problem.self) { try JSONText.value(of: text.utf8) }
        }
    }

    @Test("a written value reads back as itself")
    func roundTrip() throws {
        for path in try Fixture.all where path.hasSuffix(".json") {
            let value = try Fixture.json(path)
            guard !path.hasPrefix("lab1/etcd") else { continue }
            #expect(try JSONText.value(of: value.canonicalText.utf8) == value, "\(path)")
        }
    }
}

@Suite struct EtcdAnswerTests {
    @Test("the gateway's texts and etcdctl's numbers give the same ids")
    func ids() throws {
        let gateway = #"""
            {"header":{"cluster_id":"9053648640033603430","member_id":"2428462511578688153"},
             "members":[{"ID":"14841639068965178418","name":"etcd-1",
                         "peerURLs":["http://172.30.0.11:2380"],"clientURLs":["http://x:2379"]},
                        {"ID":"2","peerURLs":["http://172.30.0.14:2380"],"isLearner":true}]}
            """#.bytes
        #expect(
            try EtcdAnswer.members(gateway) == [
                EtcdPeer(
                    id: 14_841_639_068_965_178_418, name: "etcd-1",
                    peerURLs: ["http://172.30.0.11:2380"]),
                EtcdPeer(
                    id: 2, name: "", isLearner: true, peerURLs: ["http://172.30.0.14:2380"],
                    hasStarted: false),
            ])
        let members = try EtcdAnswer.members(Fixture.bytes("lab3/etcd-members.json"))
        #expect(members.map(\.name) == ["etcd-1", "etcd-2", "etcd-3"])
        #expect(members[2].id == 7_286_550_655_070_868_659)
        let statuses = try EtcdAnswer.statuses(Fixture.bytes("lab1/etcd-status.json"))
        #expect(
            statuses == [
                .init(memberID: 10_276_657_743_932_975_437, leaderID: 10_276_657_743_932_975_437)
            ])
    }

    @Test("a member that knows no leader has none, although the gateway leaves zero out")
    func noLeader() throws {
        for leader in ["", #","leader":"0""#, #","leader":0"#] {
            let body = #"{"header":{"member_id":"7"}\#(leader)}"#
            #expect(try EtcdAnswer.status(body.bytes) == .init(memberID: 7))
        }
    }

    @Test("health is a text in etcd's own answer, and anything else is an error")
    func health() throws {
        #expect(try EtcdAnswer.isHealthy(#"{"health":"true","reason":""}"#.bytes))
        #expect(try !EtcdAnswer.isHealthy(#"{"health":"false","reason":"NO LEADER"}"#.bytes))
        #expect(
            throws: AnswerProblem(
                asked: "GET /health", seen: "“{\"health\":\"maybe\"}”",
                expected: "an object with “health”, true or false")
        ) { try EtcdAnswer.isHealthy(#"{"health":"maybe"}"#.bytes) }
    }

    @Test("a member list without ids is an error")
    func wrongMembers() {
        #expect(
            throws: AnswerProblem(
                asked: "etcd's member list", seen: "“{\"members\":[{\"ID\":-1}]}”",
                expected: "members with the number “ID”")
        ) { try EtcdAnswer.members(#"{"members":[{"ID":-1}]}"#.bytes) }
    }
}

@Suite struct ProxyAnswerTests {
    @Test("servers are found by the columns' names, frontends and backends left out")
    func servers() throws {
        let servers = try ProxyAnswer.servers(Fixture.bytes("lab1/haproxy-show-stat.csv"))
        #expect(
            servers.map { "\($0.backend)/\($0.server) \($0.status)" } == [
                "pg_write/postgres-1 DOWN", "pg_write/postgres-2 UP", "pg_write/postgres-3 DOWN",
                "pg_read/postgres-1 UP", "pg_read/postgres-2 DOWN", "pg_read/postgres-3 UP",
            ])
        let lost = try ProxyAnswer.servers(Fixture.bytes("lab3/haproxy-quorum-lost.csv"))
        #expect(lost.filter { $0.backend == "pg_write" && $0.isUp } == [])
    }

    @Test("columns in another order and quoted fields read the same")
    func order() throws {
        let csv = "# status,note,svname,pxname\r\nUP 1/3,\"a,\"\"b\"\"\",s1,pg_read\r\n"
        #expect(
            try ProxyAnswer.servers(csv.bytes) == [
                ProxyServer(backend: "pg_read", server: "s1", status: "UP 1/3")
            ])
    }

    @Test("a page that is no CSV, or a short row, is an error")
    func garbage() {
        func expected(_ text: String) -> String? {
            do throws(AnswerProblem) {
                _ = try ProxyAnswer.servers(text.bytes)
                return nil
            } catch { return error.expected }
        }
        #expect(expected("<html>") == "CSV with a header line")
        #expect(expected("") == "CSV with a header line")
        #expect(expected("# pxname,svname\n") == "the columns pxname, svname and status")
        #expect(expected("# pxname,svname,status\na,b\n") == "rows as long as their header")
        #expect(expected("# pxname,svname,status\na,\"b,UP\n") == "quotes that are closed")
    }

    @Test("a status that was cut off, such as DOWN to DO, was taken for one of HAProxy's")
    func cutStatus() throws {
        let whole = "# pxname,svname,status,\npg_read,a,UP,\npg_read,b,DOWN,\n"
        let all = try ProxyAnswer.servers(whole.bytes)
        #expect(all.map(\.status) == ["UP", "DOWN"])
        for length in 0..<whole.utf8.count {
            let part = try? ProxyAnswer.servers(Array(whole.utf8.prefix(length)))
            #expect(all.starts(with: part ?? []), "after \(length) bytes")
        }
        do throws(AnswerProblem) {
            _ = try ProxyAnswer.servers(Array(whole.utf8.dropLast(4)))
            Issue.record("it was read")
        } catch {
            #expect(error.expected == "lines that end")
        }
    }
}

@Suite struct TimestampTests {
    @Test("docker's and HTTP's dates count from the epoch, across leap days and offsets")
    func dates() {
        #expect(Timestamp.rfc3339("2026-11-23T07:03:11.034741896Z") == 1_795_417_391)
        #expect(Timestamp.rfc3339("2024-02-29T23:59:59+02:00") == 1_709_243_999)
        #expect(Timestamp.rfc3339("1970-01-01T00:00:00Z") == 0)
        #expect(Timestamp.rfc3339("0001-01-01T00:00:00Z") == nil)
        #expect(Timestamp.http("Tue, 24 Nov 2026 15:15:29 GMT") == 1_795_533_329)
        for bad in ["", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T07:03:11.5", "x"] {
            #expect(Timestamp.rfc3339(bad) == nil)
            #expect(Timestamp.http(bad) == nil)
        }
    }
}
