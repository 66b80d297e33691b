#!/usr/bin/env bash
# capture.t - net capture: whole pcapng files, live output, filters, and every way to end.
# shellcheck disable=SC2016,SC2119 # code in single quotes is evaluated later; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"

world || { fail "a world comes up"; exit 0; }
have dumpcap || skip_all "no dumpcap here (package wireshark-common)"
cd "$TEST_TMP"

# start_capture WORD…: in the background; its pid in CAPTURE once it captures.
start_capture() {
    rm -f err # what the one before said
    env --default-signal=INT "$NET" capture "$@" 2>err & # a background job would ignore SIGINT
    CAPTURE=$!
    defer stop_pid $CAPTURE
    wait_for 10 file_has err '^capturing on ' || { diag "$(cat err)"; return 1; }
}
ended() { RC=0; wait "$CAPTURE" || RC=$?; } # not in $(…), which is no parent of it
echo_once() { on client "$BIN/udp_echo" -q --count 1 "$@" >udp; }
# blocks FILE: the types of its blocks, from the bytes: a pcapng file that was cut off has a last one that is not whole.
blocks() {
    python3 -S - "$1" <<'PY'
import struct, sys
data = open(sys.argv[1], 'rb').read()
names = {0x0a0d0d0a: 'section', 1: 'interface', 6: 'packet', 5: 'statistics', 4: 'names'}
at, out = 0, []
while at < len(data):
    kind, length = struct.unpack_from('<II', data, at)
    if length < 12 or at + length > len(data) or struct.unpack_from('<I', data, at + length - 4)[0] != length:
        out.append('broken')
        break
    out.append(names.get(kind, hex(kind)))
    at += length
print(' '.join(out))
PY
}
packets() { blocks "$1" | grep -o packet | wc -l | tr -d ' '; }

start_server udp on server "$BIN/udp_echo_server" --listen 10.77.0.2

# ---- into a file ----
start_capture client file.pcapng udp
is "it says on what it captures, and where" "$(cat err)" "capturing on eth0 of client"
echo_once 10.77.0.2
kill -INT $CAPTURE
ended
is "SIGINT ends it well" $RC 0
is "the file is whole, with both packets" "$(blocks file.pcapng | grep -c broken) $(packets file.pcapng)" "0 2"
like "it begins as pcapng does" "$(blocks file.pcapng)" '^section interface '
like "and how many there were is said" "$(cat err)" '^2 packets captured$'
is "the file is the caller's" "$(stat -c %u file.pcapng)" "$(id -u)"
if have tshark; then
    is "wireshark reads it" "$(tshark -r file.pcapng -T fields -e udp.dstport 2>/dev/null | head -n 1)" 7007
else
    skip "wireshark reads it" "no tshark here"
fi
start_capture client term.pcapng
kill -TERM $CAPTURE
ended
is "so does SIGTERM" $RC 0
unlike "and the file is whole" "$(blocks term.pcapng)" broken

# ---- limits, interfaces, filters ----
start_capture --count 2 client count.pcapng udp
echo_once --interval 0 10.77.0.2
ended
is "--count ends it" "$RC $(packets count.pcapng)" "0 2"
start_capture client duration.pcapng --duration 50ms
ended
is "--duration ends it" $RC 0
unlike "and the file is whole" "$(blocks duration.pcapng)" broken
start_capture --count 1 client filter.pcapng icmp and dst host 10.77.0.1
echo_once 10.77.0.2
echo_once 10.77.0.2:7 || true
ended
is "a filter lets through what it names" "$RC $(packets filter.pcapng)" "0 1"
if have tshark; then
    is "... and nothing else" "$(tshark -r filter.pcapng -T fields -e icmp.code 2>/dev/null)" 3
else
    skip "... and nothing else" "no tshark here"
fi
on client ip link add extra type bridge
on client ip link set extra up
start_capture client two.pcapng
is "all interfaces but lo" "$(cat err)" "capturing on eth0, extra of client"
kill -INT $CAPTURE
ended
is "... are in the file" "$RC $(blocks two.pcapng | grep -o interface | wc -l | tr -d ' ')" "0 2"
start_capture -i lo client lo.pcapng
is "or the one that is named" "$(cat err)" "capturing on lo of client"
kill -INT $CAPTURE
ended
is "... ends as well" $RC 0

# ---- live ----
rm -f err
"$NET" capture --count 2 client - udp 2>err | cat >live.pcapng &
CAPTURE=$!
wait_for 10 file_has err '^capturing on '
ok "live: it begins before there is a packet" wait_for 10 eval 'blocks live.pcapng | grep -q interface'
echo_once 10.77.0.2
ok "... and packets follow" wait_for 10 eval '[ "$(packets live.pcapng)" -eq 2 ]'
ended
is "... to a good end" $RC 0
ok "a reader that goes away ends it, though no packet comes" timeout 20 bash -c "set -o pipefail; '$NET' capture client - 2>err | head -c 4 >first"
is "and that is no error" "$(grep -v '^capturing on ' err || true)" ""

# ---- what cannot be done ----
refused() { # TEXT ARGUMENT…: 125, and one line with TEXT on stderr
    local text=$1; shift
    exits "net capture $(printf '%q ' "$@")" 125 "$NET" capture "$@"
    like "... one line says why" "$(wc -l <"$TEST_TMP/err") $ERR" "^1 (net|packet_capture): .*$text"
}
refused 'which host, and into which file' client
refused 'nobody: no such host' nobody x
refused 'one host at a time' client,server x
refused 'no/such/x: cannot be written' client no/such/x
refused "client: dumpcap: Invalid capture filter .bogus filter.*syntax error" client bogus.pcapng bogus filter
ok "... and leaves no empty file" eval '[ ! -e bogus.pcapng ]'
refused 'nope0: no such interface' -i nope0 client x
refused '--bogus: unknown option' --bogus client x
refused "'x' " --count=x client y
mkdir bin
ln -s /usr/sbin/* /usr/bin/* bin/ 2>/dev/null || true # names that both have are linked once
rm bin/dumpcap
exits "without dumpcap" 125 env PATH="$TEST_TMP/bin" "$NET" capture client x
like "... the package is named" "$ERR" 'dumpcap: not found: it is in the package wireshark-common'
printf '' >bin/dumpcap
chmod 644 bin/dumpcap
exits "a dumpcap that only a group may run" 125 env PATH="$TEST_TMP/bin" "$NET" capture client x
like "... and the command that lets one in" "$ERR" 'usermod -a -G wireshark'

# ---- killed ----
start_capture client killed.pcapng
kill -KILL $CAPTURE
wait $CAPTURE 2>/dev/null || true
captures() { on sw0 ps -eo stat,args | awk '$1 !~ /^Z/ && /dumpcap/ && !/awk/' | grep . >/dev/null; }
ok "a net capture that is killed takes dumpcap along" wait_for 5 eval '! captures'
