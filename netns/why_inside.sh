#!/usr/bin/env bash
# why_inside.sh - records what one command does, at every level, then has the timeline drawn.
#
# It runs on the command's host, in the world, where root may trace every process. What it writes
# down, one file a source:
#   HOST.N.strace   the system calls of the command, and of every server in the world (strace)
#   packets         what the hosts' iptables logged, and what faults did to it (packet_log)
#   states          the TCP states, told by the kernel's tracepoint: mode root only (tracefs)
#   meta            who is who
# The directory is in the world's own /run, so that it cannot outlive the world.
# Usage:   WHY_…=… why_inside.sh CMD…      (netns/why.sh; the picture goes to descriptor 3)
# Partner: timeline.c, which reads the directory.
set -euo pipefail

complain() { echo "net: why: ${*//[[:cntrl:]]/?}" >&2; }
die() { complain "$@"; exit 125; }

# The calls that say something about a network; reads and writes of other descriptors are left out
# by whoever draws. -yy tells which connection a descriptor is. [#which-calls]
readonly CALLS=%network,read,write,readv,writev,close,poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,epoll_pwait2
STRACE=(strace -f -q -yy -T "--absolute-timestamps=format:unix,precision:ns" -s 24 -e "trace=$CALLS")

DIR='' TRACING='' COMMAND='' TRACERS=() HOSTS='' LOOKING=${WHY_LOOKING:-}

# shellcheck disable=SC2317,SC2329 # called by the trap
clean_up() {
    trap - EXIT
    [ ${#TRACERS[@]} -eq 0 ] || kill "${TRACERS[@]}" 2>/dev/null || true
    [ -z "$LOOKING" ] || log_everything '' || true
    [ -z "$TRACING" ] || rmdir "$TRACING" 2>/dev/null || true
    [ -z "$DIR" ] || { umount "$DIR/tracefs" 2>/dev/null || true; rm -rf "$DIR"; }
}

# The recording's directory, locked while it is in use. One that nobody holds was left by a net why
# that was killed.
make_directory() {
    local old fd
    for old in /run/echolab/why.*; do
        [ -d "$old" ] || continue
        exec {fd}<"$old"
        if flock -n "$fd"; then rm -rf "$old"; fi
        exec {fd}<&-
    done
    DIR=$(mktemp -d /run/echolab/why.XXXXXX)
    exec 9<"$DIR"
    flock -n 9
}

note() { echo "note $*" >>"$DIR/meta"; }

# wait_until SECONDS CMD…: until the command succeeds; only the condition ends the wait early.
wait_until() {
    local end=$((SECONDS + $1)); shift
    until "$@"; do
        [ $SECONDS -le "$end" ] || return 1
        read -rt 0.01 <> <(:) || true
    done
}

# ---- who is who --------------------------------------------------------------------------------

write_meta() { # CMD…
    local host address place
    HOSTS=$(sed -nE 's/^(hosts|routers)=//p' /run/echolab/world."$ECHOLAB_WORLD")
    {
        echo "command ${*//[[:cntrl:]]/ }"
        echo "clock $("$WHY_TIMELINE" --clock)"
        echo "host $ECHOLAB_HOST"
        for host in $HOSTS; do [ "$host" = "$ECHOLAB_HOST" ] || echo "host $host"; done
        while read -r address place; do echo "address $address $place"; done </run/echolab/names
    } >"$DIR/meta"
}

# ---- the log ---------------------------------------------------------------------------------------

# The topology's rules log the ports of the lesson. Here no packet may be missing, or "sent nothing"
# would be a guess: so for as long as we look, a chain of our own logs all other TCP and UDP too. It
# steps back from what the plan's rules log already. When nobody looks the chain is empty; one that a
# killed net why left full is filled anew, then emptied. [#log-everything]
readonly NFLOG="-j NFLOG --nflog-group 7007 --nflog-size 256 --nflog-prefix"

# why_rules FILE: for iptables-restore, from the plan's rules; nothing of ours is logged twice.
why_rules() {
    echo '*mangle'
    echo ':ECHOLAB_WHY - [0:0]' # makes it, or empties it
    if [ -n "$LOOKING" ]; then
        # The fence, which is of IPv4, has a rule of its own.
        [ "${1##*/}" = ip6tables ] || echo '-A ECHOLAB_WHY -d 127.0.0.1 -p udp --dport 9 -j RETURN'
        sed -n 's/^-A ECHOLAB_IN \(.*\) -j NFLOG .*/-A ECHOLAB_WHY \1 -j RETURN/p' "$1"
        echo "-A ECHOLAB_WHY -p tcp $NFLOG \"[TCP] \""
        echo "-A ECHOLAB_WHY -p udp $NFLOG \"[UDP] \""
    fi
    echo COMMIT
}

# The same for the departures of a place that translates addresses: nft logs them there.
why_table() {
    echo 'add chain inet echolab why'
    echo 'flush chain inet echolab why'
    [ -n "$LOOKING" ] || return 0
    echo 'add rule inet echolab why oifname "lo" udp dport 9 return'
    sed -n 's/^ *\(.*\) log .*/add rule inet echolab why \1 return/p' "$1"
    echo 'add rule inet echolab why meta l4proto tcp log prefix "[TCP] " group 7007 snaplen 256'
    echo 'add rule inet echolab why meta l4proto udp log prefix "[UDP] " group 7007 snaplen 256'
}

# log_on PLACE: fills or empties, and has the log's chains jump there if they do not yet.
log_on() {
    local plan=/run/echolab/plan/place/$1 family chain
    local -a chains=(ECHOLAB_IN)
    if [ -e "$plan/nft" ]; then
        why_table "$plan/nft" | nft -f -
        nft list chain inet echolab departures | grep 'jump why' >/dev/null || nft add rule inet echolab departures jump why
    else
        chains+=(ECHOLAB_OUT)
    fi
    for family in iptables ip6tables; do
        why_rules "$plan/$family" | "$family-restore" --noflush
        for chain in "${chains[@]}"; do
            "$family" -t mangle -C "$chain" -j ECHOLAB_WHY 2>/dev/null || "$family" -t mangle -A "$chain" -j ECHOLAB_WHY
        done
    done
}

# log_everything yes|'': on all hosts at once.
log_everything() {
    local host pid
    local -a pids=()
    LOOKING=$1
    for host in $HOSTS; do
        WHY_LOOKING=$LOOKING ip netns exec "$host" "$BASH" "${BASH_SOURCE[0]}" --log-on "$host" 3>&- 9<&- &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}

# ---- the servers ---------------------------------------------------------------------------------

# servers_on HOST: the processes that listen there (TCP), or wait for datagrams (UDP), but for the
# world's own.
servers_on() {
    local pid name
    ip netns exec "$1" ss -Hlntup 2>/dev/null | grep -oE 'pid=[0-9]+' | sort -u | while IFS='=' read -r _ pid; do
        name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
        case $name in dnsmasq | packet_log | fault_queue) ;; *) echo "$pid" ;; esac
    done || true
}

# Is every thread of these processes traced by now?
are_traced() {
    local pid
    for pid in "$@"; do
        if grep -qsx $'TracerPid:\t0' /proc/"$pid"/task/*/status; then return 1; fi
    done
}

# shellcheck disable=SC2317,SC2329 # called by wait_until
traced_or_given_up() { # TRACER PID…
    are_traced "${@:2}" || ! kill -0 "$1" 2>/dev/null
}

# A thread has a tracer a moment before its calls are traced. A server that waits in a call that we
# trace is interrupted when it is joined, and that is written down: then it is certain. One that
# waits elsewhere writes nothing, so this does not wait for long. [#joined-and-tracing]
await_first_line() { # FILE
    local tries
    for ((tries = 0; tries < 30; tries++)); do
        [ ! -s "$1" ] || return 0
        read -rt 0.01 <> <(:) || true
    done
}

# attach HOST: strace for the servers there. One that cannot be traced is noted, and the rest goes
# on without its calls.
attach() {
    local host=$1 pid said=$DIR/attach.$1 tracer
    local -a pids=() flags=()
    mapfile -t pids < <(servers_on "$host")
    for pid in "${pids[@]}"; do flags+=(-p "$pid"); done
    [ ${#pids[@]} -gt 0 ] || return 0
    setpriv --pdeathsig KILL ip netns exec "$host" "${STRACE[@]}" -o "$DIR/$host.1.strace" "${flags[@]}" </dev/null >"$said" 2>&1 3>&- 9<&- &
    tracer=$!
    TRACERS+=("$tracer")
    wait_until 5 traced_or_given_up "$tracer" "${pids[@]}" || true
    await_first_line "$DIR/$host.1.strace"
    are_traced "${pids[@]}" || note "not every server on $host could be traced: $(grep -m 1 -iE 'attach|ptrace' "$said" || tail -n 1 "$said")"
}

# shellcheck disable=SC2317,SC2329 # called by wait_until
ended() { ! kill -0 "$1" 2>/dev/null; } # PID

# A tracer that is asked to end lets go of the server first. One that does not listen is killed: the
# kernel then lets go (ptrace(2)).
detach_all() {
    local tracer
    for tracer in "${TRACERS[@]}"; do kill "$tracer" 2>/dev/null || true; done
    for tracer in "${TRACERS[@]}"; do wait_until 3 ended "$tracer" || kill -KILL "$tracer" 2>/dev/null || true; done
    for tracer in "${TRACERS[@]}"; do wait "$tracer" 2>/dev/null || true; done
    TRACERS=()
}

# ---- the states ----------------------------------------------------------------------------------

# The kernel tells each change of a TCP socket's state at a tracepoint, to real root. A tracefs
# instance is a ring of our own, with a clock of our own. Where there is none the states are worked
# out from the packets. [#states-by-tracepoint]
begin_states() {
    local tracefs=$DIR/tracefs old pid
    mkdir "$tracefs"
    if mount -t tracefs tracefs "$tracefs" 2>/dev/null && [ -e "$tracefs/events/sock/inet_sock_set_state/enable" ]; then
        for old in "$tracefs"/instances/echolab."$ECHOLAB_WORLD".*; do # left by one that was killed
            pid=${old##*.}
            [ ! -d "$old" ] || [ -d "/proc/$pid" ] || rmdir "$old" 2>/dev/null || true
        done
        TRACING=$tracefs/instances/echolab.$ECHOLAB_WORLD.$$
        if mkdir "$TRACING" 2>/dev/null && echo mono >"$TRACING/trace_clock" && echo 512 >"$TRACING/buffer_size_kb" &&
            echo 1 >"$TRACING/events/sock/inet_sock_set_state/enable"; then
            echo "states tracepoint" >>"$DIR/meta"
            return
        fi 2>/dev/null
        rmdir "$TRACING" 2>/dev/null || true
        TRACING=''
    fi
    echo "states packets" >>"$DIR/meta"
}

end_states() {
    [ -n "$TRACING" ] || return 0
    echo 0 >"$TRACING/events/sock/inet_sock_set_state/enable"
    grep -v '^#' "$TRACING/trace" >"$DIR/states" || true
    rmdir "$TRACING"
    TRACING=''
}

# ---- the packets ---------------------------------------------------------------------------------

mark() { "$WHY_LOG" show --mark; }
# The ring of fates is there when there has been a fault in this world.
readonly FATES=/run/echolab/faults
fate_mark() { if [ -e $FATES ]; then "$WHY_LOG" show --log $FATES --mark; else echo 0; fi; }

# How many packets the log has missed since the world began.
missed() {
    local count
    count=$("$WHY_LOG" show --mark 2>&1 >/dev/null | sed -n 's/^packet_log: \([0-9]*\) packets came too fast .*/\1/p')
    echo "${count:-0}"
}

# end_packets MARK FATE-MARK MISSED: what came since. Nothing that is missing may pass for "not sent".
end_packets() {
    local now
    "$WHY_LOG" show --format=record --from="$1" >"$DIR/packets" 2>"$DIR/said" || { cat "$DIR/said" >&2; return 1; }
    ! grep -q 'oldest packets are gone' "$DIR/said" || note "the oldest packets are missing: the log keeps only so many"
    now=$(missed)
    [ "$now" -eq "$3" ] || echo "lost $((now - $3))" >>"$DIR/meta"
    [ ! -e $FATES ] || "$WHY_LOG" show --log $FATES --format=record --from="$2" >"$DIR/faults"
}

# Lets what is on its way arrive, and servers answer: until no packet has come for a while, at most
# two seconds. (A retransmission may come later still; it belongs to nobody who waits.) Packets are
# counted, since looking moves the log's end: each look sends a fence.
settle() { # MARK
    local before now end=$((SECONDS + 2))
    before=$("$WHY_LOG" show --count --from="$1") || return 1
    while [ $SECONDS -lt $end ]; do
        read -rt 0.1 <> <(:) || true
        now=$("$WHY_LOG" show --count --from="$1") || return 1
        [ "$now" != "$before" ] || return 0
        before=$now
    done
}

# ---- the command ---------------------------------------------------------------------------------

# Signals are for the command; strace itself, writing to a file, ignores them.
# shellcheck disable=SC2317,SC2329 # called by the trap
pass_on() {
    local child
    child=$(cat "/proc/$COMMAND/task/$COMMAND/children" 2>/dev/null) || return 0
    # shellcheck disable=SC2086 # one pid, with a blank behind it
    [ -z "$child" ] || kill -"$1" $child 2>/dev/null || true
}

# run_command CMD…: sets ENDED, its exit code. A signal that we pass on ends wait early. The command
# does not outlive strace, nor strace us (prctl(2), PR_SET_PDEATHSIG). It finds the caller's environment,
# without the words that why.sh has for us.
run_command() {
    local signal fields group foreground
    for signal in TERM HUP USR1 USR2; do
        # shellcheck disable=SC2064 # the signal's name is meant now
        trap "pass_on $signal" $signal
    done
    # The terminal sends these to the command itself, which is in our process group.
    fields=$(</proc/$$/stat)
    read -r _ _ group _ _ foreground _ <<<"${fields##*) }"
    for signal in INT QUIT; do
        # shellcheck disable=SC2064
        if [ "$group" = "$foreground" ]; then trap : $signal; else trap "pass_on $signal" $signal; fi
    done
    env -u WHY_OPTIONS -u WHY_FILE -u WHY_TIMELINE -u WHY_LOG --default-signal=INT,QUIT,TERM,HUP setpriv --pdeathsig KILL "${STRACE[@]}" \
        -o "$DIR/$ECHOLAB_HOST.0.strace" -- setpriv --pdeathsig KILL "$@" <&0 3>&- 9<&- &
    COMMAND=$!
    ENDED=0
    wait "$COMMAND" || ENDED=$?
    while kill -0 "$COMMAND" 2>/dev/null; do
        ENDED=0
        wait "$COMMAND" || ENDED=$?
    done
    trap - TERM HUP USR1 USR2 INT QUIT
}

draw() {
    local -a options
    read -ra options <<<"$WHY_OPTIONS"
    if [ -n "$WHY_FILE" ]; then
        "$WHY_TIMELINE" "${options[@]}" "$DIR" >/proc/self/fd/3
    else
        "$WHY_TIMELINE" "${options[@]}" "$DIR" >&3
    fi || die "the timeline could not be drawn"
}

main() {
    local host from fates missed
    if [ "$1" = --log-on ]; then log_on "$2"; exit; fi
    if [ -z "$(type -P -- "$1")" ]; then
        case $1 in */*) [ ! -e "$1" ] || { complain "$ECHOLAB_HOST: $1: not a program that may be run"; exit 126; } ;; esac
        complain "$ECHOLAB_HOST: $1: command not found"
        exit 127
    fi
    [ -n "$WHY_LOG" ] || die "packet_log is not built (make)"
    trap clean_up EXIT
    make_directory
    write_meta "$@"
    begin_states
    log_everything yes || note "packets of ports that the topology does not log are missing"
    for host in $HOSTS; do attach "$host"; done
    from=$(mark) || exit 125 # packet_log has said why
    fates=$(fate_mark) || exit 125
    missed=$(missed)
    # What goes to stdout must be one document where one was asked for.
    if [ -z "$WHY_FILE" ] && [[ $WHY_OPTIONS != *--format=text* ]]; then
        run_command "$@" >&2
    else
        run_command "$@"
    fi
    echo "exit $ENDED" >>"$DIR/meta"
    settle "$from" || note "the packet log came to an end meanwhile"
    end_states
    detach_all
    log_everything '' || true
    end_packets "$from" "$fates" "$missed" || note "the packets could not be read to their end"
    draw
    exit "$ENDED"
}

main "$@"
