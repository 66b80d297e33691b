#!/usr/bin/env bash
# install.t - what `make install` puts where, a student's program built against it, and `make uninstall`.
. "$(dirname "$0")/../lib/tap.sh"
plan 16

stage=$TEST_TMP/stage
# The objects are there already: VARIANT is the caller's, so that install does not build a second time.
in_tree() { make -C "$ROOT" --no-print-directory -s BUILD="${BIN%/*}" DESTDIR="$stage" PREFIX=/opt/lab "$@"; }
[ -z "${ECHOLAB_VARIANT:-}" ] || [ "$ECHOLAB_VARIANT" = plain ] || skip_all "the library is installed from plain objects only"

ok 'make install' in_tree install
there=0
for file in bin/tcp_echo bin/echolab-net bin/echolab-lab lib/libecholab.a include/echolab/dialer.h share/man/man1/udp_echo.1 share/man/man1/echolab-lab.1; do
    if [ -e "$stage/opt/lab/$file" ]; then there=$((there + 1)); else diag "not installed: $file"; fi
done
is 'programs, library, headers and pages are there' "$there" 7
like 'echolab-net runs from there' "$("$stage/opt/lab/bin/echolab-net" help 2>&1 || true)" 'up .*\[TOPOLOGY\]'

# The installed net, in a shell that knows neither the tree nor the prefix.
installed() { env -u ECHOLAB_BIN ECHOLAB_WORLD=i$$ "$stage/opt/lab/bin/echolab-net" "$@"; }
defer "$NET" --world i$$ down # by then the installed one is gone
ok 'it makes a world' installed up
is 'whose hosts find the installed programs' "$(installed run client -- sh -c 'command -v tcp_echo_server' 2>&1)" "$(cd "$stage/opt/lab/bin" && pwd -P)/tcp_echo_server"

# pkg-config knows nothing of DESTDIR: the prefix is moved by hand.
export PKG_CONFIG_PATH=$stage/opt/lab/lib/pkgconfig
flags() { pkg-config --define-variable=prefix="$stage/opt/lab" "$@" echolab libevent_core; }
like 'pkg-config knows echolab' "$(flags --libs)" '-lecholab'
compile() { # shellcheck disable=SC2046 # the flags are words
    cc -std=gnu11 -Wall -Wextra -Werror -I"$stage/opt/lab/include" $(flags --cflags) "$ROOT/tests/install/student.c" -o "$TEST_TMP/$1" "${@:2}" $(flags --libs) -pthread
}
ok 'the program builds against the shared library' compile student
ok 'the program builds against the static library' compile student-static -Wl,-Bstatic -L"$stage/opt/lab/lib" -lecholab -Wl,-Bdynamic

start_server server "$stage/opt/lab/bin/tcp_echo_server" --listen 127.0.0.1:0
export LD_LIBRARY_PATH=$stage/opt/lab/lib
exits 'the program echoes a line' 0 "$TEST_TMP/student" localhost "${LISTEN##*:}" 'a line of mine'
like 'and says so' "$OUT" '^echoed: a line of mine$'

# The labs: read from there, done at home. The first of them is begun and checked, and told how to go on.
lab() { env -u ECHOLAB_BIN -u ECHOLAB_LAB_WORK HOME="$TEST_TMP/home" "$stage/opt/lab/bin/echolab-lab" "$@"; }
first=$(sed -n '/^[0-9]/{s/\t.*//p;q}' "$ROOT/labs/index.tsv")
is 'no work of a learner is installed' "$(find "$stage/opt/lab/libexec/echolab/labs" -name work)" ''
exits 'echolab-lab starts a lab' 0 lab start "$first"
like 'whose files are at home' "$OUT" "^Your files: .*home/echolab-labs/$first\$"
exits 'its starter is checked, and does not pass' 1 lab check --no-predict --json
is 'with a story' "$(jq -r '.labs[0] | .trouble, (.misconception | length > 0)' <<<"$OUT" | paste -sd ' ')" 'null true'

in_tree uninstall
is 'make uninstall leaves no file' "$(find "$stage" -type f -o -type l)" ''
