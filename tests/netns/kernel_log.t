#!/usr/bin/env bash
# kernel_log.t - net log --source=kernel: what LOG rules wrote into the kernel's ring buffer.
#
# It may switch net.netfilter.nf_log_all_netns on, for as long as it runs; whoever does that holds a
# lock on the setting's own file, so that two such tests do not take it from each other.
# shellcheck disable=SC2016,SC2119 # code in single quotes is evaluated later; world takes no argument here
. "$(dirname "$0")/../lib/tap.sh"

SETTING=/proc/sys/net/netfilter/nf_log_all_netns
kernel() { "$NET" log --source=kernel "$@"; }

if [ "$(id -u)" -ne 0 ]; then
    world || { fail "a world comes up"; exit 0; }
    exits "an ordinary user may not read the kernel's log" 125 kernel
    like "... and is told who may" "$ERR" "^net: log: --source=kernel: only root .*\(sudo .*net log --source=kernel\)\$"
    skip "the kernel's log" "only real root can read it"
    exit 0
fi
[ -w "$SETTING" ] || skip_all "no $SETTING here that can be written (a container?)"
[ -r /dev/kmsg ] || skip_all "/dev/kmsg cannot be read here"
exec 7<"$SETTING" # and closed for what goes on in the background, or it would hold the lock too
flock -w 60 7 || skip_all "another test has held $SETTING for a minute"
read -r OLD <"$SETTING"
defer bash -c "echo $OLD >$SETTING"

world || { fail "a world comes up"; exit 0; }
for FILE in "${XDG_RUNTIME_DIR:-/nowhere}/echolab/$ECHOLAB_WORLD" "/tmp/echolab-0/$ECHOLAB_WORLD"; do [ ! -e "$FILE" ] || break; done
TAG=$(printf '%04x' $((RANDOM % 65536)))
# log_rules HOST TAG: as net up --kernel-log makes them, for UDP and ICMP.
log_rules() {
    local chain protocol
    for chain in INPUT POSTROUTING; do
        for protocol in udp icmp; do
            on "$1" iptables -t mangle -A "$chain" -p "$protocol" -j LOG --log-prefix "[$2 $1 ${protocol^^}] "
        done
    done
}

# ---- what is in the way is said, with what to do ----
if have setpriv; then
    exits "not root" 125 setpriv --reuid 65534 --clear-groups "$NET" log --source=kernel
    like "... is told that only root may" "$ERR" "only root may read the kernel's log"
else
    skip "not root" "no setpriv here"; skip "... is told that only root may" "no setpriv here"
fi
exits "inside the world" 125 on client "$NET" log --source=kernel
like "... it is not read" "$ERR" 'leave it first'
echo 0 >"$SETTING"
exits "a machine that keeps the rules of worlds quiet" 125 kernel
like "... and the command that changes it" "$ERR" 'sysctl -w net\.netfilter\.nf_log_all_netns=1\)$'
echo 1 >"$SETTING"
echo "tag=$TAG" >>"$FILE"
exits "a world without LOG rules" 125 kernel
like "... and how to have them" "$ERR" 'has no LOG rules \(net up --kernel-log makes them\)$'
cp -r "$ROOT/netns" "$TEST_TMP/netns"
chmod -R a+rX "$TEST_TMP"
OTHER=$ECHOLAB_WORLD-u OTHER_UID=$((50500 + RANDOM % 400))
as_other() { setpriv --reuid $OTHER_UID --regid $OTHER_UID --clear-groups env -u XDG_RUNTIME_DIR ECHOLAB_WORLD="$OTHER" "$TEST_TMP/netns/net" "$@"; }
if as_other up >"$TEST_TMP/other" 2>&1; then
    defer as_other down
    exits "a rootless world" 125 "$NET" --world "$OTHER" log --source=kernel
    like "... has no such log" "$ERR" 'mode rootless.*up --kernel-log'
else
    skip "a rootless world" "none can be made here"; skip "... has no such log" "none can be made here"
fi
exits "a source that is none" 125 "$NET" log --source=dmesg
like "... is told what there is" "$ERR" "nflog, kernel"

# ---- what is there is read ----
log_rules client "$TAG"
log_rules server "$TAG"
log_rules server beef # another world's, as far as its prefix tells
start_server udp on server "$BIN/udp_echo_server" --listen 10.77.0.2
MARK=$(kernel --mark)
like "a mark is the number of a record" "$MARK" '^[0-9]+$'
is "nothing is there before" "$(kernel --count --from "$MARK")" 0
exits "what packet_log does not understand is net's own failure" 125 kernel --port=http
on client "$BIN/udp_echo" -q --count 2 --interval 0 10.77.0.2 >"$TEST_TMP/udp"
on client "$BIN/udp_echo" -q --count 1 10.77.0.2:7 >"$TEST_TMP/udp" || true
printf '[%s client UDP] IN= OUT=eth0 SRC=10.77.0.1 DST=10.77.0.2 LEN=99 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=1 DPT=2 LEN=79 \n' "$TAG" >/dev/kmsg
kernel --from "$MARK" >"$TEST_TMP/kernel" 2>"$TEST_TMP/err"
is "two echoes are eight sightings, in causal order" "$(grep -c ':7007' "$TEST_TMP/kernel") $(grep ':7007' "$TEST_TMP/kernel" | awk '{print $3 $4}' | head -n 4 | xargs)" "8 client> server< server> client<"
like "with names, as the other source has it" "$(head -n 1 "$TEST_TMP/kernel")" '^ +0\.000 ms  client >  UDP   client:[0-9]+ > server:7007  64 bytes$'
like "an ICMP error says what it is about" "$(cat "$TEST_TMP/kernel")" 'client <  ICMP  server > client  port unreachable  \(about UDP client:[0-9]+ > server:7\)$'
unlike "a line that a program wrote is not the kernel's" "$(cat "$TEST_TMP/kernel")" ' client:1 '
is "another world's lines are not shown" "$(kernel --from "$MARK" --count server)" 6
is "nothing is said about a log that is whole" "$(cat "$TEST_TMP/err")" ""
is "filters are the same" "$(kernel --from "$MARK" --protocol=icmp --direction=out | awk '{print $3 $4 $5}')" "server>ICMP"
is "packets are counted, not sightings" "$(kernel --from "$MARK" --count --port=7007)" 4
like "the kernel's words" "$(kernel --from "$MARK" --format=kernel client | head -n 1)" '^\[UDP\] IN= OUT=eth0 SRC=10\.77\.0\.1 DST=10\.77\.0\.2 LEN=92 .*PROTO=UDP SPT=[0-9]+ DPT=7007 LEN=72 $'
if have jq; then
    is "JSON has the record's number" "$(kernel --from "$MARK" --format=json client | head -n 1 | jq "[.number >= $MARK, .host, .payload, .source.name, .tcp]" -c)" '[true,"client",64,"client",null]'
else
    skip "JSON has the record's number" "no jq here"
fi

# ---- follow: from now on ----
"$NET" log --source=kernel --follow >"$TEST_TMP/follow" 2>"$TEST_TMP/err" 7<&- &
FOLLOW=$!
defer stop_pid $FOLLOW
# When it has begun cannot be seen from outside: so send until something is heard.
heard() { on client "$BIN/udp_echo" -q --count 1 --size 77 10.77.0.2 >"$TEST_TMP/udp"; file_has "$TEST_TMP/follow" ' 77 bytes'; }
ok "--follow shows what comes" wait_for 20 heard
unlike "and not what was before" "$(cat "$TEST_TMP/follow")" ' 64 bytes'
ok "it ends when its reader goes" timeout 20 bash -c "'$NET' log --source=kernel --follow --from '$MARK' | head -n 1"
"$NET" down >"$TEST_TMP/down"
rc=0; wait $FOLLOW || rc=$?
is "and with its world" $rc 0
