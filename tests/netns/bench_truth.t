#!/usr/bin/env bash
# bench_truth.t - is it true what echo_bench says? Stops, delays, losses and ends that are known beforehand.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

start_server tcp "$BIN/tcp_echo_server" --listen 127.0.0.1:0
tcp=$LISTEN tcp_pid=$PID
start_server twin "$BIN/tcp_echo_server" --listen 127.0.0.1:0
twin=$LISTEN twin_pid=$PID

# ---- two servers in turns ----
# The same program twice. Of a thousand such runs one may get a verdict with five rounds, with nine hardly one of ten thousand.
exits "two that are the same" 0 "$BENCH" tcp -q --repeat 9 --duration 50ms --warmup 10ms --json "$TEST_TMP/document" "$tcp" "$twin"
OUT2=$OUT OUT=$(<"$TEST_TMP/document")
whole "two that are the same"
jq_is "... have nine repetitions each" '[.results[].repetitions | length]' '[9,9]'
jq_is "... and no verdict on the rate" '.comparisons[] | select(.figure == "rate") | .verdict' null
jq_is "... nor on the median latency" '.comparisons[] | select(.figure == "p50_ns") | .verdict' null
jq_ok "... a ratio within the rounds' ratios" '.comparisons[] | select(.figure == "rate") | .low <= .ratio and .ratio <= .high'
like "... the table says so" "$OUT2" '^  messages/s .* × \([0-9.]+-[0-9.]+\) +no verdict: the spread exceeds the difference$'
# One that is stopped half the time is another matter; but that needs no luck: a message of 1 against one of 64 KiB.
exits "two rounds" 0 "$BENCH" tcp "${quick[@]}" --repeat 2 "$tcp" "$twin"
like "... are too few for a verdict" "$OUT" 'no verdict: it takes three rounds'

# Of the client's side, in /proc/net/tcp: established (01).
established() { awk -v port="$(printf ':%04X' "${1##*:}")" '$3 ~ port "$" && $4 == "01"' /proc/net/tcp | wc -l; }

# ---- a server that stops for 100 ms ----
# At 1000 a second a hundred messages fall due meanwhile: one in twenty of two seconds. Each of them waited, and one alone was under way.
begin --rate 1000 --repeat 1 --duration 2s "$tcp"
kill -STOP "$tcp_pid"
read -rt 0.12 <>"$NOTHING" || true # this is no wait for something: it is the stop itself, and a little for a client that is late
kill -CONT "$tcp_pid"
ended "stopped for 100 ms: nothing is lost" 0
jq_ok "... the longest wait was that long" '.results[0].repetitions[0] | .max_ns >= 95e6 and .corrected_max_ns >= 95e6'
jq_ok "... corrected, one in a hundred waited most of it" '.results[0].repetitions[0].corrected_p99_ns >= 50e6'
jq_ok "... uncorrected, it is not to be seen" '.results[0].repetitions[0].p99_ns < 50e6'
like "--live: a line a second, with its head" "$(<"$TEST_TMP/live")" '^ +time +echoes/s +p50 +p99 +max +generator +server +lost$'
like "--live: two seconds" "$(<"$TEST_TMP/live")" '^ +2\.0s +[0-9,]+ '

# A server that stands still: the connection is made (by its kernel), and nothing comes back.
kill -STOP "$tcp_pid"
exits "a server that stands still: exit 28" 28 "$BENCH" tcp "${quick[@]}" --repeat 2 --json - "$tcp"
whole "a server that stands still"
jq_ok "... says so" '.error | endswith(": nothing came back")'
kill -CONT "$tcp_pid"
# The other way round: it goes on, and stops for all of the last repetition.
# The stop comes in the first repetition, when more has come back than in its warm-up, and covers the whole second one.
came_back() { [ "$(ss -Htin dst "$tcp" | sed -nE 's/.* bytes_received:([0-9]+).*/\1/p' | head -n 1)" -gt "$1" ] 2>/dev/null; }
"$BENCH" tcp -q --read-timeout 5s --warmup 100ms --duration 1400ms --repeat 2 --rate 2000 -s 64 "$tcp" >/dev/null 2>&1 &
bench=$!
wait_for 10 came_back $((64 * 400)) || fail "it is under load"
kill -STOP "$tcp_pid"
rc=0; wait "$bench" || rc=$?
kill -CONT "$tcp_pid"
is "a repetition that brought nothing back is a failure, though nothing was lost" "$rc" 1

# ---- it is ended ----
begin --duration 60s "$tcp"
kill -INT "$bench"
ended "SIGINT: all that was sent came back" 0
like "SIGINT: there is a summary" "$(<"$TEST_TMP/live")" '^  messages/s '
like "... which says that it was interrupted" "$(<"$TEST_TMP/live")" 'Repetition 1 was interrupted after [0-9.]+s'
whole "SIGINT"
jq_is "... with one repetition" '[.interrupted, (.results[0].repetitions | length)]' '[true,1]'
# A rate from here on: what ends it is the same under less load.
begin --duration 60s --repeat 1 --rate 2000 "$tcp"
kill -QUIT "$bench"
ok "SIGQUIT: says how it stands" wait_for 10 file_has "$TEST_TMP/live" '^no repetition has ended yet'
kill -TERM "$bench"
ended "... and goes on, until SIGTERM ends it" 0
begin --duration 60s --repeat 1 --rate 2000 "$twin"
kill -KILL "$twin_pid"
ended "the server dies" 1
whole "the server dies"
jq_ok "... what had come back is told" '.results[0].repetitions[0] | .received > 0 and .failure != null'
like "... and why it ended" "$(<"$TEST_TMP/live")" 'Repetition 1 ended early: '


# ---- connections that say nothing ----
start_server hasty "$BIN/tcp_echo_server" --listen 127.0.0.1:0 --idle-timeout 60s
hasty=$LISTEN
begin --connections 2 --idle 30 --threads 2 --duration 60s --repeat 1 --rate 2000 "$hasty"
is "idle connections are held beside those that are busy" "$(established "$hasty")" 32
kill -INT "$bench"
ended "... and nothing of it is an error" 0
jq_is "... they have sent nothing" '.results[0].repetitions[0] | [.lost, .errors, (.sent - .received <= 2)]' '[0,0,true]'
start_server hastier "$BIN/tcp_echo_server" --listen 127.0.0.1:0 --idle-timeout 200ms
exits "an idle connection that the server closes is a failure" 1 "$BENCH" tcp -q --idle 3 --duration 60s --repeat 1 --rate 2000 "$LISTEN"
like "... that is told" "$OUT$ERR" 'the server closed connection [123] with 0 bytes unanswered'

# ---- the lab network ----
[ -x "$BIN/fault_queue" ] || { skip "what happens on the way" "fault_queue is not built"; exit 0; }
# shellcheck source=tests/lib/fault.sh
. "$(dirname "$0")/../lib/fault.sh"
fault_world
lab() { on client "$BENCH" "$@"; }
exits "a name" 0 lab tcp "${quick[@]}" --json - server.lab
jq_is "... is looked up once" '.results[0] | .target, .load.address | test("^server.lab$|77::2.*7007|10.77.0.2:7007")' $'true\ntrue'
exits "a name, IPv6 alone" 0 lab udp -6 "${quick[@]}" --json - server.lab
jq_is "... goes there" '.results[0].load.address' '"[fd77::2]:7007"'
exits "a name that is none: exit 6" 6 lab tcp "${quick[@]}" --json - nosuch.lab
whole "a name that is none"
like "... says why" "$ERR" '^echo_bench: nosuch.lab: lookup: NXDOMAIN'
on server iptables -I INPUT -p tcp --dport 7007 -j DROP
exits "silence: exit 28" 28 lab tcp "${quick[@]}" --connect-timeout 200ms --json - 10.77.0.2
whole "silence"
like "... says how long it waited" "$ERR" 'connect: no answer within [0-9.]+m?s'
on server iptables -D INPUT -p tcp --dport 7007 -j DROP
on server iptables -I INPUT -p udp --dport 7007 -j DROP
exits "silence, over UDP: exit 28" 28 lab udp "${quick[@]}" --read-timeout 50ms --json - 10.77.0.2
jq_ok "... all was lost, and there is no latency" '.results[0].repetitions[0] | .received == 0 and .lost > 0 and .p50_ns == null and .rate == 0'
whole "silence, over UDP"
on server iptables -D INPUT -p udp --dport 7007 -j DROP

fault delay=20ms
exits "a delay of 20 ms" 0 lab udp -q --repeat 1 --duration 600ms --warmup 0 --json - 10.77.0.2
jq_ok "... is never less" '.results[0].repetitions[0].latency.buckets[0][1] >= 20e6'
jq_ok "... and little more" '.results[0].repetitions[0].p50_ns < 40e6'
fault delay=20ms protocol=tcp payload=1-
exits "a delay of 20 ms, over TCP" 0 lab tcp -q --repeat 1 --duration 600ms --warmup 0 --json - 10.77.0.2
jq_ok "... is never less" '.results[0].repetitions[0].latency.buckets[0][1] >= 20e6'
jq_ok "... and little more" '.results[0].repetitions[0].p50_ns < 40e6'

# ---- each kind of loss, exactly ----
# A hundred a second. What is dropped is dropped early enough for its deadline to come before the end, and the deadline
# is longer than this machine ever stands still.
fate() { # DURATION RULE WANTED: the counters that are not zero
    local duration=$1 rule=$2 wanted=$3 code=1
    [[ $wanted == *lost* || $wanted == *late* || $wanted == *corrupt* ]] || code=0
    # shellcheck disable=SC2086 # words of a rule
    fault $rule
    exits "$rule: exit $code" "$code" lab udp -q --repeat 1 --duration "$duration" --warmup 0 --rate 100 --window 200 --batch 1 --read-timeout 1s --json - 10.77.0.2
    jq_is "$rule: $wanted" '.results[0].repetitions[0] | [{lost, late, duplicates, reordered, corrupt, wrong_source, errors} | to_entries[] | select(.value > 0) | "\(.key)=\(.value)"] | join(" ")' "\"$wanted\""
}
fate 2s drop=nth:3 lost=1
fate 3s drop=every:80 lost=2
fate 2s "delay=1100ms on=nth:5" "late=1 reordered=1"
fate 600ms duplicate=nth:4 duplicates=1
fate 600ms "reorder=nth:2 gap=1 within=5s" reordered=1
fate 600ms "corrupt=nth:6 at=50" corrupt=1
