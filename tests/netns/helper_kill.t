#!/usr/bin/env bash
# helper_kill.t - a helper inside a world is killed with -9, each in turn: what was promised holds, nobody
# waits for it longer than ten seconds, and the next net down leaves nothing.
#
# net_kill.t kills net itself, at random moments. Here it is known who dies, and asked what is said.
# shellcheck disable=SC2016,SC2119 # code in single quotes is evaluated later; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"

LIMIT=10
world || { fail "a world comes up"; exit 0; }
start_server udp on server "$BIN/udp_echo_server" --listen 10.77.0.2
UDP=("$NET" run client -- "$BIN/udp_echo" -q --count 1)

# soon NAME CODE CMD…: `exits`, and it took less than LIMIT seconds.
soon() {
    local name=$1 start=$SECONDS; shift
    exits "$name" "$1" timeout --kill-after=5 60 "${@:2}"
    if [ $((SECONDS - start)) -lt $LIMIT ]; then pass "... within $LIMIT seconds"; else fail "... within $LIMIT seconds" "it took $((SECONDS - start))"; fi
}
# inside_pid PATTERN: the process of this world, by its number inside. Only there is -f safe: other worlds' are not seen.
inside_pid() { on sw0 pgrep -o -f "$1"; }
# strike PATTERN: kill -9, and it is gone.
strike() {
    local pid
    pid=$(inside_pid "$1") || { echo "no process matches $1"; return 1; }
    on sw0 kill -KILL "$pid"
    wait_for 5 has_gone "$pid"
}
has_gone() { on sw0 sh -c '[ ! -e /proc/$1 ] || grep -q "^State:.Z" /proc/$1/status' sh "$1"; }
appears() { inside_pid "$1" >/dev/null; }

# ---- dumpcap under net capture, and packet_capture over it ----
if have dumpcap; then
    for victim in '^dumpcap ' 'packet_capture --host'; do
        rm -f "$TEST_TMP/capture" # what the one before said
        "$NET" capture client "$TEST_TMP/$TAP_COUNT.pcapng" 2>"$TEST_TMP/capture" &
        CAPTURE=$!
        ok "a capture runs" wait_for 10 file_has "$TEST_TMP/capture" '^capturing on'
        ok "${victim#^}is killed" strike "$victim"
        start=$SECONDS rc=0
        wait_for $LIMIT gone $CAPTURE || kill -KILL $CAPTURE
        wait $CAPTURE 2>/dev/null || rc=$?
        case $victim in
        ^*)
            is "... net capture fails" $rc 125
            like "... and says of whom" "$(cat "$TEST_TMP/capture")" '^packet_capture: client: dumpcap: '
            ;;
        *)
            is "... its end is net capture's" $rc 137
            ok "... and dumpcap has gone with it" wait_for 5 eval '! appears "^dumpcap "'
            ;;
        esac
    done
    exits "another capture can be made" 0 "$NET" capture --duration 100ms client "$TEST_TMP/again.pcapng"
else
    skip "net capture" "dumpcap is not here"
fi

# ---- strace under net why ----
if have strace && [ -x "$BIN/timeline" ]; then
    for victim in 'strace .*\.0\.strace' 'strace .*server\.1\.strace'; do
        rc=0
        "$NET" why client -- sleep 4246 >"$TEST_TMP/why" 2>"$TEST_TMP/why.err" &
        WHY=$!
        ok "net why runs" wait_for 20 appears '^sleep 4246'
        ok "the tracer of the $([[ $victim == *0* ]] && echo command || echo server) is killed" strike "$victim"
        case $victim in
        *0*) ok "... its command is gone too" wait_for 5 eval '! appears "^sleep 4246"' ;;
        *) ok "... its command is told to end" on sw0 pkill -TERM -f '^sleep 4246' ;;
        esac
        wait_for $LIMIT gone $WHY || kill -KILL $WHY
        wait $WHY 2>/dev/null || rc=$?
        like "... net why ends as its command did" $rc '^(137|143)$'
        like "... with a timeline" "$(cat "$TEST_TMP/why")" 'client'
        soon "... and the server serves on" 0 "${UDP[@]}" 10.77.0.2
    done
else
    skip "net why" "strace or timeline is not here"
fi

# ---- the engine of net fault ----
if [ -x "$BIN/fault_queue" ] && "$NET" fault client:server drop=all fail=closed >/dev/null 2>"$TEST_TMP/fault"; then
    ok "fault_queue is killed" strike 'fault_queue engine'
    soon "fail=closed: nothing passes" 28 "${UDP[@]}" --read-timeout 200ms 10.77.0.2
    soon "net fault show works without it" 0 "$NET" fault show
    like "... and says that it is dead" "$OUT" '^engine: dead \(the next net fault A:B starts it anew; net fault clear takes the rules away\)$'
    like "... and what that means" "$OUT" 'not in force: the link is closed'
    soon "net fault clear opens the link" 0 "$NET" fault clear
    soon "... everything passes" 0 "${UDP[@]}" 10.77.0.2
    soon "another fault starts it anew" 0 "$NET" fault client:server drop=all
    soon "... and is in force" 28 "${UDP[@]}" --read-timeout 200ms 10.77.0.2
    ok "it is killed again, with fail=open" strike 'fault_queue engine'
    soon "... everything passes" 0 "${UDP[@]}" 10.77.0.2
    "$NET" run client -- sh -c "while :; do $BIN/udp_echo -q --count 20 --interval 1ms --read-timeout 100ms 10.77.0.2; done" >/dev/null 2>&1 &
    TRAFFIC=$!
    soon "it takes over under traffic" 0 "$NET" fault client:server drop=nth:4000000000
    kill -TERM $TRAFFIC 2>/dev/null || true
    wait $TRAFFIC 2>/dev/null || true
    ok "... and nothing is left undecided" wait_for 10 eval 'matches "$(on server cat /proc/net/netfilter/nfnetlink_queue)" "^ *7007 +[0-9]+ +0 "'
    "$NET" fault clear >/dev/null
else
    skip "net fault" "fault_queue is not built, or this kernel has no queue: $(cat "$TEST_TMP/fault" 2>/dev/null)"
fi

# ---- the name server ----
soon "names are known" 0 "${UDP[@]}" server.lab
ok "dnsmasq is killed" strike '^dnsmasq '
soon "a name is not resolved any more" 6 "${UDP[@]}" server.lab
like "... which is said" "$ERR" '^udp_echo: server\.lab: lookup: '
soon "addresses work on" 0 "${UDP[@]}" 10.77.0.2

# ---- the collector of the log ----
COLLECTOR=$(inside_pid 'packet_log collect')
on sw0 kill -STOP "$COLLECTOR"
soon "a collector that is stopped is not waited for long" 0 "$NET" log --count
like "... and the count is doubted" "$ERR" '^packet_log: client: the log may not be complete: '
on sw0 kill -CONT "$COLLECTOR"
MARK=$("$NET" log --mark)
"${UDP[@]}" 10.77.0.2 >"$TEST_TMP/one"
"$NET" log --follow >"$TEST_TMP/follow" 2>"$TEST_TMP/follow.err" &
FOLLOW=$!
ok "net log follows" wait_for 10 file_has "$TEST_TMP/follow" 'client >'
ok "packet_log is killed" strike 'packet_log collect'
GONE='^packet_log: /run/echolab/packets: nothing is logged any more: the collector of this world has ended \(net down, then net up\)$'
rc=0
wait_for $LIMIT gone $FOLLOW || kill -KILL $FOLLOW
wait $FOLLOW 2>/dev/null || rc=$?
is "who follows the log is not left waiting" $rc 125
like "... and is told" "$(cat "$TEST_TMP/follow.err")" "$GONE"
soon "net log shows what there is, and fails" 125 "$NET" log --from "$MARK"
like "... the packets of before" "$OUT" 'client >  UDP'
like "... and says that no more come" "$ERR" "$GONE"
soon "a count is not taken for a true one" 125 "$NET" log --count
soon "commands run on" 0 "${UDP[@]}" 10.77.0.2
soon "--explain does not claim to know the packets" 0 "$NET" run client -- "$BIN/udp_echo" --count 1 --explain 10.77.0.2
like "... and says why" "$OUT$ERR" "nothing is logged any more: the world's packet_log has ended"
soon "net counters counts on: the kernel does that" 0 "$NET" counters client

# ---- the end ----
PIDS=$(on sw0 readlink /proc/self/ns/pid)
stop_pid $PID
soon "net down" 0 "$NET" down
members() { find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/pid' -lname "$PIDS" 2>/dev/null; }
ok "... leaves no process" wait_for 5 eval '[ -z "$(members)" ]'
is "... and no file" "$(find "/tmp/echolab-$EUID" ${XDG_RUNTIME_DIR:+"$XDG_RUNTIME_DIR/echolab"} -name "$ECHOLAB_WORLD" 2>/dev/null || true)" ""
