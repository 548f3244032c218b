import Foundation
import Testing

/// Something that happens to a server, its network or the registry while every member is updated.
/// How it is staged and judged is the same for all.
struct ServerFault: Sendable, CustomTestStringConvertible {
    enum Victim: Sendable { case leader, firstReplica, secondReplica }
    /// What is done to a server.
    typealias Deed = @Sendable (_ server: String) throws -> Void

    /// The row in the table. In what follows it, SERVER and MEMBER stand for the victim's.
    var name: String
    var victim: Victim
    /// When it strikes; `nil`: before the apply.
    var moment: Moment? = .act(": recreate on")
    var strike: Deed
    /// Undoes it; `nil` where the next apply has to.
    var cure: Deed?
    /// How long it lasts; `nil`: until the apply has ended.
    var lasts: TimeInterval?
    /// How the apply under it may end.
    var statuses: Set<Int32>
    /// What that apply says.
    var says: [String] = []
    /// Why another apply is refused while it lasts, and what its plan says.
    var refusal: String?
    /// Whether the apply leaves every container as it is.
    var isHarmless = false
    /// For leaders that die: asynchronous replication may lose what they confirmed last.
    var isSynchronous = false
    /// For what outlasts any patience.
    var isImpatient = false
    /// The column "exit and outcome" after the exit code.
    var outcome: String

    var testDescription: String { name }

    static func lab(_ words: String...) -> Deed {
        { server in
            let outcome = try run(Repository.lab, ["fault"] + words + [server])
            guard outcome.status == 0 else { throw LabFailure("\(words): \(outcome.text)") }
        }
    }
}

extension LabTests.FaultTests {
    @Test(
        "a server, its network or the registry fails: said, nothing lost, finished afterwards",
        arguments: Faults.areAllWanted
            ? ServerFault.all.filter { Faults.isWanted($0.name) } : ServerFault.few)
    func server(_ fault: ServerFault) throws {
        try Staging.stage(
            fault.name, isSynchronous: fault.isSynchronous,
            edit: fault.isImpatient ? Staging.impatient : { $0 }
        ) { staging in
            let member = staging.member(fault.victim)
            let server = try #require(staging.nodes[member])
            func filled(_ text: String) -> String {
                text.replacingOccurrences(of: "SERVER", with: server)
                    .replacingOccurrences(of: "MEMBER", with: member)
            }
            let before = try fault.isHarmless ? Lab.allStarts() : [:]

            let outcome = try staging.apply(under: fault, on: server)

            #expect(fault.statuses.contains(outcome.status), "\(outcome.text)")
            for text in fault.says {
                #expect(outcome.text.contains(filled(text)), "\(outcome.text)")
            }
            if let refusal = fault.refusal { try staging.expectRefusal(naming: filled(refusal)) }
            if fault.lasts == nil { try fault.cure?(server) }
            // Only now is every server there to be asked.
            if fault.isHarmless { #expect(try Lab.allStarts() == before) }
            try staging.settle()
            if fault.cure != nil { try staging.settleEtcd() }
            let isWaitedFor = outcome.status == 0 && fault.statuses.count > 1
            staging.outcome =
                "\(outcome.status): \(isWaitedFor ? "waited for" : filled(fault.outcome))"
        }
    }
}

extension Staging {
    func member(_ victim: ServerFault.Victim) -> String {
        switch victim {
        case .leader: leader
        case .firstReplica: replicas[0]
        case .secondReplica: replicas[1]
        }
    }

    fileprivate func apply(under fault: ServerFault, on server: String) throws -> Outcome {
        guard let moment = fault.moment else {
            try fault.strike(server)
            return try apply()
        }
        let end = Late<Result<Void, any Error>>()
        let outcome = try apply(at: moment) { _ in
            try fault.strike(server)
            guard let lasts = fault.lasts, let cure = fault.cure else { return }
            DispatchQueue.global().asyncAfter(deadline: .now() + lasts) {
                end.value = Result { try cure(server) }
            }
        }
        if fault.lasts != nil { try end.wait().get() }
        return outcome
    }

    /// Every server answers again, and Patroni has agreed on who leads: what whoever mends
    /// something waits for before the next apply.
    fileprivate func settle() throws {
        try Lab.until("every server answers again", within: 180) {
            try Self.servers.allSatisfy { try Lab.ssh($0, "docker info") != "" }
        }
        try Lab.until("one leader again") {
            try Lab.threeMembers.filter {
                try Lab.get("http://\($0.host):\($0.port)/primary").status == 200
            }.count == 1
        }
    }

    /// A member of etcd that was cut off connects again half a minute later, and until then the plan
    /// ends with 1, saying so.
    fileprivate func settleEtcd() throws {
        try Lab.until("every member of etcd is healthy") {
            try Self.servers.allSatisfy { server in
                try Lab.get("http://\(Lab.addresses[server] ?? ""):2379/health").body
                    .contains("\"health\":\"true\"")
            }
        }
    }

    /// An apply now is refused, saying why, and the plan says it as well.
    func expectRefusal(naming reason: String, location: SourceLocation = #_sourceLocation) throws {
        let outcome = try Matriarch.run("apply", try target.write(), "--yes")
        #expect(outcome.status == 3, "\(outcome.text)", sourceLocation: location)
        #expect(outcome.text.contains(reason), "\(outcome.text)", sourceLocation: location)
        let plan = try Matriarch.plan(target)
        #expect(plan.text.contains(reason), "\(plan.text)", sourceLocation: location)
    }
}
