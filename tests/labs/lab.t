#!/usr/bin/env bash
# lab.t - the runner of the labs, each verb of it, in a tree of three tiny labs that is made here.
#
# What matters most: nothing of a learner's is ever lost, whatever comes in between; nothing of a program that is
# checked reaches the terminal raw; and on a machine that cannot do something, the reason is said.
# The learner's programs are replaced by a file answer.txt, whose word tells the check what to do.
. "$(dirname "$0")/../lib/tap.sh"
chmod 755 "$TEST_TMP" # an ordinary user looks in, too
unset ECHOLAB_WORLD ECHOLAB_LAB_WORK NO_COLOR
export TERM=xterm

# ---- a tree of three labs -----------------------------------------------------------------------

TREE="$TEST_TMP/a tree" # with a blank, as in "My Documents"
mkdir -p "$TREE/labs"
cp -R "$ROOT/labs/lab" "$ROOT/labs/lib" "$ROOT/labs/errno.tsv" "$TREE/labs/"
cp -R "$ROOT/netns" "$TREE/netns"
printf '%s\t%s\t%s\t%s\t%s\t%s\n' '# id' slug title after minutes needs 01 one 'The first' - 5 loopback \
    02 two 'The second' 01 10 world 03 three 'The third' 01,02 15 loopback 04 unwritten 'Not written' 03 5 loopback >"$TREE/labs/index.tsv"
make_lab() { # ID-SLUG
    local dir=$TREE/labs/$1 hint
    mkdir -p "$dir"/{start,hints,solution}
    echo "# $1" >"$dir/README.md"
    for hint in 1 2 3; do echo "Hint number $hint." >"$dir/hints/$hint.md"; done
    echo "A note on $1." >"$dir/solution/NOTES.md"
    printf '%s\t%s\t%s\t%s\t%s\n' '# id' kind question answer if-wrong \
        packets number 'How many packets?' 2 '3 → you counted one twice; * → look again' \
        errno word 'Which errno?' EPIPE 'ECONNRESET → that is the other one; * → look again' >"$dir/predict.tsv"
    # shellcheck disable=SC2016 # for make
    printf 'LAB_LIB ?= ../../lib\n.DEFAULT_GOAL := all\ninclude $(LAB_LIB)/lab.mk\nall:\n\t@echo made with $(LAB_LIB)\n' >"$dir/start/Makefile"
    echo no >"$dir/start/answer.txt"
    cat >"$dir/observe" <<'SCRIPT'
#!/usr/bin/env bash
printf 'packets\t2\nerrno\t-\tthis kernel is shy\n'
[ ! -e "$LAB_WORK/lacks" ] || a_program_that_nobody_has
[ ! -e "$LAB_WORK/refuse" ]
SCRIPT
    cat >"$dir/check" <<'SCRIPT'
#!/usr/bin/env bash
word=$(tr -d '\0' <"$LAB_WORK/answer.txt")
case $word in
yes) echo "ok 1 - the answer is yes"; echo 1..1 ;;
part) printf 'ok 1 - the answer is yes\nok 2 - on hosts # SKIP %s\n1..2\n' "$LAB_WORLD" ;;
skip) echo "1..0 # SKIP no lab network: $LAB_WORLD"; exit 4 ;;
broken) echo "ok 1 - begun"; echo "bash: oops" >&2; exit 3 ;;
world) "$LAB_NET" --world "check$LAB_RUN-1" up "$LAB_DIR/topology" >/dev/null; kill -KILL $$ ;;
fork) sleep 1000 & echo $! >"$LAB_WORK/pid"; echo "ok 1 - forked"; echo 1..1 ;;
hang) echo "ok 1 - begun"; echo $$ >"$LAB_WORK/pid"; exec sleep 1000 ;;
env) printf 'ok 1 - %s\n' "id=$LAB_ID" "dir=$LAB_DIR" "work=$LAB_WORK" "lib=$LAB_LIB" "bin=$LAB_BIN" "net=$LAB_NET" "color=$NO_COLOR" "cwd=$(ls -A)"; echo 1..8 ;;
*)
    echo "not ok 1 - the answer is yes"
    printf '  ---\n  misconception: said-no\n  did: |\n    read the answer, which took a while since it is a story that goes on and on and on\n    and then: %s\n' "$word"
    printf '  expected: yes\n  observed: \033[2J%s\033]0;title\007\n  cause: a question that was taken for another\n  look: answer.txt, TODO(01-1)\n  ...\n1..1\n' "$word"
    exit 1
    ;;
esac
SCRIPT
    chmod +x "$dir/observe" "$dir/check"
}
make_lab 01-one
make_lab 02-two
make_lab 03-three
cp "$ROOT/netns/topologies/pair" "$TREE/labs/02-two/topology"
cd "$TREE"

WORK=labs/work
lab() { labs/lab "$@"; }
# events ID: what the record of a lab holds, without the times.
events() { cut -f 2- "$WORK/records/$1/history.tsv" | tr '\t\n' ' ,'; }
answer() { echo "$2" >"$WORK/$1/answer.txt"; }
# too_wide TEXT: its lines of more than 80 columns.
too_wide() { LC_ALL=C.UTF-8 awk 'length($0) > 80' <<<"$1"; }
# controls TEXT: what in it could steer a terminal.
controls() { LC_ALL=C tr -d '\n -~' <<<"$1"; }
ALL_SAID='' # by every command of this test, to be looked at once
# said NAME CODE CMD…: as exits; both outputs in SAID.
said() { exits "$@"; SAID=$OUT$'\n'$ERR; ALL_SAID+=$SAID$'\n'; }

# ---- the way of a learner -----------------------------------------------------------------------

said 'before anything is built, that is told' 1 env ECHOLAB_BIN="$TREE/build/bin" labs/lab
like '... with the next action' "$ERR" '^Next: make$'
said '... from another folder, too' 1 env -C / ECHOLAB_BIN="$TREE/build/bin" "$TREE/labs/lab"
like '... with the next action there' "$ERR" '^Next: make -C .*/a\\ tree$'
exits '... and doctor can tell what is missing' 1 env ECHOLAB_BIN=/nowhere labs/lab doctor
like '... the programs' "$OUT" '^FIX +programs +not built: lab_peer'
said 'lab says where one is, before anything is begun' 0 lab
like '... and what is next' "$SAID" '^Next: labs/lab start 01$'
is '... and has made nothing' "$(find labs -name 'work*')" ''
said 'list has all labs' 0 env CDPATH=/tmp:. labs/lab list
is '... in their order' "$(grep -oE '^. 0[1-4]' <<<"$OUT" | tr -d '\n')" '  01  02  03  04'
said 'check without a lab is refused' 1 lab check
like '... with the next action' "$ERR" '^Next: labs/lab start 01$'
said 'an unknown verb is wrong usage' 2 lab chekc
like '... and the nearest is named' "$ERR" 'did you mean "check"\?'
said 'a number alone is no verb' 2 lab 4
like '... and what it may have meant is told' "$ERR" 'labs/lab start 4'
while read -r words; do
    # shellcheck disable=SC2086 # words
    said "lab $words is wrong usage" 2 lab $words
    like '... by its word' "$ERR" "^lab: ${words%% *}: ${words#* }: "
done <<'WRONG'
where x
list x
next x
doctor x
report x
up x
down x
start --foo
diff --foo
reset --foo
hint --foo
solution --foo
run --foo
WRONG
said 'what a host shall run is asked for' 2 lab run client --
said '... and enter takes a host only' 2 lab enter client x
said '--watch is for a person' 2 lab check --watch --json
said '... and for one lab' 2 lab check --watch all
said 'an empty word is no lab' 2 lab start ''
said '... and no verb' 2 lab ''
exits '--plain may stand anywhere' 0 lab list --plain
said 'an unknown lab is wrong usage' 2 lab start thre
like '... and the nearest is named, too' "$ERR" 'did you mean three\?'
said 'a lab that is not written yet is told' 2 lab start 4
said 'check 1 before start 1 is refused' 1 lab check 1

said 'start' 0 lab start 1
like '... says where the files are' "$OUT" '^Your files: labs/work/01$'
ok '... they are those of the lab' diff -r labs/01-one/start $WORK/01
is '... is recorded, and current' "$(events 01)$(<$WORK/current)" 'started ,01'
echo mine >>$WORK/01/answer.txt
said 'start again keeps the work' 0 lab start one
is '... as it was' "$(<$WORK/01/answer.txt)" $'no\nmine'

for verb in check hint up 'run client -- true' 'enter client'; do
    # shellcheck disable=SC2086 # words
    said "$verb before the predictions is refused" 1 lab $verb
    like '... with the next action' "$ERR" '^Next: labs/lab predict'
done
said 'a prediction' 1 lab predict packets=3
said '... that was given is locked' 2 lab predict packets=2
printf 'errno\t\t2026\nerrno\tEP' >>$WORK/records/01/predictions.tsv
exits 'what a full disk has cut short is no prediction' 1 lab check
typed() { lab predict <<<"$1"; }
exits '... and is asked again' 0 typed EPIPE
is '... and locked' "$(tail -n 1 $WORK/records/01/predictions.tsv | cut -f 1,2)" $'errno\tEPIPE'
sed -i '2,$d' $WORK/records/01/predictions.tsv; sed -i '$d' $WORK/records/01/history.tsv
said 'the last prediction' 0 lab predict errno=EPIPE
like '... after which one reads' "$OUT" '^Next: read labs/01-one/README.md$'
is '... is kept' "$(cut -f 1,2 $WORK/records/01/predictions.tsv)" $'packets\t3\nerrno\tEPIPE'
said '... and no answer is taken any more' 1 lab predict packets=2
is '... nor written' "$(cut -f 1,2 $WORK/records/01/predictions.tsv)" $'packets\t3\nerrno\tEPIPE'
touch $WORK/01/refuse
said 'a measurement that fails is told' 1 lab predict
ok '... and nothing is kept of it' test ! -e $WORK/records/01/observed.tsv
rm $WORK/01/refuse
sed -i '2i set -e' labs/01-one/observe; touch $WORK/01/lacks
exits '... for want of a program, with 4' 4 lab predict
like '... and what to do' "$ERR" '^Next: labs/lab doctor$'
rm $WORK/01/lacks
like '... and that the answers are kept' "$ERR" 'answers are *kept'
printf '\nmake -s nothing\n' >>labs/01-one/observe
mkdir "$TEST_TMP/tools"
for tool in bash awk cat dirname grep mkdir mktemp readlink rm sed tail tr; do ln -s "$(type -P $tool)" "$TEST_TMP/tools/"; done
exits 'what it needs to build and is not here' 4 env PATH="$TEST_TMP/tools" labs/lab predict
like '... is named' "$ERR" '^lab: predict: not found: make, cc\.'
like '... with the command' "$ERR" '^  \$ (sudo )?apt-get install make gcc$'
sed -i '$d' labs/01-one/observe
said 'predict then holds the answers against what is seen' 0 lab predict
like '... and names the misconception' "$OUT" 'you counted one twice'
like '... and why something was not measured' "$OUT" 'this kernel is shy'
is '... which is kept' "$(head -n 1 $WORK/records/01/observed.tsv)" $'packets\t2'

said 'a check fails with 1' 1 lab check
for word in 'What was done' 'Expected +yes' 'Observed ' 'Likely cause +a question that was taken' 'Where to look +answer.txt' 'said-no'; do
    like "... its story has: $word" "$OUT" "$word"
done
is '... and no control character' "$(controls "$OUT")" ''
like '... which are spelled out' "$OUT" '\\x1b\[2J'
said 'hint gives the first' 0 lab hint
like '... of three' "$OUT" 'Hint number 1'
lab hint >/dev/null; lab hint >/dev/null
said '... and at last the last one again' 0 lab hint
like '... and says so' "$OUT" 'All 3 hints'
said 'a solution before a pass is refused' 1 lab solution 1
answer 01 yes
said 'a check passes with 0' 0 lab check
like '... and next is next' "$OUT" '^Next: labs/lab next$'
said 'a solution after a pass' 0 lab solution 1
like '... with its place and notes' "$OUT" 'A note on 01-one'
is 'all of it is recorded' "$(events 01)" 'started ,predicted ,observed ,check fail said-no,hint 1,hint 2,hint 3,hint 3,check pass,solution ,'
said 'diff shows what was changed' 0 lab diff
like '... against the start' "$OUT" '^\+yes$'

answer 01 part
said 'a part that was skipped is no failure' 0 lab check
like '... and is told' "$OUT" '1 of 2 steps skipped'
answer 01 skip
said 'nothing to be checked is 4' 4 lab check
answer 01 broken
said 'a check that breaks is a failure' 1 lab check
like '... of the check' "$OUT" 'the check itself failed'
like '... with what it said' "$OUT" 'bash: oops'
answer 01 env
exits 'a check has its environment' 0 lab check --tap
for word in id=01 "dir=$TREE/labs/01-one" "work=$TREE/labs/work/01" "lib=$TREE/labs/lib" "bin=$BIN" "net=$TREE/netns/net" color=1 'cwd='; do
    like "... $word" "$OUT" "ok [1-8] - $word\$"
done

# ---- for programs -------------------------------------------------------------------------------

answer 01 no
exits 'check --json fails with 1, too' 1 lab check --json
is '... and is a document' "$(jq -r '.format_version, .labs[0].lab, .labs[0].result, .labs[0].misconception, .labs[0].steps[0].story.expected' <<<"$OUT" | paste -sd ' ')" '1 01 fail said-no yes'
exits 'check --tap' 1 lab check --tap
like '... is TAP' "$OUT" '^not ok 1 - lab 01$'
like '... with the story in it' "$OUT" '^      misconception: said-no$'
is '... and no control character' "$(controls "$OUT")" ''
lab start 3 >/dev/null; lab predict packets=2 errno=EPIPE >/dev/null; answer 03 yes
exits 'check all' 1 lab check all --json
is '... has every lab that was begun' "$(jq -r '[.labs[].result] | join(" ")' <<<"$OUT")" 'fail pass'
like 'in the folder of a lab it is that one, whichever is the current' "$(cd $WORK/01 && { "$TREE/labs/lab" check --tap || true; })" '^not ok 1 - lab 01$'
like '... and elsewhere the current one' "$(cd $WORK && { "$TREE/labs/lab" check --tap || true; })" '^ok 1 - lab 03$'
for form in json tap; do
    rc=0; lab check --$form >/dev/full 2>"$TEST_TMP/err" || rc=$?
    is "--$form that cannot be written is an error" "$rc $(<"$TEST_TMP/err")" '1 lab_report: stdout: write: No space left on device'
done
exits 'report' 0 lab report
is '... is a document' "$(jq -r '.format_version, .labs_passed, .current, (.labs[0] | .hints, .checks, .predictions[0].answer, .predictions[0].observed, .state)' <<<"$OUT" | paste -sd ' ')" '1 2 03 3 10 3 2 passed'
is '... that does not tell what was not asked yet' "$(jq -r '.labs[1].predictions[0].expected' <<<"$OUT")" null

# ---- nothing is lost ----------------------------------------------------------------------------

echo precious >$WORK/01/answer.txt
said 'reset' 0 lab reset 1
is '... gives the starter again' "$(<$WORK/01/answer.txt)" no
is '... and keeps the work' "$(cat $WORK/backup/01-*/answer.txt)" precious
answer 01 precious; lab reset 1 >/dev/null; answer 01 precious; lab reset 1 >/dev/null
is '... each time, also within one second' "$(cat $WORK/backup/01-*/answer.txt | grep -c precious)" 3
answer 01 precious
mv $WORK/backup "$TEST_TMP/backup"; echo "in the way" >$WORK/backup
said 'where there can be no backup, nothing is reset' 1 lab reset 1
is '... and the work is there' "$(<$WORK/01/answer.txt)" precious
rm $WORK/backup; mv "$TEST_TMP/backup" $WORK/backup
echo changed >>labs/01-one/start/answer.txt
said 'a starter that has changed since is told' 0 lab diff 1
like '... with what one may do' "$(tr '\n' ' ' <<<"$SAID")" 'starter files of lab 01 have changed.* reset 01 '
said '... by start, too' 0 lab start 1
is '... which overwrites nothing' "$(<$WORK/01/answer.txt)" precious
lab reset 1 >/dev/null
unlike 'after a reset it is as it was given' "$(lab diff 1)" 'have changed'
sed -i '$d' labs/01-one/start/answer.txt; lab reset 1 >/dev/null

mv $WORK/records/01/history.tsv $WORK/records/01/history; mkdir $WORK/records/01/history.tsv
said 'what cannot be recorded is told' 1 lab check 1
like '... with its reason' "$ERR" 'history.tsv: cannot be written'
like '... and with the story of the check' "$OUT" '^Likely cause'
rmdir $WORK/records/01/history.tsv; mv $WORK/records/01/history $WORK/records/01/history.tsv

printf 'half a li\n\001\002\n2026\tcheck' >>$WORK/records/01/history.tsv
before=$(cksum <$WORK/records/01/history.tsv)
said 'a broken record is told' 0 lab
like '... by file and line' "$ERR" '^lab: labs/work/records/01/history.tsv: 2 broken lines, first [0-9]+; all are kept$'
is '... and left as it is' "$(cksum <$WORK/records/01/history.tsv)" "$before"
exits '... counted in the report' 0 lab report
is '... as two lines, the one without its end being whole' "$(jq '.labs[0].broken_records' <<<"$OUT")" 2
before=$(grep -c $'\thint\t3$' $WORK/records/01/history.tsv)
for ((i = 0; i < 12; i++)); do lab hint 1 >/dev/null 2>&1 & done
wait
is 'twelve at once have left twelve whole lines, and the cut one is alone' "$(grep -cE '^[0-9TZ:-]+'$'\t''hint'$'\t''3$' $WORK/records/01/history.tsv)" $((before + 12))
rm -rf $WORK/03
for ((i = 0; i < 6; i++)); do lab start 3 >/dev/null & done
wait
ok 'six starts at once have left one whole copy' diff -r labs/03-three/start $WORK/03
is '... and nothing beside it' "$(find $WORK -name '.*' | head)" ''
echo garbage >$WORK/current
said 'a current lab that is none is as none' 0 lab
like '... and told, by the file' "$ERR" '^lab: labs/work/current: it names no lab'
like '... and what was begun is not denied' "$OUT" '^No lab is current'
rm $WORK/current; mkdir $WORK/current
said 'a folder in its place is told' 1 lab start 1
is '... and nothing is put into it' "$(find $WORK -path '*current*')" $WORK/current
rmdir $WORK/current
lab start 1 >/dev/null 2>&1

# A runner that was killed cannot take away what it had half made; the next one does, and leaves what is not its to take.
ns=$(readlink /proc/self/ns/pid); ns=${ns//[!0-9]/}
true & dead=$!; wait $dead
mkdir -p "$TEST_TMP/t"/lab.{"$dead-$ns","$$-$ns","$dead-1"}.abcdef "$WORK/.new-02.$dead-$ns"
TMPDIR=$TEST_TMP/t lab diff 1 >/dev/null; lab start 1 >/dev/null
is 'what a dead runner left is taken away, and nothing else' "$(cd "$TEST_TMP/t" && echo *)" "$(cd "$TEST_TMP/t" && printf '%s\n' lab.{"$$-$ns","$dead-1"}.abcdef | sort | paste -sd ' ')"
is '... beside the work, too' "$(find $WORK -name '.new-*')" ''
apart=(unshare --mount)
[ "$EUID" -eq 0 ] || apart+=(--user --map-root-user)
if "${apart[@]}" true 2>/dev/null; then
    # shellcheck disable=SC2016 # for the shell in the namespace
    full() { "${apart[@]}" sh -c 'mount -t tmpfs -o size=64k full "$0" && { head -c 128k /dev/zero >"$0/fill" 2>/dev/null; "$@"; }' "$TEST_TMP/t" "$@"; }
    said 'a full disk is the reason, not the check' 1 full env TMPDIR="$TEST_TMP/t" labs/lab check 1
    like '... and named' "$(tr '\n' ' ' <<<"$ERR")" 'No space left on device.*TMPDIR'
    said 'where the work goes, too' 1 full env ECHOLAB_LAB_WORK="$TEST_TMP/t/work" labs/lab start 1
    like '... with the reason' "$(tr '\n' ' ' <<<"$ERR")" 'No space left on device'
else
    skip 'a full disk' 'no mount namespace can be made here'
fi

# ---- watching -----------------------------------------------------------------------------------

watch_has() { [ "$(grep -cE "$1" "$TEST_TMP/watch")" -ge "$2" ]; }
answer 01 no
env --default-signal=INT labs/lab check --watch >"$TEST_TMP/watch" 2>&1 </dev/null &
PID=$!
defer stop_pid $PID
ok '--watch checks at once' wait_for 10 watch_has '^Waiting until' 1
answer 01 yes
ok '... and again when a file was written' wait_for 10 watch_has '^Lab 01 passed' 1
ok '... waiting again' wait_for 10 watch_has '^Waiting until' 2
echo no >$WORK/01/.answer.txt.swp; mv $WORK/01/.answer.txt.swp $WORK/01/answer.txt
ok '... and when one was renamed into its place' wait_for 10 watch_has '^Lab 01 has not passed' 2
ok '... waiting again' wait_for 10 watch_has '^Waiting until' 3
sed -i s/no/yes/ $WORK/01/answer.txt
ok '... and after sed -i' wait_for 10 watch_has '^Waiting until' 4
echo 1 >$WORK/01/5036; rm $WORK/01/5036; echo no >$WORK/01/answer.txt # vim asks so whether it may write here
ok '... and after another' wait_for 10 watch_has '^Waiting until' 5
is '... each time naming the file, and no temporary one' "$(grep -c '^---- saved answer.txt ----$' "$TEST_TMP/watch") $(grep -c '^---- ' "$TEST_TMP/watch")" '4 4'
kill -INT $PID
rc=0; wait $PID 2>/dev/null || rc=$?
is '... and Ctrl-C ends it, with the exit code of the last result' $rc 1
no_watcher() { ! grep -qsaF "lab_watch"$'\0'"$TREE" /proc/[0-9]*/cmdline; }
ok '... leaving no watcher' wait_for 5 no_watcher
answer 01 fork
said 'a check whose program leaves a child' 0 lab check
ok '... leaves none' wait_for 5 gone "$(<$WORK/01/pid)"
rm $WORK/01/pid
answer 01 hang
labs/lab check >/dev/null 2>&1 &
PID=$!
ok 'a check that hangs' wait_for 10 test -s $WORK/01/pid
CHECK=$(<$WORK/01/pid)
kill -TERM $PID; wait $PID 2>/dev/null || true
ok '... ends with the runner' wait_for 10 gone "$CHECK"
rm $WORK/01/pid

# ---- words, colours, columns --------------------------------------------------------------------

answer 01 no
in_terminal() { TERM=xterm script -qec "$*" /dev/null </dev/null || true; }
if have script; then
    like 'in a terminal there is colour' "$(in_terminal labs/lab check)" $'\e''\[31m'
    unlike '... but not with NO_COLOR' "$(NO_COLOR=1 in_terminal labs/lab check)" $'\e'
    unlike '... nor with --plain' "$(in_terminal labs/lab --plain check)" $'\e'
else
    skip 'in a terminal there is colour' 'there is no script(1) here'
fi
unlike 'without a terminal there is none' "$(lab check || true)" $'\e'
said 'explain knows a name' 0 lab explain econnrefused
said '... and a number of this machine' 0 lab explain 32
like '... as a name' "$OUT" '^EPIPE is 32 here'
said '... and to a misspelled name the nearest' 2 lab explain ECONREFUSED
like '... first' "$ERR" '^Nearest: ECONNREFUSED,'
while read -r name _; do [ "$name" = '#' ] || ALL_SAID+=$(lab explain "$name")$'\n'; done <labs/errno.tsv
said 'help' 0 lab --help
said 'version' 0 lab --version

# ---- networks -----------------------------------------------------------------------------------

lab start 2 >/dev/null 2>&1
defer lab down
if "$NET" doctor --quick >/dev/null; then
    said 'up --no-predict is recorded' 0 lab up --no-predict
    like '... once' "$(events 02)" 'no-predict up'
    said '... and up again says that it is' 0 lab up
    said 'run passes the output on' 0 lab run client -- hostname
    is '... of the host' "$OUT" client
    said '... and the exit code' 41 lab run client -- sh -c 'exit 41'
    said 'on a host the network cannot be ended' 1 lab run client -- "$TREE/labs/lab" down
    like '... and what to do is told' "$(tr '\n' ' ' <<<"$SAID")" 'on a host, client, of world lab02-.* leave it first'
    world=$("$NET" status | sed -n 's/^\(lab02-[0-9a-f]*\): .*/\1/p' | tail -n 1)
    said 'the world of another lab that was exported is not this one' 0 env ECHOLAB_WORLD="lab03-${world#lab02-}" labs/lab up
    like '... and how the texts find this one is told' "$OUT" "^  export ECHOLAB_WORLD=$world\$"
    said 'down' 0 env ECHOLAB_WORLD="lab03-${world#lab02-}" labs/lab down
    said '... and then run is refused' 1 lab run client -- true
    like '... with the next action' "$ERR" '^Next: labs/lab up'
    labs/lab up >/dev/null 2>&1 &
    PID=$!
    starting() { [ -n "$(find "${XDG_RUNTIME_DIR:-/nowhere}/echolab" "/tmp/echolab-$EUID" -name 'lab02-*' 2>/dev/null)" ]; }
    ok 'an up that has begun' wait_for 10 starting
    kill -TERM $PID 2>/dev/null || true
    wait $PID 2>/dev/null || true
    settled() { [[ $("$NET" status) != *lab02-* ]] || lab down; ! starting; } # it may have been done already
    ok '... and is interrupted leaves nothing, or all of it' wait_for 10 settled
    export ECHOLAB_WORLD=l$$-$RANDOM
    said 'ECHOLAB_WORLD names the world' 0 lab up
    like '... as it says' "$OUT" "world $ECHOLAB_WORLD is up"
    said '... for down, too' 0 lab down
    unset ECHOLAB_WORLD
    answer 02 world
    said 'a check that is killed' 1 lab check
    unlike '... leaves no network' "$("$NET" status)" '^check[0-9]*-1:'
else
    skip 'networks' 'no lab network can be made here'
fi
lab start 1 >/dev/null 2>&1
said 'a lab without a network has none to be made' 4 lab up
like '... and says why' "$ERR" 'has no network'

# A container without namespaces.
lab start 2 >/dev/null 2>&1
lab predict packets=2 errno=EPIPE >/dev/null 2>&1
if have python3; then
    contained() { python3 "$ROOT/tests/lib/no_namespaces.py" "$(type -P setpriv)" --bounding-set=-all --inh-caps=-all labs/lab "$@"; }
    said 'where there can be no network, up is 4' 4 contained up
    like '... with the reason' "$SAID" 'no lab network can be made here: '
    answer 02 skip
    said '... a check of a lab that needs one is 4' 4 contained check
    like '... with the reason' "$(tr '\n' ' ' <<<"$SAID" | tr -s ' ')" 'nothing could be checked: no lab network: .*(refused|container)'
    answer 02 yes
    lab check >/dev/null 2>&1
    lab start 1 >/dev/null 2>&1; answer 01 yes
    said '... a lab on loopback is checked' 0 contained check
    rm -rf $WORK/records/02
    said '... next passes over what cannot be done' 4 contained next
    like '... and says so' "$SAID" 'Passed over'
    exits '... doctor says it' 0 contained doctor
    like '... of the lab' "$OUT" '^SKIP +lab 02 '
    like '... and that others work' "$OUT" '^OK +lab 01 '
    is '... within 80 columns, commands apart' "$(too_wide "$(grep -vE '^ *\$ |^OK .* /' <<<"$OUT")")" ''
else
    skip 'a container without namespaces' 'there is no python3 here'
fi

# ---- elsewhere ----------------------------------------------------------------------------------

# A mirror: links to all of it, and a work folder of its own.
mkdir -p "$TEST_TMP/mirror/labs"
for file in "$TREE"/labs/*; do [ "${file##*/}" = work ] || ln -s "$file" "$TEST_TMP/mirror/labs/"; done
ln -s "$TREE/netns" "$TEST_TMP/mirror/"
said 'a tree of links is a tree of its own' 0 env -C "$TEST_TMP/mirror" labs/lab start 1
ok '... with its own work' test -f "$TEST_TMP/mirror/labs/work/01/answer.txt"
ln -s "$TREE/labs/lab" "$TEST_TMP/my-lab"
exits 'a link to the runner alone is the tree it leads to' 0 "$TEST_TMP/my-lab" list
like '... where something was begun' "$OUT" '01 The first .* passed'

# Another folder for the work: what is built there finds labs/lib.
exits 'ECHOLAB_LAB_WORK is another folder' 0 env ECHOLAB_LAB_WORK="$TEST_TMP/elsewhere" labs/lab start 1
is '... in which make works' "$(make -s -C "$TEST_TMP/elsewhere/01" 2>&1)" "made with $TREE/labs/lib"
like '... and nothing has changed upstream by that' "$(ECHOLAB_LAB_WORK=$TEST_TMP/elsewhere lab diff 1)" '^Nothing is changed'

# As anybody, in a tree of root's.
user() {
    local -a become=()
    [ "$EUID" -ne 0 ] || become=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all)
    "${become[@]}" env -u XDG_RUNTIME_DIR HOME="$TEST_TMP/home" TMPDIR="$TEST_TMP/home" ECHOLAB_LAB_WORK="$TEST_TMP/home/work" "$@"
}
mkdir "$TEST_TMP/home"
[ "$EUID" -ne 0 ] || chown 65534:65534 "$TEST_TMP/home"
if user test -x "$BIN/lab_report"; then
    exits 'an ordinary user starts' 0 user labs/lab start 1
    exits '... predicts' 0 user labs/lab predict packets=2 errno=EPIPE
    exits '... checks' 1 user labs/lab check
    exits '... and resets' 0 user labs/lab reset 1
    if [ "$EUID" -eq 0 ]; then
        exits '... and is told what cannot be written' 1 user env ECHOLAB_LAB_WORK="$TREE/labs/other" labs/lab start 1
    fi
else
    skip 'an ordinary user' 'the programs are where others may not look'
fi

# Installed: the labs are read from libexec, and the work is at home.
prefix=$TEST_TMP/prefix
mkdir -p "$prefix/bin" "$prefix/libexec/echolab"
cp -R "$TREE"/netns/* "$prefix/libexec/echolab/"
cp -R "$TREE/labs" "$prefix/libexec/echolab/labs"; rm -rf "$prefix/libexec/echolab/labs/work"
for program in lab_report lab_predict lab_watch lab_peer topology; do ln -s "$BIN/$program" "$prefix/libexec/echolab/"; done
ln -s ../libexec/echolab/labs/lab "$prefix/bin/echolab-lab"
installed() { env -u ECHOLAB_BIN HOME="$TEST_TMP/at-home" "$prefix/bin/echolab-lab" "$@"; }
exits 'installed it starts' 0 installed start 1
like '... and says how it is called' "$OUT" '^Next: echolab-lab predict$'
ok '... at home' test -f "$TEST_TMP/at-home/echolab-labs/01/answer.txt"
exits '... and checks' 1 installed check --no-predict

is 'no line that was said is wider than 80 columns' "$(too_wide "$ALL_SAID")" ''
