import Foundation

/// The real servers, and what they say when they are asked without the program under test.
enum Lab {
    static let addresses = [
        "node-1": "172.30.0.11", "node-2": "172.30.0.12", "node-3": "172.30.0.13",
        "hil-1": "172.30.0.20",
    ]

    @discardableResult
    static func lab(_ arguments: String...) throws -> String {
        let outcome = try run(Repository.lab, arguments)
        guard outcome.status == 0 else {
            throw LabFailure("lab \(arguments.joined(separator: " ")): \(outcome.text)")
        }
        return outcome.output
    }

    @discardableResult
    static func ssh(_ node: String, _ command: String) throws -> String {
        let outcome = try run(Repository.lab, ["ssh", node, command])
        guard outcome.status == 0 else {
            throw LabFailure("\(node): \(command): \(outcome.text)")
        }
        return outcome.output
    }

    /// The lab's secrets, as the environment that a person would have; none before the lab's first
    /// start, which the tests that need no server may come before.
    static func secrets() throws -> [String: String] {
        let file = Repository.state.appending(path: "secrets.env")
        guard FileManager.default.fileExists(atPath: file.path) else { return [:] }
        let text = try String(contentsOf: file, encoding: .utf8)
        var secrets: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 {
                secrets[String(parts[0])] = parts[1]
                    .trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
            }
        }
        return secrets
    }

    /// A web answer's status and body; status 0: no answer.
    static func get(_ url: String) throws -> (status: Int, body: String) {
        let outcome = try run("curl", ["-s", "-m", "3", "-w", "\n%{http_code}", url])
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    static func patch(_ url: String, _ json: String) throws {
        let outcome = try run("curl", ["-sf", "-m", "5", "-X", "PATCH", "-d", json, url])
        guard outcome.status == 0 else { throw LabFailure("PATCH \(url): \(outcome.text)") }
    }

    static func sql(
        _ statement: String, host: String, port: Int = 5000, database: String = "postgres"
    ) throws -> String {
        let outcome = try run(
            "psql",
            [
                "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", String(port), "-U", "postgres",
                "-d", database, "-c", statement,
            ],
            environment: [
                "PGPASSWORD": try secrets()["PGPASSWORD_SUPERUSER"] ?? "", "PGCONNECT_TIMEOUT": "3",
            ])
        guard outcome.status == 0 else { throw LabFailure("\(statement): \(outcome.text)") }
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Asks again until it is true. The limit is generous: the machine can be four times slower.
    static func until(
        _ what: String, within limit: TimeInterval = 120, _ isTrue: () throws -> Bool
    ) throws {
        let deadline = Date().addingTimeInterval(limit)
        while Date() < deadline {
            if (try? isTrue()) == true { return }
            Thread.sleep(forTimeInterval: 0.2)
        }
        throw LabFailure("not within \(limit) s: \(what); cluster: \(try cluster())")
    }

    /// Member name to "role state timeline", as any Patroni that answers lists it.
    static func cluster(_ restPorts: [(host: String, port: Int)] = threeMembers) throws -> [String:
        Seen]
    {
        for place in restPorts {
            let answer = try get("http://\(place.host):\(place.port)/cluster")
            guard answer.status == 200,
                let json = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
                    as? [String: Any],
                let members = json["members"] as? [[String: Any]]
            else { continue }
            var seen: [String: Seen] = [:]
            for member in members {
                guard let name = member["name"] as? String else { continue }
                seen[name] = Seen(
                    role: member["role"] as? String ?? "", state: member["state"] as? String ?? "",
                    host: member["host"] as? String ?? "", port: member["port"] as? Int ?? 0)
            }
            return seen
        }
        return [:]
    }

    struct Seen: Equatable {
        var role: String
        var state: String
        var host: String
        var port: Int
        var isStreaming: Bool { role != "leader" && state == "streaming" }
    }

    static let threeMembers = [
        (host: "172.30.0.11", port: 8008), (host: "172.30.0.12", port: 8008),
        (host: "172.30.0.13", port: 8008),
    ]
    static let referenceMembers = [
        (host: "172.30.0.20", port: 8008), (host: "172.30.0.20", port: 8009),
        (host: "172.30.0.20", port: 8010),
    ]

    static func leader(_ places: [(host: String, port: Int)] = threeMembers) throws -> String {
        let leaders = try cluster(places).filter { $0.value.role == "leader" }.keys
        guard leaders.count == 1, let leader = leaders.first else {
            throw LabFailure("no single leader: \(try cluster(places))")
        }
        return leader
    }

    /// The timeline that the leader writes on: one more after each failover or switchover.
    static func timeline() throws -> Int {
        let answer = try get("http://\(addresses[try node(of: try leader())] ?? ""):8008/patroni")
            .body
        let json = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
        guard let timeline = json?["timeline"] as? Int else {
            throw LabFailure("no timeline: \(answer)")
        }
        return timeline
    }

    /// Who led before `leader`, where Patroni's history tells: it does not for the first timeline.
    static func leaderBefore(_ leader: String) throws -> String? {
        let url = "http://\(addresses[try node(of: leader)] ?? ""):8008/history"
        let lines =
            try JSONSerialization.jsonObject(with: Data(try get(url).body.utf8)) as? [[Any]]
        return lines?.compactMap { $0.count > 4 ? $0[4] as? String : nil }.last { $0 != leader }
    }

    static func isHealthy(
        members: Int, _ places: [(host: String, port: Int)] = threeMembers
    ) throws -> Bool {
        let seen = try cluster(places)
        return seen.count == members && seen.values.filter(\.isStreaming).count == members - 1
            && seen.values.filter { $0.role == "leader" && $0.state == "running" }.count == 1
    }

    /// The node of the three-server lab that a member is on.
    static func node(of member: String) throws -> String {
        guard let host = try cluster()[member]?.host,
            let node = addresses.first(where: { $0.value == host })?.key
        else { throw LabFailure("\(member) is nowhere: \(try cluster())") }
        return node
    }

    /// The id of a compose service's container on a node; empty when there is none.
    static func container(_ service: String, on node: String) throws -> String {
        try ssh(
            node, "docker ps -aq --no-trunc --filter label=com.docker.compose.service=\(service)"
        ).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Every container of a node with the time it started: what must not change in a plan that
    /// leaves it alone.
    static func starts(_ node: String) throws -> [String: String] {
        let text = try ssh(
            node,
            "docker inspect -f '{{index .Config.Labels \"com.docker.compose.service\"}}"
                + " {{.Id}} {{.State.StartedAt}}' $(docker ps -q)")
        var starts: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { starts[String(parts[0])] = String(parts[1]) }
        }
        return starts
    }
    /// The same for all three servers.
    static func allStarts() throws -> [String: [String: String]] {
        var all: [String: [String: String]] = [:]
        for node in ["node-1", "node-2", "node-3"] { all[node] = try starts(node) }
        return all
    }
}
