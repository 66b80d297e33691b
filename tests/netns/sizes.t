#!/usr/bin/env bash
# sizes.t - from no byte to the most a datagram can carry, and one more; sources and answers from other addresses.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

world pair
start_server us on server "$BIN/udp_echo_server" --listen '*:7007'
start_server ts on server "$BIN/tcp_echo_server" --listen '*:7007'
S=10.77.0.2 S6=fd77::2

for size in 0 1 1400 65507; do
    exits "0, 1, 65507 and 65508 bytes: udp, $size bytes over IPv4" 0 on client "$UDP" -q -c 2 -i 0 -s $size $S
    exits "0, 1, 65507 and 65508 bytes: udp, $size bytes over IPv6" 0 on client "$UDP" -q -c 2 -i 0 -s $size $S6
    [ $size = 0 ] || exits "tcp: $size bytes over IPv4" 0 on client "$TCP" -q -c 2 -i 0 -s $size $S
    [ $size = 0 ] || exits "tcp: $size bytes over IPv6" 0 on client "$TCP" -q -c 2 -i 0 -s $size $S6
done
exits "0, 1, 65507 and 65508 bytes: udp, 65508 bytes over IPv6" 0 on client "$UDP" -q -c 1 -s 65508 $S6
exits "udp: 65527 bytes over IPv6" 0 on client "$UDP" -q -c 1 -s 65527 $S6
both "0, 1, 65507 and 65508 bytes: udp, 65508 bytes over IPv4 is a local error" 2 "sent=1 lost=1 errors=1" on client "$UDP" -c 4 -s 65508 $S
like "0, 1, 65507 and 65508 bytes: named" "$ERR" '^udp_echo: 10\.77\.0\.2:7007: send: Message too long'
is "0, 1, 65507 and 65508 bytes: the reason" "$(json probes.0.reason)" EMSGSIZE
exits "udp: 65528 bytes over IPv6 is a local error" 2 on client "$UDP" -c 1 -s 65528 $S6

# ---- do not fragment ----
on client ip route add $S dev eth0 mtu 600
exits "--df: what fits is echoed" 0 on client "$UDP" -q -c 1 --df -s 572 $S
exits "--df: what does not fit is a local error" 2 on client "$UDP" -c 1 --df -s 573 $S
like "--df: the size that would fit is told" "$OUT" 'lost: Message too long: the way takes packets of 600'
exits "without --df it is fragmented" 0 on client "$UDP" -q -c 1 -s 5000 $S
on client ip route del $S

# ---- addresses ----
exits "--source" 0 on client "$UDP" --json -c 1 --source 10.77.0.1 server.lab
like "--source: it is the local address, and chose the family" "$(json dial.local)" '^10\.77\.0\.1:'
exits "--source that is not ours is a local error" 2 on client "$TCP" --source 10.77.0.99 $S
exits "-I" 0 on client "$TCP" -q -c 1 -I eth0 $S
exits "-I of no interface is a local error" 2 on client "$UDP" -c 1 -I nosuch0 $S
exits "--ttl and --tos" 0 on client "$UDP" -q -c 1 --ttl 7 --tos 16 $S
seen=$("$NET" log --format=kernel client | grep -c 'TOS=0x10 .*TTL=7 ' || true)
is "--ttl and --tos are on the wire" "$((seen > 0))" 1
on server ip address add 10.77.0.22/24 dev eth0
exits "server on a wildcard, secondary address probed: it answers for itself" 0 on client "$UDP" -q -c 2 -i 10ms 10.77.0.22
exits "server on a wildcard, secondary address probed: also to an unconnected socket" 0 on client "$UDP" -q --no-connect -c 2 -i 10ms 10.77.0.22
start_server stray on server python3 -S "$PEER" udp $S:0 other:10.77.0.22
both "reply from another address or port, or with a wrong nonce: rejected and counted" 28 "sent=1 lost=1 wrong_source=1" on client "$UDP" --no-connect -c 1 -W 300ms "$LISTEN"
both "reply from another address or port, or with a wrong nonce: connected, the kernel rejects it" 28 "sent=2 lost=2" on client "$UDP" -c 2 -i 10ms -W 300ms "$LISTEN"
both "by name, both families: IPv4 goes before a unique local IPv6" 0 "sent=1 received=1" on client "$TCP" -c 1 server.lab
is "by name: the peer" "$(json dial.peer)" "10.77.0.2:7007"

# Global IPv6 addresses do go before IPv4. First they work, then the way is broken and nobody says so.
on client ip address add 2001:db8:77::1/64 dev eth0 nodad
on server ip address add 2001:db8:77::2/64 dev eth0 nodad
on client dnsmasq -k --user= --group= --log-facility=- --pid-file= --no-hosts --no-resolv --port=5300 --bind-interfaces \
    --listen-address=127.0.0.1 --host-record=global.lab,10.77.0.2,2001:db8:77::2 2>"$TEST_TMP/dnsmasq.err" &
defer stop_pid $!
ok "a DNS server that knows both addresses" wait_for 10 on client "$BIN/echo_resolve" --dns-server 127.0.0.1:5300 global.lab
both "global IPv6 goes before IPv4" 0 "sent=1 received=1" on client "$TCP" -c 1 --dns-server 127.0.0.1:5300 global.lab
is "global IPv6: the peer" "$(json dial.peer)" "[2001:db8:77::2]:7007"
on client ip6tables -I OUTPUT -p tcp -j DROP
both "IPv6 broken: IPv4 wins" 0 "sent=1 received=1" on client "$TCP" -c 1 --dns-server 127.0.0.1:5300 global.lab
is "IPv6 broken: the peer" "$(json dial.peer)" "10.77.0.2:7007"
is "IPv6 broken: IPv4 was tried after 250 ms, not before" "$(json dial.attempts.1.started_ms | awk '{print ($1 >= 250 && $1 < 2000)}')" 1
