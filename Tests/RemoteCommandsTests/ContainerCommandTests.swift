import Cluster
import TestProcesses
import Testing

@testable import RemoteCommands

@Suite("Acting on containers", .ownThreads)
struct ContainerCommandTests {
    let project = Project(name: "crm", directory: "/opt/crm")

    /// The script after what all of them start with.
    private func text(_ command: Command) -> String {
        #expect(command.script.text.hasPrefix(Prelude.text))
        return String(command.script.text.dropFirst(Prelude.text.count))
    }

    @Test("whole command lines of what docker does by id or name")
    func lines() throws {
        let pull = try Command.pullImage(
            ImageReference("ghcr.io/zalando/spilo-17:4.0-p3"), limit: .seconds(600))
        #expect(pull.summary == "pull ghcr.io/zalando/spilo-17:4.0-p3")
        #expect(text(pull) == "docker pull --quiet ghcr.io/zalando/spilo-17:4.0-p3 > /dev/null\n")
        let start = try Command.startContainer("4f1c", service: "postgres-2")
        #expect(start.summary == "start postgres-2")
        #expect(text(start) == "docker start 4f1c > /dev/null\n")
        let restart = try Command.restartContainer(
            "4f1c", service: "postgres-2", grace: .milliseconds(1500), limit: .seconds(9))
        #expect(restart.summary == "restart postgres-2")
        #expect(text(restart) == "docker restart -t 2 4f1c > /dev/null\n")
    }

    @Test("compose acts on one service, pulls nothing and builds nothing")
    func composeText() throws {
        let command = try Command.composeUp(
            "postgres-2", in: project, recreating: true, grace: .seconds(300), limit: .seconds(600))
        #expect(command.summary == "recreate postgres-2")
        #expect(
            text(command) == """
                cd /opt/crm
                mine() {
                  docker ps -aq --no-trunc --filter 'label=com.docker.compose.project=crm' \
                --filter 'label=com.docker.compose.service=postgres-2' \
                --filter label=com.docker.compose.oneoff=False "$@"
                }
                if [ "$(mine | wc -l)" -gt 1 ]; then
                  kept=$(mine --filter status=running | head -n 1)
                  [ -n "$kept" ] || kept=$(mine --filter status=restarting \
                --filter status=paused | head -n 1)
                  [ -n "$kept" ] || kept=$(mine --filter status=created --filter status=exited \
                --filter status=dead | head -n 1)
                  for other in $(mine --filter status=created --filter status=exited \
                --filter status=dead); do
                    [ "$other" = "$kept" ] || docker rm "$other" > /dev/null 2>&1 || :
                  done
                fi
                up() {
                  docker compose --ansi never -p crm -f compose.yaml up -d --no-deps --no-build \
                --pull never --force-recreate -t 300 postgres-2
                }
                if ! docker network inspect crm_default > /dev/null 2>&1 && \
                command -v flock > /dev/null; then
                  exec 9> .matriarch-network.lock
                  flock 9
                fi
                up

                """)
        let creation = try Command.composeUp(
            "rest", in: project, recreating: false, grace: .seconds(10), limit: .seconds(60))
        #expect(creation.summary == "create rest")
        #expect(creation.script.text.contains(" --no-recreate -t 10 rest\n"))
        #expect(!creation.script.text.contains("--force-recreate"))
    }

    @Test("compose's failure is the command's, with or without the network", arguments: Shell.all)
    func composeFails(shell: Shell) throws {
        for network in ["exit 0", "exit 1"] {
            let scratch = try Scratch()
            try scratch.program(
                "docker",
                "case $1 in ps) ;; network) \(network) ;; *) echo 'no such image' >&2; exit 17 ;; esac"
            )
            let command = try Command.composeUp(
                "rest", in: Project(name: "crm", directory: scratch.path), recreating: false,
                grace: .seconds(10), limit: .seconds(60))
            let answer = try shell.run(command.script, path: scratch.path)
            #expect(answer == Shell.Answer(status: 17, output: "", errors: "no such image\n"))
            #expect(
                try scratch.calls() == [
                    "ps -aq --no-trunc --filter label=com.docker.compose.project=crm "
                        + "--filter label=com.docker.compose.service=rest "
                        + "--filter label=com.docker.compose.oneoff=False",
                    "network inspect crm_default",
                    "compose --ansi never -p crm -f compose.yaml up -d --no-deps --no-build "
                        + "--pull never --no-recreate -t 10 rest",
                ])
        }
    }

    /// It was recreated, the leader too: between the last look and the act somebody had made it.
    @Test("a container that is there must be left alone by its creation", arguments: Shell.all)
    func cameBack(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program("docker", "case $1 in ps) echo 4f1c ;; esac")
        let command = try Command.composeUp(
            "postgres-1", in: Project(name: "crm", directory: scratch.path), recreating: false,
            grace: .seconds(10), limit: .seconds(60))
        let answer = try shell.run(command.script, path: scratch.path)
        #expect(answer.status == 73)
        #expect(
            answer.errors
                == "a container of postgres-1 was made by someone else since the plan: nothing was"
                + " done to it; plan again\n")
        #expect(try !scratch.calls().contains { $0.hasPrefix("compose ") })
    }

    /// Newest first, as docker lists them. Found on the lab: compose failed over the name of the one
    /// that it was about to remove.
    @Test(
        "what a recreation that was cut short left goes first, and never what the plan looked at",
        arguments: Shell.all,
        [
            (["new created", "old running"], ["rm new"]),
            (["new running", "old exited"], ["rm old"]),
            (["new created", "old exited"], ["rm old"]),
            (["new restarting", "old dead"], ["rm old"]),
            // The plan looked at the new one, and this removed it.
            (["new created", "old restarting"], ["rm new"]),
            (["new exited", "old paused"], ["rm new"]),
            (["new restarting", "old running"], []), (["new removing", "old exited"], []),
            (["new running", "old running"], []), (["old exited"], []), (["new created"], []),
            ([], []),
        ])
    func halfMade(shell: Shell, stage: ([String], removed: [String])) throws {
        let counts =
            try stage.0.map { line -> ObservedContainer in
                let words = line.split(separator: " ").map(String.init)
                return ObservedContainer(
                    id: words[0], service: "postgres-2",
                    state: try #require(ContainerState(rawValue: words[1])),
                    image: ImageReference("spilo:1"), imageID: "i",
                    createdAt: words[0] == "new" ? 2 : 1)
            }.sorted { $0.precedes($1) }.first?.id ?? "none"
        #expect(!stage.removed.contains("rm \(counts)"))
        let scratch = try Scratch()
        try scratch.program(
            "docker",
            """
            [ "$1" = ps ] || exit 0
            \(stage.0.map { "set -- \"$*\" \($0); case $1 in *status=*) case $1 in *status=$3*) echo $2 ;; esac ;; *) echo $2 ;; esac; set -- \"$1\"" }.joined(separator: "\n"))
            """)
        let command = try Command.composeUp(
            "postgres-2", in: Project(name: "crm", directory: scratch.path), recreating: true,
            grace: .seconds(10), limit: .seconds(60))
        #expect(try shell.run(command.script, path: scratch.path).status == 0)
        #expect(try scratch.calls().filter { $0.hasPrefix("rm") } == stage.removed)
    }

    @Test("removing what is there stops it first and keeps its volume", arguments: Shell.all)
    func removes(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program("docker", "case $1 in ps) echo 4f1c ;; esac")
        let command = try Command.stopAndRemove(
            "4f1c", service: "postgres-4", in: project, grace: .seconds(300), limit: .seconds(400))
        #expect(command.summary == "remove postgres-4")
        #expect(
            try shell.run(command.script, path: scratch.path)
                == Shell.Answer(status: 0, output: "", errors: ""))
        #expect(
            try scratch.calls() == [
                "ps -aq --no-trunc --filter id=4f1c", "stop -t 300 4f1c", "rm 4f1c",
            ])
    }

    @Test("removing what is gone is done, also when a crash repeats it", arguments: Shell.all)
    func removesNothing(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program("docker", "case $1 in volume) echo crm_postgres-44 ;; esac")
        let command = try Command.stopAndRemove(
            "4f1c", service: "postgres-4", in: project, grace: .seconds(300),
            deletingVolume: "postgres-4", limit: .seconds(400))
        #expect(command.summary == "remove postgres-4 and its volume")
        #expect(
            try shell.run(command.script, path: scratch.path)
                == Shell.Answer(status: 0, output: "", errors: ""))
        #expect(
            try scratch.calls() == ["ps -aq --no-trunc --filter id=4f1c", "volume ls -q"])
    }

    @Test("the volume goes only by its whole name, after the container", arguments: Shell.all)
    func removesVolume(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program(
            "docker",
            "case \"$1 $2\" in 'ps -aq') echo 4f1c ;; 'volume ls') printf 'a\\ncrm_postgres-4\\n' ;; esac"
        )
        let command = try Command.stopAndRemove(
            "4f1c", service: "postgres-4", in: project, grace: .seconds(300),
            deletingVolume: "postgres-4", limit: .seconds(400))
        #expect(try shell.run(command.script, path: scratch.path).status == 0)
        #expect(
            try scratch.calls() == [
                "ps -aq --no-trunc --filter id=4f1c", "stop -t 300 4f1c", "rm 4f1c", "volume ls -q",
                "volume rm crm_postgres-4",
            ])
    }

    /// Docker refuses while a container uses the volume, so a command that arrives late cannot take
    /// the new member's data away.
    @Test("a volume without a container is removed alone, never by force", arguments: Shell.all)
    func removesVolumeAlone(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program(
            "docker",
            "case \"$1 $2\" in 'volume ls') echo crm_etcd-2 ;; *) echo in use >&2; exit 1 ;; esac")
        let command = try Command.stopAndRemove(
            nil, service: "etcd-2", in: project, grace: .seconds(30), deletingVolume: "etcd-2",
            limit: .seconds(90))
        #expect(command.summary == "remove the volume of etcd-2")
        #expect(
            try shell.run(command.script, path: scratch.path)
                == Shell.Answer(status: 1, output: "", errors: "in use\n"))
        #expect(try scratch.calls() == ["volume ls -q", "volume rm crm_etcd-2"])
    }

    @Test(
        "a docker that does not answer is not taken for a container that is gone",
        arguments: Shell.all)
    func dockerDown(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
        let command = try Command.stopAndRemove(
            "4f1c", service: "postgres-4", in: project, grace: .seconds(300),
            deletingVolume: "postgres-4", limit: .seconds(400))
        let answer = try shell.run(command.script, path: scratch.path)
        #expect(
            answer
                == Shell.Answer(
                    status: 1, output: "", errors: "Cannot connect to the Docker daemon\n"))
        #expect(try scratch.calls() == ["ps -aq --no-trunc --filter id=4f1c"])
    }

    private func reload(in scratch: Scratch) throws -> Command {
        try Command.reloadHAProxy(
            FileSpec(path: "haproxy/haproxy.cfg", content: ResolvedText("global\n")),
            container: "9ab", in: Project(name: "crm", directory: scratch.path))
    }

    @Test(
        "HAProxy checks the candidate before it is put in place, then reloads",
        arguments: Shell.all)
    func reloads(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program("docker", "echo 'Configuration file is valid'")
        let command = try reload(in: scratch)
        #expect(command.summary == "reload haproxy")
        let answer = try shell.run(command.script, path: scratch.path)
        #expect(answer == Shell.Answer(status: 0, output: "", errors: ""))
        #expect(try scratch.text("haproxy/haproxy.cfg") == "global\n")
        #expect(try scratch.mode("haproxy/haproxy.cfg") == 0o644)
        let calls = try scratch.calls()
        #expect(calls.count == 2)
        #expect(
            calls[0].hasPrefix(
                "exec 9ab haproxy -c -f /usr/local/etc/haproxy/.haproxy.cfg.matriarch-"))
        #expect(calls[1] == "kill -s HUP 9ab")
        #expect(
            try scratch.names() == ["calls", "docker", "haproxy", "haproxy/haproxy.cfg"])
    }

    @Test(
        "a configuration that HAProxy refuses changes nothing and says why",
        arguments: Shell.all)
    func refuses(shell: Shell) throws {
        let scratch = try Scratch()
        try scratch.program("docker", "echo '[ALERT] unknown keyword'; echo 'fatal' >&2; exit 1")
        let answer = try shell.run(try reload(in: scratch).script, path: scratch.path)
        #expect(
            answer
                == Shell.Answer(status: 65, output: "", errors: "[ALERT] unknown keyword\nfatal\n"))
        #expect(try scratch.calls().count == 1)
        #expect(try scratch.names() == ["calls", "docker", "haproxy"])
    }
}
