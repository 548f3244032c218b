# shellcheck shell=bash
# The servers: containers with an engine of their own, on a network where the machine reaches them
# by address, each on a disk of its own size so that it can fill up.

readonly ALL_SERVERS="node-1 node-2 node-3 hil-1"
readonly DISKS=$HOME_DIR/disks
readonly DISK_SIZE=6G

servers_of() {
    case $1 in
        one) echo hil-1 ;;
        three) echo node-1 node-2 node-3 ;;
        *) usage "no such shape: $1 (one, three)" ;;
    esac
}

address_of() {
    case $1 in
        node-1) echo 172.30.0.11 ;;
        node-2) echo 172.30.0.12 ;;
        node-3) echo 172.30.0.13 ;;
        hil-1) echo 172.30.0.20 ;;
        *) usage "no such server: $1 ($ALL_SERVERS)" ;;
    esac
}

# The second byte of 10.x.0.0/16, from which a server's engine takes its networks.
pool_of() {
    local address
    address=$(address_of "$1") && echo "2${address##*.}"
}

container_of() { echo "$PREFIX-$1"; }

# in_server SERVER COMMAND… — past its sshd and its network, which may be at fault
in_server() {
    local server=$1
    shift
    "$DOCKER" exec -i "$(container_of "$server")" "$@"
}

exists() { "$DOCKER" container inspect "$(container_of "$1")" >/dev/null 2>&1; }

runs() { [ "$("$DOCKER" container inspect -f '{{.State.Running}}' "$(container_of "$1")" 2>/dev/null)" = true ]; }

running_servers() {
    local server
    for server in $ALL_SERVERS; do if runs "$server"; then echo "$server"; fi; done
}

# shellcheck disable=SC2086 # servers are a list of words
up() {
    local shape='' by_hand='' argument servers
    for argument in "$@"; do
        case $argument in
            --hand-built) by_hand=1 ;;
            -*) usage "lab up one|three [--hand-built]" ;;
            *) shape=$argument ;;
        esac
    done
    servers=$(servers_of "${shape:-none}")
    [ -z "$by_hand" ] || [ "$shape" = one ] || usage "--hand-built is for the shape one"
    engine_start
    images_are_there || build ""
    network_up
    registry_up
    servers_up $servers
    write_state
    together ssh_answers $servers
    say "up:" $servers
    [ -z "$by_hand" ] || build_by_hand hil-1
}

images_are_there() {
    "$DOCKER" image inspect "$PREFIX/server:latest" "$PREFIX/registry:latest" >/dev/null 2>&1
}

# --privileged fails where the machine lacks a capability itself (CAP_SYS_RESOURCE, for one); these
# few are enough then. Without SYS_PTRACE, docker exec fails inside for images that run as a user.
isolation_that_works() {
    local least="--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE"
    least="$least --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
    least="$least --security-opt systempaths=unconfined"
    if "$DOCKER" run --rm --network none --privileged "$PREFIX/server:latest" true >/dev/null 2>&1; then
        ISOLATION=--privileged
    else
        ISOLATION=$least
    fi
}

# servers_up SERVER… — running and connected; made anew only when the image has changed
servers_up() {
    local server
    for server in "$@"; do
        is_current "$server" || { isolation_that_works; break; }
    done
    together server_up "$@"
}

server_up() {
    local server=$1
    if is_current "$server"; then
        disk_mount "$server"
        "$DOCKER" start "$(container_of "$server")" >/dev/null
        plug "$server"
    else
        if exists "$server"; then say "$server is of an older image: making it anew"; fi
        server_remove "$server"
        server_create "$server"
    fi
    wait_until 90 "$server: its engine" engine_of_answers "$server"
}

# is_current SERVER — it is there, and made from the image as it is now
is_current() {
    local made now
    made=$("$DOCKER" container inspect -f '{{.Image}}' "$(container_of "$1")" 2>/dev/null) || return 1
    now=$("$DOCKER" image inspect -f '{{.Id}}' "$PREFIX/server:latest") && [ "$made" = "$now" ]
}

engine_of_answers() { in_server "$1" docker info; }

server_create() {
    local server=$1 name mounts hosts=()
    mounts=$(disk_make "$server") || return 1
    # No image name may lead out of the lab, not even when the registry does not have it.
    for name in ghcr.io quay.io registry-1.docker.io auth.docker.io index.docker.io; do
        hosts+=(--add-host "$name:$REGISTRY_ADDRESS")
    done
    # shellcheck disable=SC2086 # lists of words
    "$DOCKER" run -d --name "$(container_of "$server")" --hostname "$server" \
        --label "$PREFIX=server" --init --cgroupns private $ISOLATION $mounts \
        --network "$NETWORK" --ip "$(address_of "$server")" "${hosts[@]}" \
        --env "LAB_POOL=$(pool_of "$server")" --env "LAB_REGISTRY=$REGISTRY_ADDRESS" \
        "$PREFIX/server:latest" >/dev/null
}

server_remove() {
    "$DOCKER" rm -fv "$(container_of "$1")" >/dev/null 2>&1 || true
    disk_remove "$1"
}

# disk_make SERVER — a small file system for its docker data and /opt, as arguments of docker run.
# A machine without loop devices gets a plain volume, and no full-disk fault.
disk_make() {
    local disk=$DISKS/$1
    disk_remove "$1"
    mkdir -p "$disk"
    truncate -s "$DISK_SIZE" "$disk.ext4"
    # No journal: the machine itself does not lose power, only its containers do.
    if mkfs.ext4 -q -F -m 0 -O ^has_journal "$disk.ext4" && disk_mount "$1" 2>/dev/null; then
        mkdir "$disk/docker" "$disk/opt"
        echo "--volume $disk/docker:/var/lib/docker --volume $disk/opt:/opt"
    else
        rm -f "$disk.ext4"
        echo "--volume /var/lib/docker"
    fi
}

# disk_mount SERVER — the machine may have been started anew since
disk_mount() {
    local disk=$DISKS/$1
    [ ! -f "$disk.ext4" ] || mountpoint -q "$disk" || mount -o loop "$disk.ext4" "$disk"
}

disk_remove() {
    local disk=$DISKS/$1
    if mountpoint -q "$disk"; then umount "$disk" || umount -l "$disk"; fi
    rm -rf "$disk" "$disk.ext4"
}

# shellcheck disable=SC2086 # servers are a list of words
down() {
    local all='' server servers=
    case "$*" in
        "") servers=$ALL_SERVERS ;;
        --all) all=1 servers=$ALL_SERVERS ;;
        one | three) servers=$(servers_of "$1") ;;
        *) usage "lab down [one|three] | lab down --all" ;;
    esac
    if ! engine_answers; then
        engine_pid >/dev/null || { say "no engine answers: nothing is up"; return; }
        die "the engine does not answer (its log: $ENGINE/log)"
    fi
    together server_remove $servers
    for server in $ALL_SERVERS; do if exists "$server"; then write_state; return; fi; done
    "$DOCKER" rm -fv "$REGISTRY" >/dev/null 2>&1 || true
    "$DOCKER" network rm "$NETWORK" >/dev/null 2>&1 || true
    rm -rf "$STATE"
    if [ -n "$all" ]; then
        forget_images
        "$DOCKER" volume rm -f "$REGISTRY" >/dev/null
        rm -rf "$CACHE" "$DISKS"
    fi
    say "down"
}

# shellcheck disable=SC2086 # servers are a list of words
reset() {
    local argument servers=''
    KEEP_IMAGES=1
    for argument in "$@"; do
        case $argument in
            --images) KEEP_IMAGES= ;;
            one | three) servers="$servers $(servers_of "$argument")" ;;
            *) address_of "$argument" >/dev/null && servers="$servers $argument" ;;
        esac
    done
    engine_answers || die "no engine answers: nothing is up (lab up one|three)"
    [ -n "$servers" ] || for argument in $ALL_SERVERS; do
        if exists "$argument"; then servers="$servers $argument"; fi
    done
    [ -n "$servers" ] || die "no server is up (lab up one|three)"
    registry_up
    servers_up $servers
    together server_empty $servers
    write_state
    say "empty:" $servers
}

server_empty() {
    unhang_ssh "$1"
    heal "$1"
    uncut "$1"
    free_disk "$1"
    in_server "$1" env "KEEP_IMAGES=$KEEP_IMAGES" sh -s <"$LAB/lib/empty-server.sh"
}

# plug SERVER — back on the network with its own address, if it is not there
plug() {
    local networks
    networks=$("$DOCKER" container inspect -f '{{json .NetworkSettings.Networks}}' "$(container_of "$1")")
    case $networks in
        *"\"$NETWORK\""*) ;;
        *) "$DOCKER" network connect --ip "$(address_of "$1")" "$NETWORK" "$(container_of "$1")" ;;
    esac
}
