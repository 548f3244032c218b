import Cluster
import SSHConfiguration

/// One server on the way to a node: a jump host, or the node itself.
struct SSHHop: Hashable {
    /// For messages: `hil-1`, `jump host bastion`.
    var label: String
    var settings: HostSettings
    /// The manifest's `fingerprint`, the only key accepted then.
    var fingerprint: String?
    var limit: Duration
    /// The manifest named identities: they come before the agent's other keys.
    var hasOwnIdentities: Bool
    /// The manifest's name of the node, for advice; `nil` for a jump host.
    var node: NodeName?

    /// `hil-1 (root@5.78.103.224 port 22)`.
    var title: String {
        "\(label) (\(settings.user)@\(settings.hostName) port \(settings.port))"
    }

    /// For the next login, once one took `login`: a server that went away holds up every look at
    /// the others for as long, and one that is there answers about as fast as before.
    func limit(afterLoginOf login: Duration) -> Duration {
        min(limit, max(.seconds(3), login * 5))
    }
}

/// Why a hop cannot be used, in words for people. Nothing was started on the node.
struct SSHRefusal: Error, Hashable {
    var text: String
}

extension SSHUser {
    /// The way to a node: jump hosts first, the node last.
    func route(to node: Node) throws(SSHRefusal) -> [SSHHop] {
        let declared = node.ssh
        let destination = Destination(
            host: node.address, user: declared.user, port: declared.port,
            identityFiles: declared.identities.map(expandingHome),
            userKnownHostsFiles: declared.knownHosts.map { [expandingHome($0)] } ?? [],
            proxyJump: declared.jump)
        let route: [HostSettings]
        do {
            route = try configuration().route(to: destination)
        } catch {
            throw SSHRefusal(
                text: "\(node.name): the OpenSSH configuration cannot be used: "
                    + error.problems.map(\.description).joined(separator: "; "))
        }
        return try route.enumerated().map { index, settings throws(SSHRefusal) in
            let isNode = index == route.count - 1
            let label = isNode ? node.name.rawValue : "jump host \(settings.originalHost)"
            if let command = settings.proxyCommand {
                throw SSHRefusal(
                    text:
                        "\(label): the OpenSSH configuration wants ProxyCommand \(command), which "
                        + "Matriarch does not run; name the jump host in the manifest instead: "
                        + "ssh: { jump: user@host }")
            }
            if let remark = settings.notes.first(where: \.forbidsKeys) {
                throw SSHRefusal(
                    text: "\(label): the OpenSSH configuration forbids host keys by a list that "
                        + "Matriarch does not read: \(remark). Mark them @revoked in known_hosts, "
                        + "and set RevokedHostKeys none for this host")
            }
            let isDefault = declared.connectTimeout == SSHSettings().connectTimeout
            return SSHHop(
                label: label, settings: settings, fingerprint: isNode ? declared.fingerprint : nil,
                limit: isDefault
                    ? settings.connectTimeout ?? declared.connectTimeout : declared.connectTimeout,
                hasOwnIdentities: isNode && !declared.identities.isEmpty,
                node: isNode ? node.name : nil)
        }
    }

    private func expandingHome(_ path: String) -> String {
        path.hasPrefix("~/") ? facts.home + path.dropFirst() : path
    }
}
