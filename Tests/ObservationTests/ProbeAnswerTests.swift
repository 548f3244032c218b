import Cluster
import Effects
import Testing

@testable import Observation

@Suite struct HTTPStreamTests {
    @Test("responses of both framings follow each other exactly")
    func framings() throws {
        let bytes =
            ("HTTP/1.1 200 OK\r\nServer: Docker/26.1.5 (linux)\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n"
            + "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}rest").bytes
        var stream = HTTPStream(bytes, from: 0)
        let first = try stream.next()
        #expect(first.status == 200 && first.body == "hello world".bytes)
        #expect(first.headers["server"] == "Docker/26.1.5 (linux)")
        let second = try stream.next()
        #expect(second.status == 404 && second.body == "{}".bytes)
        #expect(Array(bytes[stream.position...]) == "rest".bytes)
    }

    @Test("lengths that do not hold are errors, never a trap")
    func lengths() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "Cannot connect\n", "",
        ] {
            #expect(throws: HTTPStream.Problem.self, "\(text)") {
                var stream = HTTPStream(text.bytes, from: 0)
                _ = try stream.next()
            }
        }
    }
}

@Suite struct ProbeAnswerTests {
    static let request = ProbeRequest(
        project: Project(name: "twincigo-crm", directory: "/opt/twincigo-crm"),
        images: [
            "ghcr.io/zalando/spilo-17:4.0-p3", "haproxy:3.0", "quay.io/coreos/etcd:v3.5.16",
            "nope:1",
        ].map { ImageReference($0) })

    static func parse(_ output: [UInt8], errors: String = "") throws(ProbeFailure) -> ObservedNode {
        try NodeProbe.parse(
            CommandResult(status: .exited(0), output: output, errors: errors.bytes),
            for: request)
    }

    /// Why `output` is refused.
    static func refusal(_ output: String, errors: String = "") -> String {
        do { return "\(try parse(output.bytes, errors: errors))" } catch {
            return error.description
        }
    }

    @Test("a hand-made cluster is read the same by curl and by docker's own client")
    func bothWays() throws {
        let curl = try Self.parse(Fixture.bytes("probe/hil-1-curl.txt"))
        var client = try Self.parse(Fixture.bytes("probe/hil-1-client.txt"))
        client.clock = curl.clock
        client.freeSpace = curl.freeSpace
        #expect(curl == client)
        #expect(curl.dockerVersion == "26.1.5+dfsg1")
        #expect(curl.composeVersion == "present")
        #expect((curl.clock ?? 0) > 1_795_000_000)
        #expect(curl.freeSpace == .kibibytes(5_215_588))
        #expect(curl.files.keys.sorted() == ["docker-compose.yml"])
        #expect(curl.files["docker-compose.yml"]?.mode == 0o644)
        #expect(
            curl.images.keys.sorted().map(\.text) == [
                "ghcr.io/zalando/spilo-17:4.0-p3", "haproxy:3.0", "quay.io/coreos/etcd:v3.5.16",
            ])
        #expect(
            curl.volumes == [
                "etcd-data", "postgres-1-data", "postgres-2-data", "postgres-3-data",
            ])
        #expect(
            curl.containers.map(\.service.rawValue) == [
                "etcd", "haproxy", "postgres-1", "postgres-2", "postgres-3",
            ])
    }

    @Test("a container's own environment is what compose was given, without the image's")
    func ownEnvironment() throws {
        let node = try Self.parse(Fixture.bytes("probe/hil-1-curl.txt"))
        let member = try #require(node.container("postgres-1"))
        #expect(
            member.environment.keys.sorted() == [
                "ALLOW_NOSSL", "ETCD3_HOSTS", "PGPASSWORD_ADMIN", "PGPASSWORD_STANDBY",
                "PGPASSWORD_SUPERUSER", "PGUSER_ADMIN", "PGUSER_STANDBY", "PGUSER_SUPERUSER",
                "PGVERSION", "PG_CONNECT_ADDRESS", "RESTAPI_CONNECT_ADDRESS", "SCOPE",
                "SPILO_PROVIDER",
            ])
        #expect(member.command == nil && member.labels == [:] && member.healthCheck == nil)
        #expect(member.stopTimeout == 300 && member.hostname == "postgres-1")
        #expect(member.ports.map(\.description) == ["5435:5432", "8008:8008"])
        #expect(
            member.imageID == node.images[ImageReference("ghcr.io/zalando/spilo-17:4.0-p3")]?.id)
        let proxy = try #require(node.container("haproxy"))
        #expect(proxy.hostname == "" && proxy.command == nil && proxy.environment == [:])
    }

    @Test("what a login script prints before the answer is passed over")
    func noise() throws {
        let node = try Self.parse(
            "Welcome!\nmatriarch-probe\n".bytes + Fixture.bytes("probe/hil-1-curl.txt"))
        #expect(node.containers.count == 5)
    }

    @Test("a file's content cannot pass for a section, a marker or docker's answer")
    func hostileContent() throws {
        let hostile =
            "x\nmatriarch-probe 1\nend 0\ndocker 7\nmissing\nanswers\nHTTP/1.1 200 OK\n\n\u{0}\r\n"
        let files = "644 \(hostile.utf8.count) compose.yaml\n600 2 env/a.env"
        let output =
            "matriarch-probe 1\nunreadable 0\n\nfiles \(files.utf8.count)\n\(files)\n"
            + "contents \(hostile.utf8.count + 2)\n\(hostile)A=\ndocker 7\nmissing\nend 0\n"
        let node = try Self.parse(output.bytes)
        #expect(node.dockerVersion == nil)
        #expect(
            node.files == [
                "compose.yaml": ObservedFile(hostile, mode: 0o644),
                "env/a.env": ObservedFile("A=", mode: 0o600),
            ])
    }

    @Test("docker that is missing is known; docker that does not answer is not")
    func missingOrSilent() throws {
        let missing = try Self.parse("matriarch-probe 1\ndocker 7\nmissing\nend 0\n".bytes)
        #expect(missing == ObservedNode())
        #expect(
            Self.refusal(
                "matriarch-probe 1\ncompose 7\npresent\ndocker 6\nsilent\nend 0\n",
                errors: "noise\nCannot connect to the Docker daemon at unix:///x. "
                    + "Is the docker daemon running?\n\n")
                == "docker does not answer: Cannot connect to the Docker daemon at unix:///x. "
                + "Is the docker daemon running?")
    }

    /// Of a long line the first bytes were left out without a word, and half a secret with them.
    @Test("of a long line of docker's its end is told, and no part of a secret on the cut")
    func longWords() {
        let redactor = Redactor(Secrets(["admin": Secret("s3cret-of-the-admin")]))
        for (length, blanks) in (200...250).map({ ($0, 0) }) + (0...30).map({ ($0, 4080) }) {
            let words =
                String(repeating: "y", count: 5000) + "s3cret-of-the-admin"
                + String(repeating: "x", count: length) + String(repeating: "\n", count: blanks)
            let told = Self.refusal(
                "matriarch-probe 1\ncompose 7\npresent\ndocker 6\nsilent\nend 0\n", errors: words)
            let shown = redactor.redact(told)
            #expect(!shown.contains("dmin"), "before \(length): \(shown)")
            #expect(shown.hasPrefix("docker does not answer: "))
            #expect(shown.utf8.count < 300)
        }
    }

    @Test("files that may not be read or are too large make the node unknown, not empty")
    func unreadable() {
        #expect(
            Self.refusal(
                "matriarch-probe 1\nunreadable 25\n env/a.env state/b.json  \ndocker 7\nmissing\nend 0\n"
            )
                == "may not be read by this user (ssh.sudo reads as root): env/a.env, state/b.json")
        let line = "644 1048577 compose.yaml"
        #expect(
            Self.refusal(
                "matriarch-probe 1\nfiles \(line.utf8.count)\n\(line)\ncontents 0\n\n"
                    + "docker 7\nmissing\nend 0\n") == "compose.yaml is larger than 1MiB")
    }

    @Test("an answer that is cut anywhere is an error")
    func cut() throws {
        let whole = try Fixture.bytes("probe/hil-1-curl.txt")
        for length in stride(from: 0, to: whole.count - 1, by: 997) {
            #expect(throws: ProbeFailure.self) { try Self.parse(Array(whole.prefix(length))) }
        }
        #expect(Self.refusal("") == "the probe answered nothing, expected its own sections")
        #expect(
            Self.refusal("", errors: "sh: 1: syntax error")
                == "the probe answered “sh: 1: syntax error”, expected its own sections")
        #expect(
            Self.refusal("matriarch-probe 1\nfiles 5\nab")
                == "the answer ended early; the answer is not whole")
    }

    @Test("docker's own error for a request is passed on")
    func refused() {
        let body = #"{"message":"database is locked"}"#
        #expect(
            Self.refusal(
                "matriarch-probe 1\ndocker 7\npresent\nrequests 25\n/containers/json /volumes\n"
                    + "answers\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
                    + "HTTP/1.1 500 Error\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                    + "\nend 0\n")
                == "docker answered /volumes with 500: database is locked")
    }

    @Test("a control character in a request's path, a file's or docker's words reached the screen")
    func controls() {
        let path = "/volumes\u{1b}[2J"
        let start =
            "matriarch-probe 1\ndocker 7\npresent\nrequests \(path.utf8.count)\n\(path)\nanswers\n"
        #expect(
            Self.refusal(start)
                == "docker stopped answering at /volumes·[2J; the answer is not whole")
        #expect(
            Self.refusal(start + "no HTTP at all\n\nend 0\n")
                == "docker's /volumes·[2J answered “no HTTP at all··end 0·”, expected an HTTP status line"
        )
        let body = #"{"message":"\u001b[2Jlocked\u202e"}"#
        #expect(
            Self.refusal(
                start
                    + "HTTP/1.1 500 Error\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)\nend 0\n"
            ) == "docker answered /volumes·[2J with 500: ·[2Jlocked·")
        #expect(
            Self.refusal("matriarch-probe 1\nunreadable 4\n a\u{7}b\ndocker 7\nmissing\nend 0\n")
                == "may not be read by this user (ssh.sudo reads as root): a·b")
    }

    @Test("of several broken containers any one was told of, another one each time")
    func sameErrorEachTime() {
        let names = ["a", "b", "c", "d", "e", "f"]
        let paths = (["/containers/json", "/volumes"] + names.map { "/containers/\($0)/json" })
            .joined(separator: " ")
        let bodies =
            ["[]", "{}"]
            + names.map {
                #"{"Config":{"Labels":{"com.docker.compose.project":"twincigo-crm","#
                    + #""com.docker.compose.service":"\#($0)"}}}"#
            }
        let answers = bodies.map {
            "HTTP/1.1 200 OK\r\nContent-Length: \($0.utf8.count)\r\n\r\n\($0)"
        }.joined()
        let output =
            "matriarch-probe 1\ndocker 7\npresent\nrequests \(paths.utf8.count)\n\(paths)\n"
            + "answers\n\(answers)\nend 0\n"
        let told = Set((0..<20).map { _ in Self.refusal(output) })
        #expect(told.count == 1)
        #expect(told.first?.hasPrefix("docker's container of a answered ") == true)
    }

    @Test("no mutation of a real answer makes a reader trap")
    func mutations() throws {
        let seed: UInt64 = 20_261_124
        print("mutation seed: \(seed)")
        var random = Seeded(seed)
        for path in try Fixture.all {
            let original = try Fixture.bytes(path).prefix(70_000)
            for _ in 0..<12 {
                let bytes = mutated(Array(original), &random)
                let result = CommandResult(status: .exited(0), output: bytes)
                _ = try? NodeProbe.parse(result, for: Self.request)
                guard bytes.count < 20_000 else { continue }
                _ = try? PatroniAnswer.member(bytes, date: nil)
                _ = try? PatroniAnswer.cluster(bytes)
                _ = try? PatroniAnswer.configuration(bytes)
                _ = try? EtcdAnswer.members(bytes)
                _ = try? EtcdAnswer.status(bytes)
                _ = try? EtcdAnswer.statuses(bytes)
                _ = try? EtcdAnswer.isHealthy(bytes)
                _ = try? ProxyAnswer.servers(bytes)
                var stream = HTTPStream(bytes, from: 0)
                _ = try? stream.next()
                if let json = try? JSONText.value(of: bytes) {
                    for value in json.array ?? [json] {
                        _ = try? DockerAnswer.container(value, project: "app", image: nil)
                        _ = DockerAnswer.volumes(value, project: "app")
                        _ = DockerAnswer.foreignPorts(value, project: "app")
                    }
                }
            }
        }
    }

    /// A few bytes changed, removed, doubled, or digits made extreme.
    private func mutated(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, index + Int.random(in: 1...40, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(index..<end)
            case 2: bytes.insert(contentsOf: bytes[index..<end], at: index)
            case 3: bytes.replaceSubrange(index..<index + 1, with: "99999999999999999999".utf8)
            default: bytes.removeSubrange(end..<bytes.count)
            }
        }
        return bytes
    }
}
