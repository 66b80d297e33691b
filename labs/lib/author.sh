#!/usr/bin/env bash
# author.sh - `lab author-check`: does a lab hold what it says? TAP, one line a claim.
#
#   labs/lib/author.sh [--tap] [N…]        all labs without N; exit 0 all hold, 1 one does not, 2 usage
#
# In this order: its form; what `observe` measures here agrees with predict.tsv; the starter builds, and fails with a
# story; the solution passes, twice; each of wrong/ is recognised by its mistake; every transcript of the README holds.
# Each of these runs in a copy of the answer and, where the machine has them, in a network namespace of its own, so that the
# fixed ports of a text meet nobody. Two run at a time. What is skipped is told with its reason. Nothing is left behind:
# all is under one temporary directory, and a trap ends whoever still runs.
# Reads next: lab_transcript.c (the transcripts), lab_predict.c (the predictions).
set -euo pipefail
unset CDPATH # with it, cd may print where it went

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) # where it is called, not where a link leads
BIN=${ECHOLAB_BIN:-$ROOT/build/bin}
AT_ONCE=2 CHECK_LIMIT=60 TEMP_ROOT=${TMPDIR:-/tmp}
TEMP='' TAP=false COUNT=0 FAILED=0 SKIPPED=0 RUNNING=0
JOBS=() WORLDS=()
. "$ROOT/labs/lib/author_form.sh"

# ---- what is told -------------------------------------------------------------------------------

# explain TEXT: below a line of tell, if there is any.
explain() {
    local line mark='        '
    ! $TAP || mark='# '
    [ -n "$1" ] || return 0
    while IFS= read -r line; do printf '%s%s\n' "$mark" "$line"; done <<<"$1"
}

# tell ok|not|skip NAME [DETAILS]: skip's details are its reason.
tell() {
    local verdict=$1 name=$2 details=${3:-}
    COUNT=$((COUNT + 1))
    case $verdict in
    ok) if $TAP; then echo "ok $COUNT - $name"; else echo "  ok    $name"; fi ;;
    skip)
        SKIPPED=$((SKIPPED + 1))
        if $TAP; then echo "ok $COUNT - $name # SKIP $details"; else echo "  SKIP  $name: $details"; fi ;;
    not)
        FAILED=$((FAILED + 1))
        if $TAP; then echo "not ok $COUNT - $name"; else echo "  FAIL  $name"; fi
        explain "$details" ;;
    esac
}

# claim NAME DETAILS: it holds if there are none.
claim() { if [ -z "$2" ]; then tell ok "$1"; else tell not "$1" "$2"; fi; }

# All of a job has gone, not only its first process: a compiler may still write what is to be removed. Zombies that nobody
# collects count as well, so it is not waited for without end.
# shellcheck disable=SC2317,SC2329 # called by the trap
end_group() {
    local look
    wait "$1" 2>/dev/null
    for ((look = 0; look < 100; look++)); do
        kill -0 -- "-$1" 2>/dev/null || return
        read -rt 0.02 <> <(:)
    done
    kill -KILL -- "-$1" 2>/dev/null
}

# shellcheck disable=SC2317,SC2329 # called by the trap
clean_up() {
    local status=$? job world
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    for job in "${JOBS[@]}"; do kill -TERM -- "-$job" 2>/dev/null; done
    for job in "${JOBS[@]}"; do end_group "$job"; done
    for world in "${WORLDS[@]}"; do end_world "$world"; done
    [ -z "$TEMP" ] || rm -rf "$TEMP"
    exit "$status"
}

# ---- where it runs ------------------------------------------------------------------------------

# alone CMD…: in a network namespace of its own with lo up, as the user one is; else on this machine's network.
alone() {
    case $NAMESPACE in
    root) unshare --net -- sh -c 'ip link set lo up && exec "$@"' sh "$@" ;;
    user)
        # Bringing lo up takes the namespace's CAP_NET_ADMIN, which is then given away: a check runs with a user's rights.
        unshare --user --map-current-user --net --keep-caps -- \
            sh -c 'ip link set lo up && exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"' sh "$@" ;;
    none) "$@" ;;
    esac
}

find_namespace() {
    for NAMESPACE in root user; do
        [ $NAMESPACE = user ] || [ "$EUID" -eq 0 ] || continue
        if alone true 2>/dev/null; then return; fi
    done
    NAMESPACE=none
}

# Can a lab network be made where the checks run? `yes`, or why not. The runner has asked already when it calls.
find_world() {
    local said
    [ -z "${LAB_WORLD:-}" ] || return 0 # asked already
    LAB_WORLD=yes
    said=$(alone "$ROOT/netns/net" doctor --quick 2>&1) || LAB_WORLD=$(head -n 1 <<<"$said")
}

# A transcript that forgot `down`, or was ended before: then its world is dead already, and `status` forgets it.
end_world() { { "$ROOT/netns/net" --world "$1" down || "$ROOT/netns/net" status; } >/dev/null 2>&1 || true; }

# A name like the one that `lab up` gives.
new_world() { printf 'lab%s-%04x%04x\n' "$ID" $RANDOM $RANDOM; }

# The tree as links, so that building and labs/work are our own; the lab's own folder is a copy, for its programs are built in it.
make_mirror() {
    local tree=$TEMP/tree file
    mkdir -p "$tree/labs/work"
    for file in "$ROOT"/*; do [ "${file##*/}" = labs ] || ln -s "$file" "$tree/"; done
    for file in "$ROOT"/labs/*; do
        case ${file##*/} in work | "$SLUG") ;; *) ln -s "$file" "$tree/labs/" ;; esac
    done
    cp -R "$ROOT/labs/$SLUG" "$tree/labs/$SLUG"
    LAB=$tree/labs/$SLUG
}

# ---- answers ------------------------------------------------------------------------------------

# make_answer NAME [PATCH]: a folder as a learner's, with the starter, and for others the solution over it.
make_answer() {
    local name=$1 patch=${2:-} answer=$TEMP/answers/$1
    mkdir -p "$TEMP/answers"
    cp -R "$LAB/start" "$answer"
    if [ "$name" != starter ]; then cp -R "$LAB/solution/." "$answer/"; rm -f "$answer/NOTES.md"; fi
    if [ -n "$patch" ]; then (cd "$answer" && patch -p1 -s --no-backup-if-mismatch <"$patch"); fi
}

# ask check|observe NAME: in the environment that the runner gives it. Output in results/NAME.out, exit code in results/NAME.rc.
ask() {
    local what=$1 name=$2 place=$TEMP/cwd/$2 rc=0
    mkdir -p "$place"
    alone env -u ECHOLAB_WORLD -C "$place" LAB_ID="$ID" LAB_DIR="$LAB" LAB_WORK="$TEMP/answers/${name%-again}" LAB_LIB="$ROOT/labs/lib" \
        LAB_BIN="$BIN" LAB_NET="$ROOT/netns/net" LAB_WORLD="$LAB_WORLD" NO_COLOR=1 PATH="$BIN:$PATH" \
        timeout --foreground -k 5 $CHECK_LIMIT "$LAB/$what" </dev/null >"$TEMP/results/$name.out" 2>"$TEMP/results/$name.err" || rc=$?
    echo $rc >"$TEMP/results/$name.rc"
}

result() { cat "$TEMP/results/$1" 2>/dev/null || true; }
misconception() { sed -n 's/^ *misconception: *//p' "$TEMP/results/$1.out" | head -n 1; }
# The end of a check's output, for whoever has to mend it.
story() { { result "$1.out"; result "$1.err"; } | tail -n "${2:-25}"; }

# start CMD…: as a job with a process group of its own, so that all of it can be ended; two at a time.
start() {
    if [ $RUNNING -ge $AT_ONCE ]; then wait -n || true; else RUNNING=$((RUNNING + 1)); fi
    set -m
    "$@" &
    set +m # or bash would tell of every job that ends
    JOBS+=($!)
}

start_checks() {
    local wrong name
    make_answer starter
    make_answer solution
    start ask observe observe
    start ask check starter
    start ask check solution
    start ask check solution-again
    for wrong in "$LAB"/wrong/*/; do
        name=$(basename "$wrong")
        if [ ! -s "$wrong/mistake.patch" ] || ! command -v patch >/dev/null; then continue; fi
        if make_answer "wrong-$name" "$wrong/mistake.patch" >"$TEMP/results/wrong-$name.patch" 2>&1; then start ask check "wrong-$name"; fi
    done
}

judge_observe() {
    local name="lab $ID: what observe measures agrees with predict.tsv" said rc=0
    [ "$(result observe.rc)" = 0 ] || { tell not "$name" "observe: exit code $(result observe.rc)"$'\n'"$(story observe)"; return; }
    said=$("$BIN/lab_predict" agree "$LAB/predict.tsv" "$TEMP/results/observe.out" 2>&1) || rc=$?
    case $rc in
    0) tell ok "$name"; explain "$said" ;;
    4) tell skip "$name" "$(head -n 1 <<<"$said")" ;;
    *) tell not "$name" "$said" ;;
    esac
}

judge_starter() {
    local name="lab $ID: the starter builds" said id
    mkdir -p "$TEMP/build"
    cp -R "$LAB/start" "$TEMP/build/start"
    if said=$(make -s -C "$TEMP/build/start" LAB_LIB="${ROOT// /\\ }/labs/lib" 2>&1); then claim "$name, without a warning" "$said"; else tell not "$name" "$said"; fi
    name="lab $ID: the starter fails with a story"
    id=$(misconception starter)
    case $(result starter.rc),$id in
    4,*) tell skip "$name" "$(skip_reason starter)" ;;
    1,unexplained) tell not "$name" "it was not explained:"$'\n'"$(story starter)" ;;
    1,?*) tell ok "$name ($id)" ;;
    *) tell not "$name" "exit code $(result starter.rc), wanted 1 and a misconception:"$'\n'"$(story starter)" ;;
    esac
}

skip_reason() { sed -nE 's/.*# SKIP +//p' "$TEMP/results/$1.out" | head -n 1; }

judge_solution() {
    local run name
    for run in solution solution-again; do
        name="lab $ID: the solution passes"
        [ $run = solution ] || name+=", and again"
        case $(result $run.rc) in
        0) tell ok "$name$(sed -nE 's/^ok [0-9]+ - (.*) # SKIP (.*)/ (but \1: \2)/p' "$TEMP/results/$run.out" | head -n 1)" ;;
        4) tell skip "$name" "$(skip_reason $run)" ;;
        *) tell not "$name" "exit code $(result $run.rc)"$'\n'"$(story $run)" ;;
        esac
    done
}

# What the feedback asks for and the check's output has not.
lacking_feedback() {
    local result=$1 line first=true wanted
    while IFS= read -r line || [ -n "$line" ]; do
        [ -n "$line" ] || continue
        if $first; then
            wanted=$(misconception "$result")
            [ "$wanted" = "$line" ] || echo "named: ${wanted:-nothing}; wanted: $line"
            first=false
        elif ! grep -qF -- "$line" "$TEMP/results/$result.out"; then
            echo "not said: $line"
        fi
    done <"$2"
}

judge_wrong() {
    local wrong name lacking result
    for wrong in "$LAB"/wrong/*/; do
        if [ ! -s "$wrong/mistake.patch" ] || [ ! -s "$wrong/feedback" ]; then continue; fi
        result=wrong-$(basename "$wrong")
        name="lab $ID: wrong/$(basename "$wrong") is recognised"
        if ! command -v patch >/dev/null; then tell skip "$name" "patch(1) is not here (make deps-test)"; continue; fi
        if [ -s "$TEMP/results/$result.patch" ]; then tell not "$name" "$(result "$result.patch")"; continue; fi
        lacking=$(lacking_feedback "$result" "$wrong/feedback")
        case $(result "$result.rc") in
        4) tell skip "$name" "$(skip_reason "$result")" ;;
        0) if [ -n "$(skip_reason "$result")" ]; then # what would have found it cannot be done here
               tell skip "$name" "$(skip_reason "$result")"
           else
               tell not "$name" "exit code 0, wanted 1"$'\n'"$(story "$result")"
           fi ;;
        1) if [ -z "$lacking" ]; then tell ok "$name"; else tell not "$name" "$lacking"$'\n'"$(story "$result")"; fi ;;
        *) tell not "$name" "exit code $(result "$result.rc"), wanted 1"$'\n'"$(story "$result")" ;;
        esac
    done
}

# ---- transcripts --------------------------------------------------------------------------------

# A learner who has begun and predicted, so that the text may use `lab check` and all the rest.
begin_lab() {
    local records=$TEMP/tree/labs/work/records/$ID answers
    cd "$TEMP/tree"
    if [ -x labs/lab ]; then labs/lab start "$ID"; else cp -R "labs/$SLUG/start" "labs/work/$ID"; fi
    mkdir -p "$records"
    mapfile -t answers < <("$BIN/lab_predict" key "labs/$SLUG/predict.tsv")
    "$BIN/lab_predict" ask "labs/$SLUG/predict.tsv" "$records/predictions.tsv" "${answers[@]}"
}

run_transcripts() {
    local rc=0 world finish
    world=$(<"$TEMP/world")
    printf -v finish 'cp -R %q/. labs/work/%s/ && rm -f labs/work/%s/NOTES.md && make -s -C labs/work/%s' "labs/$SLUG/solution" "$ID" "$ID" "$ID"
    export ECHOLAB_WORLD=$world PATH="$BIN:$PATH" NO_COLOR=1
    unset ECHOLAB_LAB_WORK
    (begin_lab) >"$TEMP/results/begin" 2>&1 || { echo $? >"$TEMP/results/begin.rc"; return 0; }
    cd "$TEMP/tree"
    alone "$BIN/lab_transcript" --tap --world "$LAB_WORLD" --done "$finish" "labs/$SLUG/README.md" >"$TEMP/results/transcripts" 2>&1 || rc=$?
    echo $rc >"$TEMP/results/transcripts.rc"
}

# Its lines of TAP, with our numbers.
judge_transcripts() {
    local line rc text
    if [ -s "$TEMP/results/begin.rc" ]; then tell not "lab $ID: it can be begun" "$(result begin)"; return; fi
    rc=$(result transcripts.rc)
    case $rc in 0 | 1) ;; *) tell not "lab $ID: the transcripts can be run" "exit code $rc"$'\n'"$(tail -n 10 "$TEMP/results/transcripts")"; return ;; esac
    while IFS= read -r line; do
        text=${line#*- } text=${text#"labs/$SLUG/"}
        case $line in
        'ok '*'# SKIP '*) tell skip "lab $ID: ${text%% \# SKIP *}" "${text##*\# SKIP }" ;;
        'ok '*) tell ok "lab $ID: $text" ;;
        'not ok '*) tell not "lab $ID: $text" ;;
        '#'*) if $TAP; then echo "$line"; else echo "        ${line#\# }"; fi ;;
        esac
    done <"$TEMP/results/transcripts"
}

# ---- one lab, all labs --------------------------------------------------------------------------

check_lab() {
    local world
    TEMP=$(TMPDIR=$TEMP_ROOT mktemp -d -t echolab-author.XXXXXX)
    export TMPDIR=$TEMP/tmp # what a compiler leaves when it is killed is there
    mkdir -p "$TEMP"/{results,cwd,tmp}
    make_mirror
    world=$(new_world)
    WORLDS+=("$world")
    echo "$world" >"$TEMP/world"
    find_world
    JOBS=() RUNNING=0
    start run_transcripts
    start_checks
    check_form # while they run
    wait || true
    judge_observe
    judge_starter
    judge_solution
    judge_wrong
    judge_transcripts
    end_world "$world"
    JOBS=() WORLDS=()
    rm -rf "$TEMP"
    TEMP=''
}

main() {
    local labs=() lab number
    while [ $# -gt 0 ]; do
        case $1 in
        --tap) TAP=true ;;
        --help) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; return 0 ;;
        [0-9] | [0-9][0-9]) printf -v number '%02d' "$((10#$1))"; labs+=("$number") ;;
        *) echo "author-check: $1: neither a lab's number nor --tap" >&2; return 2 ;;
        esac
        shift
    done
    if [ ${#labs[@]} -eq 0 ]; then
        for lab in "$ROOT"/labs/[0-9][0-9]-*; do lab=${lab##*/}; labs+=("${lab%%-*}"); done
    fi
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    export LC_ALL=C.UTF-8
    find_namespace
    for ID in "${labs[@]}"; do
        SLUG=$(cd "$ROOT/labs" && echo "$ID"-*)
        [ -d "$ROOT/labs/$SLUG" ] || { echo "author-check: there is no lab $ID" >&2; return 2; }
        $TAP || echo "$SLUG"
        check_lab
    done
    if $TAP; then echo "1..$COUNT"; else echo "$COUNT claims: $((COUNT - FAILED - SKIPPED)) hold, $FAILED do not, $SKIPPED skipped"; fi
    [ "$FAILED" -eq 0 ]
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi
