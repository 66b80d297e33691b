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
    start_server stopped python3 -S "$PEER" udp 127.0.0.1:0 echo
    rm -f "$live" # the last one's
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
# Each answer takes a second, so when -w comes the oldest open probe has waited 800 ms: less than any other did.
start_server slow python3 -S "$PEER" udp 127.0.0.1:0 late:1
exits "-w over what is merely under way is exit 0" 0 "$UDP" -q -c 0 -i 400ms -W 60 -w 2s "$LISTEN"
like "-w: what was under way is counted" "$OUT" ' [1-9] unanswered when the run ended'

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
    python3 -S -c 'import os; os.set_blocking(9, False)
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
exits "a stalled stdout: also of --json" 2 stalled TERM "$TCP" --json -c 0 -i 10ms "$T"

unblocked() { # stdout a pipe that somebody made nonblocking, and whose reader is slow to begin
    "$@" > >(python3 -S -c 'import os,time,sys; os.set_blocking(0, False); time.sleep(1); os.set_blocking(0, True); sys.stdin.read()')
}
exits "a slow reader gets everything, and costs nothing" 0 bash -c "$(declare -f unblocked); unblocked \"\$@\"" - "$UDP" --json -c 2000 -i 0 "$U"

# ---- what is said of it ----
start_server mute python3 -S -c 'import socket,time
s = socket.create_server(("127.0.0.1", 0)) # the kernel accepts, and nobody ever answers
print("ready listen=127.0.0.1:%d" % s.getsockname()[1], flush=True)
while True: time.sleep(60)'
exits "our own read deadline is exit 28" 28 "$TCP" -m hello -W 300ms "$LISTEN"
like "our own read deadline is named, and not taken for TCP's" "$ERR" 'recv: no echo within 300ms \(--read-timeout\)$'
peer deaf tcp deaf
exits "our own write deadline is exit 28" 28 "$TCP" -c 1 -s 32M -W 10 --write-timeout 300ms "$LISTEN"
like "our own write deadline is named" "$ERR" 'send: not all was taken within 300ms \(--write-timeout\)$'
peer closing tcp close:32
exits "closed by the peer is exit 1" 1 "$TCP" --json -c 1 -W 5 "$LISTEN"
like "closed by the peer: the document says so" "$(json message)" 'recv: the peer closed the connection$'
exits "an address of the other family than -6 asks for is exit 6" 6 "$TCP" -6 127.0.0.1
like "of the other family: the option is named" "$ERR" '\(-6 asks for IPv6 alone\)'
exits "an address of the other family than --source's is exit 6" 6 "$TCP" --source ::1 127.0.0.1
like "--source: the option is named" "$ERR" '\(--source asks for its own family alone\)'
exits "fe80::1 alone is no destination" 2 "$TCP" fe80::1
like "fe80::1: what to write" "$ERR" 'as fe80::1%eth0$'
exits "an IPv4-mapped address is no destination" 2 "$TCP" ::ffff:127.0.0.1
like "IPv4-mapped: what to write" "$ERR" 'last four bytes alone'
exits "--dns-server with a zone that is not there" 2 "$UDP" --dns-server fe80::1%nosuch x.test
like "--dns-server: the zone is named" "$ERR" 'no such network interface after the %$'
few_descriptors() { ulimit -n 6; exec "$@"; }
in_subshell() { ("$@"); }
for client in "$TCP" "$UDP"; do
    exits "${client##*/}: too few descriptors is exit 2" 2 in_subshell few_descriptors "$client" "$T"
    like "${client##*/}: too few descriptors: said" "$ERR" 'Too many open files \(.*ulimit -n'
    full() { "$client" --help >/dev/full; }
    exits "${client##*/}: --help to a full disk is exit 2" 2 full
done
greets() { "$TCP" --connect-only --json "$LISTEN"; }
start_server greeter python3 -S -c 'import socket,sys
s = socket.create_server(("127.0.0.1", 0))
print("ready listen=127.0.0.1:%d" % s.getsockname()[1], flush=True)
while True:
    c = s.accept()[0]; c.sendall(b"220 hello\r\n"); c.recv(1); c.close()'
exits "--connect-only to a server that greets is exit 0" 0 greets
is "--connect-only: a greeting is no corrupt echo" "$(json counts)" ""
peer short udp short echo
both "a short probe that comes back shorter is corrupt, not somebody else's" 1 "sent=2 received=1 corrupt=1" "$UDP" -s 8 -c 2 -i 50ms -W 5 "$LISTEN"
peer stray udp foreign
exits "-m: what comes before the true echo is counted, and does not take its place" 1 "$UDP" -m hello -W 5 "$LISTEN"
is "-m: the true echo is written" "$OUT" hello

# ---- narration: what was done, with its true result, once ----
exits "tcp -m --explain" 0 "$TCP" -m hi --explain "$T"
is "tcp: the end of file is told once" "$(grep -c 'end of file' <<<"$ERR")" 1
like "tcp: setsockopt with its result" "$ERR" 'setsockopt\([0-9]+, TCP_NODELAY, 1\) = 0$'
like "tcp: shutdown with its result" "$ERR" 'shutdown\([0-9]+, SHUT_WR\) = 0$'
