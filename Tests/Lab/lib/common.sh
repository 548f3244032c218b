# shellcheck shell=bash
# What every part of the lab shares: names, addresses, messages, waiting, the lock.

readonly STATE=$LAB/.state
# Images, disks and the engine's data outlive a checkout, so that several can share one lab.
readonly HOME_DIR=${MATRIARCH_LAB_HOME:-/var/lib/matriarch-lab}
readonly PREFIX=matriarch-lab
readonly NETWORK=$PREFIX
readonly SUBNET=172.30.0.0/24
readonly MACHINE=172.30.0.1
readonly REGISTRY=$PREFIX-registry
readonly REGISTRY_ADDRESS=172.30.0.5

# BuildKit comes with the client of docker.io; newer clients found elsewhere need a plugin for it.
DOCKER=/usr/bin/docker
[ -x "$DOCKER" ] || DOCKER=docker
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3
export DOCKER PYTHON DOCKER_BUILDKIT=1

STARTED=$(date +%s%N)

say() {
    local tenths=$((($(date +%s%N) - STARTED) / 100000000))
    printf '%3d.%d s  %s\n' $((tenths / 10)) $((tenths % 10)) "$*" >&2
}

die() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

usage() {
    printf 'lab: %s\n     see lab --help\n' "$*" >&2
    exit 64
}

need_root() { [ "$(id -u)" = 0 ] || die "$1 needs root: servers and their disks are made by it"; }

# wait_until SECONDS WHAT COMMAND… — or fail, saying what did not come
wait_until() {
    local limit=$1 what=$2 end
    shift 2
    end=$((SECONDS + limit))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "waited $limit s in vain for: $what"
        sleep 0.1
    done
}

# together COMMAND ARG… — COMMAND once for each ARG, side by side; fails when any of them does
together() {
    local command=$1 pids=() argument pid failed=0
    shift
    for argument in "$@"; do
        "$command" "$argument" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    [ "$failed" = 0 ] || die "$command failed for at least one of: $*"
}

# One change of the lab at a time, whichever checkout asks for it. The lock ends with this process:
# what outlives it (the engine) is started with descriptor 9 closed.
locked() {
    need_root "lab $1"
    mkdir -p "$HOME_DIR"
    exec 9>"$HOME_DIR/lock"
    flock -n 9 || {
        say "waiting for another lab command to end"
        flock -w 900 9 || die "another lab command has held the lock for 15 minutes"
    }
    "$@"
}
