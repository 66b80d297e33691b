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
echo "--- no fault"; flood
echo "--- a rule that chooses nothing"; flood drop=nth:4000000000 seed=1
echo "--- delay"; flood delay=20ms seed=1
echo "--- delay with jitter, and loss"; flood delay=20ms+-5ms drop=1% seed=1
