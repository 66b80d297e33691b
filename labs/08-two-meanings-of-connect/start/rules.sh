#!/usr/bin/env bash
# rules.sh PORT - two rules that count, and do nothing else: what UDP really sends, and what really comes back.
#
# Run on the client: labs/lab run client -- labs/work/08/rules.sh 7007
# Look:              labs/lab run client -- iptables-save -c | grep comment
#
# A rule without -j has no target: the packet is counted and goes on to the next rule.
set -euo pipefail
port=${1:?usage: rules.sh PORT}

# TODO(08-1): count the UDP datagrams that leave this host for that port. Name the rule, so that it is
# found again: -m comment --comment sent
: "$port"

# TODO(08-2): count the bad news, ICMP port unreachable, that comes in: -m comment --comment refused
