#!/usr/bin/env bash
# transcript.t - lab_transcript holds a text against what happens: what is late is waited for, what hangs is ended, and nothing survives.
# What may differ in a line: tests/unit/test_transcript_match.c.
. "$(dirname "$0")/../lib/tap.sh"

TEXT=$TEST_TMP/text.md
# block [NEEDS] <COMMANDS: the file is this one block.
block() { { echo "# A text"; echo "\`\`\`console${1:+ $1}"; cat; echo '```'; } >"$TEXT"; }
run() { exits "$1" "$2" "$BIN/lab_transcript" "${@:3}" "$TEXT"; }
# Who carries this word in its command line? (Not grep: it carries it too.)
carriers() { local file args; for file in /proc/[0-9]*/cmdline; do { mapfile -d '' -t args <"$file"; } 2>/dev/null && [[ "${args[*]:-}" = *"$1"* ]] && echo "$file"; done || true; }

block <<'END'
$ x=5; cd /
$ echo $x $PWD; false
5 /
$ echo $? $-
1 {ANY}m{ANY}
$ cat; echo read nothing
read nothing
$ printf 'no newline'
no newline
$ echo err >&2; echo out
err
out
$ tty
not a tty
$ nosuchcommand
bash: nosuchcommand: command not found
$ echo "open
bash: unexpected EOF while looking for matching `"'
$ sleep 60 & kill %1; wait %1; echo $?
143
$ sleep 60 & kill -9 %1; wait %1; echo $?
137
$ ls /proc/self/fd | xargs
0 1 2 3
END
run "one shell for all: variables, jobs and exit codes last; stdin is empty" 0
like "and all are counted" "$OUT" 'text\.md: 12 commands agree, 0 do not, 0 skipped'

block <<'END'
$ (read -rt 0.3 <> <(:); echo late) & echo early
early
late
$ (read -rt 0.3 <> <(:); printf half; read -rt 0.2 <> <(:); echo -line) &
half-line
$ (read -rt 0.3 <> <(:); echo first) &
...
$ (read -rt 0.2 <> <(:); echo second) & wait
second
END
run "output of the background that comes late is waited for" 0

block <<'END'
$ echo one; echo two; echo four
one
two
three
four
$ echo goes on
goes on
END
run "a difference is exit code 1" 1
like "it has the command with its line" "$OUT" 'text\.md:3 \$ echo one'
like "what is missing, with its line" "$OUT" '^ +6 - three$'
like "and the sum" "$OUT" '1 commands agree, 1 do not'
run "--tap: a line of TAP each" 1 --tap
is "with its plan" "$(grep -E '^(not )?ok|^1\.\.' <<<"$OUT" | cut -c1-8 | xargs)" "not ok 1 ok 2 - / 1..2"
run "--show: the file as it should be" 1 --show
is "with what came" "$(sed -n 3,8p <<<"$OUT" | xargs)" '$ echo one; echo two; echo four one two four $ echo goes on goes on'

block <<'END'
$ seq 3
...
$ echo; setsid bash -c 'exec -a LEFT-BEHIND-1 sleep 600' & 
$ (setsid bash -c 'exec -a LEFT-BEHIND-2 sleep 600' &) ; trap '' TERM
$ bash -c 'trap "" TERM HUP INT; exec -a LEFT-BEHIND-3 sleep 600'
$ echo not reached
END
sed -i "s/LEFT-BEHIND/left-$$/" "$TEXT"
start=$SECONDS
run "a command that hangs is ended" 1 --timeout 500ms
ok "in time" test $((SECONDS - start)) -le 10
like "and said" "$OUT" 'has not ended after 500ms'
unlike "what follows is not run" "$OUT" 'not reached'
is "nothing survives: no daemon, nobody who ignores signals" "$(carriers "left-$$")" ""

TMPDIR=$TEST_TMP "$BIN/lab_transcript" --timeout 60s "$TEXT" >"$TEST_TMP/out" 2>&1 &
PID=$!
defer stop_pid $PID
hanging() { [ "$(carriers "left-$$-3" | wc -l)" -gt 0 ]; }
ok "(it hangs)" wait_for 10 hanging
kill -TERM $PID
rc=0; wait $PID || rc=$?
is "a signal ends it" $rc 143
is "and everything that it has started" "$(carriers "left-$$")" ""
is "and its pipe in TMPDIR" "$(compgen -G "$TEST_TMP/echolab-text.*" || true)" ""

block <<'END'
$ exit 3
$ echo not reached
END
run "exit ends the shell, and that is a failure" 1
like "which is said" "$OUT" 'has ended the shell'
block <<'END'
$ yes
END
run "so is output without end" 1 --timeout 20s
like "which is said too" "$OUT" 'prints without end'

block 'world done' <<'END'
$ cat solution
42
END
run "a block that needs a network is skipped where there is none" 0 --tap --world 'no user namespaces'
like "with the reason" "$OUT" '^ok 1 - .* # SKIP no user namespaces$'
run "one that needs the solution is skipped without" 0 --tap
cd "$TEST_TMP"
run "or has it" 0 --done 'echo 42 >solution'
run "that must succeed" 1 --done false
block root <<'END'
$ id -u
0
END
run "a block for root is skipped for others" 0 --tap --root no
like "and says so" "$OUT" '# SKIP needs root'

{ cat "$TEXT"; echo 'prose'; echo '```console'; echo '$ false'; echo '```'; } >"$TEST_TMP/two.md"
mv "$TEST_TMP/two.md" "$TEXT"
run "--list runs nothing" 0 --list
is "and lists" "$OUT" "$(printf '3\troot \tid -u\n8\t\tfalse')"
run "--only runs the block of that line" 0 --only 8
like "alone" "$OUT" ' 1 commands agree'

printf '```console\n$ a\n' >"$TEXT"
run "a file that is broken is refused" 2
like "with its line" "$ERR" 'text\.md:1: this block does not end'
exits "a file that is not there" 2 "$BIN/lab_transcript" "$TEST_TMP/nothing.md"
full() { "$BIN/lab_transcript" "$TEST_TMP/x.md" >/dev/full; }
block <<'END'
$ true
END
cp "$TEXT" "$TEST_TMP/x.md"
exits "a full disk is no success" 2 full
