import Cluster
import Planning
import Testing

@Suite("Names that servers give")
struct HostileNamesTests {
    @Test("a member that only a server's word names is not kept under a name that no file can hold")
    func member() throws {
        var world = World.three(replicas: 3)
        try world.observeConverged()
        world.desired.postgres.replicas = 4
        world.observed.nodes["node-3"] = .unreachable("connection refused")
        let names = ["x\n  server evil 203.0.113.9:1", "../../etc/cron.d/x", "postgres-9"]
        for (name, view) in world.observed.views {
            world.observed.views[name] = view.map {
                var view = $0
                view.members += names.map {
                    ViewMember(
                        name: MemberName($0), role: .replica, state: .streaming,
                        apiURL: "http://10.0.0.13:8009/patroni", host: "10.0.0.13", port: 5433)
                }
                return view
            }
        }
        let proposal = try Planner.propose(
            desired: world.desired, secrets: world.secrets, observed: world.observed)
        // The one with a name like any other is.
        #expect(
            proposal.topology.members.map(\.name)
                == ["postgres-1", "postgres-2", "postgres-3", "postgres-4", "postgres-9"])
    }
}
