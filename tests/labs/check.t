#!/usr/bin/env bash
# check.t - labs/lib/check.sh against programs that err in the usual ways: each is named, its story is told, and nothing is left behind.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
have "${CC:-cc}" || skip_all 'there is no C compiler'

LAB=$TEST_TMP/labs/04-echo
mkdir -p "$LAB" "$TEST_TMP/work"
# One program for all: what it does wrong is compiled in. As a learner would write it, with nothing of ours but lab.h.
cat >"$TEST_TMP/work/echo.c" <<'C'
#include "lab.h"
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GOOD, EXITS, CRASHES, NO_LISTEN, SWAPPED, ELSEWHERE, SILENT, STRLEN, ABORTS, NOISY, CHILD, PAST, FREED, SHIFTED };

static void echo(int fd)
{
    char buffer[4096];
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        if (BAD == ABORTS)
            abort();
        if (BAD == PAST)
            buffer[n] = 0;
        if (BAD == FREED) {
            char *copy = malloc((size_t)n + 64);
            free(copy);
            fprintf(stderr, "%d\n", copy[32]);
        }
        if (BAD == SHIFTED)
            fprintf(stderr, "%d\n", 1 << (n + 31));
        if (BAD == STRLEN)
            n = (ssize_t)strnlen(buffer, (size_t)n);
        if (BAD != SILENT && write(fd, buffer, (size_t)n) < 0)
            perror("write");
    }
}

int main(int argc, char **argv)
{
    in_port_t port = lab_port(argc > 1 ? argv[1] : "");
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (BAD == EXITS)
        lab_die("TODO(04-1)");
    if (BAD == CRASHES)
        raise(SIGSEGV);
    if (BAD == SWAPPED)
        local.sin_port = port;
    if (BAD == ELSEWHERE)
        local.sin_port = 0;
    if (BAD == NOISY)
        for (int i = 0; i < 200000; i++)
            puts("I am a chatty program, and nobody reads me");
    if ((BAD == NOISY || BAD == CHILD) && fork() == 0 && BAD == NOISY)
        for (;;)
            pause();
    if (BAD == CHILD && getppid() != 1 && getpgrp() == getpid())
        for (;;)
            pause(); /* the parent: only its child listens */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof local) < 0)
        lab_die("bind");
    while (BAD == NO_LISTEN)
        pause();
    if (listen(fd, 5) < 0)
        lab_die("listen");
    for (int c; (c = accept(fd, NULL, NULL)) >= 0; close(c))
        echo(c);
    lab_die("accept");
}
C
cat >"$TEST_TMP/work/Makefile" <<'MAKE'
LAB_LIB ?= ../../lib
all: echo
include $(LAB_LIB)/lab.mk
CPPFLAGS += -DBAD=$(BAD)
MAKE
cat >"$LAB/check" <<'SH'
#!/usr/bin/env bash
. "$LAB_LIB/check.sh"
build echo
serve ./echo @PORT
talk 'bytes come back' <<'END' || case $PEER_RESULT in
a connect @PORT
a send random 100
a expect echo
a shutdown
a expect eof
END
silence) blame no-echo 'nothing is written back' 'echo.c, TODO(04-3)' ;;
esac
ask <<'END' || true
a connect @PORT
a push random 9000000
a reset
END
still_alive 'after a reset'
SH

# check [NAME=VALUE...]: runs it as labs/lab would. Exit code in RC, TAP in SAID.
check() {
    RC=0 SAID=$(cd "$TEST_TMP" && timeout 20 env LAB_ID=04 LAB_DIR="$LAB" LAB_WORK="$TEST_TMP/work" LAB_LIB="$ROOT/labs/lib" LAB_BIN="$BIN" \
        LAB_NET="$NET" LAB_WORLD=yes CC="${CC:-cc}" TMPDIR="$TEST_TMP" "$@" bash "$LAB/check" 2>"$TEST_TMP/err") || RC=$?
}
# fails NAME MISCONCEPTION REGEX [VARIABLE...]: the check fails so, and its story has that.
fails() {
    check "${@:4}"
    if [ $RC -eq 1 ] && [ "$(sed -n 's/^  misconception: //p' <<<"$SAID")" = "$2" ] && [[ $SAID =~ $3 ]]; then pass "$1"
    else fail "$1" "exit $RC, wanted $2 and: $3"$'\n'"$SAID"$'\n'"$(<"$TEST_TMP/err")"; fi
}
# A folder of a check, or a process that was started in one.
left_behind() { { compgen -G "$TEST_TMP/lab-check.*" || find /proc/[0-9]*/cwd -lname "$TEST_TMP/lab-check.*" 2>/dev/null; } | grep -q .; }

# ---- the foundation -----------------------------------------------------------------------------

fails 'what kills a client that resets is found: SIGPIPE' sigpipe 'killed by SIGPIPE' BAD=GOOD
like 'after what was good' "$(grep -c '^ok' <<<"$SAID") $(tail -n 1 <<<"$SAID")" '^3 1\.\.4$'
unlike 'nothing is left behind' "$(left_behind && echo yes)" yes
fails 'the first compiler error is the observation' does-not-compile 'observed: \|?.*echo\.c:[0-9]+:.*error:' 'BAD=+'
fails 'a program that ends at once, with its last words' exits-at-once 'exited with status 1.*output: .*TODO\(04-1\): ' BAD=EXITS
like 'marks that are left are told' "$SAID" 'todo: echo.c:[0-9]+ TODO\(04-1\)$'
fails 'a program that dies at once' does-not-start 'killed by SIGSEGV' BAD=CRASHES
fails 'bind without listen' listens-nowhere 'must be told to listen' BAD=NO_LISTEN
fails 'a port with its bytes swapped' wrong-byte-order 'htons' BAD=SWAPPED
fails 'another port than the one given' listens-elsewhere 'observed: port [0-9]+ instead' BAD=ELSEWHERE
fails 'a port of another process does not count' listens-nowhere '' BAD=CHILD
fails 'silence is told with where the program sleeps' no-echo 'waits in read' BAD=SILENT
fails 'what the check has no name for is told with all that is known' unexplained 'sent 100 random bytes' BAD=STRLEN
fails 'a crash while it was talked to has a name of its own' crashed 'killed by SIGABRT' BAD=ABORTS
sed -i 's/"TODO(04-1)"/"not written"/' "$TEST_TMP/work/echo.c"
sed -i 's/write(fd, buffer, (size_t)n)/send(fd, buffer, (size_t)n, MSG_NOSIGNAL)/' "$TEST_TMP/work/echo.c"
check BAD=NOISY
is 'megabytes of output and a child do no harm' "$RC $(grep -c '^ok' <<<"$SAID")" '0 4'
unlike 'and are gone' "$(left_behind && echo yes)" yes

# ---- the last step: with sanitizers --------------------------------------------------------------

cat >"$LAB/check" <<'SH'
#!/usr/bin/env bash
. "$LAB_LIB/check.sh"
build echo
serve ./echo @PORT
sanitized tcp echo <<'END'
a connect @PORT
a send random 4097
a expect echo
a close
b connect @PORT
b exchange random 100000
b close
END
SH
# A compiler without the runtime: it says what gcc's linker would.
cat >"$TEST_TMP/cc" <<SH
#!/usr/bin/env bash
case "\$*" in *-fsanitize*) echo '/usr/bin/ld: cannot find libasan.so: No such file or directory' >&2; exit 1 ;; esac
exec ${CC:-cc} "\$@"
SH
chmod +x "$TEST_TMP/cc"
echo 'int main(void) { return 0; }' >"$TEST_TMP/probe.c"
if "${CC:-cc}" -fsanitize=address,undefined -o "$TEST_TMP/probe" "$TEST_TMP/probe.c" 2>/dev/null; then
    check BAD=GOOD
    is 'what touches nothing else passes, built with sanitizers' "$RC $(grep -c '^ok' <<<"$SAID") $(grep -c SKIP <<<"$SAID")" '0 3 0'
    fails 'a byte past a buffer, with its line' out-of-bounds 'look: .*echo\.c:[0-9]+' BAD=PAST
    fails 'memory that was given back, with its line' use-after-free 'heap-use-after-free.*echo\.c:[0-9]+' BAD=FREED
    fails 'what C does not define, with its line' undefined 'runtime error: shift.*echo\.c:[0-9]+' BAD=SHIFTED
else skip 'the step with sanitizers' "${CC:-cc} has no sanitizer runtime"; fi
check BAD=PAST CC="$TEST_TMP/cc"
like 'without the runtime it is skipped, with the command that installs it' "$RC $SAID" '^ok 3 - .* # SKIP .* has no sanitizer runtime here: sudo (apt|dnf) install '
is 'and fails nothing' "$RC" 0
unlike 'and nothing is left of it' "$(left_behind && echo yes)" yes

# ---- an interrupted check -----------------------------------------------------------------------

cat >"$LAB/check" <<'SH'
#!/usr/bin/env bash
. "$LAB_LIB/check.sh"
build echo
serve ./echo @PORT
echo "$PID" >"$TMPDIR/pid"
ask <<'END'
a connect @PORT
a expect silence 20000
END
SH
env BAD=GOOD LAB_ID=04 LAB_DIR="$LAB" LAB_WORK="$TEST_TMP/work" LAB_LIB="$ROOT/labs/lib" LAB_BIN="$BIN" TMPDIR="$TEST_TMP" bash "$LAB/check" >/dev/null 2>&1 &
CHECK=$!
ok 'a check runs' wait_for 10 test -s "$TEST_TMP/pid"
kill -TERM "$CHECK"
ok 'and ends at once when it is told to' wait_for 3 gone "$CHECK"
ok 'with its server' wait_for 3 gone "$(<"$TEST_TMP/pid")"
unlike 'and its folder' "$(left_behind && echo yes)" yes

# ---- looked at, and over a wire -----------------------------------------------------------------

cat >"$LAB/check" <<'SH'
. "$LAB_LIB/check.sh"
build echo
if serve --traced ./echo @PORT; then
    ask <<'END' || true
a connect @PORT
a send text "seen"
a expect echo
END
    wait_for 3s grep -q 'write.*"seen"\|send.*"seen"' "$TRACE" && good 'the calls of a server are seen'
else skip 'the calls of a server are seen' "$WHY"; fi
rc=0; traced head -c 1 /dev/null || rc=$?
if [ $rc -eq 4 ]; then skip 'those of a program too' "$WHY"
else grep -q 'read(.*) *= 0' "$TRACE" && good 'those of a program too'; fi
needs_world 'over a wire' || exit 0
world pair
serve --on server ./echo @PORT
talk --on client 'over a wire' <<'END' || blame wrong-wire 'it is heard here and not there' 'topology'
a connect 127.0.0.1:@PORT expect refused
a connect 10.77.0.2:@PORT
a send random 1000
a expect echo
END
[ "$(on client sh -c 'echo "$ECHOLAB_HOST"')" = client ] && good 'a command on a host'
SH
sed -i 's/INADDR_LOOPBACK/INADDR_ANY/' "$TEST_TMP/work/echo.c"
world=yes
"$NET" doctor --quick >/dev/null 2>&1 || world='no lab network can be made here'
check BAD=GOOD "LAB_WORLD=$world"
is 'system calls and a lab network, or why not' "$RC $(grep -cE '^ok' <<<"$SAID") of $(tail -n 1 <<<"$SAID")" \
    "$([ "$world" = yes ] && echo 0 7 of 1..7 || echo 0 5 of 1..5)"
unlike 'nothing of that is left' "$(left_behind && echo yes)" yes
# ---- clients ------------------------------------------------------------------------------------

cat >"$TEST_TMP/work/ask" <<'SH'
#!/usr/bin/env bash
# ask PORT: says hello, prints what comes back; with BAD=SLOW never ends
exec 3<>"/dev/tcp/127.0.0.1/$1"
echo hello >&3
[ "$BAD" != SLOW ] || exec tail -f /dev/null
[ "$BAD" != KILLED ] || kill -SEGV $$
head -n 1 <&3
exit 3
SH
chmod +x "$TEST_TMP/work/ask"
cat >"$LAB/check" <<'SH'
#!/usr/bin/env bash
. "$LAB_LIB/check.sh"
cp "$LAB_WORK/ask" .
peer server <<'END'
l listen 127.0.0.1:0
a accept l
a receive line
a send text "and hello to you\n"
a expect eof
END
WHAT='the client ends'
LIMIT=0.3 run_answer ./ask "$PORT" || true
good "$WHAT: $STATUS, $OUT"
heard server 'it was heard to the end'
[ "$(answer COUNT)" = 5 ] || { WHAT='the count'; expected=5 observed=$(answer COUNT) blame miscounted 'look again' 'answers'; }
good 'counted'
skip 'the rest' 'it is not here'
SH
printf 'OTHER=4\nCOUNT = 5 # five\n' >"$TEST_TMP/work/answers"
check
is "a client's status and output are known, and what its peer heard" "$RC,$(grep -c '^ok' <<<"$SAID"),$(sed -n 's/^ok 1 - //p' <<<"$SAID")" \
    '0,4,the client ends: 3, and hello to you'
like 'a part that is skipped is told' "$SAID" '^ok 4 - the rest # SKIP it is not here$'
fails 'a client that does not end' too-slow 'still running after 0.3 s' BAD=SLOW
fails 'a client that crashes' crashed 'SIGSEGV' BAD=KILLED
echo 'COUNT=6' >"$TEST_TMP/work/answers"
fails 'an answer in writing is read, and blamed' miscounted 'expected: 5' BAD=
cat >"$LAB/check" <<'SH'
. "$LAB_LIB/check.sh"
needs_world 'all' || exit 0
SH
check LAB_WORLD='no namespaces here'
is 'where nothing can be checked the exit code is 4, with the reason' "$RC $SAID" $'4 ok 1 - all # SKIP no namespaces here\n1..1'
cat >"$LAB/check" <<'SH'
. "$LAB_LIB/check.sh"
no_such_command
SH
check
like 'a check that is itself at fault says so' "$RC $SAID" '^1 not ok 1 - the check itself ended with status 127'
