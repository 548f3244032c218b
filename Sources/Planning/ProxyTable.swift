import Cluster

/// Members as the haproxy.cfg on the servers lists them: the one record of a member that outlives
/// its key in etcd when its server cannot be reached.
enum ProxyTable {
    struct Server: Hashable {
        var name: MemberName
        var host: String
        var ports: MemberPorts
    }

    /// From every node that could be looked at, each once.
    static func servers(_ observed: Observed) -> [Server] {
        var found: [MemberName: Server] = [:]
        for node in observed.nodes.values.compactMap(\.value) {
            guard let file = node.files[HAProxy.configurationPath],
                case .plain(let text) = file.content
            else { continue }
            for line in text.reveal().split(separator: "\n") {
                if let server = server(line) { found[server.name] = server }
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    /// `server postgres-1 10.0.0.11:5432 check port 8008 …`
    private static func server(_ line: Substring) -> Server? {
        let words = line.split(separator: " ")
        guard words.count > 3, words[0] == "server", let colon = words[2].lastIndex(of: ":"),
            let postgres = UInt16(words[2][words[2].index(after: colon)...]),
            let key = words.firstIndex(of: "port"), key + 1 < words.count,
            let patroni = UInt16(words[key + 1])
        else { return nil }
        let host = words[2][..<colon].filter { !"[]".contains($0) }
        return Server(
            name: MemberName(String(words[1])), host: host,
            ports: MemberPorts(postgres: postgres, patroni: patroni))
    }
}
