#!/usr/bin/env bash
# tcp_server.t - tcp_echo_server and the clients that a server must survive, on the loopback interface.
#
# The clients are those of tests/lib/tcp_client.py; what the server counted is asked with SIGUSR1.
# `tests/netns/tcp_server.t drain limits` runs only these.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/tcp.sh"

SERVER=$BIN/tcp_echo_server
[ -x "$SERVER" ] || skip_all "tcp_echo_server is not built"
have python3 || skip_all "python3 is missing"

test_bytes() {
    serve bytes
    like "the ready line is exact" "$(head -n1 "$OUT_FILE")" \
        "^ready proto=tcp listen=127\.0\.0\.1:$PORT model=libevent workers=1 pid=$PID\$"
    local size
    for size in 0 1 64 65536 65537 1000000; do
        ok "$size bytes come back, then the end" client whole "$size"
    done
    ok 'one byte at a time, 64 MiB in one go: 64 MiB come back exactly' client whole $((64 << 20))
    ok 'one byte at a time, 64 MiB in one go: 500 single bytes do' client dribble 500
    ok 'half-close after 1 MiB: every byte is echoed, then the end' client half_close $((1 << 20))
    stats
    is "bytes in and bytes out are equal" "$(counter bytes_in)" "$(counter bytes_out)"
}

test_other_buffer() {
    serve small --buffer 7
    ok "a buffer of 7 bytes changes nothing but the speed" client whole 100000
}

test_deaf_client() {
    serve beside_deaf
    local before after
    ok "(warm up)" client whole $((8 << 20))
    before=$(resident_kb)
    hold_client deaf deaf
    ok 'client that never reads: beside it another is served' client whole $((16 << 20))
    after=$(resident_kb)
    between 'client that never reads: memory stays bounded: KiB more' "$((after - before))" -1000000 2000
    between 'client that never reads: it could send so many bytes, and no more' "$(value sent "$(<"$TEST_TMP/deaf.out")")" 65536 $((24 << 20))
    release_client deaf
    ok "when it leaves, it is counted as a reset" wait_for 10 counts resets 1
    is "nobody is left" "$(counter active)" 0
}

test_reset() {
    serve reset
    local i
    for i in 1 2 3; do client reset 3000000 >"$TEST_TMP/reset.$i"; done
    ok "three clients that reset mid-stream are counted" wait_for 10 counts resets 3
    ok "and the server serves on" client whole 1000
    is "a client that leaves is no error" "$(counter errors)" 0
}

# All descriptors in use: those who are in are served, those outside are told, nothing spins, and it recovers.
test_no_descriptors() {
    serve_with_descriptors emfile 24
    hold_client crowd crowd 30
    local line echoed
    line=$(<"$TEST_TMP/crowd.out")
    echoed=$(value echoed "$line")
    between "with 24 descriptors some of them are clients" "$echoed" 4 23
    is "each of the others was turned away" "$(value turned_away "$line")" "$((30 - echoed))"
    idles 'no descriptor left with clients connected: the server is idle'
    stats
    between "accepting paused" "$(counter accept_paused)" 1 100
    is "those turned away are counted" "$(counter rejected_descriptors)" "$((30 - echoed))"
    release_client crowd
    is 'no descriptor left with clients connected: one of them is served to the end' "$RC" 0
    ok 'no descriptor left with clients connected: when some are free, new clients are served again' wait_for 10 client whole 100
}

# idles NAME: over two seconds, it uses less than 5 % of a core, and is not woken more often than its pause of 100 ms and its clock allow.
idles() {
    local before woken spent
    before=$(cpu_ticks) woken=$(wake_ups)
    read -rt 2 <>"$NOTHING" || true # two seconds of its time are what is measured, not waited for
    spent=$(($(cpu_ticks) - before)) woken=$(($(wake_ups) - woken))
    between "$1: ticks of CPU in two seconds" "$spent" 0 $(($(getconf CLK_TCK) / 10))
    between "$1: times that it woke up in them" "$woken" 0 100
}
wake_ups() { cat "/proc/$PID"/task/*/status | awk '$1 == "voluntary_ctxt_switches:" { sum += $2 } END { print sum }'; }

# Not even the reserve can be had, and somebody waits all the time. --no-sandbox: as another user it would not let us set its limit.
test_no_reserve() {
    local client rc=0
    have prlimit || { skip "no descriptor at all" "prlimit is missing"; return 0; }
    serve no_reserve --no-sandbox
    hold_client in crowd 1
    prlimit --pid "$PID" --nofile=4:
    start_client out whole 1000
    client=$CLIENT
    ok "no descriptor at all: accepting pauses" wait_for 10 paused
    idles "no descriptor at all: the server is idle"
    prlimit --pid "$PID" --nofile=100:
    wait "$client" || rc=$?
    is "no descriptor at all: whoever waited is served when there is one" "$rc" 0
    release_client in
    is "no descriptor at all: who was in is served to the end" "$RC" 0
}
paused() { stats && [ "$(counter accept_paused)" -gt 0 ]; }

# Ten thousand clients that say nothing, or as many as the limit of descriptors allows.
test_idle_crowd() {
    local number=10000 hard line
    hard=$(ulimit -Hn)
    [ "$hard" = unlimited ] || [ "$hard" -ge 10100 ] || number=$((hard - 100))
    serve idle_crowd
    line=$(ulimit -Sn "$(ulimit -Hn)" && client idle_crowd "$number" --pid "$PID")
    is "\"10,000 idle connections\": $number are held" "$(value held "$line")" "$number"
    # Not grep -q: it leaves at the first match, ldd dies of SIGPIPE, and pipefail calls that a failure.
    if ldd "$SERVER" | grep -E 'lib[aut]san' >/dev/null; then
        skip '10,000 idle connections: each costs 320 bytes at most' "an instrumented build has other sizes"
    elif [ -z "$(value bytes_each "$line")" ]; then
        skip '10,000 idle connections: each costs 320 bytes at most' "the memory of the server cannot be read: $line"
    else
        between '10,000 idle connections: each costs 320 bytes at most' "$(value bytes_each "$line")" 100 320
    fi
}

test_limits() {
    serve idle --idle-timeout 300ms
    between '1 byte a second writer, silent client: silent, it is closed at the idle limit, not before' \
        "$(value closed_after_ms "$(client silent)")" 300 10000
    ok "and counted" wait_for 10 counts timed_out_idle 1

    serve lifetime --max-lifetime 2500ms --idle-timeout 2s
    between '1 byte a second writer, silent client: a byte a second, it is closed at the lifetime limit, not before' \
        "$(value closed_after_ms "$(client chatty 1000)")" 2500 10000
    ok "and counted" wait_for 10 counts timed_out_lifetime 1

    serve write --write-timeout 300ms
    between "a client that does not read is reset at the write limit, not before" \
        "$(value reset_after_ms "$(client deaf_until_reset)")" 300 20000
    ok "and counted" wait_for 10 counts timed_out_write 1

    serve total --max-connections 3
    hold_client three crowd 5
    is "--max-connections 3 of 5" "$(<"$TEST_TMP/three.out")" "echoed=3 turned_away=2"
    stats
    is "those turned away are counted" "$(counter rejected_full)" 2
    release_client three
    ok "a place that was left is taken again" wait_for 10 client whole 100

    serve source --max-per-source 2
    hold_client two crowd 4
    is "--max-per-source 2 of 4" "$(<"$TEST_TMP/two.out")" "echoed=2 turned_away=2"
    is "another server's counter stays out of it" "$(counts rejected_source 2 && echo counted)" counted
    release_client two
}

test_drain() {
    serve drain
    hold_client quiet crowd 3
    client transfer 10 >"$TEST_TMP/transfer.out" &
    local transfer=$! rc=0
    wait_for 10 file_has "$TEST_TMP/transfer.out" started
    kill -TERM "$PID"
    wait "$transfer" || rc=$?
    is 'SIGTERM while echoing: a transfer under way is drained to its end' "$rc $(tail -n1 "$TEST_TMP/transfer.out")" "0 bytes=655360"
    ends 'SIGTERM while echoing: then the server exits 0' 0
    like "and prints its statistics" "$(tail -n1 "$OUT_FILE")" '"stats":"exit".*"accepted":4,"active":0,"closed":4,'
    release_client quiet # it finds its quiet connections closed

    serve forced --drain-timeout 60s
    hold_client deaf2 deaf # it is owed bytes, so it is never quiet
    kill -TERM "$PID"
    ok "draining, it refuses new clients" wait_for 10 refused
    kill -TERM "$PID"
    ends 'SIGTERM while echoing: a second signal ends it with exit 3' 3
    release_client deaf2

    serve late --drain-timeout 300ms
    hold_client deaf3 deaf
    kill -INT "$PID"
    ends "clients left at the drain timeout are cut off: exit 0" 0
    like "with a warning" "$(<"$ERR_FILE")" 'drain: not finished in time'
    release_client deaf3
}

test_restart() {
    serve first --idle-timeout 100ms
    client silent >"$TEST_TMP/silent" # the server closed first: TIME_WAIT is on its side
    kill -TERM "$PID"
    ends "(first server)" 0
    if have ss; then
        ok "its port has a connection in TIME_WAIT" has_time_wait "$PORT"
    else
        skip "its port has a connection in TIME_WAIT" "ss is missing"
    fi
    start_server second "$SERVER" --listen "127.0.0.1:$PORT"
    is 'restart with connections in TIME_WAIT: it binds the same port at once' "$LISTEN" "127.0.0.1:$PORT"
    exits "a server on a port in use exits 1" 1 "$SERVER" --listen "127.0.0.1:$PORT"
    like "and says what to do" "$ERR" \
        "^tcp_echo_server: 127\.0\.0\.1:$PORT: bind: Address already in use \(another server has this port: ss -ltnp\)\$"
}
has_time_wait() { [ -n "$(ss -Htn state time-wait "( sport = :$1 )")" ]; }

test_workers() {
    serve workers --workers 2
    like "two workers are ready" "$(head -n1 "$OUT_FILE")" ' workers=2 '
    hold_client eight crowd 8
    is "both serve" "$(<"$TEST_TMP/eight.out")" "echoed=8 turned_away=0"
    ok "64 clients' worth of bytes" client whole $((4 << 20))
    ok "they add up" counts accepted 9
    release_client eight
    kill -TERM "$PID"
    ends "two workers drain and exit 0" 0
}

test_addresses() {
    start_server localhost "$SERVER" --listen localhost:0
    PORT=${LISTEN##*:}
    ok "--listen localhost serves 127.0.0.1" client whole 100
    if grep -q '^0*1 ' /proc/net/if_inet6 2>/dev/null; then
        ok "--listen localhost serves ::1" client whole 100 --host ::1
        start_server six "$SERVER" --listen '[::1]:0'
        PORT=${LISTEN##*:}
        is "an IPv6 address is printed in brackets" "$LISTEN" "[::1]:$PORT"
        ok "--listen [::1] serves" client whole 100 --host ::1
    else
        skip "IPv6" "there is no ::1 here"
    fi
    start_server wildcard "$SERVER" --listen '*:0'
    like "a wildcard warns" "$(<"$TEST_TMP/wildcard.err")" 'whoever can reach this machine can use this server'
    like "a wildcard is one port in both families" "$(head -n1 "$TEST_TMP/wildcard.out")" ' listen=0\.0\.0\.0:([0-9]+)(,\[::\]:\1)? '
    exits "a name that only DNS may know is refused" 2 "$SERVER" --listen no-such-host.invalid
    like "with a reason" "$ERR" 'not in /etc/hosts'
}

test_output() {
    OUT_FILE=$TEST_TMP/json.out
    "$SERVER" --listen 127.0.0.1:0 --json --stats-interval 50ms >"$OUT_FILE" 2>"$TEST_TMP/json.err" &
    PID=$!
    defer stop_pid "$PID"
    wait_for 10 file_has "$OUT_FILE" '"interval"'
    stats
    kill -TERM "$PID"
    ends "(json)" 0
    ok "with --json every line is JSON" python3 -S -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert lines[0]["ready"] is True and lines[0]["format_version"] == 1, lines[0]
assert {"interval", "signal", "exit"} <= {line.get("stats") for line in lines}, lines' "$OUT_FILE"
    local rc=0
    "$SERVER" --listen 127.0.0.1:0 >/dev/full 2>"$TEST_TMP/full" || rc=$?
    is "a full disk at the ready line exits 1" "$rc" 1
    like "and is named" "$(<"$TEST_TMP/full")" 'stdout: write: No space left on device'
    rc=0
    "$SERVER" --listen 127.0.0.1:0 >&- 2>"$TEST_TMP/closed" || rc=$?
    is "a closed stdout exits 1" "$rc" 1
    like "and is named" "$(<"$TEST_TMP/closed")" 'stdout: the ready line needs it: Bad file descriptor'
    exits "a bad --max-per-source exits 2" 2 "$SERVER" --max-per-source many
    exits "an operand is refused" 2 "$SERVER" 127.0.0.1
}

test_explain() {
    serve explain --explain
    ok "(a client)" client whole 3
    ok "(it is gone)" wait_for 10 counts closed 1
    local told
    told=$(<"$ERR_FILE")
    like "--explain tells of Nagle's algorithm being off, once, on the listener" "$told" 'setsockopt\([0-9]+, TCP_NODELAY, 1\) = 0'
    like "of accept" "$told" 'accept4\([0-9]+, SOCK_NONBLOCK\|SOCK_CLOEXEC\) = [0-9]+ from 127\.0\.0\.1:'
    like "of the addresses and the state" "$told" ": 127\.0\.0\.1:[0-9]+ to 127\.0\.0\.1:$PORT, state (ESTABLISHED|CLOSE_WAIT), RTT .*, MSS [0-9]+" # its FIN may be here already
    like "of recv and send" "$told" 'send\([0-9]+, 3 bytes\) = 3'
    like "of the FIN and the state it leaves" "$told" "recv\([0-9]+\) = 0: the peer's FIN, state CLOSE_WAIT"
    ok "(many messages)" client dribble 1000
    ok "but not of everything" test "$(wc -l <"$ERR_FILE")" -lt 1900
    kill -TERM "$PID"
    ends "(explain)" 0
    like "and at the end it tells how much it left out" "$(<"$ERR_FILE")" '\.\.\. [0-9]+ steps not told: too many a second'
}

# A reader of --explain that has stopped: a pipe that is held open, and full soon.
test_stalled_reader() {
    local fd
    mkfifo "$TEST_TMP/stalled.err"
    exec {fd}<>"$TEST_TMP/stalled.err"
    python3 -S -c 'import fcntl, sys; fcntl.fcntl(int(sys.argv[1]), fcntl.F_SETPIPE_SZ, 4096)' "$fd"
    "$SERVER" --listen 127.0.0.1:0 --explain >"$TEST_TMP/stalled.out" 2>"$TEST_TMP/stalled.err" &
    PID=$!
    defer stop_pid "$PID"
    wait_for 10 file_has "$TEST_TMP/stalled.out" '^ready '
    PORT=$(sed -nE '1s/.*:([0-9]+) model.*/\1/p' "$TEST_TMP/stalled.out")
    ok "nobody reads what it explains, and it echoes" client dribble 500
    ok "and serves a new client" client whole 1000
    kill -TERM "$PID"
    ends "and stops when it is told to" 0
    exec {fd}>&-
}

TESTS=(bytes other_buffer deaf_client reset no_descriptors no_reserve idle_crowd limits drain restart workers addresses output explain stalled_reader)
[ $# -eq 0 ] || TESTS=("$@")
for name in "${TESTS[@]}"; do "test_$name"; done
