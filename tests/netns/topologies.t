#!/usr/bin/env bash
# topologies.t - every topology that is shipped, as its users meet it; and those that cannot be built.
#
# The six worlds live at the same time. Each is tried out on all of its hosts; what each is there to
# show (masquerading, a silent blackhole, a reply from the wrong address ...) is then looked for in the
# packet log. ECHOLAB_LONG=1: each is also made and ended twenty times.
# shellcheck disable=SC2016 # code in single quotes is for the shells inside
. "$(dirname "$0")/../lib/tap.sh"

TOPOLOGIES=(pair routed dual multihomed balanced ten)
# bench has no names and no log rules: it is looked at by itself.
PREFIX=t$$-$RANDOM
export ECHOLAB_MARK=$PREFIX # every process of these worlds has it in its environment
worlds_left() { find "/tmp/echolab-$EUID" ${XDG_RUNTIME_DIR:+"$XDG_RUNTIME_DIR/echolab"} -mindepth 1 2>/dev/null | grep -F "$PREFIX" || true; }
# The pid namespaces in which marked processes live, other than ours: worlds that are still there.
namespaces_left() {
    local file own
    own=$(readlink /proc/self/ns/pid)
    for file in $(grep -slaF "ECHOLAB_MARK=$PREFIX" /proc/[0-9]*/environ 2>/dev/null || true); do
        readlink "${file%environ}ns/pid" 2>/dev/null | grep -vxF "$own" || true
    done
}
nothing_left() { [ -z "$(worlds_left)" ] && [ -z "$(namespaces_left)" ]; }
mounts() { sort /proc/self/mounts; }
netns() { find /run/netns -mindepth 1 2>/dev/null | sort || true; }
in_world() { local world=$1; shift; "$NET" --world "$PREFIX-$world" "$@"; }
run() { local world=$1 host=$2; shift 2; in_world "$world" run "$host" -- "$@"; }
MOUNTS=$(mounts) NETNS=$(netns)

# ---- all of them come up ----
declare -A SAYS=(
    [pair]='client server on sw0' [routed]='client server internet on sw0 sw1, routed by gateway'
    [dual]='client server on sw0 sw1, routed by gateway' [multihomed]='client server on sw0 sw1, routed by gateway'
    [balanced]='client server1 server2 on sw0 sw1, routed by front'
    [ten]='client1 client2 client3 client4 client5 client6 client7 client8 client9 client10 server on sw0')
for topology in "${TOPOLOGIES[@]}"; do
    defer in_world "$topology" down
    in_world "$topology" up "$topology" >"$TEST_TMP/up.$topology" 2>&1 &
done
wait
for topology in "${TOPOLOGIES[@]}"; do
    like "$topology comes up, and what it is is said" "$(cat "$TEST_TMP/up.$topology")" "^world $PREFIX-$topology is up \([a-z]+\): ${SAYS[$topology]}\$"
done
like "status says it too" "$("$NET" status)" "^$PREFIX-routed: [a-z]+, topology routed, hosts client server internet on sw0 sw1, routed by gateway, pid "

# ---- names, ping, curl, from every host ----
declare -A HOSTS=(
    [pair]='client server' [routed]='client server gateway internet' [dual]='client server gateway'
    [multihomed]='client server gateway' [balanced]='client server1 server2 front'
    [ten]='client1 client2 client3 client4 client5 client6 client7 client8 client9 client10 server')
declare -A WEB=([pair]=server [routed]=internet [dual]=server [multihomed]=server [balanced]=server1 [ten]=server)
for topology in "${TOPOLOGIES[@]}"; do
    "$NET" --world "$PREFIX-$topology" run "${WEB[$topology]}" -- python3 -S -c '
import http.server, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"hello\n")
    def log_message(self, *args): pass
server = http.server.HTTPServer(("0.0.0.0", 80), Hello)
print("ready", flush=True)
server.serve_forever()' >"$TEST_TMP/web.$topology" 2>&1 &
    defer stop_pid $!
done
for topology in "${TOPOLOGIES[@]}"; do wait_for 10 file_has "$TEST_TMP/web.$topology" ready || diag "no web server in $topology"; done

# What every host tries; it prints what does not work. IPv4 only, where IPv6 is broken on purpose.
try_all='topology=$1 web=$2; shift 2
for name in "$@"; do
    getent hosts "$name.lab" >/dev/null || echo "$ECHOLAB_HOST: getent $name.lab"
    address=$(getent ahostsv4 "$name" | awk "NR == 1 {print \$1}")
    [ -n "$address" ] || { echo "$ECHOLAB_HOST: getent $name"; continue; }
    case $topology:$ECHOLAB_HOST:$name in routed:internet:client | routed:internet:server) continue ;; esac # no way back
    [ $topology != dual ] && target=$name || target=$address
    ! command -v ping >/dev/null || ping -c 1 -W 5 "$target" >/dev/null || echo "$ECHOLAB_HOST: ping $target"
done
! command -v curl >/dev/null || [ "$(curl -s --max-time 10 "http://$web.lab/")" = hello ] || echo "$ECHOLAB_HOST: curl http://$web.lab/"'
for topology in "${TOPOLOGIES[@]}"; do
    for host in ${HOSTS[$topology]}; do
        # shellcheck disable=SC2086 # the hosts are words
        run "$topology" "$host" bash -c "$try_all" try "$topology" "${WEB[$topology]}" ${HOSTS[$topology]} >"$TEST_TMP/try.$topology.$host" 2>&1 &
        TRIES+=($!)
    done
    wait "${TRIES[@]}"
    is "$topology: on every host, getent, ping and curl know the others by name" "$(cat "$TEST_TMP/try.$topology".*)" ""
done
exits "a reverse lookup works" 0 run routed client getent hosts 10.78.0.2
like "and gives the name" "$OUT" 'server\.lab'
is "each place asks the nearest address of the DNS server" "$(run routed internet grep nameserver /etc/resolv.conf; run routed server grep nameserver /etc/resolv.conf)" $'nameserver 198.51.100.1\nnameserver 10.78.0.254\nnameserver fd78::fe'
like "the plan is there to be read" "$(run routed gateway cat /run/echolab/plan/place/gateway/ip)" '^address add 198\.51\.100\.1/24 brd \+ dev wan$'

echo exit >"$TEST_TMP/typed"
in_world routed enter gateway <"$TEST_TMP/typed" >"$TEST_TMP/entered" 2>&1 || true
like "the prompt says what kind of place it is" "$(tr -d '\001\002\033' <"$TEST_TMP/entered")" "gateway.*, a router, of $PREFIX-routed"

# hops TEXT: "client> gateway< gateway> internet<", the sightings of the lines with TEXT, on stdin
hops() { sed -nE "/$1/s/^ *[0-9.]+ ms  ([a-z0-9-]+) *([<>]).*/\\1\\2/p" | xargs; }
mark() { MARK=$(in_world "$1" log --mark); }
since() { local world=$1; shift; in_world "$world" log --from "$MARK" "$@"; }
serve() { # WORLD HOST PROGRAM ADDRESS...
    local world=$1 host=$2 program=$3 arguments=(); shift 3
    for address in "$@"; do arguments+=(--listen "$address"); done
    start_server "$world.$host" "$NET" --world "$PREFIX-$world" run "$host" -- "$BIN/$program" "${arguments[@]}"
}

# ---- routed ----
serve routed internet tcp_echo_server 198.51.100.2
mark routed
exits "routed: an echo from behind the router" 0 run routed client "$BIN/tcp_echo" -q --count 1 internet.lab
since routed --protocol tcp >"$TEST_TMP/routed"
is "... the SYN is seen at every hop, in this order" "$(hops ' SYN  seq' <"$TEST_TMP/routed")" "client> gateway< gateway> internet<"
is "... and so is the answer" "$(hops ' SYN ACK' <"$TEST_TMP/routed")" "internet> gateway< gateway> client<"
like "... the internet sees the router's address only" "$(grep 'internet <' "$TEST_TMP/routed")" 'gateway:[0-9]+ > internet:7007'
unlike "... and never the client's" "$(grep 'internet [<>]' "$TEST_TMP/routed")" 'client'
like "... the client is none the wiser" "$(grep 'client <' "$TEST_TMP/routed")" 'internet:7007 > client:[0-9]+  SYN ACK'
is "... whatever left has arrived" "$(grep -c ' *> *TCP' "$TEST_TMP/routed")" "$(grep -c '< *TCP' "$TEST_TMP/routed")"
is "... at every wire: twice as often at the router" "$(grep -c 'gateway >' "$TEST_TMP/routed")" "$(grep -c 'internet [<>]' "$TEST_TMP/routed")"
serve routed server udp_echo_server 10.78.0.2
mark routed
exits "routed: a hundred datagrams between the subnets" 0 run routed client "$BIN/udp_echo" -q --count 100 --interval 0 10.78.0.2
since routed --protocol udp >"$TEST_TMP/routed"
is "... are 400 departures and as many arrivals" "$(grep -c '>  UDP' "$TEST_TMP/routed") $(grep -c '<  UDP' "$TEST_TMP/routed")" "400 400"
# Each packet is one line of text, and at most four sightings of it may be under way at once: in causal order
# the n-th arrival at a place never comes before the n-th departure from the place before it.
is "... in causal order" "$(sed -E 's/^ *[0-9.]+ ms  ([a-z]+) *([<>]) +UDP +([a-z]+):.*/\1 \2 \3/' "$TEST_TMP/routed" | awk '
    $3 == "client" { before["gateway"] = "client"; before["server"] = "gateway" }
    $3 == "server" { before["gateway"] = "server"; before["client"] = "gateway" }
    $2 == ">" { left[$1, $3]++ }
    $2 == "<" && ++came[$1, $3] > left[before[$1], $3] { print "arrives before it leaves: line " NR }')" ""
exits "routed: without a way back nothing is heard" 1 run routed internet bash -c '! exec 3<>/dev/tcp/10.77.0.1/80 || exit 0; exit 1'

# ---- dual ----
serve dual server tcp_echo_server 10.78.0.2 '[2001:db8:78::2]'
mark dual
start=$(date +%s%N)
exits "dual: an echo to a host whose IPv6 is broken" 0 run dual client "$BIN/tcp_echo" --count 1 server.lab
took=$((($(date +%s%N) - start) / 1000000))
like "... goes over IPv4" "$OUT" 'connected to 10\.78\.0\.2:7007'
ok "... after the attempt delay of 250 ms, and long before any timeout ($took ms)" test $took -ge 250 -a $took -lt 10000
since dual --format=kernel >"$TEST_TMP/dual"
like "... IPv6 was tried first" "$(grep -m1 'PROTO=TCP' "$TEST_TMP/dual")" 'SRC=2001:0db8:0077:.* DST=2001:0db8:0078:.* SYN '
is "... and nobody said that it is broken" "$(since dual --protocol icmp)" ""

# ---- multihomed ----
"$NET" --world "$PREFIX-multihomed" run server -- python3 -S -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7007))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(65536)
    s.sendto(data, peer)' >"$TEST_TMP/naive" 2>&1 &
NAIVE=$!
defer stop_pid $NAIVE
wait_for 10 file_has "$TEST_TMP/naive" ready
for address in 10.77.0.3 10.78.0.2; do
    mark multihomed
    exits "multihomed: $address does not answer, if the server leaves the choice to the kernel" 28 run multihomed client "$BIN/udp_echo" -q --count 1 --read-timeout 200ms --no-connect $address
    like "... it did, from another address" "$(since multihomed --format=kernel --protocol udp client | grep 'IN=eth0')" 'SRC=10\.77\.0\.2 DST=10\.77\.0\.1 .*SPT=7007'
done
stop_pid $NAIVE
serve multihomed server udp_echo_server '*'
for address in 10.77.0.2 10.77.0.3 10.78.0.2 '[fd77::3]' '[fd78::2]'; do
    exits "multihomed: udp_echo_server answers from $address when it was asked there" 0 run multihomed client "$BIN/udp_echo" -q --count 1 --no-connect "$address"
done

# ---- balanced ----
serve balanced server1 tcp_echo_server 10.78.0.1
serve balanced server2 tcp_echo_server 10.78.0.2
mark balanced
for _ in 1 2 3 4; do run balanced client "$BIN/tcp_echo" -q --count 1 service.lab >/dev/null; done
since balanced >"$TEST_TMP/balanced"
is "balanced: connections go to the servers by turns" "$(grep -oE '^.*(server[12]) *<.* SYN  seq' "$TEST_TMP/balanced" | grep -oE 'server[12] *<' | tr -d '<' | xargs)" "server1 server2 server1 server2"
unlike "... and the client never learns that there are two" "$(grep 'client *[<>]' "$TEST_TMP/balanced")" 'server[12]'

# ---- bench ----
defer in_world bench down
exits "bench comes up" 0 in_world bench up bench
like "... and says what it is" "$OUT" "^world $PREFIX-bench is up \\([a-z]+\\): client server\$"
serve bench server tcp_echo_server 10.77.0.2 '[fd77::2]'
exits "... its hosts reach each other" 0 run bench client "$BIN/tcp_echo" -q --count 1 10.77.0.2
exits "... over IPv6 too" 0 run bench client "$BIN/tcp_echo" -q --count 1 '[fd77::2]'
is "... no packet has to pass a rule" "$(for host in client server; do run bench $host sh -c 'iptables-save; ip6tables-save; nft list ruleset'; done)" ""
unlike "... and packets larger than the mtu may cross whole" "$(run bench client ip -d link show eth0)" 'gso_max_segs 1 '
like "... as they may not elsewhere" "$(run balanced client ip -d link show eth0)" 'gso_max_segs 1 '

# ---- a topology of one's own: mtu and rate, hosts without a switch, a rule of one host ----
cat >"$TEST_TMP/own" <<'TOPOLOGY'
# made by topologies.t
host    a
host    b
link    a:eth0  b:eth0  mtu 1400 rate 10mbit
address a:eth0  10.0.0.1/31   # two are enough (RFC 3021)
address b:eth0  10.0.0.0/31
dns     b
name    a.lab   a
name    b.lab   b
name    www.example.com  10.0.0.1
TOPOLOGY
printf 'log tcp 80 WEB on b' >>"$TEST_TMP/own" # no newline at the end
defer in_world own down
exits "a file of one's own" 0 in_world own up "$TEST_TMP/own"
like "... says which hosts it made" "$OUT" "^world $PREFIX-own is up \([a-z]+\): a b\$"
like "... the mtu is set" "$(run own a ip link show eth0)" ' mtu 1400 '
like "... at both ends" "$(run own b ip link show eth0)" ' mtu 1400 '
like "... and the rate" "$(run own a tc qdisc show dev eth0; run own b tc qdisc show dev eth0)" 'tbf .*rate 10Mbit'
exits "... any name can be given" 0 run own a getent hosts www.example.com
rc=0; run own a "$BIN/tcp_echo" --explain --connect-only b.lab:80 >/dev/null 2>"$TEST_TMP/explain" || rc=$?
like "... where no rule logs, nobody can tell" "$(cat "$TEST_TMP/explain")" 'no log rule for port 80'
run own b "$BIN/tcp_echo" --explain --connect-only a.lab:80 >/dev/null 2>"$TEST_TMP/explain" || rc=$?
like "... and the host of the rule can" "$(cat "$TEST_TMP/explain")" 'packets of connect: 2 \(fence passed'
is "... a rule can be one host's" "$(run own a iptables-save -t mangle | grep -c WEB) $(run own b iptables-save -t mangle | grep -c WEB)" "0 2"

# ---- what was read is what counts ----
cp "$TEST_TMP/own" "$TEST_TMP/before"
before=$(in_world own diagram)
echo 'this is no topology' >"$TEST_TMP/own"
is "after up, the file may change" "$(in_world own diagram)" "$before"
ok "the world has its own copy" eval 'run own a cat /run/echolab/topology | cmp - "$TEST_TMP/before"'
exits "and ends all the same" 0 in_world own down
exits "what the file says now is refused" 125 in_world own up "$TEST_TMP/own"
like "with file and line" "$ERR" "^net: $TEST_TMP/own:1: \"this\" is no fact"
exits "two worlds of one topology" 0 in_world second up routed
defer in_world second down
exits "... do not meet" 0 run second client ping -c 1 server.lab
exits "... and one ends without the other" 0 in_world second down
exits "... which lives on" 0 run routed client ping -c 1 server.lab

# ---- mistakes ----
wrong() { # NAME TEXT (for printf) WHAT-IS-SAID
    # shellcheck disable=SC2059 # the text is the format
    printf "$2" >"$TEST_TMP/wrong"
    exits "refused: $1" 125 in_world wrong up "$TEST_TMP/wrong"
    like "... $3" "$(wc -l <"$TEST_TMP/err") $ERR" "^1 net: $TEST_TMP/wrong:?$3"
}
wrong "a NUL" 'host a\n\0\n' '2: byte 1 is the control character 0x00'
wrong "lines of Windows" 'host a\r\n' '1: .*as on Windows'
wrong "an escape sequence" 'host a\n# \033[31m\n' '2: byte 3 is the control character 0x1b'
wrong "a gateway out of reach" 'host a\nhost b\nlink a:x b:x\naddress a:x 10.0.0.1/24\nroute a default via 10.0.1.1\n' '5: 10\.0\.1\.1 is on none of the networks of a'
wrong "what the shell could mistake" 'host a\nhost $(touch /tmp/x)\n' '2: "\$\(touch" is not a name'
printf 'host a\nswitch s\n' >"$TEST_TMP/lonely"
exits "a host without a cable, a switch without one, nobody who answers names" 0 in_world wrong up "$TEST_TMP/lonely"
exits "... is a world too" 0 in_world wrong down
wrong "nothing" '' ' no host in it'
head -c 100000 /dev/zero >"$TEST_TMP/wrong"
exits "refused: a large file of something else" 125 in_world wrong up "$TEST_TMP/wrong"
like "... says so" "$ERR" 'more than 64 KiB'
exits "--kernel-log is refused where it cannot work" 125 in_world wrong up --kernel-log pair
if [ "$(cat /proc/sys/net/netfilter/nf_log_all_netns 2>/dev/null)" = 1 ] && [ "$(id -u)" -eq 0 ]; then
    skip "... and says what to do" "nf_log_all_netns is 1 here, so it works"
else
    like "... and says what to do" "$ERR" 'sudo net up --kernel-log|sysctl -w net.netfilter.nf_log_all_netns=1|on the machine itself'
fi

# ---- half-built worlds: a tool that is missing, one that fails, an address that the kernel refuses ----
mkdir "$TEST_TMP/tools"
half() { # NAME TOOL SCRIPT TOPOLOGY SAYS
    printf '#!/bin/bash\n%s\n' "$3" >"$TEST_TMP/tools/$2"
    chmod 755 "$TEST_TMP/tools/$2"
    exits "half-built: $1" 125 env PATH="$TEST_TMP/tools:$PATH" "$NET" --world "$PREFIX-half" up "$4"
    like "... is named" "$ERR" "$5"
    like "... with what to do" "$ERR" 'could not be made \(net doctor'
    ok "... and nothing is left of it" wait_for 5 eval '! "$NET" status | grep -F "$PREFIX-half" >/dev/null'
    rm "$TEST_TMP/tools/$2"
}
chmod 755 "$TEST_TMP"
half "nft fails" nft 'echo "Error: no such table" >&2; exit 1' routed '^net: gateway: nft: Error: no such table$'
half "dnsmasq is missing" dnsmasq 'echo "dnsmasq: not found" >&2; exit 127' pair 'dnsmasq on sw0 does not start: dnsmasq: not found'
half "the kernel refuses an address" ip '
[ "$1" != -batch ] || [[ $2 != */server/ip ]] || sed -i "s/^address add 10.*/&\n&/" "$2"
exec '"$(PATH=$PATH:/usr/sbin:/sbin command -v ip)"' "$@"' pair '^net: server: ip address add 10\.77\.0\.2/24 .*: .*'
half "a link clashes" ip '
[[ $2 != */world.ip ]] || echo "link add eth0 netns client type veth peer name again netns client" >>"$2"
exec '"$(PATH=$PATH:/usr/sbin:/sbin command -v ip)"' "$@"' pair '^net: world: ip link add eth0 netns client '

# ---- pictures ----
exits "a picture of a topology needs no world" 0 env LC_ALL=C "$NET" diagram pair
like "... with hosts, addresses and links" "$OUT" '^\| eth0  10\.77\.0\.1/24  \+- client -\+- server -\+ eth0  10\.77\.0\.2/24 \|$'
is "the picture of a running world is that of its topology" "$(in_world ten diagram)" "$("$NET" diagram ten)"
is "it can be asked for inside, too" "$(run balanced client "$NET" diagram)" "$("$NET" diagram balanced)"
exits "--format=dot" 0 "$NET" diagram --format=dot routed
like "... is a graph" "$OUT" '^graph lab \{'
if have dot; then
    for topology in "${TOPOLOGIES[@]}"; do
        exits "an SVG of $topology" 0 "$NET" diagram --format=svg -o "$TEST_TMP/$topology.svg" "$topology"
        if have xmllint; then ok "... is well-formed" xmllint --noout "$TEST_TMP/$topology.svg"; else skip "... is well-formed" "no xmllint here"; fi
    done
    like "... with its addresses" "$(cat "$TEST_TMP/routed.svg")" '198\.51\.100\.1/24'
else
    skip "SVG" "no dot here"
fi
mkdir "$TEST_TMP/bare"
for tool in bash dirname readlink cat sort stat id env grep sed; do ln -s "$(command -v $tool)" "$TEST_TMP/bare/$tool"; done
exits "without dot" 125 env PATH="$TEST_TMP/bare" "$NET" diagram --format=svg pair
like "... the package is named" "$ERR" 'apt-get install graphviz'
exits "an unknown format" 125 "$NET" diagram --format=gif pair
exits "a file that cannot be written" 125 "$NET" diagram -o /nonexistent/x pair
exits "an unknown topology" 125 "$NET" diagram nonsense
like "... and the known ones are listed" "$ERR" 'there are: balanced bench dual multihomed pair routed ten'

# ---- nothing is left ----
while [ ${#DEFERRED[@]} -gt 0 ]; do
    eval "${DEFERRED[-1]}" >/dev/null 2>&1 || true
    unset 'DEFERRED[-1]'
done
ok "after down, nothing is left" wait_for 10 nothing_left
is "no mount" "$(mounts)" "$MOUNTS"
is "no named namespace" "$(netns)" "$NETNS"
if [ -n "${ECHOLAB_LONG:-}" ]; then
    for topology in "${TOPOLOGIES[@]}"; do
        failed=0
        for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            in_world "$topology-$round" up "$topology" >/dev/null && in_world "$topology-$round" down >/dev/null || failed=$((failed + 1))
        done
        is "$topology: up and down, twenty times" $failed 0
    done
    ok "and still nothing is left" wait_for 10 nothing_left
    is "nor mounted" "$(mounts)" "$MOUNTS"
fi
