# doctor.sh - `lab doctor`: what the labs need of this machine, tried; then which labs can be done here.
#
# Of `net doctor`, which tries everything that a lab network needs, only what does not work is shown here.
# Verdicts are its own: OK, FIX with one command, SKIP with the reason. The exit code is 0 if nothing that a
# lab on loopback needs is to be fixed.
# shellcheck shell=bash

doctor_verdict() { # OK|FIX|SKIP NAME TEXT [COMMAND]
    printf '%-5s %-17s %s\n' "$1" "$2" "$3"
    [ -z "${4:-}" ] || printf '  $ %s\n' "$4"
    [ "$1" != FIX ] || DOCTOR_FIXES=$((DOCTOR_FIXES + 1))
}
install_of() { echo "$([ "$EUID" -eq 0 ] || echo 'sudo ')apt-get install $1"; } # PACKAGE
doctor_has() { # PROGRAM PACKAGE PURPOSE
    local where
    if where=$(type -P "$1"); then doctor_verdict OK "$1" "$where"
    else doctor_verdict FIX "$1" "not found: $3" "$(install_of "$2")"; fi
}

# strace(1) may be there and may not be allowed: in containers, and where kernel.yama.ptrace_scope says so.
doctor_ptrace() {
    local said
    type -P strace >/dev/null || { doctor_verdict SKIP ptrace "can be told when strace is there"; return; }
    if said=$(strace -qq -e trace=none true 2>&1); then doctor_verdict OK ptrace "strace may watch what it starts"
    else doctor_verdict SKIP ptrace "strace may watch nothing here (${said%%$'\n'*}): as in a container; such steps are skipped"; fi
}
# Where another process of one's own waits, /proc tells to who may trace it.
doctor_proc() {
    local pid said
    exec {said}> >(exec cat >/dev/null)
    pid=$!
    if cat "/proc/$pid/syscall" >/dev/null 2>&1; then doctor_verdict OK "/proc/PID/syscall" "tells where another process waits"
    else doctor_verdict SKIP "/proc/PID/syscall" "is closed to this user: such steps are skipped"; fi
    exec {said}>&-
}

doctor_built() {
    local name missing=
    for name in lab_peer lab_predict lab_report lab_transcript lab_watch tcp_echo_server tcp_echo; do
        [ -x "$BIN/$name" ] || type -P "$name" >/dev/null || missing+=" $name"
    done
    if [ -z "$missing" ]; then doctor_verdict OK programs "built"
    else doctor_verdict FIX programs "not built:$missing" "make deps all"; fi
}

doctor_tools() {
    echo "What labs need"
    doctor_has cc gcc "nothing can be built"
    doctor_has make make "nothing can be built"
    doctor_has ss iproute2 "no look at sockets"
    doctor_has strace strace "no look at system calls"
    doctor_ptrace
    doctor_proc
    doctor_built
}

doctor_network() {
    local said fine
    printf '\nLab networks\n'
    said=$("$NET" doctor 2>&1) || true
    fine=$(grep -c '^OK ' <<<"$said") || true
    if world_possible; then doctor_verdict OK networks "can be made here; $fine things tried are as they should be"
    else doctor_verdict SKIP networks "none can be made here: $WORLD_REFUSED"; fi
    # The command of a FIX is on the line below it. What follows from another verdict, what nothing needs and what
    # only root can have is left out.
    awk '/^Root only/ { exit } /^[^ ]/ { show = /^(FIX|SKIP) / && !/can be told when|nothing here needs|does not need/ } show && NF' <<<"$said"
    say "All that was tried: $(shown "$NET") doctor"
}

doctor_labs() {
    local id
    printf '\nLabs\n'
    for id in "${ORDER[@]}"; do
        if [ "${NEEDS[$id]}" = world ] && ! world_possible; then
            doctor_verdict SKIP "lab $id" "${TITLE[$id]}: what needs a lab network in it is skipped"
        elif [ "${NEEDS[$id]}" = world ]; then doctor_verdict OK "lab $id" "${TITLE[$id]} (lab network)"
        else doctor_verdict OK "lab $id" "${TITLE[$id]}"; fi
    done
}

cmd_doctor() {
    local said rc=0
    no_operands "$@"
    DOCTOR_FIXES=0
    if [ ! -x "$BIN/lab_report" ]; then # no lab can be read yet, and no line wrapped; but what is missing can be told
        doctor_tools
        return 1
    fi
    load
    said=$(doctor_tools; doctor_network; doctor_labs; [ "$DOCTOR_FIXES" -eq 0 ]) || rc=1
    helper fold <<<"$said"
    return $rc
}
