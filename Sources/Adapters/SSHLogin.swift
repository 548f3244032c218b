import Cluster
import LibSSH2
import SSHConfiguration

/// Proves to a server who we are, and explains it when nothing convinces it.
struct SSHLogin {
    var hop: SSHHop
    var passphrase: Secret?

    /// One key to offer.
    private struct Offer {
        /// For messages: the file's path, or the agent's comment.
        var name: String
        var type: String
        var credential: Credential
        var isRSAFile = false
        var isEncryptedFile = false
    }

    /// What to offer, in order, and why the rest is not offered.
    private struct Offers {
        var list: [Offer] = []
        var remarks: [String] = []
    }

    func logIn(_ connection: SSHConnection) async throws(SSHRefusal) {
        var offers = await prepare()
        for offer in offers.list {
            do {
                try await connection.authenticate(
                    user: hop.settings.user, with: offer.credential, limit: hop.limit)
                return
            } catch {
                switch error {
                case .library(_, let code, let text):
                    offers.remarks.append(explain(offer, code, text))
                    // The server may end the talk after too many keys.
                    if [-13, -43, -7].contains(code) {
                        throw refusal(offers.remarks, methods: nil, hasOffered: true)
                    }
                case .timedOut:
                    throw SSHRefusal(
                        text: "\(hop.title): the server did not answer the login with "
                            + "\(offer.name) within \(Self.seconds(hop.limit))")
                default:
                    throw SSHRefusal(text: "\(hop.title): the login failed: \(error)")
                }
            }
        }
        let methods = await connection.acceptedMethods(user: hop.settings.user, limit: hop.limit)
        throw refusal(offers.remarks, methods: methods, hasOffered: !offers.list.isEmpty)
    }

    private func refusal(
        _ remarks: [String], methods: String?, hasOffered: Bool
    ) -> SSHRefusal {
        let tried =
            remarks.isEmpty ? "there was no key to offer" : remarks.joined(separator: "; ")
        let accepted = methods.map { "; the server accepts \($0)" } ?? ""
        let advice =
            hasOffered
            ? "Put a public key of yours in ~\(hop.settings.user)/.ssh/authorized_keys there, or "
                + "name the right one in the manifest: ssh: { identity: ~/.ssh/… }"
            : "Name a private key that can be read in the manifest: ssh: { identity: ~/.ssh/… }, "
                + "or put it in the agent (ssh-add)"
        return SSHRefusal(
            text: "\(hop.title): the login failed: \(tried)\(accepted). \(advice)\(unfollowed)")
    }

    /// What OpenSSH might have logged in by and we do not heed, for the one who wonders why.
    private var unfollowed: String {
        let notes = hop.settings.notes
        return notes.isEmpty
            ? ""
            : ". Of the OpenSSH configuration: " + notes.map(\.description).joined(separator: "; ")
    }

    private func explain(_ offer: Offer, _ code: Int32, _ text: String) -> String {
        if code == -18 || code == -19 && offer.isRSAFile {
            if offer.isRSAFile, Self.cannotSignRSA {
                return "\(offer.name) is an RSA key, and libssh2 \(SSHConnection.libraryVersion) "
                    + "signs with those by SHA-1 only, which current servers refuse; put it in the "
                    + "agent (ssh-add \(offer.name)) or use an ed25519 key (ssh-keygen -t ed25519)"
            }
            return "\(offer.name) was refused by the server"
        }
        // -16: the file cannot be read. -19: the server would take the key, but the signing failed.
        if code == -16 || code == -19 && offer.isEncryptedFile {
            return "\(offer.name) cannot be read: wrong passphrase, or a format that libssh2 "
                + "\(SSHConnection.libraryVersion) does not know"
        }
        return "\(offer.name) failed: \(text) (libssh2 \(code))"
    }

    /// Before 1.11, libssh2 knows RSA signatures with SHA-1 only.
    static var cannotSignRSA: Bool {
        let parts = SSHConnection.libraryVersion.split(separator: ".").compactMap { Int($0) }
        return parts.lexicographicallyPrecedes([1, 11])
    }

    private func prepare() async -> Offers {
        var offers = Offers()
        var agentKeys: [SSHAgent.Key] = []
        let agent = hop.settings.identityAgent.map { SSHAgent(path: $0) }
        if let agent {
            do { agentKeys = try await agent.keys() } catch {
                offers.remarks.append(error.text)
            }
        }
        var fromFiles: [Offer] = []
        for path in hop.settings.identityFiles {
            let identity: SSHIdentity
            do { identity = try SSHIdentity(path: path) } catch {
                if !(error.isMissing && hop.settings.identitiesAreDefaults) {
                    offers.remarks.append("\(path): \(error.text)")
                }
                continue
            }
            if let agent, let key = identity.publicKey,
                let index = agentKeys.firstIndex(where: { $0.publicKey == key })
            {
                let held = agentKeys.remove(at: index)
                let offer = Self.offer(held, of: agent, name: "\(path) (in the agent)")
                offers.list.append(offer)
            } else {
                offer(identity, to: &fromFiles, remarks: &offers.remarks)
                if hop.hasOwnIdentities {
                    offers.list += fromFiles
                    fromFiles = []
                }
            }
        }
        if let agent, !hop.settings.identitiesOnly {
            offers.list += agentKeys.map {
                Self.offer($0, of: agent, name: "the agent's key \($0.comment) (\($0.type))")
            }
        }
        offers.list += fromFiles
        if Self.cannotSignRSA {
            // Almost certain to be refused, and each refusal counts against the server's limit.
            offers.list =
                offers.list.filter { !$0.isRSAFile } + offers.list.filter { $0.isRSAFile }
        }
        if offers.list.isEmpty && offers.remarks.isEmpty {
            offers.remarks.append(
                "no key was found (none of \(hop.settings.identityFiles.joined(separator: ", ")) "
                    + "exists, and there is no agent)")
        }
        return offers
    }

    private func offer(
        _ identity: SSHIdentity, to offers: inout [Offer], remarks: inout [String]
    ) {
        if identity.isPublicOnly {
            remarks.append(
                "\(identity.path) is a public key whose private half is not in the agent")
            return
        }
        if !identity.isPrivate {
            remarks.append("\(identity.path) holds no private key")
            return
        }
        if identity.isEncrypted && passphrase == nil {
            remarks.append(
                "\(identity.path) needs its passphrase: put it in the agent (ssh-add "
                    + "\(identity.path)) or set \(Self.passphraseVariable)")
            return
        }
        offers.append(
            Offer(
                name: identity.path, type: identity.type,
                credential: .privateKey(
                    identity.text, publicKey: identity.publicLine,
                    passphrase: identity.isEncrypted ? passphrase?.reveal() : nil),
                isRSAFile: identity.isRSA, isEncryptedFile: identity.isEncrypted))
    }

    static let passphraseVariable = "MATRIARCH_SSH_PASSPHRASE"

    private static func offer(_ key: SSHAgent.Key, of agent: SSHAgent, name: String) -> Offer {
        var publicKey = key.publicKey
        if key.type == "ssh-rsa", cannotSignRSA {
            // That libssh2 takes the algorithm's name from the key. sshd knows an RSA key under the
            // names of its algorithms too, so the signature can be one with SHA-2.
            publicKey = SSHWire.string(Array("rsa-sha2-512".utf8)) + publicKey.dropFirst(4 + 7)
        }
        return Offer(
            name: name, type: key.type,
            credential: .signer(publicKey: publicKey) { data in
                await agent.sign(data, with: key.publicKey, flags: flags(toSign: data))
            })
    }

    /// The agent's flags for the algorithm that the data to sign names (RFC 4252 §7).
    private static func flags(toSign data: [UInt8]) -> UInt32 {
        var wire = SSHWire(data)
        _ = wire.string()
        _ = wire.byte()
        for _ in 0..<3 { _ = wire.string() }
        _ = wire.byte()
        return switch wire.string().map(SSHWire.text) {
        case "rsa-sha2-256": 2
        case "rsa-sha2-512": 4
        default: 0
        }
    }

    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return attoseconds == 0 ? "\(seconds) s" : "\(duration)"
    }
}
