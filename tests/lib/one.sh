#!/usr/bin/env bash
# one.sh - runs one test for prove and keeps what it said: TAP in $ECHOLAB_TAP_LOG/NAME.tap.
# A test has two minutes, and half of one to take its networks down; one that hangs is a failure, not a hang of the suite. ECHOLAB_WRAP is put before it (valgrind).
set -uo pipefail
name=$(basename "$1")
export CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent
export CK_DEFAULT_TIMEOUT=60 # seconds; Check's own 4 are too few for an instrumented test on a busy machine
read -ra wrap <<<"${ECHOLAB_WRAP:-}"
timeout --kill-after=30 "${ECHOLAB_TEST_TIMEOUT:-120}" "${wrap[@]}" "$@" 2>"$ECHOLAB_TAP_LOG/$name.err" | tee "$ECHOLAB_TAP_LOG/$name.tap"
status=${PIPESTATUS[0]}
[ "$status" -ne 124 ] || echo "not ok - $name took too long" | tee -a "$ECHOLAB_TAP_LOG/$name.tap"
[ "$status" -eq 0 ] || sed 's/^/# /' "$ECHOLAB_TAP_LOG/$name.err" | tail -20 >&2
exit "$status"
