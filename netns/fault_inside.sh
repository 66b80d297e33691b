#!/usr/bin/env bash
# fault_inside.sh - puts faults into the kernel of a world, and takes them out again.
#
# fault_queue knows what is to be done and says so, a line a command; this file does it, in the place
# that the line names. It runs inside the world, one at a time (a lock).
#
# Usage:    fault_inside.sh FAULT_QUEUE add A:B WORD... | clear [A:B|NUMBER] | show [--json]
# Partner:  fault.sh (the outside), fault_plan.c (what the lines hold)
set -euo pipefail
QUEUE=$1; shift
readonly RULES=/run/echolab/fault.rules

complain() { echo "net: fault: ${*//[[:cntrl:]]/?}" >&2; }
in_place() { local place=$1; shift; ip netns exec "$place" "$@"; }

# each_table FUNCTION ARGUMENT...: for the filter and the raw table, of IPv4 and IPv6.
each_table() {
    local command
    for command in iptables ip6tables; do
        "$1" $command filter "${@:2}"
        "$1" $command raw "${@:2}"
    done
}

# untag COMMAND TABLE PLACE NUMBER: deletes the rules that a fault has there, as iptables-save shows
# them.
untag() {
    local line
    local -a words
    while read -r line; do
        read -ra words <<<"${line#-A }"
        in_place "$3" "$1" -w -t "$2" -D "${words[@]}"
    done < <(in_place "$3" "$1-save" -t "$2" | grep -E -- "^-A .* --comment \"?echolab-fault-$4\"? ")
}

# fill_chain PLACE RULES: the chain of the table raw that sends packets to the queue holds these rules,
# and no others, from one moment to the next. It is jumped to behind everything else in raw, since a packet
# that has been queued does not come back to this table.
fill_chain() {
    local command
    for command in iptables ip6tables; do
        {
            printf '*raw\n:ECHOLAB_FAULT - [0:0]\n'
            [ -z "$2" ] || printf -- '-A ECHOLAB_FAULT %s\n' "${2//;/$'\n-A ECHOLAB_FAULT '}"
            echo COMMIT
        } | in_place "$1" $command-restore -w -n || return 1
        in_place "$1" $command -w -t raw -C PREROUTING -j ECHOLAB_FAULT 2>/dev/null ||
            in_place "$1" $command -w -t raw -A PREROUTING -j ECHOLAB_FAULT || return 1
    done
}

# behind COMMAND PLACE "-t TABLE -I CHAIN": the number of the place behind the faults in that chain.
behind() {
    local -a words
    local count
    read -ra words <<<"$3"
    count=$(in_place "$2" "$1" -w -t "${words[1]}" -S "${words[3]}" | grep -c echolab-fault- || true)
    echo $((count + 1))
}

# obey: the commands on stdin. False as soon as one fails.
obey() {
    local word place rest
    local -a words
    while read -r word place rest; do
        case $word in
        chain) fill_chain "$place" "$rest" ;;
        iptables | ip6tables)
            read -ra words <<<"${rest/ AT / $(behind "$word" "$place" "${rest%% AT *}") }"
            in_place "$place" "$word" -w "${words[@]}"
            ;;
        untag) each_table untag "$place" "$rest" ;;
        say) SAID+="$place${rest:+ $rest}"$'\n' ;;
        esac || return 1
    done
}

# The packets that iptables' rules of faults have counted, for fault_queue show.
kernel_counts() {
    local place
    grep -qE ' (reject|refuse|unreachable|blackhole)( |$)' "$RULES" 2>/dev/null || return 0
    while read -r place; do
        each_table saved "$place"
    done < <(awk '{ print $1 }' /run/echolab/plugs | sort -u)
}
# shellcheck disable=SC2317,SC2329 # called by each_table
saved() { in_place "$3" "$1-save" -c -t "$2" | grep -- 'echolab-fault-' || true; }

main() {
    local orders number lock rc=0
    SAID=''
    exec {lock}>/run/echolab/fault.lock
    flock -w 30 "$lock" || { complain "another net fault has been at work for half a minute"; exit 1; }
    if [ "$1" = show ]; then
        kernel_counts | "$QUEUE" "$@"
        return
    fi
    orders=$("$QUEUE" "$@") || rc=$?
    [ -z "$orders" ] || obey <<<"$orders" || {
        # A rule that the kernel will not have must not be shown as if it were in force.
        number=$(sed -nE 's/^say fault ([0-9]+) .*/\1/p' <<<"$orders") # none: clear would mean all
        [ -z "$number" ] || orders=$("$QUEUE" clear "$number" | grep -v '^say ') || true
        [ -z "$number" ] || obey <<<"$orders" 2>/dev/null || true
        complain "${2-}: the kernel does not take it (net doctor says what this machine lacks)"
        exit 1
    }
    printf '%s' "$SAID"
    return $rc
}

main "$@"
