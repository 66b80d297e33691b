#!/usr/bin/env bash
# udp_spoofed.t - a million forged sources (ECHOLAB_LONG=1; else a fifth of that): the table of rates, the process and an honest client meanwhile.
#
# Once every buffer and every place of the table is used, which 30,000 sources see to, nothing may grow.
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/lib/udp_abuse.sh
. "$ROOT/tests/lib/udp_abuse.sh"
abuse_world

many_sources() { # WORKERS ADDRESS FIRST_SOURCE COUNT [OPTION…]
    local workers=$1 address=$2 first=$3 count=$4 name="a million spoofed sources" before after
    shift 4
    serve_udp_on server "many$workers" --listen '*:7007' --workers "$workers" "$@"
    forge "$first" 30000 40000 64 "$address" 7007 0 30000
    exits "(quiet, with $workers workers)" 0 on client "$UDP" --json -c 50 -i 5ms $S
    QUIET=$(json rtt_ms.p99)
    before=$(memory)
    honest
    forge "$first" "$count" 40000 64 "$address" 7007 0 "$count"
    after=$(memory)
    honest_end
    stats
    diag "$workers workers: $SENT sources in $MS ms ($RATE/s), answered $(counter replied); resident before $before KiB, after $after KiB"
    between "$name: $count of them, or as many as go in 20 s, $workers workers" "$SENT" 100000 "$count"
    ok "$name: the process is as large as before, $workers workers" test "$after" -le $((before + 64 * workers))
}
ALL=200000
[ -z "${ECHOLAB_LONG:-}" ] || ALL=1000000
many_sources 1 $S 20.0.0.1 $ALL
# At such a rate the limit for all is used up, and everybody shares what there is.
diag "honest client meanwhile: $(json counts), p99 $(json rtt_ms.p99) ms (quiet: $QUIET ms)"
ok "a million spoofed sources: an honest client is answered" test "$(json received)" -ge $(($(json sent) / 10))
stop many1
many_sources 2 $S6 2001:db8:: 100000 --rate 0
unharmed "a million spoofed sources: an honest client is answered, networks of IPv6 and no limit for all"
stop many2

all_bytes "answered bytes never exceed received bytes"
