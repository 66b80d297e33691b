# tap.sh - what every test script shares: TAP output, clean-up that always runs, waiting for conditions.
#
# A script sources this file, calls `plan N`, makes its assertions, and ends. Whatever it started is
# registered with `defer` and undone in reverse order, also when the script dies (trap EXIT).
# TAP: https://testanything.org; a skip is always reported as a skip, with its reason.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${ECHOLAB_BIN:-$ROOT/build/bin}
NET=$ROOT/netns/net
TEST_TMP=$(mktemp -d "${TMPDIR:-/tmp}/echolab-test.XXXXXX")
NOTHING=$TEST_TMP/.nothing # for wait_for
mkfifo "$NOTHING"
TAP_COUNT=0 TAP_FAILED=0 TAP_PLAN=
DEFERRED=()
export ECHOLAB_BIN=$BIN
# Servers such as inetd live in sbin, which an ordinary user's PATH leaves out, though anyone may run them.
PATH=$PATH:/usr/sbin:/sbin
export PYTHONDONTWRITEBYTECODE=1 # what tests/lib/*.py import leaves no file beside it

# defer CMD [ARG…]: run at the end, last registered first.
defer() { DEFERRED+=("$(printf '%q ' "$@")"); }

# shellcheck disable=SC2317,SC2329 # called by the trap
tap_finish() {
    local status=$? i
    set +e
    trap - EXIT
    for ((i = ${#DEFERRED[@]} - 1; i >= 0; i--)); do eval "${DEFERRED[i]}" >&2; done
    rm -rf "$TEST_TMP"
    if [ "$status" -ne 0 ]; then echo "not ok - ${0##*/} died with status $status"; exit 1; fi
    [ -n "$TAP_PLAN" ] || echo "1..$TAP_COUNT"
    [ "$TAP_FAILED" -eq 0 ] || exit 1
}
trap tap_finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

plan() { TAP_PLAN=$1; echo "1..$1"; }
skip_all() { echo "1..0 # SKIP $*"; TAP_PLAN=0; exit 0; }

# diag TEXT: shown beside a failure.
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

pass() { TAP_COUNT=$((TAP_COUNT + 1)); echo "ok $TAP_COUNT - $1"; }
fail() { TAP_COUNT=$((TAP_COUNT + 1)); TAP_FAILED=$((TAP_FAILED + 1)); echo "not ok $TAP_COUNT - $1"; shift; [ $# -eq 0 ] || diag "$@"; }
skip() { TAP_COUNT=$((TAP_COUNT + 1)); echo "ok $TAP_COUNT - $1 # SKIP $2"; }

# ok NAME CMD [ARG…]: passes when the command succeeds; its output is shown when it does not.
ok() {
    local name=$1 out rc=0; shift
    out=$("$@" 2>&1) || rc=$?
    if [ $rc -eq 0 ]; then pass "$name"; else fail "$name" "exit $rc from: $*"$'\n'"$out"; fi
}
# is NAME GOT WANTED
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:    $2"$'\n'"wanted: $3"; fi; }
# matches TEXT EXTENDED_REGEX: does a line match, as grep -E has it? A suite asks this thousands of times, and a process costs more than
# the answer: so bash looks itself. What it cannot do as grep does is left to grep: long texts, empty lines, what it calls no regex.
matches() {
    local line rc=2 IFS=$'\n' -
    set -f
    if [ ${#1} -le 20000 ] && [[ $2 != *$'\n'* && ! '' =~ $2 ]] 2>/dev/null; then
        rc=1
        for line in $1; do
            rc=0
            # shellcheck disable=SC2319 # the condition's: 2 is no regex
            [[ $line =~ $2 ]] 2>/dev/null || rc=$?
            [ $rc -eq 1 ] || break
        done
    fi
    [ $rc -eq 2 ] || return $rc
    grep -qE -- "$2" <<<"$1"
}
# like NAME TEXT EXTENDED_REGEX
like() { if matches "$2" "$3"; then pass "$1"; else fail "$1" "no match for: $3"$'\n'"in: $2"; fi; }
unlike() { if matches "$2" "$3"; then fail "$1" "unwanted match for: $3"$'\n'"in: $2"; else pass "$1"; fi; }
# exits NAME CODE CMD [ARG…]: exact exit code; stdout in $OUT, stderr in $ERR.
exits() {
    local name=$1 wanted=$2 rc=0; shift 2
    "$@" >"$TEST_TMP/out" 2>"$TEST_TMP/err" </dev/null || rc=$?
    { OUT=$(<"$TEST_TMP/out") ERR=$(<"$TEST_TMP/err"); } 2>/dev/null # bash leaves NULs out, and says so
    if [ $rc -eq "$wanted" ]; then pass "$name"
    else fail "$name" "exit $rc, wanted $wanted, from: $*"$'\n'"stdout: $OUT"$'\n'"stderr: $ERR"; fi
}

# wait_for SECONDS CMD [ARG…]: until the command succeeds; false when the time is up, which is never before SECONDS.
# The pause between looks is not synchronisation: only the condition ends the wait. It is a read of a pipe that nobody writes to, and grows:
# what takes long is looked at less often, for each look takes time from what it waits for.
wait_for() {
    local end=$((SECONDS + $1)) looks=0 pause=0.02; shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -le "$end" ] || return 1
        [ $((looks += 1)) -ne 25 ] || pause=0.1
        read -rt $pause <>"$NOTHING" || true
    done
}
# owns_port PID PORT [tcp|udp]: does this very process listen there? A ready port may be somebody else's, a server that
# was started before or a parallel test's; so a test that cannot ask for port 0 waits for the owner, not for the port. It looks
# where PID lives: into its network namespace, whichever that is. [#owner-of-the-port]
owns_port() {
    local pid=$1 protocol=${3:-tcp} port state=0A fd inodes='' at st inode _
    printf -v port '%04X' "$2"
    [ "$protocol" = tcp ] || state=07 # a UDP socket without a peer; 0A is LISTEN
    for fd in "/proc/$pid/fd"/*; do
        fd=$(readlink "$fd" 2>/dev/null) || continue
        case $fd in 'socket:['*) inodes+=" ${fd//[!0-9]/} " ;; esac
    done
    [ -n "$inodes" ] || return 1
    # sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid timeout inode (proc(5))
    while read -r _ at _ st _ _ _ _ _ inode _; do
        if [[ $at == *":$port" && $st = "$state" && $inodes == *" $inode "* ]]; then return 0; fi
    done < <(cat "/proc/$pid/net/$protocol" "/proc/$pid/net/${protocol}6" 2>/dev/null)
    return 1
}
# wait_for_owner SECONDS PID PORT [tcp|udp]
wait_for_owner() { local seconds=$1; shift; wait_for "$seconds" owns_port "$@"; }

file_has() {
    local text
    [ -r "$1" ] || return 1
    { text=$(<"$1"); } 2>/dev/null
    [ -n "$text" ] && matches "$text" "$2"
}
gone() { ! kill -0 "$1" 2>/dev/null; }

# start_server NAME CMD…: runs a server, waits for its ready line; sets PID and LISTEN (its address and port). Output in $TEST_TMP/NAME.{out,err}.
start_server() {
    local name=$1; shift
    rm -f "$TEST_TMP/$name".{out,err} # what one of the same name has said is not this one's
    "$@" >"$TEST_TMP/$name.out" 2>"$TEST_TMP/$name.err" </dev/null &
    PID=$!
    defer stop_pid "$PID"
    wait_for 10 ready_or_gone "$TEST_TMP/$name.out" || true
    find_ready "$TEST_TMP/$name.out" || { diag "no ready line from: $*" "$(cat "$TEST_TMP/$name.err")"; return 1; }
    # shellcheck disable=SC2034 # for the caller
    if [[ $LISTEN = *' listen='* ]]; then LISTEN=${LISTEN##* listen=} LISTEN=${LISTEN%%[ ,]*}; else LISTEN=; fi
}
# find_ready FILE: the line that begins so is there, in $LISTEN, and it is whole: read is false for one whose end has not come yet.
find_ready() {
    while IFS= read -r LISTEN; do
        [[ $LISTEN != 'ready '* ]] || return 0
    done <"$1" # it may not be there yet
    return 1
}
ready_or_gone() { find_ready "$1" || gone "$PID"; }
# stop_pid PID: TERM, then KILL if it does not listen within five seconds.
stop_pid() {
    kill -TERM "$1" 2>/dev/null || return 0
    wait_for 5 gone "$1" || kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# have PROGRAM: is it installed? A missing peer is a skip for a user, a failure in CI (ECHOLAB_NO_SKIP=1); the caller says so.
have() { command -v "$1" >/dev/null 2>&1; }

# world [TOPOLOGY]: a lab network of this script's own; on() runs a command on one of its hosts.
world() {
    ECHOLAB_WORLD=t$$-$RANDOM
    export ECHOLAB_WORLD
    defer "$NET" down
    "$NET" up "$@" >"$TEST_TMP/up" 2>&1 || { diag "net up failed:" "$(cat "$TEST_TMP/up")"; return 1; }
}
# It enters by itself what `net run` would enter, which is tested for itself: half of the suite's time were its preparations. Signals are
# not passed on: who sends some asks `net run` for it, or the command for its pid.
on() {
    local host=$1 file pid='' mode='' key value way=(); shift
    for file in "${XDG_RUNTIME_DIR:-/nowhere}/echolab/$ECHOLAB_WORLD" "/tmp/echolab-$EUID/$ECHOLAB_WORLD"; do
        [ ! -r "$file" ] || while IFS='=' read -r key value; do
            case $key in pid) pid=$value ;; mode) mode=$value ;; esac
        done <"$file"
    done
    if [ -z "$pid" ]; then "$NET" run "$host" -- "$@"; return; fi
    [ "$mode" = root ] || way=(-U --preserve-credentials)
    nsenter -t "$pid" -m -p -u "${way[@]}" ip netns exec "$host" \
        env -C "$PWD" --default-signal=INT,QUIT,TERM,HUP ECHOLAB_HOST="$host" PATH="$PATH:$BIN" "$@"
}
