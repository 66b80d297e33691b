# udp_abuse.sh - what the tests of UDP abuse share: the network, what counts packets there, forged datagrams, an honest client.
#
#   attacker ──┐              ┌── server   the attacker writes what IP headers he likes (tests/measure/udp_forge.c); the client is
#   client  ───┴──── sw0 ─────┴── other    honest; other is whoever the attacker claims to be
#
# Nothing is logged there: a log rule would be the slowest part. Packets are counted by iptables and by the server's interface, whose
# counters see what really left, each segment of a coalesced reply by itself. Figures are told as diagnostics.
# Source it after tap.sh.
# shellcheck shell=bash disable=SC2034 # variables for the scripts
. "$ROOT/tests/lib/client.sh"
# shellcheck source=tests/lib/tcp.sh
. "$ROOT/tests/lib/tcp.sh" # counter, stats, between, value

S=10.77.0.2 S6=fd77::2

abuse_world() {
    local i host
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
    # Where replies to forged sources go: to a host that does not forward them, and says nothing. And what counts: rules without a target.
    on server sh -ec 'ip route add 20.0.0.0/8 via 10.77.0.1; ip route add 2001:db8::/32 via fd77::1
        iptables -A INPUT -p udp; iptables -A OUTPUT -p udp; iptables -A OUTPUT -p icmp
        ip6tables -A INPUT -p udp; ip6tables -A OUTPUT -p udp'
    on other sh -ec 'iptables -A INPUT -p udp -s 10.77.0.2 -m length --length 93:65535
        iptables -A INPUT -p udp -s 10.77.0.2; iptables -A INPUT -p icmp -s 10.77.0.2'
    on attacker iptables -A INPUT -p udp -s $S
}

# rule HOST CHAIN N [TOOL]: packets and bytes that it has counted.
rule() { on "$1" "${4:-iptables}" -nvxL "$2" "$3" | awk '{ print $1, $2 }'; }
packets() { rule "$@" | cut -d ' ' -f 1; }

# serve_udp_on HOST NAME [OPTION…]: sets PID, OUT_FILE and NUMBER, its pid as its own host counts.
serve_udp_on() {
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
# forge_each ARGUMENTS… -- WORD…: with each word in turn in the place of WORD, by one visit to the attacker.
forge_each() {
    local lines=() word
    while [ "$1" != -- ]; do lines+=("$1"); shift; done
    shift
    for word; do printf '%s\n' "${lines[@]//WORD/"$word"}"; done >"$TEST_TMP/each"
    on attacker xargs -L 1 "$TEST_TMP/forge" <"$TEST_TMP/each" >/dev/null
}
# honest: a client that asks a hundred times a second, until honest_end; then its counters are in $OUT, as `json` reads them.
honest() {
    "$NET" run client -- "$UDP" --json -c 0 -i 10ms -W 5 $S >"$TEST_TMP/honest" 2>/dev/null </dev/null &
    HONEST=$!
    defer stop_pid "$HONEST"
}
honest_end() {
    stop_pid "$HONEST"
    OUT=$(jq -c 'del(.probes)' "$TEST_TMP/honest")
}
# unharmed NAME: all its datagrams were answered. Only the kernel may have lost some, where the machine was too slow to read them.
unharmed() {
    diag "$1: honest client: $(json counts), p99 $(json rtt_ms.p99) ms (quiet: $QUIET ms); lost in the kernel's queue: $(counter dropped_kernel_queue)"
    if [ "$(counter dropped_kernel_queue)" -eq 0 ]; then is "$1" "$(json lost)" 0
    else between "$1" "$(json lost)" 0 $(($(json sent) / 10)); fi
}

# all_bytes NAME: over everything that the script has sent.
all_bytes() {
    local in4 in6 out4 out6 icmp rx tx rx_packets tx_packets
    # shellcheck disable=SC2016 # for the inner shell
    read -r _ in4 _ out4 icmp _ _ in6 _ out6 rx tx rx_packets tx_packets < <(on server sh -ec '
        for rule in "iptables -nvxL INPUT 1" "iptables -nvxL OUTPUT 1" "iptables -nvxL OUTPUT 2" "ip6tables -nvxL INPUT 1" "ip6tables -nvxL OUTPUT 1"
        do $rule; done | awk "{ print \$1, \$2 }"
        cd /sys/class/net/eth0/statistics && cat rx_bytes tx_bytes rx_packets tx_packets' | xargs)
    diag "bytes of UDP: in $in4 and $in6 (IPv6), out $out4 and $out6; on the wire in $rx, out $tx"
    ok "$1: on IPv4" test "$out4" -le "$in4"
    ok "$1: on IPv6" test "$out6" -le "$in6"
    ok "$1: on the wire" test "$tx" -le "$rx"
    ok "$1: nor packets" test "$tx_packets" -le "$rx_packets"
    is "$1: and no ICMP error has left the server" "$icmp" 0
}
