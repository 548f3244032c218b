package import Cluster
package import Planning

/// A plan for machines, and for `apply --plan` to compare with. `schema/plan.schema.json` has its
/// shape; what it adds later leaves these fields as they are.
package enum PlanJSON {
    package static let formatVersion = "1.0"

    /// One cluster's plan.
    package struct Part: Sendable {
        var plan: Plan
        var topology: Topology
        package init(plan: Plan, topology: Topology) {
            self.plan = plan
            self.topology = topology
        }
    }

    /// JSON text with sorted keys: one plan has one text.
    package static func render(_ plan: Plan, in topology: Topology) -> String {
        value(plan, in: topology).prettyText
    }

    /// One cluster's plan as it is; those of a fleet in `plans`.
    package static func render(_ parts: [Part]) -> String {
        let values = parts.map { value($0.plan, in: $0.topology) }
        if let only = values.first, values.count == 1 { return only.prettyText }
        return JSONValue.object([
            "format_version": .string(formatVersion), "plans": .array(values),
        ]).prettyText
    }

    /// The same as a value.
    package static func value(_ plan: Plan, in topology: Topology) -> JSONValue {
        let numbers = PlanOutline(plan, in: topology).numbers
        let steps = plan.steps.map { step($0, in: topology) }
        return .object([
            "format_version": .string(formatVersion),
            "plan_id": .string(PlanIdentity.of(cluster: plan.cluster, steps)),
            "cluster": .string(plan.cluster.rawValue),
            "summary": .object([
                "add": .int(Int64(numbers.added)),
                "change": .int(Int64(numbers.changed)),
                "remove": .int(Int64(numbers.removed)),
                "preparations": .int(Int64(numbers.prepared)),
                "switchovers": .int(Int64(numbers.switchovers)),
                "disruption": .string(numbers.disruption.key),
                "hazards": .strings(plan.hazards.sorted().map(\.rawValue)),
                "is_blocked": .bool(!plan.blockers.isEmpty),
            ]),
            "steps": .array(steps),
            "blockers": .array(plan.blockers.map(\.json)),
            "notes": .array(plan.notes.map(\.json)),
        ])
    }

    static func step(_ step: Step, in topology: Topology) -> JSONValue {
        let summary = StepSummary(step.action, in: topology)
        return .fields([
            "id": .string(step.id.rawValue),
            "summary": .string(summary.phrase),
            "object": .string(summary.object),
            "node": summary.node.map { .string($0.rawValue) },
            "action": step.action.json,
            "causes": .array(step.causes.map(\.json)),
            "after": .strings(step.after.map(\.rawValue)),
            "guards": .array(step.guards.map(\.json)),
            "done": step.done.json,
            "limit_seconds": .seconds(step.limit),
            "disruption": .string(step.disruption.key),
            "hazards": .strings(step.hazards.sorted().map(\.rawValue)),
            "contents": step.contents.isEmpty
                ? nil : .object(step.contents.mapValues { .string($0) }),
        ])
    }
}

extension Disruption {
    var key: String {
        switch self {
        case .none: "none"
        case .replicaRestart: "replica_restart"
        case .writePause: "write_pause"
        case .outage: "outage"
        case .dataLoss: "data_loss"
        }
    }
}

extension Blocker {
    var json: JSONValue {
        .object([
            "object": .string(object), "seen": .string(seen), "expected": .string(expected),
            "remedy": .string(remedy),
        ])
    }
}

extension Cause {
    var json: JSONValue {
        switch self {
        case .field(let name, let from, let to):
            .object([
                "type": .string("field"), "field": .string(name), "from": .string(from),
                "to": .string(to),
            ])
        case .missing(let what): .object(["type": .string("missing"), "text": .string(what)])
        case .broken(let what): .object(["type": .string("broken"), "text": .string(what)])
        case .topology(let what): .object(["type": .string("topology"), "text": .string(what)])
        case .leftManifest: .object(["type": .string("left_manifest")])
        }
    }
}

extension Note {
    var json: JSONValue {
        switch self {
        case .unreachable(let object, let reason):
            .object([
                "type": .string("unreachable"), "object": .string(object), "text": .string(reason),
            ])
        case .adopted(let address):
            .object(["type": .string("adopted"), "object": .string(address.description)])
        case .undeclared(let object, let what):
            .object([
                "type": .string("undeclared"), "object": .string(object), "text": .string(what),
            ])
        case .down(let object, let reason):
            .object(["type": .string("down"), "object": .string(object), "text": .string(reason)])
        case .advice(let text): .object(["type": .string("advice"), "text": .string(text)])
        }
    }
}
