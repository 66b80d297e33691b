#!/usr/bin/env bash
# tcp_cases.t - what may happen to a TCP connection between two hosts: cut by a firewall, killed, cut off, never accepted, short of ports.
#
# Rows of tests/cases.tsv that have no other home. Each host is a network namespace, so what is set in its /proc/sys is of that host alone.
#
#   tests/netns/tcp_cases.t [reset] [unread] [kill] [owed] [vanish] [backlog] [self] [ports] [dual]     only these
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"
. "$ROOT/tests/lib/tcp.sh"

SERVER=$BIN/tcp_echo_server
have python3 || skip_all "python3 is missing"
S=10.77.0.2
world pair

# in_background NAME CMD...: on the client's host; output in $TEST_TMP/NAME.{out,err}; its pid in $CLIENT. ended NAME: waits for it; $RC, $OUT, $ERR.
in_background() {
    local name=$1
    shift
    on client "$@" >"$TEST_TMP/$name.out" 2>"$TEST_TMP/$name.err" </dev/null &
    CLIENT=$!
}
ended() {
    RC=0
    wait "$CLIENT" || RC=$?
    OUT=$(<"$TEST_TMP/$1.out") ERR=$(<"$TEST_TMP/$1.err")
}
connected() { [ "$(on server ss -Htn state established "( sport = :$PORT )" | wc -l)" -ge "${1:-1}" ]; }

# Who is on the server's side of a case that goes wrong must be gone without a trace, and the next one must be served.
unharmed() { # NAME DESCRIPTORS
    ok "$1: nobody is left at the server" wait_for 10 counts active 0
    is "$1: no descriptor is left behind" "$(descriptors)" "$2"
    exits "$1: the next client is served" 0 on client "$TCP" -q -c 2 -i 10ms "$S:$PORT"
}

# A firewall between the two ends the connection after some bytes: each gets a reset that the other never sent.
test_reset() {
    local name='reset mid-stream' rule
    serve_on server $S reset
    rule=(INPUT -p tcp --dport "$PORT" -m connbytes --connbytes 3000: --connbytes-dir original --connbytes-mode bytes -j REJECT --reject-with tcp-reset)
    with server "${rule[@]}" -- both "$name" 1 "sent=25 received=24 lost=1 errors=1" on client "$TCP" -c 100 -i 5ms -W 10 "$S:$PORT"
    like "$name: named" "$ERR" 'recv: Connection reset by peer'
    is "$name: its reason is that of the probe" "$(json probes.24.reason)" ECONNRESET
    with server "${rule[@]}" -- exits "$name: --explain tells" 1 on client "$TCP" -q -c 100 -i 5ms -W 10 --explain "$S:$PORT"
    like "$name: --explain names it" "$ERR" 'recv\([0-9]+\) = -1 ECONNRESET'
}

# close(2) with bytes unread is a reset: the kernel will not let the peer believe that they were read.
test_unread() {
    local name='closed with unread data, ss -K' before
    serve_on server $S unread
    before=$(descriptors)
    exits "$name: (a client that closes with its echo unread)" 0 on client python3 -S "$ROOT/tests/lib/tcp_client.py" "$PORT" --host $S unread:1000 unread:100000
    ok "$name: the server counts two resets" wait_for 10 counts resets 2
    is "$name: which are no errors" "$(counter errors)" 0
    unharmed "$name" "$before"
    start_server careless on server python3 -S "$PEER" tcp $S:0 close:32
    exits "$name: a server that closes with our bytes unread: exit 1" 1 on client "$TCP" -q -c 1 -s 100k -W 10 "$LISTEN"
    like "$name: and the reset is named" "$ERR" '(recv|send): Connection reset by peer|closed'
}

kills() { on "$1" ss -K state established "( $2 = :$PORT )" >"$TEST_TMP/killed" 2>&1 && grep -q ":$PORT" "$TEST_TMP/killed"; }
# ss -K destroys a socket under its owner, who finds out at the next call.
test_kill() {
    local name='closed with unread data, ss -K' before
    serve_on server $S kill
    before=$(descriptors)
    in_background killed "$TCP" -q -c 0 -i 20ms -w 30 "$S:$PORT"
    wait_for 10 connected
    if ! kills server sport; then
        kill -TERM "$CLIENT"
        wait "$CLIENT" || true
        skip "$name: ss -K" "ss -K kills nothing here: CONFIG_INET_DIAG_DESTROY"
        return 0
    fi
    ended killed
    is "$name: killed at the server, the client ends with 1" "$RC" 1
    like "$name: and names the reset" "$ERR" 'Connection reset by peer'
    ok "$name: the server counts an error" wait_for 10 counts errors 1
    like "$name: and names it" "$(<"$ERR_FILE")" '10\.77\.0\.1:[0-9]+: (recv|send): Software caused connection abort'
    unharmed "$name" "$before"

    in_background killed2 "$TCP" -q -c 0 -i 20ms -w 30 "$S:$PORT"
    wait_for 10 connected
    kills client dport
    ended killed2
    is "$name: killed at the client, it ends with 1" "$RC" 1
    like "$name: and names the abort" "$ERR" 'Software caused connection abort'
    ok "$name: the server counts a reset" wait_for 10 counts resets 1
    unharmed "$name" "$before"
}

# Echoed to the last byte as far as the server can see, and closed; but the client has half-closed, does not read, and has no room for it all.
# What is owed then is the kernel's, which would ask "is there room now?" as long as the answer is "no".
test_owed() {
    local name='client that never reads: half-closed before'
    serve_on server $S owed --write-timeout 300ms
    in_background hungry python3 -S -c '
import signal, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
s.connect((sys.argv[1], int(sys.argv[2])))
s.sendall(b"x" * 60000)
s.shutdown(socket.SHUT_WR)
signal.pause()' $S "$PORT"
    ok "$name: the server has closed it" wait_for 10 counts closed 1
    is "$name: for the server it is no reset" "$(counter resets)" 0
    ok "$name: the kernel forgets what it is owed soon after the write limit" wait_for 10 owed_nothing
    kill -TERM "$CLIENT"
    wait "$CLIENT" || true
}
owed_nothing() { [ -z "$(on server ss -Htan state last-ack "( sport = :$PORT )")" ]; }

# Nobody says goodbye: the way between the two is gone.
test_vanish() {
    local name='peer vanishes' before start took
    serve_on server $S vanish --idle-timeout 700ms
    before=$(descriptors)
    kill -STOP "$PID" # it does not answer, its kernel takes the connection
    start=$(date +%s%N) # before it begins: what is measured may be longer than its deadline, and never shorter
    in_background vanished "$TCP" -c 1 -W 2500ms --json "$S:$PORT"
    wait_for 10 connected
    on sw0 ip link set server down
    kill -CONT "${FAMILY[@]}"
    ended vanished
    took=$((($(date +%s%N) - start) / 1000000))
    is "$name: the client ends with 28" "$RC" 28
    between "$name: at its deadline, not before: ms" "$took" 2500 15000
    is "$name: and says so" "$(json outcome) $(json probes.0.reason)" "completed deadline"
    ok "$name: the server frees it at the idle limit" wait_for 10 counts timed_out_idle 1
    ok "$name: nobody is left" counts active 0
    is "$name: no descriptor is left behind" "$(descriptors)" "$before"
    on sw0 ip link set server up

    wait_for 10 on client "$TCP" -q -c 1 "$S:$PORT"
    in_background vanished2 "$TCP" -c 0 -i 50ms -W 600ms -w 3s "$S:$PORT"
    wait_for 10 file_has "$TEST_TMP/vanished2.out" 'seq=3 time'
    on sw0 ip link set server down
    ended vanished2
    on sw0 ip link set server up
    is "$name: in the middle of a run, it ends with 1" "$RC" 1
    like "$name: the probes since then are lost" "$OUT" 'seq=[0-9]+ lost: no echo within 600ms'
}

# Two fit into a queue of --backlog 1 (the kernel lets one more in); for whoever comes then, it is as if nobody heard.
test_backlog() {
    local name='backlog full' before
    serve_on server $S backlog --backlog 1
    is "$name: before, there is no such counter" "$(overflows)" ""
    kill -STOP "$PID"
    in_background first "$TCP" -q -c 1 -W 20 "$S:$PORT"
    local first=$CLIENT rc=0
    in_background second "$TCP" -q -c 1 -W 20 "$S:$PORT"
    wait_for 10 connected 2
    timed "$name: a third finds nobody: 28 at its deadline" 28 700 10000 on client "$TCP" -c 1 --connect-timeout 700ms "$S:$PORT"
    like "$name: and says what it knows" "$ERR" 'connect: no answer within'
    between "$name: ListenOverflows rises, and \`net counters --kernel\` shows it" "$(overflows)" 1 100
    kill -CONT "${FAMILY[@]}"
    ended second
    wait "$first" || rc=$?
    is "$name: those in the queue are served when the server comes to it" "$rc $RC" "0 0"
    exits "$name: and so is the next" 0 on client "$TCP" -q -c 1 "$S:$PORT"
}
overflows() { "$NET" counters --kernel server | sed -nE 's/.*TcpExtListenOverflows +([0-9]+).*/\1/p'; }

# ports LOW HIGH: what the kernel of the client's host may choose from.
ports() { on client sh -c "echo '$1 $2' >/proc/sys/net/ipv4/ip_local_port_range"; }

# Whoever calls one of two ports, and has only those two to call from, meets itself, unless the kernel chose the other one.
test_self() {
    local name='connects to itself' port words=''
    ports 40000 40001
    for port in 40000 40001; do
        exits "$name: no connection to port $port: exit 7" 7 on client "$TCP" -c 1 "127.0.0.1:$port"
        words+=$ERR
    done
    like "$name: detected, and said" "$words" 'connect: .*\(connected to itself: nobody listens there, and the kernel gave us that very port\)'
    # A client that does not look is happy: what shows that it did meet itself. From other ports: the first pair is in TIME_WAIT.
    ports 40002 40003
    is "$name: one that does not look is answered by itself" "$(on client python3 -S -c '
import socket
for port in 40002, 40003:
    for attempt in range(4):
        try:
            s = socket.create_connection(("127.0.0.1", port)); s.sendall(b"hi"); print(s.recv(2).decode()); raise SystemExit
        except OSError:
            pass')" hi
    ports 32768 60999
}

test_ports() {
    local name='local ports exhausted'
    serve_on server $S ports
    ports 40000 40001
    in_background both python3 -S -c '
import signal, socket, sys
held = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for _ in range(2)]
print("held", flush=True)
sys.stdin = open("/dev/null")
signal.pause()' $S "$PORT"
    wait_for 10 file_has "$TEST_TMP/both.out" held
    timed "$name: exit 2 at once" 2 0 5000 on client "$TCP" -c 1 --connect-timeout 30 "$S:$PORT"
    like "$name: EADDRNOTAVAIL is named, and what it means" "$ERR" \
        'connect: Cannot assign requested address \(no interface has that address, or every local port is in use\)'
    exits "$name: --json: exit 2" 2 on client "$TCP" -c 1 --json --explain "$S:$PORT"
    is "$name: --json: the error" "$(json outcome) $(json dial.error)" "local-error EADDRNOTAVAIL"
    like "$name: --explain names it" "$ERR" 'connect\([0-9]+, 10\.77\.0\.2:[0-9]+\) = -1 EADDRNOTAVAIL'
    kill -TERM "$CLIENT"
    wait "$CLIENT" || true
    ports 32768 60999
}

# The topology dual is a world of its own, beside the one of the other cases.
test_dual() {
    local name='IPv6 dropped, IPv4 good'
    local ECHOLAB_WORLD=$ECHOLAB_WORLD-dual
    defer "$NET" --world "$ECHOLAB_WORLD" down
    "$NET" up dual >"$TEST_TMP/up" 2>&1
    start_server dual on server "$SERVER" --listen '*:7007'
    exits "$name: the echo comes" 0 on client "$TCP" --json -c 1 server.lab
    is "$name: IPv6 was tried first" "$(json dial.attempts.0.peer)" "[2001:db8:78::2]:7007"
    is "$name: IPv4 wins" "$(json dial.peer)" "10.78.0.2:7007"
    is "$name: it was tried after 250 ms, not before" "$(json dial.attempts.1.started_ms | awk '{print ($1 >= 250 && $1 < 2000) ? "yes" : $1}')" yes
}

TESTS=(reset unread kill owed vanish backlog self ports dual)
[ $# -eq 0 ] || TESTS=("$@")
for name in "${TESTS[@]}"; do "test_$name"; done
