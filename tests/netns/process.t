#!/usr/bin/env bash
# process.t - every program as a process: what becomes of it without a stdout, on a full disk, at a signal.
# Its document on every exit path: documents.t. The rest of the command-line contract: contract.t.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"
. "$ROOT/tests/lib/process.sh"
TOPOLOGY=$BIN/topology TIMELINE=$BIN/timeline
RECORDED=$ROOT/tests/unit/recorded/tcp
peers udp-silent

# ---- without a stdout; on a full disk ----
# The exit codes are the programs' own: 2 of clients, 1 of all others, 125 of net.
closed() { timeout 10 "$@" >&-; }
full() { timeout 10 "$@" >/dev/full; }
without_stdout() { # PROGRAM CODE CMD…: closed, and full: an error that is named, and no crash
    local program=$1 code=$2 what=$3; shift 3
    exits "closed stdout: $program $what: exit $code" "$code" closed "$@"
    like "closed stdout: $program $what: said" "$ERR" "^$program: stdout: .*(Bad file descriptor|cannot be written)"
    exits "full disk: $program $what: exit $code" "$code" full "$@"
    like "full disk: $program $what: said" "$ERR" "^$program: stdout: .*(No space left on device|cannot be written)"
}
for path in "$BIN"/*; do
    program=${path##*/} code=1
    case $program in
    tcp_echo | udp_echo | echo_resolve | echo_bench) code=2 ;;
    *_server | tcp_* | udp_*) without_stdout "$program" 1 "serves" "$path" --listen 127.0.0.1:0 ;;
    esac
    without_stdout "$program" $code --version "$path" --version
done
for form in "" --csv --json -q; do
    without_stdout tcp_echo 2 "$form" "$TCP" -c 1 $form "$T"
    without_stdout udp_echo 2 "$form" "$UDP" -c 1 $form "$U"
done
without_stdout tcp_echo 2 -m "$TCP" -m hello "$T"
without_stdout udp_echo 2 -m "$UDP" -m hello "$U"
piped() { "$@" <<<"some input"; }
export -f piped
without_stdout tcp_echo 2 --stdin bash -c 'piped "$@"' - "$TCP" --stdin "$T"
without_stdout udp_echo 2 --stdin bash -c 'piped "$@"' - "$UDP" --stdin "$U"
without_stdout echo_resolve 2 names "$RESOLVE" localhost
without_stdout echo_resolve 2 -q "$RESOLVE" -q localhost
without_stdout echo_resolve 2 --json "$RESOLVE" --json localhost
without_stdout echo_bench 2 text "$BENCH" tcp "${QUICK[@]}" "$T"
without_stdout echo_bench 2 --json "$BENCH" tcp "${QUICK[@]}" --json - "$T"
without_stdout echo_bench 2 --csv "$BENCH" tcp "${QUICK[@]}" --csv - "$T"
without_stdout topology 1 check "$TOPOLOGY" check "$ROOT/netns/topologies/pair"
without_stdout topology 1 draw "$TOPOLOGY" draw "$ROOT/netns/topologies/ten"
for form in text svg html json; do without_stdout timeline 1 $form "$TIMELINE" --format=$form "$RECORDED"; done
without_stdout timeline 1 --clock "$TIMELINE" --clock
exits "full disk: mark_lines: exit 1" 1 bash -c 'seq 3 | "$@" >/dev/full' - "$BIN/mark_lines" x
like "full disk: mark_lines: said" "$ERR" '^mark_lines: stdout: write: No space left on device$'

# The statistics of a server whose reader has left: it goes on serving, and says at its end that lines were lost.
for program in tcp_echo_server udp_echo_server tcp_epoll udp_epoll; do
    [ -x "$BIN/$program" ] || continue
    mkfifo stats.$program
    exec 8<>stats.$program
    "$BIN/$program" --listen 127.0.0.1:0 >stats.$program 2>stats.err 8>&- & PID=$!
    defer stop_pid $PID
    IFS= read -rt 20 ready <&8
    exec 8>&- # now nobody can read it any more
    kill -USR1 $PID
    wait_for 10 file_has stats.err 'Broken pipe'
    like "full disk, and closed stdout: $program: statistics that nobody gets are said" "$(<stats.err)" "^$program: stdout: write: Broken pipe$"
    at=$(sed -nE 's/.* listen=([^ ]+).*/\1/p' <<<"$ready")
    exits "full disk, and closed stdout: $program serves on" 0 "$BIN/${program%%_*}_echo" -q -c 1 "$at"
    kill -TERM $PID
    rc=0; wait $PID || rc=$?
    is "full disk, and closed stdout: $program ends with exit 1" $rc 1
done

# ---- signals ----
for proto in tcp udp; do
    client=$BIN/${proto}_echo at=$T INTERIM='echo, so far ---$' AFTER='seq=[0-9]+ time='
    [ $proto = tcp ] || at=$U
    exits "SIGINT prints the summary: ${proto}_echo: exit 0, all was echoed" 0 signalled INT 'seq=2 ' -- "$client" -c 0 -i 20ms "$at"
    like "SIGINT prints the summary: ${proto}_echo: it is there" "$OUT" '^[0-9]+ sent, [0-9]+ received, 0 lost \(0%\)'
    like "SIGINT prints the summary: ${proto}_echo: with its times" "$OUT" '^rtt min/median/p99/max = '
    exits "SIGQUIT prints an interim summary: ${proto}_echo goes on" 0 signalled "QUIT INT" 'seq=2 ' -- "$client" -c 0 -i 20ms "$at"
    is "SIGQUIT prints an interim summary: ${proto}_echo: one so far, one at the end" "$(grep -c '^--- ' <<<"$OUT") $(grep -c 'so far' <<<"$OUT")" "2 1"
    like "SIGQUIT prints an interim summary: ${proto}_echo: probes came after it" "$(sed '1,/so far/d' <<<"$OUT")" 'seq=[0-9]+ time='
done
exits "SIGINT prints the summary: udp_echo: exit 28, nothing was answered" 28 signalled INT 'sending to|connected to' -- "$UDP" -c 0 -i 20ms -W 60 "$U_SILENT"
like "SIGINT prints the summary: udp_echo: of what had no answer yet" "$OUT" '^[0-9]+ sent, 0 received, 0 lost \(0%\)'
exits "SIGINT prints the summary: echo_resolve: exit 6" 6 signalled INT '^dns.*silent\.test\?|silent\.test\? to' -- "$RESOLVE" --explain --dns-server "$DNS" localhost silent.test other.test
like "SIGINT prints the summary: echo_resolve: the name it was at" "$OUT" '^silent\.test: cancelled, after '
like "SIGINT prints the summary: echo_resolve: and the one before" "$OUT" '^localhost: '
INTERIM='of 2 names looked up' AFTER=
exits "SIGQUIT prints an interim summary: echo_resolve goes on" 6 signalled QUIT 'silent\.test\? to' -- \
    "$RESOLVE" --explain --dns-timeout 1s --dns-tries 1 --dns-server "$DNS" silent.test good.test
like "SIGQUIT prints an interim summary: echo_resolve: how far it is" "$ERR" '^echo_resolve: 0 of 2 names looked up, 0 resolved$'
like "SIGQUIT prints an interim summary: echo_resolve: the next name's turn came" "$OUT" '^good\.test: 1 address'
INTERIM='no repetition has ended yet' AFTER=
exits "SIGINT prints the summary: echo_bench: exit 0" 0 signalled INT 'repetition 1 of 1, 1' -- "$BENCH" tcp --duration 60s --warmup 0 --repeat 1 "$T"
like "SIGINT prints the summary: echo_bench: what was measured until then" "$OUT" '^  messages/s +[0-9]'
exits "SIGQUIT prints an interim summary: echo_bench goes on" 0 signalled "QUIT INT" 'repetition 1 of 1, 1' -- "$BENCH" tcp --duration 60s --warmup 0 --repeat 1 "$T"
like "SIGQUIT prints an interim summary: echo_bench: how it stands" "$OUT" '^no repetition has ended yet$'
like "SIGQUIT prints an interim summary: echo_bench: and the summary after it" "$(sed '1,/no repetition/d' <<<"$OUT")" '^  messages/s +[0-9]'

# ---- the lab network's programs, as they are met ----
world pair
in_net() { # WORDS…: 125, and said
    exits "closed stdout: net $1: exit 125" 125 closed "$NET" "$@"
    like "closed stdout: net $1: said" "$ERR" '^[a-z_]+: (why: )?stdout: .*(Bad file descriptor|cannot be written|not everything was taken)'
    exits "full disk: net $1: exit 125" 125 full "$NET" "$@"
    like "full disk: net $1: said" "$ERR" '^[a-z_]+: (why: )?stdout: .*(No space left on device|cannot be written|not everything was taken)'
}
on client "$UDP" -q -c 1 10.77.0.2:7 >/dev/null 2>&1 || true # so that there is a packet
in_net log
in_net counters
in_net diagram
in_net status
if strace -o /dev/null true 2>/dev/null; then in_net why client -- true; else skip "closed stdout, full disk: net why" "strace cannot trace here"; fi
