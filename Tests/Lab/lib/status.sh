# shellcheck shell=bash
# What is up, what the clusters say, and what was logged. Nothing here changes anything.

status() {
    local server shape
    if ! engine_answers; then
        echo "no docker engine answers"
        return
    fi
    printf '%-8s  %-12s  %s\n' registry "$REGISTRY_ADDRESS" "$(state_of registry)"
    for server in $ALL_SERVERS; do status_of "$server"; done
    for shape in one three; do
        for server in $(servers_of "$shape"); do
            if runs "$server" && cluster_of "$server"; then break; fi
        done
    done
}

state_of() {
    local state
    state=$("$DOCKER" container inspect -f '{{.State.Status}}' "$(container_of "$1")" 2>/dev/null) || state=absent
    echo "$state"
}

status_of() {
    local server=$1 state containers=
    state=$(state_of "$server")
    if [ "$state" = running ]; then
        containers=$(timeout 10 "$DOCKER" exec "$(container_of "$server")" docker ps -a \
            --format '{{.Names}} ({{.State}})' 2>/dev/null | sort | paste -sd ' ') || containers="docker does not answer"
    fi
    printf '%-8s  %-12s  %-8s  %s\n' "$server" "$(address_of "$server")" "$state" "$containers"
}

# cluster_of SERVER — Patroni's own view, from whichever of its usual ports answers
cluster_of() {
    local address port answer
    address=$(address_of "$1")
    for port in 8008 8009 8010; do
        answer=$(curl -fsS -m 3 "http://$address:$port/cluster" 2>/dev/null) || continue
        echo "cluster, as $address:$port tells it:"
        "$PYTHON" -c '
import json, sys
for m in json.load(sys.stdin)["members"]:
    print("  %-12s %-14s %-10s timeline %-4s lag %s" % (
        m["name"], m["role"], m["state"], m.get("timeline", "-"), m.get("lag", "-")))
' <<<"$answer"
        return 0
    done
    return 1
}

logs() {
    local server servers=${*:-$(running_servers)}
    for server in $servers; do
        address_of "$server" >/dev/null
        printf '\n===== %s\n' "$server"
        "$DOCKER" logs --tail 50 "$(container_of "$server")" 2>&1 || continue
        runs "$server" || continue
        in_server "$server" sh -s <<'SH'
printf '\n== engine\n'
tail -n 30 /var/log/dockerd.log
docker ps -a
for container in $(docker ps -aq); do
    printf '\n== %s\n' "$(docker inspect -f '{{.Name}} {{.State.Status}} exit {{.State.ExitCode}}' "$container")"
    docker logs --tail 60 "$container" 2>&1
done
SH
    done
}
