#!/usr/bin/env bash
# models_udp.t - what every UDP echo server here must do, from the smallest model to the one to use. One script, so that none
# of them is tested more kindly than the others.
. "$(dirname "$0")/../lib/tap.sh"

PEER=$ROOT/tests/lib/udp_peer.py

# What differs: `model=` in the ready line, whether it serves several addresses, and whether it must be told to leave loopback.
MODEL='' NAME='' ADDRESSES='' OPTIONS=()

# serve NAME [OPTION…]: the server on a loopback port of the kernel's choice. Sets PID, HOST, PORT and RUN.
serve() {
    RUN=$MODEL-$1; shift
    start_server "$RUN" "$BIN/$MODEL" --listen 127.0.0.1:0 "$@"
    HOST=${LISTEN%:*} PORT=${LISTEN##*:}
}

# ends WHAT CODE: the server ends soon after a signal, with that exit code; its last statistics are then in $STATS. It is asked
# with a drain timeout that it could not wait for here.
ends() {
    local rc=0
    ok "$MODEL: $1: it ends at once" wait_for 10 gone "$PID"
    gone "$PID" || kill -KILL "$PID"
    wait "$PID" || rc=$?
    is "$MODEL: $1: exit code $2" "$rc" "$2"
    STATS=$(tail -n 1 "$TEST_TMP/$RUN.out")
}
stat() { if [[ $STATS =~ .*\"$1\":([0-9]+) ]]; then echo "${BASH_REMATCH[1]}"; fi; }

# counted KEY NUMBER …: pairs that the last statistics must show.
counted() {
    local what=$1; shift
    while [ $# -gt 0 ]; do
        is "$MODEL: $what: $1" "$(stat "$1")" "$2"
        shift 2
    done
}

test_bytes() {
    serve bytes
    is "$MODEL: the ready line is exact" "$(head -n 1 "$TEST_TMP/$RUN.out")" \
        "ready proto=udp listen=127.0.0.1:$PORT model=$NAME workers=1 pid=$PID"
    ok "$MODEL: 0, 1, 64, 1400 and 65507 bytes come back exactly" "$PEER" echo "$HOST" "$PORT" 0 1 64 1400 65507
    kill -TERM "$PID"
    ends "SIGTERM while idle" 0
    counted "five datagrams" received 5 replied 5 bytes_in 66972 bytes_out 66972
}

test_many() {
    serve many
    ok "$MODEL: 500 datagrams of mixed lengths from one peer" "$PEER" mixed "$PID" "$HOST" "$PORT" 500
    ok "$MODEL: 500 from twenty peers in turn, each gets its own" "$PEER" mixed --peers 20 "$PID" "$HOST" "$PORT" 500
    ok "$MODEL: senders that are gone before the answer" "$PEER" leave "$HOST" "$PORT" 50
    ok "$MODEL: (it goes on)" "$PEER" echo "$HOST" "$PORT" 64
    kill -USR1 "$PID"
    ok "$MODEL: SIGUSR1 brings statistics" wait_for 10 file_has "$TEST_TMP/$RUN.out" '"stats":"signal".*"replied":1051,'
    kill -INT "$PID"
    ends "SIGINT" 0
    counted "a thousand datagrams" received 1051 replied 1051
}

test_limits() {
    serve limits --max-datagram 100
    ok "$MODEL: --max-datagram 100 echoes 100 bytes" "$PEER" echo "$HOST" "$PORT" 100
    ok "$MODEL: of 101 it echoes nothing, not even their beginning" "$PEER" silent --size 101 "$HOST" "$PORT"
    ok "$MODEL: from its own port number there is no answer" "$PEER" silent --bind "127.0.0.2,$PORT" "$HOST" "$PORT"
    kill -TERM "$PID"
    ends "SIGTERM" 0
    # Each silent one was followed by a fence of five bytes.
    counted "limits" received 5 replied 3 bytes_out 110 dropped_truncated 1 dropped_unsafe_source 1
}

start_load() {
    rm -f "$TEST_TMP/load" # the last one's word is not this one's
    "$PEER" load "$HOST" "$PORT" >"$TEST_TMP/load" 2>&1 &
    LOAD=$!
    defer stop_pid "$LOAD"
    wait_for 10 file_has "$TEST_TMP/load" '^loading$'
}

test_signals() {
    serve loaded --drain-timeout 5m
    start_load
    kill -TERM "$PID"
    ends "SIGTERM under load" 0
    stop_pid "$LOAD"
    ok "$MODEL: under load it had something to do" test "$(stat replied)" -gt 0
    is "$MODEL: received = replied + dropped + errors" "$(stat received)" \
        $(($(stat replied) + $(stat dropped_would_block) + $(stat dropped_unsafe_source) + $(stat errors)))

    # Both signals wait when the process goes on, so the second comes before the first is done with.
    serve forced --drain-timeout 5m
    kill -STOP "$PID"
    kill -TERM "$PID"
    kill -INT "$PID"
    kill -CONT "$PID"
    ends "a second signal" 3
}

# How many sockets on $PORT have datagrams waiting (proc(5): tx_queue:rx_queue).
sockets_with_mail() {
    awk -v port="$(printf ':%04X' "$PORT")" '$2 ~ port "$" && $5 !~ /:0+$/' /proc/net/udp | wc -l
}
# shellcheck disable=SC2317,SC2329 # called by wait_for
answered_all() {
    kill -USR1 "$PID"
    file_has "$TEST_TMP/$RUN.out" "\"replied\":$1,"
}

test_addresses() {
    serve workers --workers 2
    like "$MODEL: the ready line says workers=2" "$(<"$TEST_TMP/$RUN.out")" " workers=2 "
    ok "$MODEL: eight senders are answered by two workers" "$PEER" mixed --peers 8 "$PID" "$HOST" "$PORT" 8
    kill -STOP "$PID"
    "$PEER" leave "$HOST" "$PORT" 40
    is "$MODEL: the kernel spreads forty senders over both" "$(sockets_with_mail)" 2
    kill -CONT "$PID"
    ok "$MODEL: and both answer" wait_for 10 answered_all 48
    kill -TERM "$PID"
    ends "SIGTERM to two workers" 0
    counted "two workers" received 48 replied 48

    start_server "$MODEL-v6" "$BIN/$MODEL" --listen '[::1]:0'
    RUN=$MODEL-v6
    ok "$MODEL: IPv6" "$PEER" echo ::1 "${LISTEN##*:}" 0 1 1400 65507 65527
    ok "$MODEL: IPv6, mixed lengths" "$PEER" mixed --peers 2 "$PID" ::1 "${LISTEN##*:}" 100
    kill -TERM "$PID"
    ends "SIGTERM to an IPv6 socket" 0

    if [ "$ADDRESSES" = one ]; then
        exits "$MODEL: two addresses are refused" 1 "$BIN/$MODEL" --listen 127.0.0.1:0 --listen 127.0.0.2:0
        like "$MODEL: and it is said why" "$ERR" "^$MODEL: --listen: this model waits on one socket, .*give one"
        return
    fi
    start_server "$MODEL-two" "$BIN/$MODEL" --listen 127.0.0.1:0 --listen 127.0.0.2:0
    RUN=$MODEL-two
    local second
    second=$(sed -nE '1s/.* listen=[^ ,]+,([^ ]+).*/\1/p' "$TEST_TMP/$RUN.out")
    ok "$MODEL: the first of two addresses answers" "$PEER" echo 127.0.0.1 "${LISTEN##*:}" 9
    ok "$MODEL: the second answers" "$PEER" echo 127.0.0.2 "${second##*:}" 9
    kill -TERM "$PID"
    ends "SIGTERM to two sockets" 0
    counted "two sockets" received 2 replied 2
}

test_loopback_only() {
    [ ${#OPTIONS[@]} -gt 0 ] || return 0 # the server to use has rate limits instead
    exits "$MODEL: an address that others can reach is refused" 1 "$BIN/$MODEL" --listen 0.0.0.0:0
    like "$MODEL: with what to do instead" "$ERR" "^$MODEL: --listen 0\.0\.0\.0:[0-9]+: .*--anywhere, in a lab network; or udp_echo_server"
}

test_peer() {
    if ! have socat; then
        if [ -z "${ECHOLAB_NO_SKIP:-}" ]; then skip "$MODEL: socat is echoed to" "not installed"; return; fi
        fail "$MODEL: socat is echoed to" "not installed"
        return
    fi
    serve socat
    is "$MODEL: socat is echoed to" "$(echo "hello from socat" | timeout 10 socat -t 5 - "UDP4:$HOST:$PORT",end-close,shut-none,readbytes=17)" "hello from socat"
    kill -TERM "$PID"
    ends "SIGTERM after socat" 0
}

# In the lab network anyone may use a low port.
test_network() {
    RUN=$MODEL-network
    start_server "$RUN" "$NET" run server -- "$BIN/$MODEL" --listen 10.77.0.2:7007 "${OPTIONS[@]}"
    ok "$MODEL: over the network" on client "$PEER" echo 10.77.0.2 7007 0 1 1400 65507
    ok "$MODEL: over the network, longer than the path takes" on client "$PEER" burst 10.77.0.2 7007 20 2000
    ok "$MODEL: a port below 1024 is not answered" on client "$PEER" silent --bind 10.77.0.1,1023 10.77.0.2 7007
    kill -TERM "$PID"
    ends "SIGTERM to one in the network" 0
    counted "network" received 26 replied 25 dropped_unsafe_source 1 errors 0
}

# conforms PROGRAM MODEL ADDRESSES [OPTION]: that option lets it listen elsewhere than on loopback.
conforms() {
    MODEL=$1 NAME=$2 ADDRESSES=$3 OPTIONS=("${@:4}")
    test_bytes
    test_many
    test_limits
    test_signals
    test_addresses
    test_loopback_only
    test_peer
    test_network
}

# shellcheck disable=SC2119 # the default topology
world
conforms udp_blocking blocking one --anywhere
conforms udp_epoll epoll many --anywhere
conforms udp_batch batch one --anywhere
conforms udp_coalesce coalesce one --anywhere
conforms udp_echo_server recvmmsg many
