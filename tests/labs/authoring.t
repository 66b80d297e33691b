#!/usr/bin/env bash
# authoring.t - labs/AUTHORING.md adds a lab, and shows each of its files: taken out of the page they are a lab that holds.
#
# A block whose first line names a path, as ```c labs/90-who-am-i/check, is that file; labs/index.tsv is a line more of the one that is there.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
have patch || skip_all 'patch(1) is not there (make deps-test)'

TREE=$TEST_TMP/tree
mkdir -p "$TREE/labs"
for file in "$ROOT"/*; do [ "${file##*/}" = labs ] || ln -s "$file" "$TREE/"; done
for file in "$ROOT"/labs/*; do
    case ${file##*/} in work | index.tsv) ;; *) ln -s "$file" "$TREE/labs/" ;; esac
done
cp "$ROOT/labs/index.tsv" "$TREE/labs/"

# Prints the paths. A fence ends at one of its own length, for the lab's README has fences in it.
take_out() {
    local line fence='' path=''
    while IFS= read -r line; do
        if [ -z "$fence" ] && [[ $line =~ ^(\`{3,})[a-z]+\ (labs/[A-Za-z0-9/._-]+)$ ]]; then
            fence=${BASH_REMATCH[1]} path=${BASH_REMATCH[2]}
            mkdir -p "$TREE/${path%/*}"
            echo "$path"
        elif [ -n "$fence" ] && [ "$line" = "$fence" ]; then
            fence=''
        elif [ -n "$fence" ]; then
            printf '%s\n' "$line" >>"$TREE/$path"
        fi
    done <"$ROOT/labs/AUTHORING.md"
}
PATHS=$(take_out)
LAB=$TREE/labs/90-who-am-i
is 'the page shows a whole lab' "$(grep -c '^labs/90-who-am-i/' <<<"$PATHS"; grep -cE '/wrong/.*/feedback$' <<<"$PATHS")" $'19\n4'
is 'no line of it is wider than a terminal, but those of tables' "$(LC_ALL=C awk '!/\t/ { gsub(/[\200-\277]/, ""); if (length > 80) print FNR ": " $0 }' "$ROOT/labs/AUTHORING.md")" ''
chmod +x "$LAB/check" "$LAB/observe"
exits 'and it is one that holds' 0 "$TREE/labs/lab" author-check 90 --tap
like 'with its transcripts' "$OUT" '^ok [0-9]+ - .*cat </dev/tcp/'
if have shellcheck; then ok 'its scripts are clean' env -C "$ROOT" shellcheck -x "$LAB/check" "$LAB/observe"
else skip 'its scripts are clean' 'shellcheck is not there (make deps-dev)'; fi
