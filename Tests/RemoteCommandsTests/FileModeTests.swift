import Cluster
import TestProcesses
import Testing

@testable import RemoteCommands

@Suite("Who may read what is written on a node", .ownThreads)
struct FileModeTests {
    @Test(
        "nobody else can read a secret while it is written, whatever the login's umask",
        arguments: Shell.different)
    func whileWritten(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program("head", "find . -printf '%m %p\\n' >> seen\nexec /usr/bin/head \"$@\"")
        let path = "\(scratch.path)/project"
        let project = Project(name: "crm", directory: path)
        let write = try Command.writeFiles(
            [
                FileSpec(path: "compose.yaml", content: ResolvedText("services: {}\n")),
                FileSpec(
                    path: "env/rest.env",
                    content: ResolvedText(sensitive: Secret("K=\"s3cret\"\n")),
                    mode: 0o600),
                FileSpec(
                    path: "env/auth.env",
                    content: ResolvedText(sensitive: Secret("K=\"s3cret\"\n")),
                    mode: 0o600),
            ], in: project)
        var script = write.script
        script.text =
            "umask 000\n(\n" + (try Command.makeDirectory(project)).script.text + ")\n"
            + write.script.text
        #expect(
            try shell.run(script, path: scratch.path)
                == Shell.Answer(status: 0, output: "", errors: ""))
        let seen = try scratch.text("project/seen").split(separator: "\n")
        let temporaries = seen.filter { $0.contains(".matriarch-") }
        // The whole input, and each of the three files beside its place.
        #expect(temporaries.count >= 6)
        for line in temporaries where !line.contains(".compose.yaml.") {
            #expect(line.hasPrefix("600 "), "\(line)")
        }
        for line in seen where line.hasSuffix(" ./env") { #expect(line == "700 ./env") }
        #expect(try scratch.mode("project") == 0o755)
        #expect(try scratch.mode("project/env") == 0o700)
        #expect(try scratch.mode("project/env/rest.env") == 0o600)
        #expect(try scratch.mode("project/env/auth.env") == 0o600)
        #expect(try scratch.mode("project/compose.yaml") == 0o644)
    }
}
