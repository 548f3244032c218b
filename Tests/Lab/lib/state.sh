# shellcheck shell=bash
# What a client needs to reach the servers, in .state/: a key, host keys, ssh_config, secrets.

write_state() {
    local server
    mkdir -p "$STATE"
    chmod 700 "$STATE"
    [ -f "$STATE/id_lab" ] || ssh-keygen -q -t ed25519 -N '' -C matriarch-lab -f "$STATE/id_lab"
    write_secrets
    write_ssh_config
    touch "$STATE/known_hosts"
    for server in $(running_servers); do
        admit "$server"
        trust "$server"
    done
}

# admit SERVER — this checkout's key for both users; the servers may have been made by another one
admit() {
    in_server "$1" env "KEY=$(cat "$STATE/id_lab.pub")" sh -es <<'SH'
for home in /root /home/deploy; do
    file=$home/.ssh/authorized_keys
    mkdir -p "$home/.ssh"
    grep -qxF "$KEY" "$file" 2>/dev/null || printf '%s\n' "$KEY" >>"$file"
    chown -R --reference="$home" "$home/.ssh"
    chmod 700 "$home/.ssh"
    chmod 600 "$file"
done
SH
}

# trust SERVER — its host keys as they are now, read past the network, in place of those known
trust() {
    local server=$1 address keys
    address=$(address_of "$server")
    keys=$(in_server "$server" sh -c 'cut -d " " -f 1-2 /etc/ssh/ssh_host_*_key.pub') ||
        die "$server shows no host keys"
    {
        grep -v "^$server,$address " "$STATE/known_hosts" || true
        printf '%s\n' "$keys" | sed "s/^/$server,$address /"
    } >"$STATE/known_hosts.new"
    mv "$STATE/known_hosts.new" "$STATE/known_hosts"
}

write_ssh_config() {
    local server
    {
        for server in $ALL_SERVERS; do
            printf 'Host %s\n  HostName %s\n' "$server" "$(address_of "$server")"
        done
        cat <<TXT
Host *
  User root
  IdentityFile $STATE/id_lab
  IdentitiesOnly yes
  UserKnownHostsFile $STATE/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ConnectTimeout 10
  LogLevel ERROR
TXT
    } >"$STATE/ssh_config.new"
    mv "$STATE/ssh_config.new" "$STATE/ssh_config"
}

# The same in every checkout, so that a cluster built from one can be read from another. They guard
# a network that does not leave this machine; real enough to be looked for in what must not leak.
write_secrets() {
    local jwt=lab-jwt-secret-with-at-least-32-characters
    cat >"$STATE/secrets.env.new" <<TXT
PGPASSWORD_SUPERUSER=lab-superuser-Vq7wq2mZ
PGPASSWORD_STANDBY=lab-standby-J4nt8xRb
PGPASSWORD_ADMIN=lab-admin-Yc5tk9Hd
POSTGRES_PASSWORD=lab-supabase-Nf3rw6Ls
JWT_SECRET=$jwt
ANON_KEY=$(jwt_for anon $jwt)
SERVICE_ROLE_KEY=$(jwt_for service_role $jwt)
SECRET_KEY_BASE=lab-secret-key-base-0123456789abcdefghijklmnopqrstuvwxyz0123456789ab
VAULT_ENC_KEY=lab-vault-key-32-characters-long
PG_META_CRYPTO_KEY=lab-meta-key-32-characters-long-
DASHBOARD_PASSWORD=lab-dashboard-Ke8uz1Pw
TXT
    chmod 600 "$STATE/secrets.env.new"
    mv "$STATE/secrets.env.new" "$STATE/secrets.env"
}

base64_of_url() { base64 -w 0 | tr '+/' '-_' | tr -d =; }

# jwt_for ROLE SECRET — a token as Supabase's own keys are, good for some years
jwt_for() {
    local body
    body=$(printf '{"alg":"HS256","typ":"JWT"}' | base64_of_url).$(
        printf '{"role":"%s","iss":"matriarch-lab","iat":1767225600,"exp":2082758400}' "$1" | base64_of_url)
    printf '%s.%s' "$body" "$(printf %s "$body" | openssl dgst -sha256 -hmac "$2" -binary | base64_of_url)"
}

ssh_config_of() {
    [ -f "$STATE/ssh_config" ] || die "nothing is up here (lab up one|three)"
    echo "$STATE/ssh_config"
}

ssh_to() {
    [ $# -ge 1 ] || usage "lab ssh [USER@]SERVER COMMAND…"
    address_of "${1#*@}" >/dev/null
    local config
    config=$(ssh_config_of)
    exec ssh -F "$config" "$@"
}

ssh_answers() { wait_until 60 "$1: ssh" ssh -F "$STATE/ssh_config" -o BatchMode=yes "$1" true; }
