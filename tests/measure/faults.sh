#!/usr/bin/env bash
# faults.sh - how many packets a second the fault engine carries, and how exact its delays are.
#
#   tests/measure/faults.sh [RATE [COUNT]]       in a world of its own; prints, asserts nothing
set -euo pipefail
cd "$(dirname "$0")/../.."
rate=${1:-100000} count=${2:-300000}
tmp=$(mktemp -d)
export ECHOLAB_WORLD=measure$$
trap 'netns/net down >/dev/null; rm -rf "$tmp"' EXIT
netns/net up
gcc -O2 -D_GNU_SOURCE -o "$tmp/udp_flood" tests/measure/udp_flood.c
chmod 755 "$tmp"

ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
flood() { # WORD...: floods through that fault, and says what came
    local engine receiver before=0
    [ $# -eq 0 ] || netns/net fault client:server "$@"
    engine=$(pgrep -n -f '^fault_queue engine' || true)
    [ -z "$engine" ] || before=$(ticks "$engine")
    rm -f "$tmp/received"
    netns/net run server -- "$tmp/udp_flood" receive 9000 "$count" >"$tmp/received" &
    receiver=$!
    until grep -qs ready "$tmp/received"; do read -rt 0.02 <> <(:) || true; done
    netns/net run client -- "$tmp/udp_flood" send 10.77.0.2 9000 "$rate" "$count"
    wait "$receiver"
    cat "$tmp/received"
    [ -z "$engine" ] || echo "engine: $(($(ticks "$engine") - before)) ticks of 10 ms"
    netns/net fault show --json | jq -c '{overflowed, no_buffer, queues: [.queues[] | select(.kernel_dropped + .user_dropped > 0)], faults: [.faults[] | {words, matched, dropped, delayed}]}'
    netns/net fault clear >/dev/null
}
# echoes NAME WORD...: round trips through that fault; without one, the baseline that is subtracted by the reader.
echoes() {
    local name=$1; shift
    [ $# -eq 0 ] || netns/net fault client:server "$@" >/dev/null
    netns/net run client -- udp_echo --csv --count 500 --interval 4ms 10.77.0.2 2>/dev/null |
        awk -F, 'NR > 1 { print $3 }' | sort -n | awk -v name="$name" '{ t[NR] = $1; s += $1 }
            END { printf "%-28s mean %.3f  least %.3f  median %.3f  p90 %.3f ms\n", name, s / NR, t[1], t[int(NR / 2)], t[int(NR * .9)] }'
    netns/net fault clear >/dev/null
}
netns/net run server -- udp_echo_server --listen 10.77.0.2 >"$tmp/server" 2>&1 &
until grep -qs ready "$tmp/server"; do read -rt 0.02 <> <(:) || true; done
echoes "no fault"
echoes "a rule that chooses nothing" drop=nth:4000000000
echoes "delay=1ms" delay=1ms
echoes "delay=5ms" delay=5ms
echoes "delay=20ms" delay=20ms
echoes "no fault, again"
echo "--- no fault"; flood
echo "--- a rule that chooses nothing"; flood drop=nth:4000000000 seed=1
echo "--- delay"; flood delay=20ms seed=1
echo "--- delay with jitter, and loss"; flood delay=20ms+-5ms drop=1% seed=1
