# fault.sh - `net fault`: loss, delay and damage on one link, that repeat exactly.
#
# This file finds the world and the ends of the link; fault_queue understands the words, and
# fault_inside.sh does in the world what it says.
# Partner: fault_inside.sh, fault_queue.c.
# shellcheck shell=bash disable=SC2034 # PICKED is for run_inside

cmd_fault() {
    local queue word=${1:-} rc=0
    [ $# -gt 0 ] || die "fault: which link, and what? net fault client:server drop=nth:2, or show, or clear"
    queue=$(program fault_queue)
    [ -n "$queue" ] || die "fault: fault_queue is not built: it needs the packages libnetfilter-queue-dev and libmnl-dev (make deps, then make)"
    pick_world
    case $word in
    show)
        [[ $# -le 2 && ${2---json} == --json ]] || die "fault: show: ${2:-}: only --json may follow"
        ;;
    clear)
        [ $# -le 2 ] || die "fault: clear: $3: one link or number at a time"
        if [[ ${2:-} == *:* ]]; then fault_link "$2"; fi
        ;;
    *:*)
        fault_link "$word"
        [ $# -gt 1 ] || die "fault: $word: what shall happen there? net fault $word drop=nth:2 (man echolab-net)"
        set -- add "$@"
        ;;
    *) die "fault: $word: neither a link (A:B, as client:server) nor show nor clear" ;;
    esac
    for word in "$@"; do
        [[ $word != -* || $word == --json ]] || die "fault: $word: no option is known here (net help)"
        [[ $word != *[[:space:][:cntrl:]]* ]] || die "fault: $word: has a blank in it"
    done
    PICKED=("${WORLD_HOSTS%% *}") # the work is done in all places: from any of them
    run_inside bash "$HERE/fault_inside.sh" "$queue" "$@" || rc=$?
    [ $rc -eq 0 ] || return 125 # what failed has been said
}

# fault_link A:B: both ends are places of the world.
fault_link() {
    local end
    for end in "${1%%:*}" "${1#*:}"; do
        [[ $end =~ ^[a-z][a-z0-9-]*$ && " $WORLD_HOSTS $WORLD_SWITCHES " == *" $end "* ]] ||
            die "fault: $1: there is no \"$end\" in world $WORLD_NAME (there are: $WORLD_HOSTS $WORLD_SWITCHES)"
    done
}
