# predictions.sh - `lab predict`: first the questions, whose answers lock; later the answers beside what this
# machine does.
#
# lab_predict asks, locks and compares; a lab's `observe` measures. What was measured is kept, so that it
# can be looked at again without a wait.
# shellcheck shell=bash

cmd_predict() {
    local again='' word number=''
    local -a answers=()
    for word; do
        case $word in
        --again) again=yes ;;
        -*) usage_error "predict: $word: unknown option ($ME help)" ;;
        *=*) answers+=("$word") ;;
        *) [ -z "$number" ] || usage_error "predict: one lab at a time"; number=$word ;;
        esac
    done
    load
    need_programs lab_predict
    pick "$number"
    need_started
    [ "${QUESTIONS[$LAB]}" -gt 0 ] || { say "Lab $LAB asks nothing."; show_next "$LAB"; return; }
    if [ "${LOCKED[$LAB]}" -lt "${QUESTIONS[$LAB]}" ]; then
        [ -z "$again" ] || usage_error "predict: --again measures anew; first come the questions ($ME predict)"
        ask "${answers[@]}"
    else
        [ ${#answers[@]} -eq 0 ] || refuse "predict: the answers of lab $LAB are locked"
        reconcile "$again"
    fi
}

ask() { # ID=ANSWER…
    local rc=0
    need_work
    mkdir -p "$WORK/records/$LAB"
    "$BIN/lab_predict" ask "$(shown "$DIR")/predict.tsv" "$(shown "$WORK")/records/$LAB/predictions.tsv" "$@" || rc=$?
    load
    if [ "${LOCKED[$LAB]}" -ge "${QUESTIONS[$LAB]}" ]; then record "$LAB" predicted; fi
    [ $rc -ne 2 ] || exit 2
    show_next "$LAB"
    [ $rc -eq 0 ] && [ "${LOCKED[$LAB]}" -ge "${QUESTIONS[$LAB]}" ]
}

reconcile() { # AGAIN
    local observed=$WORK/records/$LAB/observed.tsv rc=0
    if [ ! -s "$observed" ] || [ -n "$1" ]; then
        measure "$observed"
    fi
    "$BIN/lab_predict" reconcile "$(shown "$DIR")/predict.tsv" "$(shown "$WORK")/records/$LAB/predictions.tsv" "$(shown "$observed")" --width "$WIDTH" \
        ${COLOR:+--color} || rc=$?
    load
    show_next "$LAB"
    return $rc
}

# measure FILE: what observe prints, into FILE, whole or not at all.
measure() {
    local new=$1.$$
    run_script "$LAB" observe
    if [ "$STATUS" -ne 0 ]; then
        complain "predict: this machine could not be measured: observe ended with status $STATUS"
        helper clean <"$SCRATCH/$LAB.err" >&2 || true
        [ "$STATUS" -eq 127 ] || exit 1
        next_is "$ME doctor" "a program that it needs is not installed" >&2
        exit 4
    fi
    { cp "$SCRATCH/$LAB.out" "$new" && mv -f "$new" "$1"; } 2>/dev/null || refuse "$(shown "$1"): cannot be written"
    record "$LAB" observed
}
