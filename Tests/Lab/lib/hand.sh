# shellcheck shell=bash
# The reference cluster, built as a person builds it: files copied over, docker compose up.

readonly HAND_DIRECTORY=/opt/twincigo-crm

build_by_hand() {
    local server=$1 address
    address=$(address_of "$server")
    {
        tar -C "$LAB/by-hand" -cf - docker-compose.yml haproxy.cfg
    } | in_server "$server" sh -ec "mkdir -p $HAND_DIRECTORY && tar -C $HAND_DIRECTORY --no-same-owner -xf -"
    grep '^PGPASSWORD_' "$STATE/secrets.env" |
        in_server "$server" sh -ec "umask 077 && cat >$HAND_DIRECTORY/.env"
    in_server "$server" sh -ec "cd $HAND_DIRECTORY && docker compose pull -q && docker compose up -d" >/dev/null 2>&1 ||
        die "$server: docker compose up failed (lab logs $server)"
    wait_until 180 "$server: a leader and two streaming replicas" is_complete "$address:8008"
    say "$server: a leader and two streaming replicas in $HAND_DIRECTORY"
}

# is_complete ADDRESS:PORT — as that member's view of the cluster says
is_complete() {
    curl -fsS -m 3 "http://$1/cluster" | "$PYTHON" -c '
import json, sys
roles = sorted((m["role"], m["state"]) for m in json.load(sys.stdin)["members"])
sys.exit(roles != [("leader", "running")] + [("replica", "streaming")] * 2)'
}
