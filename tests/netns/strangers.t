#!/usr/bin/env bash
# strangers.t - root, and state files that another user has made up: they may say anything, and are shown
# and believed only as far as that user could go alone.
# shellcheck disable=SC2016 # code in single quotes is evaluated later
. "$(dirname "$0")/../lib/tap.sh"

[ "$(id -u)" -eq 0 ] || skip_all "only root sees other users' worlds"
have python3 || skip_all "no python3 here"
OTHER=$((50900 + RANDOM % 100))
DIR=/tmp/echolab-$OTHER
if [ -d /run/user ]; then # where it comes before root's own in any order
    mkdir -m 700 "/run/user/$OTHER" 2>/dev/null || skip_all "/run/user/$OTHER is there already"
    defer rm -rf "/run/user/$OTHER"
    DIR=/run/user/$OTHER/echolab
fi
mkdir -m 700 "$DIR" 2>/dev/null || skip_all "$DIR is there already"
defer rm -rf "$DIR"
chown "$OTHER:$OTHER" "$DIR" "${DIR%/echolab}"

# claim WHAT NAME: user OTHER has a file NAME that looks like a world of mode root. It names a process of that
# user's, CLAIMANT, which holds the lock.
claim() {
    local ready=$TEST_TMP/ready
    rm -f "$ready"
    python3 -S -c '
import fcntl, os, sys, time
os.setgroups([])
os.setresgid(*[int(sys.argv[2])] * 3)
os.setresuid(*[int(sys.argv[2])] * 3)
file = open(os.fsencode(sys.argv[1]), "w")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(f"pid={os.getpid()}\nmode=root\ntopology=pair\nhosts=client server\nrouters=\nswitches=sw0\ntag=beef\nready\n")
file.flush()
print("ready", flush=True)
time.sleep(600)' "$DIR/$2" "$OTHER" >"$ready" </dev/null &
    CLAIMANT=$!
    defer stop_pid "$CLAIMANT"
    ok "$1" wait_for 10 file_has "$ready" '^ready$'
}
# By then the lock is lost, and the file is removed as that of a dead world would be.
withdraw() { stop_pid "$CLAIMANT"; rm -f "$DIR"/*; }

claim "a user has a file with a name for terminals" $'evil\e[31m'
unlike "net status does not show it" "$("$NET" status 2>&1)" $'\e|evil'
withdraw

claim "a user claims a world of mode root" kernel
exits "the kernel's log is not read with what its file says" 125 "$NET" --world kernel log --source=kernel
like "... since it is another user's" "$ERR" "another user's|nothing logs|no setting|keeps the LOG rules"
exits "nobody is root by entering it" 125 "$NET" --world kernel enter nobody
unlike "... or by running something there" "$("$NET" --world kernel run client -- id -u 2>/dev/null || true)" '^0$'
withdraw

export ECHOLAB_WORLD=t$$-$RANDOM
defer "$NET" down
ok "root has a world" "$NET" up
OWN=$("$NET" run client -- readlink /proc/self/ns/pid)
claim "another user claims its name" "$ECHOLAB_WORLD"
is "root's own is meant" "$("$NET" run client -- readlink /proc/self/ns/pid)" "$OWN"
ok "... and is ended" "$NET" down
ok "... not the other process" kill -0 "$CLAIMANT"
