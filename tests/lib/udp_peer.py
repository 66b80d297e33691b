#!/usr/bin/env -S python3 -S
"""udp_peer.py - the UDP sender that the tests need where socat is not exact enough.

  udp_peer.py echo   [--bind HOST[,PORT]] HOST PORT SIZE...   each size comes back whole, from the address probed
  udp_peer.py burst  [--segment N] HOST PORT COUNT SIZE       COUNT datagrams at once; all come back, in order
  udp_peer.py silent [--bind HOST[,PORT]] [--size N] [--fence HOST] HOST PORT
                                                              one datagram that must get no answer
  udp_peer.py spoof  SOURCE SPORT HOST PORT TEXT              one forged IPv4 datagram (needs CAP_NET_RAW)
  udp_peer.py flood  --seconds S VICTIM HOST PORT             far too many from one address, a few from VICTIM;
                                                              prints: sent answered elapsed_ms asked (each answered)
  udp_peer.py send   HOST PORT COUNT SIZE                     COUNT datagrams, not looking at answers
  udp_peer.py fair   PID HOST PORT PORT2                      the stopped server PID has 100 datagrams waiting on PORT
                                                              and one on PORT2; prints how many of the 100 came first
  udp_peer.py mixed  [--peers N] PID HOST PORT COUNT          COUNT datagrams of mixed lengths, from N peers in turn, fifty at
                                                              a time to the stopped server PID; each peer gets its own
  udp_peer.py leave  HOST PORT COUNT                          COUNT senders that are gone before the answer can come
  udp_peer.py load   HOST PORT                                sends without end; prints "loading" after the first echo

Silence is never waited for: a second datagram, which must be answered, follows on the same way, and
when its answer is there the first one had its chance (the server reads a socket in order).
"""
import os
import select
import signal
import socket
import struct
import sys
import time
from types import SimpleNamespace

from stopped import stop

TIMEOUT = 10  # seconds: far more than any answer takes, far less than the test may


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def open_socket(host, bind=None):
    sock = socket.socket(family_of(host), socket.SOCK_DGRAM)
    sock.settimeout(TIMEOUT)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if bind:
        address, _, port = bind.partition(",")
        sock.bind((address, int(port or 0)))
    return sock


# Byte i of a pattern is seed * 31 + i * 7 + (i >> 8). Its multiples of 7 go round in 256 bytes, and one more is the same from 183 bytes on
# (7 * 183 = 1 modulo 256): so each 256 bytes are a piece of these.
SEVENS = bytes(i * 7 & 255 for i in range(511))


def pattern(size, seed):
    begins = ((seed * 31 + block) * 183 & 255 for block in range((size + 255) // 256))
    return b"".join(SEVENS[begin:begin + 256] for begin in begins)[:size]


def expect(sock, data, peer):
    got, sender = sock.recvfrom(70000)
    if got != data:
        sys.exit(f"wrong echo: {len(got)} bytes for {len(data)}")
    if (sender[0].partition("%")[0], sender[1]) != (peer[0].partition("%")[0], peer[1]):
        sys.exit(f"answered from {sender[:2]}, probed {peer[:2]}")


def echo(args):
    sock = open_socket(args.host, args.bind)
    for seed, size in enumerate(args.sizes):
        data = pattern(size, seed)
        sock.sendto(data, (args.host, args.port))
        expect(sock, data, (args.host, args.port))
    print("echoed", *args.sizes)


def burst(args):
    sock = open_socket(args.host)
    sent = [pattern(args.size, seed) for seed in range(args.count)]
    peer = (args.host, args.port)
    if args.segment:  # UDP_SEGMENT (103): one message, many datagrams
        sock.sendmsg([b"".join(sent)], [(socket.SOL_UDP, 103, struct.pack("H", args.segment))], 0, peer)
    else:
        for data in sent:
            sock.sendto(data, peer)
    for data in sent:
        expect(sock, data, peer)
    print("echoed", args.count)


def silent(args):
    quiet = open_socket(args.host, args.bind)
    fence = open_socket(args.fence or args.host)
    quiet.sendto(pattern(args.size, 1), (args.host, args.port))
    peer = (args.fence or args.host, args.port)
    fence.sendto(b"fence", peer)
    expect(fence, b"fence", peer)
    quiet.setblocking(False)
    try:
        got, sender = quiet.recvfrom(70000)
        sys.exit(f"answered: {len(got)} bytes from {sender}")
    except BlockingIOError:
        print("silent")


def spoof(args):
    """IPv4 and UDP headers by hand (RFC 791, RFC 768); the kernel fills in the IP checksum, UDP's 0 means none."""
    data = args.text.encode()
    udp = struct.pack("!HHHH", args.sport, args.port, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                     socket.inet_aton(args.source), socket.inet_aton(args.host))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.sendto(ip + udp, (args.host, 0))


def flood(args):
    greedy, victim = open_socket(args.host), open_socket(args.host, args.victim)
    peer = (args.host, args.port)
    sent = answered = asked = 0
    begin = now = time.monotonic()
    while now - begin < args.seconds:
        for _ in range(100):  # fewer than fit the server's receive buffer: the limit drops, not the queue
            greedy.sendto(b"g" * 64, peer)
        sent += 100
        victim.sendto(b"victim %d" % asked, peer)
        expect(victim, b"victim %d" % asked, peer)
        asked += 1
        until = now + 0.02
        while (now := time.monotonic()) < until:
            if select.select([greedy], [], [], until - now)[0]:
                greedy.recv(100)
                answered += 1
    greedy.setblocking(False)
    try:
        while greedy.recv(100):
            answered += 1
    except BlockingIOError:
        pass
    print(sent, answered, int((now - begin) * 1000), asked)


def send(args):
    sock = open_socket(args.host)
    for seed in range(args.count):
        sock.sendto(pattern(args.size, seed), (args.host, args.port))


def arrival(sock):
    """When the kernel got the next datagram (SO_TIMESTAMPNS, 35), in ns."""
    _, control, _, _ = sock.recvmsg(100, 64)
    seconds, ns = struct.unpack("qq", control[0][2])
    return seconds * 10**9 + ns


def fair(args):
    many, one = open_socket(args.host), open_socket(args.host)
    for sock in many, one:
        sock.setsockopt(socket.SOL_SOCKET, 35, 1)
    for seed in range(100):
        many.sendto(pattern(10, seed), (args.host, args.port))
    one.sendto(b"one", (args.host, args.port2))
    os.kill(args.pid, signal.SIGCONT)
    answered = arrival(one)
    print(sum(arrival(many) < answered for _ in range(100)))


# Runs of one length, of which the last is shorter, longer or empty; and neighbours that have nothing in common.
MIXED = [64] * 7 + [20] + [64, 64, 65, 64] + [0, 0] + [1400] * 5 + [1] + [100, 200, 300, 300, 200] + [9] * 20 + [0] + [1]


def mixed(args):
    peers = [open_socket(args.host) for _ in range(args.peers or 1)]
    wanted = [[] for _ in peers]
    for begin in range(0, args.count, 50):  # fewer than fit the server's receive buffer; what is read at once can be coalesced
        stop(args.pid)
        for seed in range(begin, min(begin + 50, args.count)):
            who = seed // 3 % len(peers) if begin % 100 else seed % len(peers)  # three neighbours of one peer; or none
            data = pattern(MIXED[seed % len(MIXED)], seed)
            peers[who].sendto(data, (args.host, args.port))
            wanted[who].append(data)
        os.kill(args.pid, signal.SIGCONT)
        for sock, sent in zip(peers, wanted):
            for data in sent:
                expect(sock, data, (args.host, args.port))
            sent.clear()
    for sock in peers:
        sock.setblocking(False)
        try:
            sys.exit(f"one too many: {len(sock.recv(70000))} bytes")
        except BlockingIOError:
            pass
    print("echoed", args.count)


def leave(args):
    for seed in range(args.count):
        with open_socket(args.host) as sock:
            sock.sendto(pattern(64, seed), (args.host, args.port))


def load(args):
    sock = open_socket(args.host)
    sock.sendto(b"first", (args.host, args.port))
    expect(sock, b"first", (args.host, args.port))
    print("loading", flush=True)
    while True:
        sock.sendto(b"more", (args.host, args.port))


COMMANDS = {
    echo: "--bind host port sizes",
    burst: "--segment host port count size",
    silent: "--bind --size --fence host port",
    spoof: "source sport host port text",
    send: "host port count size",
    fair: "pid host port port2",
    mixed: "--peers pid host port count",
    leave: "host port count",
    load: "host port",
    flood: "--seconds victim host port",
}
TYPES = dict.fromkeys("host source text victim --bind --fence".split(), str) | {"--seconds": float}  # all others are whole numbers


def options(run, words):
    """Without argparse: to import that takes longer than most of what is done here, and this is started hundreds of times."""
    names, words = COMMANDS[run].split(), list(words)
    args = {name.lstrip("-"): None for name in names} | {"size": 64}
    while words and words[0].startswith("--"):
        name = words.pop(0)
        if name not in names:
            sys.exit(f"{name}: {run.__name__} has no such option")
        args[name[2:]] = TYPES.get(name, int)(words.pop(0))
    for name in names:
        if name == "sizes":
            args[name] = [int(word) for word in words]
        elif not name.startswith("--"):
            args[name] = TYPES.get(name, int)(words.pop(0))
    if "sizes" not in names and words:
        sys.exit(f"{words[0]}: one word too many")
    return SimpleNamespace(**args)


def main():
    run = {run.__name__: run for run in COMMANDS}[sys.argv[1]]
    try:
        run(options(run, sys.argv[2:]))
    except TimeoutError:
        sys.exit("no answer")


main()
