# tcp_models.sh - for the scripts that put every TCP model, and tcp_echo_server, through the same checks.
#
# Sourced after tap.sh and tcp.sh. A check is a function that uses $MODEL and $SERVER; what a model cannot do by nature it asserts as such.
# shellcheck shell=bash

ALL_MODELS=(iterative fork thread poll epoll epoll_edge bufferevent io_uring echo_server)
# ThreadSanitizer has something to say about those that share memory; epoll stands for the loops (--workers).
[ "${ECHOLAB_VARIANT:-}" != tsan ] || ALL_MODELS=(fork thread epoll)

# one_at_a_time, one_socket: what $MODEL is by nature.
one_at_a_time() { [ "$MODEL" = iterative ]; }
one_socket() { [[ $MODEL =~ ^(iterative|fork|thread)$ ]]; }
is_model() { [ "$MODEL" != echo_server ]; }

# named TEXT…: the text of an assertion, with the model before it.
named() { echo "$MODEL: $*"; }

# run_models CHECK… -- [MODEL…]: every check for every model (or the given ones).
run_models() {
    local checks=() check why
    while [ "$1" != -- ]; do checks+=("$1"); shift; done
    shift
    [ $# -gt 0 ] || set -- "${ALL_MODELS[@]}"
    for MODEL in "$@"; do
        SERVER=$BIN/tcp_$MODEL
        if [ ! -x "$SERVER" ]; then
            skip "$MODEL" "tcp_$MODEL is not built"
            continue
        fi
        if [ "$MODEL" = io_uring ] && ! why=$(io_uring_works); then
            skip "$MODEL" "$why"
            continue
        fi
        for check in "${checks[@]}"; do "check_$check"; done
    done
}

# Where io_uring is not to be had the program says so and exits 1: that is asserted here, and its sentence is the reason of the skip.
io_uring_works() {
    local rc=0
    timeout 10 "$SERVER" --listen 127.0.0.1:0 --pidfile "$TEST_TMP/uring.pid" >"$TEST_TMP/uring.out" 2>"$TEST_TMP/uring.err" &
    local pid=$!
    wait_for 10 eval "file_has $TEST_TMP/uring.out '^ready ' || gone $pid" || true
    if file_has "$TEST_TMP/uring.out" '^ready '; then
        kill "$(<"$TEST_TMP/uring.pid")"
        wait "$pid" || true
        return 0
    fi
    wait "$pid" || rc=$?
    if [ "$rc" -ne 1 ] || ! file_has "$TEST_TMP/uring.err" 'io_uring_setup: '; then return 0; fi # no reason to skip: let it fail
    grep -o 'io_uring_setup: .*' "$TEST_TMP/uring.err"
    return 1
}

# The memory of the server and of its children.
family_kb() {
    local pid sum=0 kb
    for pid in "$PID" $(pgrep -P "$PID"); do
        kb=$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$pid/status" 2>/dev/null) || continue
        sum=$((sum + ${kb:-0}))
    done
    echo "$sum"
}
descriptors() { find "/proc/$PID/fd" -mindepth 1 2>/dev/null | wc -l; }
has_descriptors() { [ "$(descriptors)" = "$1" ]; }
is_stopped() { grep -q '^State:.T' "/proc/$PID/status"; }
no_zombies() { [ -z "$(pgrep -P "$PID" -r Z)" ]; }
instrumented() { ldd "$SERVER" | grep -E 'lib[aut]san' >/dev/null; }
