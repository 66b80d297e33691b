#!/usr/bin/env bash
# client_ends.t - how a run of tcp_echo and udp_echo ends: by -w, by signals, with standard streams that are lost or stalled.
# Needs no lab network.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

peer u udp echo; U=$LISTEN
peer t tcp echo; T=$LISTEN

# ---- -w, and probes that are open when it comes ----
cut_off() { # CMD: the server is stopped once it has answered twice
    local live=$TEST_TMP/live pid rc=0
    start_server stopped python3 "$PEER" udp 127.0.0.1:0 echo
    "$@" "$LISTEN" >"$live" & pid=$!
    wait_for 10 file_has "$live" 'seq=2 ' || true
    kill -STOP "$PID"
    wait $pid || rc=$?
    kill -CONT "$PID"
    cat "$live"
    return $rc
}
exits "-w over probes that should have been answered is exit 1" 1 cut_off "$UDP" -c 0 -i 10ms -W 60 -w 2
like "-w: and they are counted" "$OUT" '^[0-9]+ sent, [0-9]+ received, 0 lost \(0%\), [0-9]+ unanswered when the run ended'
exits "-w over what is merely under way is exit 0" 0 "$TCP" -q -c 0 -i 0 -w 300ms "$T"

# ---- signals ----
ended_by() { # SIGNAL CMD: the run is sent SIGNAL as soon as the loop hears signals
    local signal=$1 pid rc=0; shift
    "$@" >"$TEST_TMP/live" & pid=$!
    wait_for 10 has_sockets $pid
    kill -"$signal" $pid
    wait $pid || rc=$?
    cat "$TEST_TMP/live"
    return $rc
}
# shellcheck disable=SC2317,SC2329 # called by wait_for
has_sockets() { [ "$(find "/proc/$1/fd" -lname "socket:*" | wc -l)" -ge 1 ]; } # its own: the pair of the loop for signals is a pipe
exits "SIGINT during the lookup is exit 6" 6 ended_by INT "$UDP" --json --dns-server 192.0.2.9 --connect-timeout 60 silent.test
is "SIGINT during the lookup: the document says so" "$(json message)" "silent.test: lookup: interrupted"
exits "SIGTERM ends a run as SIGINT does" 28 ended_by TERM "$UDP" --json -c 0 -i 60 -W 60 --no-connect 192.0.2.1
is "SIGTERM: the document is whole" "$(json outcome) $(json exit_code)" "interrupted 28"

# ---- standard streams that are not there ----
: >"$TEST_TMP/input"
no_stderr() { "$@" 0<>"$TEST_TMP/input" 2>&-; }
exits "a closed stderr: the run fails as it should" 7 no_stderr "$TCP" 127.0.0.1:1
is "a closed stderr: nothing of it lands in the input" "$(<"$TEST_TMP/input")" ""
no_disk() { "$@" 2>/dev/full; }
exits "-m: a lost remark is no failure" 0 no_disk "$TCP" -m hi "$T"
is "-m: the echo is there" "$OUT" hi
exits "-m --json: a lost document is exit 2" 2 no_disk "$TCP" -m hi --json "$T"

# ---- a reader that does not read: neither -w nor a signal waits for it ----
stalled() { # SIGNAL CMD: with stdout a pipe that is full and that nobody reads; SIGNAL - for none
    local signal=$1 pipe=$TEST_TMP/pipe pid rc=0; shift
    rm -f "$pipe"; mkfifo "$pipe"
    exec 9<>"$pipe" # a reader, and a writer: opening does not wait, and nothing is ever read
    python3 -c 'import os; os.set_blocking(9, False)
try:
    while True: os.write(9, b"x" * 4096)
except BlockingIOError: os.set_blocking(9, True)'
    "$@" >"$pipe" & pid=$!
    [ "$signal" = - ] || { wait_for 10 has_sockets $pid && kill -"$signal" $pid; }
    wait_for 20 gone $pid || kill -KILL $pid
    wait $pid || rc=$?
    exec 9>&-
    return $rc
}
timed "a stalled stdout does not keep -w from ending the run" 2 500 15000 stalled - "$TCP" -c 0 -i 0 -w 500ms "$T"
like "a stalled stdout: said" "$ERR" '^tcp_echo: stdout: not all was taken in time'
exits "a stalled stdout does not keep SIGINT from ending the run" 2 stalled INT "$TCP" -c 0 -i 10ms "$T"
exits "a stalled stdout: also of --csv" 2 stalled INT "$TCP" --csv -c 0 -i 10ms "$T"
exits "a stalled stdout: also of --json" 2 stalled TERM "$TCP" --json -c 5 -i 10ms "$T"

unblocked() { # stdout a pipe that somebody made nonblocking, and whose reader is slow to begin
    "$@" > >(python3 -c 'import os,time,sys; os.set_blocking(0, False); time.sleep(1); os.set_blocking(0, True); sys.stdin.read()')
}
exits "a slow reader gets everything, and costs nothing" 0 bash -c "$(declare -f unblocked); unblocked \"\$@\"" - "$UDP" --json -c 2000 -i 0 "$U"
