import Adapters
import Cluster
import Foundation
import TestSSHServer
import TestProcesses
import Testing

@Suite("Secrets from the environment, files and commands", .ownThreads)
final class SecretResolverTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "matriarch-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ name: String, _ bytes: [UInt8], mode: Int = 0o600) throws {
        let path = "\(folder)/\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func resolver(limit: Duration = .seconds(30)) -> SecretResolver {
        SecretResolver(
            folder: folder,
            environment: [
                "PATH": "/usr/bin:/bin", "SET": "from environment\n", "EMPTY": "", "NAME": "ada",
            ], commandLimit: limit)
    }

    private func problems(
        _ sources: [SecretName: SecretSource], limit: Duration = .seconds(30)
    ) async -> String? {
        do throws(SecretsFailure) {
            _ = try await resolver(limit: limit).resolve(sources)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("each kind gives its value; files and commands lose one trailing newline")
    func values() async throws {
        try write("one", Array("from file\n".utf8))
        try write("two", Array("two\n\n".utf8))
        try write("crlf", Array("windows\r\n".utf8))
        try write("bare", Array(" ünïcode ".utf8))
        let resolved = try await resolver().resolve([
            "env": .environment("SET"), "file": .file("one"), "two": .file("two"),
            "crlf": .file("crlf"), "bare": .file("\(folder)/bare"),
            "command": .command(["sh", "-c", "echo \"$NAME\" in \"$PWD\""]),
            "words": .command(["printf", "%s|", "a b", "$NAME", "`id`"]),
        ])
        let values = resolved.secrets.values.mapValues { $0.reveal() }
        #expect(
            values == [
                "env": "from environment\n", "file": "from file", "two": "two\n",
                "crlf": "windows", "bare": " ünïcode ", "command": "ada in \(folder)",
                "words": "a b|$NAME|`id`|",
            ])
        #expect(resolved.warnings == [])
    }

    @Test("every problem is told at once, with what to do, and without any value")
    func everyProblem() async throws {
        try write("empty", [])
        try write("newline", [10])
        try write("nul", Array("hidden\0value".utf8))
        try write("latin", [0x68, 0xe9])
        try write("huge", [UInt8](repeating: 65, count: 65_537))
        try FileManager.default.createDirectory(
            atPath: "\(folder)/directory", withIntermediateDirectories: true)
        let text = await problems([
            "a-unset": .environment("UNSET"), "b-empty": .environment("EMPTY"),
            "c-missing": .file("secrets/none"), "d-absolute": .file("\(folder)/none"),
            "e-directory": .file("directory"), "f-empty": .file("empty"),
            "g-newline": .file("newline"), "h-nul": .file("nul"), "i-latin": .file("latin"),
            "j-huge": .file("huge"), "k-fails": .command(["sh", "-c", "echo hidden; exit 3"]),
            "l-missing": .command(["no-such-program", "x"]), "m-silent": .command(["true"]),
            "n-killed": .command(["sh", "-c", "echo hidden; kill -9 $$"]),
            "o-endless": .command(["yes", "y"]), "p-fine": .environment("SET"),
        ])
        #expect(
            text == """
                secret a-unset: the environment variable UNSET is not set; export it before running matriarch
                secret b-empty: the environment variable EMPTY is empty; give it the value as plain text
                secret c-missing: there is no file secrets/none; create it as \(folder)/secrets/none
                secret d-absolute: there is no file \(folder)/none; create it
                secret e-directory: directory is a directory; name a file in it
                secret f-empty: the file empty is empty; give it the value as plain text
                secret g-newline: the file newline is empty; give it the value as plain text
                secret h-nul: the file nul holds a NUL byte; give it the value as plain text
                secret i-latin: the file latin is not UTF-8 text; give it the value as plain text
                secret j-huge: the file huge is larger than 64 KiB; give it the value as plain text
                secret k-fails: `sh -c echo hidden; exit 3` exited with 3; run it by hand to see why
                secret l-missing: the command no-such-program was not found; install it, or write its whole path
                secret m-silent: the output of `true` is empty; give it the value as plain text
                secret n-killed: `sh -c echo hidden; kill -9 $$` was ended by signal 9; run it by hand to see why
                secret o-endless: `yes y` wrote more than 64 KiB; print the value alone
                """)
    }

    @Test("a command that waits for an answer is ended when its limit has passed")
    func hangs() async {
        let text = await problems(
            [
                "ask": .command(["sleep", "3600"]),
                "close": .command(["sh", "-c", "exec >&-; exec sleep 3600"]),
            ], limit: .seconds(1))
        #expect(
            text == """
                secret ask: `sleep 3600` did not end within 1 s; run it by hand: it may be waiting for an answer
                secret close: `sh -c exec >&-; exec sleep 3600` closed its output and did not end; run it by hand to see why
                """)
    }

    @Test("a command may be a script next to the manifest, and reads no input of ours")
    func script() async throws {
        // Written by another process: a file that a test beside this one inherits open for writing
        // cannot be started.
        _ = try run([
            "/bin/sh", "-c", "printf '#!/bin/sh\\ncat\\necho \"$0 $1\"\\n' >$1 && chmod 700 $1",
            "sh",
            "\(folder)/get",
        ])
        let resolved = try await resolver().resolve(["s": .command(["./get", "x"])])
        #expect(resolved.secrets["s"]?.reveal() == "./get x")
    }

    @Test("a file that everybody can read is used, with a warning")
    func openFile() async throws {
        try write("open", Array("value".utf8), mode: 0o644)
        let resolved = try await resolver().resolve(["s": .file("open")])
        #expect(resolved.secrets["s"]?.reveal() == "value")
        #expect(
            resolved.warnings == [
                "secret s: every user of this machine can read open; run chmod 600 open"
            ])
    }

    @Test("commands run side by side and a shared one runs once")
    func sideBySide() async throws {
        // Each waits for the other's file: one after the other they would never end.
        let wait = { (mine: String, other: String) in
            "touch \(mine); while [ ! -e \(other) ]; do sleep 0.01; done; echo \(mine)"
        }
        let count: SecretSource = .command(["sh", "-c", "echo x >> count; wc -l < count"])
        let resolved = try await resolver().resolve([
            "a": .command(["sh", "-c", wait("a", "b")]),
            "b": .command(["sh", "-c", wait("b", "a")]), "c": count, "d": count,
        ])
        #expect(
            resolved.secrets.values.mapValues { $0.reveal() }
                == ["a": "a", "b": "b", "c": "1", "d": "1"])
    }
}
