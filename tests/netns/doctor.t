#!/usr/bin/env bash
# doctor.t - features are taken away, and each verdict must change.
#
# A doctor takes a second, most of it waiting, and there are many: so all are started first, six at a
# time, and what they said is looked at afterwards.
# shellcheck disable=SC2016 # code in single quotes is for the shells inside
. "$(dirname "$0")/../lib/tap.sh"

BASH_PATH=$(type -P bash)
JOBS=$TEST_TMP/jobs LINKS=$TEST_TMP/links
chmod 755 "$TEST_TMP" # the doctor of root asks as nobody whether others can have worlds
mkdir "$JOBS" "$LINKS"
MARK=doctor-$$-$RANDOM

RUNNING=0
job() { # NAME CMD…: in the background; what it says into $JOBS/NAME, .err and .rc
    local name=$1; shift
    [ $RUNNING -lt 6 ] || { wait -n || true; RUNNING=$((RUNNING - 1)); }
    RUNNING=$((RUNNING + 1))
    { rc=0; ECHOLAB_MARK=$MARK "$@" >"$JOBS/$name" 2>"$JOBS/$name.err" </dev/null || rc=$?; echo $rc >"$JOBS/$name.rc"; } &
}
said() { cat "$JOBS/$1"; }
code() { cat "$JOBS/$1.rc"; }
# names OK|FIX|SKIP JOB: the features of that verdict.
names() { sed -nE "s/^$1 +([^ ]+( namespaces| log)?) .*/\1/p" "$JOBS/$2" | sort -u; }
# lost JOB: what is OK on this machine, but was not in that job; apart from fault_queue, which uses many of them, and from what
# depends on how busy this machine is.
lost() { comm -23 <(names OK whole) <(names OK "$1") | grep -vxE 'verdicts|copies|timers|memory' | paste -sd ' ' || true; }
# command_of JOB NAME: the command below a FIX.
command_of() { grep -A 1 "^FIX *$2 " "$JOBS/$1" | sed -n '2s/^ *\$ //p'; }

# A PATH of links is a machine that has just these programs.
while read -r program; do
    if where=$(type -P "$program"); then ln -s "$where" "$LINKS/$program"; fi
done < <(printf '%s\n' awk bash cat chmod cp curl dd dnsmasq dot dumpcap env flock getent grep head hostname ip ip6tables ip6tables-restore \
    iptables iptables-restore mkdir mount nft nsenter ping realpath rm rmdir sed setpriv setsid sort ss stat strace tail tc timeout true tshark gnuplot \
    umount unshare)
# machine NAME: another such PATH, to change.
machine() { mkdir "$TEST_TMP/$1" && cp -P "$LINKS"/* "$TEST_TMP/$1/"; }
without() { local name=$1 program; shift; for program; do rm -f "$TEST_TMP/$name/$program"; done; }
# pretend NAME PROGRAM SCRIPT: there it runs SCRIPT, which may `exec -a PROGRAM real-PROGRAM` (some look at their name).
pretend() {
    local dir=$TEST_TMP/$1 name=$2
    [ ! -e "$dir/$name" ] || mv "$dir/$name" "$dir/real-$name"
    printf '#!%s\n%s\n' "$BASH_PATH" "$3" >"$dir/$name"
    chmod +x "$dir/$name"
}
on_machine() { job "$1" env PATH="$TEST_TMP/$1" "$BASH_PATH" "$NET" doctor; } # NAME

# why_not: what net up asks before it begins, as net up would ask.
cat >"$TEST_TMP/why_not" <<'SCRIPT'
set -euo pipefail
SELF=$1/netns/net HERE=$1/netns
. "$HERE/world.sh"
complain() { echo "net: $*" >&2; }
eval "$2" # program and world_mode are net's own
. "$HERE/doctor.sh"
doctor_why_not "$(world_mode)"
SCRIPT
FROM_NET=$(sed -n '/^program()/,/^}/p;/^world_mode()/,/^}/p' "$NET")
why_not() { "$BASH_PATH" "$TEST_TMP/why_not" "$ROOT" "$FROM_NET"; }

# ---- all that is started ------------------------------------------------------------------------

snapshot() { # what a doctor could leave or change
    cat /proc/self/mounts
    grep -s . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/user/max_user_namespaces \
        /proc/sys/net/netfilter/nf_log/* || true # nf_log_all_netns is other tests' too
    ip -o link | sed 's/ qlen .*//'
    find /run/netns /tmp/doctor* -maxdepth 1 \( -name a -o -name b -o -name c -o -name 'doctor*' \) 2>/dev/null || true
    if [ "$EUID" -eq 0 ]; then
        unshare --mount "$BASH_PATH" -c 'mount -t tracefs tracefs /mnt && cd /mnt/instances && printf "%s\n" echolab-doctor*' 2>/dev/null || true
        iptables-save 2>/dev/null | sed '/^#/d' || true
    fi
}
snapshot >"$TEST_TMP/before"

SECONDS=0
job whole "$NET" doctor
job quick "$NET" doctor --quick

# The tree is copied, so that even packet_log is not there.
mkdir "$TEST_TMP/copy"
cp -r "$ROOT/netns" "$TEST_TMP/copy/netns"
job nothing env -i PATH=/nonexistent "$BASH_PATH" "$TEST_TMP/copy/netns/net" doctor

# All programs are there; but the engine of faults holds nothing.
mkdir "$TEST_TMP/bin"
ln -s "$BIN/packet_log" "$TEST_TMP/bin/packet_log"
[ ! -e "$BIN/topology" ] || ln -s "$BIN/topology" "$TEST_TMP/bin/topology"
printf '#!%s\nexit 0\n' "$BASH_PATH" >"$TEST_TMP/bin/fault_queue"
chmod +x "$TEST_TMP/bin/fault_queue"
job links env PATH="$LINKS" ECHOLAB_BIN="$TEST_TMP/bin" "$BASH_PATH" "$NET" doctor
NEEDED_ONE='nsenter setsid getent ip dnsmasq env' NEEDED_TWO='unshare setpriv flock mount iptables-restore ip6tables-restore'
# shellcheck disable=SC2086 # names
{
    machine needed-one
    without needed-one $NEEDED_ONE
    on_machine needed-one
    machine needed-two
    without needed-two $NEEDED_TWO
    on_machine needed-two
}
for program in $NEEDED_ONE $NEEDED_TWO; do
    machine "no-$program"
    without "no-$program" "$program"
    job "why-no-$program" env PATH="$TEST_TMP/no-$program" "$BASH_PATH" "$TEST_TMP/why_not" "$ROOT" "$FROM_NET"
done
WANTED='nft tc ping curl ss strace dot'
machine unwanted
# shellcheck disable=SC2086 # names
without unwanted $WANTED dumpcap tshark dd
echo "for the members of a group" >"$TEST_TMP/unwanted/dumpcap" # and this user is none of them
on_machine unwanted

# Programs that refuse: each takes away what is tried with it, and nothing else.
machine rules
pretend rules iptables 'case " $* " in *" NFQUEUE "*|*MASQUERADE*|*DNAT*|*--mac-source*|*u32*|*hashlimit*|*"--mode random"*|*REJECT*|*" LOG "*)
    echo "iptables: No chain/target/match by that name." >&2; exit 1 ;; esac; exec -a iptables real-iptables "$@"'
on_machine rules
machine tools
pretend tools tc 'echo "Error: Specified qdisc kind is unknown." >&2; exit 2'
pretend tools nft 'exit 1'
pretend tools ss 'exit 255'
pretend tools strace 'exit 1'
pretend tools dumpcap 'echo "no permission to capture" >&2; exit 2'
pretend tools dd 'exit 1'
pretend tools ping 'exit 1'; pretend tools ping6 'exit 1'
pretend tools ip 'case "$*" in *blackhole*|*"mtu lock"*) exit 2 ;; esac; exec -a ip real-ip "$@"'
pretend tools modprobe '[[ " $* " == *" --dry-run "* ]] || echo "modprobe $*" >>"'"$TEST_TMP"'/modprobed"; case "$*" in *sch_tbf*) exit 0 ;; *) exit 1 ;; esac'
on_machine tools
machine yama # strace can start programs, but join none; links are plain
pretend yama strace 'case " $* " in *" -p "*) echo "strace: attach: ptrace(PTRACE_SEIZE, 9): Operation not permitted" >&2; exit 1 ;; esac; exec -a strace real-strace "$@"'
pretend yama ip 'case "$*" in *"type bridge"*|*gso_max_segs*|*fd77::1*) exit 2 ;; esac; exec -a ip real-ip "$@"'
pretend yama mount 'case " $* " in *" overlay "*) echo "mount: unknown filesystem type"; exit 32 ;; esac; exec -a mount real-mount "$@"'
on_machine yama
# Programs that say yes and do nothing: only what was tried for real is noticed.
machine liars
pretend liars iptables 'case " $* " in *" NFQUEUE "*|*MASQUERADE*|*DNAT*|*--mac-source*|*REJECT*) exit 0 ;; esac; exec -a iptables real-iptables "$@"'
pretend liars ss 'exit 0'
pretend liars strace 'exit 0'
pretend liars dumpcap 'exit 0'
pretend liars env 'case "$1" in --default-signal*) exit 125 ;; esac; exec -a env real-env "$@"'
on_machine liars

# What all else builds on.
for kind in proc tmpfs; do # without a /run of its own the doctor must not use this machine's
    machine "no-$kind"
    pretend "no-$kind" mount 'case " $* " in *" '$kind' "*) echo "mount: unknown filesystem type"; exit 32 ;; esac; exec -a mount real-mount "$@"'
    on_machine "no-$kind"
done
machine no-veth
pretend no-veth ip 'case " $* " in *" type veth "*) exit 2 ;; esac; exec -a ip real-ip "$@"'
on_machine no-veth
machine no-netns
pretend no-netns ip 'case " $* " in *" netns add "*) exit 2 ;; esac; exec -a ip real-ip "$@"'
on_machine no-netns
machine no-rules
pretend no-rules iptables 'case " $* " in *NFLOG*|*multiport*) exit 2 ;; esac; exec -a iptables real-iptables "$@"'
pretend no-rules ip6tables 'exit 2'
pretend no-rules dnsmasq 'exit 2'
on_machine no-rules
machine contained
pretend contained unshare 'case " $* " in *" --fork "*) echo "unshare: unshare failed: Operation not permitted" >&2; exit 1 ;; esac; exec -a unshare real-unshare "$@"'
on_machine contained

# A machine that gives an ordinary user no user namespace: one whose limit is 0; one where there are as many as there may be; and
# root by name only.
none() { unshare --user --map-user=4242 --map-group=4242 --keep-caps "$BASH_PATH" -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" "$@"' "$@"; }
full() { unshare --user --map-root-user "$BASH_PATH" -c 'echo 1 >/proc/sys/user/max_user_namespaces && exec unshare --user --map-user=4242 --map-group=4242 "$@"' x "$@"; }
name_only() {
    unshare --user --map-root-user "$BASH_PATH" -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"' x "$@"
}
# What a container's seccomp filter does.
filtered() { python3 -S "$ROOT/tests/lib/no_namespaces.py" "$@"; }
REFUSALS='none full name_only'
# masked [SETTING VALUE] CMD…: a container that hides parts of /proc, so that the kernel lets nobody mount another; or a
# distribution that has a switch in /proc/sys/kernel which this one has not.
masked() {
    local dir
    dir=$(mktemp -d "$TEST_TMP/kernel.XXXX")
    case $1 in /*) ;; *) echo "$2" >"$dir/$1"; shift 2 ;; esac
    unshare --user --map-user=4242 --map-group=4242 --keep-caps --mount "$BASH_PATH" -c 'mount --bind "$1" /proc/sys/kernel && shift && exec "$@"' x "$dir" "$@"
}
machine switched
pretend switched unshare 'case " $* " in *" --user "*) echo "unshare: write failed /proc/self/uid_map: Operation not permitted" >&2; exit 1 ;; esac; exec -a unshare real-unshare "$@"'
CAN_REFUSE=''
if unshare --user --map-user=4242 --map-group=4242 --keep-caps true 2>/dev/null; then
    CAN_REFUSE=yes
    for way in $REFUSALS; do
        job "$way" "$way" "$NET" doctor
        job "why-$way" "$way" "$BASH_PATH" "$TEST_TMP/why_not" "$ROOT" "$FROM_NET"
    done
    for setting in unprivileged_userns_clone=0 apparmor_restrict_unprivileged_userns=1; do
        job "${setting%=*}" masked "${setting%=*}" "${setting#*=}" "$(type -P env)" PATH="$TEST_TMP/switched" "$BASH_PATH" "$NET" doctor
    done
    job masked masked "$NET" doctor
    job why-masked masked "$BASH_PATH" "$TEST_TMP/why_not" "$ROOT" "$FROM_NET"
    job filtered filtered "$NET" doctor
    job quick-filtered filtered "$NET" doctor --quick
    job why-filtered filtered "$BASH_PATH" "$TEST_TMP/why_not" "$ROOT" "$FROM_NET"
    job up-none none "$NET" up --world "doctor-$$"
fi
job why-whole why_not
wait
diag "all doctors: $SECONDS s"

# ---- what they said -----------------------------------------------------------------------------

is "doctor is content where net up works" "$(code whole)" 0
like "and says the mode" "$(said whole)" '^net up works here, in mode root(less)?\.$'
like "and what the mode is" "$(said whole)" "^Mode $(sed -nE 's/^net up works here, in mode (.*)\.$/\1/p' "$JOBS/whole") "
is "every line is a verdict, a command, a heading or about modes" \
    "$(grep -vE '^(OK|FIX|SKIP) +[^ ]|^ +\$ |^net up|^(Mode|Ordinary users) |^(Programs|Worlds|Routers|Logs|Faults|Looking|Root only)|^$' "$JOBS/whole")" ""
is "a FIX has one command below it, and nothing else has" "$(grep -c '^FIX' "$JOBS/whole")" "$(grep -cE '^ +\$ ' "$JOBS/whole")"
is "no name has two verdicts" "$(sed -nE 's/^(OK|FIX|SKIP) +([^ ]+( namespaces| log)?) .*/\2/p' "$JOBS/whole" | sort | uniq -d)" ""
for name in unshare nsenter setpriv flock ip iptables-restore ip6tables-restore dnsmasq basics packet_log state memory "user namespaces" \
    proc tmpfs overlay netns veth bridge gso ipv6 multiport NFLOG NFLOG6 dns forwarding routes dnat masquerade nat-log tbf collect capture \
    NFQUEUE mac REJECT statistic matches kill sock_diag trace attach LOG; do
    like "$name is tried" "$(said whole)" "^OK +$name "
done
for name in packet_capture mark_lines fault_queue verdicts copies timers netem timeline wireshark gnuplot "kernel log" bpftrace; do
    like "$name has a verdict" "$(said whole)" "^(OK|FIX|SKIP) +$name "
done
if [ "$EUID" -eq 0 ]; then
    for name in kmsg tracepoint; do like "$name is tried by root" "$(said whole)" "^OK +$name "; done
else
    for name in kmsg tracepoint; do like "$name is root's" "$(said whole)" "^SKIP +$name .*: only root may"; done
fi
is "--quick has nothing to say where net up works" "$(code quick) $(said quick)" "0 "
is "why_not has nothing to say where net up works" "$(code why-whole) $(said why-whole) $(<"$JOBS/why-whole.err")" "0  "

is "with an empty PATH it says no" "$(code nothing)" 1
is "and every verdict has changed" "$(comm -12 <(names OK whole) <(names OK nothing) | grep -vxE 'kernel log|memory|state|timers')" ""
like "it counts what must be fixed" "$(said nothing)" 'must be fixed first\.$'
is "nothing else was said" "$(<"$JOBS/nothing.err")" ""

is "a PATH with all it needs is enough" "$(code links)" 0
is "... for everything" "$(lost links)" ""
for name in verdicts copies; do like "... but an engine that holds nothing: $name" "$(said links)" "^SKIP +$name "; done
check_needed() { # JOB PROGRAM…
    local job=$1 program; shift
    is "without $* net up cannot work" "$(code "$job")" 1
    like "... each of them is one to fix" "$(said "$job")" "^net up cannot work here yet: $# of the above must be fixed first"
    for program; do
        like "... $program: FIX" "$(said "$job")" "^FIX +$program +not found"
        like "... with one command" "$(command_of "$job" "$program")" '^(sudo )?apt-get install [a-z0-9-]+$'
        is "... and net up would say so" "$(code "why-no-$program")" 1
        like "... by name" "$(<"$JOBS/why-no-$program.err")" "^net: up: no world can be made here: programs are missing: $program\$"
    done
}
# shellcheck disable=SC2086 # names
{
    check_needed needed-one $NEEDED_ONE
    check_needed needed-two $NEEDED_TWO
}

is "programs that only some verbs need can be missed" "$(code unwanted)" 0
for program in $WANTED; do
    [ -e "$LINKS/$program" ] || { skip "$program can be missed" "not installed here"; continue; }
    like "$program can be missed, but that is said" "$(said unwanted)" "^FIX +$program +not found: no "
    like "... with one command" "$(command_of unwanted "$program")" '^(sudo )?apt-get install [a-z0-9-]+$'
done
like "what this user may not run is not OK" "$(said unwanted)" '^FIX +dumpcap +/.*/dumpcap may not be run by this user: no net capture$'
like "... with another command" "$(command_of unwanted dumpcap)" '^sudo usermod -aG [^ ]+ \$USER'
like "what nothing here needs has no command" "$(said unwanted)" '^SKIP +tshark +not found'
like "what could not be tried names the program" "$(said unwanted)" '^SKIP +trace .*: no program strace$'

# ---- features one by one ------------------------------------------------------------------------

# is_lost WHAT JOB FEATURE…: these are no longer OK there, and all others still are.
is_lost() {
    local what=$1 job=$2 feature wanted; shift 2
    wanted=$(for feature; do names OK whole | grep -xF -- "$feature" || true; done | sort | paste -sd ' ')
    is "$what" "$(lost "$job")" "$wanted"
}
is_lost "each rule that iptables refuses is noticed, and nothing else" rules NFQUEUE masquerade dnat mac matches statistic REJECT LOG
is "... and net up works" "$(code rules)" 0
like "... matches that are missing are named" "$(said rules)" '^SKIP +matches .*: missing: u32 hashlimit$'
is_lost "each tool that refuses is noticed, and nothing else" tools tbf nat-log kill sock_diag trace attach capture kmsg ping6 routes
is "... and net up works" "$(code tools)" 0
like "... routes that are missing are named" "$(said tools)" '^SKIP +routes .*: missing: mtu lock blackhole$'
like "... and what a tool said" "$(said tools)" '^SKIP +capture .*: no permission to capture$'
is_lost "ptrace_scope takes away only joining; no overlay, and links without switches, net up" yama attach overlay bridge gso ipv6
is "... which cannot work" "$(code yama)" 1
for feature in overlay bridge gso ipv6; do like "... $feature: FIX" "$(said yama)" "^FIX +$feature "; done
like "... and strace's reason is shown" "$(said yama)" '^SKIP +attach .*Operation not permitted$'
is_lost "who says yes and does nothing is found out, and an old env" liars env NFQUEUE masquerade dnat mac REJECT kill sock_diag attach capture
like "... env: FIX" "$(said liars)" '^FIX +env +has no --default-signal'
like "... a rule that is never met" "$(said liars)" '^SKIP +mac .*: no packet met the rule$'
like "... a queue that does not hold" "$(said liars)" '^SKIP +NFQUEUE .*: packets pass a queue that nobody reads$'

NETWORK='forwarding routes dnat masquerade tbf NFQUEUE verdicts copies mac REJECT capture veth gso ipv6 bridge'
for kind in proc tmpfs; do
    is "without $kind net up cannot work" "$(code "no-$kind")" 1
    like "... and that is the one to fix" "$(said "no-$kind")" "^FIX +$kind .*: mount: unknown filesystem type"
done
like "without a /run nothing else is tried" "$(said no-tmpfs)" '^OK +proc '
is "... nor anything OK that needs one" "$(names OK no-tmpfs | grep -xE 'netns|veth|dns|collect|forwarding|capture|tracepoint')" ""
for machine in no-veth no-netns; do
    is "$machine: net up cannot work" "$(code $machine)" 1
    like "... and that is the first to fix" "$(said $machine)" "^FIX +${machine#no-} "
done
is "without links nothing that sends is OK" "$(names OK no-veth | grep -xE 'forwarding|dnat|masquerade|mac|REJECT|capture')" ""
# shellcheck disable=SC2086 # names
is "without namespaces no network is" "$(names OK no-netns | grep -xF -- "$(printf '%s\n' $NETWORK)")" ""
is_lost "iptables without NFLOG, and no answers" no-rules multiport NFLOG NFLOG6 collect dns kill sock_diag
for feature in multiport NFLOG NFLOG6 dns; do like "... $feature: FIX" "$(said no-rules)" "^FIX +$feature "; done
is "a container that forbids namespaces" "$(code contained)" 1
like "... is the one thing to fix" "$(said contained)" '^FIX +namespaces +.*Operation not permitted'
is "... and nothing inside is OK" "$(names OK contained | grep -xE "proc|tmpfs|overlay|netns|multiport|NFLOG6?|dns|collect|${NETWORK// /|}")" ""

# A command is shown only where it can help: the kernel has the module.
is "a module that can be loaded is a FIX" "$(command_of tools tbf | sed 's/^sudo //')" "modprobe -a sch_tbf"
like "... and one that is not there a SKIP" "$(said tools)" '^SKIP +netem '
is "nothing was ever loaded" "$(cat "$TEST_TMP/modprobed" 2>/dev/null)" ""

# ---- no user namespaces, and what is left then --------------------------------------------------

# The server is ended by the pid that it tells: $! is the shell that the function runs in, and without it
# the server would live on.
left() { # WAY: the two commands that net up then names work in just that place
    local shell server rc=0
    "$1" "$BIN/tcp_echo_server" --listen 127.0.0.1:0 >"$TEST_TMP/left-$1" 2>&1 </dev/null &
    shell=$!
    wait_for 10 file_has "$TEST_TMP/left-$1" '^ready ' &&
        "$1" "$BIN/tcp_echo" --count 1 "localhost:$(sed -nE 's/^ready .* listen=[^ ]*:([0-9]+) .*/\1/p' "$TEST_TMP/left-$1")" || rc=$?
    server=$(sed -nE 's/^ready .* pid=([0-9]+)$/\1/p' "$TEST_TMP/left-$1")
    [ -z "$server" ] || kill "$server"
    wait_for 5 gone "$shell" || { echo "the server on the way $1 does not end"; rc=1; }
    wait "$shell" 2>/dev/null || true
    return $rc
}
if [ -n "$CAN_REFUSE" ]; then
    for way in $REFUSALS filtered; do
        is "$way: net up cannot work" "$(code "$way")" 1
        like "... user namespaces: FIX" "$(said "$way")" '^FIX +user namespaces +refused'
        is "... and nothing that needs one is OK" \
            "$(names OK "$way" | grep -xE "user namespaces|proc|tmpfs|overlay|netns|multiport|NFLOG6?|dns|collect|LOG|kmsg|tracepoint|${NETWORK// /|}")" ""
        like "... what is left is said" "$(said "$way")" '^What still works: .*loopback'
        is "... net up would not begin" "$(code "why-$way")" 1
        like "... and say why" "$(<"$JOBS/why-$way.err")" '^net: up: no world can be made here: .*refused'
        like "... what may help" "$(<"$JOBS/why-$way.err")" "^ +\\$ $(command_of "$way" 'user namespaces' | sed 's/[.()]/\\&/g')\$"
        like "... what works" "$(<"$JOBS/why-$way.err")" "^ +\\$ $BIN/tcp_echo --explain localhost\$"
        like "... and which verbs do not" "$(<"$JOBS/why-$way.err")" '^What does not: net up, run, enter, log, '
        ok "... and that is true" left "$way"
    done
    like "limit 0: the sysctl" "$(command_of none 'user namespaces')" '^sudo sysctl -w user\.max_user_namespaces=[1-9]'
    like "limit reached: another reason" "$(said full)" '^FIX +user namespaces +refused: there are as many as'
    like "root by name only: no sysctl is in reach" "$(command_of name_only 'user namespaces')" '^docker run --privileged '
    for setting in unprivileged_userns_clone=1 apparmor_restrict_unprivileged_userns=0; do
        like "a switch of the kernel: ${setting%=*}" "$(said "${setting%=*}")" "^FIX +user namespaces +refused: .*"
        is "... and its command" "$(command_of "${setting%=*}" 'user namespaces')" "sudo sysctl -w kernel.$setting"
    done
    is "a container that hides parts of /proc" "$(code masked)" 1
    like "... is told from one that forbids user namespaces" "$(said masked)" '^OK +user namespaces '
    like "... no /proc can be mounted in it" "$(said masked)" '^FIX +proc .*: mount: '
    like "... and net up would say that" "$(<"$JOBS/why-masked.err")" '^net: up: .*: nothing can be mounted in a user namespace, as in a container'
    like "a seccomp filter is recognised" "$(said filtered)" '^FIX +user namespaces +refused: a seccomp filter forbids it'
    is "... --quick says no, too" "$(code quick-filtered)" 1
    is "... with the reason and the command, a line each" "$(sed -E 's/.*(a seccomp filter forbids it).*/\1/' "$JOBS/quick-filtered" | paste -sd '|')" \
        "a seccomp filter forbids it|$(command_of filtered 'user namespaces')"
    like "... as what a container does" "$(command_of filtered 'user namespaces')" '^docker run --privileged '
    is "net up fails then" "$(code up-none)" 125
    like "... and points to the doctor" "$(<"$JOBS/up-none.err")" 'net doctor'
else
    skip "machines that refuse user namespaces" "unshare --keep-caps does not work here"
fi

# ---- as a command -------------------------------------------------------------------------------

exits "it takes no operand" 125 "$NET" doctor everything
like "... and says so" "$ERR" '^net: doctor: everything: takes no operand$'
if "$NET" doctor >/dev/full 2>"$TEST_TMP/err"; then rc=0; else rc=$?; fi
is "a full disk is net's own failure" "$rc: $(<"$TEST_TMP/err")" "125: net: stdout: cannot be written"
if world pair; then
    exits "in a world there is no doctor" 125 on client "$NET" doctor
    like "... and it says so" "$ERR" '^net: doctor: this shell is inside world '
else
    fail "in a world there is no doctor"
fi

# ---- nothing is left, nothing was changed -------------------------------------------------------

marked() { grep -slaF "ECHOLAB_MARK=$MARK" /proc/[0-9]*/environ 2>/dev/null | grep -v "^/proc/$BASHPID/" || true; }
none_marked() { [ -z "$(marked)" ]; }
# Who gives up waiting for a doctor leaves nothing half-way, wherever it was.
ECHOLAB_MARK=$MARK "$NET" doctor >"$TEST_TMP/killed" 2>&1 </dev/null &
PID=$!
wait_for 10 file_has "$TEST_TMP/killed" '^OK +user namespaces'
kill -KILL "$PID"
wait "$PID" 2>/dev/null || true
ok "no process is left, not even of a doctor that was killed" wait_for 40 none_marked
snapshot >"$TEST_TMP/after"
is "nothing is left and nothing was changed" "$(diff "$TEST_TMP/before" "$TEST_TMP/after")" ""
