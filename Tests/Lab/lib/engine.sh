# shellcheck shell=bash
# The docker engine under the lab: the one that answers, or one of our own.

readonly ENGINE=$HOME_DIR/engine
readonly ENGINE_RUN=/run/matriarch-lab

engine() {
    case ${1:-} in
        start) engine_start ;;
        stop) engine_stop ;;
        *) usage "lab engine start|stop" ;;
    esac
}

engine_answers() { timeout 20 "$DOCKER" version -f '{{.Server.Version}}' >/dev/null 2>&1; }

# pid_of PROGRAM FILE — the process number in a file, if it still is that program: the number may by
# now belong to another, or to one that has ended and only waits for its parent to notice.
pid_of() {
    local pid
    pid=$(cat "$2" 2>/dev/null) || return 1
    case $(readlink "/proc/$pid/exe") in
        */"$1" | */"$1 (deleted)") echo "$pid" ;;
        *) return 1 ;;
    esac
}

engine_pid() { pid_of dockerd "$ENGINE/pid"; }

engine_start() {
    if engine_answers; then return; fi
    need_packages
    if ! engine_pid >/dev/null; then
        mkdir -p "$ENGINE"
        # An engine that was killed leaves its numbers behind, and sometimes its containerd, which
        # the next one takes over.
        rm -f "$ENGINE/pid"
        pid_of containerd "$ENGINE_RUN/containerd/containerd.pid" >/dev/null ||
            rm -f "$ENGINE_RUN/containerd/containerd.pid"
        (
            # Whoever waits for our end may do so by a descriptor that it let us inherit.
            for open in /proc/"$BASHPID"/fd/*; do
                if [ "${open##*/}" -gt 2 ]; then eval "exec ${open##*/}>&-"; fi
            done
            exec setsid dockerd --data-root "$ENGINE/data" --exec-root "$ENGINE_RUN" \
                --pidfile "$ENGINE/pid" --log-level warn
        ) >>"$ENGINE/log" 2>&1 </dev/null &
    fi
    wait_until 90 "the docker engine (its log: $ENGINE/log)" engine_answers
    say "engine started, $("$DOCKER" version -f '{{.Server.Version}}')"
}

engine_stop() {
    local pid
    if ! pid=$(engine_pid); then
        say "no engine of ours is running"
        return
    fi
    kill "$pid"
    wait_until 90 "dockerd $pid to end" engine_gone
    say "engine stopped"
}

engine_gone() { ! engine_pid; }
