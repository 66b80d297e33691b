#!/usr/bin/env bash
# net_kill.t - processes of up, run and log are killed at random moments; afterwards nothing is
# left.
#
# A round starts a command, waits a random while, and kills one of its processes, or all that run
# outside the world. Everything the command started carries ROUND in its environment, inside and
# outside of the world, so that nothing can hide. The seed is printed: ECHOLAB_SEED=N repeats the
# choices (the moments themselves depend on the machine). 10 rounds; 50 with ECHOLAB_LONG=1.
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/tap.sh"

ROUNDS=10
[ -z "${ECHOLAB_LONG:-}" ] || ROUNDS=50
SEED=${ECHOLAB_SEED:-$RANDOM}
RANDOM=$SEED
diag "seed $SEED, $ROUNDS rounds"
ECHOLAB_ROUND=none
UP_SURVIVED=0

# marked: the living processes of this round (its own test shell is not marked: it was not started
# with it).
marked() {
    local file pid state
    grep -slaF "ECHOLAB_ROUND=$ECHOLAB_ROUND" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
        pid=${file#/proc/} pid=${pid%/environ}
        state=$(sed -n 's/^State:\t//p' "/proc/$pid/status" 2>/dev/null) || continue
        [[ -z $state || $state == Z* ]] || echo "$pid"
    done || true
}
none_marked() { [ -z "$(marked)" ]; }
mounts() { sort /proc/self/mounts; }
files() { find /run/netns "/tmp/echolab-$EUID" ${XDG_RUNTIME_DIR:+"$XDG_RUNTIME_DIR/echolab"} -mindepth 1 2>/dev/null | grep -F "$1" || true; }

# strike COMMAND-PID: after a random moment, -9 for a random one of the round's processes, or for
# all outside of the world.
strike() {
    local -a all
    local pid
    read -rt "0.$(printf '%03d' $((RANDOM % 350)))" <> <(:) || true # the moment is what is random here; nothing waits for it
    mapfile -t all < <(marked)
    [ ${#all[@]} -gt 0 ] || return 0
    if [ $((RANDOM % 2)) -eq 0 ]; then
        kill -KILL "${all[RANDOM % ${#all[@]}]}" 2>/dev/null || true
    else
        for pid in "${all[@]}"; do
            if [ "$(readlink "/proc/$pid/ns/pid" 2>/dev/null)" = "$OUTSIDE" ]; then kill -KILL "$pid" 2>/dev/null || true; fi
        done
    fi
}
OUTSIDE=$(readlink /proc/self/ns/pid)

# begin: starts CMD… as this round's command.
begin() {
    ECHOLAB_ROUND=$SEED-$$-$ROUND setsid "$@" >"$TEST_TMP/said" 2>&1 </dev/null &
    COMMAND=$!
    ECHOLAB_ROUND=$SEED-$$-$ROUND
}

finish() { wait "$COMMAND" 2>/dev/null || true; }

round_up() {
    export ECHOLAB_WORLD=k$$-$ROUND
    begin "$NET" up
    strike
    finish
    # Whole, or not at all: if a world answers now, it can be ended; if none does, nothing of it may
    # live on.
    if "$NET" down >/dev/null 2>&1; then UP_SURVIVED=$((UP_SURVIVED + 1)); fi
    wait_for 10 none_marked || { echo "processes: $(marked | xargs -r ps -o pid,args -p)"; return 1; }
    "$NET" status >/dev/null
    [ -z "$(files "k$$-$ROUND")" ] || { echo "files: $(files "k$$-$ROUND")"; return 1; }
}

round_inside() { # CMD…: in the one world, which must live on
    export ECHOLAB_WORLD=$KEPT
    begin "$@"
    strike
    kill -KILL $COMMAND 2>/dev/null || true # whichever it hit: without the command itself, nothing of it may live on
    finish
    wait_for 10 none_marked || { echo "processes: $(marked | xargs -r ps -o pid,args -p)"; return 1; }
    "$NET" run client -- true
}

# The network namespaces that a process of the kept world is in.
net_namespaces() {
    local process
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/ns/pid" 2>/dev/null)" != "$KEPT_PIDS" ] || readlink "$process/ns/net" || true
    done | sort -u
}

KEPT=k$$-kept
export ECHOLAB_WORLD=$KEPT
"$NET" up >/dev/null
defer "$NET" --world "$KEPT" down
BEFORE=$(mounts)
KEPT_PIDS=$("$NET" run client -- readlink /proc/self/ns/pid)
NAMESPACES=$(net_namespaces)
like "the world's network namespaces are found" "$NAMESPACES" '^net:'
for ((ROUND = 0; ROUND < ROUNDS; ROUND++)); do
    ok "up, round $ROUND: a whole world or none" round_up
    ok "run, round $ROUND: nothing lives on" round_inside "$NET" run client -- sleep 4244
    ok "run on two hosts, round $ROUND: nothing lives on" round_inside "$NET" run client,server -- sleep 4244
    ok "log, round $ROUND: nothing lives on" round_inside "$NET" log --follow
done
is "the mounts are those of before" "$(mounts)" "$BEFORE"
same_namespaces() { [ "$(net_namespaces)" = "$NAMESPACES" ] || { echo "before: $NAMESPACES"; echo "now: $(net_namespaces)"; return 1; }; }
ok "so are the network namespaces" wait_for 5 same_namespaces
"$NET" --world "$KEPT" down >/dev/null
is "no file is left" "$(files "k$$-")" ""
