# doctor_modes.sh - the two modes of a world, and what is left on a machine that has neither.
#
#   rootless   in a user namespace of one's own
#   root       started by root: without one
# A machine may refuse both: by a switch of the distribution, by a container around it, by a program
# that is missing. Then `net up` must not fail with some errno of unshare(2): it says which switch,
# which one command may help, and what still works.
# Partner: doctor.sh. Read next: user_namespaces(7).
# shellcheck shell=bash disable=SC2034 # WHY and HELP are for doctor.sh too

# PROGRAM PACKAGE PURPOSE: net up cannot do without.
NEEDED_PROGRAMS=(
    "unshare util-linux makes the namespaces"
    "nsenter util-linux enters them"
    "setpriv util-linux ends a command with the one that started it"
    "flock util-linux tells a living world from a dead one"
    "setsid util-linux takes the world off this terminal"
    "mount mount gives the world its own /run and /etc"
    "getent libc-bin asks whether names are answered"
    "ip iproute2 makes hosts and links"
    "iptables-restore iptables logs the packets"
    "ip6tables-restore iptables logs the packets of IPv6"
    "dnsmasq dnsmasq-base answers names"
)
BASIC_PROGRAMS=(cat chmod cp grep hostname mkdir realpath rm rmdir sed sort stat tail timeout)

CONTAINER_HELP="docker run --privileged ... (or run on the machine itself)"

# in_chroot: nothing is mounted at our /, so it is a directory of something. No user namespace can be
# made from there (EPERM, user_namespaces(7)).
in_chroot() {
    local at
    while read -r _ _ _ _ at _; do [ "$at" != / ] || return 1; done </proc/self/mountinfo 2>/dev/null
}
# A namespace is made, but what one does in it is refused.
restricted_by_apparmor() { [ "$(setting kernel/apparmor_restrict_unprivileged_userns)" = 1 ]; }
# filtered: a seccomp filter is in force, as in most containers.
filtered() {
    local key value
    while read -r key value; do [ "$key" != Seccomp: ] || [ "$value" != 2 ] || return 0; done </proc/self/status 2>/dev/null
    return 1
}

# why_refused SAID: what stands behind a user namespace that was refused, or one that gives no
# privileges, into WHY; what may help into HELP. SAID is how the attempt ended. The switches are
# asked only now, to explain: whether it works, the attempt has told.
why_refused() {
    local said=${1//$'\n'/; }
    HELP="sudo $SELF up"
    if [ "$(setting user/max_user_namespaces)" = 0 ]; then
        WHY="refused: user.max_user_namespaces is 0" HELP=$(as_root sysctl -w user.max_user_namespaces=15000)
    elif [[ $said == *"No space left"* ]]; then
        WHY="refused: there are as many as user.max_user_namespaces allows" HELP=$(as_root sysctl -w user.max_user_namespaces=100000)
    elif [ "$(setting kernel/unprivileged_userns_clone)" = 0 ]; then
        WHY="refused: kernel.unprivileged_userns_clone is 0" HELP=$(as_root sysctl -w kernel.unprivileged_userns_clone=1)
    elif restricted_by_apparmor; then
        WHY="refused: AppArmor lets ordinary users have no privileges in one (Ubuntu's default since 23.10)"
        HELP=$(as_root sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)
    elif in_chroot; then
        WHY="refused: this is a chroot" HELP="exit (and run outside of the chroot)"
    elif filtered; then
        WHY="refused: a seccomp filter forbids it, as in a container" HELP=$CONTAINER_HELP
    else
        WHY="refused: $said"
    fi
    # Root who cannot do without a user namespace is root by name only: no switch is in reach.
    [ "$EUID" -ne 0 ] || HELP=$CONTAINER_HELP
}

# missing_programs: which of those that net up needs are not there, into WHY and HELP.
missing_programs() {
    local entry program package missing='' packages=''
    for entry in "${NEEDED_PROGRAMS[@]}" env "${BASIC_PROGRAMS[@]}"; do
        read -r program package _ <<<"$entry"
        [ ! -x "$(type -P "$program")" ] || continue
        case $program in
        grep | hostname | sed) package=$program ;;
        *) package=${package:-coreutils} ;;
        esac
        missing+="${missing:+, }$program"
        [[ " $packages " == *" $package "* ]] || packages+="${packages:+ }$package"
    done
    [ -n "$missing" ] || return 1
    WHY="programs are missing: $missing" HELP=$(as_root apt-get install "$packages")
}

# no_world MODE: true when a world of this mode is refused, as far as a quick look tells (10 ms): the
# programs, the namespaces, a /proc and a /run in them. WHY and HELP say more.
no_world() {
    local said
    local -a flags=(--mount --net --pid --uts --fork --kill-child)
    ! missing_programs || return 0
    [ "$1" = root ] || flags+=(--user --map-root-user)
    said=$(unshare "${flags[@]}" -- "$BASH" -c 'mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs tmpfs /run' \
        2>&1 </dev/null) && return 1
    if [ "$1" = root ]; then
        WHY="root is refused namespaces or mounts (${said//$'\n'/; }): a container" HELP=$CONTAINER_HELP
    elif [[ $said == mount:* ]] && ! restricted_by_apparmor; then
        WHY="nothing can be mounted in a user namespace, as in a container that hides parts of /proc (${said//$'\n'/; })"
        HELP=$CONTAINER_HELP
    else
        why_refused "$said"
        if [ "$EUID" -eq 0 ]; then WHY="root may not do without a user namespace, and that is $WHY"
        else WHY="no user namespace ($WHY), and this is not root, who needs none"; fi
    fi
}

# doctor_why_not MODE: for net up, before it begins. On a machine where that cannot work: says so on
# stderr, once and in full, and returns 1.
doctor_why_not() {
    no_world "$1" || return 0
    {
        complain "up: no world can be made here: $WHY"
        echo "What may help:"
        echo "    \$ $HELP"
        what_is_left
        echo "All that this machine has and lacks: $SELF doctor"
    } >&2
    return 1
}

# What a machine without worlds can do, and what not.
what_is_left() {
    local bin
    bin=$(program tcp_echo_server)
    bin=${bin%tcp_echo_server}
    cat_lines <<LEFT
What still works: every program, over loopback, and each lab that needs no more than loopback:
    \$ ${bin}tcp_echo_server &
    \$ ${bin}tcp_echo --explain localhost
    and udp_echo_server, udp_echo, echo_resolve in the same way; net diagram draws what net up would build.
What does not: net up, run, enter, log, counters, capture, fault and why. They all need a world.
LEFT
}
cat_lines() { local line; while IFS= read -r line; do say "$line"; done; } # cat may be what is missing

# The last words of the doctor: the mode that net up would use, or what is left.
doctor_modes() {
    if [ "$DOCTOR_BROKEN" -gt 0 ]; then
        say "net up cannot work here yet: $DOCTOR_BROKEN of the above must be fixed first."
        what_is_left
    elif [ "$DOCTOR_MODE" = root ]; then
        say "net up works here, in mode root."
        say "Mode root needs no user namespace, and adds what only root may read: the kernel's LOG lines and tracepoints."
        case $ORDINARY in
        yes) say "Ordinary users have worlds here too, in mode rootless." ;;
        no) say "Ordinary users have none here: left to them are the programs over loopback (net doctor, as one of them, says why)." ;;
        esac
    else
        say "net up works here, in mode rootless."
        say "Mode rootless makes your worlds in a user namespace of yours: faults, logs, captures, timelines, all without root."
        say "Mode root (sudo $SELF up) adds what only root may read: the kernel's LOG lines and tracepoints."
    fi
}
