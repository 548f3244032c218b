import Cluster
import TestProcesses
import Testing

@testable import RemoteCommands

@Suite("Writing files on a node", .ownThreads)
struct FileCommandTests {
    let project = Project(name: "crm", directory: "/opt/crm")

    @Test(
        "a folder that a harmless file made must be closed once a secret file joins it",
        arguments: Shell.all)
    func closedFolder(shell: Shell) throws {
        let scratch = try Scratch()
        let project = Project(name: "crm", directory: scratch.path)
        for file in [
            FileSpec(path: "env/etcd.first-start.env", content: ResolvedText("A=b")),
            FileSpec(path: "env/rest.env", content: ResolvedText("A=b"), mode: 0o600),
        ] {
            let answer = try shell.run(try Command.writeFiles([file], in: project).script)
            #expect(answer == Shell.Answer(status: 0, output: "", errors: ""))
        }
        #expect(try scratch.mode("env") == 0o700)
    }

    @Test("the whole script, with lengths in bytes and no content in it")
    func text() throws {
        let command = try Command.writeFiles(
            [
                FileSpec(path: "compose.yaml", content: ResolvedText("é\n")),
                FileSpec(
                    path: "env/a.env", content: ResolvedText(sensitive: Secret("K=\"secret\"\n")),
                    mode: 0o600),
            ], in: project)
        #expect(command.summary == "write compose.yaml, env/a.env")
        #expect(
            command.script.text == Prelude.text + "cd /opt/crm\n" + Command.receiving + """
                receive 14
                stage compose.yaml 644 755 1 3
                stage env/a.env 600 700 4 11
                place compose.yaml
                place env/a.env

                """)
        #expect(command.script.input == .sensitive(Secret("é\nK=\"secret\"\n")))
    }

    @Test(
        "content arrives byte for byte, with its modes, and leaves nothing else",
        arguments: Shell.all)
    func arrives(shell: Shell) throws {
        let scratch = try Scratch()
        var generator = Seeded(state: 11)
        let scalars: [Unicode.Scalar] = ["\0", "\n", "\r", "'", "\\", "é", "a", "\u{1f600}", "%"]
        var large = ""
        while large.utf8.count < 300_000 {
            if let next = scalars.randomElement(using: &generator) {
                large.unicodeScalars.append(next)
            }
        }
        try scratch.write("old", to: "compose.yaml")
        let command = try Command.writeFiles(
            [
                FileSpec(path: "compose.yaml", content: ResolvedText(large)),
                FileSpec(
                    path: "env/it's $x.env", content: ResolvedText("no line end"), mode: 0o600),
                FileSpec(path: "haproxy/haproxy.cfg", content: ResolvedText("")),
            ], in: Project(name: "crm", directory: scratch.path))
        for _ in 1...2 {
            let answer = try shell.run(command.script)
            #expect(answer == Shell.Answer(status: 0, output: "", errors: ""))
        }
        #expect(try scratch.text("compose.yaml") == large)
        #expect(try scratch.text("env/it's $x.env") == "no line end")
        #expect(try scratch.text("haproxy/haproxy.cfg") == "")
        #expect(try scratch.mode("compose.yaml") == 0o644)
        #expect(try scratch.mode("env/it's $x.env") == 0o600)
        #expect(try scratch.mode("env") == 0o700)
        #expect(try scratch.mode("haproxy") == 0o755)
        #expect(
            try scratch.names() == [
                "compose.yaml", "env", "env/it's $x.env", "haproxy", "haproxy/haproxy.cfg",
            ])
    }

    @Test("a connection lost in the middle of the content changes no file", arguments: Shell.all)
    func truncated(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.write("old", to: "compose.yaml")
        let command = try Command.writeFiles(
            [
                FileSpec(path: "compose.yaml", content: ResolvedText("new content")),
                FileSpec(path: "other", content: ResolvedText("more")),
            ], in: Project(name: "crm", directory: scratch.path))
        let answer = try shell.run(command.script, truncatingInputTo: 12)
        #expect(
            answer
                == Shell.Answer(
                    status: 74, output: "",
                    errors: "the files did not arrive whole; nothing was changed\n"))
        #expect(try scratch.text("compose.yaml") == "old")
        #expect(try scratch.names() == ["compose.yaml"])
    }

    @Test("a directory in a file's place is refused, not written into", arguments: Shell.all)
    func directoryInTheWay(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.write("old", to: "first")
        try scratch.program("compose.yaml")
        _ = try shell.run(
            Script("cd '\(scratch.path)'; rm compose.yaml; mkdir compose.yaml", limit: .seconds(9)))
        let command = try Command.writeFiles(
            [
                FileSpec(path: "first", content: ResolvedText("new")),
                FileSpec(path: "compose.yaml", content: ResolvedText("x")),
            ], in: Project(name: "crm", directory: scratch.path))
        let answer = try shell.run(command.script)
        #expect(
            answer
                == Shell.Answer(
                    status: 73, output: "", errors: "compose.yaml is a directory; expected a file\n"
                ))
        #expect(try scratch.text("first") == "old")
        #expect(try scratch.names() == ["compose.yaml", "first"])
    }

    @Test(
        "a project directory that is missing is an error, not a write elsewhere",
        arguments: Shell.all)
    func missingDirectory(shell: Shell) throws {
        let scratch = try Scratch()
        let command = try Command.writeFiles(
            [FileSpec(path: "a", content: ResolvedText("x"))],
            in: Project(name: "crm", directory: scratch.path + "/none"))
        #expect(try shell.run(command.script).status != 0)
        #expect(try scratch.names() == [])
    }

    @Test("the project's directory is created once, readable by containers", arguments: Shell.all)
    func makesDirectory(shell: Shell) throws {
        let scratch = try Scratch()
        let command = try Command.makeDirectory(
            Project(name: "crm", directory: scratch.path + "/a b/crm"))
        #expect(command.summary == "create \(scratch.path)/a b/crm")
        for _ in 1...2 { #expect(try shell.run(command.script).status == 0) }
        #expect(try scratch.mode("a b/crm") == 0o755)
        #expect(
            try Command.makeDirectory(project).script.text
                == Prelude.text + "umask 022\nmkdir -p -- /opt/crm\n")
    }

    @Test("what is moved aside never overwrites what was moved before", arguments: Shell.all)
    func movesAside(shell: Shell) throws {
        let scratch = try Scratch()
        let command = try Command.keepAside(
            moving: ["compose.yaml", "docker-compose.yml"], copying: [],
            in: Project(name: "crm", directory: scratch.path))
        #expect(command.summary == "keep compose.yaml, docker-compose.yml aside")
        for content in ["1", "2", "3"] {
            try scratch.write(content, to: "compose.yaml")
            #expect(
                try shell.run(command.script) == Shell.Answer(status: 0, output: "", errors: ""))
        }
        // Nothing left to move: a repetition after a crash.
        #expect(try shell.run(command.script) == Shell.Answer(status: 0, output: "", errors: ""))
        #expect(
            try scratch.names() == [
                "compose.yaml.before-matriarch", "compose.yaml.before-matriarch.2",
                "compose.yaml.before-matriarch.3",
            ])
        #expect(try scratch.text("compose.yaml.before-matriarch") == "1")
        #expect(try scratch.text("compose.yaml.before-matriarch.3") == "3")
    }

    @Test("a file that HAProxy reads stays in its place, and is copied once", arguments: Shell.all)
    func copiesAside(shell: Shell) throws {
        let scratch = try Scratch()
        let command = try Command.keepAside(
            moving: [], copying: ["haproxy.cfg"],
            in: Project(name: "crm", directory: scratch.path))
        for content in ["by hand", "by hand", "by another hand"] {
            try scratch.write(content, to: "haproxy.cfg")
            #expect(
                try shell.run(command.script) == Shell.Answer(status: 0, output: "", errors: ""))
        }
        #expect(
            try scratch.names() == [
                "haproxy.cfg", "haproxy.cfg.before-matriarch", "haproxy.cfg.before-matriarch.2",
            ])
        #expect(try scratch.text("haproxy.cfg.before-matriarch") == "by hand")
        #expect(try scratch.text("haproxy.cfg.before-matriarch.2") == "by another hand")
    }

    @Test(
        "only what still begins as Matriarch's files do is removed; a repetition is no error",
        arguments: Shell.all)
    func removes(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.write("# Written by Matriarch. Edit the manifest\nA=1\n", to: "it's $x.env")
        try scratch.write("A=1\n# Written by somebody\n", to: "theirs.env")
        let command = try Command.removeFiles(
            ["it's $x.env", "theirs.env", "gone.env"],
            in: Project(name: "crm", directory: scratch.path))
        #expect(command.summary == "remove it's $x.env, theirs.env, gone.env")
        for _ in 1...2 {
            #expect(
                try shell.run(command.script) == Shell.Answer(status: 0, output: "", errors: ""))
            #expect(try scratch.names() == ["theirs.env"])
        }
        let nowhere = try Command.removeFiles(
            ["a.env"], in: Project(name: "crm", directory: scratch.path + "/gone"))
        #expect(try shell.run(nowhere.script) == Shell.Answer(status: 0, output: "", errors: ""))
    }
}
