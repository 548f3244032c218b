import Foundation
import Testing

extension LabTests {
    /// etcd's own word on who may come back.
    @Suite(.serialized) struct EtcdMembersTests {
        @Test("etcd from three members to one and back to three must end, with empty data")
        func threeToOneToThree() throws {
            try Lab.lab("up", "three")
            let three = try Manifest.three()
            if try Matriarch.plan(three).status != 0 { try Matriarch.apply(three) }
            let one = try three.replacing("    etcd-2: { node: node-2 }\n", "")
                .replacing("    etcd-3: { node: node-3 }\n", "")
            try Matriarch.apply(one)
            #expect(try members() == ["etcd-1"])
            #expect(try volumes("node-2") == "lab_etcd-2")
            let back = try Matriarch.apply(three)
            #expect(back.output.contains("discard its old data"))
            #expect(try members() == ["etcd-1", "etcd-2", "etcd-3"])
        }

        /// Those that vote, by etcd's own list.
        private func members() throws -> [String] {
            let list = try Lab.ssh(
                "node-1",
                "docker exec $(docker ps -q -f label=com.docker.compose.service=etcd-1)"
                    + " etcdctl member list")
            var voters: [String] = []
            for line in list.split(separator: "\n") {
                let fields = line.components(separatedBy: ", ")
                guard fields.count == 6, fields[1] == "started", fields[5] == "false" else {
                    continue
                }
                voters.append(fields[2])
            }
            return voters.sorted()
        }

        private func volumes(_ node: String) throws -> String {
            try Lab.ssh(node, "docker volume ls -q -f name=etcd")
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }
}
