# write.sh - what `run` makes of the CSV and JSON in $DATA: pictures and report.md.
#
# A sentence with a figure in it is computed by tell.awk; what stands here says only what was asked, how, and what no figure
# of this kind can tell. A part that is missing is left out of the report, and the notes say why. [#missing-is-said]
# shellcheck shell=bash

PARTS=(models compare growth workers sweep)

tell() { local part=$1; shift; awk -v part="$part" -f "$HERE/tell.awk" "$@"; }
# A header and at least one row.
have_part() { [ -s "$DATA/$1.csv" ] && [ "$(wc -l <"$DATA/$1.csv")" -ge 2 ]; }

# conditions [PART]: under which a part was measured; without its own, the first one's that are known.
conditions() {
    local part
    for part in "$@" "${PARTS[@]}"; do
        [ -s "$DATA/$part.json" ] || continue
        jq -r '.conditions // empty | "conditions: " + ([.kernel, .cpu, (if .cores then "\(.cores) cores" else empty end), .governor, .pinning, .versions,
            (if .congestion_control and ([.congestion_control] | inside(["cubic", "reno"]) | not) then "TCP congestion control \(.congestion_control)" else empty end),
            (if .load_average then "load average \(.load_average)" else empty end), .date] | map(select(. != null and . != "")) | join(", "))' "$DATA/$part.json"
        return
    done
    echo "conditions: not recorded"
}

# draw NAME SCRIPT DATA [ARG…]: build NAME.svg and NAME.png.
draw() {
    local name=$1 script=$2 data=$3 kind
    shift 3
    [ -n "$PNG_KIND" ] || return 0
    for kind in svg "$PNG_KIND"; do
        if ! gnuplot -c "$HERE/$script" "$data" "$DATA/$name.$([ "$kind" = svg ] && echo svg || echo png)" "$kind" "$FOOT" "$@" 2>"$DATA/gnuplot.said"; then
            note "The picture $name.$kind could not be drawn: $(grep -v '^[[:space:]]*$' "$DATA/gnuplot.said" | tail -n1)"
            rm -f "$DATA/$name.svg" "$DATA/$name.png"
            FAILED+="$name.$kind "
            break
        fi
    done
    # A curve may have too few messages for a single point; anything else that it says is worth knowing.
    grep -v -e '^[[:space:]]*$' -e 'Skipping data file with no valid points' "$DATA/gnuplot.said" >&2 || true
    rm -f "$DATA/gnuplot.said"
}
# picture NAME TEXT: into the report, if it is there.
picture() { [ ! -s "$DATA/$1.svg" ] || printf '![%s](%s.svg)\n\n[PNG](%s.png)' "$2" "$1" "$1"; }
sources() { # NAME TEXT
    printf '%s: [CSV](%s.csv)' "$2" "$1"
    [ ! -s "$DATA/$1.json" ] || printf ', [JSON](%s.json)' "$1"
    printf '\n'
}
rows_of() { awk -F'\t' -v column="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) c = i; next } !seen[$c]++ { print $c }' "$1"; }
is_there() { # TSV TARGET WORKLOAD: has it a latency over loopback?
    awk -F'\t' -v t="$2" -v w="$3" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        $c["target"] == t && $c["workload"] == w && $c["path"] == "loopback" && $c["p50_us"] != "?" { found = 1 } END { exit !found }' "$1"
}

# Few enough to be told apart: ours, the limit, the tutorial, the smallest, the newest.
CURVES_TCP=(tcp_echo_server tcp_epoll tcp_bufferevent tcp_iterative tcp_io_uring)
CURVES_UDP=(udp_echo_server udp_blocking udp_coalesce udp_batch udp_epoll)

# ---- how long a message takes -----------------------------------------------------------------

# curves PROTO WORKLOAD WORKLOAD TARGET…: the curves of two panels, for those targets that were measured. Sets PICKS, MARK_PICKS, NAMES[1], NAMES[2].
curves() {
    local loads=("$2" "$3") panel target k
    shift 3
    PICKS='' MARK_PICKS='' NAMES=('' '' '')
    for panel in 1 2; do
        k=0
        for target in "$@"; do
            is_there "$DATA/tsv/models.tsv" "$target" "${loads[panel - 1]}" || continue
            k=$((k + 1))
            PICKS+=",{\"panel\":$panel,\"curve\":$k,\"path\":\"loopback\",\"target\":\"$target\",\"workload\":\"${loads[panel - 1]}\"}"
            MARK_PICKS+="$panel|$k|$target|${loads[panel - 1]};"
            NAMES[panel]+="\"$target\" "
        done
    done
    PICKS="[${PICKS#,}]"
    [ -n "${NAMES[1]}" ] && [ -n "${NAMES[2]}" ]
}
draw_latency() { # PROTO TITLE WORKLOAD WORKLOAD PANEL PANEL TARGET…
    local proto=$1 title=$2 loads=("$3" "$4") panels=("$5" "$6")
    shift 6
    [ -s "$DATA/models.json" ] && curves "$proto" "${loads[@]}" "$@" || return 0
    jq -r --argjson picks "$PICKS" -f "$HERE/cdf.jq" "$DATA/models.json" >"$DATA/tsv/cdf_$proto.tsv"
    tell marks -v picks="${MARK_PICKS%;}" "$DATA/tsv/models.tsv" >"$DATA/tsv/marks_$proto.tsv"
    MARKS=$DATA/tsv/marks_$proto.tsv draw "latency_$proto" cdf.gp "$DATA/tsv/cdf_$proto.tsv" "$title" "${panels[@]}" "${NAMES[1]}" "${NAMES[2]}"
}
draw_ladder() { # PROTO WORKLOAD TITLE PANEL
    tell_ladder_rows "$1" "$2" >"$DATA/tsv/ladder_$1.tsv"
    draw "models_$1" models.gp "$DATA/tsv/ladder_$1.tsv" "$3" "$(rows_of "$DATA/tsv/ladder_$1.tsv" target | wc -l)" "$4" "one message under way, both ends on one core"
}
tell_ladder_rows() { awk -v proto="$1" -v load="$2" -f "$HERE/ladder.awk" "$DATA/tsv/models.tsv"; }

write_models() {
    local kind load curves
    have_part models || return 0
    draw_ladder tcp crowd "TCP: every server side by side, messages of 64 bytes" "50 connections"
    draw_ladder udp window "UDP: every server side by side, datagrams of 64 bytes" "1 socket, 64 under way"
    draw_latency tcp "TCP: how long a message of 64 bytes took (closed loop, loopback)" latency crowd "one under way, both ends on one core" "50 connections, one under way on each" \
        "${CURVES_TCP[@]}"
    draw_latency udp "UDP: how long a datagram of 64 bytes took (closed loop, loopback)" latency window "one under way, both ends on one core" "64 under way on one socket" \
        "${CURVES_UDP[@]}"
    cat <<END
## The servers side by side

\`echo_bench models\` kept all servers alive and gave each the same loads, round after round, every other round backwards. Over loopback ours ran with the defaults
that a user gets: limits, counters and safety rules on.

END
    if [ -s "$DATA/models.md" ]; then sed '/^### Goals/,$d; /^conditions: /d' "$DATA/models.md"; echo; fi
    for kind in tcp udp; do
        load=$([ $kind = tcp ] && echo crowd || echo window)
        curves=$([ $kind = tcp ] && echo "${CURVES_TCP[*]}" || echo "${CURVES_UDP[*]}")
        picture "models_$kind" "CPU per message and latency of every ${kind^^} server"
        printf '\n\n'
        tell ladder -v proto=$kind -v load="$load" "$DATA/tsv/models.tsv"
        cat <<END
What it does not say: what a server costs with messages of another size, or how long a message takes from another core, where each wake-up adds its own time. A server without a bar
cannot serve that load, or its CPU could not be read.

END
        picture "latency_$kind" "Share of the ${kind^^} messages that were back within a time"
        printf '\n\n'
        tell latency -v proto=$kind -v loads="latency $load" -v targets="$curves" "$DATA/tsv/models.tsv"
        cat <<END
Each curve is of all repetitions together; a mark is the median of the repetitions and its bar goes from the least to the greatest. It is closed loop: a server that stalls is asked less
meanwhile, so the waits that others would have had are not in here; the open loop below shows them.

END
    done
    sources models "Every repetition, and the histograms in full"
    echo
}

# ---- UDP against TCP --------------------------------------------------------------------------

write_compare() {
    local workload losses path
    have_part compare || return 0
    awk -f "$HERE/cross.awk" "$DATA/tsv/compare.tsv" >"$DATA/tsv/crossings.tsv"
    # Only the lab network's cable can lose packets: where it was measured, the pictures are of it.
    path=$(rows_of "$DATA/tsv/compare.tsv" path | grep -x veth || echo loopback)
    losses=$(rows_of "$DATA/tsv/compare.tsv" loss_percent | head -n 2 | tr '\n' ' ')
    cat <<END
## UDP against TCP

\`echo_bench compare\` sent messages of the same sizes to both of our servers over the same path, quiet and while the lab network drops packets; the pictures are of the path $path.

END
    if [ -s "$DATA/compare.md" ]; then sed '/^conditions: /d' "$DATA/compare.md"; echo; fi
    while read -r workload; do
        draw "sizes_$workload" size.gp "$DATA/tsv/compare.tsv" "$workload" "UDP against TCP over message sizes: $(title_of "$workload"), path $path" "$losses" "$DATA/tsv/crossings.tsv" "$path"
        picture "sizes_$workload" "Rate and CPU of UDP and TCP against message size, $(title_of "$workload")"
        printf '\n\n'
    done < <(rows_of "$DATA/tsv/compare.tsv" workload)
    # The tables above have a sentence on that of their own.
    if [ ! -s "$DATA/compare.md" ]; then
        echo "Where the curves cross. One is ahead only where the medians lie further apart than the repetitions of either, and of three repetitions at least:"
        echo
        tell sizes "$DATA/tsv/crossings.tsv"
        echo
    fi
    cat <<END
The upper panels have medians with bars from the least to the greatest repetition, the lower ones the best repetition with a bar to the worst. Where one protocol overtakes the other, a grey band goes from the last
size at which the one is ahead for certain to the first of the other, and a line stands where the medians meet. What they do not say: UDP's figures are of the datagrams that came back; whoever
needs all of them must send again what was lost, and pays for that himself, while TCP's figures have it in them.

END
    sources compare "Every repetition"
    echo
}
title_of() {
    case $1 in
    single) echo "one message under way" ;;
    windowed) echo "a window of them under way" ;;
    *) echo "$1" ;;
    esac
}

# ---- growth, workers, open loop ---------------------------------------------------------------

write_growth() {
    local middles
    have_part growth || return 0
    read -ra middles < <(tell middle "$DATA/tsv/growth.tsv")
    draw growth growth.gp "$DATA/tsv/growth.tsv" "$(rows_of "$DATA/tsv/growth.tsv" target | tr '\n' ' ')" "${middles[@]}"
    cat <<END
## From one connection to ten thousand

What a message of 64 bytes costs the server when all connections ask in turn, and when 50 ask while all others are silent.

END
    picture growth "Server CPU per message against connections"
    printf '\n\n'
    tell growth "$DATA/tsv/growth.tsv"
    cat <<END

Figures are the best of the repetitions, with the worst beside it. It does not say what a connection costs to open, nor what an idle one takes of memory: that is among the servers above.

END
    sources growth "Every repetition"
    echo
}
write_workers() {
    local cores
    have_part workers || return 0
    draw workers workers.gp "$DATA/tsv/workers.tsv" "$(rows_of "$DATA/tsv/workers.tsv" target | tr '\n' ' ')"
    cores=$(jq -r '.conditions.cores // "?"' "$DATA/workers.json" 2>/dev/null || echo '?')
    cat <<END
## One worker and two

END
    picture workers "Rate and CPU with one and with two workers"
    printf '\n\n'
    tell workers "$DATA/tsv/workers.tsv"
    echo
    if [[ $cores = [0-9]* ]] && [ "$cores" -lt 4 ]; then
        echo "This machine has $cores cores: the second worker shares its core with the generator, so the rate cannot show what it would bring on a core of its own. That the work is divided, and what dividing costs, can be seen here; scaling cannot."
    else
        echo "Workers and generator had cores of their own. It does not say how more than two workers do."
    fi
    echo
    sources workers "Every repetition"
    echo
}
write_sweep() {
    local tcp udp
    have_part sweep || return 0
    read -r tcp udp < <(tell full "$DATA/tsv/sweep.tsv")
    draw open_loop sweep.gp "$DATA/tsv/sweep.tsv" "$tcp" "$udp"
    draw_open_latency
    cat <<END
## The open loop: what users wait

In open loop messages are due at fixed instants, however slow the server is. Latency counts from when a message was due (corrected), and, beside it, from when it was sent.

END
    picture open_loop "p99 latency against offered rate, corrected and uncorrected"
    printf '\n\n'
    tell sweep "$DATA/tsv/sweep.tsv"
    cat <<END

It does not say that the server is at its limit where the generator was: on two cores both have one each, and a rate that the generator could not keep makes messages late by itself.

END
    picture latency_open "Share of the messages that were back within a time, in open loop"
    printf '\n\n'
    echo "The same runs as curves, at the middle one of the offered rates and at the highest. It does not say what a pause of the server of a given length does: that takes one pause, not a sum of many."
    echo
    sources sweep "Every repetition, and the histograms in full"
    echo
}
# Two rates of each server, the middle one and the highest: corrected and uncorrected.
draw_open_latency() {
    local picks names
    [ -s "$DATA/sweep.json" ] || return 0
    picks=$(jq -c -f "$HERE/open_picks.jq" "$DATA/sweep.json")
    mapfile -t names < <(jq -r 'map(select(.panel == 1)), map(select(.panel == 2)) | map("\"\(.name)\"") | join(" ")' <<<"$picks")
    [ -n "${names[0]}" ] && [ -n "${names[1]}" ] || return 0
    jq -r --argjson picks "$picks" -f "$HERE/cdf.jq" "$DATA/sweep.json" >"$DATA/tsv/cdf_open.tsv"
    tell openmarks -v picks="$(jq -r 'map("\(.panel)|\(.curve)|\(.target)|\(.rate)|\(.key)") | join(";")' <<<"$picks")" "$DATA/tsv/sweep.tsv" >"$DATA/tsv/marks_open.tsv"
    MARKS=$DATA/tsv/marks_open.tsv draw latency_open cdf.gp "$DATA/tsv/cdf_open.tsv" "Open loop: how long a message of 64 bytes took" \
        "TCP, tcp_echo_server, 50 connections" "UDP, udp_echo_server, 1 socket" "${names[0]}" "${names[1]}"
}

write_everything() {
    local part
    mkdir -p "$DATA/tsv"
    NOTES=$DATA/drawing.md
    PNG_KIND=
    if command -v gnuplot >/dev/null; then
        PNG_KIND=$(gnuplot -e 'set terminal' 2>&1 </dev/null | grep -qw pngcairo && echo pngcairo || echo png)
    else
        note "gnuplot is not here, so there are no pictures (make deps-test)."
    fi
    for part in "${PARTS[@]}"; do
        if have_part "$part"; then awk -f "$HERE/spread.awk" "$DATA/$part.csv" >"$DATA/tsv/$part.tsv"; fi
    done
    # The sections first: while they are written, notes come up.
    for part in "${PARTS[@]}"; do
        FOOT=$(conditions "$part" | fold -s -w 135)
        "write_$part"
    done >"$DATA/sections.md"
    {
        printf '# What echolab measured on this machine\n\n%s.\n\n' "$(conditions)"
        verified
        if [ -s "$DATA/notes.md" ] || [ -s "$DATA/drawing.md" ]; then
            printf '## To be known\n\n'
            cat "$DATA/notes.md" "$DATA/drawing.md" 2>/dev/null || true
            echo
        fi
        verdicts
        cat "$DATA/sections.md"
    } | cat -s >"$DATA/report.md"
    rm -f "$DATA/sections.md" "$DATA/drawing.md"
}
# The goals come first: what `echo_bench models --goals` said of them.
verdicts() {
    grep -q '^### Goals' "$DATA/models.md" 2>/dev/null || return 0
    cat <<END
## The goals

Each is a ratio to something measured in the same run. CPU is the best of the repetitions, because noise only ever adds; all else is the median of the ratios within one round. Single rounds: the least and the greatest
ratio that one round alone would have given; where they lie on both sides of the goal, another run may say the other thing.

END
    sed '1,/^### Goals/d' "$DATA/models.md"
    echo
}
# How much stands behind the figures.
verified() {
    local part
    for part in "${PARTS[@]}"; do if have_part "$part"; then cat "$DATA/tsv/$part.tsv"; fi; done | awk -F'\t' '
        $1 == "command" { for (i = 1; i <= NF; i++) c[$i] = i; next }
        { cells++; rounds += $c["rounds"]; wrong += $c["wrong"] }
        END { printf "%d cells (a server under a load), %d repetitions in all. Every byte of every echo was compared: %s\n\n", cells, rounds, \
              (wrong == 0 ? "none was wrong." : wrong " echoes were wrong, came from somebody else, or failed.") }'
}
