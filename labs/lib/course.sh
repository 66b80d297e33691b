# course.sh - the labs in their order, and where the learner stands in each.
#
# lab_report reads the index and the records and gives a line for each lab; here they become arrays by
# id. The next action is decided in one place, next_action.
# Partner: records.sh (what is written), lab_records.h (what the line holds).
# shellcheck shell=bash disable=SC2034 # for the files that source this one

# In the tree programs are in build/bin; installed, those of labs and networks are in libexec, beside labs/,
# and what a person types is in bin.
if [ -x "$HERE/../netns/net" ]; then
    ROOT=$(cd "$HERE/.." && pwd)
    NET=$ROOT/netns/net BIN=${ECHOLAB_BIN:-$ROOT/build/bin} WORK=${ECHOLAB_LAB_WORK:-$HERE/work}
else
    ROOT=$(cd "$HERE/.." && pwd)
    NET=$ROOT/net BIN=${ECHOLAB_BIN:-$ROOT} WORK=${ECHOLAB_LAB_WORK:-${HOME:-/nonexistent}/echolab-labs}
    PATH=$PATH:$ROOT/../../bin ME=${ME##*/}
fi
case $WORK in /*) ;; *) WORK=$PWD/$WORK ;; esac

case $BIN in /*) ;; *) BIN=$PWD/$BIN ;; esac

need_programs() { # NAME…
    local name
    for name; do
        [ ! -x "$BIN/$name" ] || continue
        complain "not all is built here yet: $name is missing"
        next_is "make$([ "$PWD" -ef "$ROOT" ] || printf ' -C %q' "$(shown "$ROOT")")" "and then this command again; it takes a minute or two, once. $ME doctor tells what make needs" >&2
        exit 1
    done
}
helper() { "$BIN/lab_report" "--width=$WIDTH" ${COLOR:+--color} -- "$@"; }

declare -A SLUG TITLE AFTER MINUTES NEEDS STARTED QUESTIONS LOCKED OBSERVED HINTS RESULT DETAIL PASSED GAVE_UP FREE
ORDER=() CURRENT=

# load: reads the index and the records into the arrays. What is broken in them is told the first time only.
LOADED=
load() {
    local id rest state
    need_programs lab_report
    if [ -z "$LOADED" ]; then state=$(helper state "$(shown "$HERE")" "$(shown "$WORK")") || exit 1 # it has said why
    else state=$(helper state "$HERE" "$WORK" 2>/dev/null) || refuse "the records cannot be read any more"; fi
    ORDER=() CURRENT=
    while IFS=$'\t' read -r id rest; do
        ORDER+=("$id")
        # shellcheck disable=SC2086 # an id is one word
        IFS=$'\t' read -r SLUG[$id] TITLE[$id] AFTER[$id] MINUTES[$id] NEEDS[$id] STARTED[$id] QUESTIONS[$id] LOCKED[$id] \
            OBSERVED[$id] HINTS[$id] RESULT[$id] DETAIL[$id] PASSED[$id] GAVE_UP[$id] FREE[$id] state <<<"$rest"
        [ "$state" != yes ] || CURRENT=$id
    done <<<"$state"
    if [ -z "$LOADED$CURRENT" ] && [ -e "$WORK/current" ]; then
        complain "$(shown "$WORK/current"): it names no lab that there is, so none is current; all else is kept. $ME start N makes one current again"
    fi
    LOADED=yes
}

dir_of() { echo "$HERE/$1-${SLUG[$1]}"; }
locked() { [ "${LOCKED[$1]}" -ge "${QUESTIONS[$1]}" ] || [ "${FREE[$1]}" = yes ]; }

# The lab in whose folder of labs/work/ the learner stands, if it is one.
lab_here() {
    local id=${PWD#"$WORK"/}
    id=${id%%/*}
    if [ -n "$id" ] && [ -n "${SLUG[$id]:-}" ]; then echo "$id"; fi # elsewhere the path begins with /, and nothing stands before that
}
# pick [N]: the lab that a word names, or the one in whose folder we are, or the current one, into LAB and DIR.
pick() {
    local word=${1:-} id near
    LAB=
    no_options "$@"
    [ $# -eq 0 ] || [ -n "$word" ] || usage_error "$VERB: an empty word names no lab ($ME list)"
    [ -n "$word" ] || word=$(lab_here)
    if [ -z "$word" ]; then
        [ -n "$CURRENT" ] || { complain "no lab is $(any_begun && echo current || echo begun yet)."; next_is "$ME start ${ORDER[0]}" >&2; exit 1; }
        LAB=$CURRENT
    else
        for id in "${ORDER[@]}"; do
            case $word in "$id" | "${SLUG[$id]}" | "$id-${SLUG[$id]}") LAB=$id ;; esac
            [[ ! $word =~ ^[0-9]{1,4}$ || ! $id =~ ^[0-9]+$ ]] || [ $((10#$word)) -ne $((10#$id)) ] || LAB=$id
        done
        if [ -z "$LAB" ]; then
            near=$(helper nearest "$word" "${SLUG[@]}") || true
            usage_error "$word: no such lab${near:+; did you mean $near?} ($ME list)"
        fi
    fi
    DIR=$(dir_of "$LAB")
    [ -d "$DIR" ] || usage_error "lab $LAB (${TITLE[$LAB]}): there is no folder $(shown "$DIR"): it is not written yet"
}

any_begun() { [[ " ${STARTED[*]} " == *' yes '* ]]; }

need_started() {
    [ "${STARTED[$LAB]}" = no ] || return 0
    complain "lab $LAB (${TITLE[$LAB]}) is not begun yet."
    next_is "$ME start $LAB" >&2
    exit 1
}

# need_predictions VERB SKIP: who has seen the answer cannot guess any more. SKIP is not empty when
# --no-predict was said; once is enough, and it is written down.
need_predictions() {
    if [ "${LOCKED[$LAB]}" -ge "${QUESTIONS[$LAB]}" ]; then return 0; fi
    if [ -n "$2" ] && [ "${FREE[$LAB]}" = no ]; then
        record "$LAB" no-predict "$1"
        FREE[$LAB]=yes
    fi
    [ "${FREE[$LAB]}" = no ] || return 0
    complain "$1: first the predictions of lab $LAB: ${LOCKED[$LAB]} of ${QUESTIONS[$LAB]} are locked. They are the quickest way to learn this; --no-predict goes on without (recorded)."
    next_action "$LAB"
    next_is "$NEXT" "$WHY" >&2
    exit 1
}

# unmet ID: which of the labs that should come before have not passed.
unmet() {
    local before list=
    for before in ${AFTER[$1]//,/ }; do
        [ "$before" = - ] || [ "${PASSED[$before]:-yes}" = yes ] || list+="${list:+, }$before"
    done
    echo "$list"
}

# next_action ID: what to do now, into NEXT (to be typed) and WHY.
next_action() {
    local id=$1 at='' dir
    dir=$(dir_of "$id")
    [ "$id" = "$CURRENT" ] || at=" $id"
    WHY=
    if [ "${STARTED[$id]}" = no ]; then
        NEXT="$ME start $id" WHY="${TITLE[$id]}, about ${MINUTES[$id]} minutes"
    elif [ "${PASSED[$id]}" = yes ]; then
        NEXT="$ME next" WHY="or compare with $ME solution $id"
    elif ! locked "$id"; then
        NEXT="$ME predict$at" WHY="${LOCKED[$id]} of ${QUESTIONS[$id]} questions are answered; answers lock"
    elif [ "${RESULT[$id]}" = fail ]; then
        NEXT="$ME check$at" WHY="after a change in $(shown "$WORK/$id"); --watch checks at each save, $ME hint$at helps"
    elif [ "${RESULT[$id]}" = skip ]; then
        NEXT="$ME doctor" WHY="nothing could be checked (${DETAIL[$id]}), and it tells what can be done; $ME start N goes on elsewhere"
    elif [ "${OBSERVED[$id]}" = no ] && [ "${QUESTIONS[$id]}" -gt 0 ]; then
        NEXT="read $(shown "$dir/README.md")" WHY="up to Build; then $ME predict$at puts your answers beside what this machine does"
    else
        NEXT="$ME check --watch$at" WHY="and write in $(shown "$WORK/$id") what $(shown "$dir/README.md") asks for under Build"
    fi
}

show_next() { next_action "$1"; next_is "$NEXT" "$WHY"; }

progress() {
    local id passed='' count=0 bar='' i
    for id in "${ORDER[@]}"; do
        if [ "${PASSED[$id]}" = yes ]; then passed+=" $id"; count=$((count + 1)); fi
    done
    for ((i = 0; i < ${#ORDER[@]}; i++)); do if [ $i -lt $count ]; then bar+='#'; else bar+='.'; fi; done
    wrap 10 "Progress  " "[$bar] $count of ${#ORDER[@]} labs passed${passed:+:$passed}"
}

# state_of ID: in a few words.
state_of() {
    local id=$1
    if [ "${PASSED[$id]}" = yes ]; then echo passed
    elif [ "${STARTED[$id]}" = no ]; then echo "-"
    elif ! locked "$id"; then echo "predictions ${LOCKED[$id]} of ${QUESTIONS[$id]}"
    elif [ "${RESULT[$id]}" = fail ]; then echo "failed: ${DETAIL[$id]}"
    elif [ "${RESULT[$id]}" = skip ]; then echo "could not be checked"
    else echo begun; fi
}

cmd_where() {
    local id
    no_operands "$@"
    load
    id=${CURRENT:-${ORDER[0]}}
    if [ -z "$CURRENT" ] && any_begun; then
        say "No lab is current. $ME list has those that you have begun."
    elif [ -z "$CURRENT" ]; then
        say "echolab: ${#ORDER[@]} labs, in each of which you predict, see, and build. No lab is begun yet."
    else
        bold "Lab $id: ${TITLE[$id]}"; echo
        tick "${STARTED[$id]}" begun "$(shown "$WORK/$id")"
        tick "$(yes_if locked "$id")" predict "${LOCKED[$id]} of ${QUESTIONS[$id]} answers locked$([ "${FREE[$id]}" = no ] || echo '; went on without (--no-predict)')"
        tick "${OBSERVED[$id]}" see "$(shown "$(dir_of "$id")/README.md")"
        tick "${PASSED[$id]}" build "$(checked "$id")"
        upstream_changed "$id" || true
    fi
    echo
    show_next "$id"
    progress
}

yes_if() { if "$@"; then echo yes; else echo no; fi; }
tick() { # yes|no WORD TEXT
    local mark='[ ]'
    [ "$1" = no ] || mark='[x]'
    wrap 16 "$(printf '  %s %-9s ' "$mark" "$2")" "$3"
}
checked() { # ID
    local text
    case ${RESULT[$1]} in
    -) text="not checked yet" ;;
    pass) text="passes" ;;
    skip) text="could not be checked: ${DETAIL[$1]}" ;;
    *) text="last check failed: ${DETAIL[$1]}" ;;
    esac
    [ "${PASSED[$1]}" = no ] || [ "${RESULT[$1]}" = pass ] || text="passed before; $text"
    [ "${HINTS[$1]}" -eq 0 ] || text+="; hints used: ${HINTS[$1]}"
    [ "${GAVE_UP[$1]}" = no ] || text+="; given up once"
    echo "$text"
}

cmd_list() {
    local id mark
    no_operands "$@"
    load
    printf '     %-26s %7s  %-8s  %s\n' Lab Minutes Needs State
    for id in "${ORDER[@]}"; do
        mark=' '
        [ "$id" != "$CURRENT" ] || mark='>'
        printf '%s %-2s %-26.26s %7.7s  %-8.8s  %.29s\n' "$mark" "$id" "${TITLE[$id]}" "${MINUTES[$id]}" "${NEEDS[$id]}" "$(state_of "$id")"
    done
}

# An author's program of its own: it runs checks and transcripts in mirrors of this tree.
cmd_author_check() {
    [ "$NET" = "$ROOT/netns/net" ] || refuse "author-check: labs are written in a source tree, and this one is installed"
    need_programs lab_predict lab_transcript lab_peer lab_report
    ECHOLAB_BIN=$BIN exec bash "$LIB/author.sh" "$@"
}
