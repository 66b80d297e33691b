# checks.sh - `lab check`: runs a lab's check, tells its story, writes down how it ended.
#
# A check runs in a fresh folder, in the background and with a time limit, and what it prints is collected
# before anything of it is shown: a learner's program has a say in it. lab_report does the telling.
# Partner: check.sh, which the checks themselves source.
# shellcheck shell=bash

readonly CHECK_LIMIT=60 # seconds; a check should take two
SCRATCH='' CHILD='' WATCHER='' MARK='' LITTER=() # LITTER: what is half made, and goes if this is interrupted

# mark: PID-NAMESPACE into MARK, for the names of what is half made. On a host of a lab network pids are others: who is
# not in our namespace of them cannot be told dead.
mark() {
    [ -z "$MARK" ] || return 0
    MARK=$(readlink /proc/self/ns/pid) || MARK=0
    MARK=$$-${MARK//[!0-9]/}
}
# sweep PREFIX…: takes away what a runner left that was killed, and could not: it has its mark, is ours, and no process
# has its pid any more. [#what-the-dead-left]
sweep() {
    local prefix path
    mark
    for prefix; do
        for path in "$prefix"*; do
            [[ ${path##*/} =~ \.([0-9]+)-([0-9]+)(\.[A-Za-z0-9]+)?$ ]] || continue
            if [ "${BASH_REMATCH[2]}" != "${MARK#*-}" ] || [ -e "/proc/${BASH_REMATCH[1]}" ]; then continue; fi
            if [ ! -O "$path" ] || [ -L "$path" ]; then continue; fi
            rm -rf "$path" 2>/dev/null || true
        done
    done
}

scratch() {
    local place=${TMPDIR:-/tmp} said
    [ -z "$SCRATCH" ] || return 0
    mark
    sweep "$place/lab."
    if ! said=$(mktemp -d "$place/lab.$MARK.XXXXXX" 2>&1); then refuse "$place: no temporary folder can be made (${said##*: }); TMPDIR may name another place"; fi
    SCRATCH=$said
    trap clean_up EXIT
    # An empty folder can be made on a disk that is full; what a check says then is cut short, and its failure nobody's.
    said=$(cause_at "$SCRATCH")
    [ -z "$said" ] || refuse "$place: nothing can be written there ($said); make room, or let TMPDIR name another place"
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
}
# shellcheck disable=SC2317,SC2329 # called by the trap
clean_up() {
    local rc=$?
    trap - EXIT
    [ -z "$WATCHER" ] || kill -TERM "$WATCHER" 2>/dev/null || true
    end_child
    rm -rf "$SCRATCH" "${LITTER[@]}"
    exit $rc
}
# timeout(1) passes TERM on to all that the script has started, and gives it five seconds to clean up.
end_child() {
    [ -n "$CHILD" ] || return 0
    kill -TERM "$CHILD" 2>/dev/null || true
    reap_child
}
# reap_child: waits for the script, sets STATUS, and takes away what it left.
reap_child() {
    STATUS=0
    wait "$CHILD" 2>/dev/null || STATUS=$?
    # timeout(1) made a process group of its own: what is left in it was forked by a learner's program, and would
    # hold its port.
    kill -KILL -- "-$CHILD" 2>/dev/null || true
    CHILD=
    # Who was killed has left its lab network, too. It is known by our number (check.sh, world).
    [ "$STATUS" -lt 128 ] || end_worlds "check$$-*"
}

# run_script ID NAME: runs the lab's check or observe. Its output is in $SCRATCH/ID.out and .err, its exit
# status in STATUS.
run_script() {
    local id=$1 dir world=yes
    dir=$(dir_of "$1")
    [ -f "$dir/$2" ] || refuse "$2: lab $id has none"
    scratch
    world_possible || world=$WORLD_REFUSED
    rm -rf "$SCRATCH"/{cwd,tmp} && mkdir "$SCRATCH"/{cwd,tmp}
    # What bash starts in the background ignores INT and QUIT, and so would all that the script starts:
    # env(1) gives them back. If lab is killed, the script is ended by the kernel.
    (cd "$SCRATCH/cwd" && exec setpriv --pdeathsig TERM env --default-signal=INT,QUIT LAB_ID="$id" LAB_DIR="$dir" LAB_WORK="$WORK/$id" LAB_LIB="$LIB" \
        LAB_BIN="$BIN" LAB_NET="$NET" LAB_WORLD="$world" LAB_RUN=$$ TMPDIR="$SCRATCH/tmp" NO_COLOR=1 PATH="$BIN:$PATH" timeout --kill-after=5 "$CHECK_LIMIT" bash "$dir/$2") \
        >"$SCRATCH/$id.out" 2>"$SCRATCH/$id.err" </dev/null &
    CHILD=$!
    reap_child
}

# check_lab ID: runs it and writes down how it ended; RESULT_CODE is 0, 1 or 4.
check_lab() {
    local id=$1 line
    run_script "$id" check
    CHECKED+=("$id:$STATUS:$SCRATCH/$id.out")
    RESULT_CODE=0
    line=$(helper record "${CHECKED[-1]}") || RESULT_CODE=$?
    [ -n "$line" ] || line="fail check-broke"
    try_record "$id" check "$line" || true # the story is told all the same
}

# tell ID: the story of the check that was run last, and the next action.
tell() {
    local id=$1
    "$BIN/lab_report" "--width=$WIDTH" ${COLOR:+--color} "--stderr=$SCRATCH/$id.err" -- story "${CHECKED[-1]}" || true
    load
    # Who is watched needs not be told to check.
    if [ -z "$WATCHER" ] || [ "$RESULT_CODE" -eq 0 ]; then show_next "$id"; fi
}

worse() { # A B: of several labs one that failed decides, then one that passed
    if [ "$1" -eq 1 ] || [ "$2" -eq 1 ]; then echo 1; elif [ "$1" -eq 0 ] || [ "$2" -eq 0 ]; then echo 0; else echo 4; fi
}

cmd_check() {
    local watch='' form='' skip='' word id total=4
    local -a words=() labs=()
    CHECKED=()
    for word; do
        case $word in
        --watch) watch=yes ;;
        --tap | --json) [ -z "$form" ] || [ "$form" = "${word#--}" ] || usage_error "check: --tap or --json, not both"; form=${word#--} ;;
        --no-predict) skip=yes ;;
        -*) usage_error "check: $word: unknown option ($ME help)" ;;
        *) words+=("$word") ;;
        esac
    done
    [ ${#words[@]} -le 1 ] || usage_error "check: ${words[1]}: one lab at a time, or all"
    if [ -n "$watch" ]; then
        [ -z "$form" ] || usage_error "check: --watch is for a person, --$form for a program: one of them"
        [ "${words[*]}" != all ] || usage_error "check: --watch is for one lab, and not for all"
    fi
    load
    if [ "${words[*]}" = all ]; then
        for id in "${ORDER[@]}"; do
            if [ "${STARTED[$id]}" = no ] || [ ! -f "$(dir_of "$id")/check" ]; then continue; fi
            if locked "$id"; then labs+=("$id"); else complain "lab $id is left out: its predictions are not locked"; fi
        done
        if [ ${#labs[@]} -eq 0 ]; then
            complain "check: no lab is begun and predicted yet"
            show_next "${CURRENT:-${ORDER[0]}}" >&2
            exit 4
        fi
    else
        pick "${words[@]}"
        need_started
        need_predictions check "$skip"
        labs=("$LAB")
    fi
    [ -z "$watch" ] || watch_lab "$LAB"
    for id in "${labs[@]}"; do
        check_lab "$id"
        total=$(worse "$total" $RESULT_CODE)
        [ -n "$form" ] || { [ ${#labs[@]} -eq 1 ] || { bold "Lab $id: ${TITLE[$id]}"; echo; }; tell "$id"; }
    done
    # As JSON or TAP the exit code is lab_report's, which is the same, and 1 also if that cannot be written.
    if [ -n "$form" ]; then
        total=0
        helper "$form" "${CHECKED[@]}" || total=$?
    fi
    return "$total"
}

# watch_lab ID: checks at once, then whenever a file of the learner's was saved. The watcher is there before the
# first check, so that what is saved meanwhile is not missed. Ctrl-C ends it, with the last result's exit code.
watch_lab() {
    local id=$1 news line
    need_programs lab_watch
    scratch
    RESULT_CODE=4
    exec {news}< <(exec "$BIN/lab_watch" "$WORK/$id")
    WATCHER=$!
    read -r -u "$news" line || refuse "check: $(shown "$WORK/$id"): cannot be watched"
    trap 'echo; exit "$RESULT_CODE"' INT
    while true; do
        CHECKED=()
        check_lab "$id"
        tell "$id"
        say "Waiting until a file in $(shown "$WORK/$id") is saved (Ctrl-C ends this)."
        read -r -u "$news" line || break
        while read -t 0 -u "$news"; do read -r -u "$news" line || break; done # saved while it was checked: once is enough
        [ "$line" != gone ] || refuse "check: $(shown "$WORK/$id"): the folder was moved or removed"
        printf '\n---- %s ----\n' "$line"
    done
    exit "$RESULT_CODE"
}
