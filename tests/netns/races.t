#!/usr/bin/env bash
# races.t - servers that are signalled at random moments: before they are ready, in a crowd, in the middle of a report, twice.
#
# tests/lib/races.py plays the rounds and says what must be so whatever the moment was. The seed is printed: ECHOLAB_SEED=N repeats the
# choices, though not the kernel's timing. With ECHOLAB_LONG=1 there are a thousand rounds.
. "$(dirname "$0")/../lib/tap.sh"

SEED=${ECHOLAB_SEED:-$RANDOM} ROUNDS=60
[ -z "${ECHOLAB_LONG:-}" ] || ROUNDS=1000

test_rounds() {
    local rc=0
    python3 -S "$ROOT/tests/lib/races.py" --bin "$BIN" --seed "$SEED" --rounds "$ROUNDS" --keep "$TEST_TMP" >"$TEST_TMP/rounds" 2>&1 || rc=$?
    diag "$(sed -n '1p;$p' "$TEST_TMP/rounds")"
    if [ $rc -eq 0 ]; then pass "signals and drain at random moments: $ROUNDS rounds, both servers, one to four workers"
    else fail "signals and drain at random moments: $ROUNDS rounds, both servers, one to four workers" "$(tail -n 30 "$TEST_TMP/rounds")"; fi
    like "... every round came to an end and was judged" "$(tail -n 1 "$TEST_TMP/rounds")" "^rounds=$ROUNDS failed=0 "
}

# A full pipe that nobody reads, and somebody who asks for statistics without end: each line would be waited for a second.
test_stop_comes_first() {
    local server=$1 out=$TEST_TMP/$1.fifo err=$TEST_TMP/$1.err pid asker rc=0 hold line
    mkfifo "$out"
    exec {hold}<>"$out"
    "$BIN/$server" --listen 127.0.0.1:0 >"$out" 2>"$err" </dev/null &
    pid=$!
    defer stop_pid "$pid"
    read -rt 10 -u "$hold" line
    like "$server: it serves" "$line" '^ready '
    head -c 63k /dev/zero >&"$hold" # of 64 KiB: two lines fit
    (while kill -USR1 "$pid" 2>/dev/null; do read -rt 0.01 <> <(:) || true; done) &
    asker=$!
    defer stop_pid "$asker"
    ok "$server: nobody reads the statistics that somebody asks for again and again" wait_for 20 file_has "$err" 'nobody reads it'
    kill -TERM "$pid"
    ok "$server: SIGTERM is heard all the same" wait_for 10 gone "$pid"
    gone "$pid" || kill -KILL "$pid"
    wait "$pid" || rc=$?
    # Its last line has no reader either, and nothing makes up for that one.
    is "$server: ... and says that nobody read its last line" "$rc" 1
    exec {hold}>&-
}

test_rounds
for server in tcp_echo_server udp_echo_server; do test_stop_comes_first "$server"; done
