# network.sh - the network of the current lab: netns/net with the lab's own topology.
#
# Its world has a name that follows from the lab, the user and the learner's folder: so every command finds it
# again and nothing has to be remembered, and two learners, or two trees of one, never meet.
# $ECHOLAB_WORLD, when it is set, names it instead; but if it is that of another lab of this folder (who leaves a lab
# forgets what was exported for it), the lab's own is meant.
# shellcheck shell=bash

WORLD_ASKED='' WORLD_REFUSED=''

# world_possible: asked once. False: the reason is in WORLD_REFUSED.
world_possible() {
    local said
    if [ -z "$WORLD_ASKED" ]; then
        WORLD_ASKED=yes
        said=$("$NET" doctor --quick 2>&1) || { WORLD_REFUSED=${said%%$'\n'*}; : "${WORLD_REFUSED:=net doctor says no more}"; }
    fi
    [ -z "$WORLD_REFUSED" ]
}

world_suffix() {
    local place sum
    place=$(cd "$WORK" 2>/dev/null && pwd -P) || place=$WORK
    read -r sum _ < <(printf '%s' "$EUID:$place" | cksum)
    printf '%08x' "$sum"
}
world_name() { # ID
    local suffix
    suffix=$(world_suffix)
    if [ -n "${ECHOLAB_WORLD:-}" ] && [[ $ECHOLAB_WORLD != lab*-"$suffix" ]]; then echo "$ECHOLAB_WORLD"; else echo "lab$1-$suffix"; fi
}

# outside_only VERB: on a host of a world no other world is seen, nor this one from the outside.
outside_only() {
    local file
    for file in /run/echolab/world.*; do
        [ ! -r "$file" ] || refuse "$1: this shell is on a host${ECHOLAB_HOST:+, $ECHOLAB_HOST,} of world ${file##*/world.}: leave it first (exit), or use another terminal"
    done
}

worlds() { "$NET" status 2>/dev/null | sed -n 's/: .*//p'; }
running() { # NAME
    local name file key value command
    for file in "${XDG_RUNTIME_DIR:-/nowhere}/echolab/$1" "/tmp/echolab-$EUID/$1"; do # net's own note: much cheaper than to ask it
        [ ! -r "$file" ] || while IFS='=' read -r key value; do
            # A note may be older than the machine's last start, and its pid be anybody's now.
            if [ "$key" = pid ] && { mapfile -d '' -t command <"/proc/$value/cmdline"; } 2>/dev/null && [[ ${command[1]:-} == */init.sh ]]; then return 0; fi
        done <"$file"
    done
    while IFS= read -r name; do [ "$name" != "$1" ] || return 0; done < <(worlds)
    return 1
}
end_worlds() { # PATTERN
    local name
    # shellcheck disable=SC2053 # it is a pattern
    while IFS= read -r name; do [[ $name != $1 ]] || "$NET" --world "$name" down >/dev/null 2>&1 || true; done < <(worlds)
}

# network_of VERB [--no-predict]: what all verbs need, into LAB, DIR and NAME.
network_of() {
    outside_only "$1"
    load
    pick
    need_started
    need_predictions "$1" "${2:-}"
    [ -f "$DIR/topology" ] || cannot "$1: lab $LAB (${TITLE[$LAB]}) has no network: all of it happens on this machine, at 127.0.0.1"
    NAME=$(world_name "$LAB")
}
# Can there be one? Asked only where there is none: the question costs more than most of the commands that are run in it.
need_world() { world_possible || cannot "$1: no lab network can be made here: $WORLD_REFUSED ($ME doctor)"; } # VERB

cmd_up() {
    local skip='' word
    for word; do if [ "$word" = --no-predict ]; then skip=yes; else no_options "$word"; no_operands "$word"; fi; done
    network_of up "$skip"
    if running "$NAME"; then
        say "The network of lab $LAB is up already: world $NAME."
        tell_which
        return
    fi
    need_world up
    # It appears whole or not at all, whenever net is interrupted; and net is when this is.
    ECHOLAB_BIN=$BIN setpriv --pdeathsig TERM "$NET" --world "$NAME" up "$DIR/topology" || exit 1
    tell_which
    next_is "$ME run HOST -- CMD" "or a shell on a host: $ME enter HOST; at the end: $ME down"
}

# tell_which: these verbs know the lab's own world; the texts' netns/net takes the only one, or asks which.
tell_which() {
    local name others=''
    [ "${ECHOLAB_WORLD:-}" != "$NAME" ] || return 0
    while IFS= read -r name; do [ "$name" = "$NAME" ] || others+=" $name"; done < <(worlds)
    [ -n "$others${ECHOLAB_WORLD:-}" ] || return 0
    [ -z "$others" ] || say "Other worlds are up, too:$others."
    say "For $(shown "$NET") to mean this one, as the text does, type:"
    echo "  export ECHOLAB_WORLD=$NAME"
}

# in_network VERB [--no-predict] HOST WORD…: hands over to net, so that signals and the exit code are the command's.
in_network() {
    local verb=$1 skip=''; shift
    if [ "${1:-}" = --no-predict ]; then skip=yes; shift; fi
    [ -n "${1:-}" ] || usage_error "$verb: which host? $ME $verb HOST$([ "$verb" = enter ] || echo ' -- CMD')"
    no_options "$1"
    if [ "$verb" = enter ]; then [ $# -eq 1 ] || usage_error "enter: $2: one host, and nothing more; $ME run $1 -- CMD runs a command there"
    elif [ $# -eq 1 ] || { [ $# -eq 2 ] && [ "$2" = -- ]; }; then usage_error "run: what shall run on $1? $ME run $1 -- CMD"; fi
    network_of "$verb" "$skip"
    if ! running "$NAME"; then
        need_world "$verb"
        complain "$verb: the network of lab $LAB is not up."
        next_is "$ME up" >&2
        exit 1
    fi
    ECHOLAB_BIN=$BIN exec "$NET" --world "$NAME" "$verb" "$@"
}
cmd_run() { in_network run "$@"; }
cmd_enter() { in_network enter "$@"; }

# down: of every lab that this folder has up, for only one is current and another may have been left.
cmd_down() {
    local name any='' suffix
    no_operands "$@"
    outside_only down
    suffix=$(world_suffix)
    while IFS= read -r name; do
        if [ -n "${ECHOLAB_WORLD:-}" ] && [[ $ECHOLAB_WORLD != lab*-"$suffix" ]]; then [ "$name" = "$ECHOLAB_WORLD" ] || continue
        else [[ $name == lab*-"$suffix" ]] || continue; fi
        any=yes
        "$NET" --world "$name" down || exit 1
    done < <(worlds)
    [ -n "$any" ] || say "No network of a lab is up."
}
