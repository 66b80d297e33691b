#!/usr/bin/env bash
# packet_log.t - what iptables logs on two hosts: complete, counted, in causal order, in two forms.
# shellcheck disable=SC2016,SC2119 # code in single quotes is evaluated later; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"

world || { fail "a world comes up"; exit 0; }
mark() { MARK=$("$NET" log --mark); }
since() { "$NET" log --from "$MARK" "$@"; }

# causal: every arrival in the lines on stdin comes after its own departure, and all are in pairs.
causal() {
    awk '{ gsub(/ +resent/, ""); side = $4; $1 = $2 = $3 = $4 = ""; n = ++seen[side, $0]
           if (side == "<" && n > seen[">", $0]) { print "arrives before it leaves: " $0; bad = 1 } }
         END { exit bad }'
}

start_server udp on server "$BIN/udp_echo_server" --listen 10.77.0.2 --listen '[fd77::2]'
start_server tcp on server "$BIN/tcp_echo_server" --listen 10.77.0.2 --listen '[fd77::2]'

# ---- nothing, and the fence ----
mark
is "before anything is sent, there is nothing" "$(since --count)" 0
is "fences are not shown" "$(since)" ""
exits "connect on UDP" 0 on client "$BIN/udp_echo" --connect-only 10.77.0.2
is "... sends no packet" "$(since --count)" 0
exits "connect on TCP" 0 on client "$BIN/tcp_echo" --connect-only 10.77.0.2
since client >"$TEST_TMP/connect"
is "... sends three before the goodbye" "$(sed '/FIN/,$d' "$TEST_TMP/connect" | wc -l)" 3
like "SYN" "$(sed -n 1p "$TEST_TMP/connect")" 'client >  TCP   client:[0-9]+ > server:7007  SYN  seq 0$'
like "SYN ACK" "$(sed -n 2p "$TEST_TMP/connect")" 'client <  TCP   server:7007 > client:[0-9]+  SYN ACK  seq 0 ack 1$'
like "ACK" "$(sed -n 3p "$TEST_TMP/connect")" 'client >  TCP   client:[0-9]+ > server:7007  ACK  seq 1 ack 1$'

# ---- counting and order ----
mark
exits "one UDP echo" 0 on client "$BIN/udp_echo" -q --count 1 --size 100 10.77.0.2
is "... is two packets" "$(since --count)" 2
is "... seen four times" "$(since | wc -l)" 4
is "... in this order" "$(since | awk '{print $3 $4}' | xargs)" "client> server< server> client<"
is "one host saw two of them" "$(since --count server)" 2
like "with their length" "$(since client | head -n 1)" 'UDP   client:[0-9]+ > server:7007  100 bytes$'
mark
exits "300 echoes, as fast as they come" 0 on client "$BIN/udp_echo" -q --count 300 --interval 0 server.lab
exits "64 KiB over TCP" 0 on client "$BIN/tcp_echo" -q --count 1 --size 64k 10.77.0.2
since >"$TEST_TMP/all"
is "are 600 UDP packets" "$(since --count --protocol udp)" 600
ok "and no arrival is before its departure" eval 'grep -v DNS "$TEST_TMP/all" | causal'
is "a line for every sighting" "$(grep -c 'UDP ' "$TEST_TMP/all")" 1200
ok "no packet is longer than the link carries" eval '[ "$(since --format=kernel | grep -oE " LEN=[0-9]+ TOS" | grep -oE "[0-9]+" | sort -n | tail -n 1)" -le 1500 ]'

# ---- kinds ----
mark
exits "an echo by name over IPv6" 0 on client "$BIN/udp_echo" -6 -q --count 1 server.lab
exits "and one to a port where nobody listens" 7 on client "$BIN/udp_echo" -q --count 1 10.77.0.2:7
since >"$TEST_TMP/all"
like "DNS questions are logged" "$(cat "$TEST_TMP/all")" 'client >  DNS   client:[0-9]+ > sw0:53  AAAA\? server\.lab$'
like "and answers" "$(cat "$TEST_TMP/all")" 'client <  DNS   sw0:53 > client:[0-9]+  AAAA\? server\.lab: 1 answer$'
like "ICMP says what it is about" "$(cat "$TEST_TMP/all")" 'server >  ICMP  server > client  port unreachable  \(about UDP client:[0-9]+ > server:7\)$'
is "only one kind" "$(since --protocol icmp | awk '{print $5}' | sort -u)" ICMP
since --format=kernel >"$TEST_TMP/kernel"
like "the kernel's form, IPv4 and ICMP" "$(cat "$TEST_TMP/kernel")" '^\[ICMP\] IN= OUT=eth0 SRC=10\.77\.0\.2 DST=10\.77\.0\.1 LEN=[0-9]+ TOS=0x00 PREC=0xC0 TTL=64 ID=[0-9]+ PROTO=ICMP TYPE=3 CODE=3 \[SRC=10\.77\.0\.1 DST=10\.77\.0\.2 LEN=92 .*PROTO=UDP SPT=[0-9]+ DPT=7 LEN=72 \] $'
like "and IPv6, arriving" "$(cat "$TEST_TMP/kernel")" '^\[UDP\] IN=eth0 OUT= MAC=02:.*:86:dd SRC=fd77:0000:0000:0000:0000:0000:0000:0001 DST=fd77:.*:0002 LEN=112 TC=0 HOPLIMIT=64 FLOWLBL=[0-9]+ PROTO=UDP SPT=[0-9]+ DPT=7007 LEN=72 $'

# ---- a packet that a rule drops has arrived all the same ----
on server iptables -A INPUT -p udp --dport 7007 -j DROP
mark
exits "a datagram into a rule that drops it" 28 on client "$BIN/udp_echo" -q --count 1 --read-timeout 100ms 10.77.0.2
is "is seen to leave and to arrive" "$(since | awk '{print $3 $4}' | xargs)" "client> server<"
on server iptables -F INPUT
on client iptables -A OUTPUT -p udp --dport 7007 -j DROP
mark
exits "one that may not leave" 2 on client "$BIN/udp_echo" -q --count 1 --read-timeout 100ms 10.77.0.2
is "is not seen at all" "$(since)" ""
on client iptables -F OUTPUT

# ---- loopback ----
start_server own on server "$BIN/udp_echo_server" --listen 127.0.0.1
mark
exits "an echo on one host" 0 on server "$BIN/udp_echo" -q --count 1 127.0.0.1
is "is two packets too" "$(since --count)" 2

# ---- follow ----
mark
"$NET" log --follow --from "$MARK" >"$TEST_TMP/follow" &
FOLLOW=$!
defer stop_pid $FOLLOW
on client "$BIN/udp_echo" -q --count 1 --size 77 10.77.0.2 >"$TEST_TMP/one"
ok "--follow shows what comes" wait_for 10 eval '[ "$(grep -c "77 bytes" "$TEST_TMP/follow")" = 4 ]'
is "in causal order" "$(awk '{print $3 $4}' "$TEST_TMP/follow" | xargs)" "client> server< server> client<"
kill -TERM $FOLLOW
rc=0; wait $FOLLOW || rc=$?
is "and ends when told" $rc 143
exits "a reader that goes away ends it too" 0 timeout 10 bash -c "'$NET' log --follow | head -n 1"

# ---- the collector ----
pid=$(on sw0 pgrep -f 'packet_log collec[t]')
is "the collector has no capability" "$(on sw0 grep CapEff "/proc/$pid/status" | awk '{print $2}')" 0000000000000000
is "everybody may read the log" "$(on sw0 stat -c %a /run/echolab/packets)" 644
unlike "nothing was lost" "$("$NET" log 2>&1 >/dev/null)" .
exits "outside a world there is no log" 1 "$BIN/packet_log" show
like "and the error says what to do" "$ERR" 'not in a lab network; net log'
exits "a wrong option" 2 "$BIN/packet_log" show --format=xml
exits "no hosts" 2 "$BIN/packet_log" collect
exits "--help" 0 "$BIN/packet_log" --help
exits "a full disk is an error" 1 on sw0 sh -c "'$BIN/packet_log' show >/dev/full"
