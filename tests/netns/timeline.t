#!/usr/bin/env bash
# timeline.t - what was recorded comes out in four forms, each of them well-formed and in an order that can have happened.
#
# It needs no lab network: the recordings of tests/unit/recorded/ are its input.
. "$(dirname "$0")/../lib/tap.sh"
export LC_ALL=C.UTF-8

RECORDED=$ROOT/tests/unit/recorded
TIMELINE=$BIN/timeline

# well_formed FORMAT DIR: the form is one XML document.
well_formed() { "$TIMELINE" --format="$1" "$2" >"$TEST_TMP/out" && xmllint --noout "$TEST_TMP/out"; }

# Every event behind all that is certain to have come before it, and times that never run backwards.
# shellcheck disable=SC2016 # jq's variables
CAUSAL='all(.events[]; .id as $id | all(.after[]; . < $id))
    and ([.events[].t_ms] | . == sort)
    and ([.events[].id] == [range(.events | length)])
    and all(.packets[]; .leave as $leave | all((.arrive + .fates)[]; $leave == null or . > $leave))
    and .contradictions == 0 and .format_version == 1'

# from_outside FILE: what a page or picture would load, other than the names of its own languages.
from_outside() { grep -oE '(https?:)?//[^" ]+|url\([^)]*\)|@import|src=' "$1" | grep -vE 'www\.w3\.org/(2000/svg|1999/xhtml)' || true; }

for directory in "$RECORDED"/*; do
    name=${directory##*/}
    if have xmllint; then
        ok "$name: the picture is well-formed" well_formed svg "$directory"
        is "$name: ... and loads nothing" "$(from_outside "$TEST_TMP/out")" ""
        ok "$name: the page is well-formed" well_formed html "$directory"
        is "$name: ... and loads nothing" "$(from_outside "$TEST_TMP/out")" ""
    else
        skip "$name: picture and page are well-formed" "xmllint is not installed"
    fi
    if have jq; then
        "$TIMELINE" --format=json "$directory" >"$TEST_TMP/json"
        ok "$name: no event stands before its cause" jq -e "$CAUSAL" "$TEST_TMP/json"
    else
        skip "$name: no event stands before its cause" "jq is not installed"
    fi
done

# ---- what the two echoes teach ----
text=$("$TIMELINE" --width 120 "$RECORDED/blocking")
order() { grep -nE -- "$1" <<<"$text" | head -n 1 | cut -d: -f1; }
ok "connect enters, SYN leaves, SYN-ACK arrives, connect returns" \
    test "$(order 'connect\(3')" -lt "$(order '─ SYN ─')" -a "$(order '─ SYN ─')" -lt "$(order 'SYN-ACK')" -a "$(order '◀.*SYN-ACK')" -lt "$(order 'connect = 0')"
like "a write names its segments" "$text" 'sendto\(3, 3000 bytes\) → segments 1-3 \(seq 1-3000\)'
like "a read names its segments" "$text" 'recvfrom = 2896: got segments 1-2 \(seq 1-2896\)'
like "close says what it sent" "$text" 'close\(3\) → FIN'
text=$("$TIMELINE" --width 120 "$RECORDED/udp")
like "connect on UDP says that it sent nothing" "$text" 'connect\(7, server:7007\) = 0: sent nothing'
like "states worked out from packets are marked" "$("$TIMELINE" --width 120 "$RECORDED/tcp")" 'TCP state, worked out from the packets'
like "states of the kernel are marked" "$("$TIMELINE" --width 120 "$RECORDED/dropped")" 'TCP state, as the kernel told it'
like "a fault is named where it struck" "$("$TIMELINE" --width 120 "$RECORDED/dropped")" 'drop ✕─+ segment 1'

# ---- options and errors ----
exits "ASCII where the locale is no UTF-8" 0 env LC_ALL=C "$TIMELINE" --width 80 "$RECORDED/tcp"
is "... and nothing else" "$(LC_ALL=C grep -c '[^ -~]' <<<"$OUT" || true)" 0
exits "no colours in a file" 0 "$TIMELINE" "$RECORDED/tcp"
unlike "... at all" "$OUT" $'\033'
if have script; then
    like "colours on a terminal" "$(script -qec "$TIMELINE $RECORDED/tcp" /dev/null)" $'\033\\['
    unlike "none with NO_COLOR" "$(NO_COLOR=1 script -qec "$TIMELINE $RECORDED/tcp" /dev/null)" $'\033'
else
    skip "colours on a terminal" "script(1) is not installed"
fi
is "COLUMNS is the width" "$(COLUMNS=60 "$TIMELINE" --ascii "$RECORDED/tcp" | awk '{ if (length($0) > n) n = length($0) } END { print n <= 60 }')" 1
exits "-o writes a file" 0 "$TIMELINE" --format=svg -o "$TEST_TMP/picture.svg" "$RECORDED/tcp"
ok "... that holds the picture" grep -q '</svg>' "$TEST_TMP/picture.svg"
exits "what is no recording" 1 "$TIMELINE" "$TEST_TMP"
like "... is named, with the fix" "$ERR" "^timeline: $TEST_TMP/meta: No such file or directory \\(not a recording; net why makes one\\)$"
exits "a host that is none" 2 "$TIMELINE" --host client,nobody "$RECORDED/tcp"
like "... is named" "$ERR" '^timeline: --host: client,nobody: '
exits "a full disk" 1 "$TIMELINE" -o /dev/full "$RECORDED/tcp"
like "... is told" "$ERR" '^timeline: /dev/full: write: No space left on device$'
for format in text svg html json; do
    if "$TIMELINE" --format="$format" "$RECORDED/tcp" >/dev/full 2>"$TEST_TMP/err"; then
        fail "$format into a full disk fails"
    else
        like "$format into a full disk fails and says so" "$(<"$TEST_TMP/err")" '^timeline: stdout: write: No space left'
    fi
done
