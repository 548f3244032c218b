import Cluster
import Foundation
import TestProcesses
import Testing

@testable import RemoteCommands

/// Every command, built of texts that a shell would take apart, and run by real shells: docker must
/// be called with exactly the arguments meant, and read exactly the input meant.
///
/// `MATRIARCH_SEED` replaces the seeds, to see a failure again.
@Suite("Hostile texts in commands", .ownThreads)
struct HostileTextTests {
    static let seeds: [UInt64] =
        ProcessInfo.processInfo.environment["MATRIARCH_SEED"].flatMap(UInt64.init).map { [$0] }
        ?? Array(1...20)

    /// A command, the calls of docker that it has to make, and the input that these have to read.
    private struct Case {
        var command: Command
        var calls: [[String]]
        var input = ""
        var files: [String: String] = [:]
    }

    /// Docker as a function of the shell: it notes its arguments with NUL between them, and answers
    /// as if whatever is asked for were there.
    private static let docker = #"""
        docker() {
          printf '%s\0' "$#" "$@" >> "$calls"
          case "$1 $2" in
            'ps -aq') case $5 in id=*) echo found ;; esac ;;
            'volume ls') printf '%s\n' "$volume" ;;
            'exec -i') cat > "$input" ;;
          esac
        }

        """#

    @Test(
        "docker's arguments and input are exactly those meant, in dash, busybox and bash",
        arguments: Shell.different)
    func exact(shell: Shell) throws {
        for seed in Self.seeds {
            let scratch = try Scratch()
            var hostile = HostileText(seed: seed)
            let directory = "\(scratch.path)/\(hostile.fileName())"
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            let project = Project(name: hostile.word(), directory: directory)
            let volume = hostile.line()
            var script = Self.docker
            let cases = try Self.cases(project, volume: volume, &hostile)
            for (number, one) in cases.enumerated() {
                var bytes = Data()
                switch one.command.script.input {
                case .none: break
                case .plain(let text): bytes = Data(text.utf8)
                case .sensitive(let secret): bytes = Data(secret.reveal().utf8)
                }
                try bytes.write(to: scratch.url.appending(path: "stdin.\(number)"))
                let name = try ShellWord.quote("\(project.name)_\(volume)")
                script += """
                    calls='\(scratch.path)/calls.\(number)' input='\(scratch.path)/input.\(number)'
                    volume=\(name)
                    (
                    \(one.command.script.text)
                    ) < '\(scratch.path)/stdin.\(number)' ||
                        echo "\(number) ended with $?" >&2

                    """
            }
            try scratch.write(script, to: "script")
            let answer = try shell.run(Script(". '\(scratch.path)/script'", limit: .seconds(60)))
            #expect(
                answer == Shell.Answer(status: 0, output: "", errors: ""), "seed \(seed)")
            for (number, one) in cases.enumerated() {
                let place = "seed \(seed), \(one.command.summary.debugDescription)"
                #expect(
                    try Self.calls(scratch, number) == one.calls, "\(place)")
                let input = scratch.url.appending(path: "input.\(number)")
                let read = (try? Data(contentsOf: input)) ?? Data()
                #expect(read == Data(one.input.utf8), "\(place)")
                for (path, content) in one.files {
                    let written = try? Data(contentsOf: URL(filePath: "\(directory)/\(path)"))
                    #expect(written == Data(content.utf8), "\(place), \(path.debugDescription)")
                }
            }
        }
    }

    private static func calls(_ scratch: Scratch, _ number: Int) throws -> [[String]] {
        let file = scratch.url.appending(path: "calls.\(number)")
        guard let data = try? Data(contentsOf: file) else { return [] }
        var fields = data.split(separator: 0, omittingEmptySubsequences: false)[...]
            .map { String(decoding: $0, as: UTF8.self) }[...]
        var calls: [[String]] = []
        while let count = fields.popFirst().flatMap({ Int($0) }) {
            calls.append(Array(fields.prefix(count)))
            fields = fields.dropFirst(count)
        }
        return calls
    }

    private static func cases(
        _ project: Project, volume: String, _ hostile: inout HostileText
    ) throws -> [Case] {
        let limit = Duration.seconds(60)
        let image = hostile.word()
        let id = hostile.word()
        let service = ServiceName(hostile.word())
        let member = EtcdName(hostile.word())
        let peer = hostile.word()
        let sql = hostile.text(upTo: 100_000)
        var files: [String: String] = [:]
        for _ in 0..<3 {
            files[hostile.fileName()] = hostile.text(upTo: 500)
            files["env/\(hostile.fileName())"] = hostile.text(upTo: 5000)
        }
        let configuration = FileSpec(
            path: "haproxy/\(hostile.fileName())", content: ResolvedText(hostile.text(upTo: 2000)))
        let etcdctl = [
            "exec", "-e", "ETCDCTL_API=3", id, "etcdctl", "--endpoints=http://127.0.0.1:2379",
            "--command-timeout=10s",
        ]
        let mine = [
            "ps", "-aq", "--no-trunc", "--filter",
            "label=com.docker.compose.project=\(project.name)", "--filter",
            "label=com.docker.compose.service=\(service)", "--filter",
            "label=com.docker.compose.oneoff=False",
        ]
        let compose = [
            "compose", "--ansi", "never", "-p", project.name, "-f", "compose.yaml", "up", "-d",
            "--no-deps", "--no-build", "--pull", "never", "--no-recreate", "-t", "10",
            service.rawValue,
        ]
        return [
            Case(
                command: try .pullImage(ImageReference(image), limit: limit),
                calls: [["pull", "--quiet", image]]),
            Case(
                command: try .composeUp(
                    service, in: project, recreating: false, grace: .seconds(10), limit: limit),
                calls: [
                    mine, ["network", "inspect", "\(project.name)_default"], compose,
                ]),
            Case(
                command: try .startContainer(id, service: service), calls: [["start", id]]),
            Case(
                command: try .restartContainer(
                    id, service: service, grace: .seconds(10), limit: limit),
                calls: [["restart", "-t", "10", id]]),
            Case(
                command: try .stopAndRemove(
                    id, service: service, in: project, grace: .seconds(10),
                    deletingVolume: volume, limit: limit),
                calls: [
                    ["ps", "-aq", "--no-trunc", "--filter", "id=\(id)"], ["stop", "-t", "10", id],
                    ["rm", id], ["volume", "ls", "-q"],
                    ["volume", "rm", "\(project.name)_\(volume)"],
                ]),
            Case(
                command: try .addEtcdLearner(member, peerURL: peer, through: id),
                calls: [
                    etcdctl + [
                        "-w", "json", "member", "add", member.rawValue, "--learner",
                        "--peer-urls=\(peer)",
                    ]
                ]),
            Case(
                command: try .promoteEtcd(member, id: 255, through: id),
                calls: [etcdctl + ["member", "promote", "ff"]]),
            Case(
                command: try .removeEtcdMember(member, id: 255, through: id),
                calls: [etcdctl + ["member", "remove", "ff"]]),
            Case(
                command: try .psql(
                    ResolvedText(sensitive: Secret(sql)), summary: "SQL", in: id),
                calls: [
                    [
                        "exec", "-i", "-e", "PGAPPNAME=matriarch", id, "timeout", "-s", "INT",
                        "-k", "5", "100", "psql", "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-v",
                        "VERBOSITY=terse", "-v",
                        "SHOW_CONTEXT=never", "-U", "postgres", "-d", "postgres",
                    ]
                ], input: sql + "\n-- the end\n"),
            Case(
                command: try .writeFiles(
                    files.sorted { $0.key < $1.key }.map {
                        FileSpec(path: $0.key, content: ResolvedText(sensitive: Secret($0.value)))
                    }, in: project), calls: [], files: files),
            Case(
                command: try .keepAside(
                    moving: [hostile.fileName()], copying: [hostile.fileName()], in: project),
                calls: []),
            Case(command: try .makeDirectory(project), calls: []),
        ] + (try reload(configuration, id, project))
    }

    /// The temporary file's name has the shell's own number in it, so the first call is not compared
    /// here, only that what was sent is in place and that the right container is signalled.
    private static func reload(
        _ file: FileSpec, _ id: String, _ project: Project
    ) throws -> [Case] {
        let whole = try Command.reloadHAProxy(file, container: id, in: project)
        var command = whole
        command.script.text = whole.script.text.replacingOccurrences(
            of: "docker exec", with: "true exec")
        return [
            Case(
                command: command, calls: [["kill", "-s", "HUP", id]],
                files: [file.path: file.content.reveal()])
        ]
    }

    @Test("a NUL byte anywhere is refused before anything is sent")
    func nul() {
        let bad = "a\0b"
        let good = Project(name: "crm", directory: "/opt/crm")
        let limit = Duration.seconds(1)
        let builders: [() throws -> Command] = [
            { try .pullImage(ImageReference(bad), limit: limit) },
            { try .makeDirectory(Project(name: "x", directory: bad)) },
            { try .keepAside(moving: [bad], copying: [], in: good) },
            { try .startContainer(bad, service: "a") },
            {
                try .restartContainer(bad, service: "a", grace: limit, limit: limit)
            },
            {
                try .composeUp(
                    ServiceName(bad), in: good, recreating: true, grace: limit, limit: limit)
            },
            {
                try .composeUp(
                    "a", in: Project(name: bad, directory: "/opt"), recreating: true, grace: limit,
                    limit: limit)
            },
            {
                try .stopAndRemove(
                    "4f1c", service: "a", in: good, grace: limit, deletingVolume: bad, limit: limit)
            },
            {
                try .addEtcdLearner(EtcdName(bad), peerURL: "http://a", through: "9ab")
            },
            {
                try .addEtcdLearner("etcd-4", peerURL: bad, through: "9ab")
            },
            { try .removeEtcdMember("etcd-4", id: 1, through: bad) },
            {
                try .psql(ResolvedText("select 1"), summary: "SQL", in: bad)
            },
            {
                try .writeFiles([FileSpec(path: bad, content: ResolvedText(""))], in: good)
            },
            {
                try .reloadHAProxy(
                    FileSpec(path: "haproxy.cfg", content: ResolvedText("")), container: bad,
                    in: good)
            },
        ]
        for build in builders {
            let error = #expect(throws: UnquotableText.self) { try build() }
            #expect(error?.text.contains("\0") == true)
        }
    }
}

/// Texts that shells, env files, YAML and SQL trip over, the same ones from the same seed.
struct HostileText {
    private var generator: Seeded
    init(seed: UInt64) { generator = Seeded(state: seed) }

    private static let pieces = [
        "'", "\"", "\\", "$", "`", "!", "#", "&", ";", "|", "(", ")", "<", ">", "*", "?", "[", "]",
        "{", "}", "~", "=", "%", " ", "\t", "\n", "\r", "\r\n", "\u{1}", "\u{1b}[2J", "\u{7f}",
        "\u{85}", "\u{9b}", "a", "Z", "0", "é", "e\u{301}", "✓", "\u{1f600}", "\u{202e}",
        "\u{2028}",
        "\u{feff}", "\u{200b}", "-", "--", "-x", "$(id)", "`id`", "${HOME}", "$$", "$'x'", "%s",
        "\\n",
        "\\", "'\\''", "EOF", "&&", "||", ">/dev/null", "x=y", ":", "@", ",", "^", "+",
    ]

    mutating func text(upTo most: Int) -> String {
        var text = ""
        // Mostly short, sometimes as long as may be.
        let bytes =
            Int.random(in: 0..<4, using: &generator) == 0
            ? most : Int.random(in: 0...min(most, 24), using: &generator)
        while text.utf8.count < bytes {
            text += Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &generator)]
        }
        return text
    }

    /// Not empty; at most some dozen bytes.
    mutating func word() -> String {
        let text = text(upTo: 40)
        return text.isEmpty ? "-" : text
    }

    /// Of what docker prints one a line.
    mutating func line() -> String {
        word().replacingOccurrences(of: "\n", with: "").replacingOccurrences(of: "\r\n", with: "")
            + "v"
    }

    /// Any bytes but those that end a name.
    mutating func fileName() -> String {
        word().replacingOccurrences(of: "/", with: "") + "f"
    }
}
