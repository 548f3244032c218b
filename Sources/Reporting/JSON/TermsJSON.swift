import Cluster
import Planning

// Actions, guards and conditions: an object with a `type` and the names that it is about.

extension Action {
    var json: JSONValue {
        switch self {
        case .prepareNode(let node): .term("prepare_node", node: node)
        case .adoptProject(let node, let files):
            .term("adopt_project", node: node, ["files": .strings(files)])
        case .writeFiles(let node, let paths):
            .term("write_files", node: node, ["paths": .strings(paths)])
        case .removeFiles(let node, let paths):
            .term("remove_files", node: node, ["paths": .strings(paths)])
        case .pullImage(let node, let image):
            .term("pull_image", node: node, ["image": .string(image.text)])
        case .addEtcdLearner(let name): .term("add_etcd_learner", etcd: name)
        case .promoteEtcd(let name): .term("promote_etcd", etcd: name)
        case .removeEtcdMember(let name): .term("remove_etcd_member", etcd: name)
        case .discardEtcdData(let name, let container, let volume):
            .term(
                "discard_etcd_data", etcd: name,
                [
                    "container_id": container.map { .string($0) },
                    "deletes_volume": .string(volume),
                ])
        case .bootstrap(let name): .term("bootstrap", member: name)
        case .addReplica(let name): .term("add_replica", member: name)
        case .recreateMember(let name): .term("recreate_member", member: name)
        case .startMember(let name): .term("start_member", member: name)
        case .restartMember(let name): .term("restart_member", member: name)
        case .reinitialize(let name): .term("reinitialize", member: name)
        case .restartPostgres(let name): .term("restart_postgres", member: name)
        case .switchover(let from, let to):
            .term("switchover", ["from": .string(from.rawValue), "to": .string(to.rawValue)])
        case .removeMember(let name, let node, let container, let volume):
            .term(
                "remove_member", member: name, node: node,
                ["container_id": .string(container), "deletes_volume": volume.map { .string($0) }])
        case .patchConfiguration(let patch):
            .term("patch_configuration", ["configuration": patch])
        case .prepareDatabase: .term("prepare_database")
        case .reloadHAProxy(let node): .term("reload_haproxy", node: node)
        case .createContainer(let address): .term("create_container", container: address)
        case .recreateContainer(let address): .term("recreate_container", container: address)
        case .startContainer(let address): .term("start_container", container: address)
        case .restartContainer(let address): .term("restart_container", container: address)
        case .removeContainer(let address, let id):
            .term("remove_container", container: address, ["container_id": .string(id)])
        }
    }
}

extension Guard {
    var json: JSONValue {
        switch self {
        case .clusterSettled: .term("cluster_settled")
        case .notLeading(let name): .term("not_leading", member: name)
        case .othersStreaming(let name, let lag):
            .term("others_streaming", member: name, ["max_lag_bytes": .int(lag.bytes)])
        case .switchoverPossible(let from, let to, let lag, let isOptional):
            .term(
                "switchover_possible",
                [
                    "from": .string(from.rawValue), "to": .string(to.rawValue),
                    "max_lag_bytes": .int(lag.bytes),
                    "is_optional": isOptional ? .bool(true) : nil,
                ])
        case .etcdHealthy(let besides):
            .term("etcd_healthy", ["besides": .strings(besides.map(\.rawValue))])
        case .etcdForgot(let name): .term("etcd_forgot", etcd: name)
        case .etcdLosesNothing(let name): .term("etcd_loses_nothing", etcd: name)
        case .nothingBootstrapped: .term("nothing_bootstrapped")
        case .restartPending(let name): .term("restart_pending", member: name)
        case .stillAiling(let name): .term("still_ailing", member: name)
        case .ailingOrOthersStreaming(let name, let lag):
            .term(
                "ailing_or_others_streaming", member: name, ["max_lag_bytes": .int(lag.bytes)])
        case .takesNothingAway(let name, let lag):
            .term("takes_nothing_away", member: name, ["max_lag_bytes": .int(lag.bytes)])
        case .containerIs(let address, let id):
            .term("container_is", container: address, ["container_id": .string(id)])
        case .containerDown(let address): .term("container_down", container: address)
        case .containerMissing(let address): .term("container_missing", container: address)
        case .healthyCopy(let name): .term("healthy_copy", member: name)
        }
    }
}

extension Condition {
    var json: JSONValue {
        switch self {
        case .commandSucceeded: .term("command_succeeded")
        case .imagePresent(let node, let image):
            .term("image_present", node: node, ["image": .string(image.text)])
        case .containerHealthy(let address): .term("container_healthy", container: address)
        case .containerAbsent(let address, let id):
            .term("container_absent", container: address, ["container_id": .string(id)])
        case .etcdMemberHealthy(let name, let isLearner):
            .term("etcd_member_healthy", etcd: name, ["is_learner": .bool(isLearner)])
        case .etcdMemberAbsent(let name): .term("etcd_member_absent", etcd: name)
        case .leads(let name): .term("leads", member: name)
        case .streaming(let name, let lag):
            .term("streaming", member: name, ["max_lag_bytes": .int(lag.bytes)])
        case .memberHealthy(let name, let lag):
            .term("member_healthy", member: name, ["max_lag_bytes": .int(lag.bytes)])
        case .noPendingRestart(let name, let lag):
            .term("no_pending_restart", member: name, ["max_lag_bytes": .int(lag.bytes)])
        case .configurationHolds(let patch):
            .term("configuration_holds", ["configuration": patch])
        case .memberForgotten(let name): .term("member_forgotten", member: name)
        case .proxyServers(let node, let names):
            .term("proxy_servers", node: node, ["members": .strings(names.map(\.rawValue))])
        }
    }
}

extension JSONValue {
    fileprivate static func term(
        _ type: String, member: MemberName? = nil, etcd: EtcdName? = nil, node: NodeName? = nil,
        container: ContainerAddress? = nil, _ more: [String: JSONValue?] = [:]
    ) -> JSONValue {
        var fields = more
        fields["type"] = .string(type)
        if let member { fields["member"] = .string(member.rawValue) }
        if let etcd { fields["etcd_member"] = .string(etcd.rawValue) }
        if let node = node ?? container?.node { fields["node"] = .string(node.rawValue) }
        if let container { fields["service"] = .string(container.service.rawValue) }
        return .fields(fields)
    }
}
