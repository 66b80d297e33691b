#!/usr/bin/env bash
# bench.t - echo_bench against real servers: what it refuses, what it counts, and that its documents are whole.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

refused_by_options() {
    local name=$1 wanted=$2; shift 2
    exits "$name: exit 2" 2 "$BENCH" "$@"
    like "$name: says what, why and what instead" "$ERR" "^echo_bench: $wanted"
}

# ---- what is asked for makes no sense ----
refused_by_options "no command" 'HOST.* is missing \(usage: echo_bench tcp\|udp\|connect'
refused_by_options "an unknown command" 'fast: unknown command \(tcp, udp' fast
refused_by_options "no host" 'HOST.* is missing' tcp
refused_by_options "a negative rate" "--rate: '-5' is not a number of messages a second \(try" tcp --rate -5 127.0.0.1
refused_by_options "a rate that is none" "--rate: 'nan' is not" udp --rate nan 127.0.0.1
refused_by_options "an endless rate" "--rate: 'inf' is not" udp --rate inf 127.0.0.1
refused_by_options "a rate beyond reason" "--rate: '1e12' is more than" udp --rate 1e12 127.0.0.1
refused_by_options "a rate that no clock could keep" "--rate: '0.0000000000001' is less than one in a thousand seconds" tcp --rate 0.0000000000001 127.0.0.1
refused_by_options "a rate at which nothing may be due" '--rate: 0.5 a second is less than one in the whole duration.*--duration 20' tcp --rate 0.5 127.0.0.1
refused_by_options "idle connections of UDP" '--idle: udp has no such option \(echo_bench tcp has\)' udp --idle 3 127.0.0.1
refused_by_options "more threads than connections" '--threads: 4 share 1 connection.*--connections 4' tcp --threads 4 127.0.0.1
refused_by_options "too much under way" '--window: 65536 on each of 1000 connections' tcp --connections 1000 --window 65536 127.0.0.1
refused_by_options "too many bytes under way" '--size: .* more than 1 GiB' tcp --connections 100 --size 64M 127.0.0.1
refused_by_options "an empty message" "--size: '0' is too small" tcp --size 0 127.0.0.1
refused_by_options "too long for IPv4" '--size: 65508: a datagram over IPv4 carries 65507' udp --size 65508 127.0.0.1
refused_by_options "too long for any datagram" "--size: '65528' is too large" udp --size 65528 ::1
refused_by_options "another command's option" '--gso: tcp has no such option \(echo_bench udp has\)' tcp --gso 127.0.0.1
refused_by_options "another command's option with a value" '--window: connect has no such option' connect --window=3 127.0.0.1
refused_by_options "a batch larger than the window" '--batch: 3 is more than the 1.*--window 3' udp --batch 3 127.0.0.1
refused_by_options "GSO of single datagrams" '--gso .*--window 64' udp --gso 127.0.0.1
refused_by_options "a core that is not there" '--cpu: 4096: there is no such core \(this machine has' tcp --cpu 4096 127.0.0.1
refused_by_options "a nice value that is none" '--nice: .*20' tcp --nice 20 127.0.0.1
refused_by_options "a core that is no number" "--cpu: 'x' is not a number" tcp --cpu x 127.0.0.1
refused_by_options "both families excluded" '-4 and -6 exclude each other' tcp -4 -6 127.0.0.1
refused_by_options "a source of the other family" '--source is of the other family' tcp -4 --source ::1 127.0.0.1
refused_by_options "one place for two documents" '--json and --csv name the same place' tcp --json - --csv - 127.0.0.1
refused_by_options "one file under two names" '--json and --csv name the same place' tcp --json "$TEST_TMP/x" --csv "$TEST_TMP/./x" 127.0.0.1
refused_by_options "a place that is not there" '--json: /nonexistent/x: open: No such file' tcp --json /nonexistent/x 127.0.0.1
refused_by_options "a wildcard" '.*\* is every address of this machine' tcp '*'
refused_by_options "a process that is not there" '--server-pid: 4194304: no such process' tcp --server-pid 4194304 127.0.0.1
refused_by_options "one pid for two servers" '--server-pid: there are 2 HOSTs and one pid' tcp --server-pid $$ 127.0.0.1 127.0.0.2
refused_by_options "too many hosts" '9 HOSTs are too many' tcp a b c d e f g h i
refused_by_options "a DNS server with a name" '--dns-server: x: an address is needed' tcp --dns-server x 127.0.0.1
refused_by_options "more repetitions than there is room for" "--repeat: '1001' is too large" tcp --repeat 1001 127.0.0.1
exits "a fault of the options is in the document, too" 2 "$BENCH" tcp --json - --threads 4 127.0.0.1
whole "... which"
jq_ok "... says why" '.error | startswith("--threads: 4")'

# ---- loopback ----
start_server tcp "$BIN/tcp_echo_server" --listen 127.0.0.1:0
tcp=$LISTEN tcp_pid=$PID
start_server udp "$BIN/udp_echo_server" --listen 127.0.0.1:0
udp=$LISTEN udp_pid=$PID

# complete COMMAND TARGET PID OPTION...: all that must be true of any run against a healthy server.
complete() {
    local command=$1 target=$2 pid=$3; shift 3
    exits "$command $*: exit 0" 0 "$BENCH" "$command" "${quick[@]}" --repeat 2 --json - "$@" "$target"
    # shellcheck disable=SC2016 # jq's own variables
    whole "$command $*" \
        "... something came back" '[.results[].repetitions[].received > 0] | any' \
        "... each message is in the histogram once" \
        '[.results[].repetitions[] | .received == .latency.count and .received == ([.latency.buckets[][2]] | add)] | all' \
        "... nothing was lost" '[.results[].repetitions[] | .lost + .late + .corrupt + .errors + .duplicates] | add == 0' \
        "... every byte was counted" '[.results[] | .load.size as $size | .repetitions[] | .bytes == $size * .received] | all' \
        "... the percentiles are in order" '[.results[].repetitions[] | .min_ns <= .p50_ns and .min_ns <= .mean_ns and .mean_ns <= .max_ns and .p50_ns <= .p90_ns and .p90_ns <= .p99_ns and .p99_ns <= .p999_ns and .p999_ns <= .max_ns] | all' \
        "... buckets are in order and do not overlap" '[.results[].repetitions[].latency.buckets | . as $b | range(1; length) | $b[.][0] > $b[. - 1][1]] | all' \
        "... the server's CPU was found" "[.results[] | .load.server_pid == $pid and .summary.server_cpu_ns.median > 0] | all" \
        "... the conditions are there" '.conditions | .kernel != "" and .cores > 0 and (.options | contains("x 150ms after 20.0ms"))'
}
complete tcp "$tcp" "$tcp_pid"
complete tcp "$tcp" "$tcp_pid" --connections 4 --window 8 --threads 2 --size 1000
complete tcp "$tcp" "$tcp_pid" --size 100k --window 2
complete connect "$tcp" "$tcp_pid" --connections 2
complete tcp "$tcp" "$tcp_pid" --connections 3 --idle 40 --threads 2
jq_is "... the idle ones are told" '.results[0].load.idle_connections' 40
complete udp "$udp" "$udp_pid"
complete udp "$udp" "$udp_pid" --connections 2 --window 4 --size 1
complete udp "$udp" "$udp_pid" --window 16 --gso --size 500
complete udp "$udp" "$udp_pid" --size 65507
complete tcp "$tcp" "$tcp_pid" --rate 500
jq_ok "... in open loop the corrected histogram has each message once, too" \
    '[.results[].repetitions[] | .received == .corrected_latency.count and .received == ([.corrected_latency.buckets[][2]] | add)] | all'
jq_ok "... and no latency since due is less than the least since sent" '[.results[].repetitions[] | .corrected_latency.buckets[0][1] >= .latency.buckets[0][0]] | all'
complete udp "$udp" "$udp_pid" --rate 500 --window 4
complete connect "$tcp" "$tcp_pid" --rate 100
jq_ok "... what was offered is kept" '[.results[] | .load.offered_rate == 100] | all'
exits "a pid that is told" 0 "$BENCH" tcp "${quick[@]}" --json - --server-pid "$udp_pid" "$tcp"
jq_is "... is watched" '.results[0].load.server_pid' "$udp_pid"
jq_is "... and has done nothing: no cost, rather than one of 0" '.results[0].repetitions[0].server_cpu_ns | . == null or (. > 0 and . < 2000)' true

# ---- the text ----
exits "text: closed loop" 0 "$BENCH" tcp "${quick[@]}" --repeat 3 --cpu 0 "$tcp"
like "text: the conditions come first" "$(head -1 <<<"$OUT")" '^conditions: Linux .* core.*generator on core 0.*echolab.*load average.*tcp, closed loop, 1 connection, window 1, 64 bytes, 3 x 150ms after 20.0ms$'
like "text: a rate with its spread" "$OUT" '^  messages/s +[0-9,.]+  [0-9,.]+(-[0-9,.]+)?$'
like "text: the server's CPU" "$OUT" '^  server CPU/message +[0-9.]+[un]s  '
like "text: percentiles" "$OUT" '^  p99.9 +[0-9.]+[um]s  '
like "text: what a closed loop cannot see" "$OUT" '^  Closed loop: a slower server is asked less often'
is "text: -q is silent" "$ERR" ""
exits "text: open loop" 0 "$BENCH" udp "${quick[@]}" --rate 500 "$udp"
like "text: both latencies" "$OUT" '^  latency +since due +least-greatest +since sent'
like "text: ... which is which" "$OUT" 'Since due \(corrected\)'
like "text: every kind of loss" "$OUT" ' received, 0 lost, 0 late, 0 corrupt, 0 errors'
like "text: ... and what is odd" "$OUT" '^  0 duplicates, 0 reordered, 0 from a wrong source$'
exits "markdown" 0 "$BENCH" udp "${quick[@]}" --format markdown "$udp"
like "markdown: a table" "$OUT" '^\| p99 \| [0-9.]+[um]s \|'
is "markdown: each row has as many cells as its headline" \
    "$(awk -F'|' '/^\|/ { if (!inside) want = NF; inside = 1; if (NF != want) print } !/^\|/ { inside = 0 }' <<<"$OUT")" ""

# ---- rows ----
exits "csv" 0 "$BENCH" udp "${quick[@]}" --repeat 3 --csv - "$udp"
is "csv: stdout has a header and a row a repetition" "$(wc -l <<<"$OUT")" 4
is "csv: each row has 37 fields" "$(awk -F, '{ print NF }' <<<"$OUT" | sort -u)" 37
like "csv: the header" "$(head -1 <<<"$OUT")" '^command,path,loss_percent,proto,target,workload,connections,window,size,offered_rate,repetition,elapsed_s,'
like "csv: ... to its end" "$(head -1 <<<"$OUT")" 'server_cpu_us,server_calls,load_cpu,idle_bytes,bottleneck,idle_connections$'
like "csv: the rest goes to stderr" "$ERR" '^conditions: '
unlike "csv: no nan" "$OUT" 'nan|inf'
is "csv: repetitions are counted" "$(awk -F, 'NR > 1 { print $11 }' <<<"$OUT" | xargs)" "1 2 3"
exits "csv and json to files" 0 "$BENCH" tcp "${quick[@]}" --csv "$TEST_TMP/rows" --json "$TEST_TMP/document" "$tcp"
like "... and the text to stdout" "$OUT" '^conditions: '
is "... both tell the same" "$(awk -F, 'NR == 2 { print $14 }' "$TEST_TMP/rows")" "$(jq '.results[0].repetitions[0].received' "$TEST_TMP/document")"

# ---- progress ----
exits "progress" 0 "$BENCH" tcp --repeat 2 --duration 100ms --warmup 0 "$tcp"
like "progress: lines on stderr where there is no terminal" "$ERR" '^echo_bench: .*: repetition 1 of 2'
unlike "... that do not rewrite themselves" "$ERR" $'\r'
script -qec "stty cols 50; '$BENCH' tcp --repeat 2 --duration 100ms --warmup 0 $tcp" /dev/null >"$TEST_TMP/terminal" 2>&1 </dev/null
like "progress: on a terminal a line that rewrites itself" "$(tr '\r' '\n' <"$TEST_TMP/terminal")" '^127.0.0.1:[0-9]+: repetition 2 of 2'
is "... never wider than the terminal" "$(tr '\r' '\n' <"$TEST_TMP/terminal" | grep repetition | awk 'length > 49' | grep -v '^tcp')" ""
like "... and is taken away" "$(tr '\n' '@' <"$TEST_TMP/terminal")" $'\r +\rtcp 127'

# ---- a server that is not there, or goes away ----
exits "refused: exit 7" 7 "$BENCH" tcp "${quick[@]}" --json - 127.0.0.1:1
whole "refused"
like "... says what may be done" "$ERR" '^echo_bench: 127.0.0.1:1: connect: Connection refused \(nobody listens on that port\)'
exits "refused, over UDP: exit 7" 7 "$BENCH" udp "${quick[@]}" 127.0.0.1:1
exits "one of two is refused: nothing is measured" 7 "$BENCH" tcp -q --duration 60s "$tcp" 127.0.0.1:1

# What breaks after the handshake is a lost echo, measured or not; 2 would mean that we were called wrongly.
while read -r fault words; do
    start_server "peer-$fault" "$ROOT/tests/lib/peer.py" tcp 127.0.0.1 "$fault"
    exits "$fault while it warms up: exit 1" 1 "$BENCH" tcp -q --warmup 60s --json - "$LISTEN"
    whole "$fault"
    like "... is said" "$ERR" "^echo_bench: $LISTEN: $words"
done <<'END'
corrupt:1000 corrupt: byte [0-9]+ of connection 0
close:1000 the server closed connection 0
reset:1000 recv: Connection reset by peer
END

# ---- it cannot write ----
exits "stdout is full" 2 bash -c '"$@" >/dev/full' - "$BENCH" tcp "${quick[@]}" "$tcp"
like "... is said" "$ERR" '^echo_bench: stdout: write: No space left on device'
exits "the document's disk is full" 2 "$BENCH" tcp "${quick[@]}" --json /dev/full "$tcp"
like "... is said" "$ERR" '^echo_bench: --json: /dev/full: write: No space left on device'
exits "the rows' disk is full" 2 "$BENCH" tcp "${quick[@]}" --csv /dev/full "$tcp"
like "... is said" "$ERR" '^echo_bench: --csv: /dev/full: write: No space left on device'
exits "stdout is closed" 2 bash -c '"$@" >&-' - "$BENCH" tcp "${quick[@]}" "$tcp"
like "... is said" "$ERR" '^echo_bench: stdout: write: Bad file descriptor'
# shellcheck disable=SC2016 # the inner shell's
exits "nobody reads the live lines" 2 bash -c '"$@" | head -1 >/dev/null; exit "${PIPESTATUS[0]}"' - "$BENCH" tcp --duration 60s --live "$tcp"
like "... which ends it" "$ERR" '^echo_bench: --live: write: Broken pipe'
