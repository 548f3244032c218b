import Cluster
import Foundation
import LibYAML
import Testing

@testable import Manifest

struct SchemaTests {
    @Test("The published schema is the one that the decoder's table makes")
    func published() throws {
        let path = Files.repository.appending(path: "schema/manifest.schema.json")
        if ProcessInfo.processInfo.environment["MATRIARCH_RECORD"] != nil {
            try ManifestSchema.text.write(to: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: path, encoding: .utf8) == ManifestSchema.text)
    }

    @Test("The commented example has every key of the schema, and decodes without a problem")
    func example() throws {
        let bytes = try Files.read("examples/cluster.yaml")
        let decoded = ManifestDecoder.decode(bytes, file: "examples/cluster.yaml")
        #expect(decoded.problems.map(\.description) == [])
        #expect(decoded.clusters.count == 1)
        let tree = try YAMLText.parse(bytes).get()
        var coverage = Coverage()
        coverage.visit(.object(ManifestShape.root), [tree], path: "")
        #expect(coverage.missing() == [])
    }

    /// Which keys of the shape a manifest shows, those that several places share once for all.
    private struct Coverage {
        private var seen: [String: Bool] = [:]

        mutating func visit(_ shape: Shape, _ values: [JSONValue], path: String) {
            switch shape {
            case .object(let object):
                for key in object.keys {
                    let found = values.compactMap { $0[key.name] }
                    let place = "\(path).\(key.name)"
                    seen[place] = seen[place] == true || !found.isEmpty
                    visit(key.shape, found, path: place)
                }
            case .map(_, let inner, _):
                let found = values.flatMap { $0.object.map { Array($0.values) } ?? [] }
                visit(inner, found, path: "\(path).*")
            case .list(let inner, _):
                visit(inner, values.flatMap { $0.array ?? [] }, path: "\(path)[]")
            case .shared(let name, let inner): visit(inner, values, path: name)
            case .choice(let shapes):
                for inner in shapes { visit(inner, values, path: path) }
            default: break
            }
        }

        func missing() -> [String] { seen.filter { !$0.value }.keys.sorted() }
    }

    @Test("Schema and decoder judge the same, at every place and of every kind of value")
    func agreement() throws {
        var comparison = Comparison(
            schema: try SchemaValidator(Files.text("schema/manifest.schema.json")))
        let manifest = try YAMLText.parse(Files.read("examples/cluster.yaml")).get()
        try comparison.visit(
            .object(ManifestShape.root), comparison.schema.root, manifest, path: "")
        #expect(comparison.accepted > 500 && comparison.refused > 2000)
        #expect(try comparison.schema.accepts(manifest))
    }
}

/// Asks both judges about one value at a place, and about many others in its stead.
private struct Comparison {
    let schema: SchemaValidator
    var accepted = 0
    var refused = 0
    private var shared: Set<String> = []

    init(schema: SchemaValidator) { self.schema = schema }

    mutating func visit(
        _ shape: Shape, _ schema: JSONValue, _ value: JSONValue, path: String
    ) throws {
        if case .shared(let name, let inner) = shape {
            let definition = self.schema.root["$defs"]?[name] ?? .null
            // Once in full, and elsewhere only that it is the same.
            if shared.insert(name).inserted { try visit(inner, definition, value, path: name) }
            #expect(schema["$ref"] == .string("#/$defs/\(name)"))
            return
        }
        for other in [value] + Self.replacements { try compare(shape, schema, other, path: path) }
        switch shape {
        case .object(let object):
            let fields = value.object ?? [:]
            for key in object.keys {
                var without = fields
                guard let inner = without.removeValue(forKey: key.name) else { continue }
                try compare(shape, schema, .object(without), path: "\(path) but \(key.name)")
                let part = schema["properties"]?[key.name] ?? .null
                try visit(key.shape, part, inner, path: "\(path).\(key.name)")
            }
            for name in ["unknown", "x-1", "node", "env", "path"] {
                let more = fields.merging([name: .string("a")]) { old, _ in old }
                try compare(shape, schema, .object(more), path: "\(path) and \(name)")
            }
        case .map(_, let inner, _):
            let part = schema["additionalProperties"] ?? .null
            for (name, value) in value.object ?? [:] {
                try visit(inner, part, value, path: "\(path).\(name)")
                for other in Self.replacements.compactMap(\.string) {
                    try compare(shape, schema, .object([other: value]), path: path)
                }
            }
        case .list(let inner, _):
            for value in value.array ?? [] {
                try visit(inner, schema["items"] ?? .null, value, path: "\(path)[]")
            }
        case .choice(let shapes):
            for (inner, part) in zip(shapes, schema["anyOf"]?.array ?? []) {
                guard inner.fitsKind(of: try node(value)) else { continue }
                try visit(inner, part, value, path: path)
            }
        default: break
        }
    }

    private mutating func compare(
        _ shape: Shape, _ schema: JSONValue, _ value: JSONValue, path: String
    ) throws {
        let node = try node(value)
        var decoder = Validator()
        decoder.check(node, shape, path: "", place: node.mark)
        let accepts = try self.schema.accepts(value, schema)
        #expect(
            accepts == decoder.findings.isEmpty,
            "\(path) = \(value.canonicalText): \(decoder.findings.map(\.found))")
        if accepts { accepted += 1 } else { refused += 1 }
    }

    private func node(_ value: JSONValue) throws -> YAMLNode {
        let stream = YAMLStream.parse(Array(value.canonicalText.utf8))
        return try #require(stream.documents.first)
    }

    private static let replacements: [JSONValue] = [
        .null, .bool(true), .int(0), .int(1), .int(70000), .int(-1), .double(1.5), .string(""),
        .string("a"), .string("A-b"), .string("_x1"), .string("1x"), .string("a."), .string("-"),
        .string("10s"), .string("0s"), .string("5ms"), .string("1h1s1m"), .string("1h1m1s1ms"),
        .string("1MiB"), .string("1.5GiB"), .string("0MB"), .string("17B"), .string("/x"),
        .string("/"), .string("/x/"), .string("/x/../y"), .string("/x/..y"), .string("/x:/y:ro"),
        .string("x:/y"), .string("./x:/y"), .string("../x:/y"), .string("x:/y:rx"),
        .string("x:y"), .string("8080:80"), .string("80:65536"), .string("080:80"),
        .string("[::1]:1:2/udp"), .string("1.2.3:1:2"), .string("haproxy:3.0"),
        .string("a.b:5000/c:x"), .string("a.b:5000/C:x"), .string("a--b__c"), .string("a/"),
        .string("x@sha256:00"), .string("x:"), .string("::1"), .string("1.2.3.4:22"),
        .string("host.example"), .string("a b"), .string("a@b:1,c"), .string("$"),
        .string("${database.port}"), .string("${secret.a-b}x"), .string("${x}"), .string("${"),
        .string("$${x}$$${"), .string("on"), .string("Cluster"), .string("ä"),
        .string("SHA256:" + String(repeating: "a", count: 43)),
        .string(String(repeating: "a", count: 64)), .array([]), .array([.string("a")]),
        .array([.int(1)]), .object([:]), .object(["a": .int(1)]), .object(["a": .null]),
        .object(["secret": .string("a")]), .object(["mode": .string("on")]),
        .object(["a b": .string("x")]), .object(["path": .string("/")]),
        .object(["path": .string("/"), "test": .string("true")]),
    ]
}
