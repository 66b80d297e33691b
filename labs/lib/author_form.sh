# author_form.sh - what must be there in a lab's folder, and how long it may be: the claims of author.sh that need no run.
#
# Sourced. Uses $ROOT, $BIN, the lab's $ID, $SLUG and $LAB (its folder), and `claim NAME FAULTS`. Each function prints what is at
# fault, a line each, and nothing when all is well.
# shellcheck shell=bash

missing_files() {
    local file
    for file in README.md predict.tsv observe check start/Makefile hints/1.md hints/2.md hints/3.md solution/NOTES.md; do
        [ -s "$LAB/$file" ] || echo "$file is missing or empty"
    done
    for file in observe check; do [ -x "$LAB/$file" ] || echo "$file is not executable"; done
    if [ ! -s "$LAB/topology" ] && grep -qE '^\$ (\./)?labs/lab (up|run|enter)' "$LAB/README.md"; then echo "topology is missing: the README has commands for a lab network"; fi
    awk -F '\t' -v id="$ID" -v slug="${SLUG#*-}" '$1 == id && $2 == slug && $5 ~ /^[0-9]+$/ { found = 1 }
        END { if (!found) print "index.tsv has no line with this number and slug, and minutes that are a number" }' "$ROOT/labs/index.tsv"
}

# Its length without the code blocks, and no line wider than a terminal, tables apart (they cannot be wrapped).
readme_form() {
    local line fence='' words=0 number=0 of_line
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        [ ${#line} -le 80 ] || [[ -z $fence && $line = '|'* ]] || echo "README.md:$number: ${#line} columns, of 80"
        if [[ $line = '```'* ]]; then
            if [ -n "$fence" ]; then fence=''; else fence=yes; fi
        elif [ -z "$fence" ]; then
            read -ra of_line <<<"$line"
            words=$((words + ${#of_line[@]}))
        fi
    done <"$LAB/README.md"
    [ $words -ge 600 ] && [ $words -le 1500 ] || echo "$words words of prose, of 600 to 1500"
}

# Each mark of the starter is told of in the README or the hints (TODO(04-1) … TODO(04-3) tells of the second too), and none is left over.
todo_marks() {
    local marks told mark
    marks=$(grep -rohE 'TODO\([0-9]+-[0-9a-z]+\)' "$LAB/start" | sort -u || true)
    told=$(cat "$LAB/README.md" "$LAB"/hints/*.md 2>/dev/null | tr '\n`' '  ' | grep -oE "TODO\($ID-[0-9]+\) *(…|to|-|–|\.\.\.) *TODO\($ID-[0-9]+\)|TODO\([0-9]+-[0-9a-z]+\)" |
        while IFS= read -r mark; do
            if [[ $mark =~ -([0-9]+)\).*-([0-9]+)\)$ ]]; then seq -f "TODO($ID-%.0f)" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"; else echo "$mark"; fi
        done | sort -u || true)
    [ -n "$marks" ] || echo "start/ has no TODO($ID-…) mark"
    comm -23 <(echo "$marks") <(echo "$told") | sed 's/.\{1,\}/start has &, and neither README nor hints tell of it/'
    comm -13 <(echo "$marks") <(echo "$told") | sed 's/.\{1,\}/README or hints tell of &, which is not in start/'
    grep -nE 'TODO\([0-9]+-' -r "$LAB/solution" --include='*.c' --include='*.sh' | sed "s|^$LAB/|left over: |" || true
}

solution_size() {
    local file
    for file in "$LAB"/solution/*; do
        case $file in *.md) continue ;; esac
        awk -v name="solution/${file##*/}" 'END { if (NR > 200) print name ": " NR " lines, of 200" }' "$file"
    done
}

wrong_form() {
    local wrong count=0
    for wrong in "$LAB"/wrong/*/; do
        [ -d "$wrong" ] || continue
        count=$((count + 1))
        [ -s "$wrong/mistake.patch" ] || echo "wrong/$(basename "$wrong"): mistake.patch is missing"
        [ -s "$wrong/feedback" ] || echo "wrong/$(basename "$wrong"): feedback is missing"
    done
    [ $count -ge 3 ] || echo "$count wrong answers, of at least 3"
}

# What this lab cites as `path [#name]` stands in a comment somewhere. (That anchors are unique is the lint's business.)
lost_anchors() {
    comm -23 <(grep -rohE '\[#[a-z0-9-]+\]' "$LAB"/README.md "$LAB"/hints "$LAB"/solution/NOTES.md 2>/dev/null | sort -u) \
        <(grep -rohE --include='*.[ch]' --include='*.sh' --include='*.t' --include=net --include=lab --include=check '\[#[a-z0-9-]+\]' \
            "$ROOT"/{lib,servers,clients,netns,tests,labs/lib,labs/lab} "$LAB" | sort -u) | sed 's/$/ is nowhere/'
}

check_form() {
    claim "lab $ID: the files are there" "$(missing_files)"
    claim "lab $ID: README.md has its length and fits a terminal" "$(readme_form)"
    claim "lab $ID: predictions have their form and are reconciled in README.md" "$("$BIN/lab_predict" lint "$LAB/predict.tsv" "$LAB/README.md" 2>&1 || true)"
    claim "lab $ID: TODO marks and what is told of them agree" "$(todo_marks)"
    claim "lab $ID: no file of the solution is longer than 200 lines" "$(solution_size)"
    claim "lab $ID: at least three wrong answers, each with its feedback" "$(wrong_form)"
    claim "lab $ID: every anchor that is cited is somewhere" "$(lost_anchors)"
}
