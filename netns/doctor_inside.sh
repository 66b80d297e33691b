#!/usr/bin/env bash
# doctor_inside.sh - tries, in namespaces that end with it, everything that worlds and labs need.
#
# Prints one line a feature: "NAME ok" or "NAME no REASON". What builds on something that failed says
# so by failing too. That a rule is accepted proves little; where a packet can prove more, one is
# sent:
#
#     a eth0 ------- eth0 b eth1 ------- eth0 c       10.77.1.0/24 left of the router b, 10.77.2.0/24 right
#
# A port that nobody has makes a good echo: "Connection refused" is a packet that went all the way
# and an answer that came all the way back, and bash alone can ask for it (/dev/tcp).
# [#refused-is-an-echo]
# Usage:    unshare ... bash doctor_inside.sh root|rootless      (PACKET_LOG, FAULT_QUEUE: our programs)
# Partner:  doctor.sh, which says what each name means.
set -uo pipefail
MODE=${1:-rootless}
LOG='-j NFLOG --nflog-group 7007 --nflog-size 256 --nflog-prefix doctor'

try() { # NAME CMD…
    local name=$1 said rc=0; shift
    said=$("$@" 2>&1 </dev/null) || rc=$?
    said=${said%%$'\n'*} # the first is the cause
    if [ $rc -eq 0 ]; then echo "$name ok"; else echo "$name no ${said:-exit $rc}"; fi
}
on() { local place=$1; shift; ip netns exec "$place" "$@"; }
has() { [ -x "$(type -P "$1")" ] || { echo "no program $1"; return 1; }; }
soon() { # PID CMD…: within three seconds, and while PID lives
    local pid=$1 end=$((SECONDS + 3)); shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -le $end ] && kill -0 "$pid" 2>/dev/null || return 1
        read -rt 0.02 <> <(:) || true
    done
}

# refused PLACE ADDRESS [SECONDS]: from PLACE, a port of ADDRESS that nobody has is reached, and its
# refusal comes back. Silence is given up after two seconds, or SECONDS.
refused() {
    local said
    said=$(on "$1" timeout "${3:-2}" bash -c ": </dev/tcp/$2/9" 2>&1)
    [[ $said == *refused* ]] || { said=${said##*: }; echo "${said:-no answer}"; return 1; }
}
# matched PLACE TABLE WORD: a packet has met the rule of TABLE that has WORD in it.
matched() { on "$1" iptables -t "$2" -vnxL | grep -E "^ *[1-9][0-9]* .*$3" >/dev/null || { echo "no packet met the rule"; return 1; }; }

# shellcheck disable=SC2317,SC2329 # all called through try
{
    own_proc() { mount --make-rprivate / && mount -t proc proc /proc; }
    own_run() { mount -t tmpfs tmpfs /run && mkdir /run/netns /run/etc /run/doctor; }
    # Whatever writes to /run asks first: without a tmpfs it is the machine's own, and root could leave things there.
    private_run() { [ -d /run/doctor ] || { echo "no /run of its own"; return 1; }; }
    own_etc() {
        private_run && echo 127.0.0.1 doctor.lab >/run/etc/hosts &&
            mount -t overlay overlay -o lowerdir=/run/etc:/etc /etc && grep -q doctor.lab /etc/hosts
    }
    three_hosts() { private_run && ip netns add a && ip netns add b && ip netns add c && ip -n a link set lo up; }
    # plug PLACE INTERFACE ADDRESS [ROUTE…]: an interface gets its address and is switched on.
    plug() {
        local place=$1 interface=$2 address=$3; shift 3
        ip -n "$place" address add "$address/24" dev "$interface" && ip -n "$place" link set "$interface" up || return
        [ $# -eq 0 ] || ip -n "$place" route add "$@"
    }
    links() {
        ip link add eth0 netns a address 02:00:00:00:77:01 type veth peer name eth0 netns b address 02:00:00:00:77:02 || return
        ip link add eth1 netns b type veth peer name eth0 netns c || return
        plug b eth0 10.77.1.254 && plug b eth1 10.77.2.254 && plug a eth0 10.77.1.1 default via 10.77.1.254 &&
            plug c eth0 10.77.2.2 10.77.1.0/24 via 10.77.2.254 && soon $$ refused a 10.77.1.254
    }
    switch() { ip -n b link add br0 type bridge; }
    no_offload() { ip -n a link set eth0 gso_max_segs 1; }
    address6() { ip -n a address add fd77::1/64 nodad dev eth0; }
    rule() { local place=$1; shift; on "$place" "$@"; }
    dns() {
        private_run && has dnsmasq || return
        on a dnsmasq -k --user= --group= --log-facility=- --pid-file= --conf-file=/dev/null --no-hosts --no-resolv \
            --bind-interfaces --listen-address=127.0.0.1 >/run/dns.log 2>&1 &
        # dnsmasq listens on TCP too, which the shell itself can try
        soon $! on a bash -c ': </dev/tcp/127.0.0.1/53' || { tail -n 1 /run/dns.log; return 1; }
    }
    collect() {
        private_run || return
        [ -n "${PACKET_LOG:-}" ] || { echo "packet_log is not built (make)"; return 1; }
        on a iptables -t mangle -A POSTROUTING -o lo -p udp --dport 9 -j NFLOG --nflog-group 7007 --nflog-prefix "[FENCE] " || return
        "$PACKET_LOG" collect --hosts a --log /run/packets >/run/collect.log 2>&1 &
        soon $! grep -q '^ready ' /run/collect.log || { tail -n 1 /run/collect.log; return 1; }
        local said
        # "0", after a fence has gone all the way, and no complaint
        said=$("$PACKET_LOG" show --log /run/packets --count --protocol tcp 2>&1)
        [ "$said" = 0 ] || { echo "$said"; return 1; }
    }

    # ---- routers ----
    forwarding() { on b bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' && refused a 10.77.2.2; }
    routes() {
        local kind missing=''
        ip -n a route add 10.77.3.0/24 via 10.77.1.254 mtu lock 600 || missing=' mtu lock'
        for kind in unreachable prohibit blackhole; do ip -n a route add $kind 10.77.4.0/24 metric ${#kind} || missing+=" $kind"; done
        [ -z "$missing" ] || { echo "missing:$missing"; return 1; }
    }
    # An address that nobody has answers nothing, unless b sends the asker elsewhere.
    dnat() {
        on b iptables -t nat -A PREROUTING -d 10.77.7.7 -p tcp -m statistic --mode nth --every 1 --packet 0 \
            -j DNAT --to-destination 10.77.2.2 && refused a 10.77.7.7
    }
    # c forgets the way back to a: its answers arrive only if they can go to b's own address.
    masquerade() {
        ip -n c route del 10.77.1.0/24 && on b iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE && refused a 10.77.2.2
    }
    # After srcnat (100), where iptables has no chain; NFLOG's group, prefix and size are here too.
    behind_nat() {
        has nft && on b nft -f - <<'TABLE'
table ip doctor {
    chain out { type filter hook postrouting priority 150; udp dport 9 log prefix "doctor" group 7007 snaplen 256; }
}
TABLE
    }
    rate() { has tc && on a tc qdisc add dev eth0 root tbf rate 1mbit burst 10k latency 50ms && on a tc qdisc del dev eth0 root; }

    # ---- faults ----
    # Nobody has bound the queue, so the packet ends there; with --queue-bypass it goes on.
    queue_rule() {
        on b iptables -t mangle -I INPUT -p tcp --dport 9 -j NFQUEUE --queue-num 1 || return
        if refused a 10.77.1.254 0.2 >/dev/null; then echo "packets pass a queue that nobody reads"; return 1; fi
        on b iptables -t mangle -R INPUT 1 -p tcp --dport 9 -j NFQUEUE --queue-num 1 --queue-bypass && refused a 10.77.1.254
    }
    # fault A:B WORD…: as net fault does, on a link that only the doctor has.
    fault() {
        private_run || return
        [ -n "${FAULT_QUEUE:-}" ] || { echo "fault_queue is not built (make)"; return 1; }
        mkdir -p /run/echolab && # its plugs, as init.sh writes them
            printf '%s\n' "a eth0 02:00:00:00:77:01 ab b eth0" "b eth0 02:00:00:00:77:02 ab a eth0" >/run/echolab/plugs &&
            bash "${BASH_SOURCE[0]%/*}/fault_inside.sh" "$FAULT_QUEUE" "$@" >/dev/null
    }
    # An answer that comes, but late, has been in the program's hands and got its verdict; a busy machine's may come as late by itself.
    verdicts() {
        local start now shown
        fault add a:b delay=200ms protocol=tcp || return
        start=${EPOCHREALTIME//[!0-9]/}
        refused a 10.77.1.254 3 || return
        now=${EPOCHREALTIME//[!0-9]/}
        [ $((now - start)) -ge 200000 ] || { echo "a packet passed at once that was to be held"; return 1; }
        shown=$(bash "${BASH_SOURCE[0]%/*}/fault_inside.sh" "$FAULT_QUEUE" show) || return
        [[ $shown == *'delayed '[1-9]* ]] || { echo "a packet passed that was to be held, and none was"; return 1; }
        fault clear
    }
    # A copy is put on the cable by a raw packet socket: one datagram is sent, two arrive.
    copies() {
        fault add a:b duplicate=all protocol=udp && on b iptables -A INPUT -p udp --dport 9 -m comment --comment copies &&
            on a bash -c 'echo x >/dev/udp/10.77.1.254/9' || return
        soon $$ eval 'on b iptables -vnxL INPUT | grep -E "^ *2 .*copies"' || { echo "the copy does not arrive"; return 1; }
        fault clear
    }
    by_mac() {
        on b iptables -t mangle -A INPUT -m mac --mac-source 02:00:00:00:77:01 -p tcp --dport 9 -m comment --comment "by mac" &&
            refused a 10.77.1.254 && matched b mangle 'by mac'
    }
    reject() {
        on c iptables -A INPUT -p tcp --dport 9 -j REJECT --reject-with tcp-reset && refused b 10.77.2.2 && matched c filter REJECT
    }
    statistic() { on c iptables -A INPUT -p tcp --dport 1 -m statistic --mode random --probability 0.5 -j DROP; }
    # One line for all that only single labs use: what is missing is named.
    matches() {
        local words missing=''
        while read -r words; do
            # shellcheck disable=SC2086 # a rule is words
            on c iptables -t mangle -A POSTROUTING -p tcp --dport 1 $words >/dev/null 2>&1 </dev/null && continue
            words=${words#-? }
            missing+=" ${words%% *}"
        done <<'RULES'
-m string --algo bm --string x
-m u32 --u32 4&0xff=1
-m length --length 40:60
-m connbytes --connbytes 1000: --connbytes-dir both --connbytes-mode bytes
-m hashlimit --hashlimit-above 1/s --hashlimit-name doctor
-m connlimit --connlimit-above 1
-m conntrack --ctstate NEW
-m limit --limit 1/s
-m ttl --ttl-eq 1
-j TTL --ttl-set 1
-j TEE --gateway 10.77.2.254
-j TCPMSS --set-mss 500 --tcp-flags SYN,RST SYN
RULES
        [ -z "$missing" ] || { echo "missing:$missing"; return 1; }
    }
    # dnsmasq is the peer, which says nothing: a read that ends has been ended (ECONNABORTED).
    kill_socket() {
        has ss || return
        on a bash -c 'exec 8<>/dev/tcp/127.0.0.1/53 && ss -K dport = 53 >/dev/null && { read -rt 0.5 -u 8; [ $? -le 128 ]; } 2>/dev/null' ||
            { echo "ss -K kills nothing"; return 1; }
    }
    netem() { has tc && on a tc qdisc add dev eth0 root netem delay 1ms; }

    # ---- looking ----
    echo6() { has ping && on a bash -c 'ping -c 1 ::1 || ping6 -c 1 ::1'; }
    # ss falls back to /proc without sock_diag; what TCP itself tells is not to be had there.
    diag() {
        has ss || return
        on a ss -Hltni sport = 53 | grep cwnd: >/dev/null || { echo "ss sees no more than /proc/net/tcp"; return 1; }
    }
    trace() { has strace && strace -o /dev/null -f true; }
    # A process that is no child of strace's: what Yama's ptrace_scope and container filters forbid. It
    # reads on and on, since being attached comes before being watched.
    attach() {
        private_run && has strace || return
        local target tracer fd rc=0
        exec {fd}<> <(:)
        while read -r -u "$fd"; do :; done >/dev/null &
        target=$!
        strace -q -o /run/attach -p "$target" >/run/attach.err 2>&1 &
        tracer=$!
        # shellcheck disable=SC2016 # expanded by eval
        soon "$tracer" eval 'echo go >&"$fd" && grep "read(.*\"g\"" /run/attach' || { tail -n 1 /run/attach.err; rc=1; }
        kill -KILL "$target" "$tracer" 2>/dev/null # a milder signal may be lost between tracer and traced
        return $rc
    }
    # A packet that is known to have crossed is in the file.
    capture() {
        private_run && has dumpcap || return
        local pid end=$((SECONDS + 3))
        on b dumpcap -q -i eth0 -f 'udp port 9' -c 1 -w /run/doctor/capture >/run/capture.err 2>&1 &
        pid=$!
        while kill -0 "$pid" 2>/dev/null && [ $SECONDS -le $end ]; do # until it listens, nothing is caught
            on a bash -c 'echo captured-by-doctor >/dev/udp/10.77.1.254/9' 2>/dev/null
            read -rt 0.02 <> <(:) || true
        done
        grep -qa captured-by-doctor /run/doctor/capture 2>/dev/null || { kill "$pid" 2>/dev/null; tail -n 1 /run/capture.err; return 1; }
    }

    # ---- root only ----
    # A read of /dev/kmsg is one record, so its buffer must hold a whole one. The oldest record may be
    # overwritten just before it is read (EPIPE): then there is another oldest.
    kernel_ring() {
        private_run || return
        for _ in 1 2 3 4 5; do
            dd if=/dev/kmsg of=/dev/null bs=8192 count=1 iflag=nonblock status=none 2>/run/kmsg.err && return
        done
        tail -n 1 /run/kmsg.err
        return 1
    }
    # The event, in a tracefs instance of its own (a buffer apart from everybody's), which is removed at
    # once: a connection that is refused must show there.
    tracepoint() {
        private_run || return
        local at=/run/doctor/tracing own rc=0
        mkdir "$at" && mount -t tracefs tracefs "$at" || return
        own=$at/instances/echolab-doctor-$$-$RANDOM
        mkdir "$own" || return
        {
            echo 1 >"$own/events/sock/inet_sock_set_state/enable" && echo mono >"$own/trace_clock" &&
                refused a 10.77.1.254 && grep -q 'newstate=TCP_SYN_SENT' "$own/trace"
        } || rc=1
        echo 0 >"$own/events/sock/inet_sock_set_state/enable"
        rmdir "$own" && return $rc
    }
}

try proc own_proc
try tmpfs own_run
try overlay own_etc
try netns three_hosts
try veth links
try bridge switch
try gso no_offload
try ipv6 address6
# shellcheck disable=SC2086 # the rule is words
{
    try multiport rule a iptables -t mangle -A INPUT -p udp -m multiport --ports 7,7007
    try NFLOG rule a iptables -t mangle -A INPUT $LOG
    try NFLOG6 rule a ip6tables -t mangle -A INPUT $LOG
}
try dns dns
try collect collect
try forwarding forwarding
try routes routes
try mac by_mac
try NFQUEUE queue_rule
try verdicts verdicts
try copies copies
try REJECT reject
try statistic statistic
try matches matches
try dnat dnat
try masquerade masquerade
try nat-log behind_nat
try tbf rate
try kill kill_socket
try netem netem
try ping6 echo6
try sock_diag diag
try trace trace
try attach attach
try capture capture
try LOG rule a iptables -t mangle -A INPUT -p tcp --dport 1 -j LOG
if [ "$MODE" = root ]; then
    try kmsg kernel_ring
    try tracepoint tracepoint
fi
