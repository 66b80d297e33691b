# say.sh - what `lab` prints: wrapped at 80 columns, no control character of anybody's, colours only where
# they are wanted.
# shellcheck shell=bash disable=SC2034 # for the files that source this one

# How the learner calls this program, to be shown in what they may type next.
ME=${0#"$PWD"/}
WIDTH=80

# Colour is for terminals, and nowhere says anything that the words do not (https://no-color.org).
COLOR=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then COLOR=yes; fi
bold() { if [ -n "$COLOR" ]; then printf '\e[1m%s\e[0m' "$1"; else printf '%s' "$1"; fi; }

# wrap INDENT PREFIX TEXT…: PREFIX as it is, then the words in lines no wider than WIDTH, those behind the first
# indented. A word that is wider stands alone: it may be a path that somebody wants to copy.
wrap() {
    local indent line=$2 glue='' word
    local -a words
    printf -v indent '%*s' "$1" ''; shift 2
    read -ra words <<<"${*//[[:cntrl:]]/ }"
    for word in "${words[@]}"; do
        if [ -z "$glue" ] || [ $((${#line} + 1 + ${#word})) -le $WIDTH ]; then line+=$glue$word
        else
            printf '%s\n' "$line"
            line=$indent$word
        fi
        glue=' '
    done
    printf '%s\n' "$line"
}

say() { wrap 0 '' "$@"; }
complain() { wrap 0 'lab: ' "$@" >&2; }
# next_is COMMAND [WHY]: on a line of its own, to be found at once.
next_is() { printf '%s %s\n' "$(bold Next:)" "$1"; [ -z "${2:-}" ] || wrap 6 '      ' "$2"; }

# The ways to end before the work is done. An exit code is a promise: see usage.
refuse() { complain "$@"; exit 1; }
usage_error() { complain "$@"; exit 2; }
cannot() { complain "$@"; exit 4; }
VERB=where # the command that was typed
# no_operands WORD…: for a verb that takes none.
no_operands() { [ $# -eq 0 ] || usage_error "$VERB: $1: $VERB takes nothing more ($ME help)"; }
# no_options WORD…: what begins with - is none that is known, and not the name of a lab.
no_options() {
    local word
    for word; do [[ $word != -* ]] || usage_error "$VERB: $word: unknown option ($ME help)"; done
}

# shown PATH: as short as it can be typed from here.
shown() { case $1 in "$PWD"/*) echo "${1#"$PWD"/}" ;; *) echo "$1" ;; esac; }
