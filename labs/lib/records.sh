# records.sh - what is kept of a learner's way: copies, history, backups. Plain text, all of it.
#
#     work/current                      the id of the lab that commands mean
#     work/ID/                          the learner's files, begun as a copy of the lab's start/
#     work/records/ID/given/            the start/ that they were copied from, to tell changes from it
#     work/records/ID/history.tsv       time, event, detail
#     work/records/ID/predictions.tsv, observed.tsv       (predictions.sh)
#     work/backup/ID-TIME/              what reset put aside
#
# Nothing is ever overwritten in place: a line is appended with one write(2), everything else is made
# beside its place and renamed into it. So two commands at once, a full disk and a killed one leave
# the old state or the new one. [#append-or-rename]
# shellcheck shell=bash

now() { TZ=UTC0 printf '%(%Y-%m-%dT%H:%M:%SZ)T\n' -1; }

# cannot_write PATH: that it cannot, why, and what may be done.
cannot_write() {
    local cause fix="ECHOLAB_LAB_WORK may name another folder"
    cause=$(cause_at "$1")
    [ "$cause" != 'No space left on device' ] || fix="make room, or let ECHOLAB_LAB_WORK name another folder"
    echo "$(shown "$1"): cannot be written${cause:+ ($cause)}; $fix"
}
# cause_at PATH: why nothing can be written there, in the system's words; asked when it has failed, by a try in the next folder that is there.
cause_at() {
    local place=$1 said
    while [ ! -d "$place" ] && [ -n "$place" ]; do place=${place%/*}; done
    place=${place:-/}
    mark
    said=$({ printf '%8192s' '' >"$place/.try.$MARK"; } 2>&1) || true
    rm -f "$place/.try.$MARK" 2>/dev/null || true
    echo "${said##*: }"
}

need_work() {
    mkdir -p "$WORK/records" 2>/dev/null || refuse "$(cannot_write "$WORK")"
    sweep "$WORK"/.{new-,current,try} "$WORK"/records/*/.given "$WORK"/records/*/observed.tsv.
}

# record ID EVENT [DETAIL]: one line, or it is told that it cannot be written, and false. bash writes a line of
# printf with one write(2). What was cut short before, by a full disk or an editor, shall not take this line with it.
try_record() {
    local detail=${3:-} file=$WORK/records/$1/history.tsv whole=''
    mkdir -p "$WORK/records/$1" 2>/dev/null || true
    [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file" 2>/dev/null | tr '\0' 0)" ] || whole=$'\n'
    { printf '%s%s\t%s\t%s\n' "$whole" "$(now)" "$2" "${detail//[[:cntrl:]]/ }" >>"$file"; } 2>/dev/null ||
        { complain "$(cannot_write "$file")"; return 1; }
}
record() { try_record "$@" || exit 1; } # ... and the end

set_current() {
    local new
    mark
    new=$WORK/.current.$MARK
    if ! { echo "$1" >"$new" && mv -fT "$new" "$WORK/current"; } 2>/dev/null; then
        rm -f "$new" 2>/dev/null || true
        [ ! -d "$WORK/current" ] || refuse "$(shown "$WORK/current"): cannot be written: it is a folder, and should be a file; move it away"
        refuse "$(cannot_write "$WORK/current")"
    fi
    CURRENT=$1
}

# copy_start ID PLACE: what the learner gets: start/, writable, and, where the learner's folder is not in the
# tree, with a Makefile that finds labs/lib all the same.
copy_start() {
    local start
    start=$(dir_of "$1")/start
    cp -RL "$start" "$2" && chmod -R u+w "$2" || return 1
    if [ -f "$2/Makefile" ] && [ ! "$WORK/../lib" -ef "$LIB" ]; then
        # Before a blank in a path, make wants a backslash; awk would take it away from -v, not from ENVIRON.
        { LINE="LAB_LIB ?= ${LIB// /\\ }" awk '$0 == "LAB_LIB ?= ../../lib" { $0 = ENVIRON["LINE"] } { print }' "$2/Makefile" >"$2/.makefile" &&
            mv -f "$2/.makefile" "$2/Makefile"; }
    fi
}

# prepare ID: copies the starter files beside the places that they are for, once for the learner and once for given/.
# What can go wrong (a full disk) goes wrong here, before anything is changed.
prepare() {
    local new records=$WORK/records/$1 said
    mark
    new=$WORK/.new-$1.$MARK
    mkdir -p "$records" 2>/dev/null || refuse "$(cannot_write "$records"). Nothing was done"
    scratch
    LITTER+=("$new" "$records/.given.$MARK")
    rm -rf "$new"
    said=$({ copy_start "$1" "$new" && cp -R "$new" "$records/.given.$MARK"; } 2>&1) ||
        refuse "$(shown "$(dir_of "$1")/start"): cannot be copied to $(shown "$WORK") (${said##*: }), so nothing was done"
}

# give ID: renames what is prepared into its place. rename(2) refuses a folder that is there and not empty, so
# nobody's work is lost if another command was quicker.
give() {
    local new=$WORK/.new-$1.$MARK records=$WORK/records/$1
    if mv -T "$new" "$WORK/$1" 2>/dev/null; then
        rm -rf "$records/given"
        mv -T "$records/.given.$MARK" "$records/given"
    fi
    rm -rf "$new" "$records/.given.$MARK"
    [ -d "$WORK/$1" ] || refuse "$(shown "$WORK/$1"): cannot be made"
}

# upstream_changed ID: says so when start/ is not what the learner was given. False when it is.
upstream_changed() {
    local given=$WORK/records/$1/given fresh rc=1
    [ -d "$given" ] && [ "${STARTED[$1]}" = yes ] || return 1
    scratch
    fresh=$SCRATCH/fresh
    mkdir "$fresh"
    if copy_start "$1" "$fresh/start" 2>/dev/null && ! diff -rq "$given" "$fresh/start" >/dev/null 2>&1; then
        wrap 6 "Note: " "the starter files of lab $1 have changed since you began. Yours are untouched. $ME diff $1 shows what you did; $ME reset $1 puts it aside and gives you the new ones."
        rc=0
    fi
    rm -rf "$fresh"
    return $rc
}

cmd_start() {
    local before stop=.
    no_options "$@"
    [ $# -le 1 ] || usage_error "start: $2: one lab at a time"
    [ $# -eq 1 ] || usage_error "start: which lab? $ME start ${ORDER[0]:-01} ($ME list)"
    load
    pick "$1"
    need_work
    if [ "${STARTED[$LAB]}" = yes ]; then
        [[ ${TITLE[$LAB]} != *[?!.] ]] || stop='' # a title may be a question
        say "Lab $LAB: ${TITLE[$LAB]}$stop You have begun it before."
        say "Your files, as they were: $(shown "$WORK/$LAB")"
    else
        prepare "$LAB"
        give "$LAB"
        record "$LAB" started
        say "Lab $LAB: ${TITLE[$LAB]}, about ${MINUTES[$LAB]} minutes."
        say "Your files: $(shown "$WORK/$LAB")"
        say "The text: $(shown "$DIR/README.md")"
    fi
    set_current "$LAB"
    before=$(unmet "$LAB")
    [ -z "$before" ] || say "It builds on what you have not passed yet: $before."
    load
    upstream_changed "$LAB" || true
    [ "${NEEDS[$LAB]}" != world ] || world_possible ||
        say "This lab needs a lab network, and none can be made here: $WORLD_REFUSED. What needs one is skipped ($ME doctor)."
    show_next "$LAB"
}

# next: the first after this one that has not passed and that can be done on this machine.
cmd_next() {
    local id seen='' first='' left=''
    no_operands "$@"
    load
    if [ -n "$CURRENT" ] && [ "${PASSED[$CURRENT]}" = no ] && [ "${GAVE_UP[$CURRENT]}" = no ]; then
        complain "lab $CURRENT (${TITLE[$CURRENT]}) has not passed yet. ($ME start N goes to any lab all the same.)"
        show_next "$CURRENT" >&2
        exit 1
    fi
    for id in "${ORDER[@]}" "${ORDER[@]}"; do # from the current one on, then from the beginning
        [ "$id" != "$CURRENT" ] || seen=yes
        if [ -n "$CURRENT" ] && [ -z "$seen" ]; then continue; fi
        if [ "${PASSED[$id]}" = yes ] || [ "$id" = "$CURRENT" ] || [ ! -d "$(dir_of "$id")" ]; then continue; fi
        if [ "${NEEDS[$id]}" = world ] && ! world_possible; then
            [[ " $left " == *" $id "* ]] || left+="${left:+ }$id"
            continue
        fi
        first=$id
        break
    done
    [ -z "$left" ] || say "Passed over, for they need a lab network and none can be made here ($WORLD_REFUSED): $left."
    if [ -n "$first" ]; then cmd_start "$first"; return; fi
    [ -z "$left" ] || exit 4
    say "That was the last one: ${#ORDER[@]} labs. Your receipt:"
    next_is "$ME report"
}

cmd_diff() {
    local from rc=0 text
    no_options "$@"
    [ $# -le 1 ] || usage_error "diff: $2: one lab at a time"
    load
    pick "$@"
    need_started
    from=$WORK/records/$LAB/given
    [ -d "$from" ] || from=$DIR/start
    text=$(cd "$WORK" && diff -ruN -x '*.o' "${from#"$WORK"/}" "$LAB" 2>&1) || rc=$?
    [ $rc -le 1 ] || { complain "diff: ${text##*$'\n'}"; exit 1; }
    text=$(grep -v '^Binary files ' <<<"$text" | grep -v '^diff -ruN ') || true # what was compiled
    if [ -n "$text" ]; then helper clean <<<"$text"; else say "Nothing is changed yet in $(shown "$WORK/$LAB")."; fi
    upstream_changed "$LAB" || true
}

# reset: the work is renamed away as a whole, so there is no moment in which it is in neither place.
cmd_reset() {
    local backup stamp n=''
    no_options "$@"
    [ $# -le 1 ] || usage_error "reset: $2: one lab at a time"
    [ $# -eq 1 ] || usage_error "reset: which lab? $ME reset N"
    load
    pick "$1"
    need_started
    prepare "$LAB"
    TZ=UTC0 printf -v stamp '%(%Y%m%d-%H%M%S)T' -1
    mkdir -p "$WORK/backup" 2>/dev/null || refuse "reset: $(cannot_write "$WORK/backup"). Nothing was done"
    backup=$WORK/backup/$LAB-$stamp
    until mkdir "$backup$n" 2>/dev/null; do # a name of our own; the folder goes in its place
        [ -e "$backup$n" ] || refuse "reset: $(cannot_write "$backup"). Nothing was done"
        n=-$((${n#-} + 1))
    done
    backup+=$n
    mv -T "$WORK/$LAB" "$backup" 2>/dev/null || { rmdir "$backup"; refuse "reset: $(shown "$WORK/$LAB"): cannot be put aside, so nothing was done"; }
    say "Your work is put aside: $(shown "$backup")"
    give "$LAB"
    record "$LAB" reset "${backup##*/}"
    say "The starter files are in $(shown "$WORK/$LAB") again. Predictions and hints stay as they are."
}

cmd_hint() {
    local skip='' hint last=0 file
    local -a words=()
    for file; do if [ "$file" = --no-predict ]; then skip=yes; else words+=("$file"); fi; done
    no_options "${words[@]}"
    [ ${#words[@]} -le 1 ] || usage_error "hint: ${words[1]}: one lab at a time"
    load
    pick "${words[@]}"
    need_started
    need_predictions hint "$skip"
    while [ -f "$DIR/hints/$((last + 1)).md" ]; do last=$((last + 1)); done
    [ $last -gt 0 ] || refuse "hint: lab $LAB has none"
    hint=${HINTS[$LAB]}
    hint=$((hint + 1))
    if [ "$hint" -gt $last ]; then
        say "All $last hints of lab $LAB are given; this is the last one again. A solution: $ME solution $LAB --give-up"
        hint=$last
    fi
    bold "Hint $hint of $last"; printf '\n\n'
    cat "$DIR/hints/$hint.md"
    record "$LAB" hint "$hint"
}

cmd_solution() {
    local give_up='' word
    local -a words=()
    for word; do if [ "$word" = --give-up ]; then give_up=yes; else words+=("$word"); fi; done
    no_options "${words[@]}"
    [ ${#words[@]} -le 1 ] || usage_error "solution: ${words[1]}: one lab at a time"
    [ ${#words[@]} -eq 1 ] || usage_error "solution: of which lab? $ME solution N [--give-up]"
    load
    pick "${words[0]}"
    [ -d "$DIR/solution" ] || refuse "solution: lab $LAB has none"
    if [ "${PASSED[$LAB]}" = no ] && [ "${GAVE_UP[$LAB]}" = no ]; then
        if [ -z "$give_up" ]; then
            complain "solution: lab $LAB has not passed yet. Hints come first; $ME solution $LAB --give-up shows it all the same (recorded)."
            if [ "${STARTED[$LAB]}" = yes ] && locked "$LAB"; then next_is "$ME hint $LAB" >&2
            else show_next "$LAB" >&2; fi
            exit 1
        fi
        record "$LAB" gave-up
    fi
    record "$LAB" solution
    say "A solution: $(shown "$DIR/solution")"
    [ ! -f "$DIR/solution/NOTES.md" ] || { echo; cat "$DIR/solution/NOTES.md"; }
}

cmd_report() {
    [ "$*" = --json ] || no_operands "$@" # it is JSON
    need_programs lab_report
    helper receipt "$(shown "$HERE")" "$(shown "$WORK")" "$(now)"
}

cmd_explain() {
    [ $# -eq 1 ] || set -- '' # none, or several
    [ -n "$1" ] || usage_error "explain: which errno? $ME explain ECONNREFUSED, or its number"
    need_programs lab_report
    helper explain "$HERE/errno.tsv" "$1"
}
