#!/usr/bin/env bash
# replay.t - every input that a fuzzer has kept, once more: no crash, no hang, no sanitizer report, every property holds.
#
# The harnesses are linked with replay.c instead of libFuzzer (make fuzz-harnesses). The inputs are real ones, those that took
# a new way through the code, and those that once broke something; these have names.
. "$(dirname "$0")/../lib/tap.sh"
# They are beside the programs of their variant: build/plain/fuzz for build/bin, build/asan-ubsan/fuzz for build/asan-ubsan/bin.
harnesses=${BIN%/bin}/fuzz
[ "${ECHOLAB_VARIANT:-plain}" != plain ] || harnesses=${BIN%/bin}/plain/fuzz
export TMPDIR=$TEST_TMP

# replay NAME INPUTS: all inputs of one harness, each of which must have been tried.
replay() {
    local tried
    tried=$("$harnesses/$1" "$ROOT/tests/fuzz/corpus/$1") || return
    [ "$tried" = "$2" ] || { echo "only $tried of $2 inputs were tried"; return 1; }
}

sources=("$ROOT"/tests/fuzz/fuzz_*.c)
plan $((${#sources[@]} + 1))
for source in "${sources[@]}"; do
    name=${source##*/fuzz_} name=${name%.c}
    inputs=$(find "$ROOT/tests/fuzz/corpus/$name" -type f | wc -l)
    ok "every parser is fuzzed: $name, $inputs inputs" replay "$name" "$inputs"
done

is "no corpus is without its harness" \
    "$(for corpus in "$ROOT"/tests/fuzz/corpus/*; do [ -f "$ROOT/tests/fuzz/fuzz_${corpus##*/}.c" ] || echo "$corpus"; done)" ""
