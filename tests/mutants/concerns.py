"""concerns.py - which tests concern which source: a table for the TAP scripts, and names and #includes for the unit tests.

Partner:  run. A test that is not there yet is left out; a source without a line here has only its unit tests.
"""
import fnmatch
import os
import re

# A source belongs to every line that matches it. A script may be given operands: NAME:OPERAND.
SCRIPTS = [
    ("lib/sandbox* lib/seccomp*", "sandbox tcp_server"),
    ("servers/tcp_echo_server.c lib/echo_stream.c", "tcp_server models_tcp:echo_server models_tcp_ends:echo_server tcp_cases tcp_abuse faults_shim"),
    ("lib/service_model.c lib/service_model_stream.c", "models_tcp:epoll models_tcp_ends:epoll"),
    ("servers/udp_echo_server.c lib/datagram*", "udp_server sizes udp_cases"),
    ("lib/service_model_datagram.c", "models_udp"),
    ("lib/acceptor.c lib/admission.c lib/time_limits.c lib/wheel.c lib/ticker.c", "tcp_server models_tcp_ends:echo_server tcp_abuse"),
    ("lib/rate_limit.c lib/source_rules.c", "udp_server udp_abuse"),
    ("lib/service* lib/listener.c lib/pidfile.c", "tcp_server models_tcp_ends:echo_server udp_server races"),
    ("lib/socket* lib/datagram_error.c", "clients refusals udp_server"),
    ("lib/resolver* lib/lookup_report.c lib/address_sort.c", "resolve dns"),
    ("lib/dialer* lib/happy_eyeballs.c", "clients refusals resolve explain dns tcp_cases"),
    ("lib/client* lib/probe.c lib/flight.c lib/report*", "clients client_streams client_ends deadlines refusals documents process"),
    ("lib/standard_io.c lib/line_output.c", "client_ends client_streams process"),
    ("lib/deadline.c lib/histogram.c lib/json.c", "clients deadlines"),
    ("lib/options* lib/words.c lib/endpoint.c lib/address.c", "help clients contract"),
    ("lib/narrator.c lib/witness.c lib/trace* lib/datagram_explain.c", "explain clients"),
    ("lib/packet_kmsg.c lib/packet_kernel.c", "kernel_log"),
    ("lib/packet*", "packet_log log"),
    ("servers/*", "help explain"),
]


def scripts_for(path, root):
    out = []
    for patterns, scripts in SCRIPTS:
        if any(fnmatch.fnmatch(path, p) for p in patterns.split()):
            for script in scripts.split():
                name, _, operand = script.partition(":")
                if os.path.exists(os.path.join(root, "tests/netns", name + ".t")):
                    out.append(("tests/netns/%s.t %s" % (name, operand)).strip())
    return list(dict.fromkeys(out))


def unit_tests(root):
    folder = os.path.join(root, "tests/unit")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [n[:-2] for n in names if re.fullmatch(r"test_\w+\.c", n)]


def includes_of(root, test):
    with open(os.path.join(root, "tests/unit", test + ".c"), encoding="utf-8") as file:
        return set(re.findall(r'#include "(\w+)\.h"', file.read()))


def shares_a_word(module, test):
    """test_resolver_dns and resolver_channel: the first word is the family."""
    return test[len("test_"):].split("_")[0] == module.split("_")[0]


def distances(module, modules, test_needs):
    """How many modules lie between each test and `module`: {test: 1 if it calls it itself, 2 if by one other …}."""
    out = {}
    for test, needs in test_needs.items():
        seen, ring, steps = set(), set(needs), 1
        while ring and module not in ring:
            seen |= ring
            ring = {n for m in ring for n in modules.get(m, ())} - seen
            steps += 1
        if ring:
            out[test] = steps
    return out


def is_about(module, root, test):
    """By its name, by what it includes, or of the same family: test_resolver_dns is about resolver_channel."""
    return test == "test_" + module or module in includes_of(root, test) or shares_a_word(module, test)


def ordered(module, root, tests, near, seconds):
    """Unit tests in the order in which they are asked: those that are about the module, then the nearest, then the quickest."""
    def rank(test):
        exact = test == "test_" + module
        return (0 if exact else 1 if is_about(module, root, test) else near.get(test, 99) + 1, seconds.get(test, 0))
    return sorted((t for t in tests if t in near or is_about(module, root, t)), key=rank)
