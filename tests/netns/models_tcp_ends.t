#!/usr/bin/env bash
# models_tcp_ends.t - every TCP model, and tcp_echo_server, at its limits and at its end: too many clients, idle ones, signals, addresses.
#
#   tests/netns/models_tcp_ends.t [MODEL…]      only these: iterative, epoll, echo_server …
#
# Partner: models_tcp.t, the echo itself.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/tcp.sh"
. "$ROOT/tests/lib/tcp_models.sh"
have python3 || skip_all "python3 is missing"

# All descriptors in use: those who are in are served, those outside are told, nothing spins, and it recovers.
check_descriptors() {
    serve_with_descriptors "few_$MODEL" 24
    if one_at_a_time; then
        ok "$(named "24 descriptors are enough for one client at a time")" client together 30
        return
    fi
    hold_client "few_clients_$MODEL" crowd 30
    local line echoed before spent
    line=$(<"$TEST_TMP/few_clients_$MODEL.out")
    echoed=$(value echoed "$line")
    if [ "$MODEL" = fork ]; then
        is "$(named "each child has descriptors of its own: 24 are enough for 30 clients")" "$echoed" 30
    else
        between "$(named "with 24 descriptors some of 30 are clients")" "$echoed" 4 23
        is "$(named "each of the others was turned away")" "$(value turned_away "$line")" "$((30 - echoed))"
        stats
        is "$(named "and counted")" "$(counter rejected_descriptors)" "$((30 - echoed))"
    fi
    before=$(cpu_ticks)
    read -rt 0.5 <>"$NOTHING" || true # half a second of its CPU time is what is measured, not waited for
    spent=$(($(cpu_ticks) - before))
    between "$(named "the server does not spin: ticks of CPU in half a second")" "$spent" 0 12
    release_client "few_clients_$MODEL"
    is "$(named "a connected client is served to the end")" "$RC" 0
    ok "$(named "and new clients are served again")" wait_for 10 client whole 100
}

# It is stopped short of descriptors altogether, so that it gives its reserve up for a client and cannot have it back; then there are
# some again. --no-sandbox: as another user it would not let us set its limit.
check_reserve() {
    [[ $MODEL =~ ^(poll|epoll|epoll_edge|bufferevent|echo_server)$ ]] || return 0 # those that accept as often as they like
    have prlimit || { skip "$(named "the descriptor in reserve")" "prlimit is missing"; return 0; }
    serve "reserve_$MODEL" --no-sandbox
    local before rc=0
    ok "$(named "(warm up)")" client whole 1
    wait_for 10 counts closed 1
    before=$(descriptors)
    prlimit --pid "$PID" --nofile=4:
    start_client "reserve_client_$MODEL" whole 1
    ok "$(named "without descriptors it gives up the one in reserve")" wait_for 10 has_descriptors $((before - 1))
    prlimit --pid "$PID" --nofile=100:
    wait "$CLIENT" || rc=$?
    is "$(named "with descriptors again the client is served")" "$rc" 0
    ok "$(named "and there is one in reserve again")" wait_for 10 has_descriptors "$before"
}

check_full() {
    serve "single_$MODEL" --max-connections 1
    ok "$(named "--max-connections 1: who comes when the last one has left is never too many")" client reconnect 300
    one_at_a_time && return 0 # one client is never too many
    serve "full_$MODEL" --max-connections 3
    hold_client "full_clients_$MODEL" crowd 5
    is "$(named "--max-connections 3 of 5")" "$(<"$TEST_TMP/full_clients_$MODEL.out")" "echoed=3 turned_away=2"
    stats
    is "$(named "those turned away are counted")" "$(counter rejected_full)" 2
    release_client "full_clients_$MODEL"
    ok "$(named "a place that was left is taken again")" wait_for 10 client whole 100
}

check_idle() {
    local counted=timed_out
    is_model || counted=timed_out_idle
    serve "idle_$MODEL" --idle-timeout 300ms
    between "$(named "an idle client is closed at its limit, not before: ms")" "$(value closed_after_ms "$(client silent)")" 300 10000
    ok "$(named "and counted")" wait_for 10 counts "$counted" 1
    is "$(named "and nobody is there")" "$(counter active)" 0
}

check_drain() {
    serve "drain_$MODEL"
    one_at_a_time || hold_client "quiet_$MODEL" crowd 3
    start_client "transfer_$MODEL" transfer 8
    local transfer=$CLIENT rc=0 others=3
    if one_at_a_time; then others=0; fi
    wait_for 10 file_has "$TEST_TMP/transfer_$MODEL.out" started
    kill -TERM "$PID"
    wait "$transfer" || rc=$?
    is "$(named "a transfer under way is echoed to its end")" "$rc $(tail -n1 "$TEST_TMP/transfer_$MODEL.out")" "0 bytes=524288"
    ends "$(named "then the server exits 0")" 0
    like "$(named "and prints its statistics")" "$(tail -n1 "$OUT_FILE")" \
        "\"stats\":\"exit\".*\"accepted\":$((others + 1)),\"active\":0,\"closed\":$((others + 1)),"
    unlike "$(named "where none of them counts as timed out")" "$(tail -n1 "$OUT_FILE")" '"timed_out[a-z_]*":[1-9]'
    [ $others = 0 ] || release_client "quiet_$MODEL" # it finds its quiet connections closed
}

check_signals() {
    local killed
    serve "forced_$MODEL" --drain-timeout 60s
    hold_client "deaf2_$MODEL" deaf # it is owed bytes, so it is never quiet
    kill -TERM "$PID"
    ok "$(named "draining, it refuses new clients")" wait_for 10 refused
    killed=$(pgrep -P "$PID" || true)
    kill -TERM "$PID"
    ends "$(named "a second signal ends it with exit 3")" 3
    ok "$(named "and its children with it")" wait_for 10 all_gone "$killed"
    release_client "deaf2_$MODEL"

    serve "late_$MODEL" --drain-timeout 300ms
    hold_client "deaf3_$MODEL" deaf
    kill -INT "$PID"
    ends "$(named "clients left at the drain timeout are cut off: exit 0")" 0
    like "$(named "with a warning")" "$(<"$ERR_FILE")" 'drain: not finished in time'
    release_client "deaf3_$MODEL"

    serve "alone_$MODEL" --drain-timeout 20s
    kill -TERM "$PID"
    ok "$(named "without a client it ends at once, however long a drain may last")" wait_for 10 gone "$PID"
    ends "$(named "and exits 0")" 0
}
all_gone() { local pid; for pid in $1; do gone "$pid" || return 1; done; }

# A server that is killed leaves nobody behind who goes on serving.
check_killed() {
    local children
    serve "killed_$MODEL"
    hold_client "killed_clients_$MODEL" crowd 1
    children=$(pgrep -P "$PID" || true)
    [ "$MODEL" != fork ] || is "$(named "one client is one child")" "$(wc -w <<<"$children")" 1
    kill -KILL "$PID"
    wait "$PID" 2>"$TEST_TMP/killed" || true # where bash writes "Killed"
    ok "$(named "killed, it leaves no process")" wait_for 10 all_gone "$children"
    release_client "killed_clients_$MODEL"
}

check_addresses() {
    if one_socket; then
        exits "$(named "several addresses are refused")" 1 "$SERVER" --listen 127.0.0.1:0 --listen 127.0.0.2:0
        like "$(named "with the reason")" "$ERR" "--listen: this model waits on one socket, and these are 2 addresses"
    else
        serve "two_$MODEL" --listen 127.0.0.2:0
        ok "$(named "the first of two addresses serves")" client whole 100
        PORT=$(sed -nE '1s/.*,127\.0\.0\.2:([0-9]+) .*/\1/p' "$OUT_FILE")
        ok "$(named "the second of two addresses serves")" client whole 100 --host 127.0.0.2
    fi
    if grep -q '^0*1 ' /proc/net/if_inet6 2>/dev/null; then
        start_server "six_$MODEL" "$SERVER" --listen '[::1]:0'
        PORT=${LISTEN##*:}
        ok "$(named "--listen [::1] serves")" client whole 100 --host ::1
    else
        skip "$(named "--listen [::1] serves")" "there is no ::1 here"
    fi
    is_model || return 0
    exits "$(named "an address that others can reach is refused")" 1 "$SERVER" --listen 0.0.0.0:0
    like "$(named "with the way out")" "$ERR" "--listen 0\.0\.0\.0:[0-9]+: .* \(--anywhere, in a lab network; or tcp_echo_server\)"
    start_server "any_$MODEL" "$SERVER" --listen 0.0.0.0:0 --anywhere
    PORT=${LISTEN##*:}
    ok "$(named "--anywhere serves there")" client whole 100
}

run_models descriptors reserve full idle drain signals killed addresses -- "$@"
