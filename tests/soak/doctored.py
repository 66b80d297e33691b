#!/usr/bin/env python3
"""doctored.py - would the soak say so? An epoch in which all is well, then the same with one thing wrong in it, over and over.

  tests/soak/doctored.py      a line for each: what is wrong, and "told" or "NOT TOLD"; exit code 1 if one is not told

Partner: judge.py, whose books these are, and summary.py, which judges memory; tests/netns/soak.t runs it. A judge who never says
no is worth nothing.
"""
import argparse
import copy
import sys

from judge import DROPS, Book
from summary import FEW, GROWTH, Summary

SENT = 100
KERNEL = "UdpOutDatagrams UdpInDatagrams UdpInErrors UdpNoPorts UdpInCsumErrors UdpRcvbufErrors IpReasmReqds arrivals softnet interface".split()
TCP = "accepted closed active resets errors timed_out_idle timed_out_write timed_out_lifetime bytes_in bytes_out rejected_full rejected_source " \
      "rejected_descriptors accept_paused".split()


def grew(names, **by):
    """Two looks at counters: all were 0, and these have grown."""
    return dict.fromkeys(names, 0), dict(dict.fromkeys(names, 0), **by)


def good():
    """100 datagrams to the first UDP server and back, one client of the first TCP server."""
    udp = ("received", "replied", "dropped_kernel_queue", *DROPS)
    counted = dict.fromkeys("sent received lost late unanswered duplicates reordered corrupt wrong_source errors".split(), 0)
    return {
        "plan": {"kind": "none", "link": None}, "down": None, "hurried": False, "faults": [], "overflowed": 0, "aftermath": False,
        "client": grew(KERNEL, UdpOutDatagrams=SENT, UdpInDatagrams=SENT, arrivals=SENT),
        "server": grew(KERNEL, UdpOutDatagrams=SENT, UdpInDatagrams=SENT, arrivals=SENT),
        "statistics": {"udp1": grew(udp, received=SENT, replied=SENT), "udp2": grew(udp),
                       "tcp1": grew(TCP, accepted=1, closed=1, bytes_in=64, bytes_out=64), "tcp2": grew(TCP)},
        "results": [dict(counted, kind="udp paced", code=0, said="", reasons={}, sent=SENT, received=SENT),
                    dict(counted, kind="tcp paced", code=0, said="", reasons={}, sent=1, received=1)],
    }


def changed(record, path, by):
    """The record with one thing in it that is otherwise: a number is more or less by so much, all else is replaced."""
    record = copy.deepcopy(record)
    at = record
    for key in path[:-1]:
        at = at[key]
    old = at.get(path[-1])
    at[path[-1]] = old + by if isinstance(old, int) and not isinstance(by, bool) else by
    return record


UDP1, TCP1 = ("statistics", "udp1", 1), ("statistics", "tcp1", 1)
WRONG = (
    ("a datagram is lost on the way there", ("server", 1, "arrivals"), -1),
    ("one more arrives than was sent", ("server", 1, "arrivals"), 1),
    ("one is lost on the way back", ("client", 1, "arrivals"), -1),
    ("one arrives, and no program reads it", ("server", 1, "UdpInDatagrams"), -1),
    ("the server has received one less than its kernel says", (*UDP1, "received"), -1),
    ("the server has not replied to one, and says not why", (*UDP1, "replied"), -1),
    ("a reply too many", (*UDP1, "replied"), 1),
    ("a drop of a full buffer that no kernel knows", (*UDP1, "dropped_kernel_queue"), 1),
    ("a wrong checksum, and nobody damaged anything", ("client", 1, "UdpInCsumErrors"), 1),
    ("a client misses an echo", ("results", 0, "lost"), 1),
    ("a client's sum is not right", ("results", 0, "received"), -1),
    ("a client got damaged bytes", ("results", 0, "corrupt"), 1),
    ("a client did not send what it says", ("client", 1, "UdpOutDatagrams"), 1),
    ("a client was told of a fault that there was not", ("results", 0, "reasons"), {"refused": 1}),
    ("a client hangs", ("results", 0, "hangs"), True),
    ("a client died by a signal", ("results", 1, "code"), -11),
    ("a sanitizer has said something", ("results", 1, "said"), "ERROR: AddressSanitizer: heap-use-after-free"),
    ("a TCP client ends with 1", ("results", 1, "code"), 1),
    ("a TCP client got damaged bytes", ("results", 1, "corrupt"), 1),
    ("a TCP stream came back changed", ("results", 1, "same"), False),
    ("a TCP server has kept a byte back", (*TCP1, "bytes_out"), -1),
    ("a TCP server has counted an error", (*TCP1, "errors"), 1),
    ("a TCP server has turned somebody away", (*TCP1, "rejected_source"), 1),
)

# What a fault of the link may make a client say, each in its own words.
EXPECTED = (
    ("reject", {"EHOSTUNREACH": 2, "deadline": 1}),
    ("reject", {"send: No route to host": 1}),
    ("refuse", {"refused (nobody listens there)": 1}),
    ("link down", {"send: Network is unreachable": 1}),
)


def with_fault(kind, reasons):
    """An epoch with that fault, of which one client was told."""
    return changed(changed(good(), ("plan", "kind"), kind), ("results", 0, "reasons"), reasons)


def memory(step):
    """What is told of a TCP server that takes `step` kB more from each look to the next."""
    summary = Summary(argparse.Namespace(variant="plain"), ".")
    for at in range(FEW):
        summary.sample(at, {"tcp1": {"memory": {"anonymous": 10000 + step * at}}})
    summary.server("tcp1", None, None)
    return list(summary.judge_memory())


def main():
    well = Book(good()).wrong + memory(0) + [text for kind, reasons in EXPECTED for text in Book(with_fault(kind, reasons)).wrong]
    print("all is well: %s" % (well or "nothing is told"))
    wrong = [(what, Book(changed(good(), path, by)).wrong) for what, path, by in WRONG]
    wrong += [("a fault's reason where the fault was another: %s" % kind, Book(with_fault("delay", reasons)).wrong) for kind, reasons in EXPECTED]
    wrong.append(("a server's memory grows", memory(GROWTH["tcp"] * 4 // FEW)))
    for what, told in wrong:
        print("%s: %s" % (what, "told: " + told[0] if told else "NOT TOLD"))
    sys.exit(0 if not well and all(told for _, told in wrong) else 1)


if __name__ == "__main__":
    main()
