# log.sh - `net log`: the packets that iptables logged.
#
# The work is packet_log's; this file finds the world and passes the words on.
# Partner: packet_show.c.
# shellcheck shell=bash

cmd_log() {
    local log word hosts='' rc=0
    local -a options=()
    while [ $# -gt 0 ]; do
        word=$1; shift
        case $word in
        -f | --follow | --count | --mark | --format=* | --protocol=* | --from=*) options+=("$word") ;;
        --format | --protocol | --from)
            [ $# -gt 0 ] || die "log: $word: which? (man echolab-net)"
            options+=("$word" "$1"); shift
            ;;
        -*) die "log: $word: unknown option (net help)" ;;
        *) hosts+="${hosts:+,}$word" ;;
        esac
    done
    log=$(program packet_log)
    [ -n "$log" ] || die "log: packet_log is not built (make)"
    pick_world
    [ -z "$hosts" ] || pick_hosts log "$hosts"
    PICKED=("${WORLD_HOSTS%% *}") # the log is one for all hosts: from any of them
    run_inside "$log" show ${hosts:+--hosts "$hosts"} "${options[@]}" || rc=$?
    case $rc in 1 | 2) return 125 ;; *) return $rc ;; esac # packet_log has said what failed
}
