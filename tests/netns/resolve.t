#!/usr/bin/env bash
# resolve.t - echo_resolve in a lab network: names through a real DNS server, and servers that are silent, closed or no servers.
. "$(dirname "$0")/../lib/tap.sh"
RESOLVE=$BIN/echo_resolve

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# queries_of CMD…: how many UDP datagrams the client's kernel sent while the command ran, IPv4 and IPv6 together.
queries_of() {
    # shellcheck disable=SC2016 # for the shell on the host
    on client bash -c '
        sent() { awk "/^Udp: [0-9]/ { n += \$5 } /^Udp6OutDatagrams/ { n += \$2 } END { print n }" /proc/net/snmp /proc/net/snmp6; }
        before=$(sent); "$@" >/dev/null 2>&1 || true; echo $(($(sent) - before))' bash "$@"
}

# listening PORT: something on the server has this UDP port.
listening() { on server ss -Hlun "sport = :$1" | grep . >/dev/null; }

# serve NAME PORT CMD…: starts a peer on the server and waits until it has its port.
serve() {
    local port=$2
    shift 2
    on server "$@" >"$TEST_TMP/peer.$port" 2>&1 </dev/null &
    defer stop_pid $!
    wait_for 10 listening "$port"
}

names() {
    exits "a name of the lab resolves" 0 on client "$RESOLVE" server.lab
    like "its AAAA is shown, with the source" "$OUT" '^  AAAA  fd77::2 +we would send from fd77::1$'
    like "its A is shown, with the source" "$OUT" '^  A     10\.77\.0\.2 +we would send from 10\.77\.0\.1$'
    like "each query is shown, with its server" "$OUT" ' 10\.77\.0\.254:53 +UDP +[0-9]+ +AAAA +server\.lab +NOERROR$'
    is "nothing is said on stderr" "$ERR" ""
    exits "-4 asks for A alone" 0 on client "$RESOLVE" -4 -q server.lab
    is "-q prints the address alone" "$OUT" 10.77.0.2
    exits "-6 asks for AAAA alone" 0 on client "$RESOLVE" -6 -q server.lab
    is "which is one address too" "$OUT" fd77::2
    exits "an unknown name exits 6" 6 on client "$RESOLVE" unknown.lab
    like "NXDOMAIN is said" "$ERR" '^echo_resolve: unknown\.lab: NXDOMAIN: no such name \(.+\)$'
    exits "one of two names unknown exits 6" 6 on client "$RESOLVE" -q unknown.lab server.lab
    is "and the other is still resolved" "$OUT" $'fd77::2\n10.77.0.2'
    exits "the search domain of resolv.conf is added to a short name" 0 on client "$RESOLVE" server
    like "and shown in the question" "$OUT" ' AAAA +server\.lab +NOERROR$'
    exits "--explain narrates" 0 on client "$RESOLVE" --explain server.lab
    like "where it asks, and why" "$ERR" 'server\.lab is no address and not in /etc/hosts: asking the DNS servers of /etc/resolv\.conf'
    like "the query" "$ERR" 'dns +A server\.lab\? to 10\.77\.0\.254:53 over UDP, id [0-9]+'
    like "and the answer with its time" "$ERR" 'dns +10\.77\.0\.254:53 answers A server\.lab after [0-9.]+ ms: NOERROR, 10\.77\.0\.2$'
}

packets() {
    is "a name costs two datagrams" "$(queries_of "$RESOLVE" server.lab)" 2
    is "an IPv4 address costs none" "$(queries_of "$RESOLVE" 10.77.0.2)" 0
    is "an IPv6 address costs none, asked for IPv4 too" "$(queries_of "$RESOLVE" -4 fd77::2)" 0
    is "localhost costs none" "$(queries_of "$RESOLVE" localhost)" 0
    is "a mistyped address costs none" "$(queries_of "$RESOLVE" server.lab 10.77.0.256)" 0
}

servers() {
    serve silent 5301 socat -u UDP-RECV:5301 OPEN:/dev/null
    local before after
    before=$(milliseconds)
    exits "a silent server: exit 6" 6 on client "$RESOLVE" --dns-server 10.77.0.2:5301 -w 700ms server.lab
    after=$(milliseconds)
    like "timeout is said" "$ERR" '^echo_resolve: server\.lab: timeout: no server answered in time \('
    ok "not before the deadline" test $((after - before)) -ge 700
    ok "and not long after" test $((after - before)) -lt 10000
    exits "the next server is asked when the first is silent" 0 on client "$RESOLVE" -q \
        --dns-server 10.77.0.2:5301 --dns-server 10.77.0.254 --dns-timeout 500ms --dns-tries 4 server.lab
    is "and its answer counts" "$OUT" $'fd77::2\n10.77.0.2'

    exits "a closed port: exit 6" 6 on client "$RESOLVE" --dns-server 10.77.0.2:5399 server.lab
    like "unreachable and why is said" "$ERR" 'unreachable: no server can be reached: Connection refused'
    exits "a server over IPv6" 0 on client "$RESOLVE" -q --dns-server '[fd77::fe]:53' server.lab

    serve echo 5302 socat UDP-RECVFROM:5302,fork EXEC:cat
    exits "an echo server is not a DNS server: exit 6" 6 on client "$RESOLVE" --dns-server 10.77.0.2:5302 server.lab
    like "and is recognised" "$ERR" 'reflected: our own query came back'
}

documents() {
    exits "--json: exit 6 with an unknown name" 6 on client "$RESOLVE" --json server.lab unknown.lab. 10.77.0.2
    ok "it is one valid document" python3 -S -m json.tool "$TEST_TMP/out"
    is "with its version and what was found" \
        "$(jq -c '[.format_version, .resolved, .unresolved, (.names[] | [.name, .resolved, .a.status, (.queries | length)])]' "$TEST_TMP/out")" \
        '[1,2,1,["server.lab",true,"ok",2],["unknown.lab.",false,"nxdomain",2],["10.77.0.2",true,"ok",0]]'
    is "times are numbers or null" "$(jq '[.names[].queries[] | .sent_ms, .took_ms | type] | unique | join(" ")' "$TEST_TMP/out")" '"number"'

    is "it ends with one newline" "$(tail -c 2 "$TEST_TMP/out" | od -An -c | tr -d ' ')" '}\n'

    # An interrupt ends the run, and the document is still whole. The first query has reached the server when its log is not empty.
    # Started without stdin and stderr, the program must not have let a socket take their numbers.
    serve heard 5303 socat -u UDP-RECV:5303 "OPEN:$TEST_TMP/heard,creat,append"
    on client bash -c 'exec "$@" <&- 2>&-' bash "$RESOLVE" --json --dns-server 10.77.0.2:5303 --dns-timeout 30s server.lab other.lab \
        >"$TEST_TMP/out" 2>"$TEST_TMP/err" &
    local run=$! rc=0 resolver
    wait_for 10 test -s "$TEST_TMP/heard"
    resolver=$(on client pgrep -f "^$RESOLVE --json --dns-server 10.77.0.2:5303")
    is "closed stdin and stderr are filled before anything is opened" \
        "$(on client readlink "/proc/$resolver/fd/0" "/proc/$resolver/fd/2" | xargs)" "/dev/null /dev/null"
    on client kill -INT "$resolver"
    wait "$run" || rc=$?
    is "an interrupted run exits 6" "$rc" 6
    is "and its document is whole" "$(jq -c '[.interrupted, .unresolved, (.names[0].a | .status, .source, .addresses)]' "$TEST_TMP/out")" \
        '[true,2,"cancelled",null,[]]'
}

usage() {
    exits "no name: exit 2" 2 "$RESOLVE"
    exits "-4 with -6: exit 2" 2 "$RESOLVE" -4 -6 localhost
    exits "a name as --dns-server: exit 2" 2 "$RESOLVE" --dns-server dns.lab server.lab
    like "because who should look that up" "$ERR" '^echo_resolve: --dns-server: dns\.lab: an address is needed'
    local name why
    while IFS='|' read -r name why; do
        exits "'$name' cannot be a name: exit 2" 2 "$RESOLVE" localhost "$name"
        is "'$name': nothing is looked up" "$OUT" ""
        like "'$name': what is wrong with it" "$ERR" "^echo_resolve: .*: $why"
    done <<'NAMES'
a b|a host name has only letters
a..b|the name has an empty part
|the host is empty
1.2.3|not an IPv4 address
localhost:80|a port does not belong here
[::1]:80|a port does not belong here
*|\* is every address
NAMES
    exits "localhost needs no network" 0 "$RESOLVE" -q -4 localhost
    is "and is this machine" "$OUT" 127.0.0.1
    exits "a name below localhost too" 0 "$RESOLVE" foo.localhost
    like "by definition, whatever the hosts file says" "$OUT" 'by definition \(RFC 6761\): nobody was asked$'
    local rc=0
    "$RESOLVE" localhost >&- 2>"$TEST_TMP/err" || rc=$?
    is "closed stdout: exit 2" "$rc" 2
    rc=0
    "$RESOLVE" --json localhost >/dev/full 2>"$TEST_TMP/err" || rc=$?
    is "a full disk: exit 2" "$rc" 2
    like "and it is said" "$(<"$TEST_TMP/err")" '^echo_resolve: stdout: write: No space left on device$'
}

usage
world pair
names
packets
servers
documents
