# measure.sh - what `run` measures, and in which order.
#
# Each part writes NAME.csv and NAME.json into $DATA. The ladder and UDP against TCP are commands of echo_bench. Growth, workers and the open
# loop are single runs of it, in rounds: each round measures everything once, every other one backwards, so that whatever else
# the machine does meanwhile meets all alike. [#in-rounds]
# shellcheck shell=bash

# The cores that we may use: the server gets the first, the generator the second. With a single one nothing is pinned.
find_cores() {
    local allowed range
    allowed=$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
    CORES=()
    for range in ${allowed//,/ }; do mapfile -t -O ${#CORES[@]} CORES < <(seq "${range%-*}" "${range#*-}"); done
    PIN_SERVER=() PIN_LOAD=() PINNING="not pinned"
    if [ ${#CORES[@]} -ge 2 ]; then
        PIN_SERVER=(taskset -c "${CORES[0]}") PIN_LOAD=(--cpu "${CORES[1]}")
        PINNING="server on core ${CORES[0]}, generator on core ${CORES[1]}"
    else
        note "This machine gives a single core, so nothing was pinned, and server and generator took time from each other."
    fi
}

# start_server NAME CMD…: waits for its ready line, then sets SERVER_PID[NAME] and SERVER_AT[NAME].
start_server() {
    local name=$1 line=
    shift
    : >"$DATA/$name.ready"
    "$@" --listen 127.0.0.1:0 >"$DATA/$name.ready" 2>"$DATA/$name.said" </dev/null &
    SERVER_PID[$name]=$!
    until line=$(grep -m1 '^ready ' "$DATA/$name.ready"); do
        kill -0 "${SERVER_PID[$name]}" 2>/dev/null || { note "$name did not start: $(tail -n1 "$DATA/$name.said")"; unset "SERVER_PID[$name]"; return 1; }
        read -rt 0.02 <> <(:) || true
    done
    SERVER_AT[$name]=$(sed -nE 's/.* listen=([^ ,]+).*/\1/p' <<<"$line")
}
stop_server() {
    local pid=${SERVER_PID[$1]}
    unset "SERVER_PID[$1]"
    kill -TERM "$pid" 2>/dev/null || true
    kill -TERM "$pid" 2>/dev/null || true # a second one ends the draining of connections that somebody still holds
    wait "$pid" 2>/dev/null || true
    rm -f "$DATA/$1.ready" "$DATA/$1.said"
}

# child CMD…: runs it so that a signal to this script is heard at once. Its exit code is passed on.
child() {
    local status=0
    "$@" &
    CHILD=$!
    wait "$CHILD" || status=$?
    CHILD=
    return $status
}

# one_run PART TARGET WORKLOAD CONNECTIONS ROUND COMMAND OPTION…: one repetition against a server that is up, into PART's files.
# Losses and deadlines (exit 1, 28) are results, too.
one_run() {
    local part=$1 target=$2 workload=$3 connections=$4 round=$5 command=$6 status=0
    shift 6
    rm -f "$DATA/one.csv" "$DATA/one.json"
    child "$BIN/echo_bench" "$command" -q --repeat 1 --duration "$LENGTH" --warmup "$WARMUP" "${PIN_LOAD[@]}" --server-pid "${SERVER_PID[$target]}" \
        --csv "$DATA/one.csv" --json "$DATA/one.json" "$@" "${SERVER_AT[$target]}" >/dev/null 2>"$DATA/one.said" || status=$?
    case $status in
    0 | 1 | 28) ;;
    *) note "$part, $target, $workload, $connections connections: $(tail -n1 "$DATA/one.said")"; return 0 ;;
    esac
    have_part one || { note "$part, $target, $workload, $connections connections: no result. $(tail -n1 "$DATA/one.said")"; return 0; }
    [ -s "$DATA/$part.csv" ] || head -n1 "$DATA/one.csv" >"$DATA/$part.csv"
    awk -F, -v OFS=, -v target="$target" -v workload="$workload" -v connections="$connections" -v round="$round" '
        NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        { $column["path"] = "loopback"; $column["target"] = target; $column["workload"] = workload
          $column["connections"] = connections; $column["repetition"] = round; print }' "$DATA/one.csv" >>"$DATA/$part.csv"
    LABELS=$((LABELS + 1))
    mv "$DATA/one.json" "$(printf '%s/run-%06d.json' "$DATA" "$LABELS")"
    printf '%s\t%s\t%s\n' "$target" "$workload" "$round" >>"$DATA/labels.tsv"
}

# One document of all single runs of a part.
collect() {
    if compgen -G "$DATA/run-*.json" >/dev/null; then
        jq -c -s --rawfile names "$DATA/labels.tsv" --arg pinning "$PINNING" -f "$HERE/collect.jq" "$DATA"/run-*.json >"$DATA/$1.json" || rm -f "$DATA/$1.json"
    fi
    rm -f "$DATA"/run-*.json "$DATA/labels.tsv" "$DATA/one.csv" "$DATA/one.json" "$DATA/one.said"
    [ -s "$DATA/$1.csv" ] || FAILED+="$1 "
}

# rounds PART UNTIL LEAST MOST FUNCTION: repeats while the next round would, by the last one, still end in time; LEAST times in any case.
rounds() {
    local part=$1 until=$2 least=$3 most=$4 function=$5 round=1 began
    for (( ; ; round++)); do
        began=$SECONDS
        say "$part: round $round of at most $most"
        "$function" "$round"
        if ((round >= most || round >= least && 2 * SECONDS - began > until)); then break; fi
    done
    too_few "$part" "$round"
}
too_few() { # PART ROUNDS
    [ "$2" -ge 3 ] || note "$1: for want of time only $2 repetition$([ "$2" = 1 ] || echo s), too few for a verdict."
}
# The names given, backwards in every other round.
in_turn() {
    local round=$1
    shift
    if ((round % 2)); then printf '%s\n' "$@"; else printf '%s\n' "$@" | tac; fi
}

# ---- the parts --------------------------------------------------------------------------------

measure_models() { # OPTION…
    local status=0
    say "models: every server under every load, $(repetitions "$@")"
    child "$BIN/echo_bench" models --goals "$@" --format markdown \
        --csv "$DATA/models.csv" --json "$DATA/models.json" >"$DATA/models.md" || status=$?
    keep_or_note models "$status"
}
measure_compare() { # OPTION…
    local status=0
    say "compare: UDP against TCP over message sizes, $(repetitions "$@")"
    child "$BIN/echo_bench" compare "$@" --format markdown \
        --csv "$DATA/compare.csv" --json "$DATA/compare.json" >"$DATA/compare.md" || status=$?
    keep_or_note compare "$status"
}
repetitions() { echo "up to $2 repetitions"; } # of --repeat N …
# A command may end with 1 because something was lost, and still have measured everything else.
keep_or_note() {
    if ! have_part "$1"; then
        note "\`echo_bench $1\` gave no results (exit $2)."
        rm -f "$DATA/$1.csv" "$DATA/$1.json" "$DATA/$1.md"
        FAILED+="$1 "
    elif [ "$2" -ne 0 ]; then
        note "\`echo_bench $1\` ended with exit $2: some of it could not be measured, or lost echoes."
    fi
    if have_part "$1"; then
        too_few "$1" "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "repetition") c = i; next } $c > most { most = $c } END { print most + 0 }' "$DATA/$1.csv")"
    fi
}

growth_round() {
    local round=$1 n target
    local -a order
    mapfile -t order < <(in_turn "$round" "${GROWTH_TARGETS[@]}")
    for n in "${GROWTH_CROWDS[@]}"; do
        # Of many connections each shall have had its turn several times.
        LENGTH=$([ "$n" -ge 10000 ] && echo "$GROWTH_LONG" || echo "$GROWTH_LENGTH")
        for target in "${order[@]}"; do one_run growth "$target" busy "$n" "$round" tcp --connections "$n" --window 1; done
    done
    LENGTH=$GROWTH_LENGTH
    for n in 50 "${GROWTH_CROWDS[@]}"; do
        [ "$n" -ge 50 ] || continue
        for target in "${order[@]}"; do one_run growth "$target" idle "$n" "$round" tcp --connections 50 --idle $((n - 50)) --window 1; done
    done
}
measure_growth() { # UNTIL
    local target limit n
    limit=$(ulimit -Hn)
    if [ "$limit" = unlimited ] || [ "$limit" -gt 20000 ]; then limit=20000; fi
    ulimit -Sn "$limit" # servers and generators inherit it
    GROWTH_CROWDS=()
    for n in 1 10 100 1000 10000; do
        if [ $((n + 100)) -le "$limit" ]; then GROWTH_CROWDS+=("$n")
        else note "growth: $n connections were left out, because a process may open only $limit files here."; fi
    done
    GROWTH_TARGETS=()
    for target in tcp_echo_server tcp_epoll tcp_bufferevent; do
        if [ -x "$BIN/$target" ] && start_server "$target" "${PIN_SERVER[@]}" "$BIN/$target"; then GROWTH_TARGETS+=("$target"); fi
    done
    [ ${#GROWTH_TARGETS[@]} -eq 0 ] || rounds growth "$1" "$GROWTH_LEAST" "$MOST" growth_round
    for target in "${GROWTH_TARGETS[@]}"; do stop_server "$target"; done
    collect growth
}

workers_round() {
    local round=$1 name
    while read -r name; do
        case $name in
        tcp_*) one_run workers "$name" "${WORKERS_LOAD[$name]}" 50 "$round" tcp --connections 50 --window 1 "${WORKERS_THREADS[@]}" ;;
        udp_*) one_run workers "$name" "${WORKERS_LOAD[$name]}" 16 "$round" udp --connections 16 --window 16 --batch 16 "${WORKERS_THREADS[@]}" ;;
        esac
    done < <(in_turn "$round" "${WORKERS_NAMES[@]}")
}
# With four cores the generator has two of its own; with two it shares the second with the second worker, and the report says so.
measure_workers() { # UNTIL
    local server count name cores pinned=("${PIN_LOAD[@]}") pinning=$PINNING
    declare -gA WORKERS_LOAD=()
    WORKERS_THREADS=() WORKERS_NAMES=()
    for server in tcp_echo_server udp_echo_server; do
        for count in 1 2; do
            name=$server-$count
            cores=()
            if [ ${#CORES[@]} -ge 2 ]; then cores=(taskset -c "$(IFS=,; echo "${CORES[*]:0:count}")"); fi
            start_server "$name" "${cores[@]}" "$BIN/$server" --workers "$count" || continue
            WORKERS_NAMES+=("$name")
            WORKERS_LOAD[$name]="$count worker$([ "$count" = 1 ] || echo s)"
        done
    done
    [ ${#CORES[@]} -lt 2 ] || PINNING="workers on cores ${CORES[0]} and ${CORES[1]}, generator on core ${CORES[1]}"
    if [ ${#CORES[@]} -ge 4 ]; then
        PIN_LOAD=(--cpu "${CORES[2]}")
        WORKERS_THREADS=(--threads 2)
        PINNING="workers on cores ${CORES[0]} and ${CORES[1]}, generator on cores ${CORES[2]} and ${CORES[3]}"
    fi
    LENGTH=$WORKERS_LENGTH
    [ ${#WORKERS_NAMES[@]} -eq 0 ] || rounds workers "$1" 1 "$MOST" workers_round
    for name in "${WORKERS_NAMES[@]}"; do stop_server "$name"; done
    collect workers
    PIN_LOAD=("${pinned[@]}") PINNING=$pinning
    # The servers had a number in their names only to be told apart here.
    if [ -s "$DATA/workers.csv" ]; then sed -i -E 's/_server-[12],/_server,/' "$DATA/workers.csv"; fi
    if [ -s "$DATA/workers.json" ]; then sed -i -E 's/_server-[12]"/_server"/g' "$DATA/workers.json"; fi
}

sweep_one() { # TARGET WORKLOAD ROUND OPTION…
    local target=$1 workload=$2 round=$3
    shift 3
    case $target in
    tcp_*) one_run sweep "$target" "$workload" 50 "$round" tcp --connections 50 --window 1 "$@" ;;
    udp_*) one_run sweep "$target" "$workload" 1 "$round" udp --connections 1 --window 64 --batch 64 "$@" ;;
    esac
}
sweep_round() {
    local round=$1 target share
    for target in "${SWEEP_TARGETS[@]}"; do
        sweep_one "$target" closed "$round"
        if [ -z "${SWEEP_FULL[$target]:-}" ]; then
            SWEEP_FULL[$target]=$(awk -F, -v t="$target" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } $c["target"] == t { rate = $c["rate"] } END { printf "%.0f", rate }' "$DATA/sweep.csv")
            [ "${SWEEP_FULL[$target]}" -gt 0 ] || { note "sweep: $target answered nothing in closed loop."; unset "SWEEP_FULL[$target]"; continue; }
        fi
        while read -r share; do
            sweep_one "$target" open "$round" --rate $((SWEEP_FULL[$target] * share / 100))
        done < <(in_turn "$round" "${SWEEP_SHARES[@]}")
    done
}
measure_sweep() { # UNTIL
    local target
    declare -gA SWEEP_FULL=()
    SWEEP_TARGETS=()
    for target in tcp_echo_server udp_echo_server; do
        start_server "$target" "${PIN_SERVER[@]}" "$BIN/$target" && SWEEP_TARGETS+=("$target")
    done
    LENGTH=$SWEEP_LENGTH
    [ ${#SWEEP_TARGETS[@]} -eq 0 ] || rounds sweep "$1" 1 "$MOST" sweep_round
    for target in "${SWEEP_TARGETS[@]}"; do stop_server "$target"; done
    collect sweep
}

# How the time is shared: seconds until which each part may go on. What one leaves, the next ones have; on a slow machine each has fewer rounds.
measure_everything() {
    local program
    for program in echo_bench tcp_echo_server udp_echo_server; do
        [ -x "$BIN/$program" ] || die "$BIN/$program is not there (make)"
    done
    LABELS=0
    awk '$1 > 0.5 { exit 1 }' /proc/loadavg || note "When it began, the load average was $(cut -d ' ' -f 1 /proc/loadavg): something else worked here, so take the figures with care."
    find_cores
    SWEEP_SHARES=(10 20 40 60 70 80 90 100 110 120) MOST=5
    if [ -n "$QUICK" ]; then
        WARMUP=50ms GROWTH_LENGTH=200ms GROWTH_LONG=600ms WORKERS_LENGTH=300ms SWEEP_LENGTH=300ms SWEEP_SHARES=(20 60 90 120) MOST=3
        GROWTH_LEAST=1
        measure_models --repeat 3 --quick --deadline 45
        measure_compare --repeat 3 --quick --deadline 20 --sizes 1,1400,65507
        measure_growth 80
        measure_workers 88
        measure_sweep 102
    else
        WARMUP=100ms GROWTH_LENGTH=400ms GROWTH_LONG=1s WORKERS_LENGTH=700ms SWEEP_LENGTH=700ms
        GROWTH_LEAST=3
        measure_models --repeat 5 --duration 200ms --deadline 270
        measure_compare --repeat 3 --deadline 90
        measure_growth 450
        measure_workers 480
        measure_sweep 555
    fi
}
