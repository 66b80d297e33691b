#!/usr/bin/env bash
# soak.t - the soak, for some seconds: that it runs, that its books balance, and that it would say so if they did not.
# `make soak` is the long one. The seed is printed: ECHOLAB_SEED=N plays the same epochs again.
. "$(dirname "$0")/../lib/tap.sh"
export PYTHONDONTWRITEBYTECODE=1

SEED=${ECHOLAB_SEED:-$RANDOM} SECONDS_LONG=13
[ -x "$BIN/fault_queue" ] || skip_all "fault_queue is not built (libnetfilter-queue-dev and libmnl-dev are not there)"

RC=0
ECHOLAB_BIN='' "$ROOT/tests/soak/run" --bin "$BIN" --out "$TEST_TMP" --seed "$SEED" --duration "${SECONDS_LONG}s" \
    --variant "${ECHOLAB_VARIANT:-plain}" >"$TEST_TMP/page" 2>"$TEST_TMP/err" </dev/null &
SOAK=$!
defer stop_pid "$SOAK"
wait "$SOAK" || RC=$?
if grep -qE 'does this kernel have|NFQUEUE.*(not found|No such)' "$TEST_TMP/err"; then skip_all "this kernel has no packet queue"; fi
ok "the judge of the soak tells of each thing that is wrong, and of nothing else" python3 -S "$ROOT/tests/soak/doctored.py"
diag "seed $SEED" "$(grep -E '^[0-9]+ s, |^Epochs' "$TEST_TMP/page")"
if [ $RC -eq 0 ]; then pass "mixed clients, faults that change, one and two workers: nothing is unexplained, memory and descriptors stay"
else fail "mixed clients, faults that change, one and two workers: nothing is unexplained, memory and descriptors stay" "$(cat "$TEST_TMP/err" "$TEST_TMP/page")"; fi
is "... the summary is a file too" "$(cat "$TEST_TMP/summary.md")" "$(cat "$TEST_TMP/page")"
like "... with clients of both protocols in it" "$(<"$TEST_TMP/page")" '^\| (tcp|udp) .*\| [0-9,]+ \| [1-9][0-9,]* \|'
like "... and all four servers" "$(grep -c ' worker' "$TEST_TMP/page")" '^[4-9]'
is "... no world is left" "$("$NET" status | grep -c "^soak-$SOAK:" || true)" 0
