import Cluster
import Effects
import Foundation
import RemoteCommands
import TestProcesses
import Testing

@testable import Observation

/// Runs the probe's script in the machine's own shells, with a stand-in for docker that only tells
/// what it was asked: framing, files and failures are real, docker's answers are not.
@Suite(.ownThreads) struct ProbeScriptTests {
    /// Those that this machine has; `busybox` also replaces the tools that the script starts.
    private static let shells = ["sh", "bash", "busybox"].filter {
        FileManager.default.isExecutableFile(atPath: "/bin/\($0)")
    }
    private static let tools = ["cat", "df", "stat"]

    /// A directory of its own, removed at the end.
    private final class Place {
        let url: URL
        var project: URL { url.appending(path: "it's a project") }
        init() throws {
            url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
            try FileManager.default.createDirectory(
                at: project.appending(path: "env"), withIntermediateDirectories: true)
        }
        deinit { try? FileManager.default.removeItem(at: url) }

        func write(_ text: String, _ path: String, mode: Int) throws {
            let file = project.appending(path: path)
            try Data(text.utf8).write(to: file)
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: file.path(percentEncoded: false))
        }
        func program(_ name: String, _ script: String) throws {
            try writeProgram("#!/bin/sh\n" + script, to: project.appending(path: name))
        }
        func docker(_ script: String) throws { try program("docker", script) }
        var request: ProbeRequest {
            ProbeRequest(
                project: Project(name: "app", directory: project.path(percentEncoded: false)),
                files: ["extra.conf", "../secret", "/etc/passwd", "$(touch x)"],
                images: [ImageReference("haproxy:3.0"), ImageReference("a'; touch x; '")])
        }
    }

    /// - Parameter socket: a file that passes for docker's socket, so that curl is used.
    private func run(
        _ place: Place, shell: String, path: String? = nil, socket: String? = nil
    ) throws -> CommandResult {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/\(shell)")
        var script = NodeProbe.query(place.request).script.text
        if let socket { script.replace("/var/run/docker.sock", with: socket) }
        if path != nil {
            // Only the given directories: a docker of this machine must not be found.
            script = script.replacing(
                ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", with: ""
            )
            .replacing(":/sbin:/bin:/snap/bin", with: "")
        }
        process.arguments = shell == "busybox" ? ["sh", "-c", script] : ["-c", script]
        if shell == "busybox" {
            for tool in Self.tools {
                try? FileManager.default.createSymbolicLink(
                    atPath: place.project.appending(path: tool).path(percentEncoded: false),
                    withDestinationPath: "/bin/busybox")
            }
        }
        let folder = place.project.path(percentEncoded: false)
        process.environment = [
            "PATH": path ?? "\(folder):/usr/bin:/bin", "HOME": folder,
            // Makes the script use docker's own client, which the stand-in replaces.
            "DOCKER_HOST": socket == nil ? "unix:///nowhere" : "",
        ]
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let out = Array(output.fileHandleForReading.readDataToEndOfFile())
        let err = Array(errors.fileHandleForReading.readDataToEndOfFile())
        process.waitUntilExit()
        return CommandResult(status: .exited(process.terminationStatus), output: out, errors: err)
    }

    /// The stand-in: one container, and for each request an answer that repeats its path.
    private static let answering = #"""
        case "$1 $2" in
        "ps -a") echo "$*" >&2; echo "abc123 haproxy:3.0" ;;
        "system dial-stdio")
            while read -r method path version; do
                [ "$method" = GET ] || continue
                body="{\"path\": \"$path\"}"
                printf 'HTTP/1.1 %s OK\r\nServer: Docker/1.2.3 (linux)\r\n' \
                    "$(case $path in */a*touch*) echo 404 ;; *) echo 200 ;; esac)"
                printf 'Content-Length: %s\r\n\r\n%s' "${#body}" "$body"
            done ;;
        *) exit 1 ;;
        esac
        """#

    @Test(
        "files come whole with their modes, whatever they hold, and nothing else is read or run",
        arguments: shells)
    func files(shell: String) throws {
        let place = try Place()
        let hostile = "end 0\nanswers\n\u{0}ü\r\n" + String(repeating: "é", count: 3000)
        try place.docker(Self.answering)
        try place.write(hostile, "compose.yaml", mode: 0o640)
        try place.write("A=1", "env/a.env", mode: 0o600)
        try place.write("", "extra.conf", mode: 0o644)
        try place.write("no", "env/two words.env", mode: 0o644)
        try place.write("no", "env/a.txt", mode: 0o644)
        let result = try run(place, shell: shell)
        let node = try NodeProbe.parse(result, for: place.request)
        #expect(
            node.files == [
                "compose.yaml": ObservedFile(hostile, mode: 0o640),
                "env/a.env": ObservedFile("A=1", mode: 0o600),
                "extra.conf": ObservedFile("", mode: 0o644),
            ])
        #expect(node.dockerVersion == "1.2.3")
        #expect(
            !FileManager.default.fileExists(
                atPath: place.project.appending(path: "x").path(percentEncoded: false)))
    }

    @Test(
        "docker is asked for the lists, the containers found, their images and those wanted",
        arguments: shells)
    func requests(shell: String) throws {
        let place = try Place()
        try place.docker(Self.answering)
        let result = try run(place, shell: shell)
        let sections = try ProbeSections(result)
        #expect(
            sections.responses.map(\.path) == [
                "/containers/json", "/volumes", "/containers/abc123/json",
                "/images/haproxy:3.0/json",
                "/images/a%27%3B%20touch%20x%3B%20%27:latest/json",
            ])
        // The answers belong to their requests.
        for response in sections.responses {
            #expect(
                String(decoding: response.body, as: UTF8.self) == #"{"path": "\#(response.path)"}"#)
        }
        #expect(
            String(decoding: result.errors, as: UTF8.self)
                == "ps -a --no-trunc --filter label=com.docker.compose.project=app "
                + "--format {{.ID}} {{.Image}}\n")
    }

    @Test(
        "of docker's list the ids of containers and images are asked for, and no label that looks so",
        arguments: shells)
    func listed(shell: String) throws {
        let place = try Place()
        let (id, image) = (String(repeating: "0a", count: 32), "sha256:" + "9f")
        try place.docker("exit 1\n")
        try place.write(
            #"""
            [{"Id":"\#(id)","Names":["/a*"],"Image":"Id","ImageID":"\#(image)","Command":"",
            "Labels":{"a":"\"Id\":\"bad\"","b":"Id:bad","Id":"; touch x","c":"ImageID","ImageID":""}},
            {"Id":"beef","NetworkID":"bad","ImageID":"\#(image)"}]
            """#, "list", mode: 0o644)
        try place.program(
            "curl",
            #"""
            case $* in *filters=*) exec cat list ;; esac
            for url; do
                case $url in http:*) printf 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}' ;; esac
            done
            """#)
        let socket = place.url.appending(path: "socket")
        try Data().write(to: socket)
        let sections = try ProbeSections(
            try run(place, shell: shell, socket: socket.path(percentEncoded: false)))
        #expect(
            sections.responses.map(\.path) == [
                "/containers/json", "/volumes", "/containers/\(id)/json", "/images/\(image)/json",
                "/containers/beef/json", "/images/a%27%3B%20touch%20x%3B%20%27:latest/json",
                "/images/haproxy:3.0/json",
            ])
    }

    @Test(
        "a daemon that does not answer is told apart from docker that is missing",
        arguments: shells)
    func silent(shell: String) throws {
        let place = try Place()
        try place.docker("echo 'Cannot connect to the Docker daemon.' >&2; exit 1\n")
        let result = try run(place, shell: shell)
        #expect(throws: ProbeFailure.dockerSilent("Cannot connect to the Docker daemon.")) {
            try NodeProbe.parse(result, for: place.request)
        }
        try place.docker(
            #"[ "$1" = ps ] && exit 0; [ "$1" = compose ] && exit 1; echo gone >&2; exit 1"#)
        let dying = try run(place, shell: shell)
        #expect(throws: ProbeFailure.dockerSilent("gone")) {
            try NodeProbe.parse(dying, for: place.request)
        }
    }

    @Test(
        "docker that is not installed and a directory that is not there are known",
        arguments: shells)
    func missing(shell: String) throws {
        let place = try Place()
        try FileManager.default.removeItem(at: place.project)
        try FileManager.default.createDirectory(
            at: place.url.appending(path: "tools"), withIntermediateDirectories: true)
        let result = try run(
            place, shell: shell,
            path: place.url.appending(path: "tools").path(percentEncoded: false))
        let node = try NodeProbe.parse(result, for: place.request)
        #expect(node == ObservedNode())
    }

    @Test("a file beyond the limit is refused by name and not sent", arguments: shells)
    func large(shell: String) throws {
        let place = try Place()
        try place.docker(Self.answering)
        try place.write(String(repeating: "x", count: (1 << 20) + 1), "compose.yaml", mode: 0o644)
        let result = try run(place, shell: shell)
        #expect(result.output.count < 1 << 16)
        #expect(throws: ProbeFailure.tooLarge("compose.yaml", limit: .mebibytes(1))) {
            try NodeProbe.parse(result, for: place.request)
        }
    }

    @Test("the script holds nothing that writes")
    func readOnly() {
        let request = ProbeRequest(project: Project(name: "app", directory: "/opt/app"))
        let text = NodeProbe.query(request).script.text
        for line in text.split(separator: "\n") {
            let words = line.replacing(">/dev/null", with: "").replacing("2>&1", with: "")
                .replacing("2>", with: "")
            #expect(!words.contains(">") || words.contains("printf '"), "\(line)")
        }
        for verb in [
            "mkdir", "rm ", "mv ", "cp ", "tee ", "POST", "-X", " exec ", "touch", "chmod",
        ] {
            #expect(!text.contains(verb), "\(verb)")
        }
    }
}
