#!/usr/bin/env bash
# refusals.t - nobody listens, rejected, no way to get there, this machine refuses: at once, and each with its reason.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

world pair
start_server us on server "$BIN/udp_echo_server" --listen '*:7007'
start_server ts on server "$BIN/tcp_echo_server" --listen '*:7007'
S=10.77.0.2 S6=fd77::2

# ---- refusals ----
timed "closed port, connected and not connected: 7 at once" 7 0 10000 on client "$UDP" -c 2 -i 10ms -W 30 $S:7
timed 'SYN dropped, rejected, nobody listens: nobody listens: 7 at once' 7 0 10000 on client "$TCP" --connect-timeout 30 $S:7
timed "closed port, connected and not connected: only the deadline, unconnected" 28 500 10000 on client "$UDP" --no-connect -c 1 -W 500ms $S:7
reject() { # FAMILY TYPE TARGET REASON
    with server ${1:+"$1"} INPUT -p udp --dport 7007 -j REJECT --reject-with "$2" -- \
        both "REJECT of each kind, and unreachable, prohibit and blackhole routes: $2" 7 "sent=2 lost=2 errors=2" on client "$UDP" -c 2 -i 20ms -W 30 "$3"
    is "REJECT of each kind, and unreachable, prohibit and blackhole routes: $2 is named" "$(json probes.0.reason)" "$4"
}
reject "" icmp-port-unreachable $S refused
reject "" icmp-host-unreachable $S host-unreachable
reject "" icmp-net-unreachable $S network-unreachable
reject "" icmp-proto-unreachable $S protocol-unreachable
reject "" icmp-admin-prohibited $S administratively-prohibited
reject "" icmp-host-prohibited $S host-administratively-prohibited
reject "" icmp-net-prohibited $S network-administratively-prohibited
reject -6 icmp6-no-route $S6 no-route
reject -6 icmp6-port-unreachable $S6 refused
reject -6 icmp6-adm-prohibited $S6 administratively-prohibited
reject -6 icmp6-addr-unreachable $S6 address-unreachable
reject -6 icmp6-policy-fail $S6 source-address-failed-the-ingress-policy
reject -6 icmp6-reject-route $S6 route-rejected
with server INPUT -p tcp --dport 7007 -j REJECT --reject-with tcp-reset -- \
    timed 'SYN dropped, rejected, nobody listens: rejected with a reset: 7 at once' 7 0 10000 on client "$TCP" --connect-timeout 30 $S
with server INPUT -p tcp --dport 7007 -j REJECT --reject-with icmp-host-unreachable -- \
    timed 'SYN dropped, rejected, nobody listens: rejected with host-unreachable: 7 at once' 7 0 10000 on client "$TCP" --connect-timeout 30 $S
like "tcp rejected with host-unreachable: named" "$ERR" 'connect: No route to host'
# A route of this machine that leads nowhere: connect(2) says so at once, by errno alone.
# EACCES may mean other things than that route, so it is an error of this machine, 2; its message says what it can mean.
route() { # KIND CODE ERROR
    on client ip route replace "$1" 10.99.0.1
    both "REJECT of each kind, and unreachable, prohibit and blackhole routes: $1" "$2" "" on client "$UDP" -c 1 10.99.0.1
    like "REJECT of each kind, and unreachable, prohibit and blackhole routes: $1 is named" "$ERR" "^udp_echo: 10\\.99\\.0\\.1:7007: connect: $3"
}
route unreachable 7 'No route to host'
route prohibit 2 'Permission denied .*a prohibit route'
route blackhole 7 'Invalid argument .*blackhole'

# ---- news of one probe that meets the sending of another ----
# The closed port is probed as fast as the loop turns, so that errors arrive between two sends. Whatever the kernel pushes aside must be
# sent again: what left this host, counted by a rule, is what was reported sent.
on client iptables -I OUTPUT -p udp --dport 7
both "an ICMP error pending when the next probe is sent: each probe of a burst is refused once" 7 "sent=300 lost=300 errors=300" on client "$UDP" -c 300 -i 1us -W 30 $S:7
is "an ICMP error pending when the next probe is sent: and left once" "$(on client iptables -nvxL OUTPUT 1 | awk '{print $1}')" 300
on client iptables -D OUTPUT 1
# Of a server that answers: the second send fails with an error that is not its own, as strace(1) has it.
if on client strace -o /dev/null true 2>/dev/null; then
    both "an ICMP error pending when the next probe is sent: it is sent again" 0 "sent=3 received=3" on client \
        env ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" \
        strace -qq -o /dev/null -e trace=sendto -e inject=sendto:error=ECONNREFUSED:when=2 "$UDP" -c 3 -i 10ms -W 20 $S
elif [ -z "${ECHOLAB_NO_SKIP:-}" ]; then skip "an ICMP error pending when the next probe is sent: it is sent again" "strace cannot trace here"
else fail "an ICMP error pending when the next probe is sent: it is sent again" "strace cannot trace here"
fi

# ---- this machine refuses ----
with client OUTPUT -p udp --dport 7007 -m statistic --mode nth --every 2 --packet 0 -j DROP -- \
    both "local OUTPUT DROP, link down and up: every second send is EPERM, counted, and the run goes on" 1 "sent=4 received=2 lost=2 errors=2" on client "$UDP" -c 4 -i 20ms $S
is "local OUTPUT DROP, link down and up: EPERM is the reason" "$(json probes.0.reason)" EPERM
with client OUTPUT -p udp --dport 7007 -j DROP -- \
    both "every send is EPERM: a local error" 2 "sent=2 lost=2 errors=2" on client "$UDP" -c 2 -i 20ms $S
like "EPERM is named" "$ERR" '^udp_echo: 10\.77\.0\.2:7007: send: Operation not permitted'
link_fails() { # the link goes down in the middle of a run, and comes back
    local live=$TEST_TMP/live pid rc=0
    # shellcheck disable=SC2016 # $$ is of the inner shell: the number by which its own namespace knows the run
    on client bash -c 'echo $$ >"$0"; exec "$@"' "$live.pid" "$UDP" -c 0 -i 50ms -W 300ms -w 30 $S >"$live" 2>/dev/null &
    pid=$!
    wait_for 10 file_has "$live" 'seq=3 time'
    on client ip link set eth0 down
    wait_for 10 file_has "$live" 'lost: Network is unreachable'
    on client ip link set eth0 up
    wait_for 10 recovered "$live"
    on client kill -INT "$(cat "$live.pid")"
    wait $pid || rc=$?
    cat "$live"
    return $rc
}
# shellcheck disable=SC2317,SC2329 # called by wait_for: an echo after the last loss
recovered() { grep -E 'unreachable|time=' "$1" | tail -n 1 | grep time= >/dev/null; }
exits "local OUTPUT DROP, link down and up: exit 1" 1 link_fails
like "local OUTPUT DROP, link down and up: ENETUNREACH is counted, and the run goes on" "$OUT" '^[0-9]+ sent, [0-9]+ received, .* [0-9]+ errors?'
