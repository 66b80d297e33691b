#!/usr/bin/env python3
"""dns_peer.py - a DNS server that misbehaves as the name tells it: chain.test is answered with a chain, silent.test not at all.

usage: dns_peer.py ADDRESS[:PORT] [--address ADDRESS] [--udp-only]

The first label of the name asked for:
  nxdomain  nodata  servfail  refused        said so
  afails  aaaafails                          SERVFAIL for that family, no data for the other
  silent    noaaaa (silent for AAAA only)    nothing comes back
  truncated (whole over TCP)                 --udp-only: nobody listens there
  runtfirst (as truncated)                   over TCP a message of 3 bytes comes before the true one
  forged    wrong id, wrong question, and the right one from another port, each with 6.6.6.6, before the true answer
  runts     datagrams of 0 and of 3 bytes before the true answer
  reflected the query itself, as an echo server would
  chain  loop  pointers                      aliases; aliases in a circle; a compression pointer to itself
Any other name has the A record of --address (127.0.0.1), and no AAAA. UDP and TCP on one port; the first line says where.
For the unit tests there is mock_dns.c, which lives on the test's own event loop.
"""
import argparse
import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28
MANY = 31  # addresses of truncated.test: more than the 512 bytes of a datagram


def encode(name):
    return b"".join(bytes([len(label)]) + label for label in name.encode().split(b".")) + b"\0"


def record(owner, kind, data):
    return owner + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def question_of(query):
    """The name, the type, and the question's bytes."""
    at, labels = 12, []
    while query[at] != 0:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    return b".".join(labels).decode().lower(), struct.unpack("!H", query[at + 1:at + 3])[0], query[12:at + 5]


def message(query, question, records, rcode=0, truncated=False):
    flags = 0x8180 | rcode | (0x0200 if truncated else 0)
    return query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + question + b"".join(records)


def respond(query, address, tcp):
    """What comes back, one after the other: (message, from another port?)."""
    name, kind, question = question_of(query)
    first = name.split(".")[0]
    owner = b"\xc0\x0c"  # the name in question, at offset 12
    true = [record(owner, A, socket.inet_aton(address))] if kind == A else []
    lie = [record(owner, A, bytes([6] * 4)) if kind == A else record(owner, AAAA, bytes([6] * 16))]
    codes = {"nxdomain": 3, "servfail": 2, "refused": 5, "nodata": 0}
    if first in ("afails", "aaaafails"):
        fails = A if first == "afails" else AAAA
        return [(message(query, question, [], codes["servfail" if kind == fails else "nodata"]), False)]
    if first in codes:
        return [(message(query, question, [], codes[first]), False)]
    if first == "silent" or (first == "noaaaa" and kind == AAAA):
        return []
    if first == "reflected":
        return [(query, False)]
    if first in ("truncated", "runtfirst") and kind == A:
        runt = [(query[:3], False)] if first == "runtfirst" and tcp else []
        many = [record(owner, A, socket.inet_aton(address)[:3] + bytes([n])) for n in range(1, MANY + 1)]
        return runt + [(message(query, question, many if tcp else [], truncated=not tcp), False)]
    before = []
    if first == "forged" and not tcp:
        wrong = bytes([query[0] ^ 0xff]) + query[1:]
        other = encode("other.test") + question[-4:]
        before = [(message(wrong, question, lie), False), (message(query, other, lie), False), (message(query, question, lie), True)]
    if first == "runts" and not tcp:
        before = [(b"", False), (query[:3], False)]
    if first == "chain" and kind == A:
        one, two = encode("one.test"), encode("two.test")
        true = [record(owner, CNAME, one), record(one, CNAME, two), record(two, A, socket.inet_aton(address))]
    if first == "loop":
        one = encode("one.test")
        true = [record(owner, CNAME, one), record(one, CNAME, owner)]
    if first == "pointers":
        at = 12 + len(question)
        true = [record(struct.pack("!H", 0xc000 | at), kind, bytes(4 if kind == A else 16))]
    return before + [(message(query, question, true), False)]


def serve_tcp(listener, address):
    while True:
        conn, _ = listener.accept()
        with conn:
            conn.settimeout(10)
            try:
                while head := conn.recv(2, socket.MSG_WAITALL):
                    query = conn.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                    for data, _ in respond(query, address, True):
                        conn.sendall(struct.pack("!H", len(data)) + data)
            except OSError:
                pass  # the resolver closes when it has what it wants


def both_on_one_port(host, port, udp_only):
    """UDP and TCP sockets; the kernel chose the port of one, so it may be taken on the other."""
    for _ in range(50):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((host, port))
        if udp_only:
            return udp, None
        try:
            return udp, socket.create_server((host, udp.getsockname()[1]))
        except OSError:
            udp.close()
    raise SystemExit("dns_peer.py: no port is free for UDP and TCP")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("listen")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--udp-only", action="store_true")
    args = parser.parse_args()
    host, _, port = args.listen.partition(":")
    udp, tcp = both_on_one_port(host, int(port or 0), args.udp_only)
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind((host, 0))
    if tcp is not None:
        threading.Thread(target=serve_tcp, args=(tcp, args.address), daemon=True).start()
    print(f"ready proto=dns listen={host}:{udp.getsockname()[1]}", flush=True)
    while True:
        query, peer = udp.recvfrom(4096)
        for data, elsewhere in respond(query, args.address, False):
            (other if elsewhere else udp).sendto(data, peer)


if __name__ == "__main__":
    main()
