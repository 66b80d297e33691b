# talk.sh - the other end of the program under test, played by lab_peer. Sourced by check.sh.
#
#   talk WHAT <<'END'         plays the script; ok WHAT when all went as it says. Else false, with PEER_RESULT, PEER_EXPECTED,
#                             PEER_OBSERVED, PEER_GOT, PEER_WANT, PEER_SLEEPS (the system call in which the program sleeps),
#                             PEER_UNREAD (yes: although what was sent lies there) and PEER_ENDED (sigpipe, crashed, exited: it has ended meanwhile). `talk ... || blame ...`.
#   ask <<'END'               the same without a line of TAP: to look at something that may go either way
#     --on HOST                 (before WHAT, of all) on that host of the world
#   fact NAME KEY             from the last talk: `fact a pushed`
#   peer NAME <<'END'         plays the script in the background, as the server of a learner's client; its first step opens a
#                             socket, whose port is in PORT when it returns
#   heard NAME WHAT           that script has gone to its end: ok, or false as talk. It is given half a second, then told to stop
# In a script @PORT is $PORT; any @NAME is $NAME. TALK_DEADLINE=2s: silence is what lasts so long.
# shellcheck shell=bash disable=SC2034 # the PEER_ variables are for the checks

PEER_RESULT='' PEER_EXPECTED='' PEER_OBSERVED='' PEER_GOT='' PEER_WANT='' PEER_SLEEPS='' PEER_UNREAD='' PEER_ENDED='' PEER_SEED='' PEER_FACTS=''
PEER_STORY=()
declare -A PEERS=()

# A script from standard input, with the variables put in. What a variable holds is not looked through again.
peer_script() {
    local text ready='' name
    text=$(cat)
    while [[ $text =~ @([A-Z][A-Z0-9_]*) ]]; do
        name=${BASH_REMATCH[1]}
        ready+=${text%%"@$name"*}${!name}
        text=${text#*"@$name"}
    done
    printf '%s\n' "$ready$text"
}
# peer_read FILE: what lab_peer said.
peer_read() {
    local line value
    PEER_RESULT='' PEER_EXPECTED='' PEER_OBSERVED='' PEER_GOT='' PEER_WANT='' PEER_SLEEPS='' PEER_UNREAD='' PEER_ENDED='' PEER_FACTS=''
    PEER_STORY=()
    while IFS= read -r line; do
        value=${line#*: }
        case $line in
        'result: '*) PEER_RESULT=$value ;;
        'expected: '*) PEER_EXPECTED=$value ;;
        'observed: '*) PEER_OBSERVED=$value ;;
        'got: '*) PEER_GOT=$value ;;
        'want: '*) PEER_WANT=$value ;;
        'sleeps: '*) PEER_SLEEPS=$value ;;
        'unread: '*) PEER_UNREAD=$value ;;
        'seed: '*) PEER_SEED=$value ;;
        'did: '*) PEER_STORY+=("$value") ;;
        'failed: '*) ;;
        *) PEER_FACTS+=$line$'\n' ;;
        esac
    done <"$1"
}
fact() { sed -n "s/^$1 $2 //p" <<<"$PEER_FACTS" | tail -n 1; }

# peer_verdict STATUS: nothing, or what is pending. A program that has ended is the cause of much: a moment is given to it.
peer_verdict() {
    [ "$1" -ne 2 ] || { cat "$CHECK_TMP/.peer.err" >&2; exit 2; }
    [ "$1" -ne 0 ] || return 0
    expected='' observed='' did=''
    PENDING=unexplained
    case $PEER_RESULT in eof | reset | refused) wait_for 100ms gone "${PID:-0}" || true ;; esac
    if has_ended; then
        PEER_ENDED=$ENDED PENDING=$ENDED
        # shellcheck disable=SC2153 # check.sh's
        PEER_OBSERVED+="; and $ENDING"
    fi
    return 1
}
ask() {
    local way=() status=0
    unblamed
    if [ "${1:-}" = --on ]; then enter "$2"; way=("${ENTER[@]}"); shift 2; fi
    peer_script >"$CHECK_TMP/.script"
    # In the background, and waited for: so a signal to the check is heard at once.
    "${way[@]}" setpriv --pdeathsig KILL "$LAB_BIN/lab_peer" --deadline "${TALK_DEADLINE:-2s}" ${PID:+--watch "$PID"} \
        <"$CHECK_TMP/.script" >"$CHECK_TMP/.peer" 2>"$CHECK_TMP/.peer.err" &
    wait $! || status=$?
    peer_read "$CHECK_TMP/.peer"
    peer_verdict $status || { PENDING=; return 1; }
}
talk() {
    local way=()
    if [ "$1" = --on ]; then way=(--on "$2"); shift 2; fi
    unblamed
    WHAT=$1
    if ask "${way[@]}"; then good "$1"; return; fi
    PENDING=${PEER_ENDED:-unexplained}
    return 1
}
peer_is_open() { grep -qs ' port ' "$CHECK_TMP/.peer.$1" || gone "${PEERS[$1]}"; }
peer() {
    local way=() name
    if [ "$1" = --on ]; then enter "$2"; way=("${ENTER[@]}"); shift 2; fi
    name=$1
    peer_script >"$CHECK_TMP/.script"
    setsid "${way[@]}" setpriv --pdeathsig KILL "$LAB_BIN/lab_peer" --deadline "${PEER_DEADLINE:-20s}" \
        <"$CHECK_TMP/.script" >"$CHECK_TMP/.peer.$name" 2>"$CHECK_TMP/.peer.err" &
    PEERS[$name]=$!
    PIDS+=("$!")
    wait_for 5s peer_is_open "$name" || true
    PORT=$(sed -n 's/^[^ ]* port //p' "$CHECK_TMP/.peer.$name" | head -n 1)
    [ -n "$PORT" ] || { cat "$CHECK_TMP/.peer.$name" "$CHECK_TMP/.peer.err" >&2; return 2; }
}
heard() {
    local name=$1 status=0
    unblamed
    WHAT=$2
    wait_for 500ms gone "${PEERS[$name]}" || kill -TERM "${PEERS[$name]}" 2>/dev/null || true
    wait "${PEERS[$name]}" || status=$?
    peer_read "$CHECK_TMP/.peer.$name"
    if peer_verdict $status; then good "$2"; else return 1; fi
}
