#!/usr/bin/env bash
# udp_server.t - what the UDP echo server answers, what it refuses, and that it counts both.
. "$(dirname "$0")/../lib/tap.sh"

SERVER=$BIN/udp_echo_server
PEER=$ROOT/tests/lib/udp_peer.py

# serve NAME [OPTION…]: a server on a loopback port of the kernel's choice. Sets PID, HOST and PORT.
serve() {
    local name=$1; shift
    start_server "$name" "$SERVER" --listen 127.0.0.1:0 "$@"
    HOST=${LISTEN%:*} PORT=${LISTEN##*:}
}

# stop NAME [CODE]: SIGTERM to $PID, and the exit code is a test. Its statistics are then in $STATS.
stop() {
    local rc=0
    kill -TERM "$PID"
    wait "$PID" || rc=$?
    is "$1: SIGTERM ends it with exit code 0" "$rc" 0
    STATS=$(tail -n 1 "$TEST_TMP/$1.out")
}
# stat KEY: a number of $STATS.
stat() { if [[ $STATS =~ .*\"$1\":([0-9]+) ]]; then echo "${BASH_REMATCH[1]}"; fi; }

# ask_stats NAME: SIGUSR1, and the line that it brings in $STATS.
ask_stats() {
    local before
    before=$(grep -c '"stats":"signal"' "$TEST_TMP/$1.out" || true)
    kill -USR1 "$PID"
    wait_for 10 has_more_stats "$1" "$before"
    STATS=$(grep '"stats":"signal"' "$TEST_TMP/$1.out" | tail -n 1)
}
# shellcheck disable=SC2317,SC2329 # called by wait_for
has_more_stats() { [ "$(grep -c '"stats":"signal".*}$' "$TEST_TMP/$1.out")" -gt "$2" ]; }

# accounted NAME: every datagram that came is in one of the counters.
accounted() {
    is "$1: received = replied + errors + dropped" "$(stat received)" \
        $(($(stat replied) + $(stat errors) + $(stat dropped_truncated) + $(stat dropped_unsafe_source) +
            $(stat dropped_rate) + $(stat dropped_would_block) + $(stat dropped_no_buffer)))
    ok "$1: no more bytes were sent than came" test "$(stat bytes_out)" -le "$(stat bytes_in)"
}

# peer PROGRAM [ARG…]: a standard program sends a line and gets it back. Its standard input stays open.
peer() {
    local program=$1 hold pid
    if ! have "$program"; then
        if [ -z "${ECHOLAB_NO_SKIP:-}" ]; then skip "$program is echoed to" "not installed"; return; fi
        fail "$program is echoed to" "not installed"
        return
    fi
    rm -f "$TEST_TMP/stdin"
    mkfifo "$TEST_TMP/stdin"
    exec {hold}<>"$TEST_TMP/stdin"
    "$@" <"$TEST_TMP/stdin" >"$TEST_TMP/peer" 2>&1 &
    pid=$!
    defer stop_pid "$pid"
    echo "hello from $program" >&"$hold"
    ok "$program is echoed to" wait_for 10 file_has "$TEST_TMP/peer" "^hello from $program$"
    stop_pid "$pid"
    exec {hold}>&-
}

test_echo() {
    serve echo --explain
    like "the ready line is complete" "$(<"$TEST_TMP/echo.out")" \
        "^ready proto=udp listen=127\.0\.0\.1:[0-9]+ model=recvmmsg workers=1 pid=[0-9]+$"
    ok "0, 1, 1400 and 65507 bytes come back whole" "$PEER" echo "$HOST" "$PORT" 0 1 1400 65507 0
    ok "fifty at once come back in order" "$PEER" burst "$HOST" "$PORT" 50 700
    peer socat - "UDP4:$HOST:$PORT"
    peer ncat -u "$HOST" "$PORT"
    peer nc -u "$HOST" "$PORT"
    ok "source port ours, below 1024, multicast, broadcast: no answer to our own port number" "$PEER" silent --bind "127.0.0.2,$PORT" "$HOST" "$PORT"
    ask_stats echo
    ok "SIGUSR1 brings valid JSON" python3 -S -m json.tool <<<"$STATS"
    is "source port ours, below 1024, multicast, broadcast: our own port number is counted" "$(stat dropped_unsafe_source)" 1
    accounted "SIGUSR1"
    stop echo
    like "--explain tells of an answer" "$(<"$TEST_TMP/echo.err")" "1400 bytes from 127\.0\.0\.1:[0-9]+ to 127\.0\.0\.1.*: answering"
    like "--explain tells of the call that sends it" "$(<"$TEST_TMP/echo.err")" "sendmmsg\([0-9]+\) = 1: 1 sent, 1400 bytes"
    like "--explain tells why there is none" "$(<"$TEST_TMP/echo.err")" "no answer: its source port is one we listen on"
    like "--explain tells of the limits" "$(<"$TEST_TMP/echo.err")" "rate limits: none in all, none for a source; only this"
    unlike "payload is never shown" "$(<"$TEST_TMP/echo.err")" "hello from"
}

# All in one second (as many as a receive buffer holds), and then nothing comes that could bring the word about it.
test_narration_is_whole() {
    serve told --explain
    ok "(a burst)" "$PEER" burst "$HOST" "$PORT" 250 10
    ok "what --explain leaves out of a burst is told, though nothing follows" \
        wait_for 10 file_has "$TEST_TMP/told.err" '\.\.\. [0-9]+ steps not told: too many a second'
    is "each datagram is told or counted" "$(told_or_counted)" 250
    stop told
}
told_or_counted() {
    awk '/: answering$/ { n++ } / steps not told/ { n += $4 } END { print n }' "$TEST_TMP/told.err"
}

test_own_port_allowed() {
    serve allowed --allow-source own-port
    ok "--allow-source own-port answers it" "$PEER" echo --bind "127.0.0.2,$PORT" "$HOST" "$PORT" 10
    stop allowed
}

test_truncation() {
    serve short --max-datagram 100
    ok "100 bytes are echoed with --max-datagram 100" "$PEER" echo "$HOST" "$PORT" 100
    ok "101 bytes are not, not even their beginning" "$PEER" silent --size 101 "$HOST" "$PORT"
    stop short
    is "the truncated one is counted" "$(stat dropped_truncated)" 1
    accounted "truncation"
}

# 100 datagrams every 20 ms from one address (on a slow machine some fewer). A token bucket gives exactly: the burst and the rate times the time.
test_rate() {
    local sent answered elapsed asked most
    serve rate --rate-per-source 100
    read -r sent answered elapsed asked < <("$PEER" flood --seconds 1 127.0.0.3 "$HOST" "$PORT" || echo 0 0 0 0)
    stop rate
    most=$((10 + elapsed / 10 + 1))
    diag "sent $sent in $elapsed ms, answered $answered (at most $most); the other source: $asked of $asked"
    ok "the flood was one" test "$sent" -gt $((2 * most))
    ok "no more than rate and burst are answered" test "$answered" -le "$most"
    ok "about the rate is answered" test "$answered" -ge $((elapsed / 40))
    ok "another source has every datagram answered" test "$asked" -ge 5
    ok "the rest is counted" test "$(stat dropped_rate)" -ge $((sent - most))
    accounted "rate limit"
}

test_total_rate() {
    serve total --rate 10
    ok "--rate 10 lets the first through" "$PEER" echo "$HOST" "$PORT" 5
    "$PEER" send "$HOST" "$PORT" 50 5
    ask_stats total
    wait_for 10 total_received 51
    ok "--rate bounds all sources together" test "$(stat dropped_rate)" -ge 30
    stop total
}
# shellcheck disable=SC2317,SC2329 # called by wait_for
share_received() { ask_stats share && [ "$(stat received)" -eq "$1" ]; }
# shellcheck disable=SC2317,SC2329 # called by wait_for
total_received() { ask_stats total && [ "$(stat received)" -eq "$1" ]; }

# More than the 256 small datagrams that a receive buffer of the default size has room for; net.core.rmem_max says what can be had.
test_receive_buffer() {
    local most
    most=$(</proc/sys/net/core/rmem_max)
    if [ "$most" -lt 212992 ]; then
        skip "400 datagrams wait while it is busy" "net.core.rmem_max is $most"
        return
    fi
    serve buffer
    kill -STOP "$PID"
    ok "(400 datagrams come while it is stopped)" python3 -S "$PEER" send "$HOST" "$PORT" 400 64
    kill -CONT "$PID"
    stop buffer
    is "400 datagrams wait while it is busy" "$(stat dropped_kernel_queue)" 0
}

# A stopped server cannot read: what does not fit its receive buffer is lost, and it learns of that.
test_kernel_queue() {
    local sent=20000
    serve queue
    kill -STOP "$PID"
    "$PEER" send "$HOST" "$PORT" $sent 64
    kill -CONT "$PID"
    wait_for 10 queue_drained
    ok "after the flood it answers again" "$PEER" echo "$HOST" "$PORT" 64
    stop queue
    ok "socket buffer too small for a burst: datagrams were lost in the kernel's queue" test "$(stat dropped_kernel_queue)" -gt 0
    is "socket buffer too small for a burst: each one sent was received or counted as lost" $(($(stat received) + $(stat dropped_kernel_queue))) $((sent + 1))
    accounted "kernel queue"
}
# shellcheck disable=SC2317,SC2329 # called by wait_for: nothing new between two looks
queue_drained() {
    local before
    ask_stats queue
    before=$(stat received)
    ask_stats queue
    [ "$before" -gt 0 ] && [ "$(stat received)" -eq "$before" ]
}

test_fairness() {
    local first
    start_server fair "$SERVER" --listen 127.0.0.1:0 --listen 127.0.0.2:0 --batch 2
    local listen
    listen=$(sed -nE '1s/.*listen=([^ ]+) .*/\1/p' "$TEST_TMP/fair.out")
    is "two --listen are two addresses in the ready line" "$(grep -o , <<<"$listen" | wc -l)" 1
    local one=${listen%,*} two=${listen#*,}
    ok "the first answers" "$PEER" echo 127.0.0.1 "${one##*:}" 9
    ok "the second answers" "$PEER" echo 127.0.0.2 "${two##*:}" 9
    stop fair

    # Both sockets on one host, so that one run of the peer reaches them.
    start_server turns "$SERVER" --listen 127.0.0.1:0 --listen 127.0.0.1:0 --batch 2
    listen=$(sed -nE '1s/.*listen=([^ ]+) .*/\1/p' "$TEST_TMP/turns.out")
    one=${listen%,*} two=${listen#*,}
    kill -STOP "$PID"
    first=$("$PEER" fair "$PID" 127.0.0.1 "${one##*:}" "${two##*:}" || kill -CONT "$PID")
    ok "a full socket does not keep the other waiting for more than a batch" test "${first:-100}" -le 4
    stop turns
}

test_speed_options() {
    local i
    serve two --workers 2
    like "the ready line says workers=2" "$(<"$TEST_TMP/two.out")" "workers=2"
    for i in 1 2 3 4 5 6 7 8; do "$PEER" echo "$HOST" "$PORT" 10 || break; done >"$TEST_TMP/eight"
    is "eight senders are answered by two workers" "$(wc -l <"$TEST_TMP/eight")" 8
    stop two
    is "the workers' counters are added up" "$(stat replied)" 8

    serve gro --gro
    ok "segments sent as one are echoed" "$PEER" burst --segment 1000 "$HOST" "$PORT" 30 1000
    ok "single ones are echoed with --gro too" "$PEER" echo "$HOST" "$PORT" 0 1 1400 65507
    stop gro
    is "each segment is counted" "$(stat replied)" 34
    ok "they were received and answered as one" test "$(stat wakeups)" -le 10 -a "$(stat messages)" -le 10
    accounted "--gro"

    serve share --gro --rate-per-source 100 # a burst of 10
    python3 -S -c 'import socket, struct, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([bytes(30000)], [(socket.SOL_UDP, 103, struct.pack("H", 1000))], 0,
    ("127.0.0.1", int(sys.argv[1])))' "$PORT"
    ok "(thirty segments sent as one are received)" wait_for 10 share_received 30
    stop share
    ok "datagrams that come as one cost a token each" test "$(stat replied)" -ge 10 -a "$(stat replied)" -le 12
    accounted "--gro and a rate"

    serve plain --no-gso
    ok "--no-gso echoes a burst" "$PEER" burst --segment 100 "$HOST" "$PORT" 30 100
    stop plain
    is "--no-gso sends each reply as a message" "$(stat messages)" "$(stat replied)"
}

test_usage() {
    exits "--rate x is a usage error" 2 "$SERVER" --rate x
    like "it is said which, why, and what to write" "$ERR" "^udp_echo_server: --rate: 'x' .*for example"
    exits "--batch 0 is a usage error" 2 "$SERVER" --batch 0
    exits "--allow-source nonsense is a usage error" 2 "$SERVER" --allow-source nonsense
    exits "an operand is a usage error" 2 "$SERVER" 127.0.0.1
}

# serve_on HOST NAME [OPTION…]: a server on a host of the world.
serve_on() {
    local host=$1 name=$2; shift 2
    start_server "$name" "$NET" run "$host" -- "$SERVER" "$@"
}

test_addresses() {
    local link_local
    on server ip address add 10.77.0.22/24 dev eth0
    serve_on server wild --listen '*:7007' --explain
    like "a wildcard address warns" "$(<"$TEST_TMP/wild.err")" "whoever can reach this machine"
    like "elsewhere than on loopback there are limits" "$(<"$TEST_TMP/wild.err")" "rate limits: 100000/s in all, 10000/s for a source"
    ok "the first address answers as itself" on client "$PEER" echo 10.77.0.2 7007 0 1 1400 65507
    ok "server on a wildcard, secondary address probed: the reply comes from it" on client "$PEER" echo 10.77.0.22 7007 0 1 1400
    ok "an IPv6 address answers as itself" on client "$PEER" echo fd77::2 7007 0 1 1400 65507
    link_local=$(on server ip -6 -brief address show dev eth0 scope link | grep -oE 'fe80[0-9a-f:]+')
    ok "a link-local address answers as itself" on client "$PEER" echo "$link_local%eth0" 7007 1 1400
    ok "a link-local address answers a sender of global scope" on client \
        "$PEER" echo --bind fd77::1 "$link_local%eth0" 7007 1
    ok "its own machine is answered, from an address of the network" on server "$PEER" echo 10.77.0.22 7007 5
    ok "its own machine is answered, on loopback" on server "$PEER" echo 127.0.0.2 7007 5
    ok "its own machine is answered, on IPv6 loopback" on server "$PEER" echo ::1 7007 5
    ok "source port ours, below 1024, multicast, broadcast: no answer to a port below 1024" on client "$PEER" silent --bind 10.77.0.1,1023 10.77.0.2 7007
    ok "source port ours, below 1024, multicast, broadcast: no answer to what is sent to broadcast" on client "$PEER" silent --fence 10.77.0.2 10.77.0.255 7007
    ok "source port ours, below 1024, multicast, broadcast: no answer to what is sent to a multicast group" on client "$PEER" silent --fence fd77::2 ff02::1%eth0 7007
    stop wild
    is "source port ours, below 1024, multicast, broadcast: all three are counted" "$(stat dropped_unsafe_source)" 3
    accounted "wildcard"

    serve_on server friendly --listen 10.77.0.2:7007 --allow-source low-port
    ok "--allow-source low-port answers it" on client "$PEER" echo --bind 10.77.0.1,1023 10.77.0.2 7007 10
    # Segments are never fragmented, so the kernel refuses those longer than the path takes: then one by one.
    on server ip route add 10.77.0.1/32 dev eth0 mtu 600
    ok "replies longer than the path's MTU are fragmented, not lost" on client "$PEER" burst 10.77.0.2 7007 20 1000
    on server ip route del 10.77.0.1/32
    stop friendly
    is "none was lost to coalescing" "$(stat errors)" 0
}

# On one address each, the server does without IP_PKTINFO. What that told must still hold.
test_one_address_each() {
    serve_on server single --listen 127.0.0.1:7100 --listen '[::1]:7100' --listen 10.77.0.2:7100
    ok "one address: its own machine is answered, from an address of the network" on server "$PEER" echo --bind 10.77.0.22 127.0.0.1 7100 1 1400
    ok "one address: and over IPv6" on server "$PEER" echo --bind fd77::2 ::1 7100 1 1400
    ok "one address: a client is answered" on client "$PEER" echo 10.77.0.2 7100 1 1400 65507
    ok "one address: who says that it is loopback is not answered elsewhere" on server "$PEER" silent --bind 127.0.0.5 10.77.0.2 7100
    # Even who lets the network reach loopback addresses does not expose a server that listens there, without rate limits.
    on server sysctl -qw net.ipv4.conf.all.route_localnet=1
    on server iptables -t nat -A PREROUTING -d 10.77.0.22 -p udp --dport 7100 -j DNAT --to-destination 127.0.0.1
    ok "one address: a loopback address is out of the network's reach, whatever sysctl says" on client \
        "$PEER" silent --fence 10.77.0.2 10.77.0.22 7100
    is "(that datagram came, and was redirected)" \
        "$(on server iptables -t nat -nvxL PREROUTING | awk '/DNAT/ { print $1 }')" 1
    on server iptables -t nat -F PREROUTING
    on server sysctl -qw net.ipv4.conf.all.route_localnet=0
    stop single
    is "one address: the one that said so is counted" "$(stat dropped_unsafe_source)" 1
    accounted "one address"
}

# forge: one datagram to the server that says it is from the echo server on the other host.
forge() { on sw0 "$PEER" spoof 10.77.0.1 7007 10.77.0.2 7007 forged; }

test_two_servers() {
    local first second
    serve_on client one --listen 10.77.0.1:7007
    first=$PID
    serve_on server other --listen 10.77.0.2:7007
    second=$PID
    ok "two echo servers on one port number, one spoofed datagram: it is sent" forge
    ok "the servers work" on sw0 "$PEER" echo 10.77.0.2 7007 5
    ok "both of them" on sw0 "$PEER" echo 10.77.0.1 7007 5
    PID=$second && stop other
    is "two echo servers on one port number, one spoofed datagram: it arrived" "$(stat received)" 2
    is "two echo servers on one port number, one spoofed datagram: and was not answered" "$(stat replied)" 1
    PID=$first && stop one
    is "two echo servers on one port number, one spoofed datagram: nothing went from one server to the other" "$(stat received)" 1

    # The same with the rule off: this is what it is there for. The loop ends when the rate limit drops the datagram.
    serve_on client one-off --listen 10.77.0.1:7007 --allow-source own-port --rate-per-source 100
    first=$PID
    serve_on server other-off --listen 10.77.0.2:7007 --allow-source own-port --rate-per-source 100
    second=$PID
    forge
    ok "without the rule they answer each other, until the rate limit ends it" wait_for 10 limit_reached
    PID=$second && stop other-off
    ok "one forged datagram had become many" test "$(stat received)" -ge 5
    PID=$first && stop one-off
}
# shellcheck disable=SC2317,SC2329 # called by wait_for
limit_reached() {
    PID=$second
    ask_stats other-off
    [ "$(stat dropped_rate)" -gt 0 ] && return
    PID=$first
    ask_stats one-off
    [ "$(stat dropped_rate)" -gt 0 ]
}

test_echo
test_narration_is_whole
test_own_port_allowed
test_truncation
test_rate
test_total_rate
test_receive_buffer
test_kernel_queue
test_fairness
test_speed_options
test_usage
# shellcheck disable=SC2119 # the default topology
world
test_addresses
test_one_address_each
test_two_servers
