import Foundation
import Testing

extension LabTests {
    /// After every command of the program has run on real servers: its secrets are in the env files,
    /// for root alone, in the containers that need them, and nowhere else (S10).
    @Suite(.serialized) struct SecretsNowhereTests {
        private static let servers = ["node-1", "node-2", "node-3"]

        /// The lab's own, and hostile ones for what takes any text.
        private static func environment() throws -> [String: String] {
            var secrets = try Lab.secrets()
            secrets["PGPASSWORD_SUPERUSER"] = #"s"up$er\pass`w0rd #{x} %41 =!"#
            secrets["PGPASSWORD_STANDBY"] = #"-st"and$by\pass w0rd;"#
            secrets["JWT_SECRET"] = "j'wt$\"sec\\ret-with-at-least-32-characters"
            return secrets
        }

        // Six minutes of every command: with the faults, which are run whole by `make faults`.
        @Test(
            "secrets are in no output, file, history or process list but the env files' own",
            .enabled(if: Faults.areAllWanted))
        func nowhere() throws {
            try Lab.lab("up", "three")
            try Lab.lab("reset", "three")
            // Who comes next knows the lab's own passwords alone.
            defer { _ = try? Lab.lab("reset", "three") }
            let environment = try Self.environment()
            let values = Set(environment.values.filter { $0.utf8.count >= 8 })
            let folder = FileManager.default.temporaryDirectory
                .appending(path: "matriarch-secrets-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            for server in Self.servers { try Lab.ssh(server, Self.startSampling) }
            defer { for server in Self.servers { _ = try? Lab.ssh(server, Self.stopSampling) } }

            let outputs = try Self.runEverything(environment, in: folder)

            for (what, text) in outputs { Self.expectNone(of: values, in: text, what) }
            for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                let path = folder.appending(path: file)
                let text = String(decoding: try Data(contentsOf: path), as: UTF8.self)
                Self.expectNone(of: values, in: text, file)
                let mode = try FileManager.default.attributesOfItem(atPath: path.path)[
                    .posixPermissions]
                #expect(mode as? Int == 0o600, "\(file)")
            }
            for server in Self.servers {
                let seen = try Lab.ssh(server, Self.stopSampling)
                // It really saw what ran.
                #expect(seen.contains("docker compose"), "\(server)")
                // Not the admin's: the lab's own image gives it to psql as an argument.
                let ours = values.subtracting([environment["PGPASSWORD_ADMIN"] ?? ""])
                Self.expectNone(of: ours, in: seen, "the processes of \(server)")
                try Self.checkFiles(of: server, values)
            }
            // The hostile passwords are the ones that really work.
            let isUp = try run(
                "psql",
                ["-XAtq", "-h", "172.30.0.11", "-p", "5000", "-U", "postgres", "-c", "select 7"],
                environment: [
                    "PGPASSWORD": environment["PGPASSWORD_SUPERUSER"] ?? "",
                    "PGCONNECT_TIMEOUT": "5",
                ])
            #expect(isUp.output == "7\n", "\(isUp.errors)")
        }

        /// Every command once, one apply that ends well and one that does not.
        private static func runEverything(
            _ environment: [String: String], in folder: URL
        ) throws -> [(String, String)] {
            let manifest = try Manifest("lab-three")
            let path = try manifest.write()
            var outputs: [(String, String)] = []
            @discardableResult
            func matriarch(_ arguments: String...) throws -> Outcome {
                let outcome = try Child(Repository.program, arguments, environment: environment)
                    .wait()
                outputs.append((arguments.joined(separator: " "), outcome.text))
                return outcome
            }
            func file(_ name: String) -> String { folder.appending(path: name).path }
            try matriarch("validate", path)
            try matriarch("render", path)
            for format in ["text", "json", "markdown", "html"] {
                try matriarch("plan", path, "--format", format)
            }
            try matriarch("plan", path, "-o", file("plan.json"))
            let applied = try matriarch("apply", path, "--yes")
            #expect(applied.status == 0, "\(applied.text)")
            try matriarch("observe", path, "-o", file("seen.json"))
            let offline = try matriarch("plan", path, "--observed", file("seen.json"))
            #expect(offline.output.contains("No changes"), "\(offline.text)")
            try matriarch("history", path)

            // What fails tells the reason in the words of docker.
            let broken = try manifest.replacing(
                "postgrest/postgrest:v14.5", "postgrest/postgrest:not-there")
            let failed = try matriarch("apply", try broken.write(), "--yes")
            #expect(failed.status == 4, "\(failed.text)")
            _ = try manifest.write()
            return outputs
        }

        /// Notes what runs on a server, over and over, where root alone can read it. It ends by
        /// itself when its file is gone. Not an `ssh` of ours that lives as long: it closes what
        /// Foundation tells the end of a child by, and Foundation then waits for no other one.
        private static let startSampling = """
            umask 077; : > /root/sampled
            nohup sh -c 'while [ -e /root/sampled ]; do
                cat /proc/[0-9]*/cmdline 2> /dev/null | tr "\\0" " " >> /root/sampled
                echo >> /root/sampled; sleep 0.2; done' > /dev/null 2>&1 < /dev/null &
            """
        private static let stopSampling = """
            [ ! -e /root/sampled ] || { mv /root/sampled /root/samples; cat /root/samples; }
            rm -f /root/sampled /root/samples
            """

        private static func checkFiles(of server: String, _ values: Set<String>) throws {
            // As a user without any right, wherever files for everybody are.
            let open = try Lab.ssh(
                server,
                "cd / && runuser -u nobody -- find /opt /tmp /var/tmp /run /root /home /etc -xdev"
                    + " -type f -readable -size -4096k -exec cat {} + 2> /dev/null || true")
            #expect(open.contains("services:"), "\(server)")
            expectNone(of: values, in: open, "what everybody can read on \(server)")
            // What is ours, readable or not, but for the env files.
            let ours = try Lab.ssh(
                server, "find /opt -type f ! -path '*/env/*' -exec cat {} +")
            #expect(ours.contains("services:"), "\(server)")
            expectNone(of: values, in: ours, "the project's files on \(server)")
            let modes = try Lab.ssh(
                server,
                "find /opt/*/env ! -type f -printf '%m %y\\n' -o -name '*.env' -printf '%m %f\\n'")
            for line in modes.split(separator: "\n") where !line.contains("first-start") {
                #expect(
                    ["700 d", "755 d"].contains(line) || line.hasPrefix("600 "),
                    "\(server): \(line)")
            }
            let left = try Lab.ssh(server, "find /opt /tmp -name '*.matriarch-[0-9]*'")
            #expect(left == "", "\(server)")
        }

        /// As it is, and as base64, addresses, JSON and SQL write it.
        private static func expectNone(
            of values: Set<String>, in text: String, _ what: String,
            location: SourceLocation = #_sourceLocation
        ) {
            for (number, value) in values.sorted().enumerated() {
                let json = (try? JSONEncoder().encode([value])).map {
                    String(decoding: $0.dropFirst(2).dropLast(2), as: UTF8.self)
                }
                let forms = [
                    value, json ?? value,
                    value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? value,
                    Data(value.utf8).base64EncodedString().replacingOccurrences(of: "=", with: ""),
                    value.replacingOccurrences(of: "'", with: "''"),
                    value.replacingOccurrences(of: "$", with: "$$"),
                ]
                // The value itself is in no message either.
                #expect(
                    !forms.contains(where: text.contains), "secret \(number) is in \(what)",
                    sourceLocation: location)
            }
        }
    }
}
