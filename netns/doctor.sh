# doctor.sh - `net doctor`: what this machine can do, found out by doing it.
#
# Each feature is tried, in namespaces that are thrown away; a version number or a file in /proc
# proves nothing. A verdict is one line:
#   OK    it works
#   FIX   it does not, and this one command may help
#   SKIP  it does not, and why: nothing here can mend it, or nothing here needs it
# The exit code is 0 exactly if `net up` can work. Nothing on the machine is changed: commands are
# printed, never run. This half uses builtins only, so that it can say so when a program as basic as
# unshare(1) is missing.
# Leaves out: JSON. What unshare or the kernel said goes into the reasons, and bash is no place to
# escape that; a verdict is at the head of its line instead (grep -E '^(OK|FIX|SKIP) ').
# Partner: doctor_inside.sh, the half that runs in the throw-away namespaces; doctor_modes.sh, what
# is left where no world can be.
# shellcheck shell=bash

# shellcheck source=netns/doctor_modes.sh
. "$HERE/doctor_modes.sh"

DOCTOR_BROKEN=0     # required things that do not work
DOCTOR_SAID=        # yes: something was printed already
declare -A TRIED=() # NAME of doctor_inside.sh → "ok", or "no REASON"

verdict() { # OK|FIX|SKIP NAME TEXT [COMMAND]
    local line
    printf -v line '%-5s %-17s %s' "$1" "$2" "$3"
    [ -z "${4:-}" ] || printf -v line '%s\n%-23s   $ %s' "$line" '' "$4"
    say "$line"
}
broken() { DOCTOR_BROKEN=$((DOCTOR_BROKEN + 1)); verdict FIX "$@"; }
heading() { say "${DOCTOR_SAID:+$'\n'}$1"; DOCTOR_SAID=yes; }
as_root() { if [ "$EUID" -eq 0 ]; then echo "$*"; else echo "sudo $*"; fi; }
has() { [ -x "$(type -P "$1")" ]; } # type finds what may not be run, too, if there is nothing else
setting() { # PATH under /proc/sys: its value, nothing when the kernel has no such setting
    local value=''
    if [ -r "/proc/sys/$1" ]; then read -r value <"/proc/sys/$1" || true; fi
    echo "$value"
}

# ---- programs ----------------------------------------------------------------------------------

# A program, and the Debian package that has it. needed: net up cannot do without; wanted: something
# here is lost without it; spare: nothing is. Some are installed for the members of a group only
# (dumpcap).
doctor_program() { # needed|wanted|spare PROGRAM PACKAGE PURPOSE
    local need=$1 name=$2 why="not found" help where
    help=$(as_root apt-get install "$3")
    where=$(type -P "$name") || where=''
    if [ -x "$where" ]; then
        verdict OK "$name" "$where"
        return
    elif [ -n "$where" ]; then
        why="$where may not be run by this user" help="sudo usermod -aG $(stat -c %G "$where" 2>/dev/null) \$USER (and log in anew)"
    fi
    case $need in
    needed) broken "$name" "$why: $4" "$help" ;;
    wanted) verdict FIX "$name" "$why: no $4" "$help" ;;
    spare) verdict SKIP "$name" "$why (package $3): no $4; nothing here needs it" ;;
    esac
}

# One of ours.
doctor_built() { # needed|wanted PROGRAM LOSS
    local where
    where=$(program "$2")
    if [ -n "$where" ]; then
        verdict OK "$2" "$where"
    elif [ "$1" = needed ]; then
        broken "$2" "not built: $3" "make deps all"
    else
        verdict FIX "$2" "not built: $3" "make deps all"
    fi
}

# A command is started with the signals as a terminal's shell would give them.
doctor_env() {
    if has env && ! env --default-signal=INT "$BASH" -c : 2>/dev/null; then
        broken env "has no --default-signal, so signals could not reach a command (coreutils 8.31 has it)" \
            "$(as_root apt-get install coreutils)"
    else
        doctor_program needed env coreutils "gives a command its signals back"
    fi
}

doctor_programs() {
    local entry program package purpose missing=''
    heading "Programs that net up needs"
    for entry in "${NEEDED_PROGRAMS[@]}"; do
        read -r program package purpose <<<"$entry"
        doctor_program needed "$program" "$package" "$purpose"
    done
    doctor_env
    for program in "${BASIC_PROGRAMS[@]}"; do has "$program" || missing+=" $program"; done
    if [ -z "$missing" ]; then
        verdict OK basics "${BASIC_PROGRAMS[*]}"
    else
        broken basics "not found:$missing" "$(as_root apt-get install coreutils grep hostname sed)"
    fi
    doctor_built needed topology "nothing can read a topology"
}

# ---- what doctor_inside.sh finds out -----------------------------------------------------------

# Runs it, in the namespaces that a world of this mode would have; it prints lines of "NAME ok" or
# "NAME no REASON". Sets TRIED, and REFUSED when there were no such namespaces.
doctor_try() {
    local name result reason
    local -a flags=(--mount --net --pid --uts --fork --kill-child)
    REFUSED=''
    has unshare && has timeout || return 0
    [ "$DOCTOR_MODE" = root ] || flags+=(--user --map-root-user)
    while read -r name result reason; do
        case $name:$result in
        unshare:*) REFUSED="$result $reason" ;;
        *:ok) TRIED[$name]=ok ;;
        *:no) TRIED[$name]="no $reason" ;;
        esac
    done < <(trap '' INT QUIT HUP # who gives up waiting must not leave it half-way
        PACKET_LOG=$(program packet_log) FAULT_QUEUE=$(program fault_queue) timeout --foreground --signal=KILL 30 \
            unshare "${flags[@]}" -- "$BASH" "$HERE/doctor_inside.sh" "$DOCTOR_MODE" 2>&1 </dev/null || true)
}

# A feature that net up needs. If something before it is broken, its own command would not help.
needs() { # NAME MEANING COMMAND
    local tried=${TRIED[$1]:-no not reached}
    if [ "$tried" = ok ]; then
        verdict OK "$1" "$2"
    elif [ "$DOCTOR_BEFORE" -gt 0 ]; then
        verdict SKIP "$1" "$2: can be told when the above is fixed"
    else
        broken "$1" "$2: ${tried#no }" "$3"
    fi
}

# A feature that only some labs need. There is a command if the kernel has modules for it that are
# not loaded; modprobe --dry-run tells, and loads nothing.
wants() { # NAME MEANING [MODULE…]
    local name=$1 meaning=$2 tried=${TRIED[$1]:-}; shift 2
    if [ "$tried" = ok ]; then
        verdict OK "$name" "$meaning"
    elif [ -z "$tried" ]; then
        verdict SKIP "$name" "$meaning: can be told when the above is fixed"
    elif [ $# -gt 0 ] && [ $DOCTOR_BROKEN -eq 0 ] && [[ $tried != "no no program "* ]] && has modprobe &&
        modprobe --dry-run --quiet --all "$@" 2>/dev/null; then
        verdict FIX "$name" "$meaning: ${tried#no }" "$(as_root modprobe -a "$@")"
    else
        verdict SKIP "$name" "$meaning: ${tried#no }"
    fi
}

# ---- worlds ------------------------------------------------------------------------------------

# Where worlds are noted (world.sh). Nothing is made here: the next net up does that.
doctor_state() {
    local dir
    read -r dir < <(state_dirs)
    if [ ! -e "$dir" ] && [ ! -L "$dir" ]; then
        if [ -w "${dir%/*}" ]; then verdict OK state "worlds will be noted in $dir"
        else broken state "${dir%/*}: cannot be written, and worlds are noted there" "export XDG_RUNTIME_DIR=DIRECTORY-OF-YOURS"; fi
    elif state_dir_is_safe "$dir" 2>/dev/null; then
        verdict OK state "worlds are noted in $dir"
    elif has stat; then
        broken state "$dir: not a directory of ours with mode 700" "export XDG_RUNTIME_DIR=DIRECTORY-OF-YOURS"
    else
        verdict SKIP state "can be told when the above is fixed"
    fi
}

# A world of two hosts takes 3 MB, and its log of packets 14 when it is full.
doctor_memory() {
    local key value free=''
    while read -r key value _; do [ "$key" != MemAvailable: ] || free=$((value / 1024)); done </proc/meminfo
    if [ -z "$free" ]; then verdict SKIP memory "/proc/meminfo does not tell what is free"
    elif [ "$free" -ge 64 ]; then verdict OK memory "$free MB free; a world of two hosts takes less than 20"
    else verdict SKIP memory "only $free MB free; a world of two hosts takes up to 20"; fi
}

# Root needs no user namespace; but whether others here can have worlds, root can find out too, by
# being nobody for a moment. Sets ORDINARY, the answer for users that are not root.
doctor_user_namespaces() {
    local said rc=0 name="user namespaces"
    local -a nobody=()
    ORDINARY=unknown
    has unshare || { verdict SKIP "$name" "cannot be tried without unshare"; return; }
    if [ "$DOCTOR_MODE" = root ]; then
        has setpriv || { verdict SKIP "$name" "cannot be tried without setpriv; root needs none"; return; }
        nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all)
    fi
    said=$("${nobody[@]}" unshare --user --map-root-user "$BASH" -c : 2>&1) || rc=$?
    if [ $rc -eq 0 ]; then
        ORDINARY=yes
        if [ "$DOCTOR_MODE" = root ]; then verdict OK "$name" "ordinary users can make their own; root needs none"
        else verdict OK "$name" "an own one can be made"; fi
        return
    fi
    if [ "$DOCTOR_MODE" = root ]; then
        [[ $said == setpriv:* ]] || ORDINARY=no
        verdict SKIP "$name" "refused to ordinary users (${said//$'\n'/; }); root needs none"
    else
        ORDINARY=no
        why_refused "$said"
        broken "$name" "$WHY" "$HELP"
    fi
}

doctor_worlds() {
    heading "Worlds: net up needs each of these"
    doctor_state
    doctor_memory
    doctor_user_namespaces
    doctor_try
    if [ $DOCTOR_BROKEN -gt 0 ]; then
        : # it has been said already
    elif [ "$DOCTOR_MODE" = root ]; then
        [ -z "$REFUSED" ] || broken namespaces "refused ($REFUSED)" "$CONTAINER_HELP"
    elif [ -n "$REFUSED" ] || { [ "${TRIED[proc]:-}" != ok ] && restricted_by_apparmor; }; then
        why_refused "$REFUSED"
        broken namespaces "$WHY" "$HELP"
    fi
    DOCTOR_BEFORE=$DOCTOR_BROKEN
    needs proc "pid namespace with a /proc of its own" "$CONTAINER_HELP"
    needs tmpfs "a /run of its own" "$CONTAINER_HELP"
    needs overlay "overlay on /etc" "$(as_root modprobe overlay)"
    needs netns "named network namespaces" "$CONTAINER_HELP"
    needs veth "links that carry packets" "$(as_root modprobe veth)"
    needs bridge "switches" "$(as_root modprobe bridge)"
    needs gso "segmentation offload can be switched off" "$(as_root apt-get install iproute2)"
    needs ipv6 "IPv6 addresses" "$(as_root sysctl -w net.ipv6.conf.all.disable_ipv6=0)"
    needs multiport "iptables, and its multiport match" "$(as_root modprobe xt_multiport)"
    needs NFLOG "iptables logs to a program" "$(as_root modprobe -a xt_NFLOG nfnetlink_log)"
    needs NFLOG6 "ip6tables does" "$(as_root modprobe -a xt_NFLOG nfnetlink_log)"
    needs dns "dnsmasq answers" "$(as_root apt-get install dnsmasq-base)"
}

# ---- what only some labs need: the rest works without it ---------------------------------------

doctor_routers() {
    heading "Routers: topologies of more than one network"
    wants forwarding "a router passes packets on"
    wants routes "routes with mtu lock, unreachable, prohibit, blackhole"
    wants masquerade "MASQUERADE: answers find back through NAT" xt_MASQUERADE
    wants dnat "DNAT by the statistic match: one address, several servers" xt_nat xt_statistic
    doctor_program wanted nft nftables "true log of what leaves a router with NAT"
    wants nat-log "what leaves a router with NAT is logged behind the translation" nft_log
    doctor_program wanted tc iproute2 "link rates"
    wants tbf "tc tbf: link rates" sch_tbf
}

doctor_logs() {
    heading "Logs: what net log and net capture show"
    doctor_built wanted packet_log "worlds work, but net log has nothing to show"
    wants collect "packet_log hears what iptables logs"
    doctor_built wanted mark_lines "net run on several hosts may tear their lines"
    doctor_built wanted packet_capture "no net capture"
    doctor_program wanted dumpcap wireshark-common "net capture"
    wants capture "dumpcap catches a packet that crosses a link"
}

# Delays end by timers: how late do they fire? The best of five says what the machine can do, not
# how busy it is.
doctor_timers() {
    local fd i late best=1000000 start now
    exec {fd}<> <(:)
    for ((i = 0; i < 5; i++)); do
        start=${EPOCHREALTIME//[!0-9]/}
        read -rt 0.005 -u "$fd" || true
        now=${EPOCHREALTIME//[!0-9]/}
        late=$((now - start - 5000))
        [ $late -ge $best ] || best=$late
    done
    exec {fd}>&-
    if [ $best -lt 1000 ]; then verdict OK timers "a wait of 5 ms ends within 1 ms: delays are exact"
    else verdict SKIP timers "a wait of 5 ms ends $best us late: delays are coarse here"; fi
}

doctor_faults() {
    heading "Faults: what net fault and the labs do to packets"
    doctor_built wanted fault_queue "no net fault that drops, delays or changes packets"
    wants NFQUEUE "iptables hands packets to a program; without one they end, or pass with --queue-bypass" xt_NFQUEUE nfnetlink_queue
    wants verdicts "fault_queue is handed a packet, and what it decides is done" nfnetlink_queue
    wants copies "a raw packet socket puts duplicates on the cable" af_packet
    wants mac "packets of one neighbour alone (mac match)" xt_mac
    wants REJECT "refusals: an RST, or an ICMP error" ipt_REJECT
    wants statistic "every Nth packet, or one by chance (statistic match)" xt_statistic
    wants matches "string, u32, length, connbytes, hashlimit, connlimit, conntrack, limit, ttl; TTL, TEE, TCPMSS" \
        xt_string xt_u32 xt_length xt_connbytes xt_hashlimit xt_connlimit xt_conntrack xt_limit xt_hl xt_HL xt_TEE xt_TCPMSS
    wants kill "ss -K ends a connection from outside (CONFIG_INET_DIAG_DESTROY)"
    doctor_timers
    wants netem "tc netem, which fault_queue does not need" sch_netem
}

doctor_looking() {
    heading "Looking: what shows an exchange from other sides"
    doctor_program wanted ping iputils-ping "first sign of life"
    wants ping6 "echo on ::1"
    doctor_program wanted curl curl "request by name from a lab"
    doctor_program wanted ss iproute2 "socket states, no ss -K"
    wants sock_diag "ss sees what TCP itself knows" tcp_diag inet_diag
    doctor_program wanted strace strace "net why: no system calls beside the packets"
    wants trace "strace starts a program"
    wants attach "strace joins one that runs already, as net why does with servers"
    doctor_built wanted timeline "no net why"
    doctor_program wanted dot graphviz "net diagram as SVG (as text it needs nothing)"
    doctor_program spare tshark tshark "decoded captures in the terminal"
    doctor_program spare wireshark wireshark "window for captures, live (net capture HOST - | wireshark -k -i -)"
    doctor_program spare gnuplot gnuplot-nox "the pictures of make bench"
}

# The kernel's own log hears LOG rules of a namespace only if the machine says so.
doctor_root_only() {
    local name
    heading "Root only: what mode root adds"
    wants LOG "iptables can log to the kernel's ring buffer" xt_LOG nf_log_syslog
    if [ "$DOCTOR_MODE" != root ]; then
        for name in "kernel log" kmsg tracepoint bpftrace; do
            verdict SKIP "$name" "$(root_meaning "$name"): only root may; net log and net why do without"
        done
        return
    fi
    case $(setting net/netfilter/nf_log_all_netns) in
    1) verdict OK "kernel log" "$(root_meaning "kernel log")" ;;
    0)
        verdict FIX "kernel log" "$(root_meaning "kernel log"): not here; net log does not need it" \
            "$(as_root sysctl -w net.netfilter.nf_log_all_netns=1)"
        ;;
    *) verdict SKIP "kernel log" "$(root_meaning "kernel log"): no setting net.netfilter.nf_log_all_netns here; net log does not need it" ;;
    esac
    wants kmsg "$(root_meaning kmsg)"
    wants tracepoint "$(root_meaning tracepoint)"
    doctor_program wanted bpftrace bpftrace "$(root_meaning bpftrace)"
}

root_meaning() {
    case $1 in
    "kernel log") echo "LOG rules of worlds reach the kernel's ring buffer" ;;
    kmsg) echo "the ring buffer can be read" ;;
    tracepoint) echo "TCP's changes of state, from tracefs as they happen" ;;
    bpftrace) echo "tracing programs of your own" ;;
    esac
}

# --quick: whether net up would begin, in 10 ms and without a word; or false, the reason and the command
# that may help, a line each. It is for programs: labs/lab asks before it says what can be done here.
doctor_quick() {
    if inside; then
        WHY="this shell is inside world $WORLD_NAME already" HELP=exit
    elif [ -z "$(program topology)" ]; then
        WHY="topology, the program that reads topologies, is not built" HELP="make deps all"
    else
        no_world "$(world_mode)" || return 0
    fi
    say "${WHY//[[:cntrl:]]/ }"
    say "$HELP"
    return 1
}

cmd_doctor() {
    local rc=0
    if [ "$*" = --quick ]; then
        doctor_quick || rc=$?
        return $rc
    fi
    [ $# -eq 0 ] || die "doctor: $1: takes no operand"
    outside_only doctor # a world lacks things on purpose
    DOCTOR_MODE=$(world_mode)
    doctor_programs
    doctor_worlds
    doctor_routers
    doctor_logs
    doctor_faults
    doctor_looking
    doctor_root_only
    say ""
    doctor_modes
    [ $DOCTOR_BROKEN -eq 0 ]
}
