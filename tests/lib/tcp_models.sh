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

# run_models CHECK… -- [MODEL…]: every check for every model (or the given ones). The checks mostly wait, so a few models at a time are
# checked beside each other, each by a subshell with servers, files and a count of its own; what they say is told in order afterwards.
run_models() {
    local checks=() at_a_time=5 model runners=()
    while [ "$1" != -- ]; do checks+=("$1"); shift; done
    shift
    [ $# -gt 0 ] || set -- "${ALL_MODELS[@]}"
    for model in "$@"; do
        while [ "$(jobs -rp | wc -l)" -ge $at_a_time ]; do wait -n || true; done
        mkdir "$TEST_TMP/$model"
        run_model "$model" "${checks[@]}" >"$TEST_TMP/$model.tap" &
        runners+=($!)
        defer end_model $!
    done
    for model in "$@"; do
        wait "${runners[0]}" || true
        runners=("${runners[@]:1}")
        retell "$TEST_TMP/$model.tap"
        file_has "$TEST_TMP/$model/finished" . || fail "$model: its checks came to their end"
    done
}
end_model() { kill -TERM "$1" 2>/dev/null || return 0; wait "$1" || true; }

# The subshell of one model. Its traps are those of tap.sh, on its own list of what to undo.
run_model() {
    local check why
    MODEL=$1 SERVER=$BIN/tcp_$1 TEST_TMP=$TEST_TMP/$1 TAP_COUNT=0 DEFERRED=()
    shift
    trap finish_model EXIT
    trap 'exit 143' TERM
    if [ ! -x "$SERVER" ]; then
        skip "$MODEL" "tcp_$MODEL is not built"
    elif [ "$MODEL" = io_uring ] && ! why=$(io_uring_works); then
        skip "$MODEL" "$why"
    else
        for check in "$@"; do "check_$check"; done
    fi
    echo yes >"$TEST_TMP/finished"
}
# shellcheck disable=SC2317,SC2329 # called by the trap
finish_model() {
    local i
    trap - EXIT
    for ((i = ${#DEFERRED[@]} - 1; i >= 0; i--)); do eval "${DEFERRED[i]}" >&2 || true; done
}

# retell FILE: assertions that were made elsewhere, with our numbers.
retell() {
    local line
    while IFS= read -r line; do
        if [[ $line =~ ^(not\ )?ok\ [0-9]+\ -\ (.*)$ ]]; then
            TAP_COUNT=$((TAP_COUNT + 1))
            [ -z "${BASH_REMATCH[1]}" ] || TAP_FAILED=$((TAP_FAILED + 1))
            line="${BASH_REMATCH[1]}ok $TAP_COUNT - ${BASH_REMATCH[2]}"
        fi
        echo "$line"
    done <"$1"
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
is_stopped() { grep -q '^State:.T' "/proc/$PID/status"; }
no_zombies() { [ -z "$(pgrep -P "$PID" -r Z)" ]; }
