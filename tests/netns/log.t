#!/usr/bin/env bash
# log.t - net log's filters and forms, and net counters: what was logged, looked at from every side.
# shellcheck disable=SC2016,SC2119 # code in single quotes is evaluated later; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"

world || { fail "a world comes up"; exit 0; }
since() { "$NET" log --from "$MARK" "$@"; }
lines() { wc -l | tr -d ' '; }

start_server udp on server "$BIN/udp_echo_server" --listen 10.77.0.2
start_server tcp on server "$BIN/tcp_echo_server" --listen 10.77.0.2
# A rule with a prefix of somebody's own, before the usual ones.
on client iptables -t mangle -A POSTROUTING -p udp --dport 7070 -j NFLOG --nflog-group 7007 --nflog-size 256 --nflog-prefix '[WEB] '
MARK=$("$NET" log --mark)
on client "$BIN/udp_echo" -q --count 3 --interval 0 server.lab >"$TEST_TMP/udp"
on client "$BIN/tcp_echo" -q --count 1 10.77.0.2 >"$TEST_TMP/tcp"
exits "a datagram to a port where nobody listens" 7 on client "$BIN/udp_echo" -q --count 1 10.77.0.2:7070

# ---- filters ----
is "--port: of either end, and errors about it" "$(since --port=7070 | awk '{print $3 $4 $5}' | xargs)" "client>UDP server>ICMP client<ICMP"
is "several ports" "$(since --count --port 7070,7007 --protocol=udp)" 7
exits "a port that is none" 125 "$NET" log --port=http
like "is named, with what is one" "$ERR" "^packet_log: --port: 'http' is not a port \(1-65535\)"
is "--direction=in" "$(since --direction=in --protocol=udp server | awk '{print $4}' | sort -u)" "<"
is "--direction=out" "$(since --direction=out --protocol=udp --port=7007 | lines)" 6
like "numbers are counted from where each direction began, whichever is shown" \
    "$(since --direction=out --protocol=tcp client | grep -v 'SYN ')" 'seq 1 ack 1$'
is "DNS is told by its port" "$(since --protocol=dns --direction=out client | awk '{print $5}' | sort -u)" DNS
is "--prefix: by the rule that logged" "$(since --prefix=WEB | awk '{print $3 $4 $5}')" "client>UDP"
like "an unusual prefix is shown" "$(since --prefix=WEB)" '  \[WEB\]$'
unlike "a usual one is not" "$(since --protocol=tcp,dns,icmp)" '\[(UDP|TCP|DNS|ICMP)\]'
is "all filters at once" "$(since --prefix '[UDP]' --direction in --port 7007 --protocol udp client | lines)" 3
exits "nothing of that kind is no failure" 0 "$NET" log --from "$MARK" --port=1
is "... and says nothing" "$OUT$ERR" ""
exits "a direction that is none" 125 "$NET" log --direction=up
like "is told what there is" "$ERR" "in, out"

# ---- forms ----
since --format=json --protocol=tcp >"$TEST_TMP/json"
since --protocol=tcp >"$TEST_TMP/line"
is "JSON: a line for each sighting" "$(lines <"$TEST_TMP/json")" "$(lines <"$TEST_TMP/line")"
if have jq; then
    ok "each line is a document" jq -e . "$TEST_TMP/json"
    is "the first is a SYN of the client's" \
        "$(jq -r '[.format_version, .host, .direction, .protocol, .source.name, .destination.port, (.tcp.flags | join("+")), .payload, .ttl, .tcp.relative_seq, .out] | join(" ")' "$TEST_TMP/json" | head -n 1)" \
        "1 client out tcp client 7007 SYN 0 64 0 eth0"
    is "what does not exist is null" "$(jq -c '[.icmp, .fate, .in, .tcp.ack, .tcp.relative_ack, .stamp_ns]' "$TEST_TMP/json" | head -n 1)" '[null,null,null,null,null,null]'
    is "ICMP says what it is about" "$(since --format=json --protocol=icmp client | jq -c '[.icmp.type, .icmp.code, .icmp.about.destination.port, .tcp]')" '[3,3,7070,null]'
    is "numbers grow on each host" "$(jq -s '[group_by(.host)[] | [.[].number] == ([.[].number] | sort)] | all' "$TEST_TMP/json")" true
    is "time never runs backwards" "$(jq -s '[.[].time_ns] | . == sort' "$TEST_TMP/json")" true
    # The collector's clock is an upper bound; the kernel's stamp of the arrival is a better one.
    is "a departure is no later than its arrival was stamped" \
        "$(jq -s '[group_by([.source.port, .id, .tcp.seq, .tcp.ack, .payload, .tcp.flags])[] | select(length == 2 and .[1].stamp_ns != null) | .[0].time_ns <= .[1].stamp_ns] | all' "$TEST_TMP/json")" true
else
    for i in 1 2 3 4 5 6 7; do skip "JSON ($i)" "no jq here"; done
fi
like "whole records" "$(since --format=record --protocol=tcp | head -n 1)" '^packet [0-9]+ [0-9]+ 0 client 4 - eth0 0 [0-9a-f]{8} client server - 45[0-9a-f]+ \[TCP\] $'

# ---- faults: fates in their place, if this tree has them ----
if "$NET" help | grep '^  fault ' >/dev/null; then
    MARK=$("$NET" log --mark)
    "$NET" fault client:server drop=nth:2 >"$TEST_TMP/fault" 2>&1 || diag "$(cat "$TEST_TMP/fault")"
    on client "$BIN/udp_echo" -q --count 3 --interval 0 --read-timeout 200ms 10.77.0.2 >"$TEST_TMP/udp" || true
    "$NET" fault clear >"$TEST_TMP/fault" 2>&1 || true
    since >"$TEST_TMP/faults"
    like "a fate is shown" "$(cat "$TEST_TMP/faults")" 'server x  UDP   client:[0-9]+ > server:7007  64 bytes  drop \(rule 1\)$'
    is "... behind its departure" "$(grep -B1 ' x ' "$TEST_TMP/faults" | awk 'NR==1{print $3 $4}')" "client>"
    unlike "--no-faults hides it" "$(since --no-faults)" ' drop '
    is "--direction=fault shows nothing else" "$(since --direction=fault --count)" 1
else
    for i in 1 2 3 4; do skip "fates ($i)" "this tree has no net fault"; done
fi

# ---- counters ----
"$NET" counters client server >"$TEST_TMP/counters"
like "a table has a head" "$(head -n 1 "$TEST_TMP/counters")" '^host +prefix +packets in +bytes in +packets out +bytes out$'
row() { awk -v h="$1" -v p="$2" '$1 == h && $2 == p { print $3, $5 }' "$TEST_TMP/counters"; }
counted() { "$NET" log --count --direction="$2" --protocol="$3" "$1"; }
for host in client server; do
    is "$host: UDP as in the log" "$(row $host '[UDP]')" "$("$NET" log --direction=in --prefix=UDP $host | lines) $("$NET" log --direction=out --prefix=UDP $host | lines)"
    is "$host: ICMP as in the log" "$(row $host '[ICMP]')" "$(counted $host in icmp) $(counted $host out icmp)"
done
"$NET" counters >"$TEST_TMP/counters"
is "without a host, all of them" "$(awk 'NR > 1 { print $1 }' "$TEST_TMP/counters" | uniq | xargs)" "client server"
on client ping -6 -c 1 fd77::2 >/dev/null 2>&1 || on client ping6 -c 1 fd77::2 >/dev/null 2>&1 || diag "no ping over IPv6 here"
before=$(row client '[ICMP]')
"$NET" counters >"$TEST_TMP/counters"
like "IPv6 counts too" "$before -> $(row client '[ICMP]')" '^([0-9]+) ([0-9]+) -> '
"$NET" counters --kernel server >"$TEST_TMP/counters"
like "--kernel: a port where nobody listens" "$(cat "$TEST_TMP/counters")" '^server +UdpNoPorts +1$'
unlike "zeros are left out" "$(grep -vF '[' "$TEST_TMP/counters")" ' 0$'
unlike "and settings are no counters" "$(cat "$TEST_TMP/counters")" 'DefaultTTL|RtoMin|MaxConn'
if have jq; then
    is "as JSON" "$("$NET" counters --kernel --format=json server | jq -c '[.format_version, .host, .kernel.UdpNoPorts, (.rules[] | select(.prefix == "[UDP]") | .packets)]')" "[1,\"server\",1,$(row server '[UDP]' | tr ' ' ,)]"
else
    skip "as JSON" "no jq here"
fi
exits "an unknown host" 125 "$NET" counters nobody
like "is named" "$ERR" 'counters: nobody: no such host'
exits "an unknown form" 125 "$NET" counters --format=xml
exits "a full disk" 125 bash -c "'$NET' counters >/dev/full"

# ---- net run on several hosts ----
is "a last line without its newline gets one" "$("$NET" run client,server -- printf 'part' | sort)" "[client] part"$'\n'"[server] part"
is "NULs come through" "$("$NET" run client,server -- printf 'a\0b\n' | tr '\0' '@' | sort | xargs)" "[client] a@b [server] a@b"
"$NET" run client,server -- bash -c 'line=$(yes "$ECHOLAB_HOST" | head -n 200000 | tr -d "\n"); for i in 1 2 3; do echo "$line"; done; echo "of $ECHOLAB_HOST" >&2' 2>"$TEST_TMP/err" | cat >"$TEST_TMP/long"
is "lines of a megabyte are not mixed, through a pipe" \
    "$(awk '{ h = substr($0, 2, 6); rest = substr($0, 10); gsub(h, "", rest); print h, length(rest) < 6 }' "$TEST_TMP/long" | sort | uniq -c | xargs)" \
    "3 client 1 3 server 1"
is "stderr is marked too" "$(sort "$TEST_TMP/err" | xargs)" "[client] of client [server] of server"
mkfifo "$TEST_TMP/client" "$TEST_TMP/server"
"$NET" run client,server -- bash -c "echo first; read -r _ <'$TEST_TMP/'\$ECHOLAB_HOST; echo second" >"$TEST_TMP/live" &
RUN=$!
ok "a line is there when it was written, not when the command ends" wait_for 10 eval '[ "$(grep -c first "$TEST_TMP/live")" -eq 2 ]'
for host in client server; do
    timeout 10 bash -c "echo >'$TEST_TMP/$host'"
    ok "... each host's own ($host)" wait_for 10 file_has "$TEST_TMP/live" "^\[$host\] second"
done
wait $RUN
