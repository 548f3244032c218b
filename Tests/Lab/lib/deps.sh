# shellcheck shell=bash
# The packages behind the lab, and the check that they are there.

missing_packages() {
    [ -x /usr/bin/docker ] && command -v dockerd >/dev/null || echo docker.io
    command -v mmdebstrap >/dev/null || echo mmdebstrap
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
    command -v iptables >/dev/null || echo iptables
    command -v ssh-keygen >/dev/null || echo openssh-client
    command -v curl >/dev/null || echo curl
    command -v openssl >/dev/null || echo openssl
    command -v mkfs.ext4 >/dev/null || echo e2fsprogs
    command -v psql >/dev/null || echo postgresql-client
    /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || echo python3-psycopg2
}

deps() {
    local missing
    missing=$(missing_packages | paste -sd " ")
    if [ -z "$missing" ]; then
        say "nothing to install"
        return
    fi
    command -v apt-get >/dev/null ||
        die "this machine has no apt-get; install by hand: $missing"
    need_root "lab deps"
    say "installing: $missing"
    (
        export DEBIAN_FRONTEND=noninteractive
        # Without systemd a package would start its daemon through init scripts: the engine is
        # ours to start, and to stop.
        [ -d /run/systemd/system ] || export RUNLEVEL=1
        apt-get update -qq
        # shellcheck disable=SC2086 # a list of words
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
    ) || die "apt-get could not install: $missing"
    say "installed"
}

need_packages() {
    local missing
    missing=$(missing_packages | paste -sd " ")
    [ -z "$missing" ] || die "missing: $missing — run: lab deps"
}
