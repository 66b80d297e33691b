# doctor.sh - `net doctor`: what this machine can do, found out by doing it.
#
# Each feature is tried, in namespaces that are thrown away; a version number or a file in /proc
# proves nothing. A verdict is one line:
#   OK    it works
#   FIX   it does not, and this one command may help
#   SKIP  it does not, and why; the rest works without
# The exit code is 0 exactly if `net up` can work. Nothing on the machine is changed: commands are
# printed, never run. This half uses builtins only, so that it can say so when a program as basic as
# unshare(1) is missing.
# Partner: doctor_inside.sh, the half that runs in the throw-away namespaces.
# shellcheck shell=bash

DOCTOR_BROKEN=0 # required things that do not work

verdict() { # OK|FIX|SKIP NAME TEXT [COMMAND]
    printf '%-5s %-17s %s\n' "$1" "$2" "$3"
    [ -z "${4:-}" ] || printf '%-23s   $ %s\n' '' "$4"
}
broken() { DOCTOR_BROKEN=$((DOCTOR_BROKEN + 1)); verdict FIX "$@"; }
as_root() { if [ "$EUID" -eq 0 ]; then echo "$*"; else echo "sudo $*"; fi; }
has() { [ -n "$(type -P "$1")" ]; }
setting() { # PATH under /proc/sys: its value, nothing when the kernel has no such setting
    local value=''
    if [ -r "/proc/sys/$1" ]; then read -r value <"/proc/sys/$1" || true; fi
    echo "$value"
}

# A program, and the Debian package that has it.
doctor_program() { # required|optional PROGRAM PACKAGE PURPOSE
    local where
    where=$(type -P "$2") || where=''
    if [ -n "$where" ]; then
        verdict OK "$2" "$where"
    elif [ "$1" = required ]; then
        broken "$2" "not found; $4" "$(as_root apt-get install "$3")"
    else
        verdict SKIP "$2" "not found (package $3): no $4"
    fi
}

# A command is started with the signals as a terminal's shell would give them.
doctor_env() {
    if has env && ! env --default-signal=INT "$BASH" -c : 2>/dev/null; then
        broken env "has no --default-signal, so signals could not reach a command (coreutils 8.31 has it)" \
            "$(as_root apt-get install coreutils)"
    else
        doctor_program required env coreutils "gives a command its signals back"
    fi
}

doctor_programs() {
    doctor_program required unshare util-linux "makes the namespaces"
    doctor_program required nsenter util-linux "enters them"
    doctor_program required setpriv util-linux "ends a command with the one that started it"
    doctor_program required flock util-linux "tells a living world from a dead one"
    doctor_program required setsid util-linux "takes the world off this terminal"
    doctor_program required mount mount "gives the world its own /run and /etc"
    doctor_program required getent libc-bin "asks whether names are answered"
    doctor_program required ip iproute2 "makes hosts and links"
    doctor_program required iptables-restore iptables "logs the packets"
    doctor_program required ip6tables-restore iptables "logs the packets of IPv6"
    doctor_program required dnsmasq dnsmasq-base "answers names"
    doctor_env
    if [ -n "$(program packet_log)" ]; then
        verdict OK packet_log "$(program packet_log)"
    else
        verdict FIX packet_log "not built: worlds work, but net log has nothing to show" "make"
    fi
    doctor_program optional ping inetutils-ping "first sign of life"
    doctor_program optional strace strace "system calls beside the packets"
    doctor_program optional dumpcap wireshark-common "capture for Wireshark"
}

# Why an ordinary user may not make a user namespace: the switches that distributions have for it.
doctor_user_namespaces() {
    local said name="user namespaces" rc=0
    has unshare || { verdict SKIP "$name" "cannot be tried without unshare"; return; }
    said=$(unshare --user --map-root-user "$BASH" -c : 2>&1) || rc=$?
    if [ $rc -eq 0 ]; then
        verdict OK "$name" "an own one can be made"
    elif [ "$DOCTOR_MODE" = root ]; then
        verdict SKIP "$name" "refused ($said); root does not need one"
    elif [ "$(setting user/max_user_namespaces)" = 0 ]; then
        broken "$name" "user.max_user_namespaces is 0" "$(as_root sysctl -w user.max_user_namespaces=15000)"
    elif [ "$(setting kernel/unprivileged_userns_clone)" = 0 ]; then
        broken "$name" "only for root on this kernel" "$(as_root sysctl -w kernel.unprivileged_userns_clone=1)"
    elif [ "$(setting kernel/apparmor_restrict_unprivileged_userns)" = 1 ]; then
        doctor_apparmor "$name"
    else
        broken "$name" "refused ($said)" "$(doctor_container)"
    fi
}

# Refused without a switch that says so: for an ordinary user, root may do it; for root, this is a
# container that hides it.
doctor_container() {
    if [ "$EUID" -ne 0 ]; then echo "sudo $SELF doctor"; else echo "docker run --privileged ... (or run on the machine itself)"; fi
}

doctor_apparmor() { # NAME
    broken "$1" "AppArmor lets ordinary users have no privileges in them (Ubuntu's default since 23.10)" \
        "$(as_root sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)"
}

# What doctor_inside.sh found out: lines of "NAME ok" or "NAME no REASON". A feature that fails or
# could not be tried because of something that was already reported is a SKIP: its own command would
# not help.
doctor_features() {
    local name result reason refused=''
    local -A ok=() why=()
    local -a flags=(--mount --net --pid --uts --fork --kill-child)
    if has unshare && has timeout; then
        [ "$DOCTOR_MODE" = root ] || flags+=(--user --map-root-user)
        while read -r name result reason; do
            case $name:$result in
            unshare:*) refused="$result $reason" ;;
            *:ok) ok[$name]=yes ;;
            *:no) why[$name]=$reason ;;
            esac
        done < <(PACKET_LOG=$(program packet_log) timeout --foreground --signal=KILL 30 unshare "${flags[@]}" -- \
            "$BASH" "$HERE/doctor_inside.sh" 2>&1 </dev/null || true)
    fi
    if [ -z "${ok[proc]:-}" ] && [ "$DOCTOR_MODE" = rootless ] && [ "$(setting kernel/apparmor_restrict_unprivileged_userns)" = 1 ]; then
        doctor_apparmor namespaces
    elif [ -n "$refused" ] && [ $DOCTOR_BROKEN -eq 0 ]; then
        broken namespaces "refused ($refused)" "$(doctor_container)"
    fi
    local before=$DOCTOR_BROKEN
    for name in proc tmpfs overlay netns veth bridge gso ipv6 multiport NFLOG NFLOG6 dns; do
        if [ -n "${ok[$name]:-}" ]; then
            verdict OK "$name" "$(doctor_meaning "$name")"
        elif [ "$before" -gt 0 ]; then
            verdict SKIP "$name" "$(doctor_meaning "$name"): can be told when the above is fixed"
        else
            broken "$name" "$(doctor_meaning "$name"): ${why[$name]:-not reached}" "$(doctor_help "$name")"
        fi
    done
    for name in collect LOG NFQUEUE ping6 capture trace; do
        if [ -n "${ok[$name]:-}" ]; then
            verdict OK "$name" "$(doctor_meaning "$name")"
        else
            verdict SKIP "$name" "$(doctor_meaning "$name"): ${why[$name]:-can be told when the above is fixed}"
        fi
    done
}

doctor_meaning() {
    case $1 in
    proc) echo "pid namespace with a /proc of its own" ;;
    tmpfs) echo "a /run of its own" ;;
    overlay) echo "overlay on /etc" ;;
    netns) echo "named network namespaces" ;;
    veth) echo "links" ;;
    bridge) echo "switches" ;;
    gso) echo "segmentation offload can be switched off" ;;
    ipv6) echo "IPv6 addresses" ;;
    multiport) echo "iptables, and its multiport match" ;;
    NFLOG) echo "iptables logs to a program" ;;
    NFLOG6) echo "ip6tables does" ;;
    dns) echo "dnsmasq answers" ;;
    collect) echo "packet_log hears what iptables logs" ;;
    LOG) echo "iptables can log to the kernel's ring buffer" ;;
    NFQUEUE) echo "iptables can hand packets to a program (faults)" ;;
    ping6) echo "echo on ::1" ;;
    capture) echo "dumpcap can capture" ;;
    trace) echo "strace can trace" ;;
    esac
}

doctor_help() {
    case $1 in
    veth | bridge) as_root modprobe "$1" ;;
    overlay) as_root modprobe overlay ;;
    multiport) as_root modprobe xt_multiport ;;
    NFLOG | NFLOG6) as_root modprobe -a xt_NFLOG nfnetlink_log ;;
    ipv6) as_root sysctl -w net.ipv6.conf.all.disable_ipv6=0 ;;
    dns) as_root apt-get install dnsmasq-base ;;
    *) as_root "$SELF doctor" ;;
    esac
}

# The kernel's own log is for LOG only, which nothing here needs.
doctor_kernel_log() {
    case $(setting net/netfilter/nf_log_all_netns) in
    1) verdict OK "kernel log" "LOG rules of worlds reach dmesg" ;;
    0) verdict SKIP "kernel log" "LOG rules of worlds do not reach dmesg; net log does not need it (sysctl -w net.netfilter.nf_log_all_netns=1)" ;;
    *) verdict SKIP "kernel log" "no setting net.netfilter.nf_log_all_netns here; net log does not need it" ;;
    esac
}

cmd_doctor() {
    [ $# -eq 0 ] || die "doctor: takes no operand"
    DOCTOR_MODE=$(world_mode)
    doctor_programs
    doctor_user_namespaces
    doctor_features
    doctor_kernel_log
    echo
    if [ $DOCTOR_BROKEN -eq 0 ]; then
        echo "net up works here, in mode $DOCTOR_MODE."
    else
        echo "net up cannot work here yet: $DOCTOR_BROKEN of the above must be fixed first."
        return 1
    fi
}
