#!/usr/bin/env bash
# tap.t - the tests' own helpers: a helper that is wrong makes every test that uses it worthless.
#
# Each case is a small script of its own that sources tap.sh, so that its output, its exit code and what it leaves can be looked at.
# shellcheck disable=SC2016 # code in single quotes is for the scripts
. "$(dirname "$0")/../lib/tap.sh"

# script TEXT: runs it as a test; sets OUT (stdout), ERR and RC.
script() {
    printf '. "%s/tests/lib/tap.sh"\n%s\n' "$ROOT" "$1" >"$TEST_TMP/case.t"
    RC=0
    TMPDIR=$TEST_TMP/tmp bash "$TEST_TMP/case.t" >"$TEST_TMP/case.out" 2>"$TEST_TMP/case.err" </dev/null || RC=$?
    OUT=$(<"$TEST_TMP/case.out") ERR=$(<"$TEST_TMP/case.err")
}
mkdir "$TEST_TMP/tmp"
left() { find "$TEST_TMP/tmp" -mindepth 1; }
now_us() { echo "${EPOCHREALTIME//[!0-9]/}"; }

# ---- what is printed ----
script 'plan 2; pass one; pass two'
is "passes are numbered" "$OUT" $'1..2\nok 1 - one\nok 2 - two'
is "... and exit 0" "$RC" 0
script 'pass one; fail two "why it failed"; pass three'
is "a failure is shown with its reason, the plan at the end" "$OUT" $'ok 1 - one\nnot ok 2 - two\n# why it failed\nok 3 - three\n1..3'
is "... and exits 1" "$RC" 1
script 'skip one "no such kernel"'
is "a skip is a skip, with its reason" "$OUT" $'ok 1 - one # SKIP no such kernel\n1..1'
script 'skip_all "nothing works here"; pass never'
is "all of a script skipped is a plan of none, with its reason" "$OUT" "1..0 # SKIP nothing works here"
is "... and exits 0" "$RC" 0
script 'fail one $'"'"'a\nb'"'"
is "no line of a reason is taken for a result" "$OUT" $'not ok 1 - one\n# a\n# b\n1..1'

# ---- assertions fail when they should ----
while IFS='|' read -r wanted code; do
    script "$code"
    like "$wanted: $code" "$OUT" "^$wanted 1 "
done <<'CASES'
ok|ok name true
not ok|ok name false
ok|is name a a
not ok|is name a b
not ok|is name "a" "a "
ok|like name "one two" "^one"
not ok|like name "one two" "^two"
ok|like name $'one\ntwo' "^two$"
ok|like name $'one\n\ntwo' "^$"
not ok|like name $'one\ntwo' "one.two"
not ok|like name "" "."
ok|like name "a(*c" "a\(\*c"
ok|unlike name abc d
not ok|unlike name abc b
ok|exits name 3 bash -c "exit 3"
not ok|exits name 0 bash -c "exit 3"
not ok|exits name 3 true
CASES
script 'exits name 0 bash -c "echo out; echo err >&2"; is o "$OUT" out; is e "$ERR" err'
like "exits keeps what was said apart" "$OUT" '^ok 3 - e'
script 'like name "$(yes | head -n 100000)" "^y"; unlike name "$(yes | head -n 100000)" "^n"'
is "a long text is no failure of its pipe" "$RC" 0

# ---- models are checked beside each other ----
script 'BIN=$TEST_TMP/bin; mkdir "$BIN"; for m in one two three four; do echo >"$BIN/tcp_$m"; chmod +x "$BIN/tcp_$m"; done
. "$ROOT/tests/lib/tcp_models.sh"
check_a() { defer echo "undone $MODEL"; pass "$MODEL a"; }
check_b() { if [ "$MODEL" = two ]; then fail "$MODEL b" why; else pass "$MODEL b"; fi; [ "$MODEL" != three ]; }
pass first; run_models a b -- one two three four five'
is "their results are told in order, and one that broke off is a failure" "$OUT" 'ok 1 - first
ok 2 - one a
ok 3 - one b
ok 4 - two a
not ok 5 - two b
# why
ok 6 - three a
ok 7 - three b
not ok 8 - three: its checks came to their end
ok 9 - four a
ok 10 - four b
ok 11 - five # SKIP tcp_five is not built
1..11'
is "... the script exits 1" "$RC" 1
is "... and what each began is undone" "$(sort <<<"$ERR")" $'undone four\nundone one\nundone three\nundone two'

# ---- whatever was begun is undone ----
script 'defer echo first; defer echo "second  with blanks"; defer echo third; pass one'
is "deferred commands run in reverse order" "$ERR" $'third\nsecond  with blanks\nfirst'
unlike "... and say nothing among the results" "$OUT" 'second'
script 'defer echo undone; pass one; false; pass two'
is "a script that dies is undone too" "$ERR" undone
like "... says that it died" "$OUT" '^not ok - case\.t died with status 1$'
is "... and exits 1" "$RC" 1
script 'defer echo first; defer false; defer echo third; pass one'
is "one failure among them stops none" "$ERR" $'third\nfirst'
script 'defer echo undone; exit 7'
is "an early exit is undone" "$ERR" undone
like "... and is no pass" "$OUT" '^not ok - .*status 7$'
script 'defer echo undone; kill -TERM $$; pass never'
is "TERM is undone" "$ERR" undone
unlike "... and ends the script" "$OUT" never
script 'touch "$TEST_TMP/file"; pass one'
is "no file is left" "$(left)" ""

# ---- waiting ----
script 'wait_for 10 test -e "$TEST_TMP/there" & touch "$TEST_TMP/there"; wait $! && pass one'
like "wait_for ends with its condition" "$OUT" '^ok 1'
start=$(now_us)
script 'wait_for 1 false || pass one'
like "... and with its time" "$OUT" '^ok 1'
ok "... never before" test $(($(now_us) - start)) -ge 1000000
script 'n=0; third() { n=$((n + 1)); [ $n -ge 3 ]; }; wait_for 10 third; is tries $n 3'
like "... and looks again and again, in this shell" "$OUT" '^ok 1'

# ---- processes ----
script 'bash -c "echo ready listen=127.0.0.1:1234 pid=1; exec sleep 600" >"$TEST_TMP/server.out" & PID=$!; defer stop_pid $PID; echo $PID >&2; pass one'
ok "a server that was started is stopped" gone "$ERR"
script 'start_server mine bash -c "trap \"\" TERM; echo ready listen=127.0.0.1:1234; while :; do read -rt 1 <> <(:); done"; is l "$LISTEN" 127.0.0.1:1234; echo $PID >&2'
like "start_server knows the address from the ready line" "$OUT" '^ok 1'
ok "... and one that ignores TERM is killed" gone "$ERR"
script 'start_server mine false || fail never'
like "a server that never is ready is a failure" "$OUT" '^# no ready line from: false'

# ---- the owner of a port ----
"$BIN/tcp_echo_server" --listen 127.0.0.1:0 >"$TEST_TMP/one" 2>&1 </dev/null &
ONE=$!
defer stop_pid "$ONE"
"$BIN/udp_echo_server" --listen '[::1]:0' >"$TEST_TMP/two" 2>&1 </dev/null &
TWO=$!
defer stop_pid "$TWO"
wait_for 10 file_has "$TEST_TMP/one" '^ready ' && wait_for 10 file_has "$TEST_TMP/two" '^ready '
port() { sed -nE 's/^ready .* listen=[^ ]*:([0-9]+) .*/\1/p' "$TEST_TMP/$1"; }
ok "the owner of a TCP port is known" wait_for_owner 5 "$ONE" "$(port one)"
ok "... and of a UDP port, on IPv6" wait_for_owner 5 "$TWO" "$(port two)" udp
ok "another process is not its owner" eval '! owns_port $TWO "$(port one)"'
ok "nor is this one" eval '! owns_port $$ "$(port one)"'
ok "another protocol is not meant" eval '! owns_port $ONE "$(port one)" udp'
ok "another port is not meant" eval '! owns_port $ONE $(($(port one) ^ 1))'
exec {CLIENT}<>"/dev/tcp/127.0.0.1/$(port one)"
LOCAL=$(ss -Htnp state established "dport = $(port one)" | sed -nE "s/.*127\.0\.0\.1:([0-9]+) +127.*pid=$$,.*/\1/p")
ok "a connection from a port does not own it (${LOCAL:-none})" eval '[ -n "$LOCAL" ] && ! owns_port $$ "$LOCAL"'
exec {CLIENT}>&-
stop_pid "$ONE"
ok "a process that has ended owns nothing" eval '! owns_port $ONE "$(port one)"'
is "a wait for it ends, too" "$(wait_for_owner 1 "$ONE" "$(port one)" && echo owner || echo nobody)" nobody

if unshare --user --map-root-user --net true 2>/dev/null; then
    # The same port in a namespace of its own: the one who waits looks there, not here.
    unshare --user --map-root-user --net bash -c 'ip link set lo up && exec "$0" --listen 127.0.0.1:7 --no-sandbox' "$BIN/tcp_echo_server" >"$TEST_TMP/three" 2>&1 </dev/null &
    THREE=$!
    defer stop_pid "$THREE"
    ok "the port of a process in another network is found there" wait_for_owner 10 "$THREE" 7
    ok "... and not taken for one of ours" eval '! owns_port $$ 7'
else
    skip "the port of a process in another network" "no user namespaces here"
fi

# ---- names are random, so that two runs never meet ----
script 'echo "$TEST_TMP" >&2'; FIRST=$ERR
script 'echo "$TEST_TMP" >&2'
unlike "two scripts have two directories" "$ERR" "^$FIRST\$"
