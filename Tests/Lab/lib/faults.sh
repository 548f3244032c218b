# shellcheck shell=bash
# What can go wrong with servers, and its undoing. None of it waits for the effect to be noticed.

fault() {
    local what=${1:-} server=${2:-}
    if [ "$what" = registry ]; then
        fault_registry "$server"
        return
    fi
    [ -n "$server" ] || usage "lab fault WHAT SERVER"
    address_of "$server" >/dev/null
    exists "$server" || die "$server is not up"
    case $what in
        kill) "$DOCKER" kill "$(container_of "$server")" >/dev/null ;;
        start) disk_mount "$server" && "$DOCKER" start "$(container_of "$server")" >/dev/null ;;
        unplug) "$DOCKER" network disconnect "$NETWORK" "$(container_of "$server")" ;;
        plug) plug "$server" ;;
        partition) partition "$server" ;;
        heal) heal "$server" ;;
        cut) cut_off "$server" ;;
        uncut) uncut "$server" ;;
        full-disk) full_disk "$server" ;;
        free-disk) free_disk "$server" ;;
        hang-ssh) hang_ssh "$server" ;;
        unhang-ssh) unhang_ssh "$server" ;;
        freeze-ssh) freeze_ssh "$server" ;;
        thaw-ssh) unhang_ssh "$server" ;;
        rekey) rekey "$server" ;;
        trust) trust "$server" ;;
        *) usage "no such fault: $what" ;;
    esac
    say "$server: $what"
}

fault_registry() {
    case $1 in
        stop) "$DOCKER" stop -t 1 "$REGISTRY" >/dev/null ;;
        start) registry_start ;;
        *) usage "lab fault registry stop|start" ;;
    esac
    say "registry: $1"
}

# Both ways, and for what the server's containers publish as well: before any other rule on the way
# in, after every other on the way out. The machine itself is no peer, so ssh stays.
partition() {
    local peer peers=''
    for peer in $ALL_SERVERS; do
        [ "$peer" = "$1" ] || peers="$peers $(address_of "$peer")"
    done
    heal "$1"
    in_server "$1" env "PEERS=$peers" sh -es <<'SH'
iptables -w -t raw -N LAB-CUT
iptables -w -t mangle -N LAB-CUT
for peer in $PEERS; do
    iptables -w -t raw -A LAB-CUT -s "$peer" -j DROP
    iptables -w -t mangle -A LAB-CUT -d "$peer" -j DROP
done
iptables -w -t raw -I PREROUTING -j LAB-CUT
iptables -w -t mangle -A POSTROUTING -j LAB-CUT
SH
}

heal() {
    in_server "$1" sh -s <<'SH'
iptables -w -t raw -D PREROUTING -j LAB-CUT 2>/dev/null
iptables -w -t mangle -D POSTROUTING -j LAB-CUT 2>/dev/null
for table in raw mangle; do
    iptables -w -t $table -F LAB-CUT 2>/dev/null && iptables -w -t $table -X LAB-CUT
done
true
SH
}

# The machine is the peer here: the servers go on seeing each other.
cut_off() {
    uncut "$1"
    in_server "$1" env "PEER=$MACHINE" sh -es <<'SH'
iptables -w -t raw -N LAB-CUT-OFF
iptables -w -t raw -A LAB-CUT-OFF -s "$PEER" -j DROP
iptables -w -t raw -I PREROUTING -j LAB-CUT-OFF
SH
}

uncut() {
    in_server "$1" sh -s <<'SH'
iptables -w -t raw -D PREROUTING -j LAB-CUT-OFF 2>/dev/null
iptables -w -t raw -F LAB-CUT-OFF 2>/dev/null && iptables -w -t raw -X LAB-CUT-OFF
true
SH
}

# The kernel goes on accepting for a process that is stopped; nobody answers.
hang_ssh() { in_server "$1" pkill -STOP --pidfile /run/sshd.pid; }

# Open sessions too: what was asked over them is never answered.
freeze_ssh() { in_server "$1" pkill -STOP sshd; }

unhang_ssh() { in_server "$1" pkill -CONT sshd; }

rekey() {
    in_server "$1" sh -es <<'SH'
rm /etc/ssh/ssh_host_*
ssh-keygen -A >/dev/null
kill -HUP "$(cat /run/sshd.pid)"
SH
}

free_disk() { in_server "$1" sh -s <<<'rm -f /var/lib/docker/.lab-filler*'; }

full_disk() {
    mountpoint -q "$DISKS/$1" || die "this machine has no loop devices: $1 has no disk of its own to fill"
    in_server "$1" sh -s <<'SH'
cd /var/lib/docker
rest=$(df --output=avail -B1M . | tail -n 1)
[ "$rest" -lt 2 ] || fallocate -l $((rest - 1))M .lab-filler
# What is left goes byte by byte, until nothing more fits.
dd if=/dev/zero of=.lab-filler-rest bs=64k 2>/dev/null
dd if=/dev/zero of=.lab-filler-last bs=512 2>/dev/null
true
SH
}
