#!/usr/bin/env bash
# dns.t - what DNS servers and the way to them may do, as three users meet it: echo_resolve, tcp_echo and udp_echo.
#
# First on loopback, where tests/lib/dns_peer.py does what the name says; then in a lab network, with its dnsmasq, one
# of our own, and a firewall. The same cases turn by turn: tests/unit/test_resolver*.c.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"
RESOLVE=$BIN/echo_resolve
: "$TCP" "$UDP" # of client.sh
WHERE=()        # in front of each command: nothing, or `on client`

# ask PROGRAM HOST [OPTION…]: looks HOST up by $DNS, and if it is an echo client sends one probe to what was found.
ask() {
    local program=$1 host=$2 port=; shift 2
    local options=(--dns-server "$DNS")
    case $program in
    tcp_echo) port=:$TCP_PORT options+=(-q -c 1 -W 10) ;;
    udp_echo) port=:$UDP_PORT options+=(-q -c 1 -W 10) ;;
    esac
    "${WHERE[@]}" "$BIN/$program" "${options[@]}" "$@" "$host$port"
}
# not_found CASE HOST WORDS: of all three, exit 6, and what is said of it.
not_found() {
    local program
    for program in echo_resolve tcp_echo udp_echo; do
        exits "$1: $program: exit 6" 6 ask "$program" "$2"
        like "$1: $program says so" "$ERR" "^$program: ${2//./\\.}: (lookup: )?$3"
    done
}
# found CASE HOST [ADDRESS]: the A record, and both echo clients get their echo from there.
found() {
    exits "$1: echo_resolve has an answer" 0 ask echo_resolve "$2" -4 -q
    is "$1: and it is the true one" "$OUT" "${3:-127.0.0.1}"
    exits "$1: tcp_echo gets there" 0 ask tcp_echo "$2"
    exits "$1: udp_echo gets there" 0 ask udp_echo "$2"
}
# gives_up CASE CMD…: at its deadline, 400 ms, not before and not long after.
gives_up() { local name=$1; shift; timed "$name" 6 400 10000 "$@"; }

# ---- loopback ----
start_server dns python3 -S "$ROOT/tests/lib/dns_peer.py" 127.0.0.1; DNS=$LISTEN
start_server udp-only python3 -S "$ROOT/tests/lib/dns_peer.py" 127.0.0.1 --udp-only; DNS_UDP_ONLY=$LISTEN
start_server te "$BIN/tcp_echo_server" --listen 127.0.0.1:0; TCP_PORT=${LISTEN##*:}
start_server ue "$BIN/udp_echo_server" --listen 127.0.0.1:0; UDP_PORT=${LISTEN##*:}
closed=127.0.0.1:$(python3 -S -c 'import socket; s=socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')

CASE="SERVFAIL, REFUSED, NXDOMAIN and NODATA"
not_found "SERVFAIL, REFUSED, NXDOMAIN and NODATA: SERVFAIL" servfail.test 'SERVFAIL: the server could not find out \('
not_found "$CASE: REFUSED" refused.test 'REFUSED: the server will not answer us \('
not_found "$CASE: NXDOMAIN" nxdomain.test 'NXDOMAIN: no such name \('
not_found "$CASE: NODATA" nodata.test 'NODATA: no address of this family \(the name exists, but neither A nor AAAA'

for name in afails aaaafails; do
    for program in tcp_echo udp_echo; do
        exits "$CASE: $name: $program: exit 6" 6 ask "$program" $name.test
        like "$CASE: $name: $program tells of the half that failed" "$ERR" "^$program: $name\.test: lookup: SERVFAIL: "
    done
done

CASE="AAAA dropped"
for program in tcp_echo udp_echo; do
    exits "AAAA dropped: $program uses A" 0 ask "$program" noaaaa.test --json
    # shellcheck disable=SC2016 # a program of jq
    waited='.dial | (.queries | map(select(.type == "A"))[0] | .sent_ms + .took_ms) as $a
        | [.attempts[0].started_ms - $a >= 50, .connect_ms < 2000, (.queries | length)]'
    is "$CASE: $program waits for it 50 ms (RFC 8305 3), and not for its tries" "$(jq -c "$waited" <<<"$OUT")" '[true,true,2]'
done
timed "$CASE: echo_resolve, which shows both, has A all the same" 0 400 10000 ask echo_resolve noaaaa.test --dns-timeout 10 -w 400ms
like "$CASE: its timeline says which was not answered" "$OUT" ' - +127\.0\.0\.1:[0-9]+ +UDP +[0-9]+ +AAAA +noaaaa\.test +no answer$'

CASE="silent server"
gives_up "silent server: echo_resolve: exit 6 at -w" ask echo_resolve silent.test -w 400ms
gives_up "$CASE: tcp_echo: exit 6 at --connect-timeout" ask tcp_echo silent.test --connect-timeout 400ms
gives_up "$CASE: udp_echo: exit 6 at -w" ask udp_echo silent.test -w 400ms
like "$CASE: says so" "$ERR" '^udp_echo: silent\.test: lookup: no answer within [0-9.]+m?s$'
# the second try waits for as long at least, or, with some versions of c-ares, for half of it
timed "$CASE: exit 6 after its tries, before any deadline" 6 300 10000 ask tcp_echo silent.test --connect-timeout 60 --dns-timeout 200ms --dns-tries 2

CASE="truncated, then TCP; TCP refused"
exits "truncated, then TCP; TCP refused: asked again over TCP" 0 ask echo_resolve truncated.test -4
is "$CASE: all 31 addresses are there" "$(grep -c '^  A ' <<<"$OUT")" 31
is "$CASE: the timeline shows both" "$(sed -nE 's/.* (UDP|TCP) .* truncated\.test +/\1 /p' <<<"$OUT" | xargs)" "UDP NOERROR, truncated TCP NOERROR"
exits "$CASE: tcp_echo gets there" 0 ask tcp_echo truncated.test
exits "$CASE: udp_echo gets there" 0 ask udp_echo truncated.test
exits "$CASE: a message too short to be one comes first over TCP" 0 ask echo_resolve runtfirst.test -4 --explain
like "$CASE: it is told by its length, and ignored" "$ERR" ': 3 bytes that are no DNS message, ignored$'
DNS=$DNS_UDP_ONLY not_found "$CASE: TCP refused" truncated.test 'unreachable: no server can be reached: Connection refused \('

found "wrong id, wrong question, wrong source" forged.test
found "datagrams of 0 and 3 bytes" runts.test
found "CNAME chain" chain.test
exits "CNAME chain: who it is, is shown" 0 ask echo_resolve chain.test
like "CNAME chain: the name at its end" "$OUT" '^  an alias of two\.test$'
not_found "CNAME loop" loop.test 'malformed: the answer cannot be read \('
not_found "compression-pointer loop" pointers.test 'malformed: the answer cannot be read \('
not_found "reflected query: a server that only repeats" reflected.test 'reflected: our own query came back \(that is an echo server'
DNS=127.0.0.1:$UDP_PORT not_found "reflected query: our own udp_echo_server" any.test 'reflected: our own query came back \(that is an echo server'
cpu_of() { # CMD…: the processor time it used, in hundredths of a second
    python3 -S -c 'import os, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = os.times()
print(int(100 * (used.children_user + used.children_system)))' "$@"
}
for host in loop pointers; do
    ok "CNAME loop and compression-pointer loop: $host.test does not spin" test "$(cpu_of "$RESOLVE" --dns-server "$DNS" $host.test)" -lt 100
done

CASE="first server dead, second used"
second() { # CASE FIRST [OPTION…]: both servers are given, the good one second
    local name=$1 first=$2 program; shift 2
    for program in echo_resolve tcp_echo udp_echo; do
        DNS=$first exits "$name: $program" 0 ask "$program" good.test --dns-server "$GOOD" "$@"
    done
}
GOOD=$DNS
second "first server dead, second used: a closed port" "$closed"
# its socket is bound, and nobody reads it
start_server deaf python3 -S -c 'import socket,time
s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0))
print("ready listen=127.0.0.1:%d" % s.getsockname()[1], flush=True); time.sleep(600)'
second "$CASE: a silent server" "$LISTEN" --dns-timeout 200ms --dns-tries 5
DNS=$LISTEN exits "$CASE: the timeline shows both" 0 ask echo_resolve good.test --dns-server "$GOOD" --dns-timeout 200ms --dns-tries 5 -4
is "$CASE: the first without an answer" "$(sed -nE "s/^ +[0-9.]+ +[0-9.-]+ +$LISTEN .*good\.test +//p" <<<"$OUT" | head -n 1)" "no answer"
like "$CASE: the second with one" "$OUT" " $GOOD +UDP .* NOERROR$"

# ---- in a lab network ----
have dnsmasq || { [ -z "${ECHOLAB_NO_SKIP:-}" ] || fail "dnsmasq is there"; skip "dns in a lab network" "no dnsmasq here"; exit 0; }
world pair
WHERE=(on client) TCP_PORT=7007 UDP_PORT=7007
start_server lab-te on server "$BIN/tcp_echo_server" --listen '*:7007'
start_server lab-ue on server "$BIN/udp_echo_server" --listen '*:7007'
listening() { on server ss -Hlun "sport = :$1" | grep . >/dev/null; }
mapfile -t many < <(printf -- '--host-record=many.lab,10.77.9.%d\n' {1..60})
on server dnsmasq -k --user= --group= --pid-file= --no-hosts --no-resolv --log-facility=- --port=5304 --local=/lab/ --txt-record=text.lab,x \
    --cname=alias.lab,second.lab --cname=second.lab,target.lab --host-record=target.lab,10.77.0.2 "${many[@]}" >"$TEST_TMP/dnsmasq" 2>&1 </dev/null &
defer stop_pid $!
wait_for 10 listening 5304

DNS=10.77.0.254
not_found "SERVFAIL, REFUSED, NXDOMAIN and NODATA: dnsmasq: NXDOMAIN" unknown.lab 'NXDOMAIN: no such name \('
DNS=10.77.0.2:5304
not_found "SERVFAIL, REFUSED, NXDOMAIN and NODATA: dnsmasq: REFUSED" www.example 'REFUSED: the server will not answer us \('
not_found "SERVFAIL, REFUSED, NXDOMAIN and NODATA: dnsmasq: NODATA" text.lab 'NODATA: no address of this family \('
found "CNAME chain: dnsmasq" alias.lab 10.77.0.2
exits "truncated, then TCP; TCP refused: dnsmasq" 0 ask echo_resolve many.lab -4
is "truncated, then TCP; TCP refused: dnsmasq: as many as are kept" "$(grep -c '^  A ' <<<"$OUT")" 32
with server INPUT -p tcp --dport 5304 -j REJECT --reject-with tcp-reset -- \
    not_found "truncated, then TCP; TCP refused: by a firewall" many.lab 'unreachable: no server can be reached: Connection refused \('

closed_firewall() {
    gives_up "silent server: a closed firewall: echo_resolve" ask echo_resolve server.lab -w 400ms
    gives_up "silent server: a closed firewall: tcp_echo" ask tcp_echo server.lab -w 400ms
    gives_up "silent server: a closed firewall: udp_echo" ask udp_echo server.lab --connect-timeout 400ms
}
DNS=10.77.0.254
with sw0 INPUT -p udp --dport 53 -j DROP -- closed_firewall
drop_aaaa() { exits "AAAA dropped: by a firewall that looks into queries" 0 ask tcp_echo server.lab --json; }
with sw0 INPUT -p udp --dport 53 -m string --algo bm --from 28 --hex-string '|001c0001|' -j DROP -- drop_aaaa
is "AAAA dropped: by a firewall: over IPv4, within DNS' first try" "$(jq -c '[.dial.peer, .dial.total_ms < 2000]' <<<"$OUT")" '["10.77.0.2:7007",true]'

# What leaves the client is counted by its own kernel: every packet to a DNS port.
# shellcheck disable=SC2016 # for the shell on the host
on client sh -c 'for tool in iptables ip6tables; do for proto in udp tcp; do $tool -A OUTPUT -p $proto --dport 53; done; done'
count_queries() { # CMD…: how many packets to port 53 left while it ran
    # shellcheck disable=SC2016 # for the shell on the host
    on client sh -c 'iptables -Z OUTPUT; ip6tables -Z OUTPUT; "$@" >/dev/null 2>&1; iptables -nvxL OUTPUT; ip6tables -nvxL OUTPUT' sh "$@" |
        awk '/dpt:53/ { n += $1 } END { print n + 0 }'
}
is "literals never leave the machine: but a name does, twice" "$(count_queries "$TCP" -c 1 server.lab)" 2
for program in "$RESOLVE" "$TCP -c 1" "$UDP -c 1"; do
    for literal in 10.77.0.2 fd77::2; do
        # shellcheck disable=SC2086 # several words
        is "literals never leave the machine: $(basename "${program%% *}") $literal" "$(count_queries $program $literal)" 0
    done
    # shellcheck disable=SC2086 # several words
    is "literals never leave the machine: $(basename "${program%% *}"): of the other family neither" "$(count_queries $program -4 fd77::2)" 0
done
is "hosts file: nobody is asked" "$(count_queries "$RESOLVE" ip6-localhost)" 0
exits "hosts file: what it says is taken" 0 on client "$RESOLVE" ip6-localhost
like "hosts file: and said to be from there" "$OUT" '^ip6-localhost: 1 address in .*, from the hosts file: nobody was asked$'
