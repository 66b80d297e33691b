#!/usr/bin/env bash
# tcp_abuse.t - tcp_echo_server under attack from another host: an honest client keeps being answered, and afterwards nothing is left.
#
# The attacks are tests/lib/attack.py. During each an honest client, from another address, sends 120 probes 2 ms apart; what its p99 was
# is told beside that of quiet times. It is not asserted: on a busy machine it measures the machine. ECHOLAB_LONG=1: 2,000 probes.
#
#   tests/netns/tcp_abuse.t [one] [two] [few] [drain]     only these
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/tcp.sh"

SERVER=$BIN/tcp_echo_server TCP=$BIN/tcp_echo
have python3 || skip_all "python3 is missing"
PROBES=120
[ "${ECHOLAB_LONG:-0}" = 0 ] || PROBES=2000
S=10.77.0.2 ATTACKER=10.77.0.1 HONEST=10.77.0.9
world pair
on client ip address add $HONEST/24 dev eth0
on server ip route add 198.18.0.0/24 via $ATTACKER # where attack.py's forged SYNs say that they come from
# An attacker who leaves first keeps its ports in TIME_WAIT, and has soon run out of them. This one forgets at once.
on client sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_max_tw_buckets'
# The SYN-ACKs of thousands of half-open connections would be sent again in one tick of the kernel's timers: more than the queue holds that
# all networks of this machine share (attack.py, syns).
on server sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_synack_retries'

# begin_attack VERB [N]: under way when this returns. end_attack: over, and what it did is in $DONE.
begin_attack() {
    rm -f "$TEST_TMP/attack.in"
    mkfifo "$TEST_TMP/attack.in"
    : >"$TEST_TMP/attack"
    on client python3 -S "$ROOT/tests/lib/attack.py" --source $ATTACKER $S "$PORT" "$@" <"$TEST_TMP/attack.in" >"$TEST_TMP/attack" 2>&1 &
    ATTACK=$!
    exec {ATTACK_FD}>"$TEST_TMP/attack.in"
    wait_for 30 file_has "$TEST_TMP/attack" begun || fail "the attack begins: $*" "$(<"$TEST_TMP/attack")"
}
end_attack() {
    exec {ATTACK_FD}>&-
    wait "$ATTACK" || fail "the attack goes on to its end" "$(<"$TEST_TMP/attack")"
    DONE=$(tail -n1 "$TEST_TMP/attack")
}

# honest NAME [OPTION...]: exit 0, and not one echo is missing, late or changed. Its times are in $P99 and $P50.
honest() {
    local name=$1
    shift
    exits "$name" 0 on client "$TCP" -q --json -c $PROBES -i 2ms -W 10 --source $HONEST "$@" "$S:$PORT"
    echoes
    is "$name: every echo intact" "$COUNTS" "sent=$PROBES received=$PROBES"
}
# COUNTS, P50 and P99 of the document in $OUT.
echoes() {
    read -r P50 P99 COUNTS < <(python3 -S -c '
import json, sys
run = json.loads(sys.argv[1])
counts = ("sent", "received", "lost", "late", "duplicates", "corrupt", "errors")
print(run["rtt_ms"]["p50"], run["rtt_ms"]["p99"], *("%s=%d" % (name, run[name]) for name in counts if run[name]))' "$OUT")
}

# What may stay in the server after all attacks: pages that malloc(3) has touched and cannot give back.
STAYS_KB=1024
memory_is_back() { [ "$(resident_kb)" -le "$1" ]; }
# Also in the queue of the listener: whom the attack left there still takes a descriptor for a moment.
all_gone() { [ -z "$(on server ss -Hltn "( sport = :$PORT )" | awk '$2 > 0')" ] && stats && [ "$(counter active)" = 0 ] && [ "$(counter accepted)" = "$(counter closed)" ]; }

# Sockets for which the kernel keeps more than --socket-buffer permits, in or out, or may come to keep more: 128k, which it doubles, and a
# segment. skmem is (r…,rb…,t…,tb…,f…,w…): what is held and what may be, in and out (ss(8)).
fat_sockets() {
    on server ss -Htmn state connected "( sport = :$PORT )" | sed -nE 's/.*(skmem:\([^)]*).*/\1/p' | awk -F'[^0-9]+' -v limit=262144 '
        $2 > limit + 65536 || $3 != limit || $5 != limit || $7 > limit + 65536'
}

# under NAME VERB [N]: the attack, with an honest client beside it; and what the server looks like afterwards, beside MEMORY, what it used
# before the first one. PEAK and FAT are of the time between.
under() {
    local name=$1 before
    shift
    before=$(descriptors)
    begin_attack "$@"
    honest "$name: an honest client is answered"
    PEAK=$(resident_kb) FAT=''
    case $1 in deaf | half_closed) FAT=$(fat_sockets) ;; esac
    end_attack
    diag "$name: honest p50 $P50 ms, p99 $P99 ms, quiet p99 $QUIET ms; memory $MEMORY, meanwhile $PEAK KiB; $DONE"
    ok "$name: afterwards every client is counted as closed, none as there" wait_for 10 all_gone
    is "$name: afterwards the server has the descriptors that it had" "$(descriptors)" "$before"
    if instrumented; then
        skip "$name: afterwards its memory is back" "an instrumented build keeps what is freed"
    else
        ok "$name: afterwards its memory is back: at most $STAYS_KB KiB more than $MEMORY" wait_for 10 memory_is_back $((MEMORY + STAYS_KB))
    fi
}

# bounded NAME N: of the last attack, by N clients who did not read.
bounded() {
    is "$1: the kernel keeps no more for one than it was told to" "$FAT" ""
    if instrumented; then
        skip "$1: memory bounded" "an instrumented build has other sizes"
    else
        between "$1: memory bounded, by 64 KiB for each: KiB" "$PEAK" 100 $((4096 + $2 * 72))
    fi
}

# attacks N: on a server with N workers.
attacks() {
    local of=" ($1 workers)" lines
    [ "$1" -gt 1 ] || of=' (1 worker)'
    serve_on server $S "workers$1" --workers "$1"
    honest "(warm up$of)"
    honest "without an attack$of an honest client is answered"
    MEMORY=$(resident_kb)
    QUIET=$P99
    under 'slowloris'"$of" slowloris 300
    under 'peers that never read'"$of" deaf 300
    bounded 'peers that never read'"$of" 300
    under 'connection flood'"$of" flood
    between 'connection flood'"$of: it was one" "$(value connections "$DONE")" 500 100000000
    lines=$(wc -l <"$ERR_FILE")
    under 'reset flood'"$of" resets 1000
    between 'reset flood'"$of: it was one" "$(value connections "$DONE")" 500 100000000
    is 'reset flood'"$of: it writes no line into the log" "$(wc -l <"$ERR_FILE")" "$lines"
}
# Sent by the server's kernel so far (tcp(7), tcp_syncookies).
cookies() { "$NET" counters --kernel server | sed -nE 's/.*TcpExtSyncookiesSent +([0-9]+).*/\1/p'; }
test_one() {
    attacks 1
    under 'peers that never read: and half-close' half_closed 300
    bounded 'peers that never read: and half-close' 300
    under 'connection flood: SYNs with forged sources' syns
    between 'connection flood: SYNs with forged sources: it was one: so many found the queue full and got a cookie' "$(cookies)" 500 100000000
}
test_two() { attacks 2; }

# few NAME [OPTION...]: a server with 64 descriptors.
few() {
    local name=$1
    shift
    SERVER=$TEST_TMP/few-descriptors
    printf '#!/bin/bash\nulimit -n 64\nexec %q "$@"\n' "$BIN/tcp_echo_server" >"$SERVER"
    chmod +x "$SERVER"
    serve_on server $S "$name" "$@"
    SERVER=$BIN/tcp_echo_server
}
is_in() { [ -n "$(on server ss -Htn state established "( sport = :$PORT and dst $HONEST )")" ]; }

# One who is in when the descriptors go is served on; and by default one source cannot take them all, so that others still come in.
test_few() {
    local name='descriptor exhaustion' inside rc=0 before
    few few --max-per-source 0
    before=$(descriptors)
    on client "$TCP" -q --json -c $((PROBES * 2)) -i 2ms -W 10 --source $HONEST "$S:$PORT" >"$TEST_TMP/inside" 2>&1 &
    inside=$!
    wait_for 10 is_in
    begin_attack crowd 200
    wait "$inside" || rc=$?
    OUT=$(<"$TEST_TMP/inside")
    echoes
    is "$name: an honest client that is in is answered, every echo intact" "$rc $COUNTS" "0 sent=$((PROBES * 2)) received=$((PROBES * 2))"
    diag "$name: honest p50 $P50 ms, p99 $P99 ms"
    stats
    between "$name: the descriptors were exhausted" "$(counter rejected_descriptors)" 100 100000000
    end_attack
    ok "$name: afterwards every client is counted as closed" wait_for 10 all_gone
    honest "$name: afterwards a new client is answered"
    is "$name: afterwards the server has the descriptors that it had" "$(descriptors)" "$before"

    few share
    QUIET=$P99 MEMORY=$(resident_kb)
    under "$name: one source alone cannot: a new client of another one is answered" crowd 200
    stats
    between "$name: one source alone cannot: it has a quarter" "$(counter rejected_source)" $((200 - 16)) 100000000
    is "$name: one source alone cannot: not one was turned away for lack of a descriptor" "$(counter rejected_descriptors)" 0
}

# Whoever dribbles is never quiet, and a flood never ends: the server does, at its limit.
test_drain() {
    local rc=0 start took
    serve_on server $S drain --drain-timeout 500ms
    begin_attack slowloris 300
    local slow=$ATTACK slow_fd=$ATTACK_FD
    begin_attack flood
    start=$(date +%s%N)
    kill -TERM "$PID"
    wait "$RUN" || rc=$?
    took=$((($(date +%s%N) - start) / 1000000))
    is "beside slowloris and a flood the drain ends: exit 0" "$rc" 0
    between "at --drain-timeout, not before: ms" "$took" 500 5000
    end_attack
    exec {slow_fd}>&-
    wait "$slow" || true # the server has left it, and it says so
}

TESTS=(one two few drain)
[ $# -eq 0 ] || TESTS=("$@")
for name in "${TESTS[@]}"; do "test_$name"; done
