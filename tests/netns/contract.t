#!/usr/bin/env bash
# contract.t - the command-line contract of all programs, line by line, where no other test has it; and words that nobody should type.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"
. "$ROOT/tests/lib/process.sh"
TOPOLOGY=$BIN/topology TIMELINE=$BIN/timeline
# shellcheck disable=SC2119 # none of those that misbehave
peers

# ---- the rest of the contract ----
refused_option() { # OPTION VALUE: exit 2, one line, which names the option and the value and says what to write
    exits "contract: $1 is not '$2'" 2 "$UDP" -c 1 "$1" "$2" "$U"
    like "contract: $1 is not '$2': said" "$ERR" "^udp_echo: $1: '$2' .* \(try $1 [0-9a-z]+\)$"
}
for value in 250ms 1.5s 2m 3 0.5 1h; do exits "contract: a duration: $value" 0 "$UDP" -q -c 1 -W $value "$U"; done
for value in 1.5.5 5x -1s s 1e3 0x10 1,5 ''; do refused_option --read-timeout "$value"; done
for value in 64:64 4k:4096 1K:1024; do
    exits "contract: a size: ${value%:*}" 0 "$UDP" --json -c 1 -s "${value%:*}" "$U"
    is "contract: a size: ${value%:*} is ${value#*:} bytes" "$(jq .bytes_received <<<"$OUT")" "${value#*:}"
done
exits "contract: a size: 1M" 0 "$TCP" --json -c 1 -s 1M "$T"
is "contract: a size: 1M is 1048576 bytes" "$(jq .bytes_received <<<"$OUT")" 1048576
for value in 1.5k -1 k 64b 99999999999999999999; do refused_option --size "$value"; done
for port in 0 65536 99999 -1 x ''; do
    exits "contract: a client's port is not '$port'" 2 "$TCP" "127.0.0.1:$port"
    like "contract: a client's port is not '$port': said" "$ERR" '^tcp_echo: 127\.0\.0\.1:.*: .*port'
done
exits "contract: port 65535 is one" 2 "$TCP" --source 192.0.2.7 127.0.0.1:65535
for port in 65536 -1 x; do exits "contract: a server's port is not '$port'" 2 "$BIN/tcp_echo_server" --listen "127.0.0.1:$port"; done
exits "contract: the default port" 6 "$TCP" --json --dns-server "$DNS" nxdomain.test
is "contract: the default port is 7007" "$(jq .port <<<"$OUT")" 7007
like "contract: diagnostics are prog: object: what failed: strerror (hint)" \
    "$("$TCP" "$CLOSED" 2>&1 >/dev/null || true)" "^tcp_echo: $CLOSED: connect: Connection refused \(.+\)$"
exits "contract: --csv: a header, though nothing was sent" 7 "$TCP" --csv "$CLOSED"
is "contract: --csv: the header alone" "$OUT" "seq,status,rtt_ms,bytes,reason"
exits "contract: -m --csv: the echo on stdout" 0 "$UDP" -m hello --csv "$U"
is "contract: -m --csv: alone" "$OUT" hello
like "contract: -m --csv: the rows on stderr" "$ERR" '^1,echoed,[0-9.]+,5,$'
line_by_line() { { "$TCP" -c 0 -i 300ms -w 20 "$T" || true; } | { for _ in 1 2 3; do IFS= read -rt 15 line || return 1; done; echo "$line"; }; }
timed "contract: lines come as they are written, not at the end" 0 0 15000 line_by_line
like "contract: ... the second reply's" "$OUT" 'seq=2 time='

# ---- names and words that are none ----
LONG=$(printf 'x%.0s' {1..300})
n=0
for word in $'\e[31mred' $'two\nlines' $'bad\xff\xfeutf8' $'\x9b31m' $'\r' "$LONG" "$LONG.test" $'a\tb' 'a\b' '%n%s'; do
    n=$((n + 1))
    for cmd in "$TCP" "$UDP" "$RESOLVE --json" "$BENCH tcp ${QUICK[*]}" "$TCP --dns-server" "$TCP -I" "$TCP -c" "$TCP --source" "$RESOLVE -w" "$BENCH" \
        "$BIN/tcp_echo_server --listen" "$TOPOLOGY" "$TOPOLOGY check" "$TIMELINE" "$BIN/packet_log" "$BIN/packet_log show --log" "$BIN/packet_log show --port"; do
        read -ra argv <<<"$cmd"
        [[ $cmd != "$TCP -"* ]] || set -- "$T"
        rc=0
        timeout 10 "${argv[@]}" "$word" "$@" >word.out 2>word.err </dev/null || rc=$?
        set --
        wrong=
        [ $rc -ge 1 ] && [ $rc -lt 124 ] || wrong="exit $rc"
        [ "$(wc -l <word.err)" -eq 1 ] || wrong+=" lines: $(wc -l <word.err)"
        ! LC_ALL=C grep -qP '[^\n\x20-\x7e]' word.out word.err || wrong+=" raw bytes"
        [ -z "$wrong" ] || fail "hostile words: $n, ${cmd##*/}" "$wrong"$'\n'"$(cat -v word.err)"
    done
    pass "hostile words: $n is one line, and no byte of it raw, in every program"
done
exits "hostile words: in a document" 2 "$BENCH" tcp "${QUICK[@]}" --json - $'\e[1m\xff"\n'
is "hostile words: in a document: escaped" "$(jq -r .exit_code <<<"$OUT")" 2
exits "hostile words: -m with any bytes comes back as it is" 0 "$UDP" -m $'\e[31m\xff\n\x01' "$U"
is "hostile words: -m: byte by byte" "$(od -An -tx1 <"$TEST_TMP/out" | xargs)" "1b 5b 33 31 6d ff 0a 01"
