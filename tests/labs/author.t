#!/usr/bin/env bash
# author.t - `lab author-check` finds what does not hold: a tiny lab passes, then everything about it is broken at once, and each
# fault is named. Nothing is left, also when it is ended half-way.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
have patch || skip_all 'patch(1) is not there (make deps-test)'

TREE=$TEST_TMP/tree LAB=$TEST_TMP/tree/labs/90-a-word
mkdir -p "$LAB"/{start,solution,hints,wrong/{loud,silent,late}} "$TEST_TMP/tmp"
for file in "$ROOT"/*; do [ "${file##*/}" = labs ] || ln -s "$file" "$TREE/"; done
for file in "$ROOT"/labs/{lab,lib,errno.tsv}; do ln -s "$file" "$TREE/labs/"; done
printf '# order\n90\ta-word\tA word\t-\t5\tloopback\n' >"$TREE/labs/index.tsv"
export TMPDIR=$TEST_TMP/tmp
unset ECHOLAB_LAB_WORK ECHOLAB_WORLD

program() { printf '%s\n' '#include <stdio.h>' 'int main(void)' '{' "    $1" '    return 0;' '}'; }
program '/* TODO(90-1): say it. TODO(90-2): and TODO(90-3) */' >"$LAB/start/say.c"
# shellcheck disable=SC2016 # make's
printf '%s\n' 'LAB_LIB ?= ../../lib' 'all: say' 'include $(LAB_LIB)/lab.mk' >"$LAB/start/Makefile"
program 'puts("word");' >"$LAB/solution/say.c"
echo 'It could be printf(3).' >"$LAB/solution/NOTES.md"
for i in 1 2 3; do echo 'What does puts(3) add?' >"$LAB/hints/$i.md"; done
mistake() { # NAME WORD
    mkdir -p "$TEST_TMP/patch/a" "$TEST_TMP/patch/b"
    cp "$LAB/solution/say.c" "$TEST_TMP/patch/a/"
    program "puts(\"$2\");" >"$TEST_TMP/patch/b/say.c"
    (cd "$TEST_TMP/patch" && diff -u a/say.c b/say.c) >"$LAB/wrong/$1/mistake.patch" || true
    printf '%s\nsay.c, TODO(90-1)\n' "$1" >"$LAB/wrong/$1/feedback"
}
mistake loud WORD
mistake silent ''
mistake late 'at last'
cat >"$LAB/check" <<'END'
#!/usr/bin/env bash
cp -R "$LAB_WORK" answer && make -s -C answer say >&2 || exit 1
case $(answer/say) in
word) printf 'ok 1 - it says the word\n1..1\n'; exit 0 ;;
WORD) id=loud ;;
'') if grep -q TODO answer/say.c; then id=not-begun; else id=silent; fi ;;
*) id=late ;;
esac
printf 'not ok 1 - it says the word\n  ---\n  misconception: %s\n  look: say.c, TODO(90-1)\n  ...\n1..1\n' $id
exit 1
END
printf '#!/usr/bin/env bash\nprintf "count\\t1\\nwhere\\tb\\nwhich\\t-\\tno such call here\\n"\n' >"$LAB/observe"
chmod +x "$LAB/check" "$LAB/observe"
printf '%s\t%s\t%s\t%s\t%s\n' '# id' kind question answer if-wrong \
    count number 'How many words?' 1 '2 → counted twice; * → no' \
    where choice 'Where? a) stderr b) stdout' b 'a → puts(3) knows only one' \
    which word 'Which errno?' 'EBADF' '* → no' >"$LAB/predict.tsv"
readme() {
    printf '# 90 · A word\n\n'
    for ((i = 0; i < 60; i++)); do echo 'One word after another is what a page of prose is made of, and no more.'; done
    # shellcheck disable=SC2016 # Markdown's
    printf '%s\n' '' '```console' "$@" '```' '' '**Reconcile:** `count`, `where` and `which`. TODO(90-1) … TODO(90-3)'
}
readme '$ ls labs/work/90' 'Makefile' 'say.c' '$ tcp_echo_server --listen 127.0.0.1:7007 &' '...' \
    '$ tcp_echo --count 1 127.0.0.1 >/dev/null && echo echoed' 'echoed' '```' '```console done' '$ labs/work/90/say' 'word' >"$LAB/README.md"

author() { "$TREE/labs/lab" author-check 90 "$@"; }
exits 'a lab that holds passes' 0 author --tap
unlike 'with nothing skipped' "$OUT" '# SKIP'
like 'its fixed port meets nobody, and the solution is in place where the text says so' "$OUT" '^ok [0-9]+ - lab 90: README\.md:[0-9]+ \$ labs/work/90/say'
is 'the plan is kept' "$(grep -cE '^(not )?ok' <<<"$OUT")" "$(sed -n 's/^1\.\.//p' <<<"$OUT")"
exits 'for a person, too' 0 author
like 'with a sum' "$OUT" '^[0-9]+ claims: [0-9]+ hold, 0 do not, 0 skipped$'
is 'the tree is as it was: nothing was built in it' "$(cd "$TREE/labs" && find . -newer "$LAB/README.md" -type f)" ''

rm -r "$LAB/wrong/late" "$LAB/hints/2.md"
mkdir "$LAB/wrong/broken"
echo x >"$LAB/wrong/broken/feedback"
mistake loud WORD
echo 'no such line' >>"$LAB/wrong/loud/feedback"
echo other >"$LAB/wrong/silent/feedback"
sed -i 's/count\\t1/count\\t2/' "$LAB/observe"
sed -i 's/TODO(90-3)/TODO(90-4)/' "$LAB/start/say.c"
printf '\nint unused(int x) { int y; return 0; }\n' >>"$LAB/start/say.c"
{ program 'puts("word");'; for ((i = 0; i < 200; i++)); do echo; done; echo '/* TODO(90-1) */'; } >"$LAB/solution/say.c"
printf 'unrelated\n' >"$LAB/wrong/broken/mistake.patch"
sed -i 's/; \* → no//' "$LAB/predict.tsv"
{ readme '$ echo one' 'two'; printf '%0100d\n' 1; echo "as said in lib/socket.c [#no-such-""anchor]"; } >"$LAB/README.md"
exits 'one that does not fails' 1 author --tap
for fault in 'hints/2\.md is missing' '100 columns, of 80' 'at least two answers' 'start has TODO\(90-4\)' 'tell of TODO\(90-3\)' 'left over: solution/say\.c' \
    '207 lines, of 200' 'no-such-''anchor\] is nowhere' 'count: measured 2, predict\.tsv has 1' \
    "unused variable" 'not said: no such line' 'named: not-begun; wanted: other' 'Only garbage was found in the patch' '\+ one'; do
    like "it tells: $fault" "$OUT" "$fault"
done
is 'twelve claims fail, and no other' "$(grep -c '^not ok' <<<"$OUT")" 12

"$TREE/labs/lab" author-check 90 --tap >"$TEST_TMP/ended" 2>&1 &
PID=$!
defer stop_pid $PID
begun() { compgen -G "$TMPDIR/echolab-author.*/results/*" >/dev/null; }
wait_for 10 begun || true
kill -TERM $PID
rc=0; wait $PID || rc=$?
is 'ended half-way, it ends' $rc 143
is 'and leaves nothing' "$(ls -A "$TMPDIR")" ''
exits 'a lab that is not there is a mistake in the call' 2 "$TREE/labs/lab" author-check 91
