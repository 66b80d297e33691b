#!/usr/bin/env bash
# anchors.sh - every anchor [#name] stands once, and every one that is cited exists.
#
# An anchor is a `[#name]` in a comment of the source. It is cited as `path [#name]` in READMEs, man pages, labs and
# in other files' comments: there the path of the file that holds it stands before it.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0
mapfile -t sources < <(git ls-files -co --exclude-standard -- '*.c' '*.h' '*.sh' '*.t' '*.awk' '*.jq' '*.gp' 'clients/bench/report/run' 'netns/net' 'netns/demo' 'labs/lab' 'labs/*/check' 'labs/*/observe' 'Makefile' | sort)
# Every mention as PATH:LINE:TEXT; a citation has a file's path right before the bracket.
mentions=$(grep -noE '([A-Za-z_/]+\.[a-z]+`?,? )?\[#[a-z0-9-]+\]' "${sources[@]}" || true)
places=$(grep -vE '[a-z]+\.[a-z]+`?,? \[#' <<<"$mentions" || true)
twice=$(sed -E 's/.*\[#([a-z0-9-]+)\]/\1/' <<<"$places" | sort | uniq -d | grep -vx name || true)
for name in $twice; do
    echo "anchor [#$name] stands more than once:" >&2
    grep -F "[#$name]" <<<"$places" >&2
    bad=1
done
known=$(sed -nE 's/.*\[#([a-z0-9-]+)\]/\1/p' <<<"$places" | sort -u)
mapfile -t texts < <(git ls-files -co --exclude-standard -- '*.md' '*.1')
cited=$({ grep -E '[a-z]+\.[a-z]+`?,? \[#' <<<"$mentions" || true; grep -noE '\[#[a-z0-9-]+\]' /dev/null "${texts[@]}" || true; } |
    sed -nE 's/^([^:]+:[0-9]+):.*\[#([a-z0-9-]+)\]/\2 \1/p')
while read -r name where; do
    if [ -z "$name" ] || [ "$name" = name ]; then continue; fi # `[#name]` stands for any anchor
    grep -qx -- "$name" <<<"$known" || { echo "$where: cites [#$name], which is nowhere" >&2; bad=1; }
done <<<"$cited"
exit $bad
