import Cluster
import Rendering

/// What operations take and do.
extension World {
    /// How long an operation takes when all is well.
    mutating func latency(of operation: Operation) -> Duration {
        switch operation {
        case .nothing, .write, .removeFiles, .reloadProxy, .addLearner, .promote, .removeEtcd:
            .milliseconds(seed.number(30...300))
        case .start: .milliseconds(seed.number(200...800))
        case .pull: .milliseconds(seed.number(200...6000))
        case .up, .restart, .remove: .milliseconds(seed.number(500...3500))
        }
    }

    /// What the oracle has to hear of before it is done.
    ///
    /// - Returns: the member that is taken down by it, until `isOver`.
    mutating func announce(_ operation: Operation) -> MemberName? {
        switch operation {
        case .up(let address, recreating: true): return announceStop(address, "recreation of")
        case .up(let address, recreating: false):
            // What is there stays (--no-recreate).
            let server = servers[address.node]
            if server?.containers[address.service] == nil,
                case .postgres(let member)? = server?.composed[address.service]?.role
            {
                oracle.memberIsMade(member, in: self)
            }
            return nil
        case .restart(let address): return announceStop(address, "restart of")
        case .remove(let address, let id, let volume):
            var member: MemberName?
            if let existing = servers[address.node]?.containers[address.service],
                existing.id == id
            {
                member = announceStop(address, "removal of")
                if case .etcd(let name) = existing.spec.role {
                    oracle.etcdIsRemoved(name, in: self)
                }
            }
            if let volume {
                oracle.dataIsDeleted(
                    of: MemberName(address.service.rawValue), volume: volume, on: address.node,
                    asCopy: false, in: self)
            }
            return member
        case .removeEtcd(let name):
            oracle.etcdLoses(name, "removal of \(name)", in: self)
            return nil
        default: return nil
        }
    }

    private mutating func announceStop(
        _ address: ContainerAddress, _ verb: String
    ) -> MemberName? {
        guard let container = servers[address.node]?.containers[address.service],
            container.isRunning
        else { return nil }
        switch container.spec.role {
        case .postgres(let member):
            oracle.memberGoesDown(member, by: verb, in: self)
            oracle.isSent(to: member)
            return member
        case .etcd(let name): oracle.etcdStops(name, "\(verb) \(address)", in: self)
        case .haproxy, .service: break
        }
        return nil
    }

    /// - Returns: the complaint of a command that fails; `nil` when it succeeds.
    mutating func perform(_ operation: Operation, on node: NodeName) -> String? {
        switch operation {
        case .nothing: return nil
        case .write(let files, let composed):
            guard servers[node]?.isFull != true else { return "No space left on device" }
            for written in files { servers[node]?.files[written.path] = written.file }
            if let composed { servers[node]?.composed = composed }
            return nil
        case .removeFiles(let paths):
            for path in paths { servers[node]?.files[path] = nil }
            return nil
        case .pull(let image):
            if isRegistryDown { return "Error response from daemon: manifest unknown" }
            guard servers[node]?.isFull != true else { return "no space left on device" }
            servers[node]?.images.insert(image)
            return nil
        case .up(let address, let recreating): return up(address, recreating: recreating)
        case .start(let address):
            guard servers[node]?.containers[address.service] != nil else {
                return "No such container"
            }
            run(address)
            return nil
        case .restart(let address):
            guard servers[node]?.containers[address.service] != nil else {
                return "No such container"
            }
            stop(address)
            run(address)
            return nil
        case .remove(let address, let id, let volume):
            removeContainer(address, id: id)
            guard let volume else { return nil }
            if servers[node]?.allContainers.contains(where: { $0.dataVolume == volume }) == true {
                return "volume is in use"
            }
            delete(volume, on: node)
            return nil
        case .reloadProxy(let written):
            guard servers[node]?.isFull != true else { return "No space left on device" }
            guard servers[node]?.containers[HAProxy.service]?.isRunning == true else {
                return "HAProxy does not run"
            }
            servers[node]?.files[written.path] = written.file
            servers[node]?.containers[HAProxy.service]?.loadedProxy =
                LoadedProxy(written.file.content)
            return nil
        case .addLearner(let name, let url): return addLearner(name, url)
        case .promote(let name): return promote(name)
        case .removeEtcd(let name):
            guard hasQuorum(from: node) else { return "context deadline exceeded" }
            etcd.members.removeAll { $0.label == name.rawValue }
            return nil
        }
    }

    /// A command that dies in the middle: what of it is done.
    mutating func performHalf(_ operation: Operation, on node: NodeName) {
        switch operation {
        case .write(let files, let composed):
            let written = Array(files.prefix(files.count / 2))
            let isComposed = written.contains { $0.path == "compose.yaml" }
            _ = perform(.write(written, composed: isComposed ? composed : nil), on: node)
        case .up(let address, let recreating): halfUp(address, recreating: recreating)
        case .restart(let address): stop(address)
        case .remove(let address, let id, _):
            if servers[node]?.containers[address.service]?.id == id { stop(address) }
        default: break
        }
    }

    private mutating func delete(_ volume: String, on node: NodeName) {
        let key = VolumeKey(node: node, volume: volume)
        servers[node]?.volumes.remove(volume)
        data[key] = nil
        etcdData[key] = nil
    }

    private mutating func removeContainer(_ address: ContainerAddress, id: String) {
        let (node, service) = (address.node, address.service)
        if servers[node]?.leftovers[service]?.id == id { servers[node]?.leftovers[service] = nil }
        guard servers[node]?.containers[service]?.id == id else { return }
        stop(address)
        let other = servers[node]?.leftovers.removeValue(forKey: service)
        servers[node]?.containers[service] = other
    }

    private mutating func up(_ address: ContainerAddress, recreating: Bool) -> String? {
        guard let spec = servers[address.node]?.composed[address.service] else {
            return "no such service: \(address.service)"
        }
        guard servers[address.node]?.images.contains(spec.image) == true else {
            return "No such image: \(spec.image)"
        }
        servers[address.node]?.leftovers[address.service] = nil
        if let existing = servers[address.node]?.containers[address.service] {
            guard recreating else { return "\(existing.id) was made by someone else" }
            stop(address)
        }
        let new = created(spec, on: address.node)
        servers[address.node]?.containers[address.service] = new
        run(address)
        return nil
    }

    /// Compose makes the new container beside the old one, then stops that one and removes it.
    private mutating func halfUp(_ address: ContainerAddress, recreating: Bool) {
        let (node, service) = (address.node, address.service)
        guard let spec = servers[node]?.composed[service],
            servers[node]?.images.contains(spec.image) == true
        else { return }
        servers[node]?.leftovers[service] = nil
        let old = servers[node]?.containers[service]
        if old != nil, !recreating { return }
        let new = created(spec, on: node)
        guard let old else {
            servers[node]?.containers[service] = new
            return
        }
        let cut = seed.number(0...2)
        tell("a recreation of \(address) is cut short")
        if cut == 0, old.state == "running" {
            servers[node]?.leftovers[service] = new
            return
        }
        stop(address)
        let stopped = servers[node]?.containers[service]
        if cut < 2 { servers[node]?.leftovers[service] = stopped }
        servers[node]?.containers[service] = new
    }

    mutating func created(_ spec: ContainerSpec, on node: NodeName) -> WorldContainer {
        for case .volume(let name) in spec.mounts.map(\.source) {
            servers[node]?.volumes.insert(name)
        }
        return WorldContainer(
            id: newID(), spec: spec, isRunning: false, createdAt: clock, startedAt: clock,
            address: "172.18.\(lastID / 250).\(lastID % 250 + 2)")
    }

    mutating func run(_ address: ContainerAddress) {
        guard var container = servers[address.node]?.containers[address.service],
            !container.isRunning
        else { return }
        container.isRunning = true
        container.hasStarted = true
        container.exitCode = 0
        container.startedAt = clock
        container.isHealthy = false
        container.healthyAt = now + .seconds(3)
        switch container.spec.role {
        case .postgres(let member):
            var instance = Instance(
                node: address.node,
                activity: .booting(until: now + bootTime()))
            instance.dcsSeen = now
            instances[member] = instance
        case .haproxy:
            container.loadedProxy =
                (servers[address.node]?.files["haproxy/haproxy.cfg"]?.content)
                .map { LoadedProxy($0) }
        case .etcd, .service: break
        }
        servers[address.node]?.containers[address.service] = container
    }

    /// Mostly some seconds; a recovery after a crash takes longer.
    private mutating func bootTime() -> Duration {
        seed.oneIn(12)
            ? .seconds(seed.number(10...40)) : .milliseconds(seed.number(1000...3000))
    }

    /// `docker stop`: a member gives up its keys as it goes.
    mutating func stop(_ address: ContainerAddress) {
        guard let container = servers[address.node]?.containers[address.service],
            container.isRunning
        else { return }
        if case .etcd(let name) = container.spec.role { oracle.etcdEnds(name, in: self) }
        servers[address.node]?.containers[address.service]?.isRunning = false
        servers[address.node]?.containers[address.service]?.isLooping = false
        if case .postgres(let member) = container.spec.role {
            instances[member] = nil
            guard hasQuorum(from: address.node) else { return }
            dcs.members[member] = nil
            if dcs.leader == member { vacate() }
        }
    }

    private mutating func addLearner(_ name: EtcdName, _ url: String) -> String? {
        guard hasQuorum else { return "context deadline exceeded" }
        if etcd.members.contains(where: { $0.peerURL == url }) {
            return "etcdserver: Peer URLs already exists"
        }
        guard !etcd.members.contains(where: { $0.isLearner }) else {
            return "etcdserver: too many learner members in cluster"
        }
        let id = etcd.newID()
        etcd.members.append(EtcdCluster.Member(id: id, name: "", peerURL: url, isLearner: true))
        return nil
    }

    private mutating func promote(_ name: EtcdName) -> String? {
        guard hasQuorum else { return "context deadline exceeded" }
        guard let index = etcd.members.firstIndex(where: { $0.name == name.rawValue }) else {
            return "etcdserver: member not found"
        }
        guard etcd.members[index].isLearner else {
            return "etcdserver: can only promote a learner member"
        }
        guard etcd.running[name] != nil, now >= etcd.members[index].syncedAt else {
            return "etcdserver: can only promote a learner member which is in sync with leader"
        }
        etcd.members[index].isLearner = false
        return nil
    }
}
