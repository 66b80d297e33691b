#!/usr/bin/env bash
# clients.t - tcp_echo and udp_echo by themselves, on loopback: forms, exit codes, and what UDP does to datagrams.
# Needs no lab network. The misbehaving servers are tests/lib/peer.py.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"

peer u udp echo; U=$LISTEN
peer t tcp echo; T=$LISTEN

# ---- forms ----
exits "udp: every probe echoed is exit 0" 0 "$UDP" -c 3 -i 10ms "$U"
is "udp: a line a reply" "$(grep -c 'bytes from.*seq=[123] time=' <<<"$OUT")" 3
like "udp: and a summary" "$OUT" '^3 sent, 3 received, 0 lost'
exits "tcp: every probe echoed is exit 0" 0 "$TCP" -c 3 -i 10ms "$T"
is "tcp: a line a reply" "$(grep -c 'bytes from.*seq=[123] time=' <<<"$OUT")" 3
exits "-q leaves the summary" 0 "$UDP" -q -c 2 -i 0 "$U"
is "-q: nothing else" "$(wc -l <<<"$OUT")" 3
exits "--csv" 0 "$TCP" --csv -c 2 -i 0 -s 100 "$T"
is "--csv: header" "$(sed -n 1p <<<"$OUT")" "seq,status,rtt_ms,bytes,reason"
like "--csv: a row a probe" "$(sed -n 3p <<<"$OUT")" '^2,echoed,[0-9]+\.[0-9]{3},100,$'
is "--csv: nothing else on stdout" "$(wc -l <<<"$OUT")" 3
exits "--json" 0 "$UDP" --json -c 3 -i 0 "$U"
is "--json: format_version" "$(json format_version)" 1
is "--json: counters" "$(json counts)" "sent=3 received=3"
is "--json: a probe" "$(json probes.2.status)" echoed

# ---- exit codes; --json is one document on each of these paths ----
closed=$(python3 -S -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
both "udp, nobody listens" 7 "sent=2 lost=2 errors=2" "$UDP" -c 2 -i 10ms "127.0.0.1:$closed"
is "udp, nobody listens: reason" "$(json probes.0.reason)" refused
both "udp, unconnected, nobody listens" 28 "sent=1 lost=1" "$UDP" --no-connect -c 1 -W 100ms "127.0.0.1:$closed"
both "tcp, nobody listens" 7 "" "$TCP" "127.0.0.1:$closed"
like "tcp, nobody listens: says so" "$ERR" '^tcp_echo: 127\.0\.0\.1:[0-9]+: connect: Connection refused \(nobody listens'
is "tcp, nobody listens: no RTT is null" "$(json rtt_ms.min)" null
both "name not resolved" 6 "" "$UDP" --dns-server "127.0.0.1:$closed" nowhere.invalid
like "name not resolved: says so" "$ERR" '^udp_echo: nowhere\.invalid: lookup: '
peer silent udp drop
both "silence" 28 "sent=2 lost=2" "$UDP" -c 2 -i 10ms -W 200ms "$LISTEN"
both "-w with nothing answered" 28 "sent=1 unanswered=1" "$UDP" -W 60 -w 200ms "$LISTEN"
is "-w: what was open is not lost" "$(json probes.0.status)" interrupted
peer some udp echo drop echo
both "one of three lost" 1 "sent=3 received=2 lost=1" "$UDP" -c 3 -i 10ms -W 2 "$LISTEN"
both "--connect-only" 0 "" "$TCP" --connect-only "$T"
is "--connect-only: the peer" "$(json dial.peer)" "$T"

for usage in "--json --csv" "-4 -6" "-m x --stdin" "--connect-only -m x" "--bogus" "-c x" "-s 99M" "-4 --source ::1"; do
    # shellcheck disable=SC2086 # several words
    exits "usage: $usage is exit 2" 2 "$UDP" $usage "$U"
done
exits "port 0 is refused" 2 "$UDP" 127.0.0.1:0
exits "a wildcard is no host" 2 "$TCP" '*'
exits "tcp: --size 0 is refused, with the reason" 2 "$TCP" -s 0 "$T"
like "tcp: --size 0: the reason" "$ERR" 'no empty messages'
exits "--connect-only --no-connect is refused" 2 "$UDP" --connect-only --no-connect "$U"

# ---- what UDP does to datagrams ----
peer fate udp dup echo;            both "twice" 0 "sent=2 received=2 duplicates=1" "$UDP" -c 2 -i 50ms -W 5 "$LISTEN"
peer fate udp swap echo;           both "reordered" 0 "sent=2 received=2 reordered=1" "$UDP" -c 2 -i 50ms -W 5 "$LISTEN"
peer fate udp late:1.5 echo;       both "late" 1 "sent=2 received=1 late=1" "$UDP" -c 2 -i 2.5 -W 1 "$LISTEN"
is "late: its row" "$(json probes.0.status)" late
peer fate udp corrupt echo;        both "corrupt" 1 "sent=2 received=1 corrupt=1" "$UDP" -c 2 -i 50ms -W 5 "$LISTEN"
peer fate udp short echo;          both "cut short" 1 "sent=2 received=1 corrupt=1" "$UDP" -c 2 -i 50ms -W 5 "$LISTEN"
peer fate udp foreign echo;        both "reply from another address or port, or with a wrong nonce: another nonce" 0 "sent=2 received=2 wrong_source=1" "$UDP" -c 2 -i 50ms -W 5 "$LISTEN"
peer fate udp stray echo;          both "reply from another address or port, or with a wrong nonce: another port, unconnected" 0 "sent=2 received=2 wrong_source=1" "$UDP" --no-connect -c 2 -i 50ms -W 5 "$LISTEN"
peer fate udp stray echo;          both "reply from another address or port, or with a wrong nonce: another port, connected: the kernel filters" 0 "sent=2 received=2" "$UDP" -c 2 -i 50ms -W 5 "$LISTEN"
peer fate udp other:127.0.0.2;     both "reply from another address or port, or with a wrong nonce: another address, unconnected" 28 "sent=1 lost=1 wrong_source=1" "$UDP" --no-connect -c 1 -W 200ms "$LISTEN"
