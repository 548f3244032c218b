import Adapters
import Cluster
import LibCrypto
import Manifest
import Observation
import Planning
import Rendering
import Reporting
import SSHConfiguration

/// One cluster's plan with what it was made from.
struct PlannedCluster: Sendable {
    var proposal: Proposal
    var observed: Observed

    var plan: Plan { proposal.plan }
    var topology: Topology { proposal.topology }

    /// - Throws: 1, where something is down, or could not be looked at: nobody knows whether that
    ///   is as declared.
    func checkAllIsWell() throws(Failure) {
        let down: [String] = plan.notes.compactMap {
            if case .down(let object, let reason) = $0 {
                "\(plan.cluster): \(object) is down: \(reason)".safeForTerminal
            } else {
                nil
            }
        }
        guard down.isEmpty else { throw Failure(down) }
        let unseen: [String] = plan.notes.compactMap {
            if case .unreachable(let object, _) = $0 { object } else { nil }
        }
        guard unseen.isEmpty else {
            throw Failure(
                "\(plan.cluster): not everything could be looked at: "
                    .safeForTerminal + unseen.joined(separator: ", ").safeForTerminal)
        }
    }

    /// - Parameter digest: where the observation is a saved one.
    init(
        _ desired: Desired, _ secrets: Secrets, _ observed: Observed,
        digest: (@Sendable (String) -> String)? = nil
    ) throws(Failure) {
        self.observed = observed
        do throws(BlueprintError) {
            proposal = try Planner.propose(
                desired: desired, secrets: secrets, observed: observed, digest: digest,
                fingerprint: Self.fingerprint(keyedBy: secrets))
        } catch {
            throw Failure(
                error.problems.map { "\(desired.name): \($0)".safeForTerminal })
        }
    }
}

extension PlannedCluster {
    /// SHA-256 of a content; with secrets in it, keyed by all of the cluster's secrets together, so
    /// that none of them can be guessed from a plan alone (S10).
    private static func fingerprint(
        keyedBy secrets: Secrets
    ) -> @Sendable (ResolvedText) -> String {
        let all = secrets.values.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value.reveal())\0" }.joined()
        let key = Digest.sha256(all.utf8)
        return { content in
            let text = content.reveal().utf8
            return Hexadecimal.text(
                content.isSensitive
                    ? Digest.hmacSHA256(key: key, message: text) : Digest.sha256(text))
        }
    }
}

extension ManifestFiles.Entry {
    /// The values of the secrets that a plan needs, checked. They stay in memory.
    func secrets() async throws(Failure) -> Secrets {
        let resolver = SecretResolver(
            folder: folder, environment: SSHUser.current().facts.environment)
        let resolved: ResolvedSecrets
        do throws(SecretsFailure) {
            resolved = try await resolver.resolve(desired.neededSecrets)
        } catch {
            throw Failure(error.problems.map { "\(desired.name): \($0)".safeForTerminal })
        }
        Console.complain(resolved.warnings.map { "warning: \($0)".safeForTerminal })
        let problems = RuntimeChecks.problems(of: resolved.secrets, for: desired)
        guard problems.isEmpty else {
            throw Failure(problems.map { "\(desired.name): \($0)".safeForTerminal })
        }
        return resolved.secrets
    }
}
