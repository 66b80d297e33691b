# process.sh - the processes of a check: how one is started, waited for, asked whether it lives, and ended with all that it forked.
# Sourced by check.sh, whose head lists the words that a check uses.
# shellcheck shell=bash disable=SC2034 # WHAT, expected, observed, ENDED are check.sh's

# wait_for TIME CMD...: the pause is a read of a pipe that nobody writes to; only the condition ends the wait.
wait_for() {
    local time=$1 end; shift
    case $time in
    *ms) time=${time%ms} ;;
    *s) time=$((${time%s} * 1000)) ;;
    *) echo "wait_for: $time: a time needs its unit: 300ms, 5s" >&2; exit 1 ;;
    esac
    end=$((${EPOCHREALTIME/./} + time * 1000))
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
        read -rt 0.02 <>"$NOTHING" || [ -p "$NOTHING" ] || return 1 # the check has ended without us
    done
}
# alive PID: a zombie is not.
alive() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    [[ $stat != [ZX]* ]]
}
gone() { ! alive "$1"; }
# The program and what it forked: it leads a process group of its own. Its number is forgotten: it may soon be somebody else's.
end_pid() {
    kill -KILL -- "-$1" 2>/dev/null || kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    forget "$1"
}
forget() {
    local i
    for i in "${!PIDS[@]}"; do [ "${PIDS[i]}" != "$1" ] || unset "PIDS[i]"; done
}
stop() { [ -z "$PID" ] || [ "$PID" = "$DEAD" ] || end_pid "$PID"; PID=''; }

# launch CMD...: in the background, in a group of its own, dead when the check is; its first 64 KiB of output are kept and the rest
# is read too, or it would stand still. Sets JOB.
launch() {
    BUSY=$CHECK_TMP/.busy.$((LAUNCHES += 1))
    rm -f "$CHECK_TMP"/.{out,err}
    : >"$BUSY.out"
    : >"$BUSY.err"
    # Whoever called us may ignore SIGPIPE, and that would be inherited: then a program that does nothing about it would not die.
    setsid env --default-signal=PIPE setpriv --pdeathsig KILL "$@" </dev/null > >(keep .out) 2> >(keep .err) &
    JOB=$!
    PIDS+=("$JOB")
}
# Each takes its mark away when it has read all. (It makes no new file then: the check may be gone.)
# shellcheck disable=SC2317,SC2329 # runs in a process substitution
keep() { trap '' TERM INT; head -c 65536 >"$CHECK_TMP/$1"; cat >/dev/null; rm -f "$BUSY$1"; }
# When a program is gone: its last words are in the files, unless a child of its own still holds the pipes.
all_is_kept() { [ ! -e "$BUSY.out" ] && [ ! -e "$BUSY.err" ]; }
nobody_keeps() { ! compgen -G "$CHECK_TMP/.busy.*"; }

# how_it_ended STATUS: a name for it in ENDED, and a sentence in ENDING.
how_it_ended() {
    local name
    if [ "$1" -gt 128 ] && name=$(kill -l "$(($1 - 128))" 2>/dev/null); then
        ENDED=crashed ENDING="it was killed by SIG$name"
        case $name in
        PIPE) ENDED=sigpipe ;;
        SEGV) ENDING+=' (a pointer to nowhere)' ;;
        ABRT) ENDING+=' (abort)' ;;
        esac
    else
        ENDED=exited ENDING="it exited with status $1"
    fi
    if grep -qs 'ERROR: .*Sanitizer' "$CHECK_TMP/.err"; then
        ENDED=crashed ENDING+="; $(grep -m1 -oE 'ERROR: .*Sanitizer.*' "$CHECK_TMP/.err" | cut -c1-200)"
    fi
}
# Has the program of the last serve ended? Then ENDED and ENDING say how.
has_ended() {
    local status=0
    [ -n "$PID" ] || return 1
    [ "$PID" != "$DEAD" ] || return 0
    gone "$PID" || return 1
    wait "$PID" 2>/dev/null || status=$?
    DEAD=$PID
    end_pid "$PID" # what it forked
    wait_for 3s all_is_kept || true
    how_it_ended $status
}
# settled: it has done what there was to do, and sleeps. False when it is gone, or still works after two seconds.
settled() { [ -n "$PID" ] && lab_peer --settled "$PID" >/dev/null; }
# How long this process has wanted a processor, in ms: on one, or in the queue for one, so that a busy machine changes nothing. An idle
# server: next to nothing; one that spins: all of the time. proc_pid_schedstat(5)
wanted_ms() { awk '{ s += $1 + $2 } END { printf "%d", s / 1000000 }' /proc/"$PID"/task/*/schedstat 2>/dev/null || echo 0; }
spins() {
    local before
    before=$(wanted_ms)
    read -rt 0.2 <>"$NOTHING" || true
    [ $(($(wanted_ms) - before)) -gt 120 ]
}
still_alive() {
    WHAT="it is still there $1"
    [ -z "$PID" ] || lab_peer --settled "$PID" >/dev/null || true
    if has_ended; then
        expected='the program runs' observed=$ENDING PENDING=$ENDED
        unblamed
    fi
    good "$WHAT"
}
