package import Cluster
package import RemoteCommands

/// What to look at on a node.
package struct ProbeRequest: Hashable, Sendable {
    /// The compose project's name and its absolute directory.
    package var project: Project
    /// Files to bring, relative to the directory, besides those that are always brought.
    package var files: [String]
    /// Images whose presence is asked.
    package var images: [ImageReference]
    package init(project: Project, files: [String] = [], images: [ImageReference] = []) {
        self.project = project
        self.files = files
        self.images = images
    }
}

/// Everything about a node in one round trip: a script, and the reader of what it prints.
///
/// On a server a start of the docker client costs 20–30 ms of processor, one of curl 8, one of
/// compose 65 and more. So the script speaks docker's own HTTP on its socket, with two starts of
/// curl where there is one that reaches the socket, else with `docker ps` and one
/// `docker system dial-stdio`; the rest is the shell itself. Compose is looked up as a file.
package enum NodeProbe {
    /// A file beyond this is not brought, and makes the node unreadable.
    package static let maximumFileBytes = 1 << 20
    /// What the whole answer may be.
    package static let maximumBytes = 32 << 20
    /// How long the script may take.
    package static let limit: Duration = .seconds(20)

    /// Files that are looked for in every project: compose's own names, ours, and HAProxy's where
    /// people put it.
    static let alwaysWanted =
        Project.composeNames + ["haproxy.cfg", HAProxy.configurationPath]

    /// A script that only reads, for `dash`, `busybox sh` and `bash` alike.
    package static func query(_ request: ProbeRequest) -> Query {
        let files = Set(alwaysWanted + request.files.filter(isPlainPath)).sorted()
        let images = Set(request.images).sorted().map { imagePath($0) }
        let settings = """
            project=\(ShellWord.quoted(request.project.name))
            directory=\(ShellWord.quoted(request.project.directory))
            filter=\(ShellWord.quoted(encode(projectFilter(request.project.name))))
            set -- \(files.map(ShellWord.quoted).joined(separator: " "))
            images=\(ShellWord.quoted(images.joined(separator: " ")))

            """
        return Query(Script(settings + body, limit: limit))
    }

    /// Docker's filter for the containers of a compose project.
    private static func projectFilter(_ project: String) -> String {
        JSONValue.object(["label": .array([.string("com.docker.compose.project=\(project)")])])
            .canonicalText
    }

    /// The path of `GET` for an image. `name:tag@digest` is looked up by its digest, as docker does.
    static func imagePath(_ image: ImageReference) -> String {
        "/images/" + encode(image.normalized) + "/json"
    }

    /// Percent-encodes all but what is plain in a URL's path and means nothing to a shell.
    private static func encode(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "@"):
                out.append(byte)
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                out += ("%" + (hex.count == 1 ? "0" : "") + hex).utf8
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The script refuses other names, so that its list of files needs no quoting.
    static func isPlainPath(_ path: String) -> Bool {
        !path.isEmpty && path.first != "/" && path.first != "-"
            && path.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"), UInt8(ascii: "/"):
                    true
                default: false
                }
            } && !path.split(separator: "/").contains("..")
    }

    /// Sections of `name length`, a line end, so many bytes, a line end. After `answers` come
    /// docker's HTTP responses, which carry their own lengths, one for each line of `requests`.
    private static let body = #"""
        LC_ALL=C; export LC_ALL
        PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
        section() { printf '%s %s\n%s\n' "$1" "${#2}" "$2"; }
        printf 'matriarch-probe 1\n'

        # Files: what there is, then the bytes of all in that order.
        if cd -- "$directory" 2>/dev/null; then
            there= unreadable=
            for file in "$@" env/*.env state/*.json; do
                case $file in *[!A-Za-z0-9._/-]*) continue ;; esac
                if [ -f "$file" ]; then
                    if [ -r "$file" ]; then there="$there $file"
                    else unreadable="$unreadable $file"; fi
                fi
            done
            section unreadable "$unreadable"
            list= brought=
            [ -z "$there" ] || list=$(stat -L -c '%a %s %n' -- $there)
            section files "$list"
            total=0
            while read -r mode size file; do
                [ -n "$file" ] && [ "$size" -le 1048576 ] && [ "$total" -le 16777216 ] || continue
                brought="$brought $file" total=$((total + size))
            done <<END
        $list
        END
            printf 'contents %s\n' "$total"
            [ "$total" -eq 0 ] || cat -- $brought
            printf '\n'
        elif [ -d "$directory" ]; then
            section unreadable "$directory"
        fi

        # Free space where docker keeps its data.
        root=/var/lib/docker
        if [ -r /etc/docker/daemon.json ]; then
            while IFS= read -r line || [ -n "$line" ]; do
                case $line in *'"data-root"'*:*'"'*'"'*)
                    line=${line#*'"data-root"'} line=${line#*:} line=${line#*\"} root=${line%%\"*} ;;
                esac
            done </etc/docker/daemon.json
        fi
        if [ -d "$root" ]; then section free "$(df -Pk -- "$root" 2>/dev/null)"; fi

        if ! command -v docker >/dev/null 2>&1; then
            section docker missing
            printf 'end 0\n'
            exit 0
        fi
        compose=missing
        for plugin in "${DOCKER_CONFIG:-$HOME/.docker}" /usr/local/lib/docker \
            /usr/local/libexec/docker /usr/lib/docker /usr/libexec/docker; do
            if [ -x "$plugin/cli-plugins/docker-compose" ]; then compose=present; fi
        done
        [ $compose = present ] || compose=$(docker compose version --short 2>/dev/null) \
            || compose=missing
        section compose "$compose"

        # Requests that need the containers' ids: found by curl, else by the client itself.
        requests= with=curl socket=/var/run/docker.sock
        add() { case " $requests " in *" $1 "*) ;; *) requests="$requests $1" ;; esac; }
        [ -z "${DOCKER_HOST-}${DOCKER_CONTEXT-}" ] && [ -w $socket ] &&
            command -v curl >/dev/null 2>&1 || with=client
        if [ $with = curl ] && [ -r "${DOCKER_CONFIG:-$HOME/.docker}/config.json" ]; then
            while IFS= read -r line || [ -n "$line" ]; do
                case $line in *'"currentContext"'*) with=client ;; esac
            done <"${DOCKER_CONFIG:-$HOME/.docker}/config.json"
        fi
        if [ $with = curl ]; then
            rest=$(curl -q -g -s -f -m 15 --noproxy '*' --unix-socket $socket \
                "http://docker/containers/json?all=1&filters=$filter") || with=client
        fi
        if [ $with = curl ]; then
            # One pass over what stands between the quotes: cutting the text again and again took a
            # shell longer than docker's answer. An escaped quote leaves its backslash in the word.
            set -f
            IFS=\" key=
            for word in $rest; do
                case $key$word in
                    Id: | ImageID:) key=$key: ;;
                    Id:*) key=
                        case $word in *[!0-9a-f]* | '') ;; *) add "/containers/$word/json" ;; esac ;;
                    ImageID:*) key=
                        case $word in *[!0-9a-z:]* | '') ;; *) add "/images/$word/json" ;; esac ;;
                    *) key=
                        case $word in Id | ImageID) key=$word ;; esac ;;
                esac
            done
            unset IFS
            set +f
        else
            listed=$(docker ps -a --no-trunc --filter "label=com.docker.compose.project=$project" \
                --format '{{.ID}} {{.Image}}') || {
                section docker silent
                printf 'end 0\n'
                exit 0
            }
            while read -r id image; do
                case $id in *[!0-9a-f]* | '') continue ;; esac
                add "/containers/$id/json"
                case $image in *[!A-Za-z0-9._/:@-]* | '') ;; *) add "/images/$image/json" ;; esac
            done <<END
        $listed
        END
        fi
        for image in $images; do add "$image"; done
        set -- /containers/json /volumes $requests
        section docker present
        section requests "$*"
        printf 'answers\n'
        if [ $with = curl ]; then
            pad=
            for path; do
                shift
                set -- "$@" "http://docker$path"
            done
            curl -q -g -s -S -i --raw -m 15 --noproxy '*' --unix-socket $socket "$@"
        else
            # The last request is longer than the server's buffer, so that it does not see the end
            # of our requests, and give up, before it has answered all of the others.
            pad=xxxxxxxxxxxxxxxx
            pad=$pad$pad$pad$pad$pad$pad$pad$pad
            pad=$pad$pad$pad$pad$pad$pad$pad$pad
            pad=$pad$pad$pad$pad$pad$pad$pad$pad
            {
                printf 'GET %s HTTP/1.1\r\nHost: docker\r\n\r\n' "$@"
                printf 'GET /_ping HTTP/1.1\r\nHost: docker\r\nX-Pad: %s\r\n' "$pad"
                printf 'Connection: close\r\n\r\n'
            } 2> /dev/null | docker system dial-stdio
        fi
        printf '\nend %s\n' "$?"

        """#
}
