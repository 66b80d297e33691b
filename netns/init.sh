#!/usr/bin/env bash
# init.sh - the first process of a world, and the work of building it.
#
# `net up` starts this as pid 1 of new namespaces. Pid 1 is the world's handle: when it dies the
# kernel kills every process of its pid namespace, and with the last of them the mounts and networks
# go. So there is no teardown code anywhere: `net down` kills one process (pid_namespaces(7)). Until
# `net up` has said "commit" on stdin, end-of-file there means that `net up` is gone, and the
# half-built world ends at once. [#pid-1-is-the-handle]
#
# Usage:    init.sh MODE TOPOLOGY-FILE       (stdin: "commit"; stdout: "pid N", then "ready", or
#           what went wrong)
# Partner:  world.sh (the side that stays outside), topology.sh (what to build)
set -euo pipefail
HERE=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=netns/topology.sh
. "$HERE/topology.sh"

# NFLOG group of every log rule; packet_log listens there. One group has one reader in each
# namespace.
readonly LOG_GROUP=7007
# How much of a packet is copied to the reader: every header, and enough payload to tell two packets
# apart.
readonly LOG_BYTES=256

fail() { echo "$*"; exit 1; }

# wait_until SECONDS CMD…: until the command succeeds. The pause only spares the processor; the
# condition ends the wait.
wait_until() {
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt "$end" ] || return 1
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
# answer the same on machines with other resolvers.
mount_etc() {
    local etc=/run/echolab/etc server
    {
        echo "# of the lab network; the server is dnsmasq on $DNS"
        echo "search lab"
        for server in $(addresses_of "$DNS"); do echo "nameserver $server"; done
    } >"$etc/resolv.conf"
    printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n' >"$etc/hosts"
    { sed '/^hosts:/d' /etc/nsswitch.conf 2>/dev/null || true; echo "hosts: files dns"; } >"$etc/nsswitch.conf"
    chmod 644 "$etc"/*
    mount -t overlay overlay -o "lowerdir=$etc:/etc" /etc || fail "/etc: an overlay cannot be mounted (Linux 5.11 or newer is needed without root)"
}

# Settings of one network namespace; run inside it. What an older kernel lacks is left alone.
quiet_network() {
    local key value
    while read -r key value; do
        [ ! -e "/proc/sys/net/$key" ] || echo "$value" >"/proc/sys/net/$key" || true
    done 2>/dev/null <<'SETTINGS'
ipv6/conf/all/disable_ipv6 0
ipv6/conf/default/disable_ipv6 0
ipv6/conf/all/accept_dad 0
ipv6/conf/default/accept_dad 0
ipv6/conf/all/accept_ra 0
ipv6/conf/default/accept_ra 0
ipv6/conf/all/router_solicitations 0
ipv6/conf/default/router_solicitations 0
ipv4/icmp_ratelimit 0
ipv4/icmp_ratemask 0
ipv6/icmp/ratelimit 0
ipv6/icmp/ratemask
ipv4/conf/all/rp_filter 0
ipv4/conf/default/rp_filter 0
ipv4/ping_group_range 0 0
ipv4/ping_group_range 0 2147483647
bridge/bridge-nf-call-iptables 0
bridge/bridge-nf-call-ip6tables 0
SETTINGS
}

# The log rules of one host, for iptables-restore (FAMILY 4) or ip6tables-restore (6).
#
# [#where-we-log] Arriving packets are logged in mangle INPUT: before the filter table, so that a
# packet which a rule drops there is still seen to arrive. Leaving packets are logged in mangle
# POSTROUTING, the last thing before the interface: what is logged there has really left. Both see
# whole datagrams: fragments are made after, and put together before.
log_rules() {
    local family=$1 chain entry tag type
    local nflog="-j NFLOG --nflog-group $LOG_GROUP --nflog-size $LOG_BYTES --nflog-prefix"
    echo '*mangle'
    echo ':ECHOLAB_IN - [0:0]'
    echo ':ECHOLAB_OUT - [0:0]'
    if [ "$family" = 4 ]; then
        # The fence (lib/packets.h): a marker to the discard port, logged on its way out and never
        # answered.
        echo "-A POSTROUTING -o lo -d 127.0.0.1 -p udp --dport 9 $nflog \"[FENCE] \""
        echo "-A INPUT -i lo -d 127.0.0.1 -p udp --dport 9 -j DROP"
    fi
    echo '-A INPUT -j ECHOLAB_IN'
    echo '-A POSTROUTING -j ECHOLAB_OUT'
    for chain in ECHOLAB_IN ECHOLAB_OUT; do # two, so that net counters can tell in from out
        for entry in "${LOGS[@]}"; do
            tag=${entry% *}
            echo "-A $chain -p $tag -m multiport --ports ${entry#* } $nflog \"[${tag^^}] \""
        done
        for entry in udp tcp; do
            echo "-A $chain -p $entry -m multiport --ports 53 $nflog \"[DNS] \""
        done
        if [ "$family" = 4 ]; then
            echo "-A $chain -p icmp $nflog \"[ICMP] \""
        else # only errors and echo: neighbour discovery is not a lesson of every line
            for type in 1 2 3 4 128 129; do
                echo "-A $chain -p icmpv6 --icmpv6-type $type $nflog \"[ICMP] \""
            done
        fi
    done
    if [ "$family" = 6 ]; then
        # Reports of multicast membership (RFC 3810) would be the only unasked packets of a quiet
        # capture.
        echo '-A POSTROUTING -p icmpv6 --icmpv6-type 143 -j DROP'
    fi
    echo COMMIT
}

# Namespaces, interfaces and addresses. `number` gives each plug a hardware address of its own: 02:…
# is "locally administered".
make_networks() {
    local place link a b number=0
    for place in "${HOSTS[@]}" "${SWITCHES[@]}"; do
        ip netns add "$place"
        ip netns exec "$place" bash -c "$(declare -f quiet_network); quiet_network"
    done
    for place in "${SWITCHES[@]}"; do
        number=$((number + 1))
        ip -n "$place" link add br0 address "$(hardware_address $number)" type bridge forward_delay 0 mcast_snooping 0
        MAC[$place]=$(hardware_address $number)
    done
    for link in "${LINKS[@]}"; do
        read -r a b <<<"$link"
        MAC[$a]=$(hardware_address $((number + 1)))
        MAC[$b]=$(hardware_address $((number + 2)))
        number=$((number + 2))
        ip link add "${a#*:}" netns "${a%:*}" address "${MAC[$a]}" type veth \
            peer name "${b#*:}" netns "${b%:*}" address "${MAC[$b]}"
    done
}

# What is plugged in where, a line a plug: PLACE INTERFACE MAC SEGMENT PEER-PLACE PEER-INTERFACE, for
# programs inside. A segment is what shares frames: it has its switch's name. A switch's own plug
# into itself has no peer ("-").
list_plugs() {
    local place link a b
    for place in "${SWITCHES[@]}"; do echo "$place br0 ${MAC[$place]} $place - -"; done
    for link in "${LINKS[@]}"; do
        read -r a b <<<"$link"
        echo "${a%:*} ${a#*:} ${MAC[$a]} ${b%:*} ${b%:*} ${b#*:}"
    done
}

hardware_address() { printf '02:00:00:00:77:%02x' "$1"; }
is_switch() { [[ " ${SWITCHES[*]} " == *" $1 "* ]]; }

# Everything that is set on one host's or switch's interfaces, as one batch for ip(8).
#
# gso_max_segs 1: segmentation offload would hand iptables one "packet" of 64 KiB that no wire has
# ever carried. Static neighbours and no address detection: a capture holds what the programs sent
# and nothing else.
interface_batch() {
    local place=$1 link plug entry
    echo 'link set lo up'
    if is_switch "$place"; then echo 'link set br0 up'; fi
    for link in "${LINKS[@]}"; do
        for plug in $link; do
            [ "${plug%:*}" = "$place" ] || continue
            echo "link set ${plug#*:} gso_max_segs 1"
            if is_switch "$place"; then echo "link set ${plug#*:} master br0"; fi
            echo "link set ${plug#*:} up"
        done
    done
    for entry in "${ADDRESSES[@]}"; do
        [ "${entry%%[: ]*}" = "$place" ] || continue
        case $entry in
        *.*) echo "address add ${entry#* } brd + dev $(interface_of "${entry% *}")" ;;
        *) echo "address add ${entry#* } nodad dev $(interface_of "${entry% *}")" ;;
        esac
    done
    neighbours "$place"
}

# interface_of client:eth0 → eth0; interface_of sw0 → br0, the switch's own plug into itself
interface_of() { if [[ $1 == *:* ]]; then echo "${1#*:}"; else echo br0; fi; }

# What ARP and neighbour discovery would find out: who else is on each switch that this place is
# plugged into.
neighbours() {
    local place=$1 link a b other entry address
    for link in "${LINKS[@]}"; do
        read -r a b <<<"$link"
        if [ "${a%:*}" = "$place" ]; then
            for other in "${LINKS[@]}"; do
                if [ "${other#* }" = "$b" ] || [[ ${other#* } != "${b%:*}:"* ]]; then continue; fi
                for address in $(addresses_of "${other% *}"); do
                    echo "neigh replace $address lladdr ${MAC[${other% *}]} dev ${a#*:} nud permanent"
                done
            done
            for address in $(addresses_of "${b%:*}"); do
                echo "neigh replace $address lladdr ${MAC[${b%:*}]} dev ${a#*:} nud permanent"
            done
        elif [ "${b%:*}" = "$place" ]; then
            for address in $(addresses_of "$a"); do
                echo "neigh replace $address lladdr ${MAC[$a]} dev br0 nud permanent"
            done
        fi
    done
}

configure_place() {
    local place=$1
    # The rules first: an interface that comes up announces its groups at once, and they keep that
    # quiet.
    is_switch "$place" || {
        log_rules 4 | ip netns exec "$place" iptables-restore
        log_rules 6 | ip netns exec "$place" ip6tables-restore
    }
    interface_batch "$place" | ip -n "$place" -batch -
}

# A real DNS server on the switch. Where the user nobody is not mapped (a user namespace of one
# user), it must be told to keep its user: it would end without a word if it could not change it.
start_dns() {
    local entry name host address list user=
    local -a records=() listen=()
    [ -n "$DNS" ] || return 0
    ! setpriv --reuid nobody --clear-groups true 2>/dev/null || user=nobody
    for entry in "${NAMES[@]}"; do
        name=${entry% *} host=${entry#* } list=$name
        for address in $(addresses_of "$host"); do list+=",$address"; done
        records+=("--host-record=$list")
    done
    for address in $(addresses_of "$DNS"); do listen+=("--listen-address=$address"); done
    ip netns exec "$DNS" dnsmasq -k --user=$user --group= --log-facility=- --pid-file= --conf-file=/dev/null \
        --no-hosts --no-resolv --bind-interfaces --local=/lab/ --address=/#/ --no-negcache --cache-size=0 \
        "${listen[@]}" "${records[@]}" </dev/null >/run/echolab/dnsmasq.log 2>&1 &
    [ ${#NAMES[@]} -eq 0 ] || wait_until 5 ip netns exec "$DNS" getent hosts "${NAMES[0]% *}" ||
        fail "dnsmasq does not answer: $(tail -n 2 /run/echolab/dnsmasq.log)"
}

# The one reader of all NFLOG messages of this world.
start_packet_log() {
    local hosts place address
    hosts=$(IFS=,; echo "${HOSTS[*]}")
    [ -n "$PACKET_LOG" ] || return 0
    for place in "${HOSTS[@]}" "${SWITCHES[@]}"; do
        for address in $(addresses_of "$place"); do echo "$address $place"; done
    done >/run/echolab/names
    "$PACKET_LOG" collect --group $LOG_GROUP --hosts "$hosts" --names /run/echolab/names </dev/null >/run/echolab/packet_log.log 2>&1 &
    wait_until 5 grep -q "^ready " /run/echolab/packet_log.log || fail "packet_log does not start: $(tail -n 2 /run/echolab/packet_log.log)"
}

setup() {
    local mode=$1 topology=$2 place
    declare -A MAC=()
    topology_read "$topology"
    mount_private "$mode"
    mount_etc
    hostname echolab
    make_networks
    list_plugs >/run/echolab/plugs
    for place in "${SWITCHES[@]}" "${HOSTS[@]}"; do configure_place "$place"; done
    start_dns
    start_packet_log
    cp "$topology" /run/echolab/topology # for programs inside (lib/witness.c)
    # For a net that is typed on a host: as the state file outside, but pid 1 is pid 1 (world.sh).
    printf 'pid=1\nmode=root\ntopology=%s\nhosts=%s\nswitches=%s\nready\n' "${topology##*/}" \
        "${HOSTS[*]}" "${SWITCHES[*]}" >"/run/echolab/world.$ECHOLAB_WORLD"
    echo ready
}

main() {
    local word
    # This is still the old /proc, so the number is the one by which the world outside knows us.
    read -r word _ </proc/self/stat
    echo "pid $word"
    setup "$@" </dev/null 2>&1 &
    exec >/dev/null 2>&1 # the other end learns from end-of-file that setup has died
    read -r word && [ "$word" = commit ] || exit 1
    # From here on: hold the namespaces and collect orphans (bash waits for any child that ends). The
    # pipe never ends, because this process holds both of its ends.
    exec 0<> <(:)
    while true; do read -r word || true; done
}

main "$@"
