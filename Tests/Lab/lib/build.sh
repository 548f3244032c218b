# shellcheck shell=bash
# The images, from Debian's packages alone, and the registry that serves them under real names.
# Each image carries the hash of what it was made from, and is left alone while that stays.

readonly CACHE=$HOME_DIR/cache

# REPOSITORY:TAG in the registry, and the image here. ghcr.io and quay.io lead to the registry
# itself; short names come through it as a mirror, where docker says library/ for one-word names.
published_services() {
    cat <<TXT
coreos/etcd:v3.5.16=$PREFIX/etcd:v3.5.16
library/haproxy:3.0=$PREFIX/haproxy:3.0
postgrest/postgrest:v14.5=$PREFIX/rest:v14.5
postgrest/postgrest:v14.12=$PREFIX/rest:v14.12
supabase/gotrue:v2.186.0=$PREFIX/auth:v2.186.0
supabase/realtime:v2.78.15=$PREFIX/realtime:v2.78.15
supabase/storage-api:v1.44.2=$PREFIX/storage:v1.44.2
library/kong:2.8.1=$PREFIX/gateway:2.8.1
supabase/postgres-meta:v0.95.2=$PREFIX/meta:v0.95.2
supabase/studio:2026.02.16=$PREFIX/studio:2026.02.16
TXT
}

published_spilo() {
    cat <<TXT
zalando/spilo-17:4.0-p2=$PREFIX/spilo:4.0-p2
zalando/spilo-17:4.0-p3=$PREFIX/spilo:4.0-p3
TXT
}

# The tools that health checks find in each real image.
tools_of() {
    case $1 in
        rest) echo postgrest ;;
        auth | storage) echo "wget sh dash" ;;
        realtime) echo "curl sh dash bash" ;;
        gateway) echo "kong sh dash" ;;
        meta | studio) echo "node sh dash bash" ;;
    esac
}

build() {
    local fresh=
    case ${1:-} in
        --fresh) fresh=1 ;;
        "") ;;
        *) usage "lab build [--fresh]" ;;
    esac
    need_packages
    engine_start
    mkdir -p "$CACHE"
    # Everything else follows a base that is new.
    [ -z "$fresh" ] || "$DOCKER" rmi -f "$PREFIX/lists:trixie" >/dev/null 2>&1 || true
    build_base
    build_services &
    local services=$!
    build_server &
    local server=$!
    build_spilo &
    local spilo=$! failed=
    wait "$services" || failed="$failed services"
    wait "$spilo" || failed="$failed spilo"
    wait "$server" || failed="$failed server"
    [ -z "$failed" ] || die "not built:$failed (package lists grow old: lab build --fresh)"
    publish "$(published_spilo)"
    "$DOCKER" image prune -f --filter "label=$PREFIX.key" >/dev/null
    say "images are ready"
}

# hash_of FOLDER [WORD…] — of the files in it, which of them can be executed, and the words
hash_of() (
    cd "$LAB/images/$1" || exit
    {
        printf '%s\n' "$*"
        find . -type f -perm /100 | sort
        find . -type f -print0 | sort -z | xargs -0 sha256sum
    } | sha256sum | cut -c 1-32
)

key_of() { "$DOCKER" image inspect -f "{{index .Config.Labels \"$PREFIX.key\"}}" "$1" 2>/dev/null; }

# image NAME FOLDER PARENT ARGUMENTS-OF-DOCKER-BUILD… — unless it is there, from the same inputs.
# Each has one Dockerfile and one parent: BuildKit would install packages once for each target of a
# common file, because it does not recognize a step that mounts the lists as one it has done.
image() {
    local name=$PREFIX/$1 folder=$2 parent=$PREFIX/$3 key
    shift 3
    key=$(hash_of "$folder" "$("$DOCKER" image inspect -f '{{.Id}}' "$parent")" "$*")
    [ "$(key_of "$name")" != "$key" ] || return 0
    "$DOCKER" build --quiet --label "$PREFIX.key=$key" --tag "$name" "$@" \
        "$LAB/images/$folder" >/dev/null || return 1
    say "built $name"
}

build_base() {
    local key
    key=$(hash_of base)
    if [ "$(key_of "$PREFIX/base:trixie")" != "$key" ] || [ "$(key_of "$PREFIX/lists:trixie")" != "$key" ]; then
        local made
        made=$(mktemp -d "$CACHE/base.XXXXXX")
        "$LAB/images/base/make" "$made" || die "mmdebstrap could not make the base image"
        "$DOCKER" import --change "LABEL $PREFIX.key=$key" "$made/lists.tar" "$PREFIX/lists:trixie" >/dev/null
        "$DOCKER" import --change "LABEL $PREFIX.key=$key" "$made/root.tar" "$PREFIX/base:trixie" >/dev/null
        rm -rf "$made"
        say "built $PREFIX/base:trixie"
    fi
}

build_server() { image server:latest server base:trixie; }

build_spilo() {
    image postgres:latest postgres base:trixie &&
        image spilo:4.0-p2 spilo postgres:latest --build-arg SPILO_VERSION=4.0-p2 &&
        image spilo:4.0-p3 spilo postgres:latest --build-arg SPILO_VERSION=4.0-p3
}

build_services() {
    local line name service
    image services:latest services base:trixie &&
        image registry:latest roles services:latest --target registry &&
        image etcd:v3.5.16 roles services:latest --target etcd &&
        image haproxy:3.0 roles services:latest --target haproxy || return 1
    for line in $(published_services); do
        name=${line#*="$PREFIX"/}
        service=${name%%:*}
        case $service in etcd | haproxy) continue ;; esac
        image "$name" supabase services:latest --build-arg "SERVICE=$service" \
            --build-arg "VERSION=${name#*:}" --build-arg "TOOLS=$(tools_of "$service")" || return 1
    done
    network_up && registry_up && publish "$(published_services)"
}

# publish LINES — what the registry holds already is not sent again
publish() {
    # shellcheck disable=SC2086 # one argument a line
    LAB_TEMPORARY=$CACHE "$PYTHON" "$LAB/lib/publish.py" "$REGISTRY_ADDRESS" $1 |
        while read -r name; do say "published $name"; done
}

forget_images() {
    "$DOCKER" images --format '{{.Repository}}:{{.Tag}}' "$PREFIX/*" | xargs -r "$DOCKER" rmi -f >/dev/null
}

network_up() {
    "$DOCKER" network inspect "$NETWORK" >/dev/null 2>&1 ||
        "$DOCKER" network create --subnet "$SUBNET" "$NETWORK" >/dev/null ||
        die "no network $SUBNET here: is another one using these addresses?"
}

registry_answers() { curl -fsS -m 2 -o /dev/null "http://$REGISTRY_ADDRESS/v2/"; }

registry_up() {
    if ! "$DOCKER" container inspect "$REGISTRY" >/dev/null 2>&1; then
        "$DOCKER" run -d --name "$REGISTRY" --hostname registry --label "$PREFIX=registry" \
            --network "$NETWORK" --ip "$REGISTRY_ADDRESS" \
            --volume "$REGISTRY:/var/lib/registry" "$PREFIX/registry:latest" >/dev/null
    fi
    registry_start
}

registry_start() {
    "$DOCKER" start "$REGISTRY" >/dev/null
    wait_until 30 "the registry on $REGISTRY_ADDRESS" registry_answers
}
