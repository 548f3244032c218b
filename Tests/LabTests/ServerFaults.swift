import Foundation

extension ServerFault {
    /// One that the apply outlives.
    static let few = all.filter {
        $0.name == "cut between us and a node, healed after 10 s"
    }

    static let all = power + networks + ssh + parts

    /// Docker starts its containers again when the server does.
    private static let power: [ServerFault] = [
        ServerFault(
            name: "another replica's server loses power", victim: .secondReplica,
            strike: lab("kill"), cure: lab("start"), statuses: [4], says: ["SERVER"],
            refusal: "SERVER could not be looked at", isImpatient: true,
            outcome: "stopped; 3 while it is off: SERVER could not be looked at"),
        ServerFault(
            name: "the leader's server loses power", victim: .leader,
            strike: lab("kill"), cure: lab("start"), statuses: [4], says: ["SERVER"],
            refusal: "SERVER could not be looked at", isSynchronous: true, isImpatient: true,
            outcome: "stopped; 3 while it is off: SERVER could not be looked at"),
        ServerFault(
            name: "the leader's server loses power in the switchover", victim: .leader,
            moment: .act("switch over from"), strike: lab("kill"), cure: lab("start"),
            statuses: [4], says: ["SERVER", "its outcome is unknown"], isSynchronous: true,
            isImpatient: true, outcome: "the outcome of the switchover is unknown"),
        ServerFault(
            name: "a server restarts while its member is recreated", victim: .firstReplica,
            strike: lab("kill"), cure: lab("start"), lasts: 0, statuses: [0, 4],
            isImpatient: true,
            outcome: "whether MEMBER was recreated could not be told in time"),
    ]

    private static let networks: [ServerFault] = [
        ServerFault(
            name: "cut between us and a node, until the apply gave up", victim: .firstReplica,
            strike: lab("cut"), cure: lab("uncut"), statuses: [4],
            says: ["SERVER", "not done within 40s"],
            refusal: "SERVER could not be looked at", isImpatient: true,
            outcome: "stopped; 3 while it is cut: SERVER could not be looked at"),
        ServerFault(
            name: "cut between us and a node, healed after 10 s", victim: .firstReplica,
            strike: lab("cut"), cure: lab("uncut"), lasts: 10, statuses: [0],
            outcome: "waited for"),
        ServerFault(
            name: "a replica is isolated from the other servers", victim: .secondReplica,
            strike: lab("partition"), cure: lab("heal"), statuses: [4], says: ["MEMBER"],
            isImpatient: true, outcome: "MEMBER does not come back within its limit"),
        ServerFault(
            name: "a replica is isolated from the other servers for 10 s", victim: .secondReplica,
            strike: lab("partition"), cure: lab("heal"), lasts: 10, statuses: [0],
            outcome: "waited for"),
        ServerFault(
            name: "the leader is isolated from the other servers", victim: .leader,
            strike: lab("partition"), cure: lab("heal"), statuses: [4],
            isSynchronous: true, isImpatient: true, outcome: "stopped, whoever leads"),
    ]

    private static let ssh: [ServerFault] = [
        ServerFault(
            name: "sshd accepts and says nothing", victim: .firstReplica, moment: nil,
            strike: lab("hang-ssh"), cure: lab("unhang-ssh"), statuses: [3],
            says: ["the port is open, but no SSH greeting or key came"],
            refusal: "SERVER could not be looked at", isHarmless: true,
            outcome: "the port is open, but no SSH greeting or key came"),
        ServerFault(
            name: "sshd freezes with our sessions in the middle", victim: .firstReplica,
            strike: lab("freeze-ssh"), cure: lab("thaw-ssh"), statuses: [4],
            says: ["SERVER", "its outcome is unknown"], isImpatient: true,
            outcome: "the outcome of its step is unknown"),
    ]

    private static let parts: [ServerFault] = [
        ServerFault(
            name: "an etcd member is killed before", victim: .firstReplica, moment: nil,
            strike: killEtcd, statuses: [0], outcome: "started first"),
        ServerFault(
            name: "an etcd member is killed meanwhile", victim: .secondReplica,
            strike: killEtcd, statuses: [1], says: ["etcd-"],
            outcome: "every step done, and etcd on SERVER is said to be down"),
        ServerFault(
            name: "a replica's disk is full", victim: .firstReplica, moment: Moment(word: "begin"),
            strike: lab("full-disk"), cure: lab("free-disk"), statuses: [4],
            says: ["No space left on device"], isHarmless: true,
            outcome: "No space left on device"),
        ServerFault(
            name: "a replica's disk is full in the middle", victim: .secondReplica,
            strike: lab("full-disk"), cure: lab("free-disk"), statuses: [4], says: ["MEMBER"],
            isImpatient: true, outcome: "no space left on device"),
        ServerFault(
            name: "the registry is down at the pull", victim: .firstReplica, moment: nil,
            strike: { _ in
                for server in Staging.servers { try Lab.ssh(server, "docker image prune -af") }
                try Lab.lab("fault", "registry", "stop")
            },
            cure: { _ in try Lab.lab("fault", "registry", "start") },
            statuses: [4], says: ["pull ghcr.io/zalando/spilo-17"], isHarmless: true,
            outcome: "the pull failed"),
    ]

    private static let killEtcd: Deed = { server in
        try Lab.ssh(
            server,
            "docker kill $(docker ps -q --filter label=com.docker.compose.service="
                + "etcd-\(server.suffix(1)))")
    }
}
