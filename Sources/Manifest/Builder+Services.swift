import Cluster

extension Builder {
    func supabase() -> [Service] {
        let declared = root["supabase"].entries
        let names = Set(declared.map(\.key))
        return declared.compactMap { name, view in
            guard let kind = SupabaseKind(rawValue: name) else { return nil }
            var service = service(name, view)
            service.kind = kind
            if let port = view["port"].port {
                service.ports = [PortMapping(host: port, container: kind.containerPort)]
            }
            let built = kind.comesAfter.map(\.rawValue).filter(names.contains)
            let earlier = built.map(ServiceName.init).filter { !service.dependsOn.contains($0) }
            service.dependsOn = earlier + service.dependsOn
            service.health = health(
                view["health"],
                probe: Probe(
                    kind: kind, port: kind.containerPort,
                    hasToken: service.environment["ANON_KEY"] != nil))
            return service
        }
    }

    func services() -> [Service] {
        root["services"].entries.map { name, view in
            var service = service(name, view)
            service.ports = view["ports"].items.compactMap {
                $0.text.flatMap(PortMapping.init(written:))
            }
            service.health = health(
                view["health"],
                probe: Probe(kind: nil, port: service.ports.first?.container ?? 80))
            return service
        }
    }

    private func service(_ name: String, _ view: View) -> Service {
        var labels: [String: String] = [:]
        for (label, value) in view["labels"].entries { labels[label] = value.text ?? "" }
        let wanted = view["nodes"].items + (view["node"].isPresent ? [view["node"]] : [])
        let nodes = wanted.compactMap(\.text).map(NodeName.init)
        return Service(
            name: ServiceName(name), nodes: nodes.isEmpty ? defaultNodes : nodes,
            image: image(view), command: view["command"].isPresent ? view["command"].texts : nil,
            environment: environment(view), volumes: volumes(view), dependsOn: dependencies(view),
            resources: resources(view), labels: labels,
            stopGracePeriod: view["stopGracePeriod"].duration)
    }

    /// Beside HAProxy, which is how services reach the database.
    private var defaultNodes: [NodeName] {
        let first = root["haproxy"]["nodes"].items.first?.text ?? root["nodes"].entries.first?.key
        return first.map { [NodeName($0)] } ?? []
    }

    /// etcd, members and HAProxy come before any service anyway: naming them is no mistake.
    private func dependencies(_ view: View) -> [ServiceName] {
        let names = Set(root["supabase"].entries.map(\.key) + root["services"].entries.map(\.key))
        return view["dependsOn"].items.compactMap(\.text).filter(names.contains)
            .map(ServiceName.init)
    }

    private func health(_ view: View, probe: Probe) -> HealthCheck? {
        guard view.isPresent else { return nil }
        var test = view["test"].items.compactMap(\.text)
        if let script = view["test"].text { test = ["CMD-SHELL", script] }
        if let path = view["path"].text { test = probe.test(path) ?? [] }
        var check = HealthCheck(test: test)
        if let interval = view["interval"].duration { check.interval = interval }
        if let timeout = view["timeout"].duration { check.timeout = timeout }
        if let retries = view["retries"].int { check.retries = retries }
        if let period = view["startPeriod"].duration { check.startPeriod = period }
        return check
    }
}

/// How a path is asked from inside of a container, with what its image has.
struct Probe {
    var kind: SupabaseKind?
    var port: UInt16
    /// Its environment has `ANON_KEY`, which realtime wants to see.
    var hasToken = false

    /// `nil`: nothing in that image can ask.
    func test(_ path: String) -> [String]? {
        let address = "http://127.0.0.1:\(port)\(path)"
        switch kind {
        case .rest, .gateway: return nil
        case .meta, .studio:
            let script =
                "fetch('\(address)').then((r) => { if (!r.ok) throw new Error(r.status) })"
            return ["CMD", "node", "-e", script]
        case .realtime where hasToken:
            // By a pipe: the shell's own printf is in no process list, an argument of curl's is.
            let header = "printf 'Authorization: Bearer %s' \"$ANON_KEY\""
            return ["CMD-SHELL", "\(header) | curl -sSf -o /dev/null -H @- '\(address)'"]
        case .realtime: return ["CMD", "curl", "-sSf", "-o", "/dev/null", address]
        case .auth, .storage, nil:
            return ["CMD", "wget", "-q", "-O", "/dev/null", address]
        }
    }

    /// What to write instead where nothing can ask.
    var alternative: String? {
        switch kind {
        case .rest:
            "write test: [CMD, postgrest, --ready] and set PGRST_ADMIN_SERVER_PORT"
        case .gateway: "write test: [CMD, kong, health]"
        default: nil
        }
    }
}
