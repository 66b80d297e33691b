#!/usr/bin/env bash
# faults_shim.t - short reads and writes, EINTR, EAGAIN and a jumping wall clock, on the client, on the server, on both: nothing may be lost.
#
# Partner: tests/faults/shim.c, which does it; torture.t, where calls fail for good. All on loopback.
# Leaves out: io_uring's transfers, which are no calls; its start and end are.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"
. "$ROOT/tests/lib/tcp.sh"
. "$ROOT/tests/lib/tcp_models.sh"
. "$ROOT/tests/lib/shim.sh"
have python3 || skip_all "python3 is missing"

SEEDS=(1 2)
[ -z "${ECHOLAB_LONG:-}" ] || SEEDS=(1 2 3 4 5 6 7 8)
STREAM=$TEST_TMP/stream MIB=$((1 << 20))
head -c $MIB /dev/urandom >"$STREAM"
# Four of ten calls are short, and three more do nothing at all.
STORM="input:short=40% output:short=40% input:EINTR=10% output:EINTR=10% input:EAGAIN=20% output:EAGAIN=20% wait:EINTR=10%"
# UDP servers do not queue what a socket does not take (udp_echo_server.c): for them that one is a loss, and has a test of its own.
DATAGRAM_STORM="input:EINTR=20% input:EAGAIN=20% output:EINTR=20% wait:EINTR=20% input:short=30% output:short=30%"

# sides PROGRAM RULES SEED WHERE: sets CLIENT_SIDE and SERVER_SIDE, each a prefix of a command, for WHERE = client, server or both.
sides() {
    CLIENT_SIDE=() SERVER_SIDE=()
    shim "${1}_echo" "counts.client" "seed=$3 $2"
    [ "$4" = server ] || CLIENT_SIDE=("${SHIMMED[@]}")
    shim "${1}_echo_server" "counts.server" "seed=$3 $2"
    [ "$4" = client ] || SERVER_SIDE=("${SHIMMED[@]}")
    rm -f "$TEST_TMP"/counts.* "$TEST_TMP"/{tcp,udp,clock}.out # start_server waits for a line in there
}

# busy NAME COUNTS MOST: this many calls that move bytes or wait, and no more; and faults there were.
busy() {
    tally "$2" "${MOVERS[@]}"
    between "$1: no spin: at most $3 calls" "$CALLS" 1 "$3"
    between "$1: and it was put to the test" "$FAILURES" 20 "$3"
}

# ---- TCP --------------------------------------------------------------------------------------------

# The echo of 1 MiB is some 16 pieces each way, when nothing is short. A piece of random length each time makes it a few hundred calls.
test_tcp() {
    local seed where name
    for seed in "${SEEDS[@]}"; do
        for where in client server both; do
            name="short reads and writes, EINTR: $where, seed $seed"
            sides tcp "$STORM" "$seed" "$where"
            start_server tcp "${SERVER_SIDE[@]}" "$BIN/tcp_echo_server" --listen 127.0.0.1:0
            # shellcheck disable=SC2016 # for the inner shell
            exits "$name: 1 MiB, exit 0" 0 bash -c '"$@" <"$0"' "$STREAM" "${CLIENT_SIDE[@]}" "$TCP" --stdin "$LISTEN"
            ok "$name: 1 MiB is byte-exact" cmp "$TEST_TMP/out" "$STREAM"
            exits "$name: 100 probes, exit 0" 0 "${CLIENT_SIDE[@]//counts.client/counts.probes}" "$TCP" -q -c 100 -i 0 "$LISTEN"
            stop_server tcp "$name"
            [ "$where" = server ] || busy "$name: the client" counts.client 3000
            [ "$where" = client ] || busy "$name: the server" counts.server 5000
        done
    done
}

# stop_server NAME WHAT: it ends by itself, with 0; CPU was not burnt.
stop_server() {
    local ticks rc=0
    ticks=$(cpu_ticks)
    kill -TERM "$PID"
    wait "$PID" || rc=$?
    is "$2: the server ends with 0" "$rc" 0
    between "$2: within 3 s of CPU" "$ticks" 0 300
}

# Every model, in the same storm: each claims bytes that are exact.
check_storm() {
    shim "tcp_$MODEL" counts "seed=4 $STORM"
    start_server storm "${SHIMMED[@]}" "$SERVER" --listen 127.0.0.1:0
    PORT=${LISTEN##*:} OUT_FILE=$TEST_TMP/storm.out
    ok "short reads and writes, EINTR: $MODEL: 0 to 1,000,000 bytes, one byte at a time, and 256 KiB behind a half-close" \
        client whole:0 whole:1 whole:65537 whole:1000000 dribble:100 half_close:$((1 << 18))
    ok "$(named "bytes in and bytes out are equal")" wait_for 10 counts_alike
    kill -TERM "$PID"
    ends "$(named "it ends with 0")" 0
    tally counts "${MOVERS[@]}"
    between "$(named "no spin: at most 20000 calls")" "$CALLS" 1 20000
    [ "$MODEL" = io_uring ] || between "$(named "and it was put to the test")" "$FAILURES" 20 20000
}
counts_alike() { stats && [ "$(counter bytes_in)" = $((1 + 65537 + 1000000 + 100 + (1 << 18))) ] && [ "$(counter bytes_out)" = "$(counter bytes_in)" ]; }

# ---- UDP --------------------------------------------------------------------------------------------

test_udp() {
    local seed where name
    for seed in "${SEEDS[@]}"; do
        for where in client server both; do
            name="EINTR and EAGAIN storm on datagrams: $where, seed $seed"
            sides udp "$DATAGRAM_STORM" "$seed" "$where"
            # The client does wait until a socket takes its probe.
            CLIENT_SIDE=("${CLIENT_SIDE[@]//input:EINTR/output:EAGAIN=20% input:EINTR}")
            start_server udp "${SERVER_SIDE[@]}" "$BIN/udp_echo_server" --listen 127.0.0.1:0
            exits "$name: exit 0" 0 "${CLIENT_SIDE[@]}" "$UDP" --json -c 200 -i 0 "$LISTEN"
            is "$name: nothing is lost" "$(json counts)" "sent=200 received=200"
            stop_server udp "$name"
            [ "$where" = server ] || busy "$name: the client" counts.client 3000
            [ "$where" = client ] || busy "$name: the server" counts.server 3000
        done
    done
}

# What the socket does not take is dropped, one reply for one refusal, and counted: an EAGAIN on the way out is the one loss.
test_udp_refused() {
    local name="EINTR and EAGAIN storm on datagrams: the server's socket takes no more"
    sides udp "output:EAGAIN=every:5 output:ENOBUFS=every:7" 1 server
    start_server refused "${SERVER_SIDE[@]}" "$BIN/udp_echo_server" --listen 127.0.0.1:0
    exits "$name: exit 1" 1 "$UDP" --json -c 40 -i 0 -W 50ms "$LISTEN"
    stop_server refused "$name"
    OUT_FILE=$TEST_TMP/refused.out
    is "$name: the lost are the dropped" "$(json lost)" "$(($(counter dropped_would_block) + $(counter dropped_no_buffer)))"
    tally counts.server
    is "$name: and these the refusals" "$(json lost)" "$FAILURES"
    between "$name: some" "$(json lost)" 10 14
}

test_udp_models() {
    local model
    for model in blocking epoll batch coalesce; do
        local name="EINTR and EAGAIN storm on datagrams: udp_$model"
        shim "udp_$model" counts "seed=5 $DATAGRAM_STORM"
        start_server "udp_$model" "${SHIMMED[@]}" "$BIN/udp_$model" --listen 127.0.0.1:0
        exits "$name: exit 0" 0 "$UDP" --json -c 200 -i 0 "$LISTEN"
        is "$name: nothing is lost" "$(json counts)" "sent=200 received=200"
        stop_server "udp_$model" "$name"
        busy "$name" counts 3000
    done
}

# ---- the wall clock ---------------------------------------------------------------------------------

# What the wall clock says is nobody's business: every wait and every measure goes by the monotonic one.
test_clock() {
    local jump name start took
    for jump in +1h@every:1 -1h@every:1 +-1h@every:1; do
        name="wall clock jumps an hour: $jump"
        sides udp "realtime:jump=$jump" 1 both
        start_server "clock" "${SERVER_SIDE[@]}" "$BIN/udp_echo_server" --listen 127.0.0.1:0 --rate-per-source 100
        start=$(date +%s%N)
        exits "$name: exit 0" 0 "${CLIENT_SIDE[@]}" "$UDP" --json -c 5 -i 100ms -W 5s "$LISTEN"
        took=$((($(date +%s%N) - start) / 1000000))
        is "$name: every probe is answered" "$(json counts)" "sent=5 received=5"
        ok "$name: the round-trip times are unchanged" python3 -S -c 'import sys; assert 0 < float(sys.argv[1]) <= float(sys.argv[2]) < 4000' \
            "$(json rtt_ms.min)" "$(json rtt_ms.max)"
        between "$name: and the pace" "$took" 400 10000
        # 100 a second, ten at once: of 40 that come together it lets ten pass, and what a moment brings.
        start=$(date +%s%N)
        exits "$name: too many" 1 "$UDP" --json -c 40 -i 1ms -W 300ms "$LISTEN"
        took=$((($(date +%s%N) - start) / 1000000))
        between "$name: the rate limit lets pass what it does without" "$(json received)" 10 $((11 + took / 10))
        stop_server clock "$name"
    done
}

# timed: client.sh. Peers that are silent; limits that must come, and not before.
test_clock_limits() {
    local name="wall clock jumps an hour" silent
    SERVER=$BIN/tcp_echo_server
    shim tcp_echo_server counts.server "realtime:jump=+1h@every:1"
    start_server limits "${SHIMMED[@]}" "$SERVER" --listen 127.0.0.1:0 --idle-timeout 700ms
    PORT=${LISTEN##*:} OUT_FILE=$TEST_TMP/limits.out
    silent=$(value closed_after_ms "$(client silent)")
    between "$name: the idle limit is where it was" "$silent" 700 10000
    stop_server limits "$name"
    peer silent tcp silent
    shim tcp_echo counts.client "realtime:jump=+-1h@every:1"
    timed "$name: a deadline" 28 500 10000 "${SHIMMED[@]}" "$TCP" -c 0 -i 0 -W 20s -w 500ms "$LISTEN"
}

# ---- the rules --------------------------------------------------------------------------------------

test_rules() {
    exits "a bad rule ends whatever runs with 125" 125 env LD_PRELOAD="$SHIM" ECHOLAB_SHIM="recv:EMFILE=nth:1" "$TCP" --version
    is "and is named" "$ERR" "shim: ECHOLAB_SHIM: recv:EMFILE=nth:1: the call cannot fail like that"
    exits "in another program there is no fault" 0 env LD_PRELOAD="$SHIM" ECHOLAB_SHIM="program=udp_echo alloc:fail=from:1" "$TCP" --version
    exits "without rules there is none" 0 env -u ECHOLAB_SHIM LD_PRELOAD="$SHIM" "$TCP" --version
}

test_rules
test_tcp
run_models storm -- iterative fork thread poll epoll epoll_edge bufferevent io_uring
test_udp
test_udp_refused
test_udp_models
test_clock
test_clock_limits
