package import Cluster

extension Command {
    /// Loads an image, whatever is present of it already.
    package static func pullImage(
        _ image: ImageReference, limit: Duration
    ) throws(UnquotableText) -> Command {
        Command(
            "pull \(image)",
            Script(
                preluded: "docker pull --quiet \(try ShellWord.quote(image.text)) > /dev/null\n",
                limit: limit))
    }

    /// Creates a service's container from the project's compose.yaml, or with `recreating` makes it
    /// anew even where compose sees no difference. Without, one that is there by then stays as it is,
    /// whatever it was made from, and is an error: somebody else was quicker, and it may lead.
    ///
    /// Never pulls, builds or touches another service. The project's network is made by one
    /// command at a time: two at once would both try.
    ///
    /// A recreation that was cut short, as by a power cut, leaves two containers: the new one under
    /// a name that compose made of the old one's id, and the old one. Compose would remove one and
    /// at the same time make another of that very name, and fail: so what ended or never ran goes
    /// first, but for the one that counts (`ContainerState.precedence`).
    /// - Parameter grace: how long the container that is replaced may take to stop.
    package static func composeUp(
        _ service: ServiceName, in project: Project, recreating: Bool, grace: Duration,
        limit: Duration
    ) throws(UnquotableText) -> Command {
        let name = try ShellWord.quote(project.name)
        let isOfProject = try ShellWord.quote("label=com.docker.compose.project=\(project.name)")
        let isOfService = try ShellWord.quote("label=com.docker.compose.service=\(service)")
        // Not what a person runs once (docker compose run).
        let mine =
            "docker ps -aq --no-trunc --filter \(isOfProject) --filter \(isOfService)"
            + " --filter label=com.docker.compose.oneoff=False"
        let fate = recreating ? "--force-recreate" : "--no-recreate"
        let text = """
            cd \(try ShellWord.quote(project.directory))
            mine() {
              \(mine) "$@"
            }
            \(recreating ? clearing : try refusing(service))
            up() {
              docker compose --ansi never -p \(name) -f compose.yaml up -d --no-deps --no-build \
            --pull never \(fate) -t \(grace.wholeSeconds) \(try ShellWord.quote(service.rawValue))
            }
            if ! docker network inspect \(name)_default > /dev/null 2>&1 && \
            command -v flock > /dev/null; then
              exec 9> .matriarch-network.lock
              flock 9
            fi
            up

            """
        return Command(
            "\(recreating ? "recreate" : "create") \(service)",
            Script(preluded: text, limit: limit))
    }

    /// Of several containers of a service all go that do not run, but for the one that counts.
    private static var clearing: String {
        let states = ContainerState.precedence.prefix(3).map { states in
            states.map { "--filter status=\($0.rawValue)" }.joined(separator: " ")
        }
        return """
            if [ "$(mine | wc -l)" -gt 1 ]; then
              kept=$(mine \(states[0]) | head -n 1)
              [ -n "$kept" ] || kept=$(mine \(states[1]) | head -n 1)
              [ -n "$kept" ] || kept=$(mine \(states[2]) | head -n 1)
              for other in $(mine \(states[2])); do
                [ "$other" = "$kept" ] || docker rm "$other" > /dev/null 2>&1 || :
              done
            fi
            """
    }

    private static func refusing(_ service: ServiceName) throws(UnquotableText) -> String {
        let late =
            "a container of \(service) was made by someone else since the plan: nothing was done to"
            + " it; plan again"
        return """
            found=$(mine)
            if [ -n "$found" ]; then
              printf '%s\\n' \(try ShellWord.quote(late)) >&2
              exit 73
            fi
            """
    }

    /// Starts a stopped container.
    package static func startContainer(
        _ id: String, service: ServiceName, limit: Duration = .seconds(60)
    ) throws(UnquotableText) -> Command {
        Command(
            "start \(service)",
            Script(
                preluded: "docker start \(try ShellWord.quote(id)) > /dev/null\n", limit: limit))
    }

    /// Stops a container, which may take `grace`, and starts it again.
    package static func restartContainer(
        _ id: String, service: ServiceName, grace: Duration, limit: Duration
    ) throws(UnquotableText) -> Command {
        let word = try ShellWord.quote(id)
        return Command(
            "restart \(service)",
            Script(
                preluded: "docker restart -t \(grace.wholeSeconds) \(word) > /dev/null\n",
                limit: limit))
    }

    /// Stops and removes a container, where one is given, then the named volume, where one is. What
    /// is gone already counts as done; a docker that does not answer does not.
    package static func stopAndRemove(
        _ id: String?, service: ServiceName, in project: Project, grace: Duration,
        deletingVolume volume: String? = nil, limit: Duration
    ) throws(UnquotableText) -> Command {
        var text = ""
        if let id {
            let word = try ShellWord.quote(id)
            text += """
                found=$(docker ps -aq --no-trunc --filter id=\(word))
                if [ -n "$found" ]; then
                  docker stop -t \(grace.wholeSeconds) \(word) > /dev/null
                  docker rm \(word) > /dev/null
                fi

                """
        }
        if let volume {
            let name = try ShellWord.quote("\(project.name)_\(volume)")
            text += """
                volumes=$(docker volume ls -q)
                if printf '%s\\n' "$volumes" | grep -Fqx -e \(name); then
                  docker volume rm \(name) > /dev/null
                fi

                """
        }
        let what =
            id == nil
            ? "remove the volume of \(service)"
            : volume == nil ? "remove \(service)" : "remove \(service) and its volume"
        return Command(what, Script(preluded: text, limit: limit))
    }

    /// Gives HAProxy another configuration: written beside the old one, checked by the HAProxy that
    /// will read it, put in place, and read by a new process that takes the sockets over while the
    /// old one ends its sessions. When the check fails nothing is changed, and its words are the
    /// error.
    package static func reloadHAProxy(
        _ file: FileSpec, container: String, in project: Project, limit: Duration = .seconds(60)
    ) throws(UnquotableText) -> Command {
        let content = file.content.reveal()
        let path = try ShellWord.quote(file.path)
        let id = try ShellWord.quote(container)
        let text = """
            cd \(try ShellWord.quote(project.directory))
            \(receiving)receive \(content.utf8.count)
            stage \(path) \(String(file.mode, radix: 8)) 755 1 \(content.utf8.count)
            if ! said=$(docker exec \(id) haproxy -c -f \
            "/usr/local/etc/haproxy/${temporary##*/}" 2>&1); then
              printf '%s\\n' "$said" >&2
              exit 65
            fi
            place \(path)
            docker kill -s HUP \(id) > /dev/null

            """
        return Command(
            "reload haproxy",
            Script(
                preluded: text,
                input: file.content.isSensitive ? .sensitive(Secret(content)) : .plain(content),
                limit: limit))
    }
}

extension Duration {
    /// Rounded up, for options that count in seconds.
    var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}
