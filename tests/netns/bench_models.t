#!/usr/bin/env bash
# bench_models.t - echo_bench models and compare: what they measure, what they say, and what they leave behind.
#
# How fast anything is depends on the machine and is not asked here; that every server is measured and explained, that two
# equal ones are not told apart, that losses are found where they were made, and that nothing stays, is.
. "$(dirname "$0")/../lib/tap.sh"

BENCH=$BIN/echo_bench
export ECHOLAB_MARK=bench_models-$$-$RANDOM # in the environment of every process that comes from here
unset ECHOLAB_WORLD

marked() { grep -slaF "ECHOLAB_MARK=$ECHOLAB_MARK" /proc/[0-9]*/environ 2>/dev/null | sed -E 's|/proc/([0-9]+)/.*|\1|' || true; }
# Those that live, other than this shell and its children that look.
processes_left() {
    local pid
    for pid in $(marked); do
        case $({ tr "\0" " " <"/proc/$pid/cmdline"; } 2>/dev/null || true) in
        *echo_bench* | *netns/net* | *tcp_e* | *udp_e* | *init.sh*) [ "$pid" = $$ ] || echo "$pid" ;;
        esac
    done
}
no_process_left() { [ -z "$(processes_left)" ]; }
# Of ours: another test may be running echo_bench at the same time.
worlds_left() {
    local name pid
    while read -r name pid; do
        if grep -qaF "ECHOLAB_MARK=$ECHOLAB_MARK" "/proc/$pid/environ" 2>/dev/null; then echo "$name"; fi
    done < <("$NET" status | sed -nE 's/^(bench-[0-9a-f]+): .* pid ([0-9]+),.*/\1 \2/p')
}
column() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) k = i; next } { print $k }' "$1"; }
# rows FILE COLUMN=VALUE...: how many have them all
rows() {
    awk -F, -v wanted="${*:2}" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(wanted, want, " "); next }
        { good = 1; for (i = 1; i <= n; i++) { split(want[i], pair, "="); if ($at[pair[1]] != pair[2]) good = 0 } count += good }
        END { print count + 0 }' "$1"
}
# sum FILE COLUMN COLUMN=VALUE...
sum() {
    awk -F, -v name="$2" -v wanted="${*:3}" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(wanted, want, " "); next }
        { good = 1; for (i = 1; i <= n; i++) { split(want[i], pair, "="); if ($at[pair[1]] != pair[2]) good = 0 } if (good) total += $at[name] }
        END { print total + 0 }' "$1"
}

# ---- usage ----
exits "an unknown server" 2 "$BENCH" models --paths loopback --only tcp_epoll,tcp_nonsense
like "... is named" "$ERR" '^echo_bench: --only tcp_nonsense: no such server$'
like "... with those that there are" "$ERR" '^echo_bench: there are: tcp_iterative, .*tcp_epoll, .*socat, .*udp_echo_server --gro$'
exits "an unknown path" 2 "$BENCH" models --paths loopback,ether
like "... is named, with those that there are" "$ERR" '"ether": no such path \(loopback, veth\)'
exits "sizes that are none" 2 "$BENCH" compare --paths loopback --sizes 64,70000
like "... are told where" "$ERR" '^echo_bench: --sizes: "70000": 1 to 65507 bytes'
exits "losses that are none" 2 "$BENCH" compare --paths loopback --losses 1,0
like "... are told where" "$ERR" '^echo_bench: --losses: "0": percent'

# ---- two of the same, and everything that is said of them ----
exits "models: two of the same" 0 "$BENCH" models --quick --repeat 5 --duration 25ms --paths loopback --only tcp_epoll,tcp_epoll --csv "$TEST_TMP/two.csv" --json "$TEST_TMP/two.json"
like "... the first is the reference" "$OUT" '^ +tcp_epoll +[0-9-].* reference$'
# On a machine that is busy enough no round brings messages enough for a figure, and there is nothing to judge.
if grep -qE '^ +tcp_epoll \(2\) .* -$' <<<"$OUT"; then skip "... the second gets no verdict" "the machine was too busy for a figure"
else like "... the second gets no verdict" "$OUT" '^ +tcp_epoll \(2\) +[0-9].* no verdict$'; fi
like "... with a sentence for the one" "$OUT" '^  tcp_epoll: epoll\(7\)'
like "... and for the other" "$OUT" '^  tcp_epoll \(2\): epoll\(7\)'
like "... and the conditions" "$OUT" '^conditions: Linux '
is "... no line is longer than a hundred columns" "$(grep -v '^conditions:' <<<"$OUT" | awk 'length > 100')" ""
is "... CSV has a row for each round of each workload" "$(rows "$TEST_TMP/two.csv" command=models path=loopback proto=tcp loss_percent=0.00)" $((2 * 5 * 5))
for workload in latency crowd pipelined stream connect; do
    is "... of $workload" "$(rows "$TEST_TMP/two.csv" workload=$workload target=tcp_epoll)" 5
done
is "... nothing came back wrong" "$(sum "$TEST_TMP/two.csv" corrupt) $(sum "$TEST_TMP/two.csv" wrong_source)" "0 0"
is "... what an idle connection costs is known" "$(column "$TEST_TMP/two.csv" idle_bytes | grep -cE '^[0-9]')" $((2 * 5 * 5))
ok "... JSON says the same of the second: CPU beside the reference's" jq -e '[.comparisons[] | select(.workload == "crowd" and .a == "tcp_epoll (2)" and .b == "tcp_epoll") | .figure] | index("rate") != null' "$TEST_TMP/two.json"
ok "... JSON is one document with its results" jq -e '.command == "models" and (.results | length) >= 10' "$TEST_TMP/two.json"
wait_for 5 no_process_left || true
is "... no server is left" "$(processes_left)" ""

exits "models: UDP, as Markdown" 0 "$BENCH" models --quick --repeat 1 --duration 60ms --paths loopback --format=markdown --only udp_blocking,udp_coalesce,udp_echo_server --csv "$TEST_TMP/udp.csv"
for server in udp_blocking udp_coalesce udp_echo_server; do
    like "... $server has its row" "$OUT" "^\\| $server \\|"
    like "... and its sentence" "$OUT" "^- \\*\\*$server\\*\\*: [A-Z].*\\.\$"
done
like "... the servers to compare with stand in the headline" "$OUT" '^\| server \|.*\| x udp_coalesce \|$'
exits "models: what can do one client at a time" 0 "$BENCH" models --quick --repeat 1 --duration 60ms --paths loopback --only tcp_iterative --csv "$TEST_TMP/one.csv"
is "... is asked for no crowd" "$(rows "$TEST_TMP/one.csv" workload=crowd) $(rows "$TEST_TMP/one.csv" workload=latency)" "0 1"

exits "models: over IPv6" 0 "$BENCH" models -6 --quick --repeat 1 --duration 30ms --paths loopback --only tcp_epoll,socat --csv "$TEST_TMP/six.csv"
like "... whoever speaks IPv4 alone is left out, and not called a failure" "$OUT" '^  socat: not measured: speaks IPv4 alone'
like "... a round is one" "$OUT" '^TCP over loopback, 1 round of 30 ms$'
exits "models: as many rounds as there is time for, and one at least" 0 "$BENCH" models --repeat 900 --deadline 1s --paths loopback --only udp_batch --csv "$TEST_TMP/time.csv"
ok "... fewer than were asked for" test "$(rows "$TEST_TMP/time.csv" workload=latency)" -lt 20 -a "$(rows "$TEST_TMP/time.csv" workload=latency)" -ge 1

# ---- a server that is not there, one that dies ----
mkdir "$TEST_TMP/bin"
cp "$BENCH" "$TEST_TMP/bin"
cat >"$TEST_TMP/bin/tcp_epoll" <<'SERVER'
#!/bin/sh
echo "ready proto=tcp listen=127.0.0.1:1 model=epoll workers=1 pid=$$"
echo "out of coffee" >&2
exit 3
SERVER
chmod +x "$TEST_TMP/bin/tcp_epoll"
exits "models: a server that dies, and one that is not built" 1 "$TEST_TMP/bin/echo_bench" models --quick --paths loopback --only tcp_epoll,tcp_poll
like "... is told at once, with its last words" "$ERR" '^echo_bench: tcp_epoll over loopback: ended with exit code 3: out of coffee$'
like "... and below the table" "$OUT" '^  tcp_epoll: no figures, or not all: ended with exit code 3: out of coffee$'
like "... so is the other" "$OUT" '^  tcp_poll: not measured: not built'

# started NAME CMD...: in the background; waits until it measures. Sets PID.
started() {
    local name=$1; shift
    "$@" >"$TEST_TMP/$name.out" 2>"$TEST_TMP/$name.err" </dev/null &
    PID=$!
    defer stop_pid "$PID"
    wait_for 30 file_has "$TEST_TMP/$name.err" ': round [0-9]' || diag "$name does not begin: $(cat "$TEST_TMP/$name.err")"
}
# ended: waits until it has; its exit code is in RC then
ended() { RC=0; wait_for 20 gone "$PID" || true; wait "$PID" || RC=$?; }

started dies "$BENCH" models --paths loopback --only tcp_epoll --repeat 40 --duration 50ms
kill -KILL "$(cut -d ' ' -f 1 "/proc/$PID/task/$PID/children")"
ended
is "models: a server that is killed meanwhile is a failure" "$RC" 1
like "... which says of what it ended" "$(cat "$TEST_TMP/dies.err")" '^echo_bench: tcp_epoll over loopback: ended by signal 9 \(Killed\)'

# Root's servers have become somebody else by then, and no longer die with their parent by themselves.
started orphans "$BENCH" models --paths loopback --only tcp_epoll,tcp_fork,tcp_echo_server,udp_echo_server --repeat 500
kill -KILL "$PID"
wait "$PID" 2>/dev/null || true
ok "models: even after SIGKILL its servers go" wait_for 10 no_process_left

# ---- UDP against TCP ----
exits "compare: two sizes over loopback" 0 "$BENCH" compare --quick --repeat 1 --duration 60ms --paths loopback --sizes 64,1400 --losses 0 --csv "$TEST_TMP/loopback.csv"
for window in one 64; do
    like "... a table, $window under way" "$OUT" "^UDP / TCP over loopback, quiet, $window under way, 1 round of"
done
is "... says twice of each figure where the curves cross" "$(grep -cE '^  (Rate|CPU of the server): ((UDP|TCP) (is faster|costs less)|no verdict)' <<<"$OUT")" 4
is "... CSV has every round" "$(rows "$TEST_TMP/loopback.csv" command=compare proto=udp) $(rows "$TEST_TMP/loopback.csv" command=compare proto=tcp)" "4 4"

# ---- over the lab network's cable: a world comes and goes ----
if ! "$NET" up bench >"$TEST_TMP/up" 2>&1; then
    skip "everything over veth" "no world here: $(tail -n 1 "$TEST_TMP/up")"
    exit 0
fi
"$NET" --world "$(sed -nE 's/^world ([^ ]+) .*/\1/p' "$TEST_TMP/up")" down >/dev/null

exits "models: over veth" 0 "$BENCH" models --quick --repeat 1 --duration 60ms --paths veth --only tcp_echo_server,udp_echo_server --csv "$TEST_TMP/veth.csv"
like "... the servers are measured there" "$OUT" '^TCP over veth, 1 round of'
ok "... really" test "$(sum "$TEST_TMP/veth.csv" received path=veth)" -gt 0
is "... and nothing over loopback" "$(rows "$TEST_TMP/veth.csv" path=loopback)" 0
is "... the world has gone" "$(worlds_left)" ""

started interrupted "$BENCH" models --only tcp_epoll --repeat 500
wait_for 30 file_has "$TEST_TMP/interrupted.err" ': round [2-9]' # so one has been measured
like "a world is there while it runs" "$(worlds_left)" '^bench-[0-9a-f]+$'
kill -INT "$PID"
ended
is "models: SIGINT ends it in good order" "$RC" 0
like "... with the table so far" "$(cat "$TEST_TMP/interrupted.out")" '^TCP over loopback, [0-9]+ rounds? of .* \(interrupted\)$'
like "... of both paths" "$(cat "$TEST_TMP/interrupted.out")" '^TCP over veth, [0-9]+ rounds?'
is "... the world has gone" "$(worlds_left)" ""

started killed "$BENCH" models --only tcp_epoll --repeat 500
kill -KILL "$PID"
wait "$PID" 2>/dev/null || true
world_is_gone() { [ -z "$(worlds_left)" ]; }
ok "models: even after SIGKILL the world goes" wait_for 20 world_is_gone

if [ -x "$BIN/fault_queue" ]; then
    exits "compare: over veth, quiet and with packets lost" 0 "$BENCH" compare --quick --repeat 1 --duration 60ms --paths veth --sizes 64,1400 --losses 0,1 --csv "$TEST_TMP/loss.csv"
    like "... is told" "$OUT" '^UDP / TCP over veth, 1 % of the packets lost each way, one under way'
    ok "... UDP has lost some" test "$(sum "$TEST_TMP/loss.csv" lost proto=udp loss_percent=1.00)" -gt 0
    is "... TCP has lost none" "$(sum "$TEST_TMP/loss.csv" lost proto=tcp)" 0
    is "... nor has either sent back what was never sent" "$(sum "$TEST_TMP/loss.csv" corrupt)" 0
    like "... and where the time goes is said" "$(tr -s ' \n' '  ' <<<"$OUT")" 'given up after 50.*ms.*200 ms at least'
    is "... the world has gone" "$(worlds_left)" ""
else
    skip "compare: over veth with packets lost" "fault_queue is not built"
fi

world pair || fail "a world for a look from inside"
exits "models: inside of a world that is there already" 0 on client "$BENCH" models --quick --repeat 1 --duration 60ms --paths veth --only udp_batch
like "... it is measured in that one" "$OUT" '^UDP over veth'
like "... and that its rules cost time is said" "$OUT" '^note: this lab network has rules'
exits "models: on its other host" 1 on server "$BENCH" models --quick --repeat 1 --duration 60ms --paths veth --only udp_batch
like "... there is no cable to a server" "$OUT" '^veth is left out: this is not the host client'
cat >"$TEST_TMP/bin/net" <<'NET'
#!/bin/sh
case " $* " in *' up '*) echo "net: this machine has no namespaces (net doctor)" >&2 ;; esac
exit 125
NET
chmod +x "$TEST_TMP/bin/net"
exits "models: where no world can be made" 0 env -u ECHOLAB_WORLD ECHOLAB_NET="$TEST_TMP/bin/net" "$BENCH" models --quick --repeat 1 --duration 60ms --only udp_batch
like "... net's own words say why" "$ERR" '^echo_bench: veth is left out, for there is no lab network: net: this machine has no namespaces'
like "... and loopback is measured" "$OUT" '^UDP over loopback'
unlike "... alone" "$OUT" 'over veth,'

eval "${DEFERRED[-1]}" >/dev/null # the world
unset 'DEFERRED[-1]'
wait_for 10 no_process_left || true
is "no process is left" "$(processes_left)" ""
