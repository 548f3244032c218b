import Cluster
import Foundation
import Testing

@testable import Rendering

@Suite("The files of a node")
struct FileTests {
    static let golden = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Golden")

    /// Compares with the file in Golden/, where people can read what a node gets.
    private func expect(_ text: String, equals name: String) throws {
        let expected = String(
            decoding: try Data(contentsOf: Self.golden.appending(path: name)), as: UTF8.self)
        #expect(text == expected, "Golden/\(name)")
    }

    private func text(_ path: String, on node: NodeName, of topology: Topology) throws -> String {
        let blueprint = try Blueprint(topology: topology, secrets: Fixture.secrets)
        return try #require(blueprint.file(path, on: node)).content.reveal()
    }

    @Test("one server: members advertise service names and etcd is not published")
    func singleNode() throws {
        try expect(
            try text("compose.yaml", on: "hil-1", of: Fixture.singleNode),
            equals: "single-compose.yaml")
        try expect(
            try text("haproxy/haproxy.cfg", on: "hil-1", of: Fixture.singleNode),
            equals: "single-haproxy.cfg")
    }

    @Test("three servers: members advertise private addresses and bind to them alone")
    func threeNodes() throws {
        try expect(
            try text("compose.yaml", on: "node-2", of: Fixture.threeNodes),
            equals: "three-compose.yaml")
        try expect(
            try text("haproxy/haproxy.cfg", on: "node-2", of: Fixture.threeNodes),
            equals: "three-haproxy.cfg")
    }

    @Test("the database's SQL, whole")
    func databaseScript() throws {
        let blueprint = try Blueprint(topology: Fixture.singleNode, secrets: Fixture.secrets)
        #expect(blueprint.databaseScript.isSensitive)
        try expect(blueprint.databaseScript.reveal(), equals: "database.sql")
        try expect(blueprint.databaseMarker.content.reveal(), equals: "database.json")
        #expect(blueprint.databaseMarker.path == "state/database.json")
    }

    @Test("every managed file of a node is listed, in order, secrets in 0600 and nowhere else")
    func list() throws {
        let blueprint = try Blueprint(topology: Fixture.threeNodes, secrets: Fixture.secrets)
        let files = try #require(blueprint.files["node-1"])
        #expect(
            files.map { "\($0.path) \(String($0.mode, radix: 8)) \($0.comparison)" } == [
                "compose.yaml 644 lines", "env/etcd-1.first-start.env 644 presence",
                "env/postgres-1.env 600 lines", "env/rest.env 600 lines",
            ])
        for file in files where !file.content.isSensitive {
            for secret in Fixture.secrets.values.values {
                #expect(!file.content.reveal().contains(secret.reveal()), "\(file.path)")
            }
        }
        for file in files where file.content.isSensitive {
            #expect(file.mode == 0o600)
            #expect("\(file)".contains("(sensitive)"))
        }
        #expect(
            blueprint.files["node-2"]?.map(\.path) == [
                "compose.yaml", "env/etcd-2.first-start.env", "env/postgres-2.env",
                "haproxy/haproxy.cfg",
            ])
    }

    @Test("the order in which a manifest or a dictionary lists things changes no byte")
    func order() throws {
        let first = try Blueprint(topology: Fixture.threeNodes, secrets: Fixture.secrets)
        for _ in 1...20 {
            let again = try Blueprint(topology: Fixture.threeNodes, secrets: Fixture.secrets)
            #expect(again.files == first.files)
        }
    }

    @Test("a member's removal changes no line of the others")
    func removal() throws {
        var topology = Fixture.singleNode
        let before = try text("compose.yaml", on: "hil-1", of: topology)
        topology.members.removeLast()
        let after = try text("compose.yaml", on: "hil-1", of: topology)
        let gone = Set(before.split(separator: "\n")).subtracting(after.split(separator: "\n"))
        #expect(gone.allSatisfy { $0.contains("postgres-3") || $0.contains("5434:5432") })
    }
}
