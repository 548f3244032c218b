import Cluster
import Planning
import Rendering
import Reporting

/// Every plan can be shown, and its JSON is read back as the same plan.
enum PlanPromises {
    @discardableResult
    static func check(
        _ desired: Desired, secrets: Secrets, observed: Observed,
        digest: (@Sendable (String) -> String)? = nil
    ) throws -> Proposal {
        let proposal: Proposal
        do throws(BlueprintError) {
            proposal = try Planner.propose(
                desired: desired, secrets: secrets, observed: observed, digest: digest)
        } catch {
            throw BrokenPromise(description: "a decoded manifest cannot be planned: \(error)")
        }
        let part = PlanJSON.Part(plan: proposal.plan, topology: proposal.topology)
        let json = PlanJSON.render([part])
        let reviewed: [ReviewedPlan]
        do throws(UnreadableFile) {
            reviewed = try ReviewedPlan.all(json: json)
        } catch {
            throw BrokenPromise(description: "the plan's JSON \(error.text):\n\(json)")
        }
        try promise(
            reviewed == [ReviewedPlan(proposal.plan, in: proposal.topology)],
            "the plan's JSON is read as another plan:\n\(json)")
        let text = PlanText.render(proposal.plan, in: proposal.topology, observed: observed)
        try promise(text.isFitForPeople, "a plan with control characters:\n\(text)")
        let markdown = PlanMarkdown.render([part])
        try promise(markdown.utf16.count <= 65_536, "the plan's Markdown is too long")
        for shown in [json, text, markdown, PlanHTML.render([part])] {
            try promise(!shown.contains(ManifestPromises.secret), "a secret in a plan:\n\(shown)")
        }
        return proposal
    }
}
