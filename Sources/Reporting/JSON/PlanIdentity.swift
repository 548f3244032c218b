package import Cluster
import LibCrypto
package import Planning

/// The name of a plan: the same for the same steps, whatever the wording of their evidence, so that
/// a reviewed plan is found again in the history.
package enum PlanIdentity {
    /// Twelve hexadecimal digits.
    package static func of(_ plan: Plan, in topology: Topology) -> String {
        of(cluster: plan.cluster, plan.steps.map { PlanJSON.step($0, in: topology) })
    }

    static func of(cluster: ClusterName, _ steps: [JSONValue]) -> String {
        let compared = steps.compactMap(ReviewedPlan.step).map { step in
            JSONValue.object(["id": .string(step.id), "fields": .object(step.fields)])
        }
        let text = JSONValue.array([.string(cluster.rawValue)] + compared).canonicalText
        return Digest.sha256(text.utf8).prefix(6).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
