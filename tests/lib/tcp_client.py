#!/usr/bin/env python3
"""tcp_client.py - the clients that a TCP echo server must survive, one behaviour a command.

  tcp_client.py PORT COMMAND [N] [--host HOST] [--pid PID]
  tcp_client.py PORT COMMAND:N COMMAND:N ...       several, one after the other

Each prints one line of `key=value` and exits 0 if the server behaved. It deliberately shares no code with
echolab's own clients: what both ends get wrong in the same way, a test between the two would never see.
"""
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from types import SimpleNamespace

from stopped import stop

TIMEOUT = 30  # seconds: for a slow machine; no test waits for it to pass


def connect(args):
    s = socket.create_connection((args.host, args.port), timeout=TIMEOUT)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def comes_back(s, data):
    """Reads to the end, and says how many bytes there were. True: they were these, and no more."""
    length, good = 0, True
    while more := s.recv(1 << 18):
        good = good and data.startswith(more, length)
        length += len(more)
    print("bytes=%d" % length)
    return good and length == len(data)


def read_exactly(s, length):
    data = b""
    while len(data) < length:
        more = s.recv(length - len(data))
        if not more:
            raise EOFError("end after %d of %d bytes" % (len(data), length))
        data += more
    return data


def whole(args):
    """Sends N bytes while reading them back; half-closes; every byte, then the end."""
    data = os.urandom(args.number)
    s = connect(args)

    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    good = comes_back(s, data)
    sender.join()
    return good


def half_close(args):
    """Sends N bytes and its FIN before it reads the first one back."""
    data = os.urandom(args.number)
    s = connect(args)
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    return comes_back(s, data)


def dribble(args):
    """One byte at a time, each awaited."""
    s = connect(args)
    for i in range(args.number):
        byte = bytes([i % 256])
        s.sendall(byte)
        if s.recv(16) != byte:
            return False
    print("bytes=%d" % args.number)
    return True


def say_and_wait(line):
    """Tells the script that it may go on, and waits until it closes our stdin."""
    print(line, flush=True)
    sys.stdin.read()


def deaf(args):
    """Sends as long as the server takes bytes, never reads; holds the connection until stdin ends."""
    s = connect(args)
    s.setblocking(False)
    sent, chunk = 0, b"x" * 65536
    while select.select([], [s], [], 0.3)[1]:
        sent += s.send(chunk)
    say_and_wait("sent=%d" % sent)
    return True


def deaf_until_reset(args):
    """As deaf, and then waits for the server to reset it."""
    s = connect(args)
    s.setblocking(False)
    begin = time.monotonic()
    chunk = b"x" * 65536
    try:
        while time.monotonic() - begin < TIMEOUT:
            if select.select([], [s], [], 0.1)[1]:
                s.send(chunk)
    except (ConnectionResetError, BrokenPipeError):
        print("reset_after_ms=%d" % ((time.monotonic() - begin) * 1000))
        return True
    return False


def reset(args):
    """Sends N bytes and dies: RST while the echo is on its way."""
    s = connect(args)
    s.sendall(b"x" * args.number)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    print("sent=%d" % args.number)
    return True


def unread(args):
    """Sends N bytes, and closes with their echo unread: the kernel says so with a RST (RFC 2525 2.17)."""
    s = connect(args)
    s.sendall(b"x" * args.number)
    select.select([s], [], [], TIMEOUT)
    s.close()
    print("sent=%d" % args.number)
    return True


def silent(args):
    """Connects, says nothing, and times how long the server bears that."""
    begin = time.monotonic()  # before: the server's limit begins when it accepts, and we may be the ones who are late
    s = connect(args)
    end = s.recv(1)
    print("closed_after_ms=%d" % ((time.monotonic() - begin) * 1000))
    return end == b""


def chatty(args):
    """An echo every N ms until the server ends it; times that."""
    begin = time.monotonic()  # as in silent
    s = connect(args)
    try:
        while time.monotonic() - begin < TIMEOUT:
            s.sendall(b"x")
            if s.recv(1) == b"":
                break
            select.select([s], [], [], args.number / 1000)
    except ConnectionError:
        pass  # our byte crossed its FIN
    print("closed_after_ms=%d" % ((time.monotonic() - begin) * 1000))
    return time.monotonic() - begin < TIMEOUT


def crowd(args):
    """N connections; how many get an echo, how many are turned away; holds them until stdin ends."""
    sockets, echoed, turned_away = [], 0, 0
    for _ in range(args.number):
        try:
            s = connect(args)
            sockets.append(s)
            s.sendall(b"x")
            if s.recv(1) == b"x":
                echoed += 1
            else:
                turned_away += 1
        except ConnectionError:
            turned_away += 1
    say_and_wait("echoed=%d turned_away=%d" % (echoed, turned_away))
    for s in sockets[:1]:  # those who are in are served to the end
        s.sendall(b"y")
        return s.recv(1) == b"y"
    return True


def knock(args):
    """Sends a byte; says within N ms whether it was served meanwhile; then waits until it is."""
    s = connect(args)
    s.sendall(b"x")
    print("served_meanwhile=%d" % bool(select.select([s], [], [], args.number / 1000)[0]), flush=True)
    return s.recv(1) == b"x"


def urgent(args):
    """Three bytes, an urgent one, three more, all before the server (--pid) looks: all seven come back (RFC 6093)."""
    s = connect(args)
    stop(args.pid)  # to its end: a receive that meets the mark with the signal still pending gives up there (tcp_io_uring.c says more)
    try:
        s.sendall(b"abc")
        s.send(b"!", socket.MSG_OOB)
        s.sendall(b"efg")
    finally:
        os.kill(args.pid, signal.SIGCONT)
    print("bytes=7")
    return read_exactly(s, 7) == b"abc!efg"


def together(args):
    """N connections at once, each sends 1000 bytes and half-closes; every one gets its own bytes, then the end."""
    waiting, good = {}, 0
    poll = select.epoll()
    for i in range(args.number):
        s = connect(args)
        data = i.to_bytes(4, "big") * 250
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        waiting[s.fileno()] = [s, data, b""]
        poll.register(s, select.EPOLLIN)
    end = time.monotonic() + TIMEOUT
    while waiting and time.monotonic() < end:
        for fd, _ in poll.poll(1):
            entry = waiting[fd]
            more = entry[0].recv(2000)
            entry[2] += more
            if not more:
                good += entry[1] == entry[2]
                poll.unregister(fd)
                del waiting[fd]
                entry[0].close()
    print("echoed=%d" % good)
    return good == args.number


def reconnect(args):
    """N connections, one after the other: an echo each, and a close that is waited for."""
    for _ in range(args.number):
        with connect(args) as s:
            s.sendall(b"x" * 64)
            s.shutdown(socket.SHUT_WR)
            if read_exactly(s, 64) != b"x" * 64 or s.recv(1) != b"":
                return False
    print("connections=%d" % args.number)
    return True


def anonymous_bytes(pid):
    """The memory that a process has written to: what its connections cost it."""
    with open("/proc/%d/smaps_rollup" % pid) as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Anonymous:"))


def idle_crowd(args):
    """N connections that had one echo each and are silent now; bytes that each costs the server."""
    def open_some(number):
        sockets = [connect(args) for _ in range(number)]
        for s in sockets:
            s.sendall(b"x" * 64)
        return sockets if all(read_exactly(s, 64) == b"x" * 64 for s in sockets) else None

    warm = open_some(100)  # what the server allocates once is not theirs
    before = anonymous_bytes(args.pid)
    crowd = open_some(args.number - 100)
    each = (anonymous_bytes(args.pid) - before) / (args.number - 100)
    print("held=%d bytes_each=%d" % (len(warm) + len(crowd), each))
    return True


def transfer(args):
    """Says "started" after its first echo; then N times 64 KiB, echoed each, 50 ms apart; then the end."""
    s = connect(args)
    s.sendall(b"x")
    read_exactly(s, 1)
    print("started", flush=True)
    chunk = os.urandom(65536)
    for _ in range(args.number):
        s.sendall(chunk)
        if read_exactly(s, len(chunk)) != chunk:
            return False
        select.select([], [], [], 0.05)
    s.shutdown(socket.SHUT_WR)
    end = s.recv(1)
    print("bytes=%d" % (args.number * len(chunk)))
    return end == b""


COMMANDS = {f.__name__: f for f in (whole, half_close, dribble, deaf, deaf_until_reset, reset, unread, silent, knock, together,
                                    urgent, reconnect, chatty, crowd, idle_crowd, transfer)}


def run(command, args):
    try:
        return COMMANDS[command](args)
    except (OSError, EOFError) as error:
        print("error=%s" % error)
        return False


def options(words):
    """Without argparse: to import that takes longer than most of what is done here, and this is started hundreds of times."""
    args, words = SimpleNamespace(host="127.0.0.1", pid=None, command=[]), list(words)
    while words:
        word = words.pop(0)
        if word == "--host":
            args.host = words.pop(0)
        elif word == "--pid":  # the server's, for idle_crowd and urgent
            args.pid = int(words.pop(0))
        else:
            args.command.append(word)
    args.port = int(args.command.pop(0))
    if ":" not in args.command[0]:
        args.command = [":".join(args.command)]
    return args


def main():
    args = options(sys.argv[1:])
    good = True
    for one in args.command:
        command, _, number = one.partition(":")
        args.number = int(number or 0)
        if len(args.command) > 1:
            print(one, end=": ", flush=True)
        good = run(command, args) and good
    return 0 if good else 1


sys.exit(main())
