#!/usr/bin/env bash
# hostile_servers.t - tcp_echo and servers that do their worst: too much, too slowly, unasked; FIN and RST at every stage.
#
# Whatever they do: the run ends within its deadlines, with the exit code of what was true, a valid document, and a bound on memory.
# Needs no lab network. The servers are tests/lib/peer.py; milder ones are in client_streams.t.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

actions=(banner endless drip:1 drip:0.2 shut {close,reset}:{0,1,63,64} fin:{reset,more,endless,hold})
peer hostile tcp "${actions[@]}"
IFS=, read -ra addresses < <(sed -nE '1s/.* listen=//p' "$TEST_TMP/hostile.out")
declare -A AT # where the server of each action is
for i in "${!actions[@]}"; do AT[${actions[i]}]=${addresses[i]}; done

# against ACTION CODE COUNTS [OPTION…]: no run takes ten seconds; the document is on stderr beside a stream.
counters='[to_entries[] | select(.key | IN("sent", "received", "lost", "late", "unanswered", "duplicates", "corrupt", "errors"))
    | select(.value != 0) | "\(.key)=\(.value)"] | join(" ")'
against() {
    local action=$1 code=$2 wanted=$3; shift 3
    timed "$action, $*: exit $code" "$code" 0 10000 "$TCP" --json -W 500ms "$@" "${AT[$action]}"
    [[ " $* " != *" -m "* ]] || OUT=$(tail -n 1 <<<"$ERR")
    is "$action, $*: what was counted" "$(jq -r "$counters" <<<"$OUT" 2>&1)" "$wanted"
}

# ---- unasked ----
for action in banner endless; do
    against $action 1 "sent=1 corrupt=2" -c 2 -i 50ms
    like "$action: said" "$ERR" 'recv: more came back than was sent: Protocol error'
    against $action 1 "sent=1 corrupt=2" -m hello
    against $action 0 "" --connect-only
done

# ---- slowly ----
against drip:1 28 "sent=2 lost=2" -c 2 -i 20ms
against drip:1 28 "sent=1 lost=1" -m hello
against drip:0.2 0 "sent=1 received=1" -m hello # each byte is within --read-timeout, and all of them are not

# ---- an end, at every stage ----
timed "shut, -c 2: exit 1" 1 0 10000 "$TCP" --json -c 2 "${AT[shut]}"
like "shut, -c 2: one probe was sent, or its FIN was there before" "$(jq -r "$counters" <<<"$OUT")" '^(sent=1 lost=1 errors=1)?$'
against shut 0 "" --connect-only
for stage in 0 1 63; do
    for end in close reset; do
        against $end:$stage 1 "sent=1 lost=1 errors=1" -c 2 -i 0
    done
done
# After the last echo it is a matter of microseconds who closes first: not of the exit code. See client.h [#who-closes-first].
repeatedly() { local i; for i in {1..10}; do "$@" || return; done; }
for end in close reset; do
    exits "$end after the last echo: exit 0, 10 times" 0 repeatedly "$TCP" -q -c 1 "${AT[$end:64]}"
    exits "$end after the last but one: exit 1" 1 "$TCP" -q -c 2 -i 0 "${AT[$end:64]}"
done
exits "close after the last echo: --explain tells whose FIN was first" 0 "$TCP" -c 1 --explain "${AT[close:64]}"

# ---- what follows our own FIN ----
against fin:reset 0 "sent=2 received=2" -c 2 -i 20ms
exits "fin:reset: exit 0 for a message too, 10 times" 0 repeatedly "$TCP" -m hello "${AT[fin:reset]}"
is "fin:reset: and all of it is written" "$(tr -d '\n' <<<"$OUT")" "$(printf 'hello%.0s' {1..10})"
for more in more endless; do
    against fin:$more 1 "sent=2 received=2 corrupt=1" -c 2 -i 20ms
    is "fin:$more: what it was" "$(jq -r '"\(.outcome) \(.exit_code)"' <<<"$OUT")" "broken 1"
    like "fin:$more: said" "$ERR" 'recv: more came back than was sent: Protocol error'
    against fin:$more 1 "sent=1 received=1 corrupt=1" -m hello
done
against fin:hold 0 "sent=2 received=2" -c 2 -i 20ms

# ---- memory: what is not read is not kept ----
peak() { python3 -S -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@"; }
quiet=$(peak "$TCP" --help) flooded=$(peak "$TCP" --connect-only -W 300ms "${AT[endless]}")
ok "endless: it costs less than 8 MiB ($quiet, then $flooded MiB)" test $((flooded - quiet)) -lt 8
