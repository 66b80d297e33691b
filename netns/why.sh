# why.sh - `net why`: one command, seen at every level at once, in one timeline.
#
# This half is outside the world: it reads the words, opens the file that the picture goes to (a path
# means what it means outside), and starts the other half on the host.
# Partner: why_inside.sh (records), timeline.c (puts in order, and draws).
# shellcheck shell=bash

# why_format FORMAT FILE: what was asked for; nothing: what the file's name says; else text.
why_format() {
    case $1:$2 in
    text:* | svg:* | html:* | json:*) echo "$1" ;;
    :*.svg) echo svg ;;
    :*.html | :*.htm) echo html ;;
    :*.json) echo json ;;
    :*.png | :*.pdf | :*.jpg) die "why: $2: no picture of that kind can be made (.svg, .html, .json, or --format=text)" ;;
    :*) echo text ;;
    *) die "why: --format=$1: not a format (text, svg, html, json)" ;;
    esac
}

cmd_why() {
    local file='' format='' host='' made='' timeline word rc=0
    local -a options=()
    while [ $# -gt 0 ] && [ -z "$host" ]; do
        word=$1; shift
        case $word in
        -o | --output | --format | --width)
            [ $# -gt 0 ] || die "why: $word: which? (net help)"
            set -- "$word=$1" "${@:2}"
            ;;
        -o=* | --output=*) file=${word#*=} ;;
        -o*) file=${word#-o} ;;
        --format=*) format=${word#*=} ;;
        --width=*) options+=("$word") ;;
        --all | --ascii) options+=("$word") ;;
        -*) die "why: $word: unknown option (net help)" ;;
        *) host=$word ;;
        esac
    done
    [ -n "$host" ] || die "why: which host, and what? net why HOST -- CMD"
    [ "${1:-}" != -- ] || shift
    [ $# -gt 0 ] || die "why: what shall run on $host? net why $host -- CMD"
    format=$(why_format "$format" "$file") || exit 125
    timeline=$(program timeline)
    [ -n "$timeline" ] || die "why: timeline is not built (make)"
    [ -n "$(type -P strace)" ] || die "why: strace: not found ($(as_root apt-get install strace))"
    pick_world
    pick_hosts why "$host"
    [ ${#PICKED[@]} -eq 1 ] || die "why: one host at a time"
    # Opened to append, so that what is in the file is only lost when there is something better.
    if [ -n "$file" ]; then
        [ -e "$file" ] || made=yes
        { exec 3>>"$file"; } 2>/dev/null || die "why: $file: cannot be written"
    else
        { exec 3>&1; } 2>/dev/null || die "why: stdout: cannot be written"
    fi
    WHY_OPTIONS="--format=$format ${options[*]}" WHY_FILE=$file WHY_TIMELINE=$timeline WHY_LOG=$(program packet_log) \
        run_inside "$BASH" "$HERE/why_inside.sh" "$@" || rc=$?
    exec 3>&-
    if [ -n "$made" ] && [ ! -s "$file" ]; then rm -f -- "$file"; fi
    return $rc
}

# sweep_traces: removes the tracefs instances that a killed net why has left in the kernel, those of
# worlds that are gone. Only real root ever makes one (why_inside.sh [#states-by-tracepoint]).
sweep_traces() {
    [ "$EUID" -eq 0 ] || return 0
    # shellcheck disable=SC2016 # expanded by that shell
    unshare --mount "$BASH" -c '
        [ -d /sys/kernel/tracing/instances ] || mount -t tracefs tracefs /sys/kernel/tracing || exit 0 # EBUSY: it is there
        for instance in /sys/kernel/tracing/instances/echolab.*; do
            name=${instance#*/echolab.}
            [[ " $1 " == *" ${name%.*} "* ]] || rmdir "$instance"
        done' net "$(running_worlds)" 2>/dev/null || true
}
