#!/usr/bin/env bash
# fault.t - faults on a link, checked packet by packet against the packet log, and as programs see them.
# shellcheck disable=SC2016,SC2119 # code in single quotes is evaluated later; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/lib/fault.sh
. "$(dirname "$0")/../lib/fault.sh"
fault_world

# ---- drop ----
fault drop=nth:2 protocol=tcp payload=1-
like "net fault says what it did" "$(cat "$TEST_TMP/said")" '^fault [0-9]+ client:server drop=nth:2 protocol=tcp payload=1- seed=[0-9]+$'
exits "the second data segment is lost, and TCP sends it again" 0 tcp -q --count 3 --interval 10ms 10.77.0.2
is "... one packet was dropped" "$(fates)" drop
ok "... and all others arrived once" explained
like "... the log shows that it left twice" "$("$NET" log --from "$MARK" client | grep -c resent)" '^1$'
fault drop=every:3
exits "of nine datagrams each third is lost" 1 udp --csv --count 9 --interval 5ms --read-timeout 200ms 10.77.0.2
is "... these" "$(awk -F, '$2 == "lost" { printf "%s ", $1 }' <<<"$OUT")" "3 6 9 "
ok "... as the log has it" explained
is "... and show counts" "$(count matched dropped)" "9 3"
fault drop=all
exits "when all are dropped the client ends at its deadline" 28 udp -q --count 1 --read-timeout 100ms 10.77.0.2
is "... and nothing is logged as arriving" "$("$NET" log --direction=in --from "$MARK" server)" ""
"$NET" fault clear >/dev/null
exits "clear: everything passes again" 0 udp -q --count 1 10.77.0.2

# ---- duplicate, corrupt ----
fault duplicate=nth:2
exits "a duplicate is echoed twice" 0 udp --json --count 3 --interval 10ms 10.77.0.2
is "... and is counted as what it is" "$(jq -c '[.duplicates, .received, .lost]' <<<"$OUT")" "[1,3,0]"
ok "... it arrived twice" explained
is "... and was not judged again" "$(count matched duplicated) $(fates)" "3 1 duplicate"
fault duplicate=all delay=5ms
exits "late and doubled over TCP" 0 tcp -q --count 2 --interval 10ms --size 3000 10.77.0.2
ok "... each packet twice" explained
in_errors() { on server awk '$1 == "Udp:" && n++ == 0 { for (i = 2; i <= NF; i++) if ($i == "InCsumErrors") at = i; next } $1 == "Udp:" { print $at }' /proc/net/snmp; }
before=$(in_errors)
fault corrupt=nth:1 checksum=keep
exits "damage that the checksum tells of is loss" 1 udp -q --count 2 --interval 10ms --read-timeout 200ms 10.77.0.2
is "... InCsumErrors counts it" "$(($(in_errors) - before))" 1
fault corrupt=nth:1 at=40 # behind what tells the client which probe it is
exits "damage with the checksum repaired reaches the program" 1 udp --json --count 2 --interval 10ms --read-timeout 200ms 10.77.0.2
is "... which says so" "$(jq -c '[.corrupt, .received]' <<<"$OUT")" "[1,1]"
is "... the kernel has not noticed" "$(($(in_errors) - before))" 1
fault corrupt=nth:1 at=40
exits "and over IPv6" 1 udp --json --count 1 --read-timeout 200ms '[fd77::2]'
is "... too" "$(jq -c .corrupt <<<"$OUT")" 1
fault corrupt=nth:1 checksum=keep protocol=tcp
exits "TCP sends a damaged segment again" 0 tcp -q --count 2 --interval 10ms --size 2000 10.77.0.2
is "... one" "$(fates)" corrupt

# ---- late ----
fault delay=20ms
exits "a delay" 0 udp --csv --count 10 --interval 5ms 10.77.0.2
is "... is never shorter than asked" "$(awk -F, 'NR > 1 && $3 < 20' <<<"$OUT")" ""
is "... and not much longer" "$(awk -F, 'NR > 1 && $3 > 320' <<<"$OUT")" ""
is "... each fate is in the ring" "$(fates | grep -c '^delay 20.000ms')" 10
ok "... nothing is lost" explained
fault delay=30ms on=nth:2
exits "one packet late" 0 udp --json --count 3 --interval 5ms 10.77.0.2
is "... is overtaken" "$(jq -c .reordered <<<"$OUT")" 1
fault delay=10ms+-9ms
exits "jitter" 0 udp --json --count 30 --interval 1ms 10.77.0.2
is "... keeps the order" "$(jq -c .reordered <<<"$OUT")" 0
fault reorder=nth:2 gap=2 within=20s
exits "a reordered packet" 0 udp --json --count 5 --interval 20ms 10.77.0.2
is "... is reported by the client" "$(jq -c '[.reordered, .lost]' <<<"$OUT")" "[1,0]"
sequence() { "$NET" log --from "$MARK" --format=record | awk -v host="$1" -v hook="$2" '$5 == host && (hook == "out") == ($6 == 4) && $11 == "client" { print $10 }'; }
sequence client out >"$TEST_TMP/left"
sequence server in >"$TEST_TMP/came"
is "... arrived behind the next two" "$(while read -r hash; do grep -n "$hash" "$TEST_TMP/left" | cut -d: -f1; done <"$TEST_TMP/came" | xargs)" "1 3 4 2 5"
fault reorder=nth:1 within=30ms
exits "one that nothing overtakes" 0 udp --csv --count 1 10.77.0.2
is "... goes on after that time" "$(awk -F, 'NR > 1 && $3 < 30' <<<"$OUT")" ""
fault rate=80kbit
exits "1000 bytes at 80 kbit/s" 0 udp --csv --count 4 --interval 1ms --size 972 10.77.0.2
is "... take 100 ms, each behind the other" "$(awk -F, 'NR > 1 && $3 < $1 * 100 - ($1 - 1) * 50' <<<"$OUT")" ""
fault rate=80kbit limit=2000
exits "what does not fit the queue of a rate" 1 udp -q --count 4 --interval 1ms --size 972 --read-timeout 1s 10.77.0.2
is "... is dropped and counted" "$(count rate_held rate_dropped) $(fates | grep -c 'queue full')" "2 2 2"

