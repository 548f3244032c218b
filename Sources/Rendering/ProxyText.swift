import Cluster

/// haproxy.cfg: writes to the leader, reads to the replicas, as Patroni's REST tells them apart.
struct ProxyText {
    let proxy: HAProxy
    let topology: Topology

    init(_ proxy: HAProxy, _ topology: Topology) {
        self.proxy = proxy
        self.topology = topology
    }

    var text: String {
        let desired = topology.desired
        let nodes = Dictionary(
            desired.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let addresses = topology.members.map {
            AdvertisedAddress(of: $0, in: desired, node: nodes[$0.node])
        }
        let needsNames = addresses.contains { !$0.host.isAddressLiteral }
        var servers = ""
        for (member, address) in zip(topology.members, addresses) {
            servers += "  server \(member.name) \(address.postgresEndpoint) check"
            servers += " port \(address.patroni)\n"
        }
        return head(resolvingNames: needsNames) + listeners(servers: servers)
    }

    private func head(resolvingNames: Bool) -> String {
        let resolvers = """

            # Docker's own DNS: a container's address changes when it is recreated.
            resolvers docker
              nameserver docker 127.0.0.11:53
              resolve_retries 3
              timeout resolve 1s
              timeout retry 1s
              hold valid 1s
              hold obsolete 5s

            """
        let resolving = resolvingNames ? " resolvers docker init-addr last,libc,none" : ""
        return """
            # \(FileSpec.signature) for cluster \(topology.desired.name).
            # Edit the manifest instead; changes here are overwritten.
            global
              # Each of writes and reads may take all of its own; the rest is for the statistics.
              maxconn \(2 * proxy.maxConnections + 100)
              # A reload hands the listening sockets over through it: no connection is refused.
              stats socket /tmp/haproxy.sock mode 600 level admin expose-fd listeners
              # An old process does no checks for its last sessions, so it may not keep them long.
              hard-stop-after 10m
              set-var proc.start date(0,ms)
            \(resolvingNames ? resolvers : "")
            defaults
              mode tcp
              maxconn \(proxy.maxConnections)
              retries 3
              option redispatch
              timeout connect 3s
              timeout check 2s
              # Pools keep idle sessions for hours. Keepalive finds the dead ones in a minute.
              timeout client 24h
              timeout server 24h
              option clitcpka
              clitcpka-idle 30s
              clitcpka-intvl 10s
              clitcpka-cnt 3
              option srvtcpka
              srvtcpka-idle 30s
              srvtcpka-intvl 10s
              srvtcpka-cnt 3
              # A switchover moves the sessions at once: those on a server marked down are closed.
              default-server on-marked-down shutdown-sessions\(resolving)

            listen stats
              mode http
              bind *:\(proxy.statsPort)
              maxconn 50
              timeout client 30s
              timeout server 30s
              stats enable
              stats uri /

            """
    }

    private func listeners(servers: String) -> String {
        """

        # A process knows no server's role before its first checks are answered, and would send
        # writes to replicas for a moment after each reload. So its first sessions wait for them.
        frontend write
          bind *:\(proxy.writePort)
        \(Self.waitingForChecks)
          default_backend pg_write

        # With no replica left, the leader answers.
        frontend read
          bind *:\(proxy.readPort)
        \(Self.waitingForChecks)
          use_backend pg_write if { nbsrv(pg_read) eq 0 }
          default_backend pg_read

        # Fast: how long writes pause in a switchover is what these checks add to Patroni's time.
        backend pg_write
          option httpchk OPTIONS /primary
          http-check expect status 200
          default-server inter 200ms fastinter 100ms downinter 200ms fall 1 rise 1
        \(servers)
        # Replicas that are at most this many bytes behind. Slower to give one up: a burst of
        # writes may hold it back for a moment.
        backend pg_read
          balance leastconn
          option httpchk OPTIONS /replica?lag=\(topology.desired.rollout.maxLag.bytes)
          http-check expect status 200
          default-server inter 1s fastinter 500ms downinter 1s fall 3 rise 1
        \(servers)
        """
    }

    private static let waitingForChecks = """
          tcp-request inspect-delay 500ms
          tcp-request content accept if { date(0,ms),sub(proc.start) gt 500 }
          tcp-request content accept if WAIT_END
        """
}
