#!/usr/bin/env bash
# peers.t - echolab against programs that others wrote: what two of ours agree on may still be wrong.
#
# Each standard client gets its bytes back from our servers; each of our clients gets them from the standard
# servers. A peer that is not installed is a skip, or with ECHOLAB_NO_SKIP=1 a failure.
. "$(dirname "$0")/../lib/tap.sh"

STREAM=$TEST_TMP/stream DATAGRAM=$TEST_TMP/datagram
ASYNCIO=$ROOT/tests/lib/asyncio_echo.py
head -c 300000 /dev/urandom >"$STREAM"
head -c 1000 /dev/urandom >"$DATAGRAM"

# peer PROGRAM TEST…: whether it is there; if not, each of the tests named is skipped.
peer() {
    local program=$1
    shift
    have "$program" && return
    while [ $# -gt 0 ]; do
        if [ "${ECHOLAB_NO_SKIP:-0}" = 1 ]; then fail "$1" "$program is not installed"; else skip "$1" "$program is not installed"; fi
        shift
    done
    return 1
}

# ---- their clients, our servers -------------------------------------------------------------------

# streams NAME CMD…: the command sends $STREAM to our server and prints the same.
streams() {
    local name=$1
    shift
    rm -f "$TEST_TMP/back"
    timeout 30 "$@" <"$STREAM" >"$TEST_TMP/back" 2>"$TEST_TMP/back.err" || true
    ok "$name gets its stream back from tcp_echo_server" cmp "$STREAM" "$TEST_TMP/back"
}

# datagrams NAME CMD…: as streams, with one datagram. Some of these clients never end by themselves: they are
# ended when the answer is there; their stdin stays open until then, because some stop listening at its end.
datagrams() {
    local name=$1 pid
    shift
    rm -f "$TEST_TMP/back" # or the answer of the client before would do for this one
    # shellcheck disable=SC2094 # reading what the other end of the pipe writes is the point
    (
        cat "$DATAGRAM"
        wait_for 10 cmp "$DATAGRAM" "$TEST_TMP/back"
    ) | timeout 15 "$@" >"$TEST_TMP/back" 2>"$TEST_TMP/back.err" &
    pid=$!
    wait_for 10 cmp "$DATAGRAM" "$TEST_TMP/back" || true
    ok "$name gets its datagram back from udp_echo_server" cmp "$DATAGRAM" "$TEST_TMP/back"
    stop_pid "$pid"
}

bash_stream() { # it cannot half-close: what it has sent is what it waits for
    exec 3<>"/dev/tcp/127.0.0.1/$1" 4<&0 # the shell gives a background command /dev/null for stdin
    cat <&4 >&3 &
    head -c 300000 <&3
}
bash_datagram() {
    exec 3<>"/dev/udp/127.0.0.1/$1"
    head -c 1000 >&3
    head -c 1000 <&3
}
export -f bash_stream bash_datagram

their_tcp_clients() {
    start_server tcp "$BIN/tcp_echo_server" --listen 127.0.0.1:0
    local port=${LISTEN##*:} what='gets its stream back from tcp_echo_server'
    peer socat "socat $what" && streams socat socat -t 10 - "TCP:127.0.0.1:$port"
    peer ncat "ncat $what" && streams ncat ncat 127.0.0.1 "$port"
    peer nc.openbsd "nc $what" && streams nc nc.openbsd -N 127.0.0.1 "$port"
    streams "bash's /dev/tcp" bash -c "bash_stream $port"
    peer python3 "python's asyncio $what" && streams "python's asyncio" python3 "$ASYNCIO" tcp-client "$port"
    return 0
}

their_udp_clients() {
    start_server udp "$BIN/udp_echo_server" --listen 127.0.0.1:0
    local port=${LISTEN##*:} what='gets its datagram back from udp_echo_server'
    peer socat "socat $what" && datagrams socat socat - "UDP:127.0.0.1:$port"
    peer ncat "ncat $what" && datagrams ncat ncat -u 127.0.0.1 "$port"
    peer nc.openbsd "nc $what" && datagrams nc nc.openbsd -u 127.0.0.1 "$port"
    datagrams "bash's /dev/udp" bash -c "bash_datagram $port"
    peer python3 "python's asyncio $what" && datagrams "python's asyncio" bash -c 'head -c 1000 | python3 "$@"' - "$ASYNCIO" udp-client "$port"
    return 0
}

# ---- our clients, their servers -------------------------------------------------------------------

# port_of tcp|udp PID: where that process, and no other, listens. ss is read to its end: an early exit would leave it
# to die of SIGPIPE now and then, and pipefail makes that a failure.
port_of() {
    local flag=-t
    [ "$1" = tcp ] || flag=-u
    ss -H -n -l -p "$flag" | awk -v pid="pid=$2," 'index($0, pid) && !found++ { sub(/.*:/, "", $4); print $4 }'
}
has_port() { [ -n "$(port_of "$@")" ]; }

# their_server tcp|udp CMD…: starts it; sets PORT.
their_server() {
    local protocol=$1
    shift
    "$@" >"$TEST_TMP/peer.out" 2>"$TEST_TMP/peer.err" </dev/null &
    PID=$!
    defer stop_pid "$PID"
    wait_for 10 has_port "$protocol" "$PID" || { diag "does not listen: $*" "$(<"$TEST_TMP/peer.err")"; return 1; }
    PORT=$(port_of "$protocol" "$PID")
}

# ncat ends `-e` when its client has half-closed, with bytes still on their way back: not a peer for that question.
CUTS_STREAMS='ncat -e /bin/cat'
our_tcp_client() { # NAME HOST:PORT
    exits "tcp_echo gets its probes back from $1" 0 "$BIN/tcp_echo" -c 3 -i 20ms -W 10s "$2"
    [ "$1" != "$CUTS_STREAMS" ] || return 0
    "$BIN/tcp_echo" --stdin -W 10s "$2" <"$STREAM" >"$TEST_TMP/back" 2>"$TEST_TMP/back.err" || diag "$(<"$TEST_TMP/back.err")"
    ok "tcp_echo --stdin gets a stream back from $1, to its end" cmp "$STREAM" "$TEST_TMP/back"
}
# One probe at a time (-i 0): ncat hands datagrams to cat through a pipe, where two close together become one.
our_udp_client() { # NAME HOST:PORT
    exits "udp_echo gets its probes back from $1" 0 "$BIN/udp_echo" -c 3 -i 0 -W 10s "$2"
}

# with NAME PROGRAM tcp|udp CMD…
with() {
    local name=$1 program=$2 protocol=$3
    shift 3
    if [ "$protocol" = tcp ]; then
        peer "$program" "tcp_echo gets its probes back from $name" || return 0
    else
        peer "$program" "udp_echo gets its probes back from $name" || return 0
    fi
    if their_server "$protocol" "$@"; then "our_${protocol}_client" "$name" "127.0.0.1:$PORT"; else fail "$name starts"; fi
}

their_servers() {
    with "socat PIPE" socat tcp socat TCP4-LISTEN:0,bind=127.0.0.1,fork PIPE
    with "socat EXEC:cat" socat tcp socat TCP4-LISTEN:0,bind=127.0.0.1,fork EXEC:cat
    with "ncat -e /bin/cat" ncat tcp ncat -l -k -e /bin/cat 127.0.0.1 0
    with "python's asyncio" python3 tcp python3 "$ASYNCIO" tcp-server
    with "socat PIPE" socat udp socat UDP4-RECVFROM:0,bind=127.0.0.1,fork PIPE
    with "ncat -e /bin/cat" ncat udp ncat -u -l -e /bin/cat 127.0.0.1 0
    with "python's asyncio" python3 udp python3 "$ASYNCIO" udp-server
}

# inetd's built-in echo is at port 7 and nowhere else: it gets a lab network, where that port is everyone's.
inetd_serves() { on server ss -H -n -l "$1" | grep ':7 ' >/dev/null; }
inetd() {
    local name="inetd's built-in echo" tests
    tests=("tcp_echo gets its probes back from $name" "tcp_echo --stdin gets a stream back from $name, to its end"
        "udp_echo gets its probes back from $name")
    peer inetutils-inetd "${tests[@]}" || return 0
    # shellcheck disable=SC2119 # the default topology
    world || { fail "a lab network for $name"; return 0; }
    printf '%s\n' 'echo stream tcp nowait root internal' 'echo dgram udp wait root internal' >"$TEST_TMP/inetd.conf"
    on server inetutils-inetd -d --pidfile="$TEST_TMP/inetd.pid" "$TEST_TMP/inetd.conf" >"$TEST_TMP/inetd.err" 2>&1 &
    if ! wait_for 10 inetd_serves -u || ! wait_for 10 inetd_serves -t; then diag "$(<"$TEST_TMP/inetd.err")"; fi
    BIN=$TEST_TMP/in-world our_tcp_client "$name" server.lab:7
    BIN=$TEST_TMP/in-world our_udp_client "$name" server.lab:7
}
# Our clients as commands that run on the host `client` of the lab network; -4, since inetd serves that alone.
in_world() {
    local program
    mkdir "$TEST_TMP/in-world"
    for program in tcp_echo udp_echo; do
        printf '#!/bin/sh\nexec %q run client -- %q -4 "$@"\n' "$NET" "$BIN/$program" >"$TEST_TMP/in-world/$program"
        chmod +x "$TEST_TMP/in-world/$program"
    done
}

their_tcp_clients
their_udp_clients
their_servers
in_world
inetd
