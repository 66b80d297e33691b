#!/usr/bin/env bash
# udp_abuse.t - the worst that can be sent to the UDP echo server: floods, reflections, loops, and whom it must not answer.
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/lib/udp_abuse.sh
. "$ROOT/tests/lib/udp_abuse.sh"
abuse_world

# ---- one source, far more than its limit; and a reflection within that limit ----
one_source() { # WORKERS
    local name="100,000 datagrams a second from one source, limit 1,000" before most answered
    serve_udp_on server "limited$1" --listen '*:7007' --rate-per-source 1000 --workers "$1"
    exits "(quiet, with $1 workers)" 0 on client "$UDP" --json -c 50 -i 5ms $S
    QUIET=$(json rtt_ms.p99)
    before=$(packets attacker INPUT 1)
    honest
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
    local name="a reflected request to a third host" udp bytes now long icmp
    read -r udp bytes <<<"$(rule other INPUT 2)"
    forge_each "10.77.0.3 1 40000 1 $S 7007 1000 1 WORD" -- 0 1 64
    ok "$name: one datagram for one, $1 workers" wait_for 10 came_to_other $((udp + 3))
    read -r now bytes <<<"$(rule other INPUT 2) $bytes"
    is "$name: of the same length, $1 workers" $((${bytes% *} - ${bytes#* })) $((3 * 28 + 0 + 1 + 64))
    udp=$now
    forge 10.77.0.3 1 40000 1 $S 7007 20000 10000
    ok "(all are read)" on client "$UDP" -q -c 1 -W 10 $S
    udp=$(($(packets other INPUT 2) - udp)) long=$(packets other INPUT 1) icmp=$(packets other INPUT 3)
    diag "$1 workers: $SENT requests in the name of another in $MS ms; $udp came to it"
    between "$name: within that source's rate limit, $1 workers" "$udp" $((MS / 2)) $((100 + MS + 200))
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
    serve_udp_on server rules --listen '*:7007' --listen '*:7009'
    v4=$(packets server OUTPUT 1) v6=$(packets server OUTPUT 1 ip6tables)
    forge_each "20.0.0.1 1 WORD 1 $S 7007 1000 1" "2001:db8:1:: 1 WORD 1 $S6 7009 1000 1 0" -- 7007 7009 7 19 1023 0
    stats
    is "$name: forged ports are counted" "$(counter dropped_unsafe_source)" 12
    # Most of these the kernel drops itself. A reply to a broadcast address it refuses to send.
    forge_each "WORD 1 40000 1 $S 7007 1000 1 1400" -- 224.0.0.1 255.255.255.255 10.77.0.255 0.1.2.3 127.0.0.1 127.1.2.3 $S
    forge_each "WORD 1 40000 1 $S6 7007 1000 1 1400" -- ff02::1 ff0e::1 ::1 :: ::ffff:20.0.0.1
    is "$name: no forged one is answered" "$(packets server OUTPUT 1) $(packets server OUTPUT 1 ip6tables) $(packets server OUTPUT 2)" "$v4 $v6 0"
    exits "(it works)" 0 on client "$UDP" -q -c 1 $S
    stop rules
}
rules

# ---- two servers, one datagram that says it is from the other ----
loop() { # WORKERS
    local name="two echo servers on different ports, one spoofed datagram" first second took begin most=0
    serve_udp_on other "second$1" --listen 10.77.0.3:7008 --rate-per-source 100 --workers "$1"
    second=$PID
    serve_udp_on server "first$1" --listen $S:7007 --rate-per-source 100 --workers "$1"
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

all_bytes "answered bytes never exceed received bytes"
