#!/usr/bin/env bash
# udp_abuse.t - the worst that can be sent to the UDP echo server, and that nobody else pays for it.
#
#   attacker ──┐              ┌── server   floods, forged sources, reflections, loops: all from the attacker, who writes
#   client  ───┴──── sw0 ─────┴── other    what IP headers he likes (tests/measure/udp_forge.c); the client is honest
#
# Nothing is logged there: a log rule would be the slowest part. Packets are counted by iptables and by the server's interface, whose
# counters see what really left, each segment of a coalesced reply by itself. Figures are told as diagnostics.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"
# shellcheck source=tests/lib/tcp.sh
. "$ROOT/tests/lib/tcp.sh" # counter, between

S=10.77.0.2 S6=fd77::2 MILLION=1000000

if ! have gcc; then
    [ -n "${ECHOLAB_NO_SKIP:-}" ] || skip_all "no gcc here to build tests/measure/udp_forge.c"
    fail "gcc is there"; exit 1
fi
gcc -O2 -D_GNU_SOURCE -o "$TEST_TMP/forge" "$ROOT/tests/measure/udp_forge.c"
{
    i=1
    echo 'switch sw0'
    for host in client server other attacker; do
        printf '%s\n' "host $host" "link $host:eth0 sw0:$host" "address $host:eth0 10.77.0.$i/24" "address $host:eth0 fd77::$i/64"
        i=$((i + 1))
    done
    echo 'log nothing'
} >"$TEST_TMP/topology"
world "$TEST_TMP/topology"
# Where replies to forged sources go: to a host that does not forward them, and says nothing.
on server ip route add 20.0.0.0/8 via 10.77.0.1
on server ip route add 2001:db8::/32 via fd77::1

# ---- counting ----
on server iptables -A INPUT -p udp
on server iptables -A OUTPUT -p udp
on server iptables -A OUTPUT -p icmp
on server ip6tables -A INPUT -p udp
on server ip6tables -A OUTPUT -p udp
on other iptables -A INPUT -p udp -s $S -m length --length 93:65535
on other iptables -A INPUT -p udp -s $S
on other iptables -A INPUT -p icmp -s $S
on attacker iptables -A INPUT -p udp -s $S
# rule HOST CHAIN N [TOOL]: packets and bytes that it has counted.
rule() { on "$1" "${4:-iptables}" -nvxL "$2" "$3" | awk '{ print $1, $2 }'; }
packets() { rule "$@" | cut -d ' ' -f 1; }
device() { on server cat "/sys/class/net/eth0/statistics/$1"; }

# serve_on HOST NAME [OPTION…]: sets PID, OUT_FILE and NUMBER, its pid as its own host counts.
serve_on() {
    local host=$1 name=$2; shift 2
    start_server "$name" "$NET" run "$host" -- "$BIN/udp_echo_server" "$@"
    OUT_FILE=$TEST_TMP/$name.out
    NUMBER=$(sed -nE '1s/.* pid=([0-9]+).*/\1/p' "$OUT_FILE")
}
memory() { on server cat "/proc/$NUMBER/status" | sed -nE 's/^VmRSS:[^0-9]*([0-9]+) kB/\1/p'; } # KiB
# stop NAME: ends $PID; its last line is what `counter` reads then.
stop() {
    stop_pid "$PID"
    is "$1: each datagram is accounted for" "$(counter received)" $(($(counter replied) + $(counter errors) + $(counter dropped_truncated) +
        $(counter dropped_unsafe_source) + $(counter dropped_rate) + $(counter dropped_would_block) + $(counter dropped_no_buffer)))
    ok "answered bytes never exceed received bytes: by the statistics, $1" test "$(counter bytes_out)" -le "$(counter bytes_in)"
}
# forge SOURCE SOURCES SPORT PORTS ADDRESS PORT RATE COUNT [SIZE]: sets SENT and MS.
forge() {
    local said
    said=$(on attacker "$TEST_TMP/forge" "$@")
    SENT=$(value sent "$said") MS=$(value ms "$said") RATE=$(value rate "$said")
}
# honest COUNT: an honest client in the background; honest_end: its counters in $OUT, as `json` reads them.
honest() {
    on client "$UDP" --json -c "$1" -i 10ms -W 5 $S >"$TEST_TMP/honest" 2>/dev/null &
    HONEST=$!
}
honest_end() {
    wait $HONEST || true
    OUT=$(<"$TEST_TMP/honest")
}
# unharmed NAME: all its datagrams were answered. Only the kernel may have lost some, where the machine was too slow to read them.
unharmed() {
    diag "$1: honest client: $(json counts), p99 $(json rtt_ms.p99) ms (quiet: $QUIET ms); lost in the kernel's queue: $(counter dropped_kernel_queue)"
    if [ "$(counter dropped_kernel_queue)" -eq 0 ]; then is "$1" "$(json lost)" 0
    else between "$1" "$(json lost)" 0 $(($(json sent) / 10)); fi
}

# ---- one source, far more than its limit; and a reflection within that limit ----
one_source() { # WORKERS
    local name="100,000 datagrams a second from one source, limit 1,000" before most
    serve_on server "limited$1" --listen '*:7007' --rate-per-source 1000 --workers "$1"
    exits "(quiet, with $1 workers)" 0 on client "$UDP" --json -c 50 -i 5ms $S
    QUIET=$(json rtt_ms.p99)
    before=$(packets attacker INPUT 1)
    honest 80
    forge 10.77.0.4 1 40000 64 $S 7007 100000 100000
    honest_end
    stats
    most=$((100 + MS + 200)) # the burst, a datagram each ms, and what was still in the queue at the end
    answered=$(($(packets attacker INPUT 1) - before))
    diag "$1 workers: sent $SENT in $MS ms ($RATE/s); answered $answered, that is $((answered * 1000 / MS))/s"
    is "$name: they were sent, by 64 ports to $1 workers" "$SENT" 100000
    between "$name: about 1,000 a second answered, $1 workers" "$answered" $((MS * 8 / 10)) $most
    unharmed "$name: another source unharmed, $1 workers"
    is "$name: the ICMP errors about the answers do no harm" "$(counter pending_errors) $(counter errors)" "0 0"
}
reflection() { # WORKERS
    local name="a reflected request to a third host" size udp long icmp out
    for size in 0 1 64; do # one by one
        udp=$(packets other INPUT 2)
        forge 10.77.0.3 1 40000 1 $S 7007 1000 1 $size
        ok "$name: one datagram of $size bytes comes, $1 workers" wait_for 10 came_to_other $((udp + 1))
    done
    udp=$(packets other INPUT 2) out=$(packets server OUTPUT 1)
    forge 10.77.0.3 1 40000 1 $S 7007 20000 10000
    ok "(all are read)" on client "$UDP" -q -c 1 -W 10 $S
    udp=$(($(packets other INPUT 2) - udp)) out=$(($(packets server OUTPUT 1) - out)) long=$(packets other INPUT 1) icmp=$(packets other INPUT 3)
    diag "$1 workers: $SENT requests in the name of another in $MS ms; $udp came to it"
    between "$name: within that source's rate limit, $1 workers" "$udp" $((MS * 8 / 10)) $((100 + MS + 200))
    is "$name: never longer, and nothing beside it, $1 workers" "$long $icmp $(packets server OUTPUT 2)" "0 0 0"
}
# shellcheck disable=SC2317,SC2329 # called by wait_for
came_to_other() { [ "$(packets other INPUT 2)" -eq "$1" ]; }
for workers in 1 2; do
    one_source $workers
    reflection $workers
    stop "limited$workers"
done

# ---- whom it must not answer, forged ----
rules() {
    local name="source port ours, below 1024, multicast, broadcast" v4 v6
    serve_on server rules --listen '*:7007' --listen '*:7009'
    v4=$(packets server OUTPUT 1) v6=$(packets server OUTPUT 1 ip6tables)
    for port in 7007 7009 7 19 1023 0; do
        forge 20.0.0.1 1 $port 1 $S 7007 1000 1
        forge 2001:db8:1:: 1 $port 1 $S6 7009 1000 1 0
    done
    stats
    is "$name: forged ports are counted" "$(counter dropped_unsafe_source)" 12
    # Most of these the kernel drops itself. A reply to a broadcast address it refuses to send.
    for source in 224.0.0.1 255.255.255.255 10.77.0.255 0.1.2.3 127.0.0.1 127.1.2.3 $S; do forge "$source" 1 40000 1 $S 7007 1000 1 1400; done
    for source in ff02::1 ff0e::1 ::1 :: ::ffff:20.0.0.1; do forge "$source" 1 40000 1 $S6 7007 1000 1 1400; done
    is "$name: no forged one is answered" "$(packets server OUTPUT 1) $(packets server OUTPUT 1 ip6tables) $(packets server OUTPUT 2)" "$v4 $v6 0"
    exits "(it works)" 0 on client "$UDP" -q -c 1 $S
    stop rules
}
rules

# ---- two servers, one datagram that says it is from the other ----
loop() { # WORKERS
    local name="two echo servers on different ports, one spoofed datagram" first second took begin most=0
    serve_on other "second$1" --listen 10.77.0.3:7008 --rate-per-source 100 --workers "$1"
    second=$PID
    serve_on server "first$1" --listen $S:7007 --rate-per-source 100 --workers "$1"
    first=$PID
    begin=$(date +%s%N)
    forge 10.77.0.3 1 7008 1 $S 7007 1000 1
    ok "$name: the limit ends the loop, $1 workers" wait_for 10 loop_ended "$1"
    took=$((($(date +%s%N) - begin) / 1000000))
    PID=$first OUT_FILE=$TEST_TMP/first$1.out
    stop "first$1"
    ok "$name: they did answer each other, $1 workers" test "$(counter received)" -ge 5
    most=$(counter replied)
    PID=$second OUT_FILE=$TEST_TMP/second$1.out
    stop "second$1"
    ok "$name: no more than burst, and rate by time, $1 workers" test $((most > $(counter replied) ? most : $(counter replied))) -le $((10 + took / 10 + 1))
}
# shellcheck disable=SC2317,SC2329 # called by wait_for: one of them has dropped the only datagram there was
loop_ended() {
    local PID=$first OUT_FILE=$TEST_TMP/first$1.out
    stats
    [ "$(counter dropped_rate)" -gt 0 ] && return
    PID=$second OUT_FILE=$TEST_TMP/second$1.out
    stats
    [ "$(counter dropped_rate)" -gt 0 ]
}
loop 1
loop 2

# ---- a million sources ----
many_sources() { # WORKERS ADDRESS FIRST_SOURCE COUNT [OPTION…]
    local workers=$1 address=$2 first=$3 count=$4 name="a million spoofed sources" before after
    shift 4
    serve_on server "many$workers" --listen '*:7007' --workers "$workers" "$@"
    # Once every buffer and every place of the table is used, nothing may grow.
    forge "$first" 30000 40000 64 "$address" 7007 0 30000
    before=$(memory)
    honest 200
    forge "$first" "$count" 40000 64 "$address" 7007 0 "$count"
    after=$(memory)
    honest_end
    stats
    diag "$workers workers: $SENT sources in $MS ms ($RATE/s), answered $(counter replied); resident before $before KiB, after $after KiB"
    is "$name: $count of them, $workers workers" "$SENT" "$count"
    ok "$name: the process is as large as before, $workers workers" test "$after" -le $((before + 64 * workers))
}
many_sources 1 $S 20.0.0.1 $MILLION
# At such a rate the limit for all is used up, and everybody shares what there is.
diag "honest client meanwhile: $(json counts), p99 $(json rtt_ms.p99) ms (quiet: $QUIET ms)"
ok "a million spoofed sources: an honest client is answered" test "$(json received)" -ge 20
stop many1
many_sources 2 $S6 2001:db8:: 200000 --rate 0
unharmed "a million spoofed sources: an honest client is answered, networks of IPv6 and no limit for all"
stop many2

# ---- all of it ----
read -r _ in4 <<<"$(rule server INPUT 1)"
read -r _ in6 <<<"$(rule server INPUT 1 ip6tables)"
read -r _ out4 <<<"$(rule server OUTPUT 1)"
read -r _ out6 <<<"$(rule server OUTPUT 1 ip6tables)"
diag "bytes of UDP: in $in4 and $in6 (IPv6), out $out4 and $out6; on the wire in $(device rx_bytes), out $(device tx_bytes)"
ok "answered bytes never exceed received bytes: on IPv4" test "$out4" -le "$in4"
ok "answered bytes never exceed received bytes: on IPv6" test "$out6" -le "$in6"
ok "answered bytes never exceed received bytes: on the wire" test "$(device tx_bytes)" -le "$(device rx_bytes)"
ok "answered bytes never exceed received bytes: nor packets" test "$(device tx_packets)" -le "$(device rx_packets)"
is "no ICMP error has left the server" "$(packets server OUTPUT 2)" 0
