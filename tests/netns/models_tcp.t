#!/usr/bin/env bash
# models_tcp.t - every TCP model, and tcp_echo_server, echoes alike: bytes, many clients, clients that misbehave.
#
#   tests/netns/models_tcp.t [MODEL…]      only these: iterative, epoll, echo_server …
#
# Partner: models_tcp_ends.t, where servers reach their limits and stop.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/tcp.sh"
. "$ROOT/tests/lib/tcp_models.sh"
have python3 || skip_all "python3 is missing"

MIB=4 # of one transfer; its bytes take the suite's time
[ -z "${ECHOLAB_LONG:-}" ] || MIB=16

check_bytes() {
    local name=$MODEL
    [ "$MODEL" != echo_server ] || name=libevent
    serve "bytes_$MODEL"
    like "$(named "the ready line is exact")" "$(head -n1 "$OUT_FILE")" \
        "^ready proto=tcp listen=127\.0\.0\.1:$PORT model=$name workers=1 pid=$PID\$"
    ok "$(named "0 to 65537 bytes, $MIB MiB, one byte at a time, and 1 MiB behind a half-close come back exactly, then the end")" \
        client whole:0 whole:1 whole:64 whole:65536 whole:65537 whole:1000000 whole:$((MIB << 20)) dribble:300 half_close:$((1 << 20))
    ok "$(named "nine clients were there, and have left")" wait_for 10 counts closed 9
    is "$(named "bytes in and bytes out are equal")" "$(counter bytes_in)" "$(counter bytes_out)"
    is "$(named "and not one is missing")" "$(counter bytes_in)" "$((1 + 64 + 65536 + 65537 + 1000000 + (MIB << 20) + 300 + (1 << 20)))"
    check_leaks
    check_reset
    ok "$(named "an urgent byte is echoed in its place, and those behind it are not forgotten")" client urgent --pid "$PID"
    serve "small_$MODEL" --buffer 7
    ok "$(named "a buffer of 7 bytes changes nothing but the speed")" client whole 50000
}

# On the server of check_bytes.
check_leaks() {
    local before wait=''
    if one_at_a_time; then wait=': the others wait, and'; fi
    before=$(descriptors)
    ok "$(named "200 clients at once$wait are served, and 500 one after the other")" client together:200 reconnect:500
    ok "$(named "they leave no descriptor behind")" wait_for 10 has_descriptors "$before"
    ok "$(named "nor a zombie")" wait_for 10 no_zombies
}

check_reset() {
    ok "$(named "beside three clients that reset mid-stream one is served")" client reset:3000000 reset:3000000 reset:3000000 whole:1000
    ok "$(named "those that reset are counted")" wait_for 10 counts resets 3
    is "$(named "a client that leaves is no error")" "$(counter errors)" 0
}

check_silent() {
    serve "silent_$MODEL"
    hold_client "silent_client_$MODEL" crowd 1
    local patience=10000 knock rc=0 meanwhile
    if one_at_a_time; then patience=300; fi
    start_client "knock_$MODEL" knock "$patience"
    knock=$CLIENT
    wait_for 20 file_has "$TEST_TMP/knock_$MODEL.out" served
    meanwhile=$(<"$TEST_TMP/knock_$MODEL.out")
    if one_at_a_time; then
        is "$(named "beside a silent client a second is not served")" "$meanwhile" served_meanwhile=0
    else
        is "$(named "beside a silent client a second is served")" "$meanwhile" served_meanwhile=1
    fi
    release_client "silent_client_$MODEL"
    wait "$knock" || rc=$?
    is "$(named "when the first has left, at the latest")" "$rc" 0
    kill -STOP "$PID"
    wait_for 10 is_stopped
    kill -CONT "$PID"
    ok "$(named "stopped and continued (its calls may fail with EINTR) it serves on")" client whole 1000
}

# A client that sends without end and never reads. What it may cost: a read buffer, sockets' memory in the kernel, and for io_uring the ring.
check_deaf() {
    serve "deaf_$MODEL" --idle-timeout 2s
    local before after waited late=''
    if one_at_a_time; then late=', after its limit'; fi
    ok "$(named "(warm up)")" client whole:$((MIB << 20)) together:20
    before=$(family_kb)
    start_client "deaf_client_$MODEL" deaf_until_reset
    local deaf=$CLIENT rc=0
    ok "$(named "(a client that never reads is there)")" wait_for 10 counts active 1
    ok "$(named "beside a client that never reads another is served$late")" client whole $((1 << 20))
    after=$(family_kb)
    if instrumented; then
        skip "$(named "and memory stays bounded")" "an instrumented build has other sizes"
    else
        between "$(named "and memory stays bounded: KiB more")" "$((after - before))" -1000000 2500
    fi
    wait "$deaf" || rc=$?
    waited=$(value reset_after_ms "$(<"$TEST_TMP/deaf_client_$MODEL.out")")
    between "$(named "it is reset at the idle limit, not before: ms")" "$waited" 2000 20000
}

check_workers() {
    serve "workers_$MODEL" --workers 2
    like "$(named "two workers are ready")" "$(head -n1 "$OUT_FILE")" ' workers=2 '
    ok "$(named "both serve")" client together:40 whole:$((1 << 20))
    ok "$(named "they add up")" wait_for 10 counts closed 41
    kill -TERM "$PID"
    ends "$(named "two workers drain and exit 0")" 0
}

run_models bytes silent deaf workers -- "$@"
