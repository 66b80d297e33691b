#!/usr/bin/env bash
# deadlines.t - silence and loss: which exit code, after how long, with which reason. Refusals are in refusals.t.
# Lower bounds are exact: no deadline may end early.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

world pair
start_server us on server "$BIN/udp_echo_server" --listen '*:7007'
start_server ts on server "$BIN/tcp_echo_server" --listen '*:7007'
S=10.77.0.2
# ---- silence ----
with server INPUT -p udp --dport 7007 -j DROP -- \
    timed "all datagrams dropped: 28 at the read deadline" 28 500 10000 on client "$UDP" -c 1 -W 500ms $S
with server INPUT -p udp --dport 7007 -j DROP -- \
    timed "all datagrams dropped: -W is for each echo" 28 700 10000 on client "$UDP" -c 3 -i 100ms -W 500ms $S
with server INPUT -p udp --dport 7007 -j DROP -- \
    timed "all datagrams dropped: -w for all of them" 28 400 10000 on client "$UDP" -c 0 -i 50ms -W 60 -w 400ms $S
with server INPUT -p tcp --dport 7007 -j DROP -- \
    timed 'SYN dropped, rejected, nobody listens: dropped: 28 at the connect deadline' 28 600 10000 on client "$TCP" --connect-timeout 600ms $S
like "tcp SYN dropped: says so" "$ERR" 'connect: no answer within'
with server INPUT -p tcp --dport 7007 -j DROP -- \
    timed "tcp SYN dropped: -w is earlier" 28 300 10000 on client "$TCP" --connect-timeout 60 -w 300ms $S
with client INPUT -p tcp --sport 7007 -m length --length 100: -j DROP -- \
    timed "tcp echo dropped: 28 at the read deadline" 28 500 10000 on client "$TCP" -c 1 -W 500ms $S
with server INPUT -p tcp --dport 7007 -j DROP -- \
    both "tcp SYN dropped" 28 "" on client "$TCP" --connect-timeout 200ms $S
is "tcp SYN dropped: outcome" "$(json outcome)" deadline
on sw0 iptables -I INPUT -p udp --dport 53 -j DROP
timed "dns silent: 6 at the connect deadline" 6 600 10000 on client "$UDP" --connect-timeout 600ms server.lab
timed "dns silent: 6 also by -w" 6 300 10000 on client "$TCP" -w 300ms server.lab
both "dns silent" 6 "" on client "$UDP" --connect-timeout 200ms server.lab
on sw0 iptables -D INPUT -p udp --dport 53 -j DROP
both "no such name" 6 "" on client "$TCP" nowhere.lab
like "no such name: NXDOMAIN" "$ERR" 'nowhere\.lab: lookup: .*NXDOMAIN'

# ---- past already, and interrupted ----
for usage in "--connect-timeout 0" "-W 0" "--write-timeout 1us" "-w 1ns" "-W 25h"; do
    # shellcheck disable=SC2086 # several words
    exits "$usage is no time to wait: exit 2" 2 on client "$TCP" $usage $S
done
dial_interrupted() { # SIGINT while the SYNs go nowhere
    local live=$TEST_TMP/live pid rc=0
    # shellcheck disable=SC2016 # $$ is of the inner shell: the number by which its own namespace knows the run
    on client bash -c 'echo $$ >"$0"; exec "$@"' "$live.pid" "$@" >"$live" 2>"$live.err" &
    pid=$!
    wait_for 10 syn_sent
    on client kill -INT "$(cat "$live.pid")"
    wait $pid || rc=$?
    cat "$live"
    return $rc
}
# shellcheck disable=SC2317,SC2329 # called by wait_for
syn_sent() { on client ss -Htn state syn-sent | grep 7007 >/dev/null; }
on server iptables -I INPUT -p tcp --dport 7007 -j DROP
exits "SIGINT while connecting: not connected" 7 dial_interrupted "$TCP" --connect-timeout 60 $S
like "SIGINT while connecting: the summary of nothing" "$OUT" '^0 sent, 0 received, 0 lost$'
exits "SIGINT while connecting, --json" 7 dial_interrupted "$TCP" --json --connect-timeout 60 $S
is "SIGINT while connecting, --json: valid" "$(json outcome) $(json dial) $(json rtt_ms.p99)" "interrupted null null"
on server iptables -D INPUT 1

# ---- loss that can be counted ----
with server INPUT -p udp --dport 7007 -m statistic --mode nth --every 3 --packet 2 -j DROP -- \
    both "every third datagram dropped: exactly those are lost" 1 "sent=9 received=6 lost=3" on client "$UDP" -c 9 -i 20ms -W 2 $S
is "every third datagram dropped: which, and the reason" "$(json probes.2.reason) $(json probes.5.reason) $(json probes.8.reason)" "deadline deadline deadline"
