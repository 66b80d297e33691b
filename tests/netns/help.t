#!/usr/bin/env bash
# help.t - every program explains itself: --help, --version and its man page say the same, and usage errors exit 2.
#
# It takes whatever is in build/bin, so a new program is tested from its first day.
. "$(dirname "$0")/../lib/tap.sh"
export LC_ALL=C # one collation for sort and comm

# help_options FILE: the options of a --help text, one a line, as `--count` or `-c`.
# An option begins a line at column 3 or 7; explanations begin further right.
help_options() {
    sed -nE 's/^ {2}(-[^ -]), (--[a-z0-9-]+).*/\1\n\2/p; s/^ {6}(--[a-z0-9-]+).*/\1/p; s/^ {2}(-[^ -])( .*|$)/\1/p' "$1" | sort
}

# commands FILE: the words of `usage: PROGRAM this|that [options]`, for a program whose options belong to them.
commands() { sed -nE '1s/^usage: [a-z_]+ ([a-z]+(\|[a-z]+)+) .*/\1/p' "$1" | tr '|' '\n'; }

# page_options FILE: the options that a man page (mdoc) lists as items: `.It Fl c , Fl -count Ar N`.
page_options() {
    { grep -E '^\.It .*Fl ' "$1" || true; } | grep -oE 'Fl [^ ,|]+' | sed 's/^Fl /-/' | sort -u
}

# check_program PROGRAM SOURCE
check_program() {
    local program=$1 source=$2 name command
    name=$(basename "$program")

    exits "$name: --help exits 0" 0 "$program" --help
    printf '%s\n' "$OUT" >"$TEST_TMP/help"
    like "$name: --help begins with its usage" "$OUT" "^usage: $name "
    is "$name: --help says nothing on stderr" "$ERR" ""
    is "$name: --help keeps to 80 columns" "$(awk 'length($0) > 80' "$TEST_TMP/help")" ""
    exits "$name: --version exits 0" 0 "$program" --version
    like "$name: --version is one line" "$OUT" "^$name \(echolab\) [0-9.]+$"
    exits "$name: an unknown option exits 2" 2 "$program" --no-such-option
    like "$name: the unknown option is named" "$ERR" "^$name: --no-such-option: unknown option"
    if "$program" --help >/dev/full 2>"$TEST_TMP/err"; then
        fail "$name: --help into a full disk fails"
    else
        like "$name: --help into a full disk fails and says so" "$(<"$TEST_TMP/err")" "^$name: stdout: write: "
    fi

    is "$name: no option stands for two things" "$(help_options "$TEST_TMP/help" | uniq -d)" ""

    local page=${source%.c}.1
    # What differs between the models is no option: one page a protocol, tcp_models.1 and udp_models.1.
    [[ $source != */models/* ]] || page=${source%/*}/${name%%_*}_models.1
    if [ ! -e "$page" ]; then
        fail "$name: has a man page" "there is no ${page#"$ROOT"/}"
        return
    fi
    for command in $(commands "$TEST_TMP/help"); do
        exits "$name $command: --help exits 0" 0 "$program" "$command" --help
        printf '%s\n' "$OUT" >>"$TEST_TMP/help"
    done
    help_options "$TEST_TMP/help" | uniq >"$TEST_TMP/in-help"
    page_options "$page" >"$TEST_TMP/in-page"
    ok "$name: options were found in --help" grep -qx -- --version "$TEST_TMP/in-help"
    is "$name: every option of --help is in the man page" "$(comm -23 "$TEST_TMP/in-help" "$TEST_TMP/in-page")" ""
    is "$name: every option of the man page is in --help" "$(comm -13 "$TEST_TMP/in-help" "$TEST_TMP/in-page")" ""
}

main() {
    local source program found=0
    for source in "$ROOT"/{servers,servers/models,clients,netns}/*.c; do
        program=$BIN/$(basename "$source" .c)
        [ -x "$program" ] || continue
        found=$((found + 1))
        check_program "$program" "$source"
    done
    [ "$found" -gt 0 ] || skip_all "no program is built yet"
}
main
