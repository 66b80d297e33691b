# process.sh - what the tests of programs as processes share: peers for every exit code, and signals. Source it after client.sh.
# shellcheck shell=bash disable=SC2034 # variables for the script that sources this
RESOLVE=$BIN/echo_resolve BENCH=$BIN/echo_bench
QUICK=(-q --duration 100ms --warmup 0 --repeat 1)
cd "$TEST_TMP" || exit 1 # nothing that a program might write lands in the tree
CLOSED=127.0.0.1:$(python3 -S -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')

# peers [tcp] [udp-silent]: our servers T and U, a DNS server DNS (tests/lib/dns_peer.py), and those that misbehave.
peers() {
    start_server te "$BIN/tcp_echo_server" --listen 127.0.0.1:0; T=$LISTEN
    start_server ue "$BIN/udp_echo_server" --listen 127.0.0.1:0; U=$LISTEN
    start_server dns python3 -S "$ROOT/tests/lib/dns_peer.py" 127.0.0.1; DNS=$LISTEN
    if [[ " $* " = *" tcp "* ]]; then
        start_server tcp-peers python3 -S "$PEER" tcp 127.0.0.1:0 silent corrupt:70 reset:96 close:32 full deaf
        IFS=, read -r T_SILENT T_CORRUPT T_RESET T_CLOSE T_FULL T_DEAF < <(sed -nE '1s/.* listen=//p' tcp-peers.out)
    fi
    if [[ " $* " = *" udp-silent "* ]]; then peer udp-silent udp drop; U_SILENT=$LISTEN; fi
}
U_PEERS=0
udp_peer() { U_PEERS=$((U_PEERS + 1)); peer udp-$U_PEERS udp "$@"; } # one run each: what it does is counted in datagrams

# signalled SIGNALS PATTERN -- CMD: the first signal once PATTERN is in its output (stdout and stderr), one behind SIGQUIT when
# the run has gone on; it ends by itself.
signalled() {
    local signals=$1 pattern=$2 pid rc=0 signal; shift 3
    rm -f live live.err
    "$@" >live 2>live.err & pid=$!
    wait_for 20 started "$pattern" || { kill -KILL $pid; return 99; }
    for signal in $signals; do
        kill -"$signal" $pid
        [ "$signal" != QUIT ] || wait_for 20 went_on || { kill -KILL $pid; return 98; }
    done
    wait $pid || rc=$?
    cat live; cat live.err >&2
    return $rc
}
# went_on: the interim summary, INTERIM, is there, and something came after it, AFTER.
went_on() { cat live live.err | sed -E "1,/$INTERIM/d" | grep -E -- "$AFTER" >/dev/null; }
started() { grep -qsE -- "$1" live live.err; }
