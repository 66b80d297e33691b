# sanitize.sh - the last step of a check: what ran well is built once more under AddressSanitizer and UndefinedBehaviorSanitizer, and
# one conversation goes to the edges of its buffers. Sourced by check.sh. gcc(1), -fsanitize
#
#   sanitized tcp|udp NAME <<'END'   builds NAME so, starts ./NAME PORT, plays the script (as talk). A report is blamed: out-of-bounds,
#                                    use-after-free, undefined. Without a report it is ok: whether the answers are right, others ask
# Where that cannot be built or started, the step is skipped, and never fails. Leaks are not looked for: the program is ended by
# SIGKILL, after which nobody could, and where memory must be given back (lab 06) the check measures it.
# shellcheck shell=bash disable=SC2034,SC2153 # WHAT, PID, expected, ENDING ... are check.sh's

SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'

# make says with which compiler: it is asked in the same way as by `build`. What was built without is replaced.
sanitized_build() {
    GCC_COLORS='' CFLAGS="${CFLAGS:--O1 -g} $SANITIZE" setpriv --pdeathsig TERM timeout -k 1 60 \
        make -B LAB_LIB="${LAB_LIB// /\\ }" "$1" >"$CHECK_TMP/.make.sanitized" 2>&1 </dev/null &
    wait $!
}
# Why it could not be built so: most often the compiler came without the library; then how it is installed.
sanitizer_help() {
    local log=$CHECK_TMP/.make.sanitized cc=${CC:-cc} version package
    if ! grep -qE 'asan|ubsan|clang_rt|sanitize' "$log"; then tail -n 1 "$log"; return; fi
    version=$("$cc" -dumpversion 2>/dev/null || true)
    if "$cc" --version 2>/dev/null | grep -q clang; then package=libclang-rt-${version%%.*}-dev:compiler-rt
    else package="libgcc-${version%%.*}-dev:libasan libubsan"; fi
    if command -v dnf >/dev/null; then package="dnf install ${package#*:}"; else package="apt install ${package%%:*}"; fi
    echo "$cc has no sanitizer runtime here: sudo $package"
}
report_line() { grep -m1 -E 'ERROR: AddressSanitizer|: runtime error: ' "$CHECK_TMP/.err" | sed -E 's/^=*[0-9]+=*//; s/ at pc 0x.*//'; }

# The first line of the report that lies in a file of the learner, and the function: in PLACE.
report_place() {
    local line file
    PLACE=''
    while IFS= read -r line; do
        [[ $line =~ ^([^ ]*/)?([^/ :]+\.[ch]):([0-9]+):[0-9]+:\ runtime || $line =~ \ in\ [^\ ]+\ (.*/)?([^/ :]+\.[ch]):([0-9]+) ]] || continue
        file=${BASH_REMATCH[2]} line="${BASH_REMATCH[2]}:${BASH_REMATCH[3]}"
        if [ -e "$LAB_WORK/$file" ]; then PLACE=$line; return; fi
    done <"$CHECK_TMP/.err"
}
blame_report() {
    local access
    observed=$(report_line) expected='no report of a sanitizer'
    access=$(grep -m1 -oE '^(READ|WRITE) of size [0-9]+' "$CHECK_TMP/.err" || true)
    [ -z "$access" ] || observed+="; $access"
    report_place
    STEPS+=("built anew with CFLAGS='$SANITIZE'")
    PENDING=
    : >"$CHECK_TMP/.err" # its pages of addresses are no help here
    case $observed in
    *overflow* | *underflow* | *'out of bounds'* | *negative-size*)
        blame out-of-bounds 'it reads or writes past the end of a buffer, or before its begin: what lies there is another variable, today or after the next change' "${PLACE:-gdb}: which index, or length, may be as large as the buffer?" ;;
    *use-after* | *double-free* | *'not malloc()-ed'*)
        blame use-after-free 'it touches memory that is its own no more: it was given back, or its function has returned' "${PLACE:-gdb}: what was freed before this line? Nothing of it may be used after free(3)" ;;
    esac
    blame undefined 'C does not say what this does: it went well today, and need not with another compiler' "${PLACE:-gdb}: the sanitizer says what is not allowed there"
}

sanitized() {
    local protocol=$1 name=$2
    unblamed
    stop
    WHAT='nothing is touched that is not its own (built with sanitizers)'
    cat >"$CHECK_TMP/.edges"
    if ! sanitized_build "$name"; then skip "$WHAT" "$(sanitizer_help)"; return; fi
    if ! grep -qa __asan_init "./$name"; then skip "$WHAT" 'the Makefile does not take CFLAGS from outside'; return; fi
    PORT=$(free_port "$protocol")
    launch env ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 "./$name" "$PORT"
    PID=$JOB ENDING='it does not listen'
    if lab_peer --deadline 8s --owner "$PID" "$protocol" "$PORT" >/dev/null; then
        ENDING=''
        TALK_DEADLINE=5s ask <"$CHECK_TMP/.edges" || wait_for 3s gone "$PID" || true
        settled || true
    fi
    if has_ended && [ -n "$(report_line)" ]; then blame_report; fi
    stop
    if [ -n "$ENDING" ]; then skip "$WHAT" "built so, it does not run here: $ENDING"; return; fi
    good "$WHAT"
}
