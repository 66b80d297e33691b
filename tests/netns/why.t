#!/usr/bin/env bash
# why.t - `net why`: one timeline of what a command does, complete, in an order that can have
# happened, and with nothing left behind.
# shellcheck disable=SC2016,SC2119 # code in single quotes is for the shells inside; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"
have strace || skip_all "strace is not here"
export LC_ALL=C.UTF-8
RUNS=5
[ -z "${ECHOLAB_LONG:-}" ] || RUNS=100

# LeakSanitizer cannot work in a process that is traced: it stops the process itself with ptrace(2).
case ${ECHOLAB_VARIANT:-} in asan*) export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 ;; esac

world || { fail "a world comes up"; exit 0; }
start_server tcp "$NET" run server -- "$BIN/tcp_echo_server" --listen 10.77.0.2
start_server udp "$NET" run server -- "$BIN/udp_echo_server" --listen 10.77.0.2
why() { "$NET" why "$@" 2>"$TEST_TMP/why.err" </dev/null; }

# in_order NAME TEXT REGEX…: lines that match, each behind the one before.
in_order() {
    local name=$1 text=$2 regex line last=0; shift 2
    for regex in "$@"; do
        line=$(awk -v from="$last" -v regex="$regex" 'NR > from && $0 ~ regex { print NR; exit }' <<<"$text")
        [ -n "$line" ] || { fail "$name" "no match behind line $last for: $regex"$'\n'"in: $text"; return; }
        last=$line
    done
    pass "$name"
}

# ---- the two that the issue of connect is about --------------------------------------------------
TEXT=$(why --width=160 client -- "$BIN/tcp_echo" -4 -c1 10.77.0.2)
STATES=$TEXT
in_order "a TCP connect is over after SYN-ACK, not when connect(2) returns EINPROGRESS" "$TEXT" \
    'connect\([0-9]+, server:7007\)' 'SYN ' 'SYN-ACK' 'connected:? after SYN-ACK'
in_order "a write becomes a segment, and the segment a read" "$TEXT" \
    'sendto\([0-9]+, 64 bytes\).*segment 1 \(seq 1-64\)' '─ segment 1: .*▶' 'recvfrom(\([0-9]+\))? = 64: got segment 1'
in_order "shutdown sends the FIN, so close sends nothing" "$TEXT" 'shutdown.*FIN' '─ FIN ' 'close.*sent nothing: FIN went with shutdown'
like "the server's calls are there too" "$TEXT" 'accept4(\([0-9]+\))? = [0-9]+ from client:'
unlike "nothing was cut short" "$TEXT" 'could not be|incomplete|records? lost'

TEXT=$(why --width=160 client -- bash -c 'exec 3<>/dev/tcp/10.77.0.2/7007; echo hello >&3; read -r line <&3; exec 3>&-')
in_order "a blocking connect(2) returns after SYN-ACK" "$TEXT" 'connect\([0-9]+, server:7007\) → SYN' '─ SYN ' 'SYN-ACK' 'connect = 0: after SYN-ACK'
in_order "and close sends the FIN" "$TEXT" 'close\([0-9]+\).*→ FIN'

TEXT=$(why --width=160 client -- "$BIN/udp_echo" --connect-only 10.77.0.2)
like "connect(2) on UDP sends nothing" "$TEXT" 'connect\([0-9]+, server:7007\).*sent nothing'
unlike "and there is no packet" "$TEXT" '▶|◀'
TEXT=$(why --width=160 client -- "$BIN/udp_echo" -c1 10.77.0.2)
in_order "a datagram there and back" "$TEXT" 'sendto\([0-9]+, 64 bytes\)' 'datagram: 64 bytes.*▶' '◀.*datagram: 64 bytes' 'recv.* = 64: got datagram'

TEXT=$(why client -- "$BIN/tcp_echo" -c1 10.77.0.2:4711 || true)
like "packets of any port are seen" "$TEXT" '─ RST'
unlike "no line is wider than the 80 columns there are" "$(python3 -S -c 'import sys; print(*(line for line in sys.argv[1].split("\n") if len(line) > 80))' "$TEXT")" .

# ---- states, faults ------------------------------------------------------------------------------
if [ "$(id -u)" -eq 0 ] && mkdir "$TEST_TMP/tracefs" && unshare -m mount -t tracefs tracefs "$TEST_TMP/tracefs" 2>/dev/null; then
    like "to root, the kernel tells the TCP states" "$STATES" 'TCP state, as the kernel told it'
else
    like "without root the TCP states come from the packets, and it says so" "$STATES" 'TCP state, worked out from the packets'
fi
if [ -x "$BIN/fault_queue" ]; then
    "$NET" fault client:server drop=nth:1 protocol=tcp payload=1- seed=1 >/dev/null
    TEXT=$(why --width=160 client -- "$BIN/tcp_echo" -4 -c1 10.77.0.2)
    in_order "a dropped segment, and its repetition" "$TEXT" 'segment 1.*✕ *drop' 'segment 1.*resent.*▶' 'got segment 1'
    "$NET" fault clear >/dev/null
else
    skip "a dropped segment, and its repetition" "fault_queue is not built: libnetfilter_queue is missing"
fi

# ---- the forms -----------------------------------------------------------------------------------
for form in svg html json; do
    exits "a file named .$form gets that form" 0 "$NET" why -o "$TEST_TMP/tcp.$form" client -- "$BIN/tcp_echo" -4 -c1 10.77.0.2
    like "the command's own output stays on stdout ($form)" "$OUT" '^64 bytes from 10\.77\.0\.2:7007'
done
if have xmllint; then
    ok "the SVG is well-formed" xmllint --noout "$TEST_TMP/tcp.svg"
    ok "the page is well-formed" xmllint --noout "$TEST_TMP/tcp.html"
else
    skip "the SVG is well-formed" "xmllint is not here"
    skip "the page is well-formed" "xmllint is not here"
fi
unlike "the page needs nothing from elsewhere" "$(cat "$TEST_TMP/tcp.html")" '(src|href)="?https?:'
is "without -o, stdout is one document" "$(why --format=json client -- "$BIN/tcp_echo" -4 -c1 10.77.0.2 | jq -s 'length')" 1

# ---- the order -----------------------------------------------------------------------------------
for ((run = 0; run < RUNS; run++)); do
    case $((run % 5)) in
    0) command=("$BIN/tcp_echo" -4 -c2 -i0 server.lab) ;;
    1) command=("$BIN/udp_echo" -4 -c3 -i0 server.lab) ;;
    2) command=("$BIN/tcp_echo" -4 -c1 -s20000 10.77.0.2) ;;
    3) command=(bash -c 'for n in 1 2 3; do (exec 3<>/dev/tcp/10.77.0.2/7007; echo $n >&3; read -r line <&3) & done; wait') ;;
    4) command=("$BIN/tcp_echo" -4 -c3 -i0 -s100 10.77.0.2) ;;
    esac
    why -o "$TEST_TMP/order.$run.json" client -- "${command[@]}" >/dev/null || diag "run $run: $(cat "$TEST_TMP/why.err")"
done
ok "in $RUNS runs nothing stands before its cause" python3 -S "$ROOT/tests/lib/timeline_order.py" "$TEST_TMP"/order.*.json
# The checker itself: a receive that is moved to the front must be found.
jq '.events |= (map(select(.kind == "arrive")) + map(select(.kind != "arrive")))' "$TEST_TMP/order.0.json" >"$TEST_TMP/wrong.json"
exits "an impossible order would be found" 1 python3 -S "$ROOT/tests/lib/timeline_order.py" "$TEST_TMP/wrong.json"

# ---- as for net run ------------------------------------------------------------------------------
exits "the command's exit code is passed through" 7 "$NET" why -o "$TEST_TMP/x" client -- sh -c 'exit 7'
is "stdin reaches the command" "$(echo through | "$NET" why -o "$TEST_TMP/x" client -- cat)" through
echo precious >"$TEST_TMP/precious"
exits "an unknown command is 127" 127 "$NET" why -o "$TEST_TMP/precious" client -- no-such-command
is "and the file is as it was" "$(cat "$TEST_TMP/precious")" precious
exits "nor is one made for nothing" 127 "$NET" why -o "$TEST_TMP/nothing.svg" client -- no-such-command
ok "... it is not there" test ! -e "$TEST_TMP/nothing.svg"
is "the command finds the caller's environment" "$(why client -- env | grep -c '^WHY_' || true)" 0
exits "a file that is no program is 126" 126 "$NET" why client -- /etc/passwd
exits "no host is net's own failure" 125 "$NET" why
exits "so is an unknown form" 125 "$NET" why --format=pdf client -- true
like "which lists those there are" "$ERR" 'text, svg, html, json'
exits "so is a picture of another kind" 125 "$NET" why -o "$TEST_TMP/x.png" client -- true
exits "and a file that cannot be written" 125 "$NET" why -o /nowhere/x.svg client -- true
like "which is named" "$ERR" '/nowhere/x\.svg: cannot be written'
is "net why can be typed on a host" "$(on server "$NET" why --format=json client -- "$BIN/tcp_echo" -4 -c1 10.77.0.2 2>/dev/null | jq -r '.hosts[0].name')" client
"$NET" why -o "$TEST_TMP/x" client -- bash -c 'trap "exit 5" TERM; echo listening; while :; do read -rt 0.05 <> <(:); done' >"$TEST_TMP/term" &
RUN=$!
wait_for 10 file_has "$TEST_TMP/term" listening
kill -TERM $RUN
rc=0; wait $RUN || rc=$?
is "SIGTERM is passed on, and the exit code comes back" $rc 5

# A packet log that misses packets while it is looked at: as many as it says the second time and not the first.
mkdir "$TEST_TMP/bin"
ln -s "$BIN"/* "$TEST_TMP/bin"
rm "$TEST_TMP/bin/packet_log"
cat >"$TEST_TMP/bin/packet_log" <<LOSSY
#!/bin/sh
case "\$*" in
*--mark*) echo x >>'$TEST_TMP/looks'; echo "packet_log: \$(wc -l <'$TEST_TMP/looks') packets came too fast and are not in the log" >&2 ;;
esac
exec '$BIN/packet_log' "\$@"
LOSSY
chmod +x "$TEST_TMP/bin/packet_log"
like "packets that the log has missed are told below the timeline" \
    "$(ECHOLAB_BIN=$TEST_TMP/bin why client -- "$BIN/udp_echo" -c1 10.77.0.2)" '^note: [1-9][0-9]* records were lost while recording'

# ---- nothing is left -----------------------------------------------------------------------------
left() { on client sh -c 'ls -d /run/echolab/why.* 2>/dev/null; pgrep -a strace; true'; }
is "no recording and no tracer is left" "$(left)" ""
is "what it logged beside the topology's ports is logged no more" "$(on server iptables -t mangle -S ECHOLAB_WHY)" "-N ECHOLAB_WHY"
"$NET" why -o "$TEST_TMP/x" client -- sleep 4247 &
RUN=$!
wait_for 10 eval '[ -n "$(on sw0 pgrep -fx "sleep 4247")" ]'
kill -KILL $RUN
wait $RUN 2>/dev/null || true
gone_inside() { ! on sw0 pgrep -fx "sleep 4247"; }
ok "killed with -9, it takes the command along" wait_for 10 gone_inside
why -o "$TEST_TMP/x" client -- true
is "and the next one tidies up after it" "$(left)" ""
exits "the servers still answer" 0 on client "$BIN/tcp_echo" -4 -c1 10.77.0.2
if [ "$(id -u)" -eq 0 ]; then
    "$NET" down >/dev/null
    is "no tracefs instance is left" "$(unshare -m sh -c "mount -t tracefs tracefs '$TEST_TMP/tracefs' 2>/dev/null && ls '$TEST_TMP/tracefs/instances' | grep '$ECHOLAB_WORLD'" || true)" ""
fi
