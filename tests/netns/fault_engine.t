#!/usr/bin/env bash
# fault_engine.t - the engine behind net fault: what it says, repeats, gives up, and what is left when it is killed.
# shellcheck disable=SC2016,SC2119 # code in single quotes is evaluated later; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/lib/fault.sh
. "$(dirname "$0")/../lib/fault.sh"
fault_world
on sw0 sh -c 'kill -KILL $(pgrep -f "^fault_queue engin[e]")' # it was started to see whether the kernel can
# engine: its pid, by the number it has inside.
engine() { "$NET" fault show --json | jq -r .pid; }

# ---- nothing yet ----
is "no faults" "$("$NET" fault show)" "no faults (net fault A:B WORD... adds one)"
is "and no engine" "$("$NET" fault show --json | jq -c '[.format_version, .engine, .faults]')" '[1,"none",[]]'
exits "clear without a fault is fine" 0 "$NET" fault clear
exits "and starts none" 0 "$NET" fault clear client:server

# ---- bad input: one line that names the word ----
refused() { # TEXT WORD...
    local text=$1; shift
    exits "net fault $*" 125 "$NET" fault "$@"
    like "... one line says why" "$(wc -l <"$TEST_TMP/err") $ERR" "^1 (net|fault_queue): .*$text"
}
refused 'which link'
refused 'client: neither a link' client drop=all
refused 'there is no "nobody"' client:nobody drop=all
refused 'both ends are the same place' client:client drop=all
refused 'what shall happen' client:server
refused 'drop=nth:0: does not name positions' client:server drop=nth:0
refused 'lose: is no fault' client:server lose
refused 'loss=5%: is no word' client:server loss=5%
refused '--drop: no option' client:server --drop
refused 'has a blank' client:server 'drop=nth:1 seed=3'
refused 'gap=: is about reorder=' client:server drop=all gap=2
refused 'x: is neither a link' clear x
refused '77: no such fault' clear 77
refused 'only --json' show --xml
refused '\?\[31m' $'\e[31m:server' drop=all
is "none of this has added a fault" "$("$NET" fault show --json | jq -c '[.engine, .faults]')" '["none",[]]'

# ---- the engine ----
exits "the first fault starts the engine" 0 "$NET" fault client:server drop=nth:2 protocol=udp seed=7
is "and it goes on when that command has ended" "$("$NET" fault show --json | jq -r .engine)" alive
PID=$(engine)
status() { on sw0 awk -v key="$1:" '$1 == key { print $2 }' "/proc/$PID/status"; }
is "it keeps CAP_NET_ADMIN alone" "$(status CapEff) $(status CapPrm)" "0000000000001000 0000000000001000"
is "and cannot gain anything" "$(status NoNewPrivs) $(status CapBnd)" "1 0000000000000000"
is "its socket is its owner's" "$(on sw0 stat -c %a /run/echolab/fault.sock)" 600
exits "it serves several links" 0 "$NET" fault client:sw0 delay=1ms
is "... and is one" "$(on sw0 sh -c 'ps -eo args | grep -c "^fault_queu[e] engine"') $(engine)" "1 $PID"
like "a seed is chosen and told" "$OUT" '^fault 2 client:sw0 delay=1ms seed=[0-9]+$'
like "show has the words" "$("$NET" fault show)" '^  1  client:server  drop=nth:2 protocol=udp seed=7$'
exits "another net fault for the same packets" 0 "$NET" fault server:client direction=reverse drop=nth:9 protocol=udp
udp -q --count 3 --interval 2ms --read-timeout 100ms 10.77.0.2 >/dev/null || true
is "... sees what the first lets pass" "$("$NET" fault show --json | jq -c '[.faults[] | .matched]')" "[3,0,2]"
exits "clear by number" 0 "$NET" fault clear 3
exits "clear by link" 0 "$NET" fault clear client:sw0
is "leaves the others" "$("$NET" fault show --json | jq -c '[.faults[] | .number]')" "[1]"
rc=0; "$NET" fault show >/dev/full 2>"$TEST_TMP/err" || rc=$?
like "show into a full disk is an error" "$rc $(cat "$TEST_TMP/err")" '^125 fault_queue: stdout: write:'

# ---- held packets are released ----
fault delay=50s
udp -q --count 1 --read-timeout 20s 10.77.0.2 >"$TEST_TMP/held" 2>&1 &
HELD=$!
held() { [ "$("$NET" fault show --json | jq .held_packets)" = 1 ]; }
ok "a late packet is held" wait_for 10 held
"$NET" fault clear >/dev/null
rc=0; wait $HELD || rc=$?
is "clear lets it go" "$rc $("$NET" fault show --json | jq .held_packets)" "0 0"

# ---- again ----
RUNS=3
[ -z "${ECHOLAB_LONG:-}" ] || RUNS=20
for ((run = 1; run <= RUNS; run++)); do
    fault drop=20% duplicate=10% corrupt=10% delay=3ms+-2ms seed=42
    udp --csv --count 40 --interval 1ms --read-timeout 300ms 10.77.0.2 2>/dev/null | cut -d, -f1,2 | sort -n >"$TEST_TMP/run.$run" || true
    fates | cut -d ' ' -f 1 >>"$TEST_TMP/run.$run"
done
is "the same seed is the same fate for each packet, $RUNS runs" "$(cat "$TEST_TMP"/run.* | wc -l) $(md5sum "$TEST_TMP"/run.* | awk '{ print $1 }' | sort -u | wc -l)" "$(($(wc -l <"$TEST_TMP/run.1") * RUNS)) 1"
like "... with all kinds in it" "$(sort -u "$TEST_TMP/run.1" | cut -d ' ' -f 1 | xargs)" 'corrupt.*delay.*drop.*duplicate'
fault drop=20% duplicate=10% corrupt=10% delay=3ms+-2ms seed=43
udp --csv --count 40 --interval 1ms --read-timeout 300ms 10.77.0.2 2>/dev/null | cut -d, -f1,2 | sort -n >"$TEST_TMP/other" || true
fates | cut -d ' ' -f 1 >>"$TEST_TMP/other"
exits "another seed is another" 1 cmp -s "$TEST_TMP/run.1" "$TEST_TMP/other"

# ---- too many ----
"$NET" fault clear >/dev/null
fault delay=60s
# 64 MiB may be held: in 1500-byte pieces of 64 KB datagrams that nobody will answer in time.
udp -q --count 1200 --interval 100us --size 65507 --read-timeout 100ms --deadline 20s 10.77.0.2 >/dev/null 2>&1 || true
# Where an ordinary user's sockets have little room (net.core.rmem_max), the kernel is the first to have too many.
like "what is more than can be held is dropped, and said" "$("$NET" fault show)" '^overflow: ([0-9]+ packets were dropped because too many were held|server: the kernel has dropped [0-9]+ packets)'
is "... and counted" "$("$NET" fault show --json | jq '.held_bytes <= 67108864 and (.overflowed > 0 or .no_buffer > 0)')" true
noted() { on sw0 grep -E 'overflow: (more than|the kernel has dropped)' /run/echolab/fault_queue.log; }
ok "... and noted in the log" wait_for 10 noted
"$NET" fault clear >/dev/null

# ---- dead ----
# A signal that was sent is not yet a death, and what is in the dying one's hands is lost with it.
kill_engine() {
    local pid
    pid=$(engine)
    on sw0 kill -KILL "$pid"
    wait_for 10 no_longer "$pid"
}
no_longer() { on sw0 sh -c '[ ! -e /proc/$1 ] || grep -q "^State:.Z" /proc/$1/status' sh "$1"; }
fault drop=all fail=open protocol=udp seed=5
exits "as long as it lives, the rule is in force" 28 udp -q --count 1 --read-timeout 100ms 10.77.0.2
kill_engine
exits "killed: the link is open" 0 udp -q --count 1 10.77.0.2
like "show says so" "$("$NET" fault show)" 'not in force: the link is open, everything passes'
like "... and of the engine" "$("$NET" fault show)" '^engine: dead'
is "... to programs, too" "$("$NET" fault show --json | jq -c '[.engine, .faults[0].in_force, .faults[0].fail, .faults[0].matched]')" '["dead",false,"open",null]'
exits "the next fault starts another" 0 "$NET" fault client:server delay=1ms fail=closed
like "... tells what is gone, with its seed" "$OUT" '^gone with the engine that died: [0-9]+ client:server drop=all fail=open protocol=udp seed=5$'
exits "... and works" 0 udp -q --count 1 10.77.0.2
"$NET" fault server:client refuse protocol=udp dport=9 >/dev/null
kill_engine
exits "fail=closed: nothing passes" 28 udp -q --count 1 --read-timeout 100ms 10.77.0.2
like "show says so" "$("$NET" fault show)" 'not in force: the link is closed, nothing passes'
exits "clear works without an engine" 0 "$NET" fault clear client:server
exits "... the link is open again" 0 udp -q --count 1 10.77.0.2
is "... what the kernel does by itself is still there" "$("$NET" fault show --json | jq -c '[.faults[] | .words]')" '["refuse protocol=udp dport=9"]'
exits "an engine that is started then knows of it" 0 "$NET" fault client:server drop=nth:1
is "..." "$("$NET" fault show --json | jq -c '[.faults[] | .words | sub(" seed.*"; "")]')" '["refuse protocol=udp dport=9","drop=nth:1"]'
exits "and can clear it" 0 "$NET" fault clear
is "nothing is left in iptables" "$(on client sh -c 'iptables-save; ip6tables-save' | grep -c echolab-fault || true)" 0

# ---- a build without it ----
mkdir "$TEST_TMP/bin"
exits "without fault_queue" 125 env ECHOLAB_BIN="$TEST_TMP/bin" bash -c 'cp -r "$1" "$2/netns" && "$2/netns/net" fault client:server drop=all' sh "$ROOT/netns" "$TEST_TMP"
like "the packages are named" "$ERR" 'libnetfilter-queue-dev and libmnl-dev'
