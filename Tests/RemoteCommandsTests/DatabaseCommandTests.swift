import Cluster
import Foundation
import TestProcesses
import Testing

@testable import RemoteCommands

@Suite("Acting on etcd and Postgres through their containers", .ownThreads)
struct DatabaseCommandTests {
    private let etcdctl =
        Prelude.text + "docker exec -e ETCDCTL_API=3 9ab etcdctl "
        + "--endpoints=http://127.0.0.1:2379 --command-timeout=10s "

    @Test("whole command lines of etcd's member list, ids in hexadecimal")
    func etcd() throws {
        let add = try Command.addEtcdLearner(
            "etcd-4", peerURL: "http://[fd00::4]:2380", through: "9ab")
        #expect(add.summary == "add etcd-4 to etcd")
        #expect(
            add.script.text
                == etcdctl
                + "-w json member add etcd-4 --learner --peer-urls='http://[fd00::4]:2380'\n")
        let promote = try Command.promoteEtcd(
            "etcd-4", id: 10_276_657_743_932_975_437, through: "9ab")
        // With `-w json` the etcdctl of 3.5 crashes after the promotion, which then looks failed.
        #expect(promote.summary == "promote etcd-4")
        #expect(promote.script.text == etcdctl + "member promote 8e9e05c52164694d\n")
        let remove = try Command.removeEtcdMember("etcd-4", id: 255, through: "9ab")
        #expect(remove.summary == "remove etcd-4 from etcd")
        #expect(remove.script.text == etcdctl + "member remove ff\n")
    }

    @Test("SQL with passwords is on no command line, and no error repeats it")
    func psql() throws {
        let command = try Command.psql(
            ResolvedText(sensitive: Secret("ALTER ROLE a PASSWORD 'x';")),
            summary: "prepare the database crm", in: "4f1c")
        #expect(command.summary == "prepare the database crm")
        #expect(
            command.script.text.hasPrefix(
                Prelude.text + """
                    sql=$(cat)
                    case $sql in
                      *'-- the end') ;;
                      *) echo "the SQL did not arrive whole; nothing was run" >&2; exit 74 ;;
                    esac
                    status=0
                    errors=$(printf '%s\\n' "$sql" | docker exec -i -e PGAPPNAME=matriarch 4f1c \
                    timeout -s INT -k 5 100 psql -X -q -w -v ON_ERROR_STOP=1 -v VERBOSITY=terse \
                    -v SHOW_CONTEXT=never -U postgres -d postgres 2>&1 > /dev/null) || status=$?

                    """))
        #expect(
            command.script.input
                == .sensitive(Secret("ALTER ROLE a PASSWORD 'x';\n-- the end\n")))
    }

    @Test("nothing of SQL that was cut on its way is run", arguments: Shell.all)
    func cut(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program("docker", "cat > '\(scratch.path)/ran'")
        let command = try Command.psql(
            ResolvedText("SELECT 'it''s';\nSELECT 2;"), summary: "prepare", in: "4f1c")
        #expect(
            try shell.run(command.script, path: scratch.path, truncatingInputTo: 16)
                == Shell.Answer(
                    status: 74, output: "",
                    errors: "the SQL did not arrive whole; nothing was run\n"))
        #expect(try scratch.names() == ["docker"])
        #expect(
            try shell.run(command.script, path: scratch.path)
                == Shell.Answer(status: 0, output: "", errors: ""))
        #expect(try scratch.text("ran") == "SELECT 'it''s';\nSELECT 2;\n-- the end\n")
    }

    /// It waited behind an open transaction for ever, and kept the lock for as long.
    @Test(
        "SQL that waited for a lock in vain says what is open there, other errors say what they are",
        arguments: Shell.all)
    func blocked(shell: Shell) throws {
        let scratch = try Scratch()
        let command = try Command.psql(
            ResolvedText("ALTER ROLE a NOLOGIN;"), summary: "prepare", in: "4f1c")
        for (error, isTold) in [
            ("psql:<stdin>:1: ERROR:  canceling statement due to lock timeout", true),
            ("psql:<stdin>:1: ERROR:  role \"a\" does not exist", false),
        ] {
            try scratch.program(
                "docker",
                """
                case $2 in
                  -i) cat > /dev/null; echo 'no error'; echo '\(error)' >&2; exit 3 ;;
                  *) echo 'open transactions' ;;
                esac
                """)
            #expect(
                try shell.run(command.script, path: scratch.path)
                    == Shell.Answer(
                        status: 3, output: "",
                        errors: error + "\n" + (isTold ? "open transactions\n" : "")))
        }
    }

    /// No time-out of the SQL covers that wait: it lasted beyond the command's limit, the lock was
    /// kept for as long, and nobody knew what had become of it.
    @Test(
        "SQL whose COMMIT waits for a synchronous standby is interrupted, and says what is true",
        arguments: Shell.different)
    func unconfirmed(shell: Shell) throws {
        let scratch = try Scratch()
        // As psql does: it asks the server to end the statement, and ends after its answer.
        try scratch.write(
            """
            #!/usr/bin/python3
            import signal, sys, time
            def interrupted(number, frame):
                sys.exit("WARNING:  canceling wait for synchronous replication due to user request")
            signal.signal(signal.SIGINT, interrupted)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
            time.sleep(60)

            """, to: "psql")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: "\(scratch.path)/psql")
        try scratch.program("docker", "shift 5; exec \"$@\"")
        let command = try Command.psql(
            ResolvedText("CREATE ROLE a;"), summary: "prepare", in: "4f1c", limit: .seconds(21))
        #expect(
            try shell.run(command.script, path: scratch.path)
                == Shell.Answer(
                    status: 124, output: "",
                    errors:
                        "WARNING:  canceling wait for synchronous replication due to user request"
                        + "\nthe leader has it, and no synchronous standby confirmed it: see why with"
                        + " patronictl list, then apply again\n"))
    }
}
