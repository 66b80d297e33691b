#!/usr/bin/env bash
# peer.t - lab_peer, the scripted other end, against servers that do right and servers that do not: what it reports is what was.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
have python3 || skip_all 'python3 is not there (make deps-test)'

# lab_peer's script is standard input; its exit code in RC, what it said in SAID.
peer() { RC=0 SAID=$(timeout 20 "$BIN/lab_peer" "$@" 2>&1) || RC=$?; }
value() { sed -n "s/^$1: //p" <<<"$SAID" | head -n 1; }
goes_well() { peer "${@:2}"; if [ $RC -eq 0 ]; then pass "$1"; else fail "$1" "exit $RC"$'\n'"$SAID"; fi; }
# reports NAME RESULT OBSERVED_REGEX [OPTION...]
reports() {
    peer "${@:4}"
    if [ $RC -eq 1 ] && [ "$(value result)" = "$2" ] && [[ $(value observed) =~ $3 ]]; then pass "$1"
    else fail "$1" "exit $RC, wanted $2 and observed: $3"$'\n'"$SAID"; fi
}
misbehaving() { start_server bad python3 "$ROOT/tests/lib/peer.py" "$@"; }

start_server tcp "$BIN/tcp_echo_server" --no-sandbox --listen 127.0.0.1:0
TCP=$LISTEN TCP_PID=$PID
start_server udp "$BIN/udp_echo_server" --no-sandbox --listen 127.0.0.1:0
UDP=$LISTEN

# ---- servers that do right ----------------------------------------------------------------------

goes_well 'a TCP echo server passes: random bytes, a dribble, a megabyte both ways, half-close' <<END
a connect $TCP
b connect $TCP from 127.0.0.3
a send random 1000
b send text "hi\n" chunk 1 every 2
a expect echo
b expect text "hi\n"
a exchange random 1000000
a send hex 00ff00
a shutdown
a expect echo
a expect eof
b expect silence 20
b reset
END
if start_server six "$BIN/tcp_echo_server" --no-sandbox --listen '[::1]:0'; then
    goes_well 'over IPv6 too' <<END
a connect $LISTEN
a send random 300
a expect echo
END
else skip 'over IPv6 too' 'there is no IPv6 here'; fi
goes_well 'a UDP echo server passes: several datagrams, an empty one, the largest' <<END
u udp 127.0.0.1:0
u to $UDP
u send random 1
u send text ""
u send random 65507
u expect echo
u expect echo
u expect echo
u connect
u send text "once more"
u expect echo
u forget
u expect silence 20
END
# It plays both ends; the kernel is in between.
goes_well 'a listening end can expect that nobody comes' --deadline 5s <<END
l listen 127.0.0.1:0 backlog 1
l expect silence 10
say "and on"
END
like 'the port is said' "$SAID" '^l port [0-9]+$'
like 'and what is to be said' "$SAID" '^and on$'
port=$("$BIN/lab_peer" --free-port)
goes_well 'it is a server too: receives a line, a number of bytes, answers with what was received' <<END
l listen 127.0.0.1:$port
a connect 127.0.0.1:$port
s accept l
a send text "one\ntwo"
s receive line
s send received
a expect text "one\n"
s receive 3
s send received chunk 1 every 5
a expect echo
s close
a expect eof
END
uport=$("$BIN/lab_peer" --free-port udp) vport=$("$BIN/lab_peer" --free-port udp)
reports 'an answer from another port' wrong-source "from 127.0.0.1:$vport, where 127.0.0.1:$uport" <<END
s udp 127.0.0.1:$uport
v udp 127.0.0.1:$vport
u udp
u to 127.0.0.1:$uport
u send text "who?"
s receive datagram
v send received s
u expect echo
END

# ---- servers that do not ------------------------------------------------------------------------

echo_script() { printf 'a connect %s\na send random 1000\na expect echo\n' "$LISTEN"; }
misbehaving tcp 127.0.0.1 silent
reports 'silence, by the deadline' silence '^nothing for 1[0-9]{2} ms' --deadline 120ms < <(echo_script)
reports 'silence, as soon as the program sleeps, and where' silence 'has taken all.*waits in' --deadline 9s --watch "$PID" < <(echo_script)
like 'the call is named' "$(value sleeps),$(value unread)" '^[a-z_0-9]+,no$'
port=$("$BIN/lab_peer" --free-port) LISTEN=127.0.0.1:$port
python3 -c "import socket; s = socket.create_server(('127.0.0.1', $port)); a = s.accept(); b = s.accept()" &
PID=$!
defer stop_pid "$PID"
ok 'somebody listens who accepts one client, and never reads' "$BIN/lab_peer" --deadline 5s --owner "$PID" tcp "$port"
reports 'silence of one that does not read' silence 'has not read.*waits in accept' --deadline 9s --watch "$PID" < <(echo_script)
like 'which is said' "$(value sleeps),$(value unread)" '^accept4?,yes$'
python3 -c "import socket; s = socket.create_server(('127.0.0.1', 0)); print('ready listen=127.0.0.1:%d' % s.getsockname()[1], flush=True)
a = s.accept()[0]
while True: pass" >"$TEST_TMP/circle" &
PID=$!
defer stop_pid "$PID"
ok 'somebody accepts, and turns in a circle' wait_for 5 grep -q ready "$TEST_TMP/circle"
LISTEN=$(sed 's/.*=//' "$TEST_TMP/circle")
reports 'silence of one that only uses the processor, long before the deadline' silence '^nothing, while the program used' --deadline 60s --watch "$PID" < <(echo_script)
is 'which sleeps nowhere' "$(value sleeps)" ''
stop_pid "$PID"
misbehaving tcp 127.0.0.1 close:200
reports 'the end of the stream, and how much came before it' eof '^200 bytes, then the end' < <(echo_script)
misbehaving tcp 127.0.0.1 reset:200
reports 'a reset' reset 'a reset \(ECONNRESET\)' < <(echo_script)
misbehaving tcp 127.0.0.1 corrupt:17
reports 'a byte that differs, by its number' differs '^byte 17 is 0x' < <(echo_script)
like 'what came and what should have come are shown' "$(value got) $(value want)" '^".+" ".+"$'
misbehaving tcp 127.0.0.1 extra
reports 'a byte too many' extra '^all 1000 bytes, and 1 more' < <(echo_script)
python3 -c "import select, socket; s = socket.create_server(('127.0.0.1', 0)); print('ready listen=127.0.0.1:%d' % s.getsockname()[1], flush=True)
a = s.accept()[0]; select.select([s], [], [], 0.5); a.sendall(a.recv(1000))" >"$TEST_TMP/timer" &
PID=$!
defer stop_pid "$PID"
ok 'somebody answers after half a second in select' wait_for 5 grep -q ready "$TEST_TMP/timer"
LISTEN=$(sed 's/.*=//' "$TEST_TMP/timer")
goes_well 'whoever may still wake by a timer is waited for' --watch "$PID" < <(echo_script)
misbehaving tcp 127.0.0.1 late:0.4
goes_well 'an answer that is only late is waited for, though the program sleeps meanwhile' --watch "$PID" < <(echo_script)
misbehaving tcp 127.0.0.1 fin:reset
goes_well 'a reset may be what is expected' < <(printf 'a connect %s\na send random 5\na expect echo\na shutdown\na expect reset\n' "$LISTEN")

udp_script() { printf 'u udp\nu to %s\nu send random 1000\nu expect echo\n' "$LISTEN"; }
misbehaving udp 127.0.0.1 short
reports 'a datagram that was cut' truncated 'the rest is missing' < <(udp_script)
misbehaving udp 127.0.0.1 corrupt
reports 'a datagram that differs' differs 'a datagram of 1000 bytes, but byte' < <(udp_script)
misbehaving udp 127.0.0.1 drop
reports 'a datagram that never comes back' silence '^nothing for' --deadline 100ms < <(udp_script)
reports 'and the watched program waits for the next' silence 'waits in' --deadline 9s --watch "$PID" < <(udp_script)
misbehaving udp 127.0.0.1 other:127.0.0.9
reports 'an answer from another address' wrong-source '^a datagram from 127.0.0.9' < <(udp_script)
misbehaving udp 127.0.0.1 dup
reports 'a second answer to one question' extra '^a datagram of' < <(udp_script; echo 'u expect silence 200')

# ---- nobody there -------------------------------------------------------------------------------

port=$("$BIN/lab_peer" --free-port) uport=$("$BIN/lab_peer" --free-port udp)
reports 'refused' refused 'ECONNREFUSED' <<<"a connect $port"
goes_well 'refused, as the script says' <<<"a connect $port expect refused"
reports 'a connection that should not have come about' extra 'came about' <<<"a connect $TCP expect refused"
goes_well 'a full queue does not answer the SYN' <<END
l listen 127.0.0.1:$port backlog 0
a connect $port
b connect $port expect timeout within 200
END
reports 'which is a timeout' timeout 'no answer' --deadline 150ms <<END
l listen 127.0.0.1:$port backlog 0
a connect $port
b connect $port
END
goes_well 'a connected UDP socket hears the refusal, and one that asks for it; another does not' <<END
u udp
u connect 127.0.0.1:$uport
u send random 9
u expect refused
v udp
v errors
v to 127.0.0.1:$uport
v send random 9
v expect refused
w udp
w to 127.0.0.1:$uport
w send random 9
w expect silence 30
END
goes_well 'push gives up when nobody reads' <<END
l listen $port
a connect $port
s accept l
a push random 90000000
END
like 'and tells how much went' "$SAID" '^a pushed [0-9]{5,8}$'
peer --deadline 150ms --seed 7 <<END
a connect $TCP
a send text "so far\n"
a expect echo
a expect eof
END
like 'the story is told, step by step' "$(grep '^did' <<<"$SAID" | paste -sd';')" \
    '^did: connected to 127.0.0.1:[0-9]+;did: sent 7 bytes: "so far\\n";did: got the 7 bytes back, the same$'
is 'with the seed' "$(value seed)" 7

# ---- its own mistakes ---------------------------------------------------------------------------

exits 'a script that cannot be read names its line' 2 "$BIN/lab_peer" -e 'l listen 0' -e 'l jump'
like 'and why' "$ERR" '^lab_peer: line 2: at jump: no such verb'
exits 'a name that was never opened' 1 "$BIN/lab_peer" -e 'a expect eof'
like 'is an error of the script' "$OUT" '^result: error'
exits 'an unknown option' 2 "$BIN/lab_peer" --frobnicate
exits 'a duration that is none' 2 "$BIN/lab_peer" --deadline soon
exits 'help' 0 "$BIN/lab_peer" --help

# ---- ports --------------------------------------------------------------------------------------

visible() { # a port whose bytes can be seen to be swapped, and swapped may be bound by anybody
    local port swapped i
    for ((i = 0; i < 40; i++)); do
        port=$("$BIN/lab_peer" --free-port) swapped=$(((port & 255) << 8 | port >> 8))
        if [ "$swapped" -lt 1024 ] || [ "$swapped" -eq "$port" ]; then echo "$port"; return 1; fi
    done
}
ok 'a free port is one that shows a forgotten htons' visible

exits 'the owner of a port is known' 0 "$BIN/lab_peer" --owner "$TCP_PID" tcp "${TCP##*:}"
exits 'who is not, is not' 1 "$BIN/lab_peer" --deadline 5s --owner "$TCP_PID" tcp 1
is 'and the ports that it has are told' "$OUT" "${TCP##*:}"
exits 'a process that is gone owns nothing' 1 "$BIN/lab_peer" --deadline 5s --owner 999999999 tcp 80
is 'SIGTERM ends a wait, and the story is told' "$(timeout -s TERM 0.3 "$BIN/lab_peer" --deadline 60s -e 'l listen 127.0.0.1:0' -e 'a accept l' | sed -n 's/^result: //p')" silence

# ---- whether a program sleeps -------------------------------------------------------------------

exits 'a program that waits has settled' 0 "$BIN/lab_peer" --settled "$TCP_PID"
like '... in a system call' "$OUT" '^[a-z0-9_]+( call)?$'
spin() { while :; do :; done; }
spin &
defer stop_pid $!
exits 'one that works has not' 1 "$BIN/lab_peer" --deadline 200ms --settled $!
exits 'nor has one that is gone' 1 "$BIN/lab_peer" --settled 999999999
