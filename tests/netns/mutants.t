#!/usr/bin/env bash
# mutants.t - the tool behind `make mutants`: it changes what it says and nothing else, and knows the killed from the survivors.
#
# It is tried on a tree of one function and one test, which is built in a moment; the real ones take minutes (make mutants).
. "$(dirname "$0")/../lib/tap.sh"

have python3 || skip_all "no python3 here"
MUTANTS=$ROOT/tests/mutants/run
TREE=$TEST_TMP/tree

ok "each fix that can be taken out: the patch applies, and names a test that is there" python3 "$MUTANTS" --check

mkdir -p "$TREE"/{lib,tests/unit,tests/mutants}
cat >"$TREE/lib/tiny.c" <<'C'
/* a - b in a comment is nobody's; nor is #if 1 - 1 */
int tiny(int a, int b);
int tiny(int a, int b)
{
    const char *text = "a - b is text";
    int spare = text[0] != '\0';
    if (a < b)
        return a - b;
    spare = 7;
    return a + (spare == 7 ? 0 : 1);
}
C
# The test knows what happens at 5, 3 and at 1, 4, and nothing of `spare`.
cat >"$TREE/tests/unit/test_tiny.c" <<'C'
#include <stdio.h>
int tiny(int a, int b);
int main(void)
{
    int good = tiny(1, 4) == -3 && tiny(5, 3) == 5;
    puts(good ? "ok 1 - tiny" : "not ok 1 - tiny");
    return !good;
}
C
cat >"$TREE/Makefile" <<'MAKE'
SO := build/plain/libecholab.so.0
all unit-tests: build/plain/tests/test_tiny
build/plain/pic/lib/tiny.o: lib/tiny.c
	@mkdir -p $(@D) && $(CC) -fPIC -c -o $@ $<
$(SO): build/plain/pic/lib/tiny.o
	@$(CC) -shared -Wl,-soname,libecholab.so.0 -o $@ $<
build/plain/tests/unit/test_tiny.o: tests/unit/test_tiny.c
	@mkdir -p $(@D) && $(CC) -c -o $@ $<
build/plain/tests/test_tiny: build/plain/tests/unit/test_tiny.o $(SO)
	@$(CC) '$(LDFLAGS:%=-Wl,-rpath,$$ORIGIN/..)' -o $@ $^
MAKE
cp -a "$TREE" "$TEST_TMP/before"
hunt() { python3 "$MUTANTS" --root "$TREE" --out "$TEST_TMP/out" --quick "$@"; }

rc=0
hunt --seed 1 --count 1000 >"$TEST_TMP/first" 2>&1 || rc=$?
is "survivors above a tenth: exit 1" "$rc" 1
ok "a mistake that a test knows of is killed, by that test" grep -qE 'killed +lib/tiny.c:8 .*\[test_tiny, ' "$TEST_TMP/first"
ok "a mistake that none knows of survives" grep -qE 'SURVIVED +lib/tiny.c:6 ' "$TEST_TMP/first"
unlike "comments, strings and declarations are left alone" "$(cat "$TEST_TMP/first")" 'tiny.c:(1|2|3|5) '
like "the closing table adds up" "$(cat "$TEST_TMP/first")" '^\| [0-9]+ \| [0-9]+ \| 0 \| [0-9]+ \| [0-9.]+ % \|$'
ok "and is kept in report.md" grep -q 'Seed 1, ' "$TEST_TMP/out/report.md"
ok "the tree itself is as it was" diff -r "$TEST_TMP/before" "$TREE"
ok "the copy is as it was, too" cmp "$TREE/lib/tiny.c" "$TEST_TMP/out/worker-0/tree/lib/tiny.c"

# What a person has judged to mean the same counts no more; the same seed makes the same choice.
while IFS=$'\t' read -r number change; do
    printf 'lib/tiny.c\t%s\t%s\tnobody looks at it\n' \
        "$(sed -n "$((number - 1)),${number}p" "$TREE/lib/tiny.c" | sed 's/^ *//' | paste -sd '\t')" "$change"
done < <(sed -nE 's/^ *[0-9]+\/1000 SURVIVED +lib\/tiny.c:([0-9]+)  (.*)  \|  .*/\1\t\2/p' "$TEST_TMP/first") \
    >"$TREE/tests/mutants/survivors.tsv"
ok "with the survivors judged to be equivalent, every other is killed: exit 0" hunt --seed 1 --count 1000
like "they are shown as equivalent" "$(cat "$TEST_TMP/out/report.md")" '\| equivalent \| lib/tiny.c:6 '
