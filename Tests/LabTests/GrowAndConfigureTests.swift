import Testing

extension LabTests {
    /// A member that joins while a setting changes that servers read at their start.
    @Suite(.serialized) struct GrowAndConfigureTests {
        @Test(
            "a member added with another max_connections must need no second apply",
            arguments: [120, 80])
        func grow(connections: Int) throws {
            try Lab.lab("up", "three")
            let manifest = try Manifest.three()
            if try Matriarch.plan(manifest).status != 0 { try Matriarch.apply(manifest) }
            try Matriarch.apply(
                try manifest.replacing("replicas: 2", "replicas: 3")
                    .replacing("max_connections: 100", "max_connections: \(connections)"))
            let places = ["node-1", "node-2", "node-3"].compactMap { Lab.addresses[$0] }
                .flatMap { host in [5433, 5434].map { (host: host, port: $0) } }
            let shown = places.compactMap {
                try? Lab.sql("show max_connections", host: $0.host, port: $0.port)
            }
            #expect(shown == Array(repeating: "\(connections)", count: 4))
            try Matriarch.apply(manifest)
        }
    }
}
