#!/usr/bin/env bash
# net.t - the lab network: a world as its users meet it, from up to down.
# shellcheck disable=SC2016,SC2119 # code in single quotes is for the shells inside; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"
on() { local host=$1; shift; "$NET" run "$host" -- "$@"; } # which is what is tested here

cp /etc/resolv.conf "$TEST_TMP/resolv.conf" 2>/dev/null || true
world || { fail "a world comes up"; exit 0; }
MODE=rootless
[ "$(id -u)" -ne 0 ] || MODE=root

like "up says the world's name and mode" "$(cat "$TEST_TMP/up")" "^world $ECHOLAB_WORLD is up \($MODE\): client server on sw0\$"
like "status says where it is" "$("$NET" status)" "^$ECHOLAB_WORLD: $MODE, topology pair, hosts client server on sw0, pid [0-9]+, of user "

# ---- names and addresses ----
is "server.lab has an IPv4 address" "$(on client getent ahostsv4 server.lab | awk 'NR==1{print $1}')" 10.77.0.2
is "server.lab has an IPv6 address" "$(on client getent ahostsv6 server.lab | awk 'NR==1{print $1}')" fd77::2
is "the short name works too" "$(on server getent ahostsv4 client | awk 'NR==1{print $1}')" 10.77.0.1
exits "a name that does not exist is answered, at once" 2 on client getent hosts nobody.lab
exits "and a foreign one does not leave the world" 2 on client getent hosts example.com
if have ping; then exits "ping works" 0 on client ping -c 1 server.lab; else skip "ping works" "no ping here"; fi
is "the machine's resolv.conf is untouched" "$(cat /etc/resolv.conf 2>/dev/null)" "$(cat "$TEST_TMP/resolv.conf" 2>/dev/null)"
exits "the machine's settings cannot be changed from inside" 1 on client bash -c 'echo 60 >/proc/sys/vm/swappiness'
exits "those of the host's network can" 0 on client bash -c 'echo 0 >/proc/sys/net/ipv4/tcp_timestamps'
exits "inside, /etc cannot be written" 1 on client bash -c ': >/etc/echolab-test'

# ---- quiet ----
"$NET" up --world "$ECHOLAB_WORLD-q" >/dev/null
defer "$NET" down --world "$ECHOLAB_WORLD-q"
is "a new world sends nothing by itself" \
    "$("$NET" --world "$ECHOLAB_WORLD-q" run client -- cat /sys/class/net/eth0/statistics/tx_packets)" 0
is "nor does its switch" "$("$NET" --world "$ECHOLAB_WORLD-q" run sw0 -- cat /sys/class/net/br0/statistics/tx_packets)" 0
is "who is where is known without asking" "$(on client ip neigh show dev eth0 | grep -c PERMANENT)" 4
is "no address is tentative" "$(on server ip address show tentative)" ""
is "lo is up" "$(on server cat /sys/class/net/lo/flags)" 0x9
like "segments are not merged" "$(on server ip -d link show eth0)" 'gso_max_segs 1 '
is "every ICMP error is sent" "$(on server cat /proc/sys/net/ipv4/icmp_ratelimit /proc/sys/net/ipv6/icmp/ratelimit | xargs)" "0 0"

# ---- two worlds ----
exits "of two worlds one must be named" 125 env -u ECHOLAB_WORLD "$NET" run client -- true
like "and the error lists them" "$ERR" "which world\?.* $ECHOLAB_WORLD( |\$)"
on client ip address add 10.77.0.99/32 dev lo
unlike "they do not see each other" "$("$NET" --world "$ECHOLAB_WORLD-q" run client -- ip address)" '10\.77\.0\.99'
exits "a name that is taken is refused" 125 "$NET" up
like "and says so" "$ERR" "running already"

# ---- run ----
exits "the command's exit code is passed through" 7 on client sh -c 'exit 7'
exits "a command killed by a signal counts as for a shell" 143 on client sh -c 'kill -TERM $$'
exits "an unknown command is 127" 127 on client no-such-command
like "and is named with its host" "$ERR" 'client: no-such-command: command not found'
exits "an unknown host is net's own failure" 125 on nowhere true
like "and the hosts are listed" "$ERR" 'no such host.*client server sw0'
exits "so is an unknown world" 125 env ECHOLAB_WORLD=none-of-these "$NET" run client -- true
like "and how to make it is said" "$ERR" 'net up --world none-of-these'
is "a host knows its own name" "$("$NET" run client,server -- hostname | sort | xargs)" "[client] client [server] server"
is "stdin reaches the command" "$(echo through | on client cat)" through
is "the working directory is kept" "$(cd "$TEST_TMP" && on client pwd)" "$TEST_TMP"
is "words are passed as they are" "$(on client printf '<%s>' 'a b' '' '$x *')" '<a b><><$x *>'
is "an option of the command stays its own" "$(on client echo --world x)" '--world x'
like "echolab's programs are in the path" "$(on client sh -c 'echo $PATH')" "$(cd "$BIN" && pwd)"
exits "several hosts: the first exit code that is not 0" 3 "$NET" run client,server -- sh -c 'hostname >/dev/null; ip -br address; test "$ECHOLAB_HOST" = client || exit 3'
like "and each line says where it comes from" "$OUT" '^\[server\] .*10\.77\.0\.2'

exits "several hosts: their output is there when net ends" 0 "$NET" run client,server,sw0 -- seq 100
is "and every line of it" "$(wc -l <"$TEST_TMP/out")" 300
exits "a file that is no program is 126" 126 on client /etc/passwd
like "and is named" "$ERR" '^net: client: /etc/passwd: not a program'

# ---- what net does not understand is its own failure, said in one line ----
refused() { # TEXT ARGUMENT…: 125, and one line with TEXT on stderr
    local text=$1; shift
    exits "net $(printf '%q ' "$@")" 125 "$NET" "$@"
    like "... one line says why" "$(wc -l <"$TEST_TMP/err") $ERR" "^1 (net|packet_log): .*$text"
}
: >"$TEST_TMP/empty"
refused 'which host' run '' -- id
refused 'which host' run , -- id
refused 'client server: no such host' run 'client server' -- id
refused '\*: no such host' run '*' -- id
refused 'no such host' run client,,server -- id
refused 'no such host' enter 'client server'
refused '\*: no such host' log '*'
refused '.--format: which' log --format
refused '.--bogus: unknown option' log --bogus
refused "'bogus' is not a choice" log --format=bogus
refused '/etc: not a file' up --world t /etc
refused '/dev/null: not a file' up --world t /dev/null
refused 'empty: no host in it' up --world t "$TEST_TMP/empty"
refused 'b: one topology' up --world t pair b
refused 'x: takes no operand' status x
refused '\?\[31m: not a world' --world $'\e[31m' status
refused '\?\[31m: no such host' run $'\e[31m' -- id
for command in status help --version; do
    rc=0; "$NET" $command >/dev/full 2>"$TEST_TMP/err" || rc=$?
    is "net $command into a full disk is 125 and says so" "$rc $(cat "$TEST_TMP/err")" "125 net: stdout: cannot be written"
done
rc=0; "$NET" log --count >/dev/full 2>"$TEST_TMP/err" || rc=$?
like "so is net log" "$rc $(cat "$TEST_TMP/err")" "^125 packet_log: stdout: write: "
is "net --version is that of the programs" "$("$NET" --version)" "$("$BIN/packet_log" --version | sed 's/packet_log/net/')"

# ---- signals ----
"$NET" run client -- bash -c 'trap "exit 5" TERM; echo listening; while :; do read -rt 0.05 <> <(:); done' >"$TEST_TMP/term" &
RUN=$!
wait_for 10 file_has "$TEST_TMP/term" listening
kill -TERM $RUN
rc=0; wait $RUN || rc=$?
is "SIGTERM is passed on, and the exit code comes back" $rc 5
# A shell's background job ignores SIGINT, and a shell that starts so cannot change it: env does.
env --default-signal=INT "$NET" run client -- bash -c 'trap "exit 6" INT; echo listening; while :; do read -rt 0.05 <> <(:); done' >"$TEST_TMP/int" &
RUN=$!
wait_for 10 file_has "$TEST_TMP/int" listening
kill -INT $RUN
rc=0; wait $RUN || rc=$?
is "so is SIGINT" $rc 6

# live TEXT: does a process of the world run whose command line has TEXT (zombies do not run)?
live() { on sw0 ps -eo stat,args | awk -v text="$1" '$1 !~ /^Z/ && index($0, text) && !/ps -eo/' | grep . >/dev/null; }
"$NET" run client -- sleep 4242 &
RUN=$!
wait_for 10 live 'sleep 4242'
kill -KILL $RUN
wait $RUN 2>/dev/null || true
ok "a net run that is killed takes its command along" wait_for 5 eval '! live "sleep 4242"'
for signal in TERM KILL; do
    "$NET" run client,server -- sleep 4245 &
    RUN=$!
    ok "SIG$signal to a net run on two hosts ..." wait_for 10 eval '[ "$(on sw0 ps -eo args | grep -cx "sleep 4245")" -eq 2 ]'
    kill -$signal $RUN
    rc=0; wait $RUN 2>/dev/null || rc=$?
    is "... is how it ends" $rc $((128 + $(kill -l $signal)))
    ok "... and takes both commands along" wait_for 5 eval '! live "sleep 4245"'
done
on client sh -c '(sleep 0.01; exit 3) & exec true'
zombies() { on sw0 ps -eo ppid,stat | awk '$1 == 1 && $2 ~ /^Z/' | grep . >/dev/null; }
ok "orphans are collected by the world" wait_for 5 eval '! zombies'

# ---- enter ----
echo 'echo "at $ECHOLAB_HOST in $PWD"; exit 9' >"$TEST_TMP/typed"
rc=0
(cd "$TEST_TMP" && "$NET" enter server <"$TEST_TMP/typed" >"$TEST_TMP/entered" 2>&1) || rc=$?
is "enter gives the shell's exit code" $rc 9
like "a shell on the host, where we were" "$(cat "$TEST_TMP/entered")" "at server in $TEST_TMP"
like "whose prompt says where one is" "$(tr -d '\001\002\033' <"$TEST_TMP/entered")" "server.* of $ECHOLAB_WORLD"

# ---- net, typed on a host ----
is "on a host, net run reaches the others" "$(on client "$NET" run server -- sh -c 'echo "$ECHOLAB_HOST"; ip -br address' | grep -cE '^server$|10\.77\.0\.2')" 2
exits "net log shows the packets" 0 on client "$NET" log
exits "but the world cannot be ended from within" 125 on client "$NET" down
like "and the error says what to do" "$ERR" 'leave it first'

# ---- other people ----
if [ "$(id -u)" -eq 0 ] && have setpriv; then
    cp -r "$ROOT/netns" "$TEST_TMP/netns"
    cp "$BIN/topology" "$BIN/packet_log" "$TEST_TMP/netns" # where another user can surely reach them
    chmod -R a+rX "$TEST_TMP"
    other="$ECHOLAB_WORLD-u" uid=$((50500 + RANDOM % 400))
    as_other() { setpriv --reuid "$uid" --regid "$uid" --clear-groups env -u XDG_RUNTIME_DIR ECHOLAB_WORLD="$other" "$TEST_TMP/netns/net" "$@"; }
    # forge SED-SCRIPT: changes the state file in place, so that the lock stays.
    forge() { local text; text=$(sed "$1" "/tmp/echolab-$uid/$other"); echo "$text" >"/tmp/echolab-$uid/$other"; }
    defer as_other down
    as_other up >/dev/null
    is "root enters a user's world by its name" "$(cd / && "$NET" --world "$other" run client -- getent hosts server.lab | awk '{print $2}')" server.lab
    (cd / && exec "$NET" --world "$other" run client -- sleep 4248) &
    RUN=$!
    others() { as_other run client -- ps -eo args | grep -x 'sleep 4248'; }
    wait_for 10 others
    kill -KILL $RUN
    wait $RUN 2>/dev/null || true
    ok "and a net run of root's that is killed takes its command along there too" wait_for 5 eval '! others'
    forge 's/^mode=.*/mode=root/' # the user would like root to run the user's programs as real root
    like "but is not real root there, whatever its file claims" "$(cd / && "$NET" --world "$other" run client -- cat /proc/self/uid_map)" "^ *0 +$uid +1\$"
    exits "and may end it" 0 "$NET" --world "$other" down
    ok "nothing of it is left" eval '[ ! -e /tmp/echolab-$uid ]'
    # A state file is a user's claim, not a fact: here, that the world's process is one of root's.
    as_other up >/dev/null
    sleep 4243 & VICTIM=$!
    defer kill $VICTIM
    forge "s/^pid=.*/pid=$VICTIM/"
    exits "root does not kill what a user's file says" 125 "$NET" --world "$other" down
    ok "and the process named there lives" kill -0 $VICTIM
    for process in /proc/[0-9]*; do # the file was spoilt, so this world has to be found by its owner
        if [ "$(stat -c %u "$process" 2>/dev/null)" = $uid ] && grep -q init.sh "$process/cmdline" 2>/dev/null; then kill -KILL "${process#/proc/}"; fi
    done
    ok "the next command removes what is stale" wait_for 5 eval 'as_other status >/dev/null; [ ! -e /tmp/echolab-$uid ]'
else
    for i in 1 2 3 4 5 6 7 8; do skip "root and a user's world ($i)" "needs root"; done
fi

# ---- the state directory ----
mkdir -m 700 "$TEST_TMP/session"
mkdir -m 777 "$TEST_TMP/session/echolab"
chmod 777 "$TEST_TMP/session/echolab"
exits "a state directory open to others is not used" 125 env XDG_RUNTIME_DIR="$TEST_TMP/session" "$NET" up --world unsafe
like "and the error says which" "$ERR" "$TEST_TMP/session/echolab: not a directory of ours with mode 700"
rmdir "$TEST_TMP/session/echolab"
ln -s "$TEST_TMP" "$TEST_TMP/session/echolab"
exits "nor is a symbolic link" 125 env XDG_RUNTIME_DIR="$TEST_TMP/session" "$NET" up --world unsafe

# ---- topologies ----
exits "an unknown topology is refused" 125 "$NET" up --world t nonsense
like "and the known ones are listed" "$ERR" 'no such topology \(there are: .*pair'
bad() { # NAME LINE MESSAGE
    { echo 'host a'; echo "$2"; } >"$TEST_TMP/bad" # topologies.t has the other mistakes
    exits "$1" 125 "$NET" up --world bad "$TEST_TMP/bad"
    like "... with file and line" "$ERR" "bad:2: .*$3"
}
bad "a word that is no fact" 'bridge r1' '"bridge" is no fact'
bad "a host twice" 'host a' 'there is a "a" already'
bad "a name that the shell could mistake" 'host $(id)' '"\$\(id\)" is not a name'
bad "a link to nowhere" 'link a:eth0 b:eth0' 'no host, router or switch "b"'
bad "an address on nothing" 'address a:eth0 10.0.0.1/24' 'a has no interface eth0'
bad "more words than a fact has" 'host b c d' '"c" is too much'

exits "an unknown command" 125 "$NET" frobnicate
like "points to the help" "$ERR" 'net help'
exits "help" 0 "$NET" help
like "lists the commands" "$OUT" '^  doctor '

# ---- down ----
pid=$("$NET" status | sed -nE "s/^$ECHOLAB_WORLD: .* pid ([0-9]+),.*/\1/p")
exits "down" 0 "$NET" down
ended() { [ ! -d "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"; }
ok "ends the world's first process" ended
exits "and its name is free" 125 "$NET" down
ok "no state file is left" eval '! compgen -G "/tmp/echolab-$EUID/$ECHOLAB_WORLD" && ! compgen -G "${XDG_RUNTIME_DIR:-/nowhere}/echolab/$ECHOLAB_WORLD"'
"$NET" up >/dev/null
pid=$("$NET" status | sed -nE "s/^$ECHOLAB_WORLD: .* pid ([0-9]+),.*/\1/p")
kill -KILL "$pid"
ok "a world that was killed is forgotten by the next command" wait_for 5 eval '! "$NET" status | grep "^$ECHOLAB_WORLD:" >/dev/null'
