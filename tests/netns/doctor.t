#!/usr/bin/env bash
# doctor.t - features are taken away, and each verdict must change.
# shellcheck disable=SC2016 # code in single quotes is for the shells inside
. "$(dirname "$0")/../lib/tap.sh"

BASH_PATH=$(type -P bash)
names() { sed -nE "s/^$1 +([^ ]+( namespaces| log)?) .*/\1/p" "$2" | sort -u; } # OK|FIX|SKIP FILE

exits "doctor is content where net up works" 0 "$NET" doctor
cp "$TEST_TMP/out" "$TEST_TMP/all"
like "and says the mode" "$OUT" '^net up works here, in mode root(less)?\.$'
is "every line is a verdict, a command or the sum" "$(grep -vE '^(OK|FIX|SKIP) |^ +\$ |^net up|^$' "$TEST_TMP/all")" ""
for name in unshare nsenter setpriv flock ip iptables-restore ip6tables-restore dnsmasq packet_log "user namespaces" \
    proc tmpfs overlay netns veth bridge gso ipv6 multiport NFLOG NFLOG6 dns collect LOG NFQUEUE; do
    like "$name is tried" "$(cat "$TEST_TMP/all")" "^OK +$name "
done

# ---- no programs at all: the tree is copied, so that even packet_log is not there ----
mkdir "$TEST_TMP/copy"
cp -r "$ROOT/netns" "$TEST_TMP/copy/netns"
exits "with an empty PATH it says no" 1 env -i PATH=/nonexistent "$BASH_PATH" "$TEST_TMP/copy/netns/net" doctor
cp "$TEST_TMP/out" "$TEST_TMP/empty"
is "and every verdict has changed" "$(comm -12 <(names OK "$TEST_TMP/all") <(names OK "$TEST_TMP/empty") | grep -v '^kernel log$')" ""
like "it counts what must be fixed" "$OUT" 'must be fixed first\.$'
is "nothing else was said" "$ERR" ""

# ---- one program at a time: a PATH of links, one of them missing ----
mkdir "$TEST_TMP/bin"
while read -r program; do
    where=$(type -P "$program" || PATH=$PATH:/usr/sbin:/sbin type -P "$program") && ln -s "$where" "$TEST_TMP/bin/$program"
done < <(printf '%s\n' bash cat chmod cp dnsmasq dumpcap env flock getent grep head hostname ip ip6tables ip6tables-restore iptables \
    iptables-restore mkdir mount nsenter ping rm sed setpriv setsid sort stat strace tail timeout true umount unshare)
with_links() { env PATH="$TEST_TMP/bin" "$BASH_PATH" "$NET" doctor; }
exits "a PATH with all it needs is enough" 0 with_links
for program in unshare nsenter setpriv flock setsid mount getent env ip iptables-restore ip6tables-restore dnsmasq; do
    mv "$TEST_TMP/bin/$program" "$TEST_TMP/taken"
    exits "without $program net up cannot work" 1 with_links
    like "... $program: FIX" "$OUT" "^FIX +$program +not found"
    like "... with one command" "$(grep -A 1 "^FIX *$program " "$TEST_TMP/out")" '\$ (sudo )?apt-get install '
    mv "$TEST_TMP/taken" "$TEST_TMP/bin/$program"
done
for program in strace dumpcap; do
    [ -e "$TEST_TMP/bin/$program" ] || { skip "$program can be missed" "not installed here"; continue; }
    mv "$TEST_TMP/bin/$program" "$TEST_TMP/taken"
    exits "$program can be missed" 0 with_links
    like "... but that is said" "$OUT" "^SKIP +$program "
    mv "$TEST_TMP/taken" "$TEST_TMP/bin/$program"
done

# ---- features that are there, but fail: programs that pretend ----
pretend() { # NAME SCRIPT FEATURE…: with a NAME that runs SCRIPT, each FEATURE is no longer OK
    local name=$1 script=$2 feature; shift 2
    mv "$TEST_TMP/bin/$name" "$TEST_TMP/bin/real-$name"
    printf '#!%s\n%s\n' "$BASH_PATH" "$script" >"$TEST_TMP/bin/$name"
    chmod +x "$TEST_TMP/bin/$name"
    with_links >"$TEST_TMP/pretended" 2>&1 || true
    for feature; do
        like "$feature: tried for real ($name fails)" "$(cat "$TEST_TMP/pretended")" "^(FIX|SKIP) +$feature "
    done
    mv "$TEST_TMP/bin/real-$name" "$TEST_TMP/bin/$name"
}
for kind in proc tmpfs overlay; do # without a /run of its own the doctor must not use this machine's
    pretend mount 'case " $* " in *" '$kind' "*) echo "mount: unknown filesystem type"; exit 32 ;; esac; exec real-mount "$@"' "$kind"
done
is "and nothing was left in this machine's /run" "$(find /run/netns -maxdepth 1 \( -name a -o -name b \) 2>/dev/null)" ""
pretend ip 'case " $* " in *" type veth "*|*" type bridge"*) exit 2 ;; esac; exec real-ip "$@"' veth bridge
pretend ip 'case " $* " in *gso_max_segs*|*fd77::1*) exit 2 ;; esac; exec real-ip "$@"' gso ipv6
pretend ip 'case " $* " in *" netns add "*) exit 2 ;; esac; exec real-ip "$@"' netns
pretend iptables 'case " $* " in *NFLOG*|*NFQUEUE*) exit 2 ;; esac; exec real-iptables "$@"' NFLOG collect NFQUEUE
pretend iptables 'case " $* " in *multiport*|*" LOG"*) exit 2 ;; esac; exec real-iptables "$@"' multiport LOG
pretend ip6tables 'exit 2' NFLOG6
pretend dnsmasq 'exit 2' dns
pretend env 'case "$1" in --default-signal*) exit 125 ;; esac; exec real-env "$@"' env
pretend unshare 'case " $* " in *" --fork "*) echo "unshare: unshare failed: Operation not permitted" >&2; exit 1 ;; esac; exec real-unshare "$@"' namespaces proc

# ---- no user namespaces: a user namespace of our own has none to give away ----
if unshare --user --map-user=4242 --keep-caps true 2>/dev/null; then
    none() { unshare --user --map-user=4242 --keep-caps "$BASH_PATH" -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" '"$1" "$NET"; }
    exits "with user.max_user_namespaces=0 net up cannot work" 1 none doctor
    like "... user namespaces: FIX" "$OUT" '^FIX +user namespaces +user\.max_user_namespaces is 0$'
    like "... with the command" "$OUT" '\$ sudo sysctl -w user\.max_user_namespaces=[1-9]'
    is "... and nothing that needs one is OK" "$(names OK "$TEST_TMP/out" | grep -xE 'user namespaces|proc|tmpfs|overlay|netns|veth|bridge|gso|ipv6|multiport|NFLOG6?|dns|collect|LOG|NFQUEUE')" ""
    exits "net up fails then" 125 none "up --world doctor-$$"
    like "... and points to the doctor" "$ERR" 'net doctor'
else
    for i in 1 2 3 4 5 6; do skip "without user namespaces ($i)" "unshare --keep-caps does not work here"; done
fi
