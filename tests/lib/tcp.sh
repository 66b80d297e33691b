# tcp.sh - for scripts that test a TCP server: start it, send it clients, ask it what it counted.
#
# Sourced after tap.sh. $SERVER is the program; `serve` sets PID, LISTEN, PORT, OUT_FILE and ERR_FILE, which the others use.
# shellcheck shell=bash disable=SC2034 # RC, CLIENT, RUN, FAMILY, OUT_FILE and ERR_FILE are for the scripts

# serve NAME [OPTION…]: a server on a free port; sets PID, LISTEN, PORT, OUT_FILE and ERR_FILE.
serve() {
    local name=$1
    shift
    start_server "$name" "$SERVER" --listen 127.0.0.1:0 "$@"
    PORT=${LISTEN##*:} OUT_FILE=$TEST_TMP/$name.out ERR_FILE=$TEST_TMP/$name.err
}

# serve_on HOST ADDRESS NAME [OPTION…]: as serve, on a host of the lab network. PID is the server's own, as this machine knows it; RUN that
# of the `net run` around it, which ends with the server and with its exit code. FAMILY is RUN, PID and who is between them: nsenter(1) stops
# when its child does, so to continue a server is to continue all of them.
serve_on() {
    local host=$1 address=$2 name=$3 child
    shift 3
    start_server "$name" "$NET" run "$host" -- "$SERVER" --listen "$address:0" "$@"
    RUN=$PID
    FAMILY=("$RUN")
    while child=$(pgrep -P "$PID"); do PID=$child FAMILY+=("$child"); done
    PORT=${LISTEN##*:} OUT_FILE=$TEST_TMP/$name.out ERR_FILE=$TEST_TMP/$name.err
}

# client COMMAND [N] [--host H]: runs one to its end against $PORT.
client() { timeout 60 python3 -S "$ROOT/tests/lib/tcp_client.py" "$PORT" "$@"; }

# start_client NAME COMMAND [N]: the same in the background; sets CLIENT, its pid; output in $TEST_TMP/NAME.out. It lets go of the pipes whose
# end a held client waits for.
start_client() {
    local name=$1
    shift
    {
        for fd in "${HELD_FD[@]}"; do exec {fd}>&-; done
        exec timeout 60 python3 -S "$ROOT/tests/lib/tcp_client.py" "$PORT" "$@"
    } >"$TEST_TMP/$name.out" &
    CLIENT=$!
}

# hold_client NAME COMMAND [N]: starts one that holds its connections until it is released; returns after its first line.
hold_client() {
    local name=$1 fd
    shift
    mkfifo "$TEST_TMP/$name.in"
    client "$@" <"$TEST_TMP/$name.in" >"$TEST_TMP/$name.out" &
    HELD[$name]=$!
    exec {fd}>"$TEST_TMP/$name.in"
    HELD_FD[$name]=$fd
    wait_for 30 file_has "$TEST_TMP/$name.out" =
}
# release_client NAME: lets it end; its exit code in $RC. Not in a subshell: only a parent can wait.
release_client() {
    local fd=${HELD_FD[$1]}
    RC=0
    exec {fd}>&-
    unset "HELD_FD[$1]"
    wait "${HELD[$1]}" || RC=$?
}
declare -A HELD HELD_FD

# counter NAME: of the last statistics line. stats: asks for a new line. They are asked again and again while a test waits, so bash alone reads.
counter() {
    local lines
    mapfile -t lines <"$OUT_FILE"
    if [[ ${lines[-1]-} =~ .*\"$1\":([0-9]+) ]]; then echo "${BASH_REMATCH[1]}"; fi
}
stats() {
    local before
    mapfile -t before <"$OUT_FILE"
    kill -USR1 "$PID"
    wait_for 10 more_lines ${#before[@]}
}
more_lines() {
    local lines
    mapfile -t lines <"$OUT_FILE"
    [ ${#lines[@]} -gt "$1" ]
}
counts() { stats && [ "$(counter "$1")" = "$2" ]; }
value() { if [[ $2 =~ (.*)$1=([0-9]+) ]]; then echo "${BASH_REMATCH[2]}"; fi; }

# between NAME VALUE LOW HIGH
between() {
    if [ -n "$2" ] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then pass "$1"; else fail "$1" "$2 is not in $3..$4"; fi
}
descriptors() {
    local all=("/proc/$PID/fd"/*)
    [ -L "${all[0]}" ] || all=()
    echo ${#all[@]}
}
has_descriptors() { [ "$(descriptors)" = "$1" ]; }
instrumented() { [ "${ECHOLAB_VARIANT:-}" != plain ] && ldd "$SERVER" | grep -E 'lib[aut]san' >/dev/null; }
resident_kb() {
    local name number
    while read -r name number _; do [ "$name" != VmRSS: ] || echo "$number"; done <"/proc/$PID/status"
}
cpu_ticks() {
    local stat
    stat=$(<"/proc/$PID/stat")
    read -ra stat <<<"${stat##*) }" # behind the name, which may hold anything, comes field 3 (proc(5))
    echo $((stat[11] + stat[12]))
}

# ends NAME CODE: waits for the server's end after a signal was sent.
ends() {
    local rc=0
    wait "$PID" || rc=$?
    is "$1" "$rc" "$2"
}

# serve_with_descriptors NAME N [OPTION…]: as serve, with no more than N descriptors.
serve_with_descriptors() {
    local name=$1 number=$2
    shift 2
    # shellcheck disable=SC2016 # for the inner shell
    start_server "$name" bash -c 'ulimit -n "$0" && exec "$@"' "$number" "$SERVER" --listen 127.0.0.1:0 "$@"
    PORT=${LISTEN##*:} OUT_FILE=$TEST_TMP/$name.out ERR_FILE=$TEST_TMP/$name.err
}

# Draining, it refuses new clients.
refused() { [[ $(client whole 1) == *"Connection refused"* ]] && ! gone "$PID"; }
