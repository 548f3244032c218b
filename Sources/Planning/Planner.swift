package import Cluster
package import Rendering

/// The manifest's cluster with its places, its files and the way to it.
package struct Proposal: Sendable {
    package var plan: Plan
    package var topology: Topology
    package var blueprint: Blueprint
}

/// (Desired, Observed) → Plan. Pure: the same input gives the same plan, byte for byte.
package enum Planner {
    /// - Parameter digest: for a saved observation, the digest of a text under its key.
    /// - Parameter fingerprint: of a file's content, for plans that are reviewed; nothing may be
    ///   guessed of a secret from it.
    /// - Throws: secrets that the manifest names and that have no value.
    package static func propose(
        desired: Desired, secrets: Secrets, observed: Observed,
        digest: (@Sendable (String) -> String)? = nil,
        fingerprint: (@Sendable (ResolvedText) -> String)? = nil
    ) throws(BlueprintError) -> Proposal {
        let placement = Placement(desired, observed, digest: digest)
        let blueprint = try Blueprint(topology: placement.topology, secrets: secrets)
        let situation = Situation(
            placement: placement, blueprint: blueprint, observed: observed, digest: digest,
            fingerprint: fingerprint)
        var draft = Draft()
        draft.blockers = placement.blockers
        NetworkStage.plan(situation, &draft)
        situation.refuseForeignVolumes(&draft)
        NodeStage.plan(situation, &draft)
        EtcdStage.plan(situation, &draft)
        MemberStage.plan(situation, &draft)
        ServiceStage.plan(situation, &draft)
        PruneStage.plan(situation, &draft)
        TroubleNotes.add(situation, &draft)
        let plan = Plan(
            cluster: desired.name, steps: draft.steps, blockers: draft.blockers,
            notes: draft.notes
        ).redacted(by: Redactor(secrets))
        return Proposal(plan: plan, topology: placement.topology, blueprint: blueprint)
    }
}
