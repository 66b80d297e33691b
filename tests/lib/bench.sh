# bench.sh - what the tests of echo_bench share. Source it after tap.sh.
# shellcheck shell=bash disable=SC2034 # variables for the script that sources this
BENCH=$BIN/echo_bench

# What all of these ask of each other: one short repetition, no progress.
quick=(--repeat 1 --duration 150ms --warmup 20ms -q)

# jq_is NAME FILTER WANTED: of the document in $OUT.
jq_is() { is "$1" "$(jq -c "$2" <<<"$OUT" 2>&1)" "$3"; }
# jq_ok NAME FILTER: the filter says true.
jq_ok() { jq_is "$1" "$2" true; }
# jq_all NAME FILTER [NAME FILTER]...: jq_ok of each, by one jq, which takes longer to start than to look.
jq_all() {
    local names=() filters='' got i
    while [ $# -gt 0 ]; do
        names+=("$1") filters+="${filters:+, }[try ($2) catch \"\\(.)\"]"
        shift 2
    done
    mapfile -t got < <(jq -c "$filters" <<<"$OUT" 2>&1)
    for i in "${!names[@]}"; do is "${names[i]}" "${got[i]-nothing}" '[true]'; done
}
# whole NAME [NAME FILTER]...: $OUT is one JSON document of version 1, without a number that is none; and jq_all of the others.
whole() {
    jq_all "$1: one whole document" '.format_version == 1 and (.results | type) == "array" and has("error") and has("exit_code")' "${@:2}"
    unlike "$1: no nan, no inf" "$OUT" '[:,[]-?(nan|inf)'
}

# begin OPTION...: a long run in the background, its live lines in $TEST_TMP/live, its document in $TEST_TMP/document; returns in
# its second second. A background job would ignore SIGINT and SIGQUIT, hence env.
begin() {
    rm -f "$TEST_TMP/live" "$TEST_TMP/document"
    env --default-signal=INT,QUIT "$BENCH" tcp --warmup 0 --live --json "$TEST_TMP/document" "$@" >"$TEST_TMP/live" 2>"$TEST_TMP/err" &
    bench=$!
    wait_for 20 file_has "$TEST_TMP/live" '^ +1\.[0-9]s ' || fail "a first second is shown" "$(cat "$TEST_TMP/live" "$TEST_TMP/err")"
}
# ended NAME CODE: it ended by itself, with this exit code; its document in $OUT.
ended() {
    local rc=0
    wait "$bench" || rc=$?
    OUT=$(cat "$TEST_TMP/document" 2>/dev/null || true)
    is "$1: exit $2" "$rc" "$2"
}
