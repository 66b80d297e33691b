# shim.sh - for scripts that let calls fail by tests/faults/shim.c. Source it after tap.sh.
# shellcheck shell=bash disable=SC2034 # for the script that sources this
SHIM=$BIN/../shim.so # of another variant: build/VARIANT/bin
[ -e "$SHIM" ] || SHIM=$BIN/../plain/shim.so
[ -e "$SHIM" ] || skip_all "the fault shim is not built (make $SHIM)"
SHIM=$(realpath "$SHIM")
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 # the shim comes first

# shim PROGRAM COUNTS RULES: sets SHIMMED, what to put before a command. The rules are for the processes of that name; what they did is in
# $TEST_TMP/COUNTS.
shim() { SHIMMED=(env LD_PRELOAD="$SHIM" ECHOLAB_SHIM="program=$1 count=$TEST_TMP/$2 $3"); }

# tally COUNTS [CALL…]: sets CALLS and FAILURES, how often these (without a name: all) were made and failed, together.
tally() {
    read -r CALLS FAILURES < <(python3 -S "$ROOT/tests/faults/counts" "$TEST_TMP/$1" "${@:2}" | awk '{ n += $2; m += $3 } END { print n + 0, m + 0 }')
}

# What programs of ours move bytes and wait with.
MOVERS=(read readv recv recvfrom recvmsg recvmmsg write writev send sendto sendmsg sendmmsg poll select epoll_wait)
