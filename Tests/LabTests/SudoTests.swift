import Foundation
import Testing

extension LabTests {
    /// The same cluster by a user that is not root and is not in docker's group.
    @Suite(.serialized) struct SudoTests {
        private func ready() throws -> Manifest {
            try Lab.lab("up", "three")
            let manifest = try Manifest.three()
            if try Matriarch.plan(manifest).status != 0 { try Matriarch.apply(manifest) }
            return manifest
        }

        private static func asDeploy(_ manifest: Manifest) throws -> Manifest {
            try manifest.replacing(
                "      user: root\n", "      user: deploy\n      sudo: true\n")
        }

        @Test("a user with sudo must see what root sees, and write as root does")
        func sudo() throws {
            let manifest = try Self.asDeploy(try ready())
            try Matriarch.expectNoChanges(manifest)
            let before = try Lab.allStarts()

            // A secret of an own service on node-3: one env file, one container.
            let marker = "x-sudo"
            let service = """
                services:
                  \(marker):
                    image: haproxy:3.0
                    nodes: [node-3]
                    command: [sleep, infinity]
                    environment: { TOKEN: { secret: admin } }

                """
            let added = try manifest.replacing("rollout:", service + "\nrollout:")
            try Matriarch.apply(added)
            let files = try Lab.ssh(
                "node-3",
                "stat -c '%U %a %n' /opt/lab/env/\(marker).env /opt/lab/.matriarch.lock"
                    + " /opt/lab/state/history.jsonl; sudo -u deploy cat /opt/lab/env/\(marker).env"
                    + " 2>&1 | sed 's/^[^:]*: //'")
            #expect(files.contains("root 600 /opt/lab/env/\(marker).env"), "\(files)")
            #expect(files.contains("Permission denied"), "\(files)")
            #expect(files.contains("/opt/lab/state/history.jsonl"), "\(files)")

            try Matriarch.apply(manifest)
            #expect(try Lab.container(marker, on: "node-3") == "")
            #expect(try !Lab.ssh("node-3", "ls /opt/lab/env").contains(marker))
            #expect(try Lab.allStarts() == before)
        }

        @Test("sudo that asks for a password must be told with the node and what to do")
        func password() throws {
            let manifest = try Self.asDeploy(try ready())
            let rule = "/etc/sudoers.d/deploy"
            try Lab.ssh("node-3", "sed -i 's/NOPASSWD://' \(rule)")
            defer {
                _ = try? Lab.ssh("node-3", "sed -i 's/(ALL) ALL/(ALL) NOPASSWD:ALL/' \(rule)")
            }
            let plan = try Matriarch.plan(manifest)
            #expect(plan.status == 1, "\(plan.text)")
            #expect(
                plan.text.contains(
                    "sudo without a password does not work: sudo: a password is required. Allow it"
                        + " there (deploy ALL=(ALL) NOPASSWD: ALL), or log in as root"),
                "\(plan.text)")
            #expect(plan.text.contains("node-3"), "\(plan.text)")
        }

        @Test("a user that may not speak to docker, without sudo, must be told of sudo")
        func withoutSudo() throws {
            let manifest = try ready().replacing("      user: root\n", "      user: deploy\n")
            let plan = try Matriarch.plan(manifest)
            #expect(plan.status == 1, "\(plan.text)")
            #expect(plan.text.contains("ssh.sudo"), "\(plan.text)")
        }
    }
}
