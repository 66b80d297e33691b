# client.sh - what the tests of tcp_echo and udp_echo share. Source it after tap.sh.
# shellcheck shell=bash disable=SC2034 # variables for the script that sources this
UDP=$BIN/udp_echo TCP=$BIN/tcp_echo
PEER=$ROOT/tests/lib/peer.py

# json FIELD: of the document in $OUT; nested fields with dots; "null" when it is null, "invalid" when $OUT is not one document.
# `counts` is a field too: the counters that are not zero, as "sent=4 received=3 lost=1".
json() {
    python3 -I -S -c '
import json, sys
counters = "sent received lost late unanswered duplicates reordered corrupt wrong_source errors".split()
try:
    value = json.loads(sys.argv[1])
    for key in sys.argv[2].split("."):
        if key == "counts":
            value = " ".join(f"{name}={value[name]}" for name in counters if value[name] != 0)
        else:
            value = value[int(key)] if key.isdigit() else value[key]
except Exception as error:
    value = f"invalid: {error!r}"
print(json.dumps(value) if value is None or isinstance(value, bool) else value)' "$OUT" "$1"
}

# timed NAME CODE LEAST MOST CMD...: `exits`, and it took at least LEAST and at most MOST ms.
timed() {
    local name=$1 code=$2 least=$3 most=$4 start took; shift 4
    start=$(date +%s%N)
    exits "$name" "$code" "$@"
    took=$((($(date +%s%N) - start) / 1000000))
    if [ $took -ge "$least" ] && [ $took -le "$most" ]; then pass "$name: after $least to $most ms"
    else fail "$name: after $least to $most ms" "it took $took ms"; fi
}

# both NAME CODE COUNTS CMD...: the exit code, and that --json is one valid document on this path too.
both() {
    local name=$1 code=$2 wanted=$3; shift 3
    exits "$name: exit $code" "$code" "$@" --json
    is "$name: --json is valid, with its counters" "$(json counts)" "$wanted"
}

# peer NAME udp|tcp ACTION...: a scripted server on loopback; sets LISTEN.
peer() { rm -f "$TEST_TMP/$1.out"; start_server "$1" python3 -S "$PEER" "$2" 127.0.0.1:0 "${@:3}"; }

# with HOST RULE... -- CMD: an iptables rule (first in its chain) while CMD runs.
with() {
    local host=$1 rule=() tool=iptables; shift
    [ "$1" != -6 ] || { tool=ip6tables; shift; }
    while [ "$1" != -- ]; do rule+=("$1"); shift; done
    shift
    on "$host" "$tool" -I "${rule[@]}"
    "$@"
    on "$host" "$tool" -D "${rule[@]}"
}
