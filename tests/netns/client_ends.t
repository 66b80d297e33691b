#!/usr/bin/env bash
# client_ends.t - how a run of tcp_echo and udp_echo ends: by -w, by signals, with standard streams that are lost or stalled.
# Needs no lab network.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

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
has_sockets() { [ "$(find "/proc/$1/fd" -lname 'socket:*' | wc -l)" -ge 3 ]; } # two are the loop's signal pair
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
