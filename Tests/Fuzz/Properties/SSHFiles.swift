import SSHConfiguration

/// known_hosts files.
enum KnownHostsPromises {
    private static let host = "node-1.example.com"

    static func check(_ bytes: [UInt8]) throws {
        let known = KnownHosts([KnownHosts.File(name: "known_hosts", bytes: bytes)])
        let types = known.keyTypes(host: host, port: 2222)
        try promise(
            types == known.keyTypes(host: host, port: 2222), "two readings of the same file")
        try promise(
            types.allSatisfy { $0.isFitForPeople && !$0.contains("\n") }, "a type that is no word")
        for key in keys { try verdicts(on: key, bytes, known) }
    }

    private static func verdicts(on key: HostKey, _ bytes: [UInt8], _ known: KnownHosts) throws {
        let verdict = known.verdict(on: key, host: host, port: 22)
        let blob = Base64.encode(key.blob)
        let text = String(decoding: bytes, as: UTF8.self)
        switch verdict {
        case .trusted:
            try promise(text.contains(blob), "a key is trusted that is not in the file")
        case .revoked(let place):
            try promise(
                text.contains("@revoked"), "a key is revoked that no line revokes: \(place)")
        case .unknown, .changed: break
        }
        // A line of garbage spoils nothing, and a revocation wins over everything.
        let spoilt = KnownHosts([
            KnownHosts.File(name: "known_hosts", bytes: bytes + Array("\n* ssh-rsa AAAA\n".utf8))
        ])
        try promise(
            spoilt.verdict(on: key, host: host, port: 22) == verdict, "a bad line had an effect")
        let revoking = Array("\n@revoked * \(key.type) \(blob)\n".utf8)
        let revoked = KnownHosts([KnownHosts.File(name: "known_hosts", bytes: bytes + revoking)])
        guard case .revoked = revoked.verdict(on: key, host: host, port: 2222) else {
            throw BrokenPromise(description: "a revoked key is not refused")
        }
    }

    /// Of the seeds, and one that no file has.
    private static let keys: [HostKey] = [
        "AAAAC3NzaC1lZDI1NTE5AAAAIKN0Bg+Y1dMCc1qkjNnhkyGlyZC8WzZ0jtV7nNnwHPZr",
        "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ].compactMap { Base64.decode($0.utf8).flatMap { HostKey(blob: $0) } }
}

/// ssh_config files.
enum SSHConfigurationPromises {
    static func check(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let configuration = OpenSSHConfiguration(
            files: [ConfigurationFile(name: "config", text: text, scope: .user)], local: local
        ) { _ in [ConfigurationFile(name: "included", text: "Port 2200\n", scope: .user)] }
        let lines = text.utf8.count { $0 == UInt8(ascii: "\n") } + 1
        for host in ["node-1.example.com", "10.0.0.1"] {
            let destination = Destination(host: host)
            let first = try route(configuration, destination, lines: lines)
            let second = try route(configuration, destination, lines: lines)
            try promise(first == second, "two readings of the same file differ")
        }
    }

    private static func route(
        _ configuration: OpenSSHConfiguration, _ destination: Destination, lines: Int
    ) throws -> [HostSettings]? {
        do {
            let route = try configuration.route(to: destination)
            try promise(
                route.last?.originalHost == destination.host, "the route leads elsewhere")
            try promise(route.count <= 9, "a route of \(route.count) hosts")
            for hop in route { try places(hop.notes, lines: lines) }
            return route
        } catch let failure as ConfigurationFailure {
            try promise(!failure.problems.isEmpty, "refused for no reason")
            try places(failure.problems, lines: lines)
            return nil
        }
    }

    private static func places(_ remarks: [ConfigurationRemark], lines: Int) throws {
        for remark in remarks where remark.place.hasPrefix("config:") {
            let line = Int(remark.place.dropFirst("config:".count)) ?? 0
            try promise((1...lines).contains(line), "a remark outside of the text: \(remark)")
        }
    }

    private static let local = LocalFacts(
        userName: "operator", userID: 1000, home: "/home/operator", hostName: "desk.example.com",
        environment: ["SSH_AUTH_SOCK": "/run/agent", "HOME": "/home/operator"])
}
