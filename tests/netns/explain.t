#!/usr/bin/env bash
# explain.t - the two meanings of connect, as packet counts, and the rest of what --explain must tell.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

# ---- outside a lab network ----
peer u udp echo
exits "outside: --explain runs" 0 "$UDP" --explain -c 1 "$LISTEN"
is "outside: it says once that there is no packet log" "$(grep -c 'packets: not in a lab network' <<<"$ERR")" 1
unlike "outside: no packet is claimed or denied" "$ERR" 'packets of'
like "outside: a literal is not looked up" "$ERR" '127\.0\.0\.1 is an address already'

world pair
start_server us on server "$BIN/udp_echo_server" --listen '*:7007'
start_server ts on server "$BIN/tcp_echo_server" --listen '*:7007'
told() { grep -cE -- "$1" <<<"$ERR" || true; } # how many lines of narration match

# ---- connect on UDP: a local act ----
explain_udp() { # TITLE FAMILY_OPTION TARGET PEER LOCAL AF
    exits "udp connect $1" 0 on client "$UDP" --connect-only --explain ${2:+"$2"} "$3"
    like "udp connect $1: socket(2) with its flags" "$ERR" "socket\\($6, SOCK_DGRAM\\|SOCK_NONBLOCK\\|SOCK_CLOEXEC\\) = [0-9]+"
    like "udp connect $1: connect(2) and its result" "$ERR" "connect\\([0-9]+, $4:7007\\) = 0"
    like "udp connect $1: the local address the kernel picked" "$ERR" "local address now $5:[0-9]+"
    like "udp connect $1: no packet, and the log is known to be complete" "$ERR" 'packets of connect: 0 \(fence passed'
    like "udp connect $1: and why" "$ERR" 'connect\(2\) on UDP sends nothing'
}
explain_udp "by name" -4 server.lab '10\.77\.0\.2' '10\.77\.0\.1' AF_INET
like "by name: the decision" "$ERR" 'server\.lab is no address and not in /etc/hosts: asking the DNS servers'
like "by name: the query and its server" "$ERR" 'A server\.lab\? to 10\.77\.0\.254:53'
like "by name: the answer and its time" "$ERR" '10\.77\.0\.254:53 answers A server\.lab after [0-9.]+ ms: NOERROR'
like "by name: the chosen address" "$ERR" 'A gives 10\.77\.0\.2; the kernel would send from 10\.77\.0\.1'
like "by name: and why" "$ERR" 'attempt 1: 10\.77\.0\.2:7007: .*(best address|RFC 6724)'
like "by name: the packets of the lookup" "$ERR" 'packets of the lookup: 2 '
explain_udp "by address" "" 10.77.0.2 '10\.77\.0\.2' '10\.77\.0\.1' AF_INET
is "by address: nobody is asked" "$(told 'packets of the lookup|server\.lab')" 0
explain_udp "over IPv6, by name" -6 server.lab '\[fd77::2\]' '\[fd77::1\]' AF_INET6
explain_udp "over IPv6, by address" "" fd77::2 '\[fd77::2\]' '\[fd77::1\]' AF_INET6

# ---- connect on TCP: a conversation ----
explain_tcp() { # TITLE TARGET PEER AF
    # shellcheck disable=SC2086 # "-6 server.lab" is two words
    exits "tcp connect $1" 0 on client "$TCP" --connect-only --explain $2
    like "tcp connect $1: socket(2) with its flags" "$ERR" "socket\\($4, SOCK_STREAM\\|SOCK_NONBLOCK\\|SOCK_CLOEXEC\\) = [0-9]+"
    like "tcp connect $1: connect(2) does not wait" "$ERR" "connect\\([0-9]+, $3:7007\\) = -1 EINPROGRESS"
    like "tcp connect $1: the state before" "$ERR" 'SYN_SENT'
    like "tcp connect $1: the state after, with round trip and MSS" "$ERR" 'TCP state ESTABLISHED: the handshake took one RTT of [0-9.]+ ms.*; MSS [0-9]+'
    like "tcp connect $1: three packets" "$ERR" 'packets of connect: 3 \(fence passed'
    is "tcp connect $1: SYN, SYN ACK, ACK" \
        "$(sed -n '/packets of connect/,/packets of close/p' <<<"$ERR" | grep -oE 'client [<>]  TCP .*' | sed -E 's/  +/ /g; s/client:[0-9]+/client/; s/server:7007/server/' | tr '\n' '|')" \
        "client > TCP client > server SYN|client < TCP server > client SYN ACK|client > TCP client > server ACK|"
}
explain_tcp "by address" 10.77.0.2 '10\.77\.0\.2' AF_INET
explain_tcp "over IPv6, by name" "-6 server.lab" '\[fd77::2\]' AF_INET6
like "tcp close: FIN each way" "$(sed -n '/packets of close/,$p' <<<"$ERR" | tr '\n' ' ')" 'client >  TCP .*FIN ACK.*client <  TCP .*FIN ACK.*client >  TCP'

# ---- each echo ----
exits "udp echo" 0 on client "$UDP" --explain -c 2 -i 50ms -4 server.lab
is "udp echo: each send" "$(told 'sendto\([0-9]+, 64 bytes\) = 64$')" 2
is "udp echo: each receive, and from whom" "$(told 'recvfrom\([0-9]+\) = 64 bytes from 10\.77\.0\.2:7007')" 2
is "udp echo: its bytes and time" "$(told 'all 64 bytes came back as sent, after [0-9.]+ ms')" 2
is "udp echo: two packets each" "$(told 'packets of this echo: 2 \(fence passed')" 2
like "udp close: nobody is told" "$ERR" 'packets of close: 0 \(fence passed'
exits "udp echo, unconnected" 0 on client "$UDP" --explain --no-connect -c 1 -4 server.lab
unlike "udp echo, unconnected: nothing is said of a connect" "$ERR" 'packets of connect'
exits "tcp echo" 0 on client "$TCP" --explain -c 1 -4 server.lab
like "tcp echo: data and acknowledgements" "$ERR" 'packets of this echo: [2-4] \(fence passed'

# ---- bad news ----
exits "refused on UDP" 7 on client "$UDP" --explain -c 1 -4 server.lab:7
like "refused on UDP: the packet, and the ICMP error" "$ERR" 'packets of this echo: 2 \(fence passed'
like "closed port, connected and not connected: ECONNREFUSED is named" "$ERR" 'error queue: port unreachable, said by 10\.77\.0\.2, about seq 1 \(ECONNREFUSED\)'
exits "refused and unconnected" 28 on client "$UDP" --explain --no-connect -c 1 -W 200ms -4 server.lab:7
like "closed port, connected and not connected: the ICMP error came, unconnected" "$ERR" 'ICMP .*port unreachable'
like "closed port, connected and not connected: why only the deadline ended it, unconnected" "$ERR" 'only the deadline ended this wait; an ICMP error is not told to a socket without a peer'
exits "refused on TCP" 7 on client "$TCP" --explain -4 server.lab:7
like "refused on TCP: SYN and RST" "$ERR" 'packets of connect: 2 \(fence passed'
on client iptables -I INPUT -p tcp --sport 7007 -m length --length 100: -j DROP
exits "dropped echo on TCP" 28 on client "$TCP" --explain -c 1 -W 700ms -4 server.lab
like "dropped echo: TCP goes on by itself" "$ERR" 'this deadline is ours, TCP knows nothing of it'
on client iptables -D INPUT 1
exits "a port that no rule logs" 7 on client "$UDP" --explain -c 1 -4 server.lab:99
like "a port that no rule logs: nobody can tell" "$ERR" 'no log rule for port 99'
unlike "a port that no rule logs: no count is claimed" "$ERR" 'packets of (connect|this echo)'
