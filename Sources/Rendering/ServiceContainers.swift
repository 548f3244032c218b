import Cluster

extension ContainerBuilder {
    /// HAProxy on each of its nodes.
    mutating func addProxies() {
        guard let proxy = desired.haproxy else { return }
        for node in proxy.nodes {
            let environment = resolve(
                proxy.environment, for: HAProxy.service.rawValue, on: node)
            add(
                ContainerSpec(
                    service: HAProxy.service, node: node, role: .haproxy, image: proxy.image,
                    environment: environment,
                    ports: [proxy.writePort, proxy.readPort, proxy.statsPort]
                        .map { published($0, $0, on: node) },
                    // The directory, not the file: a bind-mounted file would go on showing the
                    // old one after an atomic rename.
                    mounts: [
                        VolumeMount(
                            source: .path(FileBuilder.proxyDirectory),
                            target: "/usr/local/etc/haproxy", isReadOnly: true)
                    ],
                    resources: proxy.resources, stopGracePeriod: .seconds(30),
                    chosen: ["stopGracePeriod"]))
        }
    }

    /// Supabase's and the other services of the project, as declared.
    mutating func addServices() {
        for service in desired.services {
            for node in service.nodes {
                var environment = supabaseDefaults(service, on: node)
                environment.merge(
                    resolve(service.environment, for: service.name.rawValue, on: node)
                ) { $1 }
                add(
                    ContainerSpec(
                        service: service.name, node: node, role: .service, image: service.image,
                        command: service.command, environment: environment, ports: service.ports,
                        mounts: service.volumes, labels: service.labels, health: service.health,
                        resources: service.resources, stopGracePeriod: service.stopGracePeriod))
            }
        }
    }

    /// What a Supabase service needs to find the database, and its own port (FIELD §3). Nothing
    /// secret, nothing that a manifest cannot override.
    private func supabaseDefaults(
        _ service: Service, on node: NodeName
    ) -> [String: ResolvedText] {
        guard let kind = service.kind else { return [:] }
        let database = database(from: node)
        let port = String(database.port)
        let settings: [String: String] =
            switch kind {
            case .meta:
                [
                    "PG_META_DB_HOST": database.host, "PG_META_DB_PORT": port,
                    "PG_META_DB_NAME": database.name, "PG_META_DB_USER": "supabase_admin",
                    "PG_META_PORT": "8080",
                ]
            case .auth:
                [
                    "GOTRUE_API_HOST": "0.0.0.0", "GOTRUE_API_PORT": "9999",
                    "GOTRUE_DB_DRIVER": "postgres",
                ]
            case .rest: ["PGRST_DB_SCHEMAS": "public,storage", "PGRST_DB_ANON_ROLE": "anon"]
            case .realtime:
                [
                    "DB_HOST": database.host, "DB_PORT": port, "DB_NAME": database.name,
                    "DB_USER": "supabase_admin",
                    "DB_AFTER_CONNECT_QUERY": "SET search_path TO _realtime",
                    "APP_NAME": "realtime", "PORT": "4000",
                ]
            case .storage:
                [
                    "STORAGE_BACKEND": "file", "FILE_STORAGE_BACKEND_PATH": "/var/lib/storage",
                    "TENANT_ID": "stub", "REGION": "stub", "GLOBAL_S3_BUCKET": "stub",
                ]
            case .studio:
                [
                    "POSTGRES_HOST": database.host, "POSTGRES_PORT": port,
                    "POSTGRES_DB": database.name,
                ]
            case .gateway: ["KONG_DATABASE": "off"]
            }
        return settings.mapValues { ResolvedText($0) }
    }
}
