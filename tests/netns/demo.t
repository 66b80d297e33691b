#!/usr/bin/env bash
# demo.t - the demo is what a newcomer sees first: it must hold what it says, with and without a
# terminal.
. "$(dirname "$0")/../lib/tap.sh"

have script || skip_all "script(1) is not here"
# As a pipe and, at the same time, on a terminal that script(1) makes.
script -qec "env -u NO_COLOR '$ROOT/netns/demo'" /dev/null >"$TEST_TMP/terminal" 2>&1 </dev/null &
TERMINAL=$!
exits "the demo succeeds, so every count was as told" 0 "$ROOT/netns/demo"
DEMO=$OUT
like "1. the network is drawn" "$DEMO" '\| 10\.77\.0\.1  \|.*switch.*\| 10\.77\.0\.2  \|'
like "2. connect on UDP sends nothing, said after a fence" "$DEMO" 'UDP packets: 0\. A fence'
like "... and on TCP the handshake" "$DEMO" 'before the goodbye \(FIN\): 3\.'
like "3. an echo by name" "$DEMO" 'DNS   client:[0-9]+ > sw0:53  A\? server\.lab'
like "4. the read deadline ends both" "$DEMO" 'exit code 28\. UDP'
like "... while TCP goes on" "$DEMO" 'PSH ACK  64 bytes  seq 1 ack 65  resent$'
like "5. nothing is left" "$DEMO" 'processes of this world: [1-9][0-9]* before, 0 after; files: none$'
like "and what to try next" "$DEMO" '^Try next'
unlike "no claim failed" "$DEMO" '!!'
is "nothing on stderr" "$ERR" ""
unlike "no colour in a pipe" "$DEMO" $'\e'
is "no line is wider than 100 columns" "$(awk 'length > 100' <<<"$DEMO")" ""
rc=0; wait $TERMINAL || rc=$?
is "it succeeds on a terminal" $rc 0
[ $rc -eq 0 ] || diag "$(grep -B 8 -A 2 '!!' "$TEST_TMP/terminal" || tail -n 30 "$TEST_TMP/terminal")"
like "where headings are bold" "$(cat "$TEST_TMP/terminal")" $'\e\\[1m1\\. A network'

mkdir "$TEST_TMP/bin"
exits "without its programs it says what is missing" 1 env ECHOLAB_BIN="$TEST_TMP/bin" "$ROOT/netns/demo"
like "by name" "$OUT$ERR" 'udp_echo_server'
unlike "and leaves no world behind" "$("$NET" status)" '^demo-'"$$"
