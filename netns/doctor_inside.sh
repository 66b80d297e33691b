#!/usr/bin/env bash
# doctor_inside.sh - tries, in namespaces that end with it, everything that a world needs. Partner:
# doctor.sh. Prints one line a feature: "NAME ok" or "NAME no REASON". What builds on something that
# failed says so by failing too.
set -uo pipefail
LOG='-j NFLOG --nflog-group 7007 --nflog-size 256 --nflog-prefix doctor'

try() { # NAME CMD…
    local name=$1 said rc=0; shift
    said=$("$@" 2>&1 </dev/null) || rc=$?
    said=${said//$'\n'/; }
    if [ $rc -eq 0 ]; then echo "$name ok"; else echo "$name no ${said:-exit $rc}"; fi
}
on() { local place=$1; shift; ip netns exec "$place" "$@"; }
has() { [ -n "$(type -P "$1")" ] || { echo "no program $1"; return 1; }; }
soon() { # CMD…: within three seconds
    local end=$((SECONDS + 3))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -le $end ] || return 1
        read -rt 0.02 <> <(:) || true
    done
}

# shellcheck disable=SC2317,SC2329 # all called through try
{
    own_proc() { mount --make-rprivate / && mount -t proc proc /proc; }
    own_run() { mount -t tmpfs tmpfs /run && mkdir /run/netns /run/etc /run/doctor; }
    # Whatever writes to /run asks first: without a tmpfs it is the machine's own, and root could leave things there.
    private_run() { [ -d /run/doctor ] || { echo "no /run of its own"; return 1; }; }
    own_etc() { private_run && echo 127.0.0.1 doctor.lab >/run/etc/hosts && mount -t overlay overlay -o lowerdir=/run/etc:/etc /etc && grep -q doctor.lab /etc/hosts; }
    two_hosts() { private_run && ip netns add a && ip netns add b && ip -n a link set lo up; }
    link() { ip link add eth0 netns a type veth peer name eth0 netns b; }
    switch() { ip -n b link add br0 type bridge; }
    no_offload() { ip -n a link set eth0 gso_max_segs 1; }
    address6() { ip -n a address add fd77::1/64 nodad dev eth0; }
    rule() { on a "$@"; }
    dns() {
        private_run && has dnsmasq || return
        on a dnsmasq -k --user= --group= --log-facility=- --pid-file= --conf-file=/dev/null --no-hosts --no-resolv \
            --bind-interfaces --listen-address=127.0.0.1 >/run/dns.log 2>&1 &
        # dnsmasq listens on TCP too, which the shell itself can try
        soon on a bash -c ': </dev/tcp/127.0.0.1/53' || { tail -n 1 /run/dns.log; return 1; }
    }
    collect() {
        private_run || return
        [ -n "${PACKET_LOG:-}" ] || { echo "packet_log is not built (make)"; return 1; }
        on a iptables -t mangle -A POSTROUTING -o lo -p udp --dport 9 -j NFLOG --nflog-group 7007 --nflog-prefix "[FENCE] " || return
        "$PACKET_LOG" collect --hosts a --log /run/packets >/run/collect.log 2>&1 &
        soon grep -q '^ready ' /run/collect.log || { tail -n 1 /run/collect.log; return 1; }
        local said
        # "0", after a fence has gone all the way, and no complaint
        said=$("$PACKET_LOG" show --log /run/packets --count --protocol tcp 2>&1)
        [ "$said" = 0 ] || { echo "$said"; return 1; }
    }
    echo6() { has ping && on a bash -c 'ping -c 1 ::1 || ping6 -c 1 ::1'; }
    capture() { has dumpcap && on a dumpcap -D; }
    trace() { has strace && strace -o /dev/null -f true; }
}

try proc own_proc
try tmpfs own_run
try overlay own_etc
try netns two_hosts
try veth link
try bridge switch
try gso no_offload
try ipv6 address6
# shellcheck disable=SC2086 # the rule is words
{
    try multiport rule iptables -t mangle -A INPUT -p udp -m multiport --ports 7,7007
    try NFLOG rule iptables -t mangle -A INPUT $LOG
    try NFLOG6 rule ip6tables -t mangle -A INPUT $LOG
}
try LOG rule iptables -t mangle -A INPUT -p tcp --dport 1 -j LOG
try NFQUEUE rule iptables -t mangle -A INPUT -p tcp --dport 1 -j NFQUEUE --queue-num 1
try dns dns
try collect collect
try ping6 echo6
try capture capture
try trace trace
