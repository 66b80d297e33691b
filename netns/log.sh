# log.sh - `net log`, `net counters`, `net capture`: what crosses the wires of a world, in three
# depths.
#
# The work is packet_log's and packet_capture's; this file finds the world, says what is in the way,
# and passes the words on.
# Partner: packet_show.c, packet_counters.c, packet_capture.c.
# shellcheck shell=bash

# log_program NAME: its path into PROGRAM.
log_program() {
    PROGRAM=$(program "$1")
    [ -n "$PROGRAM" ] || die "$1 is not built (make)"
}

# log_hosts COMMAND HOST…: checks the hosts of the picked world, and lists them with commas in LISTED
# (nothing when there are none).
log_hosts() {
    local command=$1; shift
    LISTED=$(IFS=,; echo "$*")
    [ $# -eq 0 ] || pick_hosts "$command" "$LISTED"
}

# log_code CODE: the exit code of one of ours as net's own: 1 and 2 are net's failure, and have been
# explained.
log_code() { case $1 in 1 | 2) return 125 ;; *) return "$1" ;; esac }

cmd_log() {
    local word source=nflog rc=0
    local -a options=() wanted=()
    while [ $# -gt 0 ]; do
        word=$1; shift
        case $word in
        -f | --follow | --count | --mark | --no-faults) options+=("$word") ;;
        --format=* | --protocol=* | --port=* | --direction=* | --prefix=* | --from=*) options+=("$word") ;;
        --source=*) source=${word#*=} ;;
        --format | --protocol | --port | --direction | --prefix | --from | --source)
            [ $# -gt 0 ] || die "log: $word: which? (man echolab-net)"
            if [ "$word" = --source ]; then source=$1; else options+=("$word" "$1"); fi
            shift
            ;;
        -*) die "log: $word: unknown option (net help)" ;;
        *) wanted+=("$word") ;;
        esac
    done
    log_program packet_log
    [ "$source" != kernel ] || log_kernel_allowed
    pick_world
    log_hosts log "${wanted[@]}"
    [ -z "$LISTED" ] || options+=(--hosts "$LISTED")
    options+=(--source "$source")
    if [ "$source" = kernel ]; then
        log_kernel_ready
        # Outside: /dev/kmsg is one for the machine, and closed to a user namespace.
        setpriv --pdeathsig KILL "$PROGRAM" show "${options[@]}" --tag "$WORLD_TAG" --pid "$WORLD_PID" \
            --names "/proc/$WORLD_PID/root/run/echolab/names" || rc=$?
        log_code $rc
        return
    fi
    PICKED=("${WORLD_HOSTS%% *}") # the log is one for all hosts: from any of them
    run_inside "$PROGRAM" show "${options[@]}" || rc=$?
    log_code $rc
}

# ---- the kernel's log: each thing that can be in the way has its own sentence ------------------

log_kernel_allowed() {
    outside_only "log --source=kernel"
    [ "$EUID" -eq 0 ] || die "log: --source=kernel: only root may read the kernel's log (sudo $SELF log --source=kernel)"
}

log_kernel_ready() {
    [ "$WORLD_MODE" = root ] ||
        die "log: --source=kernel: world $WORLD_NAME is of mode rootless, where nothing logs to the kernel (sudo $SELF up --kernel-log)"
    # Another user's file may claim any mode, and we are about to read below that world's root directory.
    [ "$WORLD_OWNER" -eq "$EUID" ] || die "log: --source=kernel: world $WORLD_NAME is another user's"
    case $(setting net/netfilter/nf_log_all_netns) in
    1) ;;
    0) die "log: --source=kernel: this machine keeps the LOG rules of worlds out of the kernel's log (sysctl -w net.netfilter.nf_log_all_netns=1)" ;;
    *) die "log: --source=kernel: there is no setting net.netfilter.nf_log_all_netns here (modprobe nf_log_syslog; in a container, ask on the machine itself)" ;;
    esac
    if [ -z "$WORLD_TAG" ] || ! log_has_rules; then
        die "log: --source=kernel: world $WORLD_NAME has no LOG rules (net up --kernel-log makes them)"
    fi
}

# Is there a LOG rule with this world's tag on any of its hosts?
log_has_rules() {
    local rules
    PICKED=("${WORLD_HOSTS%% *}")
    # shellcheck disable=SC2016 # expanded inside
    rules=$(run_inside "$BASH" -c 'for host in $1; do ip netns exec "$host" iptables-save -t mangle; done' \
        net "$WORLD_HOSTS" 2>/dev/null) || true
    [[ $rules == *"--log-prefix \"[$WORLD_TAG "* ]]
}

# ---- counters ----------------------------------------------------------------------------------

cmd_counters() {
    local word rc=0
    local -a options=() wanted=()
    while [ $# -gt 0 ]; do
        word=$1; shift
        case $word in
        --kernel | --format=*) options+=("$word") ;;
        --format)
            [ $# -gt 0 ] || die "counters: --format: which? (text, json)"
            options+=("$word" "$1"); shift
            ;;
        -*) die "counters: $word: unknown option (net help)" ;;
        *) wanted+=("$word") ;;
        esac
    done
    log_program packet_log
    pick_world
    [ ${#wanted[@]} -gt 0 ] || read -ra wanted <<<"$WORLD_HOSTS"
    log_hosts counters "${wanted[@]}"
    PICKED=("${wanted[0]}") # it visits each host by itself
    run_inside "$PROGRAM" counters --hosts "$LISTED" "${options[@]}" || rc=$?
    log_code $rc
}

# ---- capture -----------------------------------------------------------------------------------

# The file is opened here, by whoever typed the command, and packet_capture writes to its standard
# output: so it has the caller's owner and working directory, whatever is mounted inside the world.
cmd_capture() {
    local word host='' file='' made='' rc=0
    local -a options=() filter=()
    while [ $# -gt 0 ]; do
        word=$1; shift
        case $word in
        --count=* | --duration=* | --interface=*) options+=("$word") ;;
        -i | --interface | --count | --duration)
            [ $# -gt 0 ] || die "capture: $word: which? (man echolab-net)"
            options+=("$word" "$1"); shift
            ;;
        -) file=- ;;
        -*) die "capture: $word: unknown option (net help)" ;;
        *)
            if [ -z "$host" ]; then host=$word
            elif [ -z "$file" ]; then file=$word
            else filter=("$word" "$@"); break; fi
            ;;
        esac
    done
    [ -n "$file" ] || die "capture: which host, and into which file? net capture HOST FILE|- [FILTER...]"
    log_program packet_capture
    pick_world
    pick_hosts capture "$host"
    [ ${#PICKED[@]} -eq 1 ] || die "capture: one host at a time"
    if [ "$file" != - ]; then
        [ -e "$file" ] || made=yes
        { exec >"$file"; } 2>/dev/null || die "capture: $file: cannot be written"
    elif [ -t 1 ]; then
        die "capture: -: stdout is a terminal, and pcapng is not for eyes (net capture $host - | wireshark -k -i -)"
    fi
    run_inside "$PROGRAM" --host "$host" "${options[@]}" -- "${filter[@]}" || rc=$?
    if [ $rc -ne 0 ] && [ -n "$made" ] && [ ! -s "$file" ]; then rm -f -- "$file"; fi
    log_code $rc
}
