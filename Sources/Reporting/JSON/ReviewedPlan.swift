package import Cluster
import FoundationEssentials
package import Planning

/// A plan read back from the JSON that `plan` wrote, to be compared with the plan of the moment.
package struct ReviewedPlan: Equatable, Sendable {
    package let cluster: ClusterName
    let steps: [Step]

    /// What is compared of a step: everything that says what is done, to what and when. The wording
    /// of evidence is left out, as it changes while nothing else does.
    struct Step: Equatable, Sendable {
        var id: String
        var fields: [String: JSONValue]
    }

    /// The plans of a file: one, or those of a fleet.
    ///
    /// - Throws: what is wrong with the file, for people.
    package static func all(json text: String) throws(UnreadableFile) -> [ReviewedPlan] {
        let root: JSONValue
        do {
            root = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        } catch {
            throw UnreadableFile("is not JSON")
        }
        guard case .array(let parts) = root["plans"] else { return [try ReviewedPlan(root)] }
        var plans: [ReviewedPlan] = []
        for part in parts { plans.append(try ReviewedPlan(part)) }
        return plans
    }

    private init(_ root: JSONValue) throws(UnreadableFile) {
        guard let version = root["format_version"]?.string else {
            throw UnreadableFile(
                "is not a plan: it has no format_version (expected \(PlanJSON.formatVersion))")
        }
        guard
            version.split(separator: ".").first
                == PlanJSON.formatVersion.split(separator: ".").first
        else {
            throw UnreadableFile(
                "has format_version \(version.safeForTerminal); this program reads "
                    + "\(PlanJSON.formatVersion)")
        }
        guard let cluster = root["cluster"]?.string, case .array(let steps) = root["steps"] else {
            throw UnreadableFile("is not a whole plan: cluster or steps are missing")
        }
        self.cluster = ClusterName(cluster)
        self.steps = try Self.steps(steps)
    }

    package init(_ plan: Plan, in topology: Topology) {
        cluster = plan.cluster
        guard case .array(let values) = PlanJSON.value(plan, in: topology)["steps"] else {
            steps = []
            return
        }
        steps = values.compactMap(Self.step)
    }

    private static func steps(_ values: [JSONValue]) throws(UnreadableFile) -> [Step] {
        var steps: [Step] = []
        for (index, value) in values.enumerated() {
            guard let step = step(value) else {
                throw UnreadableFile("step \(index + 1) has no id or no action")
            }
            steps.append(step)
        }
        return steps
    }

    static func step(_ value: JSONValue) -> Step? {
        guard let id = value["id"]?.string, let action = value["action"] else { return nil }
        var fields: [String: JSONValue] = [:]
        flatten(action, "action", into: &fields)
        if let contents = value["contents"] { flatten(contents, "contents", into: &fields) }
        for key in ["after", "disruption", "done", "guards", "hazards", "limit_seconds"] {
            fields[key] = value[key]
        }
        if case .array(let causes) = value["causes"] {
            for cause in causes {
                guard let name = cause["field"]?.string else { continue }
                fields["\(name) from"] = cause["from"]
                fields["\(name) to"] = cause["to"]
            }
        }
        return Step(id: id, fields: fields)
    }

    /// Objects become dotted keys, so that a difference names the field that differs.
    private static func flatten(
        _ value: JSONValue, _ key: String, into fields: inout [String: JSONValue]
    ) {
        guard let object = value.object, !object.isEmpty else {
            fields[key] = value
            return
        }
        for (name, inner) in object { flatten(inner, "\(key).\(name)", into: &fields) }
    }
}
