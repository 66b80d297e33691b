#!/usr/bin/env bash
# readme.t - what README.md shows is what happens: its console blocks are run, in order, in one shell, and compared.
#
# They run in a tree of links, so that a file which a command writes lands there, in a world of a name that `net` could have given.
. "$(dirname "$0")/../lib/tap.sh"

TREE=$TEST_TMP/tree
mkdir -p "$TREE/labs"
for file in "$ROOT"/* "$ROOT"/labs/*; do
    case ${file#"$ROOT"/} in
    labs | labs/work) ;; # a learner who has begun nothing
    *) ln -s "$file" "$TREE/${file#"$ROOT"/}" ;;
    esac
done
unset ECHOLAB_LAB_WORK
# The two topologies that the README types: the second with the mistake that it tells of.
printf '%s\n' 'host    a' 'host    b' 'link    a:eth0 b:eth0 mtu 1400 rate 1mbit' 'address a:eth0 10.0.0.1/24' 'address b:eth0 10.0.0.2/24' >"$TREE/two"
sed '5s/b:eth0/b:eth1/' "$TREE/two" >"$TREE/three"

WORLD=yes
said=$("$NET" doctor --quick 2>&1) || WORLD=${said%%$'\n'*}
printf -v ECHOLAB_WORLD 'w%04x' $((RANDOM % 65536))
export ECHOLAB_WORLD
# The texts take their worlds down; this is for when one does not come to that.
end_world() { "$NET" down >/dev/null 2>&1 || true; }
defer end_world

cd "$TREE"
rc=0
"$BIN/lab_transcript" --tap --world "$WORLD" README.md >"$TEST_TMP/tap" || rc=$?
while IFS= read -r line; do
    name=${line#*ok * - }
    case $line in
    'ok '*' # SKIP '*) skip "${name%% \# SKIP *}" "${line##* \# SKIP }" ;;
    'ok '*) pass "$name" ;;
    'not ok '*) fail "$name" ;;
    '#'*) echo "$line" ;;
    esac
done <"$TEST_TMP/tap"
[ $rc -le 1 ] || fail "the transcripts could be run" "exit $rc"
is "and no command was forgotten" "$(grep -c '^\(not \)\?ok' "$TEST_TMP/tap")" "$(sed -n 's/^1\.\.//p' "$TEST_TMP/tap")"
if [ "$WORLD" = yes ]; then ok "the picture that it draws is there" test -s "$TREE/echo.svg"; fi
is "no other README has transcripts that nobody runs" "$(grep -l '^```console' "$ROOT"/*/README.md || true)" ""
