import Cluster
import LibYAML

/// Reads a cluster off a tree. What does not fit its shape gets a placeholder: such a cluster is
/// checked for its meaning as far as it goes, and never handed out.
struct Builder {
    let root: View
    init(_ root: View) { self.root = root }

    func desired() -> Desired {
        let name = root["name"].text ?? ""
        let project = Project(
            name: root["project"]["name"].text ?? name,
            directory: root["project"]["directory"].text ?? "/opt/\(name)")
        return Desired(
            name: ClusterName(name), project: project,
            nodes: root["nodes"].entries.map { node($0.key, $0.view) }, secrets: secrets(),
            etcd: etcd(root["etcd"]), postgres: postgres(root["postgres"]), haproxy: haproxy(),
            services: supabase() + services(), rollout: rollout(root["rollout"]))
    }

    private func node(_ name: String, _ view: View) -> Node {
        let ssh = view["ssh"]
        return Node(
            name: NodeName(name), address: view["address"].text ?? "",
            privateAddress: view["privateAddress"].text,
            ssh: SSHSettings(
                user: ssh["user"].text, port: ssh["port"].port, identities: ssh["identity"].texts,
                knownHosts: ssh["knownHosts"].text, fingerprint: ssh["fingerprint"].text,
                jump: ssh["jump"].text, sudo: ssh["sudo"].bool ?? false,
                connectTimeout: ssh["connectTimeout"].duration ?? .seconds(10)))
    }

    private func secrets() -> [SecretName: SecretSource] {
        var sources: [SecretName: SecretSource] = [:]
        for (name, view) in root["secrets"].entries {
            let source: SecretSource =
                if let variable = view["env"].text {
                    .environment(variable)
                } else if let file = view["file"].text {
                    .file(file)
                } else {
                    .command(view["command"].texts)
                }
            sources[SecretName(name)] = source
        }
        return sources
    }

    private func etcd(_ view: View) -> Etcd {
        let members = view["members"].entries.map { name, member in
            EtcdMember(
                name: EtcdName(name), node: NodeName(member["node"].text ?? ""),
                clientPort: member["ports"]["client"].port ?? 2379,
                peerPort: member["ports"]["peer"].port ?? 2380)
        }
        return Etcd(
            image: image(view), members: members, environment: environment(view),
            resources: resources(view))
    }

    private func haproxy() -> HAProxy? {
        let view = root["haproxy"]
        guard view.isMapping else { return nil }
        return HAProxy(
            image: image(view), nodes: view["nodes"].items.compactMap(\.text).map(NodeName.init),
            writePort: view["ports"]["write"].port ?? 5000,
            readPort: view["ports"]["read"].port ?? 5001,
            statsPort: view["ports"]["stats"].port ?? 7000,
            maxConnections: view["maxConnections"].int ?? 1000, environment: environment(view),
            resources: resources(view))
    }

    private func rollout(_ view: View) -> Rollout {
        Rollout(
            maxLag: view["maxLag"].bytes ?? .mebibytes(1),
            stepTimeout: view["stepTimeout"].duration ?? .seconds(600),
            preferredLeader: view["preferredLeader"].text.map(MemberName.init))
    }

    func image(_ view: View) -> ImageReference { ImageReference(view["image"].text ?? "") }

    func environment(_ view: View) -> [String: Template] {
        var values: [String: Template] = [:]
        for (name, value) in view["environment"].entries {
            if let secret = value["secret"].text {
                values[name] = Template([.secret(SecretName(secret))])
            } else if let text = value.text, case .success(let template) = Template.read(text) {
                values[name] = template
            }
        }
        return values
    }

    func resources(_ view: View) -> Resources {
        let limits = view["resources"]
        return Resources(
            memory: limits["memory"].bytes, cpus: limits["cpus"].number,
            sharedMemory: limits["sharedMemory"].bytes)
    }

    func volumes(_ view: View) -> [VolumeMount] {
        view["volumes"].items.compactMap { $0.text.flatMap(VolumeMount.init(written:)) }
    }
}
