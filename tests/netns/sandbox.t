#!/usr/bin/env bash
# sandbox.t - every server under its hardening: what is gone, in each thread and child, and that nobody misses it.
#
# Each server lives twice, as it is and with --no-sandbox, and both lives must come to the same. What the filter does with calls that no
# server makes is seen from inside: tests/unit/test_seccomp_filter.c; what cannot be regained: tests/unit/test_sandbox.c.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/tcp.sh"
. "$ROOT/tests/lib/tcp_models.sh"

PROGRAMS=(tcp_echo_server udp_echo_server tcp_iterative tcp_fork tcp_thread tcp_poll tcp_epoll tcp_epoll_edge tcp_bufferevent
    tcp_io_uring udp_blocking udp_epoll udp_batch udp_coalesce)

# ---- a server's life ----------------------------------------------------------------------------

# An address that no other test asks: a datagram to a server that has gone, of theirs, would be counted by the next one on its port.
OURS=127.0.83.1

# What the kernel says of each thread of the family of PID, once each: "NoNewPrivs 1, Seccomp 2, …"; no capability is the absence of one.
standing() {
    local pid
    for pid in "$1" $(pgrep -P "$1" || true); do cat "/proc/$pid/task"/*/status 2>/dev/null || true; done | # a child may be gone
        awk '/^(NoNewPrivs|Seccomp):/ { print $1 $2 } /^Cap(Inh|Prm|Eff|Amb):/ && $2 !~ /^0*$/ { print $1 $2 }' | sort -u | paste -sd ' '
}
threads_of() { find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l; }

# statistic_lines FILE REASON COUNT: are there as many?
statistic_lines() { [ "$(grep -c "\"stats\":\"$2\"" "$1")" -ge "$3" ]; }

# The counters at the end that do not depend on who was faster.
account() {
    tail -n1 "$1" | grep -oE '"(accepted|active|closed|bytes_in|bytes_out|received|replied|errors|resets|timed_out)":[0-9]+' |
        tr -d '"' | paste -sd ' '
}

# talk PROGRAM PORT: twenty exchanges, one of a long message, and one of a held client, in $fd (TCP).
talk() {
    local client=$BIN/${1%%_*}_echo
    "$client" -c 20 -i 0 "$OURS:$2" >/dev/null || echo "no echo"
    "$client" -c 1 -s 30000 "$OURS:$2" >/dev/null || echo "no long echo"
    [ "${1%%_*}" = tcp ] || return 0
    exec {fd}<>"/dev/tcp/$OURS/$2"
    printf x >&"$fd"
    [ "$(timeout 10 head -c1 <&"$fd")" = x ] || echo "no byte back"
}

# live NAME END PROGRAM [OPTION…]: all of a life, in a file NAME.life; END is `drain` or `force`. NAME.standing: see above.
live() {
    local name=$1 end=$2 program=$3 pid port fd='' rc=0 out=$TEST_TMP/$1.out
    shift 3
    "$BIN/$program" --listen "$OURS:0" --pidfile "$TEST_TMP/pids/$name" --stats-interval 20ms --explain "$@" >"$out" 2>"$TEST_TMP/$name.err" </dev/null &
    pid=$!
    # shellcheck disable=SC2064 # this pid
    trap "kill -KILL $pid 2>/dev/null || true" EXIT
    wait_for 20 file_has "$out" '^(ready |.*"ready":true)' || { echo "no ready line"; return; }
    port=$(sed -nE "1s/.*[=\"]$OURS:([0-9]+).*/\1/p" "$out")
    talk "$program" "$port"
    standing "$pid" >"$TEST_TMP/$name.standing"
    threads_of "$pid" >"$TEST_TMP/$name.threads"
    kill -USR1 "$pid"
    wait_for 20 statistic_lines "$out" signal 1 || echo "no statistics"
    wait_for 20 statistic_lines "$out" interval 2 || echo "no statistics by itself"
    kill -TERM "$pid"
    if [ "$end" = force ]; then
        wait_for 20 file_has "$TEST_TMP/$name.err" 'SIGTERM' || echo "no drain"
        kill -TERM "$pid"
    elif [ -n "$fd" ]; then # it is quiet, so it gets its end while the server drains
        timeout 20 cat <&"$fd" | wc -c
    fi
    wait "$pid" || rc=$?
    [ -e "$TEST_TMP/pids/$name" ] && echo "the pid file is there"
    echo "exit $rc; $([ "$end" = force ] || account "$out")"
    trap - EXIT
}

# What a server that lacks a call would say, in one way or the other. A filter that was refused is said, too.
complaint() { grep -hE 'not implemented|ENOSYS|no filter|Bad system call|assert' "$1" | head -3; }

# Each in both lives. As many at a time as a machine with few processors has some patience for: they mostly wait.
LIVES=() # "NAME END PROGRAM OPTION…"
plan_lives() {
    local program
    for program in "${PROGRAMS[@]}"; do LIVES+=("$program drain $program"); done
    for program in tcp_echo_server tcp_thread tcp_fork udp_echo_server udp_batch; do LIVES+=("$program-4-workers drain $program --workers 4"); done
    for program in tcp_echo_server tcp_fork tcp_thread tcp_epoll tcp_io_uring; do
        [[ " ${PROGRAMS[*]} " != *" $program "* ]] || LIVES+=("$program-forced force $program")
    done
}
live_all() {
    local life words
    mkdir -m 777 "$TEST_TMP/pids"
    for life in "${LIVES[@]}"; do
        read -ra words <<<"$life"
        while [ "$(jobs -rp | wc -l)" -ge 10 ]; do wait -n || true; done
        live "${words[0]}" "${words[@]:1}" --json >"$TEST_TMP/${words[0]}.life" &
        live "${words[0]}-bare" "${words[@]:1}" --no-sandbox >"$TEST_TMP/${words[0]}-bare.life" &
    done
    wait
}

# Why nothing can be seen of a filter here; empty: it can.
no_filter() {
    [ "${ECHOLAB_VARIANT:-plain}" = plain ] || { echo "an instrumented build has no filter"; return; }
    grep -ho 'no filter of system calls: .*' "$TEST_TMP/tcp_echo_server.err" || true
}

check_lives() {
    local life name why
    why=$(no_filter)
    for life in "${LIVES[@]}"; do
        name=${life%% *}
        if [ -n "$why" ]; then
            skip "the calls that the servers use are allowed: $name" "$why"
            skip "every thread is under the filter: $name" "$why"
        else
            is "the calls that the servers use are allowed: $name serves, reports, drains and ends as without" \
                "$(<"$TEST_TMP/$name.life")$(complaint "$TEST_TMP/$name.err")" "$(<"$TEST_TMP/$name-bare.life")"
            like "every thread is under the filter: $name, all $(<"$TEST_TMP/$name.threads")" "$(<"$TEST_TMP/$name.standing")" '^NoNewPrivs:1 Seccomp:2$'
        fi
        like "no_new_privs: $name, and no capability in any thread or child" "$(<"$TEST_TMP/$name.standing")" '^NoNewPrivs:1 Seccomp:[02]$'
        unlike "--no-sandbox leaves the process to debuggers: $name has no filter" "$(<"$TEST_TMP/$name-bare.standing")" 'NoNewPrivs:1|Seccomp:[12]'
    done
    is "the lives were those of whole servers" "$(cat "$TEST_TMP"/{tcp_fork,udp_blocking,tcp_epoll-forced}.life | sed 's/ bytes_out.*//; s/bytes_in://' | paste -sd '|')" \
        "0|exit 0; accepted:3 active:0 closed:3 31281|exit 0; accepted:0 active:0 closed:0 31280|exit 3; "
    if [ "${ECHOLAB_VARIANT:-plain}" = tsan ]; then skip "four workers are five threads" "ThreadSanitizer has one of its own"
    else is "four workers are five threads" "$(<"$TEST_TMP/udp_batch-4-workers.threads")" 5; fi
}

# ---- core dumps, debuggers, a machine that refuses ---------------------------------------------------

# dies NAME [OPTION…]: a server that may dump a core, in a directory where it can, gets a signal that means one. DUMPED: how many files.
dies() {
    local name=$1 rc=0
    shift
    mkdir -m 777 "$TEST_TMP/$name"
    # shellcheck disable=SC2016 # for the inner shell
    start_server "$name" bash -c 'ulimit -Sc "$(ulimit -Hc)"; cd "$0" && exec "$@"' "$TEST_TMP/$name" "$BIN/tcp_echo_server" --listen 127.0.0.1:0 "$@"
    CORE_LIMIT=$(awk '/^Max core file size/ { print $6 }' "/proc/$PID/limits")
    kill -ABRT "$PID"
    wait "$PID" 2>/dev/null || rc=$?
    DUMPED=$(find "$TEST_TMP/$name" -type f | wc -l)
    is "no core dump: $name ends by the signal" $rc 134
}
check_core() {
    local without
    dies free --no-sandbox
    without=$DUMPED
    dies hardened
    like "no core dump: the limit, hard, is nothing that a dump would fit in" "$CORE_LIMIT" '^[01]$'
    if [ "$without" -gt 0 ]; then is "no core dump: there is no file, and with --no-sandbox there is one" "$DUMPED" 0
    else skip "no core dump: there is no file" "this machine or this build writes none anyway (ulimit -Hc, core_pattern)"; fi
}

may_trace() { [ "$(id -u)" = 0 ] || [ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)" = 0 ]; }
# traced NAME [OPTION…]: strace -p of a server that runs, while a client comes.
traced() {
    local name=$1 tracer
    shift
    start_server "$name" "$BIN/tcp_echo_server" --listen 127.0.0.1:0 "$@"
    strace -f -p "$PID" -o "$TEST_TMP/$name.calls" 2>"$TEST_TMP/$name.tracer" </dev/null &
    tracer=$!
    defer stop_pid "$tracer"
    wait_for 10 file_has "$TEST_TMP/$name.tracer" 'attached|not permitted' || true
    "$BIN/tcp_echo" -c 1 "$LISTEN" >/dev/null || true
    ok "--no-sandbox leaves the process to debuggers: strace -p sees the calls of a server $name" wait_for 10 file_has "$TEST_TMP/$name.calls" 'recvfrom\(.*= 64'
    stop_pid "$tracer"
}
check_debuggers() {
    local ours
    if ! have strace; then skip "--no-sandbox leaves the process to debuggers" "strace is missing"; return; fi
    if may_trace; then
        traced without-sandbox --no-sandbox
        ours="$(id -u) $(id -g)"
        is "--no-sandbox leaves the process to debuggers: same user" "$(stat -c '%u %g' "/proc/$PID")" "$ours"
        traced with-sandbox
    else
        skip "--no-sandbox leaves the process to debuggers: strace -p" "ptrace is for root or a parent here (kernel.yama.ptrace_scope)"
    fi
}

# strace(1) puts an error in the place of the kernel's answer; -D: so that the server stays our child.
check_refusal() {
    local why
    why=$(no_filter)
    [ -z "$why" ] && ! have strace && why="strace is missing"
    if [ -n "$why" ]; then skip "a kernel that refuses the filter" "$why"; return; fi
    start_server refused strace -D -f -qq -e trace=seccomp -e inject=seccomp:error=EINVAL -o "$TEST_TMP/refused.calls" "$BIN/tcp_echo_server" --listen 127.0.0.1:0
    like "a kernel that refuses the filter: it says so" "$(<"$TEST_TMP/refused.err")" 'tcp_echo_server: sandbox: no filter of system calls: .*: Invalid argument$'
    is "a kernel that refuses the filter: the rest of the hardening is there" "$(standing "$PID")" "NoNewPrivs:1 Seccomp:0"
    ok "a kernel that refuses the filter: and it serves" "$BIN/tcp_echo" -c 1 "$LISTEN"
    kill "$PID"
    ends "a kernel that refuses the filter: and ends as always" 0
    is "a kernel that has no memory for the filter is no such kernel: it does not serve" \
        "$(strace -D -f -qq -e trace=seccomp -e inject=seccomp:error=ENOMEM -o "$TEST_TMP/refused.calls" "$BIN/tcp_echo_server" --listen 127.0.0.1:0 2>&1 >/dev/null | tail -n1; echo "exit ${PIPESTATUS[0]}")" \
        "tcp_echo_server: sandbox: no filter of system calls: the kernel refuses it: Cannot allocate memory (--no-sandbox serves without one)
exit 1"

    start_server seen strace -D -f -qq -e trace=seccomp,clone,clone3 -o "$TEST_TMP/seen.calls" "$BIN/tcp_echo_server" --listen 127.0.0.1:0
    ok "under strace from its beginning it serves" "$BIN/tcp_echo" -c 1 "$LISTEN"
    stop_pid "$PID"
    like "every thread is under the filter: it comes before the first of them" "$(sed -E 's/^[0-9]+ +//; s/[(, ].*//' "$TEST_TMP/seen.calls" | uniq | paste -sd ' ')" '^seccomp clone'
}

chmod 755 "$TEST_TMP" # for nobody, who our servers become
SERVER=$BIN/tcp_io_uring
if [ ! -x "$SERVER" ] || ! why=$(io_uring_works); then
    mapfile -t PROGRAMS < <(printf "%s\n" "${PROGRAMS[@]}" | grep -v io_uring)
    skip "the calls that the servers use are allowed: tcp_io_uring" "${why:-tcp_io_uring is not built}"
fi
plan_lives
live_all
check_lives
check_core
check_debuggers
check_refusal
