#!/usr/bin/env bash
# torture.t - every allocation and every socket call of an exchange fails, one a run; a sample of them here, all with ECHOLAB_LONG=1.
#
#   ECHOLAB_SEED=N tests/netns/torture.t      the sample of that seed; it is printed
#
# Partner: tests/faults/torture, the driver, whose head says what is asked of each run; tests/faults/shim.c makes the call fail.
# Under AddressSanitizer its leak check is the judge of memory, elsewhere the shim's own balance against a clean run.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/shim.sh"
have python3 || skip_all "python3 is missing"

RUNS=75
OPTIONS=(--shim "$SHIM" --bin "$BIN" --seed "${ECHOLAB_SEED:-$((RANDOM * 32768 + RANDOM + 1))}")
case ${ECHOLAB_VARIANT:-plain} in
tsan) skip_all "ThreadSanitizer's malloc cannot be stood in front of" ;;
*asan*) OPTIONS+=(--slow --no-balance) RUNS=40 ;; # a start of the sanitizer takes as long as a run
ubsan | coverage) OPTIONS+=(--slow) ;;
esac
[ -n "${ECHOLAB_LONG:-}" ] || OPTIONS+=(--runs "$RUNS")

# torture ROW KIND: the driver's bad runs are shown; the summary is looked at, for a driver that does nothing finds nothing.
torture() {
    local out rc=0 done_runs faults
    out=$(python3 -S "$ROOT/tests/faults/torture" "$2" "${OPTIONS[@]}" 2>&1) || rc=$?
    diag "$(tail -n 1 <<<"$out")"
    if [ $rc -eq 0 ]; then pass "$1: no crash, no leak, no hang, no wrong byte"
    else fail "$1: no crash, no leak, no hang, no wrong byte" "$out"; fi
    read -r done_runs faults < <(sed -nE '$s/.*: ([0-9]+) runs of .*: ([0-9]+) faults done.*/\1 \2/p' <<<"$out") || true
    if [ "${faults:-0}" -ge $((${done_runs:-1} / 2)) ] && [ "${done_runs:-0}" -ge "$RUNS" ]; then pass "$1: in most runs the call did fail"
    else fail "$1: in most runs the call did fail" "$out"; fi
}

# ---- what it has found: each once more, at its very call ---------------------------------------------

# watched RULES [OPTION…]: a server whose nth epoll_ctl(2) after the ready line is n + $READY.
watched() {
    rm -f "$TEST_TMP/watched.out"
    shim tcp_echo_server counts "$1"
    start_server watched "${SHIMMED[@]}" "$BIN/tcp_echo_server" --listen 127.0.0.1:0
}
ready_calls() {
    watched ""
    tally counts epoll_ctl
    stop_pid "$PID"
    READY=$CALLS
}

# No buffer, so the listener is taken out (1), and the kernel has no memory to take it in again (2).
test_listener() {
    watched "accept:ENOBUFS=nth:1 epoll_ctl:ENOMEM=nth:$((READY + 2))"
    exits "every socket call of an exchange fails: a listener that could not be watched again is tried again" 0 \
        "$BIN/tcp_echo" -q -c 2 -i 0 -W 5s --connect-timeout 5s "$LISTEN"
    tally counts epoll_ctl
    is "every socket call of an exchange fails: (that call did fail)" "$FAILURES" 1
    stop_pid "$PID"
}

# A client is taken in (1), stalls (2, 3), and cannot be watched: it would wait for a limit.
test_stalled() {
    local start=$SECONDS
    watched "send:EAGAIN=nth:1 epoll_ctl:ENOMEM=nth:$((READY + 3))"
    exits "every socket call of an exchange fails: a stalled client that cannot be watched is let go" 1 "$BIN/tcp_echo" -q -c 1 -W 20s "$LISTEN"
    like "every socket call of an exchange fails: by a reset, and at once" "$ERR $((SECONDS - start))" 'reset.* [0-9]$'
    stop_pid "$PID"
}

# Nobody says whether stdin has something: a read(2) would wait, and no deadline would end that.
test_input() {
    local fd rc=0
    watched ""
    mkfifo "$TEST_TMP/quiet"
    exec {fd}<>"$TEST_TMP/quiet"
    shim tcp_echo counts "poll:EINTR=every:1"
    timeout --kill-after=1 10 "${SHIMMED[@]}" "$BIN/tcp_echo" --stdin -w 500ms "$LISTEN" <&"$fd" >"$TEST_TMP/out" 2>&1 || rc=$?
    exec {fd}>&-
    is "every socket call of an exchange fails: an input that cannot be asked is not read, and the deadline holds" "$rc" 28
    stop_pid "$PID"
}

ready_calls
test_listener
test_stalled
test_input
torture "every allocation of an exchange fails" alloc
torture "every socket call of an exchange fails" socket
