# check.sh - what the checks of the labs share: they build the learner's program, start it, talk to it,
# and tell a story when something is not as it should be. A check is a bash script that sources this file;
# LAB_DIR, LAB_WORK, LAB_LIB, LAB_BIN, LAB_NET are set by labs/lab, or found from the check's own place.
# It speaks TAP 13. The first failure ends it: what comes after a root cause teaches nothing.
#
#   build NAME...             make, in a copy of the answer. First compiler error -> does-not-compile
#   serve CMD [ARG...]        starts a TCP server; @PORT becomes a free port. Sets PID, PORT. Waits until this
#                             very process listens there: does-not-start, exits-at-once, listens-nowhere,
#                             listens-elsewhere, wrong-byte-order. A check that knows what its program says
#                             when it ends at once defines explain_end, which may blame
#   serve_udp CMD [ARG...]    the same for a bound UDP socket
#     --on HOST                 (before CMD, of both) on that host of the world
#     --traced                  under strace: see traced
#   stop                      ends the server of the last serve
#   spins                     it uses a whole processor (0.2 s are measured); wanted_ms: how much until now
#   settled                   waits until the program sleeps, having done what there was to do; false when it is gone
#   still_alive WHAT          ok when the program lives then. Else its end is named: sigpipe, crashed, exited
#   talk, ask, peer, ...      the other end: see talk.sh, which this file sources
#   sanitized ...             the last step: see sanitize.sh
#   run_answer CMD [ARG...]   a learner's client: sets OUT, ERR, STATUS, TOOK_MS. LIMIT=10 seconds. Returns 1
#                             when it took longer (too-slow) or died of a signal
#   traced CMD [ARG...]       the same under strace -f; the calls are in the file $TRACE. Returns 4 where
#                             tracing is not allowed, with the reason in $WHY
#   good WHAT                 ok
#   skip WHAT WHY             ok, skipped
#   blame ID CAUSE LOOK       not ok, with the story, and the end of the check. What was expected and observed
#                             is the last talk's, or given before it: expected=... observed=... did=...
#   needs_world WHAT          can a lab network be made here? If not: skip WHAT, and false
#   world [TOPOLOGY]          makes one (of the lab's own topology); it goes with the check
#   on HOST CMD [ARG...]      runs CMD on a host of it
#   answer NAME               what `NAME=value` in the answer's file `answers` says
#   wait_for TIME CMD...      until CMD succeeds; false when it does not in that time: 300ms, 5s
#   free_port [udp]           prints a port that nobody has
#   defer CMD [ARG...]        to be done at the end of the check, however it comes
# shellcheck shell=bash disable=SC2034 # OUT, ERR, WHY are for the checks
set -euo pipefail
unset CDPATH # with it, cd may print where it went

LAB_DIR=$(cd "${LAB_DIR:-$(dirname "$0")}" && pwd)
LAB_LIB=$(cd "${LAB_LIB:-$(dirname "${BASH_SOURCE[0]}")}" && pwd)
LAB_ID=${LAB_ID:-$(basename "$LAB_DIR")} LAB_ID=${LAB_ID%%-*}
LAB_WORK=$(cd "${LAB_WORK:-$LAB_LIB/../work/$LAB_ID}" && pwd)
LAB_BIN=$(cd "${LAB_BIN:-$LAB_LIB/../../build/bin}" && pwd)
LAB_NET=${LAB_NET:-$LAB_LIB/../../netns/net}
PATH=$LAB_BIN:$PATH:/usr/sbin:/sbin
export LAB_DIR LAB_LIB LAB_ID LAB_WORK LAB_BIN LAB_NET PATH LC_ALL=C
ulimit -S -c 0 -t 60 # no core files; a program that spins is ended one day

CHECK_TMP=$(mktemp -d "${TMPDIR:-/tmp}/lab-check.XXXXXX")
NOTHING=$CHECK_TMP/.nothing
TRACE=$CHECK_TMP/.trace
mkfifo "$NOTHING"
mkdir "$CHECK_TMP/answer"
cd "$CHECK_TMP/answer"
LAUNCHES=0 BUSY=$CHECK_TMP/.busy.0
COUNT=0 SKIPPED=0 WHAT='the check begins' PENDING=
STEPS=() DEFERRED=() PIDS=()
PID='' DEAD='' JOB='' PORT='' OUT='' ERR='' STATUS=0 TOOK_MS=0 WHY=''
expected='' observed='' did=''

# ---- TAP ----------------------------------------------------------------------------------------

good() { unblamed; expected='' observed='' did=''; COUNT=$((COUNT + 1)); STEPS+=("$1"); echo "ok $COUNT - $1"; }
skip() { unblamed; COUNT=$((COUNT + 1)); SKIPPED=$((SKIPPED + 1)); echo "ok $COUNT - $1 # SKIP $2"; }

# A value of the story: on one line when it is plain, else as a block.
yaml() {
    local key=$1 text=$2
    [ -n "$text" ] || return 0
    if [[ $text == *$'\n'* || $text == *': '* || $text == *' #'* || $text == [\"\'\&\*\!\|\>%@\`\[\{\#,?:-]* || $text == *: ]]; then
        printf '  %s: |\n' "$key"
        printf '%s\n' "$text" | sed 's/^/    /'
    else
        printf '  %s: %s\n' "$key" "$text"
    fi
}
# Which marks of the starter are still there: they are the likeliest cause of all.
marks() { grep -rnoE "TODO\($LAB_ID-[0-9]+\)" --include='*.[ch]' --include='*.sh' . 2>/dev/null | sed -E 's|^\./||; s|:TODO| TODO|' | sort -k2,2V -k1,1V | uniq || true; }
blame() {
    local id=$1 cause=$2 look=${3:-}
    PENDING=
    COUNT=$((COUNT + 1))
    [ -n "$did" ] || did=$(printf '%s\n' "${STEPS[@]}" "${PEER_STORY[@]}" | sed '/^$/d')
    echo "not ok $COUNT - $WHAT"
    echo '  ---'
    yaml misconception "$id"
    yaml did "$did"
    yaml expected "${expected:-$PEER_EXPECTED}"
    yaml observed "${observed:-$PEER_OBSERVED}"
    [ -n "$observed" ] || { yaml got "$PEER_GOT"; yaml want "$PEER_WANT"; }
    yaml cause "$cause"
    yaml look "$look"
    yaml todo "$(marks)"
    yaml warning "$(grep -sm1 ': warning: ' "$CHECK_TMP/.make")"
    yaml output "$(last_words)"
    echo '  ...'
    FAILED=1
    exit 1
}
# A failure that nobody has explained is told with all that is known, before anything else is said.
unblamed() {
    [ -n "$PENDING" ] || return 0
    local id=$PENDING
    case $id in
    sigpipe) blame sigpipe 'the program wrote to a connection whose other end was gone, and SIGPIPE killed it' 'signal(7), send(2) MSG_NOSIGNAL' ;;
    crashed) blame crashed 'the program died of a signal' 'gdb, or CFLAGS=-fsanitize=address,undefined' ;;
    exited) blame exited 'the program ended; it should still be there' 'what it does after an error, and after its first client' ;;
    too-slow) blame too-slow 'the program did not end' 'which call is it in? cat /proc/PID/syscall' ;;
    *) blame "$id" 'not known: this check has no name for it' '' ;;
    esac
}
# What the program under test said last, which is often why.
last_words() {
    local file
    for file in "$CHECK_TMP/.err" "$CHECK_TMP/.out"; do
        [ ! -s "$file" ] || { tr -d '\0' <"$file" | LC_ALL=C tr -c '[:print:]\n' '?' | tail -n 3 | cut -c1-300; return; }
    done
}

# ---- the end ------------------------------------------------------------------------------------

FAILED=0
defer() { DEFERRED+=("$(printf '%q ' "$@")"); }
# shellcheck disable=SC2317,SC2329 # called by the trap
finish() {
    local status=$? i
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    if [ -n "$PENDING" ]; then (unblamed); FAILED=1 COUNT=$((COUNT + 1)); fi
    [ "$status" -eq 0 ] || [ "$FAILED" -eq 1 ] || echo "not ok $((COUNT += 1)) - the check itself ended with status $status"
    echo "1..$COUNT"
    for i in "${PIDS[@]}"; do end_pid "$i"; done
    for ((i = ${#DEFERRED[@]} - 1; i >= 0; i--)); do eval "${DEFERRED[i]}" >&2; done
    cd /
    wait_for 1s nobody_keeps # who keeps a program's output writes into the folder
    rm -rf "$CHECK_TMP"
    [ "$FAILED" -eq 0 ] && [ "$status" -eq 0 ] || exit 1
    [ "$COUNT" -gt "$SKIPPED" ] || exit 4
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# ---- foundation ---------------------------------------------------------------------------------

build() {
    local log=$CHECK_TMP/.make error
    WHAT="$* is built"
    cp -R "$LAB_WORK/." .
    command -v make >/dev/null || { skip "$WHAT" 'make is not installed'; exit; }
    command -v "${CC:-cc}" >/dev/null || { skip "$WHAT" "there is no ${CC:-cc} (a C compiler)"; exit; }
    # Before a blank in the path of the tree, make wants a backslash.
    # In the background, and waited for: so a signal to the check is heard at once, and make ends with the check.
    GCC_COLORS='' setpriv --pdeathsig TERM timeout -k 1 60 make -B LAB_LIB="${LAB_LIB// /\\ }" "$@" >"$log" 2>&1 </dev/null &
    if wait $!; then good "$WHAT"; return; fi
    error=$(grep -m1 -E '^[^ ]+:[0-9]+:([0-9]+:)? (fatal )?error: |undefined reference' "$log" || tail -n 3 "$log")
    expected="\`make $*\` succeeds" observed=$error
    if [[ $error == *undefined\ reference* ]]; then
        blame does-not-compile 'each line is understood, and a function that is called is nowhere: its name is misspelt, or it is not written yet' "${error##* }"
    fi
    blame does-not-compile 'the compiler does not understand this line; later errors often come from the first' "${error%%: *}"
}

free_port() { lab_peer --free-port "${1:-tcp}"; }

serve() { serve_protocol tcp "$@"; }
serve_udp() { serve_protocol udp "$@"; }
serve_protocol() {
    local protocol=$1 way=() words name has; shift
    while :; do
        case $1 in
        --on) enter "$2"; way=("${ENTER[@]}"); shift 2 ;;
        --traced) can_trace || return 4; way+=(strace -D -f -qq -s 32 -e "trace=$CALLS" -o "$TRACE"); shift ;;
        *) break ;;
        esac
    done
    name=${1#./}
    stop
    PORT=$(free_port "$protocol")
    words=("${@//@PORT/$PORT}")
    WHAT="$name listens on the port that it was given"
    [ "$protocol" = tcp ] || WHAT="$name has a UDP socket on the port that it was given"
    if [ "${#way[@]}" -eq 0 ] && ! command -v "$1" >/dev/null; then
        expected="a program $name" observed='there is none'
        blame does-not-start "the build did not make it" "Makefile; make -n $name"
    fi
    launch "${way[@]}" "${words[@]}"
    PID=$JOB
    STEPS+=("started: ${words[*]}")
    # This very process must own the port: one that answers may be somebody else's.
    if has=$(lab_peer --deadline "${START_LIMIT:-4s}" --owner "$PID" "$protocol" "$PORT"); then good "$WHAT"
    else explain_start "$protocol" "$has"; fi
}
explain_end() { :; }
has_sockets() { [ -n "$(find "/proc/$PID/fd" -lname 'socket:*' 2>/dev/null)" ]; }
explain_start() {
    local protocol=$1 has=${2//$'\n'/ } swapped call='a bound and listening TCP socket'
    [ "$protocol" = tcp ] || call='a bound UDP socket'
    expected="$call on port $PORT"
    if has_ended; then
        observed=$ENDING
        [ "$ENDED" = exited ] || blame does-not-start 'it died before it could listen' 'gdb, or CFLAGS=-fsanitize=address,undefined'
        explain_end
        [ -z "$(last_words)" ] || blame exits-at-once 'it ended before it had such a socket, or instead of serving: what it said is below' 'the call that it names, and ERRORS in its manual page; else what main() does after its last call'
        blame exits-at-once 'it ended before it had such a socket, or instead of serving, and said nothing' 'what main() does after its last call'
    fi
    swapped=$(((PORT & 255) << 8 | PORT >> 8))
    if [[ " $has " == *" $swapped "* ]]; then
        observed="a socket on port $swapped; that is $(printf '0x%04x, and %d is 0x%04x' "$swapped" "$PORT" "$PORT")"
        blame wrong-byte-order 'the two bytes of the port are swapped: on the wire the high one comes first' 'htons(3), where sin_port is set'
    elif [ -n "$has" ]; then
        observed="port $has instead"
        blame listens-elsewhere 'it chose another port, or let the kernel choose (no bind, or port 0)' 'bind(2), and which port is put in sin_port'
    fi
    observed='the program runs, and has none'
    has_sockets || [ ! -r "/proc/$PID/fd" ] || blame listens-nowhere 'it has made no socket at all: it waits, or goes round, in something that comes before socket(2)' 'what main() does before; gdb, or strace, shows where it is'
    if [ "$protocol" = tcp ]; then blame listens-nowhere 'socket and bind are not enough: a TCP socket must be told to listen' 'listen(2)'; fi
    blame listens-nowhere 'a UDP server must bind its socket to the port' 'bind(2)'
}

# ---- programs that end by themselves ------------------------------------------------------------

run_answer() {
    local limit=${LIMIT:-10} began
    unblamed
    began=${EPOCHREALTIME/./} STATUS=0
    launch timeout -k 1 "$limit" setpriv --pdeathsig KILL "$@" # timeout may be killed with us, and passes no KILL on
    wait "$JOB" || STATUS=$?
    TOOK_MS=$(((${EPOCHREALTIME/./} - began) / 1000))
    end_pid "$JOB"
    wait_for 3s all_is_kept || true
    OUT=$(tr -d '\0' <"$CHECK_TMP/.out") ERR=$(tr -d '\0' <"$CHECK_TMP/.err")
    STEPS+=("ran: $* (status $STATUS, $TOOK_MS ms)")
    if [ "$STATUS" -eq 124 ] || [ "$STATUS" -eq 137 ]; then
        PENDING=too-slow expected="it ends within $limit s" observed="it was still running after $limit s"
        return 1
    elif [ "$STATUS" -gt 128 ]; then
        how_it_ended "$STATUS"
        PENDING=$ENDED expected='it ends by itself' observed=$ENDING
        return 1
    fi
}

CALLS=network,read,write,readv,writev,close,poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,epoll_ctl,epoll_create1,openat,rt_sigaction,fcntl
can_trace() {
    [ -z "${CAN_TRACE:-}" ] || { [ "$CAN_TRACE" = yes ]; return; }
    if ! command -v strace >/dev/null; then CAN_TRACE=no WHY='strace is not installed'
    elif ! strace -qq -o /dev/null true 2>/dev/null; then CAN_TRACE=no WHY='tracing (ptrace) is not allowed here'
    else CAN_TRACE=yes; fi
    [ "$CAN_TRACE" = yes ]
}
traced() {
    local status=0
    can_trace || return 4
    : >"$TRACE"
    run_answer strace -f -qq -s 32 -e "trace=$CALLS" -o "$TRACE" "$@" || status=$?
    STEPS[-1]="ran under strace -f: $* (status $STATUS, $TOOK_MS ms)"
    return $status
}
answer() {
    sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$LAB_WORK/answers" 2>/dev/null | head -n 1 | sed 's/[[:space:]]*\(#.*\)\?$//'
}

# ---- the lab network ----------------------------------------------------------------------------

needs_world() {
    [ "${LAB_WORLD:-yes}" = yes ] || { skip "$1" "$LAB_WORLD"; return 1; }
}
world() {
    unset ECHOLAB_WORLD
    local name=check${LAB_RUN:-$$}-$RANDOM # labs/lab ends it when the check cannot any more
    ECHOLAB_WORLD=$name
    export ECHOLAB_WORLD
    defer "$LAB_NET" --world "$name" down
    "$LAB_NET" up "${1:-$LAB_DIR/topology}" >"$CHECK_TMP/.up" 2>&1 || { echo "# $(cat "$CHECK_TMP/.up")"; return 1; }
}
# What netns/net notes of a running world: its pid 1, and how it is entered.
world_facts() {
    local file key value
    WORLD_PID='' WORLD_MODE=''
    for file in "${XDG_RUNTIME_DIR:-/nowhere}/echolab/$ECHOLAB_WORLD" "/tmp/echolab-$EUID/$ECHOLAB_WORLD"; do
        [ ! -r "$file" ] || while IFS='=' read -r key value; do
            case $key in pid) WORLD_PID=$value ;; mode) WORLD_MODE=$value ;; esac
        done <"$file"
    done
    [ -n "$WORLD_PID" ]
}
# enter HOST: in ENTER the words before a command that run it in the network of that host, and in nothing else of the world. So its pid is
# the one that we know, and /proc shows it; but names (server.lab) are not known to it: that is for `on`.
enter() {
    local way=()
    world_facts
    [ "$WORLD_MODE" = root ] || way=(-U --preserve-credentials)
    ENTER=(nsenter -t "$WORLD_PID" "${way[@]}" --net="/proc/$WORLD_PID/root/run/netns/$1")
}
on() { "$LAB_NET" run "$1" -- "${@:2}"; }

# shellcheck source=labs/lib/process.sh
. "$LAB_LIB/process.sh"
# shellcheck source=labs/lib/talk.sh
. "$LAB_LIB/talk.sh"
# shellcheck source=labs/lib/sanitize.sh
. "$LAB_LIB/sanitize.sh"
