package import Cluster

/// What `apply` would do: ordered steps, each with its reasons and its conditions.
package struct Plan: Equatable, Sendable {
    package var cluster: ClusterName
    /// In an order in which they may run one by one; `after` says what really has to wait.
    package var steps: [Step]
    /// Why something that the manifest asks for is not planned. Non-empty: `apply` refuses.
    package var blockers: [Blocker]
    /// What a reader should know and no step changes: what is adopted, what could not be seen.
    package var notes: [Note]
    package init(
        cluster: ClusterName, steps: [Step] = [], blockers: [Blocker] = [], notes: [Note] = []
    ) {
        self.cluster = cluster
        self.steps = steps
        self.blockers = blockers
        self.notes = notes
    }
    package var isEmpty: Bool { steps.isEmpty && blockers.isEmpty }
    package var hazards: Set<Hazard> { steps.reduce(into: []) { $0.formUnion($1.hazards) } }
}

/// One change of the world: what, why, what it waits for, and how its end is told.
package struct Step: Equatable, Sendable {
    package var id: StepID
    package var action: Action
    package var causes: [Cause]
    /// Steps that must have succeeded before this one starts.
    package var after: [StepID]
    /// Re-read right before acting (S9).
    package var guards: [Guard]
    /// When it counts as done, and how long that may take.
    package var done: Condition
    package var limit: Duration
    package var disruption: Disruption
    package var hazards: Set<Hazard>
    /// Fingerprints of what it writes, by path: a reviewed plan is not another one's content (S8).
    package var contents: [String: String]
    package init(
        id: StepID, action: Action, causes: [Cause], after: [StepID] = [], guards: [Guard] = [],
        done: Condition, limit: Duration, disruption: Disruption = .none,
        hazards: Set<Hazard> = [], contents: [String: String] = [:]
    ) {
        self.contents = contents
        self.id = id
        self.action = action
        self.causes = causes
        self.after = after
        self.guards = guards
        self.done = done
        self.limit = limit
        self.disruption = disruption
        self.hazards = hazards
    }
}

/// Stable for the same change of the same cluster: made of verb and object, `recreate:postgres-2`.
package struct StepID: Name {
    package let rawValue: String
    package init(_ text: String) { rawValue = text }
}

/// One effect. What it needs to act on is found in the `Blueprint` by these names.
package enum Action: Hashable, Sendable {
    /// Create the project's directory.
    case prepareNode(NodeName)
    /// Keep files that Matriarch did not write aside, before they are overwritten; compose files of
    /// other names are moved.
    case adoptProject(NodeName, files: [String])
    /// Write files that nothing running reads yet, each by an atomic rename.
    case writeFiles(NodeName, paths: [String])
    /// Remove files that Matriarch wrote and that nothing declared needs: they may hold secrets.
    case removeFiles(NodeName, paths: [String])
    case pullImage(NodeName, ImageReference)

    /// `etcdctl member add --learner`, by a member on another node, then create its container.
    case addEtcdLearner(EtcdName)
    case promoteEtcd(EtcdName)
    /// `etcdctl member remove`, by a member that stays.
    case removeEtcdMember(EtcdName)
    /// Remove what is left of a member that etcd removed: its stopped container, if there is one,
    /// and its volume. etcd never takes back a member with the data of an earlier membership.
    case discardEtcdData(EtcdName, containerID: String?, volume: String)

    /// Create the first member's container; Patroni bootstraps the cluster.
    case bootstrap(MemberName)
    /// Create a member's container; Patroni clones it from the leader.
    case addReplica(MemberName)
    /// Recreate a member's container from the compose file, its volume kept.
    case recreateMember(MemberName)
    /// `docker start` of a member's stopped container.
    case startMember(MemberName)
    /// `docker restart` of a member's container.
    case restartMember(MemberName)
    /// `POST /reinitialize`: the member's data is cloned anew from the leader.
    case reinitialize(MemberName)
    /// `POST /restart` of Postgres inside a member, for pending parameters.
    case restartPostgres(MemberName)
    case switchover(from: MemberName, to: MemberName)
    /// Stop and remove a member's container. Its volume is kept unless `deletingVolume`.
    case removeMember(MemberName, node: NodeName, containerID: String, deletingVolume: String?)
    /// `PATCH /config` with exactly these keys; `null` deletes one.
    case patchConfiguration(JSONValue)
    /// Create the manifest's database, and Supabase's roles and schemas, where missing.
    case prepareDatabase

    /// Replace haproxy.cfg after HAProxy itself checked it, then reload without dropping sessions.
    case reloadHAProxy(NodeName)

    /// Create, recreate, start: a container of etcd, HAProxy or a service.
    case createContainer(ContainerAddress)
    case recreateContainer(ContainerAddress)
    case startContainer(ContainerAddress)
    case restartContainer(ContainerAddress)
    /// Remove a container that left the manifest. Volumes are kept.
    case removeContainer(ContainerAddress, containerID: String)
}

extension Action {
    /// What loading an image may take, for the step and for its command.
    package static let pullLimit = Duration.seconds(1800)
}

/// Why a step is in the plan.
package enum Cause: Hashable, Sendable {
    /// A declared field differs. Values are already safe to print.
    case field(String, from: String, to: String)
    case missing(String)
    /// Evidence of ill health: `container exited (137)`.
    case broken(String)
    /// It follows from another step or from the cluster's shape: `leads and has to be recreated`.
    case topology(String)
    /// It is no longer in the manifest.
    case leftManifest
}

/// What stands in the way: a plan with one is never applied.
package struct Blocker: Hashable, Sendable {
    /// What it is about: `postgres-2`, `node-3`.
    package var object: String
    package var seen: String
    package var expected: String
    /// The next thing to do.
    package var remedy: String
    package init(object: String, seen: String, expected: String, remedy: String) {
        self.object = object
        self.seen = seen
        self.expected = expected
        self.remedy = remedy
    }
}

/// What the reader of a plan should know and no step comes of.
package enum Note: Hashable, Sendable {
    /// Could not be looked at; nothing is planned for it.
    case unreachable(object: String, reason: String)
    /// A container that was not made by Matriarch and matches the manifest.
    case adopted(ContainerAddress)
    /// Something in force that the manifest does not declare and Matriarch leaves alone.
    case undeclared(object: String, what: String)
    /// It was looked at and does not work: the cluster, or what no step of the plan sees to.
    case down(object: String, reason: String)
    case advice(String)
}

/// What a step costs those who use the cluster, the mildest first.
package enum Disruption: Int, Hashable, Comparable, Sendable, CaseIterable {
    case none, replicaRestart, writePause, outage, dataLoss
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What `--accept` has to name before `apply` does it.
package enum Hazard: String, Hashable, Sendable, CaseIterable, Comparable {
    case dataLoss = "data-loss"
    case outage
    case adopt
    case singleCopy = "single-copy"
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A rule of the oath that has to hold right before a step acts. `Rules` evaluates it.
package enum Guard: Hashable, Sendable {
    /// Exactly one leader by every member's own answer, nobody paused, no failsafe, DCS fresh (S9).
    case clusterSettled
    /// The member does not lead, by its own answer and by every view (S2).
    case notLeading(MemberName)
    /// Every other member that counts streams on the leader's timeline within `maxLag` (S1).
    case othersStreaming(besides: MemberName, maxLag: ByteCount)
    /// `from` leads; `to` streams, may lead, is within `maxLag`, in sync mode is the sync standby (S3).
    /// With `isOptional` there is nothing to do where Patroni made another one the sync standby.
    case switchoverPossible(
        from: MemberName, to: MemberName, maxLag: ByteCount, isOptional: Bool = false)
    /// Every voter in etcd's list but these answers healthy, and a quorum of voters does (S5).
    case etcdHealthy(besides: [EtcdName])
    /// etcd's list was read and does not have the member: stopping it takes no vote away (S5).
    case etcdForgot(EtcdName)
    /// Without this member etcd has the quorum that it has with it: others enough are healthy, or by
    /// its members' own word there is none (S5).
    case etcdLosesNothing(EtcdName)
    /// No Patroni cluster of this name runs anywhere that could be seen, and everything could be seen.
    case nothingBootstrapped
    /// The member is still no healthy copy: a repair of one that recovered takes a copy away.
    case stillAiling(MemberName)
    /// The member is still no healthy copy, or every other one is: its recreation has other causes
    /// too, and is then like that of a healthy member.
    case ailingOrOthersStreaming(MemberName, maxLag: ByteCount)
    /// Where another member leads: this one does not, and it is ailing or every other one is healthy.
    /// Where nobody leads: this one does not work, so taking it down can only bring a leader back.
    case takesNothingAway(MemberName, maxLag: ByteCount)
    /// Patroni says that the member has a pending restart.
    case restartPending(MemberName)
    /// The container is still the one that the plan saw (S9).
    case containerIs(ContainerAddress, id: String)
    /// The container does not run, as the plan saw it: recreating it takes nothing away (S5).
    case containerDown(ContainerAddress)
    /// There is no container, as the plan saw it: whoever made one meanwhile is not acted upon (S9).
    case containerMissing(ContainerAddress)
    /// At least one other member is a healthy copy (S6).
    case healthyCopy(besides: MemberName)
}

/// When a step is done. `Rules` evaluates it against fresh readings.
package enum Condition: Hashable, Sendable {
    /// The command's success is all there is to know.
    case commandSucceeded
    case imagePresent(NodeName, ImageReference)
    /// Running, and healthy where it has a health check.
    case containerHealthy(ContainerAddress)
    case containerAbsent(ContainerAddress, id: String)
    case etcdMemberHealthy(EtcdName, isLearner: Bool)
    case etcdMemberAbsent(EtcdName)
    /// The member leads, accepts writes, its view agrees, and every other that counts follows it.
    case leads(MemberName)
    /// The member streams on the leader's timeline within `maxLag`.
    case streaming(MemberName, maxLag: ByteCount)
    /// The member answers as leader or streams: whatever it was before a restart.
    case memberHealthy(MemberName, maxLag: ByteCount)
    case noPendingRestart(MemberName, maxLag: ByteCount)
    case configurationHolds(JSONValue)
    /// Patroni's views no longer list the member.
    case memberForgotten(MemberName)
    /// HAProxy on the node lists exactly these servers.
    case proxyServers(NodeName, [MemberName])
}
