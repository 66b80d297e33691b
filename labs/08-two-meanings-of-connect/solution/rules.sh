#!/usr/bin/env bash
# rules.sh PORT - two rules that count, and do nothing else: what UDP really sends, and what really comes back.
#
# Run on the client: labs/lab run client -- labs/work/08/rules.sh 7007
# Look:              labs/lab run client -- iptables-save -c | grep comment
#
# A rule without -j has no target: the packet is counted and goes on to the next rule.
set -euo pipefail
port=${1:?usage: rules.sh PORT}

# Datagrams that leave this host for that port.
iptables -I OUTPUT -p udp --dport "$port" -m comment --comment sent

# The bad news: ICMP port unreachable (type 3, code 3) that comes in.
iptables -I INPUT -p icmp --icmp-type port-unreachable -m comment --comment refused
