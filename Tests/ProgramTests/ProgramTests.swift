import Cluster
import Foundation
import Reporting
import TestProcesses
import Testing

@Suite("The program", .ownThreads)
struct ProgramTests {
    private let manifest = """
        apiVersion: matriarch/v1
        kind: Cluster
        name: shop
        project: { name: shop, directory: /opt/shop }
        nodes:
          n-1: { address: 127.0.0.1, ssh: { user: nobody, port: 1, knownHosts: none } }
        secrets:
          superuser: { env: SUPERUSER }
          replication: { env: REPLICATION }
          admin: { env: ADMIN }
        etcd: { image: "quay.io/coreos/etcd:v3.5.16", members: { etcd: { node: n-1 } } }
        postgres: { image: "ghcr.io/zalando/spilo-17:4.0-p3", database: crm, replicas: 1 }

        """
    private let secrets = [
        "SUPERUSER": "a-long-one", "REPLICATION": "another-one", "ADMIN": "the-third-one",
    ]

    /// An observation of an empty server.
    private func observation(in folder: Folder) throws -> String {
        let node = ObservedNode(dockerVersion: "26.1.5", composeVersion: "2.26.1")
        let saved = SavedObservation(
            cluster: "shop", key: "00", observed: Observed(nodes: ["n-1": .known(node)])
        ) { $0 }
        return try folder.write(saved.json(), to: "observed.json")
    }

    @Test("validate: problems go to the errors' stream, each with its place, and end with 1")
    func validate() throws {
        let folder = try Folder()
        let path = try folder.write(
            manifest.replacing("replicas: 1", with: "replica: 1")
                .replacing("user: nobody", with: "usr: nobody"), to: "shop.yaml")
        let outcome = try Program.run("validate", path)
        #expect(outcome.status == 1)
        #expect(outcome.output == "")
        let lines = outcome.errors.split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("\(path):6:"))
        #expect(lines[1].hasPrefix("\(path):12:"))
        #expect(lines[2] == "matriarch: 2 errors found")
    }

    @Test("validate: what is right is told on standard output and ends with 0")
    func valid() throws {
        let folder = try Folder()
        let outcome = try Program.run("validate", try folder.write(manifest, to: "shop.yaml"))
        #expect(outcome.status == 0)
        #expect(outcome.output == "shop: valid (1 node, 2 members)\n")
    }

    @Test(
        "wrong usage ends with 64",
        arguments: [
            ["plna"], ["plan"], ["apply", "x", "--accept", "everything"],
            ["plan", "x", "--format", "xml"], ["unlock"], ["unlock", "x", "--yes-i-checked"],
            ["unlock", "x", "--force"], ["history"], ["history", "x", "--output", "xml"],
            ["history", "x", "--limit", "-1"],
        ])
    func usage(arguments: [String]) throws {
        let outcome = try Program.shell("exec \"$0\" \(arguments.joined(separator: " "))")
        #expect(outcome.status == 64)
    }

    @Test(
        "a manifest that is not there ends with 1 and names the file",
        arguments: ["plan", "apply", "unlock", "history", "validate", "render", "observe"])
    func missing(command: String) throws {
        let outcome = try Program.run(command, "/nonexistent/shop.yaml")
        #expect(outcome.status == 1)
        #expect(
            outcome.errors
                == "matriarch: /nonexistent/shop.yaml: cannot be read: No such file or directory\n")
    }

    @Test("secrets without a value are all named before any server is asked")
    func noSecrets() throws {
        let folder = try Folder()
        let outcome = try Program.run("plan", try folder.write(manifest, to: "shop.yaml"))
        #expect(outcome.status == 1)
        #expect(
            outcome.errors.split(separator: "\n").map(String.init)
                == ["admin ADMIN", "replication REPLICATION", "superuser SUPERUSER"].map {
                    let words = $0.split(separator: " ")
                    return "matriarch: shop: secret \(words[0]): the environment variable "
                        + "\(words[1]) is not set; export it before running matriarch"
                })
    }

    @Test("a secret that nothing needs is not asked for: its value may be out of reach")
    func unusedSecret() throws {
        let folder = try Folder()
        let path = try folder.write(
            manifest.replacing(
                "secrets:\n",
                with:
                    "secrets:\n  spare: { command: [\"false\"] }\n  authenticator: { env: NONE }\n"),
            to: "shop.yaml")
        let outcome = try Program.run(
            "plan", path, "--observed", try observation(in: folder), environment: secrets)
        #expect(outcome.status == 0)
        #expect(
            outcome.errors
                == "\(path):8:3: warning: 2 secrets are not used: \"spare\", \"authenticator\"; "
                + "take out what nothing needs, or name it where it belongs\n")
    }

    @Test("plan: changes end with 0, and with 2 where asked for; no secret, no colour in a pipe")
    func plan() throws {
        let folder = try Folder()
        let path = try folder.write(manifest, to: "shop.yaml")
        let observed = try observation(in: folder)
        let plain = try Program.run("plan", path, "--observed", observed, environment: secrets)
        #expect(plain.status == 0)
        #expect(plain.errors == "")
        #expect(plain.output.hasPrefix("Plan for shop\n"))
        #expect(plain.output.contains("+ postgres-1    on n-1  bootstrap the cluster"))
        #expect(!plain.output.contains("\u{1b}"))
        for format in ["text", "json", "markdown", "html"] {
            let detailed = try Program.run(
                "plan", path, "--observed", observed, "--detailed-exitcode", "--format", format,
                environment: secrets)
            #expect(detailed.status == 2)
            for secret in secrets.values { #expect(!detailed.output.contains(secret)) }
        }
    }

    @Test("plan -o writes what --format json prints, for its user alone")
    func planFile() throws {
        let folder = try Folder()
        let path = try folder.write(manifest, to: "shop.yaml")
        let observed = try observation(in: folder)
        let file = folder.url.appending(path: "plan.json").path
        let outcome = try Program.run(
            "plan", path, "--observed", observed, "-o", file, "--format", "json",
            environment: secrets)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == outcome.output)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test("a server that cannot be reached is named, and nothing is planned for it")
    func unreachable() throws {
        let folder = try Folder()
        let outcome = try Program.run(
            "plan", try folder.write(manifest, to: "shop.yaml"), environment: secrets)
        #expect(outcome.status == 1)
        #expect(outcome.errors == "matriarch: shop: not everything could be looked at: n-1\n")
        #expect(outcome.output.contains("n-1 could not be looked at"))
        #expect(!outcome.output.contains("bootstrap"))
    }

    @Test("render resolves no secret and writes none")
    func render() throws {
        let folder = try Folder()
        let outcome = try Program.run(
            "render", try folder.write(manifest, to: "shop.yaml"), environment: secrets)
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("# n-1:/opt/shop/compose.yaml (mode 644)\n"))
        #expect(outcome.output.contains("(sensitive)"))
        for secret in secrets.values { #expect(!outcome.output.contains(secret)) }
    }

    @Test("a reader that goes away is no failure")
    func brokenPipe() throws {
        let folder = try Folder()
        let path = try folder.write(manifest, to: "shop.yaml")
        let outcome = try Program.shell(
            "{ \"$0\" render \"$1\"; echo $? >&2; } | head -n 1", path)
        #expect(outcome.errors == "0\n")
    }

    @Test("a plan that was reviewed for another cluster is refused with 3")
    func otherPlan() throws {
        let folder = try Folder()
        let path = try folder.write(manifest, to: "shop.yaml")
        let file = try folder.write(
            #"{"format_version":"1.0","cluster":"bakery","steps":[]}"#, to: "plan.json")
        let outcome = try Program.run(
            "apply", path, "--yes", "--plan", file, environment: secrets)
        #expect(outcome.status == 3)
        #expect(
            outcome.errors
                == "matriarch: shop: refused, as the reviewed plan does not have this cluster\n")
    }

    @Test("a folder is a fleet: all its clusters, in the order of its files")
    func fleet() throws {
        let folder = try Folder()
        _ = try folder.write(manifest, to: "b.yaml")
        _ = try folder.write(
            manifest.replacing("name: shop\n", with: "name: bakery\n"), to: "a.yml")
        _ = try folder.write("no manifest", to: "notes.txt")
        let outcome = try Program.run("validate", folder.url.path)
        #expect(
            outcome.output
                == "bakery: valid (1 node, 2 members)\nshop: valid (1 node, 2 members)\n")
    }

    @Test("help teaches the exit codes")
    func help() throws {
        let outcome = try Program.run("--help")
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("4   apply stopped part-way"))
    }
}
