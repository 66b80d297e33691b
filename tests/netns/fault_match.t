#!/usr/bin/env bash
# fault_match.t - which packets a fault is about, several faults on one link, and those that the kernel carries out.
# shellcheck disable=SC2016,SC2119 # code in single quotes is evaluated later; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/lib/fault.sh
. "$(dirname "$0")/../lib/fault.sh"
fault_world

# ---- which packets: rules that do nothing, and what each has seen ----
"$NET" fault clear >/dev/null
idle() { "$NET" fault client:server drop=nth:4000000000 "$@" >/dev/null; WORDS+=("$*"); }
WORDS=()
for words in protocol=udp 'protocol=tcp payload=1-' 'flags=SYN,!ACK' flags=SYN,ACK 'flags=SYN direction=reverse' \
    'payload=100 protocol=udp' 'payload=1-99 protocol=udp' 'dport=7007 protocol=udp' sport=7007 'port=7007 protocol=udp' \
    'sport=7007 protocol=udp direction=reverse' 'protocol=udp direction=both' protocol=icmp protocol=dns; do
    # shellcheck disable=SC2086 # words
    idle $words
done
udp -q --count 2 --interval 5ms --size 100 10.77.0.2 >/dev/null
udp -q --count 1 --size 100 '[fd77::2]' >/dev/null
tcp -q --count 1 --size 50 10.77.0.2 >/dev/null
is "each rule has seen what it is about" \
    "$("$NET" fault show --json | jq -r '.faults[] | "\(.words | sub("drop=nth:4000000000 "; "") | sub(" seed=.*"; "")): \(.matched)"')" \
    "$(printf '%s\n' 'protocol=udp: 3' 'protocol=tcp payload=1-: 1' 'flags=SYN,!ACK: 1' 'flags=SYN,ACK: 0' 'flags=SYN direction=reverse: 1' \
        'payload=100 protocol=udp: 3' 'payload=1-99 protocol=udp: 0' 'dport=7007 protocol=udp: 3' 'sport=7007: 0' 'port=7007 protocol=udp: 3' \
        'sport=7007 protocol=udp direction=reverse: 3' 'protocol=udp direction=both: 6' 'protocol=icmp: 0' 'protocol=dns: 0')"
if have ping; then
    on client ping -q -c 1 10.77.0.2 >/dev/null
    is "ping is ICMP" "$("$NET" fault show --json | jq '.faults[12].matched')" 1
else skip "ping is ICMP" "no ping here"; fi
fault drop=all direction=reverse
exits "reverse: the answers are lost" 28 udp -q --count 1 --read-timeout 100ms 10.77.0.2
is "... after the question has arrived" "$("$NET" log --no-faults --from "$MARK" | awk '{ print $3 $4 }' | xargs)" "client> server< server>"
fault drop=nth:1 flags=SYN,!ACK
exits "the first SYN of a connection is lost: refused by the clock" 28 tcp -q --count 1 --connect-timeout 200ms 10.77.0.2
fault drop=nth:1,2 protocol=udp
exits "IPv6" 1 udp -q --count 3 --interval 5ms --read-timeout 500ms '[fd77::2]'
is "... two were dropped" "$(fates | xargs)" "drop drop"
ok "... as the log has it" explained
"$NET" fault clear >/dev/null
"$NET" fault client:sw0 drop=all protocol=dns >/dev/null
exits "DNS: the way to the server on the switch" 6 udp -q --count 1 --dns-timeout 100ms --dns-tries 1 server.lab
"$NET" fault clear >/dev/null
exits "... and back" 0 udp -q --count 1 server.lab

# ---- several rules ----
fault delay=10ms
"$NET" fault client:server delay=15ms on=nth:2 >/dev/null
"$NET" fault client:server drop=nth:3 >/dev/null
exits "rules are applied one after the other" 1 udp --csv --count 3 --interval 30ms --read-timeout 200ms 10.77.0.2
is "... delays add up" "$(fates | xargs)" "delay 10.000ms delay 10.000ms delay 15.000ms delay 10.000ms drop"

# ---- the kernel's own ----
for family in 10.77.0.2 '[fd77::2]'; do
    for kind in refuse reject unreachable blackhole; do
        wanted=7 patience=3s # only silence is waited for to its end
        [ $kind != blackhole ] || wanted=28 patience=150ms
        fault $kind
        # Without a delay the answer is there before connect(2) has let go of its socket, and Linux then takes it for a
        # soft error: TCP would hear only the answer to its next SYN, a second later.
        "$NET" fault server:client delay=5ms protocol=icmp >/dev/null
        exits "$kind, UDP to $family" $wanted udp -q --count 1 --read-timeout $patience "$family"
        exits "$kind, TCP to $family" $wanted tcp -q --count 1 --connect-timeout $patience "$family"
        # By IPv6 the errno is EACCES, as for a route of this host's own that prohibits; but a router has said it.
        [ $kind != reject ] || like "... the message names who forbids it" "$ERR" 'No route to host|administratively prohibited'
        arrived=$("$NET" log --from "$MARK" --count server)
        if [ $kind = blackhole ]; then is "... none has arrived" "$arrived" 0
        else like "... they have arrived" "$("$NET" log --from "$MARK" server | grep -c ' < ')" '^[2-9]$'; fi
        is "... and are counted" "$([ "$(count matched)" -ge 2 ] && echo yes)" yes
    done
done
fault refuse protocol=tcp dport=9
exits "a refusal of other packets" 0 tcp -q --count 1 10.77.0.2
fault reject protocol=udp
exits "only UDP: TCP passes" 0 tcp -q --count 1 10.77.0.2
exits "... and UDP does not" 7 udp -q --count 1 10.77.0.2
"$NET" fault clear >/dev/null
exits "cleared" 0 udp -q --count 1 10.77.0.2
is "no rule of a fault is left in iptables" "$(on server sh -c 'iptables-save; ip6tables-save' | grep -c -e echolab-fault -e NFQUEUE || true)" 0

# ---- what the kernel refuses is not shown as if it were in force ----
mkdir "$TEST_TMP/bin"
printf '#!/bin/sh\nexit 1\n' >"$TEST_TMP/bin/iptables-restore"
chmod 755 "$TEST_TMP/bin" "$TEST_TMP/bin/iptables-restore"
"$NET" fault server:client delay=1ms >/dev/null
exits "a fault that the kernel does not take" 125 env PATH="$TEST_TMP/bin:$PATH" "$NET" fault client:server drop=all
like "... is said" "$ERR" '^net: fault: client:server: the kernel does not take it'
is "... is not shown, and the others stay" "$("$NET" fault show --json | jq -r '.faults[].words' | sed 's/ seed=.*//')" "delay=1ms"
exits "... and is not in force" 0 udp -q --count 1 10.77.0.2
