# world.sh - worlds as the outside sees them: a small locked file each, and the ways in.
#
# DIR/NAME holds what one must know to enter the world NAME (pid 1, mode, topology). The file is
# locked (flock(2)) by the world itself: pid 1 inherited the descriptor. So a lock that can be taken
# is the proof that the world is dead, whoever killed it; no pid can be mistaken for another, and no
# clean-up has to have run. [#lock-is-life]
# Partner: init.sh (the inside).
# shellcheck shell=bash disable=SC2034 # WORLD_* are for the files that source this one

# What was typed may hold anything: no control character of it reaches the terminal.
complain() { echo "net: ${*//[[:cntrl:]]/?}" >&2; }
die() { complain "$@"; exit 125; }
say() { { echo "$*"; } 2>/dev/null || die "stdout: cannot be written"; }

readonly WORLD_NAMES='^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$' STATE_DIRS='^(/tmp/echolab-[0-9]+|/run/user/[0-9]+/echolab)$'

# Where this user's worlds are noted: the session's runtime directory, or one in /tmp when there is
# no session. One in /tmp is only trusted when it is really ours: a directory, no link, our own,
# closed to others.
state_dirs() {
    local user=${XDG_RUNTIME_DIR:-}
    if [ -n "$user" ] && [ -d "$user" ] && [ -O "$user" ] && [ -w "$user" ]; then echo "$user/echolab"; fi
    echo "/tmp/echolab-$EUID"
}

state_dir_is_safe() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ] && [ "$(stat -c %a "$1")" = 700 ]; }

# lock_state_dir DIR: makes it if need be, checks it, locks it on descriptor 8. The one who removes
# the empty directory may come in between, at any step: then begin again. What is locked at the end
# is the directory that has the name. [#lock-then-look-again]
lock_state_dir() {
    local dir=$1 tries
    for ((tries = 0; tries < 100; tries++)); do
        mkdir -m 700 "$dir" 2>/dev/null || true
        if ! state_dir_is_safe "$dir"; then
            [ -e "$dir" ] || [ -L "$dir" ] || [ ! -w "${dir%/*}" ] || continue
            die "$dir: not a directory of ours with mode 700, so not used (remove it, or set XDG_RUNTIME_DIR to a directory of yours)"
        fi
        { exec 8<"$dir"; } 2>/dev/null || continue
        flock -w 10 8 || die "$dir: another net command has held it for ten seconds"
        [ ! "$dir" -ef /proc/self/fd/8 ] || return 0
    done
    die "$dir: is removed again and again by somebody else"
}
unlock_state_dir() { exec 8<&-; }

# is_dead FILE: a shared lock is enough to see whether the exclusive one is held, and two who look
# do not disturb each other.
is_dead() {
    local fd rc=0
    { exec {fd}<"$1"; } 2>/dev/null || return 0
    flock -n -s "$fd" || rc=1
    exec {fd}<&-
    return $rc
}

# Removes what dead worlds have left: their files, and the directory when it is empty.
sweep() {
    local dir file
    local -a dirs
    mapfile -t dirs < <(state_dirs)
    for dir in "${dirs[@]}"; do
        if [ ! -e "$dir" ] || ! state_dir_is_safe "$dir"; then continue; fi
        lock_state_dir "$dir"
        for file in "$dir"/*; do
            if [ -f "$file" ] && is_dead "$file"; then rm -f "$file"; fi
        done
        rmdir "$dir" 2>/dev/null || true
        unlock_state_dir
    done
}

# The files of all worlds that this user can see, one a line. Root sees everybody's. In a directory of
# another user a name may be anything: what is no world's name, or no directory as we make them, is
# passed over, so that nobody's control characters or line ends come into ours. [#names-of-strangers]
world_files() {
    local dir file
    local -a dirs
    mapfile -t dirs < <(state_dirs)
    for dir in /tmp/echolab-* /run/user/*/echolab; do
        if [ "$EUID" -eq 0 ] && [[ $dir =~ $STATE_DIRS ]]; then dirs+=("$dir"); fi
    done
    for dir in "${dirs[@]}"; do
        [ ! -L "$dir" ] || continue
        for file in "$dir"/*; do
            if [ -f "$file" ] && [ ! -L "$file" ] && [[ ${file##*/} =~ $WORLD_NAMES ]]; then echo "$file"; fi
        done
    done | sort -u
}

# load FILE: reads the state file of a world into WORLD_*. False when the world is not (yet)
# complete, or when the process it names is not its owner's: root must not be talked into killing
# somebody else's.
load() {
    read_state "$1"
    [ -n "$WORLD_READY" ] && [ -n "$WORLD_PID" ] && [ -n "$WORLD_OWNER" ] && ! is_dead "$1" &&
        [ "$(stat -c %u "/proc/$WORLD_PID" 2>/dev/null)" = "$WORLD_OWNER" ]
}

# running_worlds: the names of all that this user can see, with blanks between.
running_worlds() {
    local file
    world_files | while read -r file; do
        if load "$file"; then printf '%s ' "$WORLD_NAME"; fi
    done
}

# read_state FILE: another user may have written it, so each value must look as it should.
read_state() {
    local key value
    WORLD_FILE=$1 WORLD_NAME=${1##*/} WORLD_PID='' WORLD_MODE='' WORLD_TOPOLOGY='' WORLD_HOSTS=''
    WORLD_ROUTERS='' WORLD_SWITCHES='' WORLD_TAG='' WORLD_READY=''
    WORLD_OWNER='' WORLD_GROUP=''
    read -r WORLD_OWNER WORLD_GROUP < <(stat -c '%u %g' -- "$1" 2>/dev/null) || true # asked once: whose it is, from here on
    while IFS='=' read -r key value; do
        case $key in
        pid) [[ $value =~ ^[0-9]+$ ]] && WORLD_PID=$value ;;
        mode) [[ $value =~ ^(root|rootless)$ ]] && WORLD_MODE=$value ;;
        topology) [[ $value =~ ^[A-Za-z0-9._-]+$ ]] && WORLD_TOPOLOGY=$value ;;
        hosts) [[ $value =~ ^[a-z0-9\ -]+$ ]] && WORLD_HOSTS=$value ;;
        routers) [[ $value =~ ^[a-z0-9\ -]*$ ]] && WORLD_ROUTERS=$value ;;
        switches) [[ $value =~ ^[a-z0-9\ -]*$ ]] && WORLD_SWITCHES=$value ;;
        tag) [[ $value =~ ^[0-9a-f]{4}$ ]] && WORLD_TAG=$value ;;
        ready) WORLD_READY=yes ;;
        esac
    done 2>/dev/null <"$1" || true # the world may have gone since its file was listed
}

# inside: are we in a world ourselves (net enter)? Then that is the world, and its pid 1 is ours.
inside() {
    local file
    for file in /run/echolab/world.*; do
        [ -r "$file" ] || return 1
        read_state "$file"
        WORLD_NAME=${file##*/world.}
    done
}
outside_only() { # COMMAND
    ! inside || die "$1: this shell is inside world $WORLD_NAME, on ${ECHOLAB_HOST:-no host}; leave it first (exit)"
}

# pick_world: the world that --world or $ECHOLAB_WORLD names, or the only one of ours, into WORLD_*.
# Otherwise it says what to do. A world of ours comes before another user's of the same name.
pick_world() {
    local file found='' names='' named='' others=''
    local -a files
    if inside; then
        [ -z "$WORLD" ] || [ "$WORLD" = "$WORLD_NAME" ] || outside_only "$WORLD"
        return 0
    fi
    mapfile -t files < <(world_files)
    for file in "${files[@]}"; do # by its name alone, without a look into all the others
        if [ "${file##*/}" = "$WORLD" ] && load "$file" && [ "$WORLD_OWNER" -eq "$EUID" ]; then return 0; fi
    done
    for file in "${files[@]}"; do
        load "$file" || continue
        if [ -n "$WORLD" ] && [ "$WORLD_NAME" = "$WORLD" ]; then
            if [ "$WORLD_OWNER" -eq "$EUID" ]; then return 0; else named=$file; fi
        fi
        [ "$WORLD_OWNER" -eq "$EUID" ] || { others+=" $WORLD_NAME"; continue; } # root reaches another user's world by its name only
        found+="${found:+$'\n'}$file" names+=" $WORLD_NAME"
    done
    if [ -z "$named" ]; then
        [ -z "$WORLD" ] || die "$WORLD: no such world is running (running:${names:- none}; net up --world $WORLD makes it)"
        [ -n "$found" ] || die "no world is running (net up makes one${others:+; of other users, by --world NAME:$others})"
        [[ $found != *$'\n'* ]] || die "which world? --world NAME or ECHOLAB_WORLD=NAME:$names"
    fi
    found=${named:-$found}
    load "$found" || die "${found##*/}: the world has just ended"
}

# become_owner: what root puts before a command to run it as the owner of another user's world, into
# BECOME. Never root again: the numbers are those of a file that the user made.
become_owner() {
    [ "$WORLD_OWNER" -gt 0 ] || die "$WORLD_NAME: owned by root, yet not ours"
    BECOME=(setpriv --reuid "$WORLD_OWNER" --regid "$WORLD_GROUP" --clear-groups)
}

# enter_flags: nsenter's way into the world. Our own credentials are kept, which its user namespace
# maps to root. Real root becomes the user before it enters another user's world, whatever mode the
# file claims: what runs inside is the user's, and must not run as the machine's root. Before, since
# nsenter would do so after PR_SET_PDEATHSIG, and a change of identity takes that back. The user is the
# owner of the file, as load saw it: whoever looks at the process a second time may be told another one,
# since it may have become a program that is root's (set-user-ID), or its number somebody else's.
# [#root-in-a-users-world]
enter_flags() {
    BECOME=() ENTER=(-t "$WORLD_PID" -m -p -u)
    if [ "$WORLD_OWNER" -ne "$EUID" ]; then
        become_owner
        ENTER+=(-U --preserve-credentials)
    elif [ "$WORLD_MODE" = rootless ]; then
        ENTER+=(-U --preserve-credentials)
    fi
}

# lifeline READ WRITE: a pipe on two descriptors. Its read end shows end-of-file when the last
# holder of its write end is gone.
lifeline() {
    local both
    exec {both}<> <(:)
    eval "exec $1</proc/self/fd/$both $2>/proc/self/fd/$both"
    exec {both}>&-
}

# inside_environment: what a command inside finds set; our own programs are in its path, those of the
# tree or those that were installed with this file.
inside_environment() {
    local bin=${ECHOLAB_BIN:-$HERE/../build/bin}
    if [ ! -d "$bin" ] && [ "$HERE/../../bin/echolab-net" -ef "$SELF" ]; then bin=$HERE/../../bin; fi
    export ECHOLAB_CWD=$PWD ECHOLAB_WORLD=$WORLD_NAME
    if [ -d "$bin" ]; then PATH=$PATH:$(cd "$bin" && pwd); fi
}

# What runs inside for `net run`. Its two parents (net and nsenter) may have been killed before
# PR_SET_PDEATHSIG was in force, and that signal is only sent for a death to come: so look once,
# after it is set, whether both still live. [#parent-death-race]
# The host's name is as much its own as its network: it is that of a UTS namespace, of which each
# command gets one (uts_namespaces(7)).
# shellcheck disable=SC2016 # expanded inside the world
readonly INSIDE='exec 6>&-
for parent in 4 5; do if read -t 0 -u "$parent"; then exit 125; fi; done
exec 4<&- 5<&-
hostname -- "$ECHOLAB_HOST" 2>/dev/null || true
cd -- "$ECHOLAB_CWD" 2>/dev/null || cd /
unset ECHOLAB_CWD
fail() { local rc=$1; shift; echo "net: $ECHOLAB_HOST: ${*//[[:cntrl:]]/?}" >&2; exit "$rc"; }
if [ -z "$(type -P -- "$1")" ]; then
    case $1 in */*) [ ! -e "$1" ] || fail 126 "$1: not a program that may be run" ;; esac
    fail 127 "$1: command not found"
fi
exec env --default-signal=INT,QUIT,TERM,HUP -- "$@"'

# run_inside CMD…: CMD on the PICKED hosts, its exit code ours (of several, the first that is not
# 0), signals passed on. It does not outlive us: each process on the way asks the kernel to be killed
# with its parent (PR_SET_PDEATHSIG, prctl(2)).
run_inside() {
    local host pid signal rc=0
    RUN_PIDS=() MARK_PIDS=()
    enter_flags
    inside_environment
    lifeline 4 7 # held by this process
    for host in "${PICKED[@]}"; do
        if [ ${#PICKED[@]} -eq 1 ]; then start_inside "$host" "$@"; else start_marked "$host" "$@"; fi
    done
    exec 4<&-
    for signal in TERM HUP INT QUIT USR1 USR2; do
        # shellcheck disable=SC2064 # the signal's name is meant now
        trap "pass_on $signal" $signal
    done
    for pid in "${RUN_PIDS[@]}"; do
        wait_inside "$pid"
        [ "$rc" -ne 0 ] || rc=$ENDED
    done
    trap - TERM HUP INT QUIT USR1 USR2
    for pid in "${MARK_PIDS[@]}"; do # a line that could not be written must not pass for one that was
        wait "$pid" || [ "$rc" -ne 0 ] || rc=125
    done
    exec 7>&-
    return "$rc"
}

start_inside() { # HOST CMD…
    local host=$1; shift
    lifeline 5 6 # held by nsenter; 6 is closed by what it starts
    export ECHOLAB_HOST=$host
    "${BECOME[@]}" setpriv --pdeathsig KILL nsenter "${ENTER[@]}" \
        setpriv --pdeathsig KILL ip netns exec "$host" unshare --uts bash -c "$INSIDE" net "$@" <&0 7>&- &
    RUN_PIDS+=($!)
    exec 5<&- 6>&-
}

# start_marked HOST CMD…: without stdin, and each line of its output is marked with the host's name.
start_marked() {
    lifeline 8 9
    mark_lines "$1" <&8 7>&- 9>&- &
    MARK_PIDS+=($!)
    lifeline 8 3
    mark_lines "$1" <&8 >&2 3>&- 7>&- 9>&- &
    MARK_PIDS+=($!)
    start_inside "$@" </dev/null >&9 2>&3 3>&- 8<&- 9>&-
    exec 3>&- 8<&- 9>&-
}

# mark_lines HOST: the program takes care that lines stay whole, by a lock on the pipe that this run
# holds on 7. Where it is not built sed does what it can.
mark_lines() {
    local marker
    marker=$(program mark_lines)
    if [ -n "$marker" ]; then exec "$marker" --lock "/proc/$$/fd/7" "[$1] "; else exec sed -u "s/^/[$1] /"; fi
}

# wait_inside PID: sets ENDED, its exit code. A trapped signal ends wait early; only a wait that was
# not interrupted tells the exit code.
wait_inside() {
    while true; do
        SIGNALLED='' ENDED=0
        wait "$1" 2>/dev/null || ENDED=$? # bash would announce a killed job
        [ -n "$SIGNALLED" ] || break
    done
}

# pass_on SIGNAL: to the commands inside. The terminal sends INT and QUIT to its whole foreground
# group itself: twice would be once too often. A command that has ended is no child of ours any
# more, and its number may be somebody else's.
pass_on() {
    local fields group foreground child pid
    SIGNALLED=yes
    fields=$(<"/proc/$$/stat")
    read -r _ _ group _ _ foreground _ <<<"${fields##*) }"
    case $1 in INT | QUIT) [ "$group" != "$foreground" ] || return 0 ;; esac
    for pid in "${RUN_PIDS[@]}"; do
        fields=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
        [[ ${fields##*) } == ?" $$ "* ]] || continue
        child=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null) || true
        # shellcheck disable=SC2086 # one pid, with a blank behind it
        kill -"$1" ${child:-$pid} 2>/dev/null || true
    done
}
