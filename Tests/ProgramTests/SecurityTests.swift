import Cluster
import Foundation
import Reporting
import TestProcesses
import Testing

@Suite("What the program keeps to itself", .ownThreads)
struct SecurityTests {
    @Test("it allows no core dump, whatever its parent allows, before it reads anything")
    func coreDumps() throws {
        let folder = try Folder()
        let outcome = try Program.shell(
            """
            ulimit -c unlimited 2> /dev/null || ulimit -c "$(ulimit -H -c)"
            mkfifo "$1"
            "$0" validate - < "$1" > /dev/null 2>&1 &
            exec 3> "$1"
            tries=0
            until grep -q '^Max core file size *0 *0 ' "/proc/$!/limits"; do
                tries=$((tries + 1))
                [ $tries -lt 1500 ] || break
                sleep 0.02
            done
            grep '^Max core' "/proc/$!/limits"
            exec 3>&-
            wait
            """, folder.url.appending(path: "manifest").path)
        #expect(
            outcome.output.split(separator: " ").map(String.init)
                == ["Max", "core", "file", "size", "0", "0", "bytes", "\n"])
    }

    @Test("an observation that is larger than any is refused before it is read")
    func hugeObservation() throws {
        let folder = try Folder()
        let manifest = try folder.write("name: x\n", to: "shop.yaml")
        let huge = try folder.write("", to: "seen.json")
        let file = try FileHandle(forWritingTo: URL(filePath: huge))
        try file.truncate(atOffset: (64 << 20) + 1)
        try file.close()
        let outcome = try Program.run("plan", manifest, "--observed", huge)
        #expect(outcome.status == 1)
        #expect(outcome.errors == "matriarch: \(huge): is larger than 64 MiB\n")
    }

    @Test("control characters of paths and arguments do not reach the terminal")
    func hostilePaths() throws {
        let outcome = try Program.run("validate", "x\u{1b}[2J\u{202e}\n.yaml")
        #expect(outcome.status == 1)
        #expect(
            outcome.errors
                == "matriarch: x\\u{1b}[2J\\u{202e}\\n.yaml: cannot be read: No such file or directory\n"
        )
    }
}
