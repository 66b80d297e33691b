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
        '') usage_error "predict: an empty word names no lab ($ME list)" ;;
        *) [ -z "$number" ] || usage_error "predict: $word: one lab at a time"; number=$word ;;
        esac
    done
    load
    need_programs lab_predict
    if [ -n "$number" ]; then pick "$number"; else pick; fi
    need_started
    [ "${QUESTIONS[$LAB]}" -gt 0 ] || { say "Lab $LAB asks nothing."; show_next "$LAB"; return; }
    if [ "${LOCKED[$LAB]}" -lt "${QUESTIONS[$LAB]}" ]; then
        [ -z "$again" ] || usage_error "predict: --again measures anew; first come the questions ($ME predict)"
        missing_tools || tell_missing || true # told now, while there is time to install it; the answers are kept
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

# missing_tools: what the lab's observe cannot do without and is not here, into MISSING; true if nothing. What is built
# needs make, and make a compiler. A tool that observe looks for itself (command -v) has a reason of the lab's own.
missing_tools() {
    local text tool before='(^|[[:space:];&|(!])' after='[[:space:]]+-'
    MISSING=()
    [ -f "$DIR/observe" ] || return 0
    text=$(grep -v '^[[:space:]]*#' "$DIR/observe") || return 0
    for tool in make ss; do # strace may be there and not be allowed: every lab is ready for that
        if [[ ! $text =~ $before$tool$after ]] || [[ $text == *"command -v $tool"* ]]; then continue; fi
        type -P "$tool" >/dev/null || MISSING+=("$tool")
        [ "$tool" != make ] || type -P cc >/dev/null || MISSING+=(cc)
    done
    [ ${#MISSING[@]} -eq 0 ]
}
tell_missing() {
    local names packages=" ${MISSING[*]} "
    names="${MISSING[*]}"
    names=${names// /, }
    packages=${packages/ cc / gcc }
    packages=${packages/ ss / iproute2 }
    read -r packages <<<"$packages" # without the blanks around it
    complain "predict: not found: $names. What lab $LAB measures needs $([ ${#MISSING[@]} -eq 1 ] && echo it || echo them). Your answers are kept; then $ME predict $LAB measures."
    echo "  \$ $(install_of "$packages")" >&2
}

# measure FILE: what observe prints, into FILE, whole or not at all.
measure() {
    local new
    mark
    new=$1.$MARK
    if ! missing_tools; then
        tell_missing
        exit 4
    fi
    run_script "$LAB" observe
    if [ "$STATUS" -ne 0 ]; then
        complain "predict: this machine could not be measured: observe ended with status $STATUS"
        helper clean <"$SCRATCH/$LAB.err" >&2 || true
        [ "$STATUS" -ne 124 ] || complain "it was ended after $CHECK_LIMIT s"
        [ "$STATUS" -eq 127 ] || exit 1
        next_is "$ME doctor" "a program that it needs is not installed; your answers are kept" >&2
        exit 4
    fi
    LITTER+=("$new")
    if ! { cp "$SCRATCH/$LAB.out" "$new" && mv -fT "$new" "$1"; } 2>/dev/null; then
        rm -f "$new" 2>/dev/null || true
        refuse "$(cannot_write "$1")"
    fi
    record "$LAB" observed
}
