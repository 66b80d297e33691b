#!/usr/bin/env bash
# bench_report.t - what `make bench` writes: pictures that render, a report that says only what was measured, and
# results that stay when it is interrupted.
#
# The pictures are drawn from results that were recorded on a real run (tests/netns/recorded/bench: few repetitions, histograms with
# coarse buckets); the sentences are held against results made up for the purpose. ECHOLAB_LONG=1: also a quick run of everything.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

for tool in gnuplot jq; do
    have $tool || { [ -z "${ECHOLAB_NO_SKIP:-}" ] || exit 1; skip_all "$tool is not here (make deps-test)"; }
done

RUN=$ROOT/clients/bench/report/run
TOOLS=$ROOT/clients/bench/report
RECORDED=$ROOT/tests/netns/recorded/bench
HEAD=command,path,loss_percent,proto,target,workload,connections,window,size,offered_rate,repetition,elapsed_s,sent,received,bytes,lost,late,duplicates,reordered,corrupt,wrong_source,errors,rate,p50_us,p90_us,p99_us,p999_us,max_us,corrected_p50_us,corrected_p99_us,corrected_max_us,server_cpu_us,server_calls,load_cpu,idle_bytes,bottleneck

# row FIELD=VALUE…: a row of CSV in which all other fields are empty.
row() {
    awk -v head="$HEAD" -v given="$*" 'BEGIN {
        n = split(given, pair, " ")
        for (i = 1; i <= n; i++) { at = index(pair[i], "="); value[substr(pair[i], 1, at - 1)] = substr(pair[i], at + 1) }
        fields = split(head, name, ",")
        for (i = 1; i <= fields; i++) printf "%s%s", (i > 1 ? "," : ""), value[name[i]]
        print "" }'
}
# field TSV COLUMN [LINE]: of the first line below the header, or of another.
field() { awk -F'\t' -v column="$2" -v line="${3:-1}" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) c = i } NR == line + 1 { print $c }' "$1"; }
spread() { awk -f "$TOOLS/spread.awk" "$1"; }
tell() { local part=$1; shift; awk -v part="$part" -f "$TOOLS/tell.awk" "$@"; }

# ---- from rows to spreads ---------------------------------------------------------------------

{
    echo "$HEAD"
    row command=tcp proto=tcp target=a elapsed_s=2 sent=10 lost=1 bytes=4000000 rate=30 p50_us=3 bottleneck=1
    row command=tcp proto=tcp target=a elapsed_s=2 sent=10 lost=0 bytes=4000000 rate=10 p50_us=1 bottleneck=0
    row command=tcp proto=tcp target=a elapsed_s=2 sent=20 lost=1 bytes=4000000 rate=20 bottleneck=0
    row command=tcp proto=tcp target=b elapsed_s=2 sent=10 lost=0 rate=100 | sed 's/,b,/,"b, ""c""",/'
} >"$TEST_TMP/spread.csv"
spread "$TEST_TMP/spread.csv" >"$TEST_TMP/spread.tsv"
cell() { field "$TEST_TMP/spread.tsv" "$@"; }
is "the repetitions of a cell become one line" "$(wc -l <"$TEST_TMP/spread.tsv") $(cell rounds)" "3 3"
is "with median, least and greatest" "$(cell rate) $(cell rate_low) $(cell rate_high)" "20 10 30"
is "an even number has its median in the middle" "$(cell p50_us) $(cell p50_us_low) $(cell p50_us_high)" "2 1 3"
is "bytes become MB/s" "$(cell mbytes)" 2
is "what is unknown stays unknown" "$(cell server_cpu_us) $(cell corrected_p99_us) $(cell idle_bytes)" "? ? ?"
is "losses are of all that was sent, the bottleneck of the repetitions" "$(cell lost) $(cell bound)" "0.05 0.333"
is "a quoted name is one field" "$(cell target 2) $(cell rate 2)" 'b, "c" 100'

# ---- sentences --------------------------------------------------------------------------------

# compared SIZE UDP TCP: three repetitions of each protocol at that size, rates within one percent of what is given.
compared() {
    local i
    for i in 0 1 2; do
        row command=compare path=veth loss_percent=0.00 proto=udp target=u workload=one size="$1" repetition=$i elapsed_s=1 rate=$(($2 + $2 * i / 200)) server_cpu_us=5
        row command=compare path=veth loss_percent=0.00 proto=tcp target=t workload=one size="$1" repetition=$i elapsed_s=1 rate=$(($3 + $3 * i / 200)) server_cpu_us=5
    done
}
sizes() { { echo "$HEAD"; cat; } >"$TEST_TMP/sizes.csv"; spread "$TEST_TMP/sizes.csv" | awk -f "$TOOLS/cross.awk" >"$TEST_TMP/crossings.tsv"; tell sizes "$TEST_TMP/crossings.tsv"; }
SAID=$({ compared 100 4000 2000; compared 1000 3000 3000; compared 10000 1000 2000; } | sizes)
like "a crossing is told with the sizes at which each is ahead" "$SAID" 'no loss, rate: TCP overtakes UDP near 1,000 bytes \(UDP is ahead at 100, TCP at 10,000\)'
like "where nobody is ahead there is no crossing" "$SAID" 'server CPU a message: the curves do not cross; of 3 sizes UDP is ahead at 0, TCP at 0, and at 3 there is no verdict'
SAID=$({ compared 100 4000 3990; compared 10000 1000 2000; } | sizes)
like "a lead within the spread is none, so it cannot be lost" "$SAID" 'rate: the curves do not cross; of 2 sizes UDP is ahead at 0, TCP at 1, and at 1 there is no verdict'

# grown TARGET LOAD CONNECTIONS CPU
grown() { row command=tcp path=loopback proto=tcp target="$1" workload="$2" connections="$3" elapsed_s=1 rate=1 server_cpu_us="$4"; }
growth() { { echo "$HEAD"; cat; } >"$TEST_TMP/growth.csv"; spread "$TEST_TMP/growth.csv" >"$TEST_TMP/growth.tsv"; tell growth "$TEST_TMP/growth.tsv"; }
SAID=$({ grown tcp_echo_server busy 1 20; grown tcp_echo_server busy 10 5; grown tcp_echo_server busy 100 5.2; grown tcp_echo_server busy 1000 5.5
    grown tcp_epoll busy 10 5; grown tcp_epoll busy 1000 5; } | growth)
like "growth beyond the goal is said" "$SAID" 'to 20\.0 µs \(1 connection\), that is -7 % to \+274 % of their median, 5\.35 µs: outside the goal'
like "and what remains without the single connection" "$SAID" 'Without the single connection.* within the goal'
like "and how it is beside plain epoll" "$SAID" 'Beside .tcp_epoll. with all connections busy, .*: 1\.00 to 1\.10 times'
unlike "nothing is said of a load that was not measured" "$SAID" 'idle'
SAID=$({ grown tcp_echo_server idle 50 5; grown tcp_echo_server idle 100 5.5; grown tcp_echo_server idle 10000 5.2; } | growth)
like "growth within it, too" "$SAID" 'among idle ones: from 5\.00 µs .* within the goal of ±15 %'

# ---- a report of recorded results -------------------------------------------------------------

exits "it draws and writes from results of before" 0 "$RUN" --from "$RECORDED" --out "$TEST_TMP/bench"
DIR=$TEST_TMP/bench
unlike "with every picture" "$(cat "$DIR/report.md")" 'could not be drawn'
unlike "and without a word from gnuplot" "$ERR" 'warning|line [0-9]+:'
PICTURES=$(cd "$DIR" && printf '%s\n' *.svg)
is "every picture that there is to be" "$(tr '\n' ' ' <<<"$PICTURES")" \
    "growth.svg latency_open.svg latency_tcp.svg latency_udp.svg models_tcp.svg models_udp.svg open_loop.svg sizes_single.svg sizes_windowed.svg workers.svg "
if have xmllint; then ok "SVG that an XML parser takes" xmllint --noout "$DIR"/*.svg; else skip "SVG that an XML parser takes" "no xmllint (make deps-test)"; fi
# Of each picture: its axes with their units, and a curve of the legend.
while IFS='|' read -r picture words; do
    missing=
    while read -r word; do grep -qF -- ">$word<" "$DIR/$picture.svg" || missing+="[$word] "; done < <(tr ';' '\n' <<<"$words")
    is "$picture.svg has its axes and legend" "$missing" ""
done <<'END'
growth|connections (log scale);server CPU per message, µs;tcp_echo_server
latency_open|latency, µs (log scale);share of the messages that were back;99.99 %
latency_tcp|latency, µs (log scale);share of the messages that were back;99.99 %;tcp_echo_server;tcp_iterative
latency_udp|latency, µs (log scale);share of the messages that were back;udp_echo_server
models_tcp|server CPU per message, µs;latency, µs (log scale);tcp_bufferevent;loopback
models_udp|server CPU per message, µs;latency, µs (log scale);udp_coalesce
open_loop|offered rate, thousand messages a second;99th percentile of latency (log scale);corrected (from when it was due);uncorrected (from when it was sent)
sizes_single|bytes in a message (log scale);messages a second (log scale);server CPU per message, µs (log scale);UDP;TCP
sizes_windowed|bytes in a message (log scale);messages a second (log scale);server CPU per message, µs (log scale);no loss
workers|thousand messages a second;server CPU per message, µs;1 worker;2 workers
END
bad=
for picture in $PICTURES; do
    grep -q '>conditions: Linux ' "$DIR/$picture" || bad+="$picture has no conditions; "
    # A PNG's width and height are bytes 16 to 23, in network order.
    [ "$(od -An -tu1 -j16 -N4 "$DIR/${picture%.svg}.png" | tr -d ' \n')" = 00"$((900 / 256))$((900 % 256))" ] || bad+="${picture%.svg}.png is not 900 wide; "
done
is "each with its conditions, and as a PNG 900 pixels wide" "$bad" ""

REPORT=$(cat "$DIR/report.md")
unlike "no number in the report is nan or inf" "$REPORT" '(^|[^a-z])(nan|inf)([^a-z]|$)'
unlike "no cell is empty or a question mark" "$(grep '^|' <<<"$REPORT")" '\| *\||\| \? \|'
unlike "no sentence lacks its figure" "$REPORT" '  |\(\)| ,|%[ds]'
gone=
while read -r link; do [ -s "$DIR/$link" ] || gone+="$link "; done < <(grep -oE '\]\([^)]+\)' <<<"$REPORT" | sed 's/^](//; s/)$//')
is "every link leads somewhere" "$gone" ""
like "it has the verdicts" "$REPORT" '^\| TCP CPU a message, 50 connections \| at most 1\.03 x tcp_epoll \|'
like "and says what stands behind it" "$REPORT" '^[0-9]+ cells \(a server under a load\), [0-9]+ repetitions in all\. Every byte'
exits "a second one keeps the first" 0 "$RUN" --from "$RECORDED" --out "$DIR"
ok "beside it" test -s "$DIR.old/report.md"
is "and leaves nothing else" "$(cd "$TEST_TMP" && printf '%s ' bench*)" "bench bench.old "

# Only what the script itself needs, and no gnuplot.
mkdir "$TEST_TMP/path"
for tool in awk bash basename cat chmod cp dirname env find fold grep head jq mapfile mkdir mktemp mv nproc od printenv realpath rm sed seq sort tail tac taskset tr wc; do
    if at=$(type -P "$tool"); then ln -s "$at" "$TEST_TMP/path/$tool"; fi
done
exits "without gnuplot there is a report all the same" 0 env PATH="$TEST_TMP/path" bash "$RUN" --from "$RECORDED" --out "$TEST_TMP/plain"
like "that says why it has no pictures" "$(cat "$TEST_TMP/plain/report.md")" 'gnuplot is not here, so there are no pictures'
unlike "and shows none" "$(cat "$TEST_TMP/plain/report.md")" '!\['

mkdir "$TEST_TMP/part"
cp "$RECORDED/growth.csv" "$TEST_TMP/part"
exits "of a part alone there is a report, too" 0 "$RUN" --from "$TEST_TMP/part" --out "$TEST_TMP/parts"
like "with that part" "$(cat "$TEST_TMP/parts/report.md")" '^## From one connection'
unlike "and no other" "$(cat "$TEST_TMP/parts/report.md")" '^## (UDP against|One worker|The servers|The open)'

exits "an unknown option is usage" 2 "$RUN" --frobnicate
like "by name" "$ERR" '^bench: --frobnicate: unknown option'
exits "a folder without results is, too" 2 "$RUN" --from "$TEST_TMP/path" --out "$TEST_TMP/none"
like "with what to do" "$ERR" 'path: none of .* is there \(measure first: make bench\)'

# ---- interrupted ------------------------------------------------------------------------------

# An echo_bench that gives a result to `models` and then never ends: the script is known to be inside `compare`.
mkdir "$TEST_TMP/bin"
cat >"$TEST_TMP/bin/echo_bench" <<'END'
#!/usr/bin/env bash
while [ $# -gt 0 ]; do case $1 in models | compare) command=$1 ;; --csv) csv=$2 ;; esac; shift; done
case $command in
models) printf 'command,path\nmodels,loopback\n' >"$csv" ;;
compare) echo $$ >"$STARTED"; exec "$FOREVER" infinity ;;
esac
END
chmod +x "$TEST_TMP/bin/echo_bench"
ln -s "$BIN/tcp_echo_server" "$BIN/udp_echo_server" "$TEST_TMP/bin/"
for signal in INT TERM; do
    rm -f "$TEST_TMP/started"
    # `env` with a default SIGINT: bash ignores it in what runs in the background.
    STARTED=$TEST_TMP/started FOREVER=$(type -P sleep) ECHOLAB_BIN=$TEST_TMP/bin \
        env --default-signal=INT "$RUN" --quick --out "$TEST_TMP/cut" >"$TEST_TMP/cut.out" 2>&1 </dev/null &
    PID=$!
    defer stop_pid "$PID"
    wait_for 20 test -s "$TEST_TMP/started"
    kill -$signal "$PID"
    rc=0; wait "$PID" || rc=$?
    is "SIG$signal ends it with its code" $rc "$([ $signal = INT ] && echo 130 || echo 143)"
    ok "what was measured is kept" test -s "$TEST_TMP/cut.interrupted/models.csv"
    like "and it says where" "$(cat "$TEST_TMP/cut.out")" "what was measured is in $TEST_TMP/cut.interrupted"
    ok "nothing goes on" gone "$(cat "$TEST_TMP/started")"
    is "and nothing else is left" "$(cd "$TEST_TMP" && printf '%s ' cut*)" "cut.interrupted cut.out "
    rm -rf "$TEST_TMP"/cut*
done

# ---- for real ---------------------------------------------------------------------------------

if [ -z "${ECHOLAB_LONG:-}" ]; then
    skip "a quick run of everything" "takes two minutes (ECHOLAB_LONG=1)"
else
    began=$SECONDS
    exits "a quick run of everything" 0 "$RUN" --quick --out "$TEST_TMP/real"
    is "takes two minutes at most" "$([ $((SECONDS - began)) -le 120 ] || echo $((SECONDS - began)))" ""
    for part in models compare growth workers sweep; do
        ok "$part: CSV with rows" test "$(wc -l <"$TEST_TMP/real/$part.csv")" -ge 2
        ok "$part: JSON that is whole" jq -e ".results | length > 0" "$TEST_TMP/real/$part.json"
    done
    ok "and all pictures" xmllint --noout "$TEST_TMP"/real/{growth,latency_open,latency_tcp,latency_udp,models_tcp,models_udp,open_loop,workers}.svg
    unlike "in the report no cell is empty" "$(grep '^|' "$TEST_TMP/real/report.md")" '\| *\||\| \? \|'
fi
