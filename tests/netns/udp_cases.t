#!/usr/bin/env bash
# udp_cases.t - what a router on the way does to datagrams, and what udp_echo says about it.
#
#   client ── eth0 gateway eth1 ── server      at the end the second cable carries packets of 600 bytes at most
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

cat >"$TEST_TMP/topology" <<'END'
host    client
host    server
router  gateway
link    client:eth0   gateway:eth0
link    gateway:eth1  server:eth0
address client:eth0   10.77.0.1/24
address gateway:eth0  10.77.0.254/24
address gateway:eth1  10.78.0.254/24
address server:eth0   10.78.0.2/24
address client:eth0   fd77::1/64
address gateway:eth0  fd77::fe/64
address gateway:eth1  fd78::fe/64
address server:eth0   fd78::2/64
route   client  default  via 10.77.0.254
route   server  default  via 10.78.0.254
route   client  default  via fd77::fe
route   server  default  via fd78::fe
log     udp 7,7007
END
world "$TEST_TMP/topology"
start_server us on server "$BIN/udp_echo_server" --listen '*:7007'
S=10.78.0.2

# counted: each probe is in one pile, and no pile is negative, as the document in $OUT has it.
counted() {
    jq -e '[.sent, .received, .lost, .late, .unanswered, .duplicates, .reordered, .corrupt] as $n
        | ($n | all(. >= 0)) and .sent == .received + .lost + .late + .unanswered + ([.probes[] | select(.status == "corrupt")] | length)
          and .sent == (.probes | length)' <<<"$OUT"
}

# ---- twice, and late ----
fault() {
    "$NET" fault clear >/dev/null
    local said
    if said=$("$NET" fault "$@" 2>&1); then return; fi
    diag "$said"
    return 1
}
twice_and_late() {
    local twice="duplicated on a router" late="reordered, later than -W"
    if ! [ -x "$BIN/fault_queue" ] || ! fault gateway:server drop=nth:4000000000; then
        for name in "$twice" "$late"; do
            if [ -n "${ECHOLAB_NO_SKIP:-}" ]; then fail "$name" "no fault_queue, or this kernel has no packet queue"
            else skip "$name" "no fault_queue, or this kernel has no packet queue"; fi
        done
        return
    fi
    fault gateway:server duplicate=nth:2,3
    both "$twice: two of four" 0 "sent=4 received=4 duplicates=2" on client "$UDP" -c 4 -i 30ms -W 10 $S
    is "$twice: which are not in the loss" "$(json lost) $(json probes.1.status)" "0 echoed"
    ok "$twice: each probe is counted once" counted
    fault gateway:server duplicate=all direction=both # each way: four copies of each
    exits "$twice: on both ways" 0 on client "$UDP" --json -c 3 -i 30ms -W 10 $S
    # The run ends with the third echo: its own copies may come too late to be seen.
    like "$twice: each copy is counted" "$(json counts)" '^sent=3 received=3 duplicates=[6-9]$'

    # The first is late by its deadline, the third lets the fourth pass, the sixth is lost, the seventh comes twice.
    fault gateway:server delay=1600ms on=nth:1
    "$NET" fault gateway:server reorder=nth:2 gap=1 within=20s >/dev/null # counts what is not held already
    "$NET" fault gateway:server drop=nth:5 duplicate=nth:6 >/dev/null
    both "$late: all in one run" 1 "sent=9 received=7 lost=1 late=1 duplicates=1 reordered=2" on client "$UDP" -c 9 -i 250ms -W 1.2 $S
    is "$late: the late one is late and not lost" "$(json probes.0.status)" late
    ok "$late: each probe is counted once, and none less than never" counted
    "$NET" fault clear >/dev/null
    # With every echo late there is a deadline and a late echo for each, and yet nothing is counted twice.
    fault server:gateway delay=300ms
    exits "$late: all of them" 28 on client "$UDP" --json -c 12 -i 50ms -W 200ms $S
    ok "$late: all of them, counted once" counted
    is "$late: all of them, none was received" "$(json received)" 0
    ok "$late: all of them, and many were late" test "$(json late)" -ge 4
    "$NET" fault clear >/dev/null
}
twice_and_late

# ---- changed on the way ----
# shellcheck disable=SC2016 # $1 is awk's
checksum_errors() { on server awk '$1 == "Udp:" && !at { for (i = 2; i <= NF; i++) if ($i == "InCsumErrors") at = i; next } $1 == "Udp:" { print $at }' /proc/net/snmp; }
rewritten() {
    local name="payload byte changed, checksum valid" before
    # Bytes 40 and 41 of the payload; nft computes the checksum anew.
    if ! on server nft 'add table ip rewrite; add chain ip rewrite in { type filter hook prerouting priority -150; };
        add rule ip rewrite in udp dport 7007 @th,384,16 set 0x5a5a' 2>"$TEST_TMP/nft"; then
        if [ -n "${ECHOLAB_NO_SKIP:-}" ]; then fail "$name" "$(cat "$TEST_TMP/nft")"; else skip "$name" "nft cannot rewrite payload here"; fi
        return
    fi
    before=$(checksum_errors)
    both "$name" 1 "sent=2 corrupt=2" on client "$UDP" -c 2 -i 20ms -W 5 $S
    is "$name: which probe, and what" "$(json probes.0.status) $(json probes.1.status)" "corrupt corrupt"
    ok "$name: neither lost nor received" counted
    is "$name: the kernel has seen nothing wrong" "$(checksum_errors)" "$before"
    on server nft delete table ip rewrite
    exits "(without it all is well)" 0 on client "$UDP" -q -c 1 $S
}
rewritten

# ---- routes of the router that lead nowhere ----
R="REJECT of each kind, and unreachable, prohibit and blackhole routes"
route() { # FAMILY KIND TARGET REASON
    on gateway ip "$1" route add "$2" "$3"
    both "$R: $2 on the router, $1" 7 "sent=2 lost=2 errors=2" on client "$UDP" -c 2 -i 20ms -W 30 "$3"
    is "$R: $2 on the router, $1, is named" "$(json probes.0.reason) $(json probes.1.reason)" "$4 $4"
    on gateway ip "$1" route del "$2" "$3"
}
route -4 unreachable 10.79.0.1 host-unreachable
route -4 prohibit 10.79.0.1 administratively-prohibited
route -6 unreachable fd79::1 no-route
route -6 prohibit fd79::1 administratively-prohibited
on gateway ip route add blackhole 10.79.0.1
both "$R: blackhole on the router, nobody says why" 28 "sent=1 lost=1" on client "$UDP" -c 1 -W 300ms 10.79.0.1
is "$R: blackhole on the router, the reason" "$(json probes.0.reason)" deadline

# ---- a narrow way ----
N="DF and a router with MTU 600, fragmentation-needed dropped too"
on gateway ip link set eth1 mtu 600 # which takes IPv6 from that cable
on server ip link set eth0 mtu 600
both "$N: without a first loss nobody can know" 1 "sent=3 lost=3 errors=3" on client "$UDP" -c 3 -i 30ms -W 10 --df -s 1000 $S
is "$N: the first is lost, and why" "$(json probes.0.status) $(json probes.0.reason)" "lost fragmentation-needed"
is "$N: then it is this machine that refuses" "$(json probes.1.reason) $(json probes.2.reason)" "EMSGSIZE EMSGSIZE"
exits "$N: the size that fits is remembered" 2 on client "$UDP" -c 1 --df -s 573 $S
like "$N: and named" "$OUT" 'lost: Message too long: the way takes packets of 600'
exits "$N: that size is echoed" 0 on client "$UDP" -q -c 2 -i 10ms --df -s 572 $S
on client ip route flush cache
on gateway iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP
exits "$N: a black hole is silent" 28 on client "$UDP" -c 2 -i 20ms -W 400ms --df -s 1000 $S
like "$N: it is hinted at" "$ERR" '^udp_echo: every probe of 1000 bytes was lost, and no router said why: if --size 548 is echoed'
is "$N: once" "$(grep -c 'no router said why' <<<"$ERR")" 1
exits "$N: --size 548 is echoed" 0 on client "$UDP" -c 2 -i 20ms --df -s 548 $S
unlike "$N: without a hint" "$OUT$ERR" 'no router said why'
exits "$N: Linux forbids to fragment what fits its own cable, also without --df" 28 on client "$UDP" -c 1 -W 300ms -s 1000 $S
like "$N: so the hint is the same" "$ERR" 'no router said why'
exits "(silence about small datagrams)" 28 on client "$UDP" -c 1 -W 200ms -s 548 10.79.0.1
unlike "$N: small datagrams get no hint" "$ERR" 'no router said why'
exits "(an ICMP error is an answer)" 7 on client "$UDP" -c 1 -s 560 $S:99
unlike "$N: whoever was told why gets no hint" "$ERR" 'no router said why'
with server INPUT -p udp --dport 7007 -m statistic --mode nth --every 2 --packet 0 -j DROP -- \
    both "(one of two is lost)" 1 "sent=2 received=1 lost=1" on client "$UDP" -c 2 -i 10ms -W 400ms -s 560 $S
unlike "$N: nor does who heard an echo" "$ERR" 'no router said why'
