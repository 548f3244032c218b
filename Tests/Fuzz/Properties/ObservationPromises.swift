import Cluster
import Manifest
import Planning
import Reporting

/// Saved observations: read, written again, and planned against.
enum ObservationPromises {
    static func check(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let saved: SavedObservation
        do throws(UnreadableFile) {
            saved = try SavedObservation(json: text)
        } catch {
            return try promise(error.text.isFitForPeople, "control characters: \(error.text)")
        }
        let written = try saved.json()
        try promise(
            try SavedObservation(json: written) == saved, "written again it is another:\n\(written)"
        )
        for desired in Self.clusters {
            let names = Set(desired.secrets.keys)
            let secrets = Secrets(
                Dictionary(
                    uniqueKeysWithValues: names.map { ($0, Secret(ManifestPromises.secret)) }))
            try PlanPromises.check(
                desired, secrets: secrets, observed: saved.observed, digest: digest)
        }
    }

    /// What was observed is the same after it was saved.
    static func checkSaved(_ observed: Observed) throws {
        let saved = SavedObservation(
            cluster: ClusterName("lab"), key: "00", observed: observed, digest: digest)
        let written = try saved.json()
        let read = Result { try SavedObservation(json: written) }
        guard case .success(let read) = read else {
            throw BrokenPromise(description: "saved it cannot be read:\n\(written)")
        }
        try promise(
            whole(read.observed) == whole(saved.observed),
            "saved it is another observation:\n\(written)")
    }

    /// JSON has one kind of number: `1.0` comes back as `1`.
    private static func whole(_ observed: Observed) -> Observed {
        var result = observed
        result.configuration = observed.configuration?.map(whole)
        result.members = observed.members.mapValues { reading in
            reading.map { member in
                var member = member
                member.tags = member.tags.mapValues(whole)
                return member
            }
        }
        result.views = observed.views.mapValues { reading in
            reading.map { view in
                var view = view
                for index in view.members.indices {
                    view.members[index].tags = view.members[index].tags.mapValues(whole)
                }
                return view
            }
        }
        return result
    }

    private static func whole(_ value: JSONValue) -> JSONValue {
        switch value {
        case .double(let number): Int64(exactly: number).map { .int($0) } ?? value
        case .array(let values): .array(values.map(whole))
        case .object(let fields): .object(fields.mapValues(whole))
        case .null, .bool, .int, .string: value
        }
    }

    /// Not a digest at all, but as different texts give different ones it does here.
    private static let digest: @Sendable (String) -> String = { "digest of \($0.utf8.count)" }

    /// The clusters that observations are planned against: one server, and three.
    static let clusters: [Desired] = ManifestDecoder.decode(
        Array(manifest.utf8), file: "m"
    ).clusters
}

extension ObservationPromises {
    private static let manifest = """
        apiVersion: matriarch/v1
        kind: Cluster
        name: lab
        project: { name: lab, directory: /opt/lab }
        nodes:
          node-1: { address: 172.30.0.11 }
          node-2: { address: 172.30.0.12 }
          node-3: { address: 172.30.0.13 }
        secrets:
          superuser: { env: A }
          replication: { env: B }
          admin: { env: C }
        etcd:
          image: quay.io/coreos/etcd:v3.5.16
          members:
            etcd-1: { node: node-1 }
            etcd-2: { node: node-2 }
            etcd-3: { node: node-3 }
        postgres:
          image: ghcr.io/zalando/spilo-17:4.0-p3
          database: crm
          replicas: 2
          configuration:
            ttl: 20
            loop_wait: 5
            retry_timeout: 5
            postgresql: { parameters: { max_connections: 100 } }
        haproxy:
          image: haproxy:3.0
          nodes: [node-1, node-2]
          ports: { write: 5000, read: 5001, stats: 7000 }
        services:
          worker:
            image: example/worker:1
            nodes: [node-3]
            environment: { URL: "postgres://${database.host}:${database.port}/crm" }
        ---
        apiVersion: matriarch/v1
        kind: Cluster
        name: twincigo-crm
        project: { name: twincigo-crm, directory: /opt/twincigo-crm }
        nodes:
          hil-1: { address: 172.30.0.21 }
        secrets:
          superuser: { env: A }
          replication: { env: B }
          admin: { env: C }
        etcd:
          image: quay.io/coreos/etcd:v3.5.16
          members: { etcd: { node: hil-1 } }
        postgres:
          image: ghcr.io/zalando/spilo-17:4.0-p3
          database: crm
          replicas: 2
          members:
            postgres-1: { node: hil-1, ports: { postgres: 5435, patroni: 8008 } }
            postgres-2: { node: hil-1, ports: { postgres: 5433, patroni: 8009 } }
            postgres-3: { node: hil-1, ports: { postgres: 5434, patroni: 8010 } }
        haproxy:
          image: haproxy:3.0
          nodes: [hil-1]
          ports: { write: 5000, read: 5001, stats: 7000 }
        """
}
