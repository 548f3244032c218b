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

        /// Each is healthy with the others alone, and the first to be recreated waited for that.
        @Test("etcd whose members are all down and differ must come back in one apply")
        func allDown() throws {
            try Lab.lab("up", "three")
            let three = try Manifest.three()
            if try Matriarch.plan(three).status != 0 { try Matriarch.apply(three) }
            for server in Lab.servers {
                let id = try Lab.container("etcd-\(server.suffix(1))", on: server)
                try Lab.ssh(server, "docker kill \(id)")
            }
            let image = "  image: quay.io/coreos/etcd:v3.5.16\n"
            let changed = try three.replacing(
                image, image + "  environment: { ETCD_LOG_LEVEL: warn }\n")
            let outcome = try Matriarch.run("apply", try changed.write(), "--yes")
            // Patroni elects a leader only once etcd is there, and until then lab is said to be down.
            #expect(outcome.output.contains("Done: 6 steps"), "\(outcome.text)")
            try Lab.until("nothing is left to do or to complain of") {
                try Matriarch.plan(changed).status == 0
            }
            #expect(try members() == ["etcd-1", "etcd-2", "etcd-3"])
            try Matriarch.apply(three)
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
