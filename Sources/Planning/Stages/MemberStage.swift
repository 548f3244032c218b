import Cluster
import Rendering

/// Stages 3 to 7: Postgres members, from the first bootstrap to pending restarts.
enum MemberStage {
    static func plan(_ situation: Situation, _ draft: inout Draft) {
        let standings = Dictionary(
            uniqueKeysWithValues: situation.topology.members.map {
                ($0.name, MemberStanding($0, situation))
            })
        var rollout = RolloutStage(situation: situation, standings: standings)
        guard isAllowed(situation, standings, &draft) else { return }
        let configuration = ConfigurationStage(situation)
        configuration.refuseMixtures(standings, &draft)
        if configuration.patchesFirst { configuration.patch(&draft) }
        // Without a leader there is nothing to clone from: those that are there come first.
        if situation.isLeaderless { rollout.repair(&draft) }
        create(situation, standings, configuration, &draft)
        if !situation.isLeaderless { rollout.repair(&draft) }
        rollout.removeBroken(&draft)
        DatabaseStage.plan(situation, &draft)
        let leavesFirst = rollout.synchronousStandbyLeaves
        if situation.leaving.isEmpty || leavesFirst { ProxyReload.plan(situation, &draft) }
        if leavesFirst { rollout.removeHealthy(&draft) }
        rollout.update(&draft)
        if !situation.leaving.isEmpty, !leavesFirst { ProxyReload.plan(situation, &draft) }
        rollout.removeHealthy(&draft)
        configuration.patch(&draft)
        configuration.restart(&draft)
        rollout.preferLeader(&draft)
        configuration.waitForLeader(&draft)
    }

    /// Facts that stop every step on Postgres (S9), and those that no plan may pass.
    private static func isAllowed(
        _ situation: Situation, _ standings: [MemberName: MemberStanding], _ draft: inout Draft
    ) -> Bool {
        let before = draft.blockers.count
        let health = situation.health
        let name = situation.desired.name.rawValue
        if health.leaders.count > 1 || health.isPaused || health.isFailsafeActive {
            draft.block(
                name, seen: health.unsettled ?? "the cluster is not settled",
                expected: "exactly one leader, no pause, no failsafe mode",
                remedy: health.isPaused
                    ? "End the pause (patronictl resume), then plan again."
                    : "Find out what happened before anything is changed, then plan again.")
        }
        IdentityStage.refuse(situation, &draft)
        refuseMajorVersion(situation, &draft)
        for member in situation.topology.members {
            if case .recreation = standings[member.name]?.need {
                _ = situation.keepsData(situation.address(member), &draft)
            }
        }
        refusePasswordChange(situation, &draft)
        return draft.blockers.count == before
    }

    /// An image of another PostgreSQL major version cannot read the data directory.
    private static func refuseMajorVersion(_ situation: Situation, _ draft: inout Draft) {
        for member in situation.topology.members {
            guard
                let wanted = situation.blueprint.spec(situation.address(member))
                    .flatMap(\.image.spiloVersion),
                let version = situation.observed.members[member.name]?.value?.serverVersion,
                version / 10_000 != wanted
            else { continue }
            draft.block(
                member.name.rawValue, seen: "PostgreSQL \(version / 10_000) runs",
                expected: "an image of PostgreSQL \(version / 10_000), not \(wanted)",
                remedy: "A major version is an upgrade of the data, not an image change; keep the"
                    + " image at spilo-\(version / 10_000).")
        }
    }

    /// Spilo gives the roles their passwords at the first bootstrap only: a member with another
    /// one could not even connect to its leader.
    private static func refusePasswordChange(_ situation: Situation, _ draft: inout Draft) {
        guard situation.health.leader != nil else { return }
        for (address, standing) in situation.containers.sorted(by: { $0.key < $1.key }) {
            guard case .present(_, let changes) = standing,
                case .postgres = situation.blueprint.spec(address)?.role
            else { continue }
            for change in changes where change.field.hasPrefix("environment.PGPASSWORD_") {
                draft.block(
                    address.service.rawValue,
                    seen: "\(change.field.dropFirst("environment.".count)) is another than the"
                        + " manifest's secret",
                    expected: "the password that the cluster was made with",
                    remedy: "Give the manifest the present password. To rotate it, ALTER ROLE on"
                        + " the leader first, and recreate the members one by one by hand.")
            }
        }
    }

    /// The first member, then those that clone from the leader, side by side.
    private static func create(
        _ situation: Situation, _ standings: [MemberName: MemberStanding],
        _ configuration: ConfigurationStage, _ draft: inout Draft
    ) {
        let missing = situation.topology.members.filter {
            if case .creation = standings[$0.name]?.need { true } else { false }
        }
        guard !missing.isEmpty else { return }
        var after = draft.prepared + draft.etcd + draft.configured
        var rest = missing
        if isFirstStart(situation) {
            guard let first = first(among: missing, situation), isVirgin(situation, &draft) else {
                return
            }
            rest.removeAll { $0.name == first.name }
            bootstrap(first, situation, after: after, &draft)
            configuration.patch(&draft)
            after = draft.created
        } else if missing.count == situation.topology.members.count, situation.live.isEmpty {
            createAll(missing, situation, after: after, &draft)
            return
        } else if situation.isLeaderless {
            let withData = missing.filter { hasData($0, situation) }
            if !withData.isEmpty { createAll(withData, situation, after: after, &draft) }
            rest.removeAll { withData.contains($0) }
            after += draft.lastDisruption + draft.created
        }
        guard
            situation.health.leader != nil || !draft.created.isEmpty
                || situation.unknownNodes.isEmpty
        else {
            let names = rest.map(\.name.rawValue).joined(separator: ", ")
            draft.block(
                names, seen: "nobody leads, and \(EtcdStage.unseen(situation))",
                expected: "a leader to clone from, or every node seen",
                remedy: "Make the node reachable, then plan again.")
            return
        }
        for member in rest {
            draft.created.append(
                draft.add(
                    "add:\(member.name)", .addReplica(member.name),
                    because: [.missing("\(member.name) does not exist")], after: after,
                    guards: [.containerMissing(situation.address(member)), .clusterSettled],
                    done: .streaming(member.name, maxLag: situation.maxLag),
                    limit: situation.rollout.stepTimeout))
            draft.restarted.insert(member.name)
        }
    }

    /// No member and no data of one anywhere, and everywhere was looked.
    private static func isFirstStart(_ situation: Situation) -> Bool {
        situation.live.isEmpty && situation.unknownNodes.isEmpty
            && !situation.topology.members.contains { hasData($0, situation) }
    }

    /// Volumes of the project that nothing explains, neither the manifest nor an etcd container that
    /// has left it, may be a cluster's data under other names: a new, empty cluster beside them
    /// would look like a loss.
    private static func isVirgin(_ situation: Situation, _ draft: inout Draft) -> Bool {
        var declared: [NodeName: Set<String>] = [:]
        for (address, spec) in situation.blueprint.containers {
            for case .volume(let name) in spec.mounts.map(\.source) {
                declared[address.node, default: []].insert(name)
            }
        }
        for node in situation.desired.nodes.map(\.name) {
            let etcd = (situation.node(node)?.containers ?? [])
                .filter { situation.desired.isEtcd($0) }.flatMap(\.mounts).map(\.source)
            let strange = (situation.node(node)?.volumes ?? [])
                .filter { declared[node]?.contains($0) != true && !etcd.contains(.volume($0)) }
                .sorted()
            guard !strange.isEmpty else { continue }
            draft.block(
                node.rawValue, seen: "volumes of the project: \(strange.joined(separator: ", "))",
                expected: "none before a new cluster is made",
                remedy:
                    "If they hold a cluster's data, start its containers and plan again, so that"
                    + " it is adopted. If not, remove them (docker volume rm).")
        }
        return draft.blockers.isEmpty
    }

    private static func hasData(_ member: PlacedMember, _ situation: Situation) -> Bool {
        guard let volume = situation.blueprint.dataVolume(of: member.name) else { return true }
        return situation.node(member.node)?.volumes.contains(volume) ?? false
    }

    private static func first(
        among members: [PlacedMember], _ situation: Situation
    ) -> PlacedMember? {
        members.first { $0.name == situation.rollout.preferredLeader } ?? members.first
    }

    private static func bootstrap(
        _ member: PlacedMember, _ situation: Situation, after: [StepID], _ draft: inout Draft
    ) {
        let id = draft.add(
            "bootstrap:\(member.name)", .bootstrap(member.name),
            because: [.missing("the cluster does not exist yet")], after: after,
            guards: [
                .containerMissing(situation.address(member)), .nothingBootstrapped,
                .etcdHealthy(besides: []),
            ],
            done: .leads(member.name), limit: situation.rollout.stepTimeout)
        draft.created = [id]
        draft.restarted.insert(member.name)
    }

    /// Containers are gone, their volumes are there (`docker compose down`), and nobody leads: Patroni
    /// knows from etcd and the data which member may, so all come back side by side.
    private static func createAll(
        _ members: [PlacedMember], _ situation: Situation, after: [StepID], _ draft: inout Draft
    ) {
        guard situation.unknownNodes.isEmpty, !EtcdStage.isFresh(situation) else {
            draft.block(
                situation.desired.name.rawValue,
                seen: "volumes with data of members, and no etcd that knows the cluster",
                expected: "etcd's data, or no data of members",
                remedy: "Restore etcd's volume, or move the members' volumes away: which copy is"
                    + " the newest cannot be told without etcd.")
            return
        }
        for member in members {
            draft.created.append(
                draft.add(
                    "create:\(member.name)", .createContainer(situation.address(member)),
                    because: [.missing("its container is gone, its data is there")], after: after,
                    guards: [.containerMissing(situation.address(member))],
                    done: .memberHealthy(member.name, maxLag: situation.maxLag),
                    limit: situation.rollout.stepTimeout))
            draft.restarted.insert(member.name)
        }
        if situation.desired.postgres.configuration != .object([:]) {
            draft.notes.append(
                .advice(
                    "what is configured can be read once the members run: a setting that was changed"
                        + " meanwhile and needs a restart takes a second plan"))
        }
    }
}
