#!/usr/bin/env bash
# layers.sh - lib/ is layered: which module includes which, and no circle among them.
#
#   tests/lib/layers.sh          prints one "MODULE -> MODULE …" line each, lowest last, and fails on a circle
#
# A module is a header and what shares its name: resolver.h, resolver.c, resolver_hosts.c are the module `resolver`.
# tsort(1) puts the modules in order, and complains when there is none.
set -euo pipefail
cd "$(dirname "$0")/../../lib"

# The module a file belongs to: the shortest header whose name it begins with.
module_of() {
    local name=$1 part=$1
    while [[ $part == *_* ]]; do
        part=${part%_*}
        if [ -e "$part.h" ]; then name=$part; fi
    done
    echo "$name"
}

edges() {
    local file included from to
    for file in *.c *.h; do
        from=$(module_of "${file%.*}")
        while read -r included; do
            to=$(module_of "${included%.h}")
            echo "$from $to" # "x x" only tells tsort that x exists
        done < <(sed -nE 's/^#include "([a-z0-9_]+\.h)".*/\1/p' "$file")
    done | sort -u
}

all=$(edges)
order=$(tsort <<<"$all" 2>&1) || { echo "lib/: modules that include each other in a circle:" >&2; sed -n 's/^tsort: \([a-z_]*\)$/  \1/p' <<<"$order" >&2; exit 1; }
while read -r module; do
    echo "$module ->" "$(awk -v m="$module" '$1 == m && $2 != m { printf "%s ", $2 }' <<<"$all")"
done <<<"$order"
