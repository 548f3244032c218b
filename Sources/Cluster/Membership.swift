extension Desired {
    /// Whether a container of the project runs a Postgres member of the cluster: it is declared as
    /// one, Patroni knows it, or it is told a scope and is made like a member. What the manifest
    /// declares as something else never is, nor is a sidecar that only knows the scope.
    ///
    /// - Parameter isKnown: whether the service's name is that of a member that was placed, answers,
    ///   or is in Patroni's list.
    package func isMember(_ container: ObservedContainer, isKnown: Bool) -> Bool {
        let service = container.service
        if isDeclaredAsAnother(service) { return false }
        if isKnown || postgres.members.contains(where: { $0.name.service == service }) {
            return true
        }
        return container.environment["SCOPE"] != nil && container.isMadeLikeMember
    }

    /// Whether a container of the project runs etcd: declared, or told a name or a peer address as
    /// etcd is.
    package func isEtcd(_ container: ObservedContainer) -> Bool {
        etcd.members.contains { $0.name.service == container.service }
            || container.environment["ETCD_NAME"] != nil
            || container.command?.contains { $0.hasPrefix("--initial-advertise-peer-urls") }
                == true
    }

    private func isDeclaredAsAnother(_ service: ServiceName) -> Bool {
        (haproxy != nil && service == HAProxy.service)
            || services.contains { $0.name == service }
            || etcd.members.contains { $0.name.service == service }
    }
}

extension ObservedContainer {
    /// It can write where Spilo keeps its data, or publishes Patroni's port.
    fileprivate var isMadeLikeMember: Bool {
        mounts.contains {
            !$0.isReadOnly
                && ($0.target == "/home/postgres" || $0.target.hasPrefix("/home/postgres/"))
        } || ports.contains { $0.container == 8008 }
    }
}
