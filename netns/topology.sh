# topology.sh - reads a topology: a text file with one fact a line (netns/topologies/pair explains
# the words).
#
# topology_read FILE fills the arrays below or says what is wrong, with file and line, and returns
# 1. Nothing in a topology is ever evaluated by the shell: each word must match a pattern first.
# Read next: init.sh, which builds it.
# shellcheck shell=bash disable=SC2034 # the arrays are for the files that source this one

HOSTS=()     # client server
SWITCHES=()  # sw0
LINKS=()     # "client:eth0 sw0:client"
ADDRESSES=() # "client:eth0 10.77.0.1/24", "sw0 10.77.0.254/24"
NAMES=()     # "client.lab client"
LOGS=()      # "udp 7,7007"
DNS=         # the switch that runs dnsmasq

TOPOLOGY_AT= # "pair:12", for messages

# What was typed may hold anything: no control character of it reaches the terminal.
complain() { echo "net: ${*//[[:cntrl:]]/?}" >&2; }

topology_bad() {
    complain "$TOPOLOGY_AT: $1"
    return 1
}

# topology_find NAME: the file of a topology: one of ours by its name, anything with a slash by its
# path.
topology_find() {
    case $1 in
    */*) echo "$1" ;;
    *) echo "$HERE/topologies/$1" ;;
    esac
}

topology_list() {
    local file list=
    for file in "$HERE"/topologies/*; do list+="${list:+ }${file##*/}"; done
    echo "$list"
}

topology_read() {
    local file=$1 number=0 line word a b rest
    [ -e "$file" ] || { complain "$file: no such topology (there are: $(topology_list))"; return 1; }
    if [ ! -f "$file" ] || [ ! -r "$file" ]; then complain "$file: not a file that can be read"; return 1; fi
    TOPOLOGY_AT=$file
    while read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        TOPOLOGY_AT=$file:$number
        read -r word a b rest <<<"${line%%#*}"
        [ -n "$word" ] || continue
        [ -z "$rest" ] || { topology_bad "\"$rest\" is too much for $word"; return; }
        topology_fact "$word" "$a" "$b" || return
    done <"$file"
    [ ${#HOSTS[@]} -gt 0 ] || topology_bad "no host in it"
}

topology_fact() { # WORD A B
    local a=$2 b=$3
    case $1 in
    host) topology_new "$a" && HOSTS+=("$a") ;;
    switch) topology_new "$a" && SWITCHES+=("$a") ;;
    link) topology_plug "$a" && topology_plug "$b" && LINKS+=("$a $b") ;;
    address)
        [[ $b =~ ^([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-f:]*:[0-9a-f:]*)/[0-9]+$ ]] ||
            { topology_bad "\"$b\" is not an address with its prefix length (10.77.0.1/24, fd77::1/64)"; return; }
        topology_has "${a%:*}" && ADDRESSES+=("$a $b")
        ;;
    dns) topology_has "$a" && DNS=$a ;;
    name)
        [[ $a =~ ^[a-z][a-z0-9.-]{0,61}$ ]] || { topology_bad "\"$a\" is not a DNS name"; return; }
        topology_has "$b" && NAMES+=("$a $b")
        ;;
    log)
        [[ $a =~ ^(udp|tcp)$ && $b =~ ^[0-9]+(,[0-9]+)*$ ]] ||
            { topology_bad "log takes udp or tcp, and ports: log udp 7,7007"; return; }
        LOGS+=("$a $b")
        ;;
    *) topology_bad "\"$1\" is no fact (host, switch, link, address, dns, name, log)" ;;
    esac
}

topology_new() { # NAME of a host or switch; it becomes a namespace's name
    [[ $1 =~ ^[a-z][a-z0-9-]{0,14}$ ]] || { topology_bad "\"$1\" is not a name (a letter, then letters, digits, -)"; return; }
    [[ " ${HOSTS[*]} ${SWITCHES[*]} " != *" $1 "* ]] || topology_bad "there is a \"$1\" already"
}

topology_has() { # NAME
    [[ -n $1 && " ${HOSTS[*]} ${SWITCHES[*]} " == *" $1 "* ]] || topology_bad "no host or switch \"$1\""
}

topology_plug() { # NAME:INTERFACE
    [[ $1 =~ ^[a-z][a-z0-9-]*:[a-z][a-z0-9-]{0,14}$ ]] || { topology_bad "\"$1\" is not a plug, HOST:INTERFACE or SWITCH:PORT"; return; }
    topology_has "${1%:*}"
}

# addresses_of NAME[:INTERFACE]: its addresses without prefix length, one a line.
addresses_of() {
    local entry
    for entry in "${ADDRESSES[@]}"; do
        if [[ $entry == "$1 "* || $entry == "$1:"* ]]; then
            entry=${entry#* }
            echo "${entry%/*}"
        fi
    done
}
