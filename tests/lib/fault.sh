# fault.sh - what the tests of `net fault` share: a world with two servers, faults one at a time, and the question
# whether the log and the ring of fates tell the same story.
# shellcheck shell=bash

[ -x "$BIN/fault_queue" ] || skip_all "fault_queue is not built (libnetfilter-queue-dev and libmnl-dev are not there)"

fault_world() {
    local said
    world || { fail "a world comes up"; exit 0; }
    if ! said=$("$NET" fault client:server drop=nth:4000000000 2>&1) &&
        grep -qE 'does this kernel have.*(Invalid argument|not supported)|NFQUEUE.*(not found|No such)' <<<"$said"; then
        skip_all "this kernel has no packet queue: ${said//$'\n'/ }"
    fi
    "$NET" fault clear >/dev/null
    start_server udp on server "$BIN/udp_echo_server" --listen 10.77.0.2 --listen '[fd77::2]'
    start_server tcp on server "$BIN/tcp_echo_server" --listen 10.77.0.2 --listen '[fd77::2]'
}

udp() { on client "$BIN/udp_echo" "$@"; }
tcp() { on client "$BIN/tcp_echo" "$@"; }
ring() { on sw0 "$BIN/packet_log" show --log /run/echolab/faults --format=record "$@"; }

# fault WORD...: the only fault on client:server from here on; what follows is looked at alone.
fault() {
    "$NET" fault clear >/dev/null
    "$NET" fault client:server "$@" >"$TEST_TMP/said"
    read -r MARK RING < <(on sw0 sh -c "'$BIN/packet_log' show --mark; '$BIN/packet_log' show --log /run/echolab/faults --mark" | xargs)
}
# fates: those since then, a line each: "drop", "delay 20.0ms".
fates() { ring --from "$RING" | cut -d ' ' -f 15-; }
# count NAME...: of the first fault, as show has it.
count() { "$NET" fault show --json | jq -r "[.faults[0] | $(printf '.%s, ' "$@" | sed 's/, $//')] | map(tostring) | join(\" \")"; }

# explained: what left the client came to the server once, but for what the ring says: a packet with the fate "drop" did
# not, one with "duplicate" came twice. Packets are told apart by the hash of their bytes (field 10 of a record).
explained() {
    awk 'FILENAME == ARGV[1] { due[$10] += ($15 == "duplicate") - ($15 == "drop") }
         FILENAME == ARGV[2] && $5 == "client" && $6 == 4 { due[$10]++; left++ }
         FILENAME == ARGV[2] && $5 == "server" && $6 != 4 { due[$10]-- }
         END { for (hash in due) if (due[hash] != 0) { print "not explained: " hash " " due[hash]; bad = 1 }
               if (left == 0) { print "nothing has left"; bad = 1 }
               exit bad }' <(ring --from "$RING") <("$NET" log --from "$MARK" --format=record)
}
