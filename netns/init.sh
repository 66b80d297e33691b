#!/usr/bin/env bash
# init.sh - the first process of a world, and the work of building it.
#
# `net up` starts this as pid 1 of new namespaces. Pid 1 is the world's handle: when it dies the
# kernel kills every process of its pid namespace, and with the last of them the mounts and networks
# go. So there is no teardown code anywhere: `net down` kills one process (pid_namespaces(7)). Until
# `net up` has said "commit" on stdin, end-of-file there means that `net up` is gone, and the
# half-built world ends at once. [#pid-1-is-the-handle]
#
# What to build is a plan, written by `topology plan` from the world's own copy of the topology; this
# file only runs it (inside a world: /run/echolab/plan/README).
#
# Usage:    init.sh MODE SHOWN   SHOWN is the topology's name, for messages
#           stdin: "commit"; descriptor 3: the topology
#           stdout: "pid N", "hosts ...", "routers ...", "switches ...", then "ready"; or "wrong ..."
#           (the topology is), or any other line: why it could not be built
# Partner:  world.sh (the side that stays outside), topology_plan.c (what is run)
set -euo pipefail
umask 022
readonly PLAN=/run/echolab/plan
readonly LOG_GROUP=7007 # topology_planner.h

fail() { echo "$*"; exit 1; }

# wait_until SECONDS CMD…: until the command succeeds; false when the time is up, which is never before
# SECONDS. The pause only spares the processor; the condition ends the wait.
wait_until() {
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -le "$end" ] || return 1
        read -rt 0.01 <> <(:) || true
    done
}

# The world's own /proc, /run and /etc. Everything is mounted in a mount namespace that goes with
# pid 1.
mount_private() {
    local mode=$1
    mount --make-rprivate / || fail "mount --make-rprivate /: refused (are we in a container? net doctor knows more)"
    mount -t proc proc /proc || fail "/proc: cannot be mounted for the new pid namespace (a container that hides parts of /proc forbids it)"
    mount -t tmpfs -o mode=755,size=256m tmpfs /run
    mkdir -m 755 /run/echolab /run/echolab/etc /run/netns
    if [ "$mode" = root ]; then
        # Root is real here: what could change the machine is read-only; a network namespace's own
        # settings are not.
        mount --bind /proc/sys /proc/sys
        mount --bind /proc/sys/net /proc/sys/net
        mount -o remount,bind,ro /proc/sys
    fi
}

# Name service: an overlay puts three files over the machine's /etc, without touching it (and where
# it is read-only). A symbolic link /etc/resolv.conf is covered, not followed. `files dns` keeps the
# answer the same on machines with other resolvers. Each place has a resolv.conf of its own in
# /etc/netns, which `ip netns exec` puts in place (ip-netns(8)); the machine's own /etc/netns is
# covered.
mount_etc() {
    local etc=/run/echolab/etc
    mkdir "$etc/netns"
    printf '# each host has its own: ip netns exec HOST cat /etc/resolv.conf\nsearch lab\n' >"$etc/resolv.conf"
    printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n' >"$etc/hosts"
    { sed '/^hosts:/d' /etc/nsswitch.conf 2>/dev/null || true; echo "hosts: files dns"; } >"$etc/nsswitch.conf"
    mount -t overlay overlay -o "lowerdir=$etc:/etc" /etc || fail "/etc: an overlay cannot be mounted (Linux 5.11 or newer is needed without root)"
    mount --bind $PLAN/etc /etc/netns
}

# make_plan SHOWN: the topology is read here for the first and only time, from the copy that stays:
# what is edited meanwhile, or later, does not matter. [#read-once]
make_plan() {
    local said key value
    cat <&3 >/run/echolab/topology
    exec 3<&-
    mkdir $PLAN
    said=$("$TOPOLOGY" plan ${TAG:+--kernel-log "$TAG"} --name "$1" /run/echolab/topology $PLAN 2>&1) ||
        fail "wrong ${said#topology: }"
    echo "$said"
    while read -r key value; do
        case $key in
        hosts) HOSTS=$value ;;
        routers) ROUTERS=$value ;;
        switches) SWITCHES=$value ;;
        esac
    done <<<"$said"
    read -r DNS <$PLAN/dns || true
}

# step WHAT CMD…: a command of the plan. What it says when it fails is told in one line; of a batch
# for ip or tc, with the command that it stumbled over.
step() {
    local what=$1 said line
    shift
    "$@" 2>"/run/echolab/said.$what" && return
    said=$(<"/run/echolab/said.$what")
    [ -n "$(type -P "$1")" ] || said="not found (net doctor names the package)"
    if [[ $said =~ ^(.*)Command\ failed\ ([^:]+):([0-9]+) ]]; then
        mapfile -t -s $((BASH_REMATCH[3] - 1)) -n 1 line <"${BASH_REMATCH[2]}"
        said="$1 ${line[0]}: ${BASH_REMATCH[1]}"
    else
        said="$1: ${said:-failed}"
    fi
    said=${said%$'\n'}
    echo "${what%.*}: ${said//$'\n'/; }"
    : >/run/echolab/failed # nobody needs to wait for this place's wires
    exit 1
}

# One place, from inside its namespace. The rules come first: an interface that comes up announces
# its groups at once, and they keep that quiet. A setting that an older kernel lacks is left alone.
build_place() {
    local place=$1 dir=$2/place/$1 key value
    while read -r key value; do
        [ ! -e "/proc/sys/net/$key" ] || echo "$value" >"/proc/sys/net/$key" || true
    done 2>/dev/null <"$dir/sysctl"
    [ ! -e "$dir/iptables" ] || step "$place.4" iptables-restore --wait=10 "$dir/iptables"
    [ ! -e "$dir/ip6tables" ] || step "$place.6" ip6tables-restore --wait=10 "$dir/ip6tables"
    [ ! -e "$dir/nft" ] || step "$place.nft" nft -f "$dir/nft"
    step "$place.ip" ip -batch "$dir/ip"
    [ ! -e "$dir/tc" ] || step "$place.tc" tc -batch "$dir/tc"
    await_wires
}

# An interface is up when its other end is, and a switch forwards to a port some moments later: what
# is sent before is lost without a word. So the place is finished when every wire carries. [#wires-carry]
await_wires() {
    local end=$((SECONDS + 10)) file state pause
    exec {pause}<> <(:)
    for file in /sys/class/net/*/operstate /sys/class/net/*/brport/state; do
        case $file in
        *'*'* | */lo/*) continue ;;
        */br0/*) compgen -G '/sys/class/net/br0/brif/*' >/dev/null || continue ;; # nothing is plugged in
        esac
        while read -r state <"$file" && [ "$state" != up ] && [ "$state" != 3 ]; do # 3: forwarding
            [ ! -e /run/echolab/failed ] || exit 1
            if [ $SECONDS -gt $end ]; then echo "$file: is $state"; exit 1; fi
            read -rt 0.002 -u "$pause" || true
        done
    done
}

# All places at once: each is a namespace of its own, and most of the time is the kernel's.
build_places() {
    local place pid
    local -a pids=()
    step world.ip ip -batch $PLAN/world.ip
    while read -r _ place; do
        ip netns exec "$place" bash -c "$(declare -f step build_place await_wires); build_place $place $PLAN" &
        pids+=($!)
    done <$PLAN/places
    for pid in "${pids[@]}"; do wait "$pid" || exit 1; done
    rm -f /run/echolab/said.*
}

# A real DNS server. Where the user nobody is not mapped (a user namespace of one user), it must be
# told to keep its user: it would end without a word if it could not change it.
start_dns() {
    local user=
    local -a arguments
    [ -n "$DNS" ] || return 0
    ! setpriv --reuid nobody --clear-groups true 2>/dev/null || user=nobody
    mapfile -t arguments <$PLAN/dnsmasq
    ip netns exec "$DNS" dnsmasq --user=$user --group= "${arguments[@]}" </dev/null >/run/echolab/dnsmasq.log 2>&1 &
    DNS_PID=$!
}

# It reads the names when its sockets are open, and says so: no packet has to be sent to find out.
await_dns() {
    [ -n "$DNS" ] || return 0
    wait_until 12 says_or_ended "$DNS_PID" /run/echolab/dnsmasq.log "dnsmasq.hosts - "
    has_line /run/echolab/dnsmasq.log "dnsmasq.hosts - " ||
        fail "dnsmasq on $DNS does not start: $(tail -n 2 /run/echolab/dnsmasq.log)"
}

says_or_ended() { has_line "$2" "$3" || ! kill -0 "$1"; } # PID FILE TEXT
has_line() { [ -e "$1" ] && [[ $(<"$1") == *"$2"* ]]; } # FILE TEXT

# The one reader of all NFLOG messages of this world.
start_packet_log() {
    [ -n "$PACKET_LOG" ] || return 0
    "$PACKET_LOG" collect --group $LOG_GROUP --hosts "$(<$PLAN/hosts)" --names /run/echolab/names </dev/null >/run/echolab/packet_log.log 2>&1 &
    LOG_PID=$!
}

await_packet_log() {
    [ -n "$PACKET_LOG" ] || return 0
    wait_until 12 says_or_ended "$LOG_PID" /run/echolab/packet_log.log "ready "
    has_line /run/echolab/packet_log.log "ready " || fail "packet_log does not start: $(tail -n 2 /run/echolab/packet_log.log)"
}

setup() {
    local mode=$1 shown=$2
    local HOSTS='' ROUTERS='' SWITCHES='' DNS='' DNS_PID='' LOG_PID=''
    mount_private "$mode"
    make_plan "$shown"
    mount_etc
    hostname echolab
    build_places
    cp $PLAN/plugs $PLAN/names /run/echolab
    start_dns
    start_packet_log
    await_packet_log # what ends is noticed at once: the limits, together less than net's patience
    await_dns        # (30 s for each line of ours), are for one that hangs
    # For a net that is typed on a host: as the state file outside, but pid 1 is pid 1 (world.sh).
    printf 'pid=1\nmode=root\ntopology=%s\nhosts=%s\nrouters=%s\nswitches=%s\n%sready\n' "${shown##*/}" \
        "$HOSTS" "$ROUTERS" "$SWITCHES" "${TAG:+tag=$TAG$'\n'}" >"/run/echolab/world.$ECHOLAB_WORLD"
    echo ready
}

main() {
    local word
    # This is still the old /proc, so the number is the one by which the world outside knows us.
    read -r word _ </proc/self/stat
    echo "pid $word"
    setup "$@" </dev/null 2>&1 &
    exec >/dev/null 2>&1 3<&- # the other end learns from end-of-file that setup has died
    read -r word && [ "$word" = commit ] || exit 1
    # From here on: hold the namespaces and collect orphans (bash waits for any child that ends). The
    # pipe never ends, because this process holds both of its ends.
    exec 0<> <(:)
    while true; do read -r word || true; done
}

main "$@"
