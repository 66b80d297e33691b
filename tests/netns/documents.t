#!/usr/bin/env bash
# documents.t - `--json` of all clients on every exit path, and which exit code it is when several apply.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/client.sh"
. "$ROOT/tests/lib/process.sh"
peers tcp udp-silent

# ---- one document, whatever happens ----
DOCUMENTS=0
: >index
noted() { # CODE PROGRAM WHAT: $OUT is its document; looked at together, at the end
    DOCUMENTS=$((DOCUMENTS + 1))
    printf '%s\n' "$OUT" >document.$DOCUMENTS
    WHATS[DOCUMENTS]="$2: exit $1: $3"
    printf '%s\t%s\t%s\n' "$1" "$2" "document.$DOCUMENTS" >>index
}
path() { # CODE WHAT CMD…: the client's own --json, or as it is given
    local code=$1 what=$2 program=${3##*/}; shift 2
    exits "--json is valid on every exit path: $program: exit $code: $what" "$code" timeout 30 "$@"
    [[ " $* " != *" -m "* && " $* " != *" --stdin "* ]] || OUT=$(tail -n 1 <<<"$ERR") # beside a stream
    noted "$code" "$program" "$what"
}
# stopped CODE WHAT PATTERN CMD…: SIGINT as soon as PATTERN is said by --explain
stopped() {
    local code=$1 what=$2 pattern=$3 program=${4##*/}; shift 3
    exits "--json is valid on every exit path: $program: exit $code: $what" "$code" signalled INT "$pattern" -- "$@" --explain
    noted "$code" "$program" "$what"
}

for proto in tcp udp; do
    client=$BIN/${proto}_echo at=$T silent=$T_SILENT deaf=$T_DEAF
    [ $proto = tcp ] || at=$U silent=$U_SILENT deaf=$U_SILENT
    path 0 "every probe echoed" "$client" --json -c 2 -i 0 "$at"
    path 0 "-m" "$client" --json -m hello "$at"
    path 0 "--stdin without input" "$client" --json --stdin "$at"
    path 0 "--connect-only" "$client" --json --connect-only "$at"
    path 2 "an interface that is not there" "$client" --json -I nosuch0 "$at"
    path 2 "a source that is not ours" "$client" --json --source 192.0.2.7 "$at"
    path 2 "a DNS server by name" "$client" --json --dns-server dns.test x.test
    path 6 "NXDOMAIN" "$client" --json --dns-server "$DNS" nxdomain.test
    path 6 "a silent DNS server" "$client" --json --dns-server "$DNS" -w 300ms silent.test
    path 6 "no DNS server there" "$client" --json --dns-server "$CLOSED" x.test
    path 7 "nobody listens" "$client" --json -c 1 "$CLOSED"
    path 28 "nothing answered by -W" "$client" --json -c 2 -i 0 -W 200ms "$silent"
    path 28 "nothing answered by -w" "$client" --json -w 200ms -W 60 "$silent"
    path 28 "-m, nothing answered" "$client" --json -m hello -W 200ms "$deaf"
    stopped 6 "SIGINT during the lookup" 'silent\.test\? to' "$client" --json --dns-server "$DNS" silent.test
    stopped 0 "SIGINT between probes" 'seq 2: all' "$client" --json -c 0 -i 20ms "$at"
    stopped 28 "SIGINT while waiting" 'send.* = 64' "$client" --json -c 0 -W 60 "$silent"
done
path 1 "a byte changed" "$TCP" --json -c 3 -i 0 "$T_CORRUPT"
path 1 "reset by the peer" "$TCP" --json -c 3 -i 0 "$T_RESET"
path 1 "closed by the peer" "$TCP" --json -c 3 -i 0 "$T_CLOSE"
path 1 "-m, closed by the peer" "$TCP" --json -m "$(printf '%064d' 0)" "$T_CLOSE"
path 28 "no answer to connect" "$TCP" --json --connect-timeout 300ms "$T_FULL"
stopped 7 "SIGINT while connecting" 'EINPROGRESS' "$TCP" --json --connect-timeout 60 "$T_FULL"
udp_peer echo drop echo; path 1 "one lost" "$UDP" --json -c 3 -i 20ms -W 400ms "$LISTEN"
udp_peer late:0.5 echo; path 1 "one late" "$UDP" --json -c 2 -i 1 -W 200ms "$LISTEN"
udp_peer corrupt echo; path 1 "one corrupt" "$UDP" --json -c 2 -i 20ms "$LISTEN"
udp_peer dup swap echo; path 0 "one twice, two reordered" "$UDP" --json -c 3 -i 20ms "$LISTEN"
path 2 "too large for a datagram" "$UDP" --json -c 1 -s 65508 "$U"
path 2 "standard input is a directory" bash -c '"$@" </' - "$UDP" --json --stdin "$U"
path 0 "unconnected" "$UDP" --json --no-connect -c 1 "$U"
path 28 "unconnected, nobody listens" "$UDP" --json --no-connect -c 1 -W 200ms "$CLOSED"

path 0 "found" "$RESOLVE" --json --dns-server "$DNS" good.test localhost
for name in servfail refused nxdomain nodata loop pointers reflected; do path 6 $name "$RESOLVE" --json --dns-server "$DNS" good.test $name.test; done
path 6 "silent" "$RESOLVE" --json --dns-server "$DNS" -w 200ms silent.test
path 6 "nobody there" "$RESOLVE" --json --dns-server "$CLOSED" x.test
stopped 6 "SIGINT" 'silent\.test\? to' "$RESOLVE" --json --dns-server "$DNS" silent.test good.test

bench() { path "$1" "$2" "$BENCH" "$3" "${QUICK[@]}" --json - "${@:4}"; }
bench 0 "tcp" tcp "$T"
bench 0 "udp" udp "$U"
bench 0 "connect" connect "$T"
bench 1 "a byte changed" tcp "$T_CORRUPT"
bench 1 "reset by the peer" tcp "$T_RESET"
bench 2 "a source that is not ours" tcp --source 192.0.2.7 "$T"
bench 2 "a host that cannot be one" tcp 'a b'
bench 6 "NXDOMAIN" tcp --dns-server "$DNS" nxdomain.test
bench 7 "nobody listens" tcp "$CLOSED"
bench 7 "nobody listens, over UDP" udp "$CLOSED"
bench 28 "nothing answered" udp -W 100ms "$U_SILENT"
bench 28 "no answer to connect" tcp --connect-timeout 300ms "$T_FULL"
exits "--json is valid on every exit path: echo_bench: exit 0: SIGINT" 0 signalled INT 'repetition 1 of 1, 1' -- "$BENCH" tcp --duration 60s --warmup 0 --repeat 1 --json - "$T"
noted 0 echo_bench SIGINT

# A usage error is told before there is anything to tell a document of: one line on stderr, and nothing else.
while read -r program rest; do
    # shellcheck disable=SC2086 # several words
    exits "--json is valid on every exit path: $program $rest: a usage error is exit 2" 2 "$BIN/$program" $rest
    is "--json is valid on every exit path: $program $rest: and one line on stderr alone" "$OUT $(wc -l <<<"$ERR")" " 1"
done <<'USAGE'
tcp_echo --json --csv 127.0.0.1
tcp_echo --json -c x 127.0.0.1
udp_echo --json 127.0.0.1:0
udp_echo --json
echo_resolve --json a..b
echo_bench tcp --json - --bogus 127.0.0.1
USAGE
number=0
while IFS= read -r fault; do
    number=$((number + 1))
    is "--json is valid on every exit path: ${WHATS[number]}" "$fault" ok
done < <(python3 -S "$ROOT/tests/lib/documents.py" index)
is "--json is valid on every exit path: all documents were looked at" "$number" "$DOCUMENTS"
for program in tcp_echo udp_echo echo_resolve echo_bench; do
    codes=$(awk -F'\t' -v p=$program '$2 == p { print $1 }' index | sort -un | xargs)
    wanted=$(sed -nE '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It ([0-9]+)$/\1/p' "$ROOT/clients/$program.1" | sort -un | xargs)
    [ $program != echo_resolve ] || codes="0 2 6" # its 2 is a usage error, or output that nobody got
    is "--json is valid on every exit path: $program: every exit code of its man page was reached" "$codes" "$wanted"
done

# ---- of several exit codes the first: 2, 6, 7, 28, 1, 0 ----
full() { "$@" >/dev/full; }
exits "precedence: 2 before 6" 2 full "$TCP" --json --dns-server "$DNS" nxdomain.test
exits "precedence: 2 before 7" 2 full "$TCP" --json "$CLOSED"
exits "precedence: 2 before 28" 2 full "$UDP" -c 1 -W 100ms "$U_SILENT"
exits "precedence: 6 before 28: the deadline cut the lookup off" 6 "$UDP" --dns-server "$DNS" -w 200ms silent.test
exits "precedence: 6 of one name before 0 of another" 6 "$RESOLVE" -q --dns-server "$DNS" nxdomain.test good.test
udp_peer late:0.5 drop; exits "precedence: 28 before 1: one late, one lost, none in time" 28 "$UDP" -c 2 -i 20ms -W 200ms "$LISTEN"
udp_peer corrupt drop; exits "precedence: a corrupt echo is an answer: 1" 1 "$UDP" -c 2 -i 20ms -W 200ms "$LISTEN"
exits "precedence: of two servers the worse: 7" 7 "$BENCH" tcp "${QUICK[@]}" "$T" "$CLOSED"
