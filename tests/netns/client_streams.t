#!/usr/bin/env bash
# client_streams.t - tcp_echo and udp_echo on loopback: what TCP does to bytes, --message and --stdin, a stdout that fails, signals, pace.
# Needs no lab network. The misbehaving servers are tests/lib/peer.py.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

peer u udp echo; U=$LISTEN
peer t tcp echo; T=$LISTEN
peer silent udp drop; SILENT=$LISTEN

# ---- what TCP does to bytes ----
peer fate tcp dribble;      both "a byte at a time" 0 "sent=3 received=3" "$TCP" -c 3 -i 0 -s 500 -W 10 "$LISTEN"
peer fate tcp late:1.5;     both "late, and the connection stays usable" 1 "sent=2 received=1 late=1" "$TCP" -c 2 -i 2.5 -W 1 "$LISTEN"
peer fate tcp corrupt:70;   both "a byte changed" 1 "sent=3 received=2 corrupt=1" "$TCP" -c 3 -i 20ms -W 5 "$LISTEN"
is "a byte changed: of the second probe" "$(json probes.1.status)" corrupt
peer fate tcp reset:96;     both "reset in the middle of a probe" 1 "sent=2 received=1 lost=1 errors=1" "$TCP" -c 2 -i 0 -W 5 "$LISTEN"
like "reset: named" "$ERR" 'Connection reset by peer'
peer fate tcp close:32;     both "closed in the middle of a probe" 1 "sent=1 lost=1 errors=1" "$TCP" -c 1 -W 5 "$LISTEN"
peer fate tcp extra;        both "more than was sent" 1 "sent=1 received=1 corrupt=1" "$TCP" -c 1 -W 5 "$LISTEN"
peer fate tcp silent;       both "tcp silence" 28 "sent=1 lost=1" "$TCP" -c 1 -W 200ms "$LISTEN"
peer fate tcp deaf;         both "never read: --write-timeout" 28 "sent=1 lost=1" "$TCP" -c 1 -s 32M -W 10 --write-timeout 300ms "$LISTEN"
both "16 MiB at once" 0 "sent=2 received=2" "$TCP" -c 2 -i 0 -s 16M -W 20 "$T"

# ---- system calls that fail as they may: strace(1) plays the kernel ----
injected() { # NAME COUNTS FAULT CMD...: CMD, with that call failing as said
    local name=$1 wanted=$2 fault=$3; shift 3
    if ! strace -o /dev/null true 2>/dev/null; then skip "$name" "strace cannot trace here"; return; fi
    # a leak checker is a tracer too, and there can be only one
    exits "$name" 0 env ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" strace -qq -f -o /dev/null -e trace="${fault%%:*}" -e inject="$fault" "$@" --json
    is "$name: nothing lost, nothing counted twice" "$(json counts)" "$wanted"
}
injected "a pending error that meets a send: that probe is sent again" "sent=3 received=3" \
    sendto:error=ECONNREFUSED:when=2 "$UDP" -c 3 -i 20ms "$U"
injected "a send buffer that is full: the probe goes when it is not" "sent=3 received=3" \
    sendto:error=EAGAIN:when=2 "$UDP" -c 3 -i 20ms "$U"
injected "a receive that is interrupted, time and again" "sent=3 received=3" \
    recvfrom:error=EINTR:when=1+2 "$UDP" -c 3 -i 20ms "$U"
injected "tcp: writes that are refused now and then" "sent=3 received=3" \
    sendto:error=EAGAIN:when=1+2 "$TCP" -c 3 -i 20ms "$T"
injected "tcp: reads that are interrupted, time and again" "sent=3 received=3" \
    recvfrom:error=EINTR:when=1+2 "$TCP" -c 3 -i 20ms "$T"

# ---- streams ----
head -c 1048576 /dev/urandom >"$TEST_TMP/random"
printf 'a\0b\0\0\377c' >"$TEST_TMP/nuls"
same() { "$@" >"$TEST_TMP/got" 2>"$TEST_TMP/err" && cmp "$TEST_TMP/got" "$INPUT"; }
INPUT=$TEST_TMP/random
ok "tcp --stdin: 1 MiB from a file" same "$TCP" --stdin "$T" <"$INPUT"
ok "udp --stdin: 1 MiB from a file" same "$UDP" --stdin -s 1400 "$U" <"$INPUT"
ok "tcp --stdin: 1 MiB from a pipe" same "$TCP" --stdin "$T" < <(cat "$INPUT")
ok "udp --stdin: 1 MiB from a pipe" same "$UDP" --stdin -s 8k "$U" < <(cat "$INPUT")
like "--stdin: the summary is on stderr" "$(cat "$TEST_TMP/err")" '^128 sent, 128 received'
# shellcheck disable=SC2094 # both only read it
slowly() { "$TCP" --stdin -W 2 "$T" <"$INPUT" 2>/dev/null | (read -rt 2.5 <> <(:) || true; cat) | cmp - "$INPUT"; }
ok "tcp --stdin: a reader slower than --read-timeout only slows us down" slowly
INPUT=$TEST_TMP/nuls
ok "tcp --stdin: NULs" same "$TCP" --stdin "$T" <"$INPUT"
ok "udp --stdin: NULs" same "$UDP" --stdin -s 3 "$U" <"$INPUT"
INPUT=/dev/null
ok "tcp --stdin: nothing" same "$TCP" --stdin "$T" </dev/null
ok "udp --stdin: nothing" same "$UDP" --stdin "$U" </dev/null
exits "tcp -m" 0 "$TCP" -m "hello, world" "$T"
is "tcp -m: stdout is the echo alone" "$OUT" "hello, world"
exits "udp -m" 0 "$UDP" -m "hello, world" "$U"
is "udp -m: stdout is the echo alone" "$OUT" "hello, world"
exits "-m --json: the document goes to stderr" 0 "$UDP" -m hello --json "$U"
OUT=$ERR
is "-m --json: valid there" "$(json counts)" "sent=1 received=1"
peer lost udp echo drop echo
pieces() { printf 0123456789 | "$UDP" --stdin -s 4 -W 2 "$LISTEN"; }
exits "udp --stdin: a lost piece is exit 1" 1 pieces
is "udp --stdin: the rest is there, in order" "$OUT" 012389

# ---- stdout ----
full() { "$@" >/dev/full; }
exits "text to a full disk is exit 2" 2 full "$UDP" -c 1 "$U"
like "a full disk: named" "$ERR" 'stdout: write: No space left on device'
exits "csv to a full disk is exit 2" 2 full "$TCP" --csv -c 1 "$T"
exits "json to a full disk is exit 2" 2 full "$TCP" --json -c 1 "$T"
exits "-m to a full disk is exit 2" 2 full "$TCP" -m x "$T"
closed() { "$@" >&-; }
exits "closed stdout is exit 2" 2 closed "$TCP" -c 1 "$T"
like "closed stdout: named" "$ERR" 'stdout: write: Bad file descriptor'
exits "closed stdin does no harm" 0 bash -c '"$@" <&-' - "$UDP" -c 1 "$U"
exits "closed stderr does no harm" 0 bash -c '"$@" 2>&-' - "$TCP" -c 1 "$T"
leaves() { "$@" | head -n 1 >/dev/null; return "${PIPESTATUS[0]}"; }
exits "a reader that leaves is exit 2, soon" 2 leaves "$UDP" -c 0 -i 10ms -w 20 "$U"

# ---- signals ----
interrupted() { # SIGNALS... -- CMD: a run with -c 0 is sent each signal once it has answered; exit code of the run
    local signals=() pid rc=0
    while [ "$1" != -- ]; do signals+=("$1"); shift; done
    shift
    : >"$TEST_TMP/live"
    "$@" >"$TEST_TMP/live" 2>"$TEST_TMP/live.err" &
    pid=$!
    wait_for 10 file_has "$TEST_TMP/live" "${STARTED:-seq=2 }" || { kill -KILL $pid; return 99; }
    for signal in "${signals[@]}"; do
        kill -"$signal" $pid
        [ "$signal" != QUIT ] || wait_for 10 file_has "$TEST_TMP/live" 'so far' || true
    done
    wait $pid || rc=$?
    cat "$TEST_TMP/live"
    return $rc
}
exits "SIGINT ends the run as if it ended there" 0 interrupted INT -- "$UDP" -c 0 -i 20ms "$U"
like "SIGINT: with its summary" "$OUT" '^[0-9]+ sent, [0-9]+ received, 0 lost'
exits "SIGQUIT is survived" 0 interrupted QUIT INT -- "$TCP" -c 0 -i 20ms "$T"
like "SIGQUIT: an interim summary" "$OUT" '^--- .* tcp echo, so far ---'
like "SIGQUIT: and the final one after it" "$OUT" '^--- .* tcp echo ---'
json_interrupted() {
    local pid rc=0
    "$@" >"$TEST_TMP/live" 2>/dev/null & pid=$!
    wait_for 10 has_sockets $pid
    kill -INT $pid
    wait $pid || rc=$?
    cat "$TEST_TMP/live"
    return $rc
}
has_sockets() { [ "$(find "/proc/$1/fd" -lname "socket:*" | wc -l)" -ge 1 ]; } # its own: the pair of the loop for signals is a pipe
exits "SIGINT with --json" 28 json_interrupted "$UDP" --json -c 0 -W 60 "$SILENT"
is "SIGINT with --json: outcome" "$(json outcome)" interrupted

# ---- pace ----
timed "-i is from send to send" 0 300 10000 "$UDP" -q -c 4 -i 100ms "$U"
timed "-i 0 does not wait" 0 0 5000 "$UDP" -q -c 20 -i 0 "$U"
timed "-w ends a run of -c 0" 0 300 10000 "$TCP" -q -c 0 -i 10ms -w 300ms "$T"
